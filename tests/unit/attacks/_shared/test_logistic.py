"""The logistic regressions that attacks fit, held against scikit-learn's and against their own definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mote_attacks._shared.logistic import log_probabilities
from sklearn.linear_model import LogisticRegression

STRENGTHS = (1e-3, 1e-1, 1.0, 10.0)


def people(n: int, p: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of mean squared length one, labels that depend on them, weights, and others to classify."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((2 * n, p)) / np.sqrt(p)
    labels = (3 * rows @ rng.standard_normal((p, classes)) + rng.gumbel(size=(2 * n, classes))).argmax(axis=1)
    labels[:classes] = np.arange(classes)
    return rows[:n], labels[:n], rng.uniform(0.2, 2, size=n), rows[n:]


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_as_scikit_learn_fits_by_the_same_rule(classes: int) -> None:
    rows, labels, weights, others = people(150, 20, classes, seed=classes)
    found = log_probabilities(rows, labels, weights, STRENGTHS, others)
    model = LogisticRegression(max_iter=300, warm_start=True)
    for strength, answer in zip(STRENGTHS, found, strict=True):
        model.set_params(C=strength).fit(rows, labels, weights)
        np.testing.assert_allclose(np.exp(answer), model.predict_proba(others), atol=1e-4)


@given(st.integers(2, 4), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_answers_are_log_probabilities(classes: int, p: int, seed: int) -> None:
    rows, labels, weights, others = people(40, p, classes, seed)
    found = log_probabilities(rows, labels, weights, STRENGTHS, others)
    assert found.shape == (len(STRENGTHS), len(others), classes)
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1)


def test_only_labels_that_occur_count() -> None:
    rows, labels, weights, others = people(60, 4, 2, seed=0)
    plain = log_probabilities(rows, labels, weights, STRENGTHS, others)
    renamed = log_probabilities(rows, 3 * labels + 1, weights, STRENGTHS, others)
    np.testing.assert_array_equal(plain, renamed)


def test_weights_are_repetitions() -> None:
    rows, labels, _, others = people(80, 5, 3, seed=1)
    twice = np.where(np.arange(80) < 20, 2, 1)
    weighed = log_probabilities(rows, labels, twice.astype(float), (1.0,), others)
    repeated = log_probabilities(rows.repeat(twice, axis=0), labels.repeat(twice), np.ones(100), (1.0,), others)
    np.testing.assert_allclose(np.exp(weighed), np.exp(repeated), atol=2e-3)
