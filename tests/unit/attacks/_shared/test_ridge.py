"""The ridge regression is the plain loop, and finds an exact relation."""

from __future__ import annotations

import numpy as np
import pytest
from mote_attacks._shared.ridge import fit_ridge


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
