"""The ridge regression is the plain loop, and finds an exact relation."""

from __future__ import annotations

import numpy as np
import pytest
from mote_attacks._shared.ridge import _STRENGTHS, fit_ridge, fit_scalar


class TestRidge:
    def _data(self, n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([n, p])
        inputs = rng.standard_normal((n, p)) + 3
        return inputs, inputs @ rng.standard_normal((p, 4)) + rng.standard_normal((n, 4)) + 1

    @pytest.mark.parametrize(("n", "p"), [(20, 5), (15, 40)])
    def test_left_out_predictions_are_those_of_the_plain_loop(
        self, n: int, p: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inputs, outputs = self._data(n, p)
        strength = 0.03
        monkeypatch.setattr("mote_attacks._shared.ridge._STRENGTHS", np.array([strength]))
        fit = fit_ridge(inputs, outputs)
        centred = inputs - inputs.mean(axis=0)
        alpha = strength * (centred**2).sum() / n
        for left in range(n):
            x, y = np.delete(inputs, left, axis=0), np.delete(outputs, left, axis=0)
            xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
            weights = np.linalg.solve(xc.T @ xc + alpha * np.eye(p), xc.T @ yc)
            assert fit.left_out[left] == pytest.approx((inputs[left] - x.mean(axis=0)) @ weights, rel=1e-6)

    def test_exact_relation_is_found_exactly(self) -> None:
        rng = np.random.default_rng(0)
        inputs, mixing = rng.standard_normal((50, 10)), rng.standard_normal((10, 3))
        fit, fresh = fit_ridge(inputs, inputs @ mixing + 2), rng.standard_normal((5, 10))
        assert fit.predict(fresh) == pytest.approx((fresh - inputs.mean(axis=0)) @ mixing, abs=1e-3)
        assert fit.agreement > 0.999

    def test_constant_inputs_tell_nothing(self) -> None:
        fit = fit_ridge(np.ones((4, 3)), np.arange(8.0).reshape(4, 2))
        assert fit.predict(np.ones((1, 3))).tolist() == [[0.0, 0.0]]


class TestScalar:
    @pytest.mark.parametrize(("n", "p"), [(40, 3), (40, 60)])
    def test_predictions_are_those_of_the_strength_with_the_least_error_left_out(self, n: int, p: int) -> None:
        """By the plain loop over subjects, for more rows than columns and for fewer."""
        rng = np.random.default_rng([n, p])
        inputs = rng.standard_normal((n, p)) + 3
        outputs = inputs @ rng.standard_normal(p) + rng.standard_normal(n)
        fresh, mean_square = rng.standard_normal((5, p)), float(((inputs - inputs.mean(axis=0)) ** 2).sum() / n)

        def predicted(rows: np.ndarray, truth: np.ndarray, asked: np.ndarray, strength: float) -> np.ndarray:
            x = rows - rows.mean(axis=0)
            weights = np.linalg.solve(x.T @ x + strength * mean_square * np.eye(p), x.T @ (truth - truth.mean()))
            return np.asarray((asked - rows.mean(axis=0)) @ weights + truth.mean())

        def left_out(strength: float) -> np.ndarray:
            others = [np.arange(n) != row for row in range(n)]
            return np.array([predicted(inputs[o], outputs[o], inputs[~o], strength)[0] for o in others])

        strength = min(_STRENGTHS, key=lambda one: float(((left_out(one) - outputs) ** 2).sum()))
        fit = fit_scalar(inputs, outputs)
        assert fit.predict(fresh) == pytest.approx(predicted(inputs, outputs, fresh, strength), rel=1e-6)
        assert fit.agreement == pytest.approx(np.corrcoef(left_out(strength), outputs)[0, 1], rel=1e-6)
