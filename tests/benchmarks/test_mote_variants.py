"""MOTE's closed forms: enrolment of a person and one verification, beside a vector's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mote_bench import registry
from mote_bench.conformance.findings import generated_faces

FACES = generated_faces(people=1300, photos=4, dimension=512)
SCHEMES = ["cosine", "mote-linear", "mote-features", "mote-features-int8", "mote-features-int4"]


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
