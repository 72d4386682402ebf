"""MOTE's closed forms: enrolment of a person and one verification, beside a vector's."""

from __future__ import annotations

import itertools
import resource
import sys
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mote_bench import registry
from mote_bench.conformance.findings import generated_faces
from mote_bench.contracts import FloatArray
from mote_bench.studies.operations import one_product, scoring
from mote_bench.toolkit import unit

FACES = generated_faces(people=1300, photos=4, dimension=512)
SCHEMES = ["cosine", "mote-solved", "mote-linear", "mote-features", "mote-features-int8", "mote-features-int4"]


def fitted(name: str) -> Any:
    return registry.load("schemes", name).fit(FACES.rows(np.arange(200, len(FACES))), seed=0)


@pytest.mark.benchmark(group="mote-variants: enrolment of 50 people, 512-d, 5,000 background embeddings")
@pytest.mark.parametrize("name", SCHEMES)
def test_enrolment(benchmark: BenchmarkFixture, name: str) -> None:
    scheme = fitted(name)
    faces = FACES.embeddings[:200:4]
    made = benchmark.pedantic(lambda: scheme.enroll(faces, keys=None, seeds=range(50)), rounds=5, warmup_rounds=1)
    benchmark.extra_info["bytes"] = len(made[0])


@pytest.mark.benchmark(group="mote-variants: one verification, 512-d")
@pytest.mark.parametrize("name", SCHEMES)
def test_verification(benchmark: BenchmarkFixture, name: str) -> None:
    scheme = fitted(name)
    templates = scheme.enroll(FACES.embeddings[:1], keys=None, seeds=[0])
    benchmark(lambda: scheme.score(templates, FACES.embeddings[1:2], keys=None))


@pytest.mark.benchmark(group="mote-variants: 400 faces that are new, shown to one template, 512-d")
@pytest.mark.parametrize("name", [*SCHEMES, "mote-keyed"])
def test_an_attackers_queries(benchmark: BenchmarkFixture, name: str) -> None:
    """What a search and a query of the running system ask again and again."""
    scheme, rng = fitted(name), np.random.default_rng(0)
    keys = [b"k" * 32] if name == "mote-keyed" else None
    templates = scheme.enroll(FACES.embeddings[:1], keys=keys, seeds=[0])

    def new_faces() -> tuple[tuple[FloatArray], dict[str, FloatArray]]:
        return (unit(rng.standard_normal((400, 512))).astype(np.float32),), {}

    benchmark.pedantic(lambda faces: scheme.score(templates, faces, keys=keys), setup=new_faces, rounds=50)


@pytest.mark.benchmark(group="mote-variants: 100 people enrolled under a further key, 128-d")
def test_a_further_key(benchmark: BenchmarkFixture) -> None:
    """What an attacker with stolen keys does for each of them."""
    faces = generated_faces(people=300, photos=4, dimension=128)
    scheme = registry.load("schemes", "mote-keyed").fit(faces.rows(np.arange(400, len(faces))), seed=0)
    own, numbers = faces.embeddings[:400:4], itertools.count(1)

    def enrolled() -> list[bytes]:
        key = next(numbers).to_bytes(32, "little")
        return scheme.enroll(own, keys=[key] * len(own), seeds=range(len(own)))

    benchmark.pedantic(enrolled, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="mote-variants: all people against all probes, 512-d")
@pytest.mark.parametrize("name", ["mote-solved", "mote-linear", "mote-features"])
def test_all_against_all_beside_one_product(benchmark: BenchmarkFixture, name: str) -> None:
    """How many times what the same multiplications and additions take as one matrix product."""
    scheme = fitted(name)
    templates = scheme.enroll(FACES.embeddings[:200:4], keys=None, seeds=range(50))
    probes = FACES.embeddings[:1000]
    benchmark(lambda: scheme.score(templates, probes, keys=None))
    operations = scoring(scheme, len(templates), *probes.shape)
    benchmark.extra_info["operations"] = operations
    benchmark.extra_info["to_one_product"] = benchmark.stats.stats.median / one_product(operations)
    print(f"{name}: {benchmark.extra_info['to_one_product']:.1f} times one matrix product of the same operations")


@pytest.mark.benchmark(group="mote-variants: 10,000 people, 512-d")
def test_ten_thousand_people_fit_in_memory(benchmark: BenchmarkFixture) -> None:
    """Templates are kept as bytes: memory grows by what a database would hold, and by nothing else that stays."""
    scheme = fitted("mote-linear")
    people = np.resize(FACES.embeddings, (10_000, FACES.embeddings.shape[1]))
    scheme.enroll(people[:100], keys=None, seeds=range(100))
    before = _peak()
    made = benchmark.pedantic(lambda: scheme.enroll(people, keys=None, seeds=range(10_000)), rounds=1, iterations=1)
    grown = _peak() - before
    benchmark.extra_info.update(bytes=sum(map(len, made)), peak_grown=grown)
    print(
        f"10,000 people: {sum(map(len, made)) / 2**20:.0f} MB of templates, peak memory grew by {grown / 2**20:.0f} MB"
    )
    assert grown < 2 * sum(map(len, made)) + 64 * 2**20


def _peak() -> int:
    """Bytes of the largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
