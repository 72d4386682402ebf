"""The two-covariance model against the density of two faces written out."""

from __future__ import annotations

import numpy as np
import pytest
from mote_attacks._shared.two_covariance import TwoCovariance
from scipy.stats import multivariate_normal

from mote_bench.contracts import FloatArray


def test_log_ratios_are_those_of_the_joint_density() -> None:
    """log p(a, b | one subject) - log p(a) - log p(b) for a model whose covariances are given by hand."""
    mean, axes, correlation = np.array([1.0, 0.0]), np.diag([0.5, 2.0]), np.array([0.9, 0.3])
    total = np.linalg.inv(axes @ axes.T)
    between = np.linalg.inv(axes.T) @ np.diag(correlation) @ np.linalg.inv(axes)
    joint = np.block([[total, between], [between, total]])
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    expected = np.array(
        [
            [
                multivariate_normal.logpdf(np.concatenate([a, b]), np.tile(mean, 2), joint)
                - multivariate_normal.logpdf(a, mean, total)
                - multivariate_normal.logpdf(b, mean, total)
                for b in right
            ]
            for a in left
        ]
    )
    given = TwoCovariance(mean, axes, correlation).log_ratio(left, right)
    assert given - given[0, 0] == pytest.approx(expected - expected[0, 0])


def test_the_fit_finds_how_much_lies_between_subjects() -> None:
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    between, within = np.array([3.0, 1.0, 0.25]), np.array([1.0, 1.0, 1.0])

    def photos(subjects: int, count: int) -> list[FloatArray]:
        centres = rng.standard_normal((subjects, 3)) * np.sqrt(between)
        return [(centres + rng.standard_normal((subjects, 3)) * np.sqrt(within)) @ turn for _ in range(count)]

    pairs, [others] = photos(4000, 2), photos(4000, 1)
    model = TwoCovariance.of(pairs, others, shrink=0.0)
    assert np.sort(model.correlation) == pytest.approx(np.sort(between / (between + within)), abs=0.03)
    assert ((others - model.mean) @ model.axes).std(axis=0) == pytest.approx(np.ones(3), abs=0.03)


def test_equal_pairs_leave_a_finite_ratio() -> None:
    faces = np.random.default_rng(2).standard_normal((9, 4))
    model = TwoCovariance.of((faces, faces), faces, shrink=0.2)
    ratios = model.log_ratio(faces, faces)
    assert np.isfinite(ratios).all()
    assert (ratios.argmax(axis=1) == np.arange(9)).mean() > 0.8
