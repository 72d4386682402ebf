"""What each scheme costs beside the plain vector: enrolling 1,000 people and scoring 10,000 probes, 512-d.

A key changes the whole transform, so work grows with the number of distinct keys. Each scheme is timed with one key for
all (1,000 x 10,000 scores) and with a key each (20 templates x 10,000 scores, 20 enrolments); the latter is per key.
Where a score takes 10 microseconds or more, fewer are timed and the ratio is taken to as many of the plain vector.
MOTE and its kin are timed in files of their own.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mote_bench import registry
from mote_bench.contracts import Faces, FloatArray, Scheme
from mote_bench.questions.installed import ceilings
from mote_bench.toolkit import draw_keys, revocable, unit

PEOPLE, PROBES, KEYS, DIMENSION = 1_000, 10_000, 20, 512
SLOW = {"bfv": 20, "ckks": 20, "pe-miu": 50}
"""How many people each of these is timed on: their scores are encrypted, or 16 blocks are assigned one by one."""
CONTROLS = {"cosine", "noise", *ceilings()}
SCHEMES = sorted(
    one.name
    for one in registry.names("schemes")
    if one.target.startswith("mote_baselines.") and one.name not in CONTROLS
)


@cache
def faces() -> FloatArray:
    return unit(np.random.default_rng(0).standard_normal((PROBES, DIMENSION))).astype(np.float32)


@cache
def background() -> Faces:
    """600 photos of 200 people, whose gender is the sign of a coordinate."""
    some = faces()[:600]
    gender = np.where(some[:, 0] > 0, "female", "male")
    return Faces(some, np.repeat([f"p{person:03d}" for person in range(200)], 3), {"gender": gender})


@cache
def plain(people: int) -> tuple[float, float]:
    """Seconds in which the plain vector enrols and scores as many."""
    scheme: Scheme = registry.load("schemes", "cosine").fit(background(), seed=0)
    started = time.perf_counter()
    templates = scheme.enroll(faces()[:people], keys=None, seeds=range(people))
    enrolled = time.perf_counter()
    scheme.score(templates, faces(), keys=None)
    return enrolled - started, time.perf_counter() - enrolled


def per_key(scheme: Scheme) -> dict[str, float]:
    """Seconds of one enrolment, and of one template against all probes, where everyone has a key of their own."""
    keys = draw_keys(KEYS, np.random.default_rng(1))
    started = time.perf_counter()
    templates = scheme.enroll(faces()[:KEYS], keys=keys, seeds=range(KEYS))
    enrolled = time.perf_counter()
    scheme.score(templates, faces(), keys=keys)
    done = time.perf_counter()
    return {"enrol_per_key": (enrolled - started) / KEYS, "score_per_key": (done - enrolled) / KEYS}


@pytest.mark.benchmark(group="schemes")
@pytest.mark.parametrize("name", SCHEMES)
def test_scheme_against_the_plain_vector(benchmark: BenchmarkFixture, name: str) -> None:
    scheme: Scheme = registry.load("schemes", name).fit(background(), seed=0)
    people = SLOW.get(name, PEOPLE)
    keys = draw_keys(1, np.random.default_rng(1)) * people if revocable(scheme) else None
    started = time.perf_counter()
    templates = scheme.enroll(faces()[:people], keys=keys, seeds=range(people))
    enrolled = time.perf_counter() - started
    scores = benchmark.pedantic(lambda: scheme.score(templates, faces(), keys=keys), rounds=1, iterations=1)
    scored = benchmark.stats.stats.median
    assert scores.shape == (people, PROBES)
    figures = {"enrol_ratio": enrolled / plain(people)[0], "score_ratio": scored / plain(people)[1]}
    figures |= {"microseconds_per_score": 1e6 * scored / scores.size} | (per_key(scheme) if keys else {})
    size = float(np.mean([len(template) for template in templates]))
    benchmark.extra_info.update(bytes=size, **figures)
    print(f"{name}: {size:,.0f} bytes", {what: round(value, 4) for what, value in figures.items()})
