"""What the cancelable schemes cost beside the plain vector: enrolling 1,000 people and scoring 10,000 probes, 512-d.

A key changes the whole transform, so work grows with the number of distinct keys. Each scheme is timed with one key for
all (1,000 x 10,000 scores) and with a key each (20 templates x 10,000 scores, 20 enrolments); the latter is per key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from mote_baselines.biohash import BioHash
from mote_baselines.bloom import BloomFilter
from mote_baselines.cosine import Cosine
from mote_baselines.iom import GaussianIoM, PermutationIoM
from mote_baselines.mlphash import MLPHash
from mote_baselines.randhash import RandHash, RandomProjection
from mote_baselines.slerpface import SlerpFace
from pytest_benchmark.fixture import BenchmarkFixture

from mote_bench.contracts import Faces, FloatArray, Scheme
from mote_bench.toolkit import draw_keys, unit

PEOPLE, PROBES, KEYS, DIMENSION = 1_000, 10_000, 20, 512
SCHEMES = (GaussianIoM, PermutationIoM, MLPHash, RandomProjection, RandHash, BloomFilter, SlerpFace, BioHash)


@cache
def faces() -> FloatArray:
    return unit(np.random.default_rng(0).standard_normal((PROBES, DIMENSION))).astype(np.float32)


@cache
def plain() -> tuple[float, float]:
    """Seconds in which the plain vector enrols and scores the same."""
    scheme = Cosine().fit(Faces(faces()[:200]), seed=0)
    started = time.perf_counter()
    templates = scheme.enroll(faces()[:PEOPLE], keys=None, seeds=range(PEOPLE))
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


@pytest.mark.benchmark(group="hashing-schemes")
@pytest.mark.parametrize("make", SCHEMES, ids=lambda make: make.__name__)
def test_scheme_against_the_plain_vector(benchmark: BenchmarkFixture, make: Callable[[], Scheme]) -> None:
    scheme = make().fit(Faces(faces()[:200]), seed=0)
    keys = draw_keys(1, np.random.default_rng(1)) * PEOPLE
    started = time.perf_counter()
    templates = scheme.enroll(faces()[:PEOPLE], keys=keys, seeds=range(PEOPLE))
    enrolled = time.perf_counter() - started
    scores = benchmark.pedantic(lambda: scheme.score(templates, faces(), keys=keys), rounds=1, iterations=1)
    scored = benchmark.stats.stats.median
    assert scores.shape == (PEOPLE, PROBES)
    figures = {"enrol_ratio": enrolled / plain()[0], "score_ratio": scored / plain()[1], **per_key(scheme)}
    benchmark.extra_info.update(bytes=len(templates[0]), **figures)
    print(f"{make.__name__}: {len(templates[0])} bytes", {name: round(value, 4) for name, value in figures.items()})
