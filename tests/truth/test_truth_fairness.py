"""Hand-computed measures of how far the groups' error rates lie apart."""

import numpy as np
import pytest

from mote_bench.metrics.fairness import _garbe, _Rates, fdr, garbe, gini, ir, ser, snake_case

FMR, FNMR = np.array([0.01, 0.03]), np.array([0.1, 0.2])


def test_fdr() -> None:
    assert fdr(FMR, FNMR, 0.5) == pytest.approx(1 - (0.5 * 0.02 + 0.5 * 0.1))
    assert fdr(FMR, FNMR, 0.995) == pytest.approx(1 - (0.995 * 0.02 + 0.005 * 0.1))
    # The largest difference of three rates counts.
    assert fdr(np.array([0.0, 0.1, 0.4]), np.zeros(3), 0.5) == pytest.approx(0.8)
    assert fdr(np.full(3, 0.2), np.full(3, 0.3), 0.5) == 1


def test_ir() -> None:
    assert ir(FMR, FNMR, 0.5) == pytest.approx(np.sqrt(3 * 2))
    assert ir(FMR, FNMR, 1.0) == pytest.approx(3)
    assert ir(FMR, FNMR, 0.0) == pytest.approx(2)
    assert ir(np.full(2, 0.1), np.full(2, 0.4), 0.5) == 1
    with pytest.raises(ValueError, match=r"smallest rate is 0\.0"):
        ir(np.array([0.0, 0.1]), FNMR, 0.5)


def test_gini() -> None:
    # Two rates: 2/1 * (2 * 0.02) / (2 * 4 * 0.02) = 1/2, and 2/1 * (2 * 0.1) / (2 * 4 * 0.15) = 1/3.
    assert gini(FMR) == pytest.approx(1 / 2)
    assert gini(FNMR) == pytest.approx(1 / 3)
    # Three: |differences| 1, 2, 1 counted twice = 8; 3/2 * 8 / (2 * 9 * 2) = 1/3.
    assert gini(np.array([1.0, 2.0, 3.0])) == pytest.approx(1 / 3)
    # One group makes all errors: 3/2 * 4 / (2 * 9 * 1/3) = 1.
    assert gini(np.array([0.0, 0.0, 1.0])) == pytest.approx(1)
    assert gini(np.array([0.2, 0.2])) == 0
    assert gini(np.zeros(4)) == 0


def test_garbe() -> None:
    assert garbe(FMR, FNMR, 0.5) == pytest.approx(0.5 / 2 + 0.5 / 3)
    assert garbe(FMR, FNMR, 0.25) == pytest.approx(0.25 / 2 + 0.75 / 3)
    assert garbe(np.zeros(3), np.zeros(3), 0.5) == 0
    assert garbe(np.zeros(2), FNMR, 0.5) == pytest.approx(1 / 6)


def test_ser() -> None:
    assert ser(np.array([0.02, 0.05, 0.04])) == pytest.approx(2.5)
    with pytest.raises(ValueError, match="above 0"):
        ser(np.array([0.0, 0.1]))


@pytest.mark.parametrize(
    ("label", "name"),
    [("18-34", "18_34"), ("65+", "65_plus"), ("<18", "under_18"), ("East Asian", "east_asian"), ("female", "female")],
)
def test_names(label: str, name: str) -> None:
    assert snake_case(label) == name


def test_the_margin_of_garbe():
    """One draw that puts each rate a fifth of the way to its bounds. Relative FMRs 0.5, 1.5 become 0.6, 1.4 and FNMRs
    1, 1 become 1.1, 0.9: both are off by 0.1 in Gini's measure, and so is their weighted mean."""
    drawn = np.array([[0.2, -0.2]])
    fmrs = _Rates(np.array([0.1, 0.3]), np.array([0.05, 0.2]), np.array([0.2, 0.4]), drawn)
    fnmrs = _Rates(np.array([0.2, 0.2]), np.array([0.1, 0.1]), np.array([0.3, 0.3]), drawn)
    spread = _garbe(fmrs, fnmrs, 0.25)
    assert spread.value == pytest.approx(0.125)
    assert spread.interval == pytest.approx((0.025, 0.225))
