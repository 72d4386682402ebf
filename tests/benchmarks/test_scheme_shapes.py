"""Schemes at the shapes in which attacks use them, beside the matrix product that each needs at least.

A search presents 400 proposals to one template at a time, its start 20,000 samples; an evolution presents 20 faces to
all subjects in turn; a classifier under a stolen key enrols 300 shadow subjects under it. ``of_product`` says how many
times as long the shape takes as the plain product of as many faces with the scheme's matrix for one key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from secrets import token_bytes

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mote_bench import registry
from mote_bench.contracts import Faces, FloatArray, Scheme
from mote_bench.toolkit import draw_keys, revocable, unit

DIMENSION, KEYS = 128, 20
COLUMNS = {
    "random-projection": 64,
    "rand-hash": 128,
    "biohash": 128,
    "mlp-hash": 1536,
    "iom-grp": 4800,
    "nfr": 4096,
}
"""Columns of the matrix that a face is multiplied by, whose rows are the dimensions; MLP-Hash's layers are counted as
as many columns as take the same number of products. The other schemes need no product."""
SCHEMES = ["cosine", *COLUMNS, "iom-urp", "bloom", "slerpface", "polyprotect", "pe-miu", "bfv", "ckks"]


@cache
def faces(count: int) -> FloatArray:
    return unit(np.random.default_rng(0).standard_normal((count, DIMENSION))).astype(np.float32)


def product(columns: int, count: int) -> float:
    """Seconds of the product of ``count`` faces with a matrix, the shortest of five."""
    matrix, shown, taken = np.ones((DIMENSION, columns), dtype=np.float32), faces(count), []
    for _ in range(5):
        started = time.perf_counter()
        np.matmul(shown, matrix)
        taken.append(time.perf_counter() - started)
    return min(taken)


SHAPES: dict[str, tuple[int, Callable[[Scheme, list[bytes], list[bytes]], object]]] = {
    "one template, 400 probes": (400, lambda scheme, own, keys: _score(scheme, own[:1], keys[:1], 400)),
    "one template, 4,096 probes": (4096, lambda scheme, own, keys: _score(scheme, own[:1], keys[:1], 4096)),
    "20 templates, 1,000 probes": (20_000, lambda scheme, own, keys: _score(scheme, own, keys, 1000)),
    "20 templates in turn, 20 probes": (
        400,
        lambda scheme, own, keys: [_score(scheme, own[i : i + 1], keys[i : i + 1], 20) for i in range(KEYS)],
    ),
    "enrolment of 300 under a new key": (
        300,
        lambda scheme, own, keys: scheme.enroll(
            faces(300), keys=[token_bytes(32)] * 300 if revocable(scheme) else None, seeds=range(300)
        ),
    ),
}


def _score(scheme: Scheme, templates: list[bytes], keys: list[bytes], count: int) -> FloatArray:
    return scheme.score(templates, faces(count), keys=keys if revocable(scheme) else None)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SCHEMES)
def test_shape(benchmark: BenchmarkFixture, name: str, shape: str) -> None:
    background = Faces(faces(600), np.repeat([f"p{person:03d}" for person in range(200)], 3))
    scheme: Scheme = registry.load("schemes", name).fit(background, seed=0)
    keys = list(draw_keys(KEYS, np.random.default_rng(1)))
    own = scheme.enroll(faces(KEYS), keys=keys if revocable(scheme) else None, seeds=range(KEYS))
    count, run = SHAPES[shape]
    benchmark.group = shape
    benchmark.pedantic(run, args=(scheme, own, keys), rounds=3, warmup_rounds=1)
    if name in COLUMNS:
        benchmark.extra_info["of_product"] = benchmark.stats.stats.min / product(COLUMNS[name], count)
        print(f"{name}, {shape}: {benchmark.extra_info['of_product']:.1f} times the matrix product")
