"""Predictions against the formula of weighted kernel ridge regression, solved whole for each fold."""

from __future__ import annotations

import numpy as np
import pytest
from mote_attacks._shared.kernel_regression import (
    Lesson,
    Targets,
    _by_columns,
    _kernels,
    _predicted,
    lessons,
    predictions,
)

from mote_bench.contracts import FloatArray

RNG = np.random.default_rng(0)
K, N, M, FOLD = 30, 12, 5, np.arange(12) % 4
LESSON = Lesson(*(RNG.standard_normal((rows, 3)) for rows in (K, N, M)))
TARGETS = Targets(RNG.standard_normal((K, 2)), RNG.standard_normal((N, 2)), RNG.uniform(0.5, 1.5, K + N), FOLD)


def solved(likeness: FloatArray, noise: FloatArray, learned: FloatArray, asked: FloatArray) -> FloatArray:
    outputs = np.concatenate([TARGETS.public, TARGETS.known])
    whole = likeness[np.ix_(learned, learned)] + np.diag(noise[learned])
    return np.asarray(likeness[np.ix_(asked, learned)] @ np.linalg.solve(whole, outputs[learned]))


@pytest.mark.parametrize("public", [K, 0])
def test_folds_share_one_factor_and_predict_what_each_would_alone(public: int) -> None:
    rows = np.concatenate([LESSON.public, LESSON.known, LESSON.unknown])
    likeness, noise = list(_kernels(rows, K + N))[-1], 0.3 / TARGETS.weights
    first = K - public
    alone = Targets(TARGETS.public[first:], TARGETS.known, TARGETS.weights[first:], FOLD)
    found = _predicted(likeness[first:, first:], alone, noise[first:])
    means = []
    for part in range(4):
        held, others = K + np.flatnonzero(part == FOLD), K + np.flatnonzero(part != FOLD)
        learned = np.concatenate([np.arange(first, K), others])
        np.testing.assert_allclose(found.left_out[held - K], solved(likeness, noise, learned, held), atol=1e-9)
        means.append(solved(likeness, noise, learned, np.arange(K + N, K + N + M)))
    np.testing.assert_allclose(found.unknown, np.mean(means, axis=0), atol=1e-9)


def test_few_columns_predict_what_their_products_do() -> None:
    rows = np.concatenate([LESSON.public, LESSON.known, LESSON.unknown])
    likeness, noise = next(_kernels(rows, K + N)), 0.3 / TARGETS.weights
    by_products, by_columns = _predicted(likeness / 2, TARGETS, noise), _by_columns(rows, 2.0, TARGETS, noise)
    np.testing.assert_allclose(by_columns.left_out, by_products.left_out, atol=1e-12)
    np.testing.assert_allclose(by_columns.unknown, by_products.unknown, atol=1e-12)


def test_each_setting_comes_with_public_rows_and_without() -> None:
    """A linear kernel and three Gaussian ones at three strengths, twice each."""
    assert len(list(predictions(LESSON, TARGETS))) == 24
    alone = Targets(TARGETS.public[:0], TARGETS.known, TARGETS.weights[K:], FOLD)
    assert len(list(predictions(Lesson(LESSON.public[:0], LESSON.known, LESSON.unknown), alone))) == 12


def test_likeness_is_the_product_or_a_gaussian_of_the_distance() -> None:
    """Two rows of two columns at a squared distance of 8; of width 0.7 the exponent is 8 / (4 * 0.49 * 2)."""
    products, _, gaussian, _ = _kernels(np.array([[1.0, 1.0], [-1.0, -1.0]]), 1)
    assert products.tolist() == [[2.0], [-2.0]]
    assert gaussian[:, 0] == pytest.approx([1.0, np.exp(-8 / 3.92)])


def test_constant_columns_predict_nothing() -> None:
    flat = Lesson(np.ones((K, 2)), np.ones((N, 2)), np.ones((M, 2)))
    for one in predictions(flat, TARGETS):
        assert np.isfinite(one.left_out).all()
        assert np.ptp(one.unknown, axis=0) == pytest.approx(0, abs=1e-9)


def test_templates_are_read_by_the_schemes_format_too() -> None:
    class Read:
        def readings(self, templates: list[bytes]) -> list[FloatArray]:
            return [np.array([[len(one)] for one in templates])]

    plain, read = lessons(Read(), [b"a", b"b"], [b"c"], [b"dd"])  # type: ignore[arg-type]
    assert [len(part) for part in (plain.public, plain.known, plain.unknown)] == [2, 1, 1]
    assert read.unknown.tolist() == [[2]]


def test_a_reading_that_is_the_numbers_is_not_learned_from_twice() -> None:
    class Read:
        def readings(self, templates: list[bytes]) -> list[FloatArray]:
            return [np.array([np.frombuffer(one, "<f4") for one in templates])]

    [only] = lessons(Read(), [b"\0\0\x80\x3f"], [b"\0\0\0\x40"], [b"\0\0\0\0"])  # type: ignore[arg-type]
    assert only.known.tolist() == [[2.0]]
