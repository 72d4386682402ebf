"""Hand-computed measures of how far the groups' error rates lie apart."""

from dataclasses import replace

import numpy as np
import pytest

from mote_bench.metrics.fairness import (
    _fdr,
    _garbe,
    _ir,
    _Rates,
    _rates,
    _ser,
    fdr,
    garbe,
    gini,
    ir,
    ser,
)
from mote_bench.metrics.names import snake_case

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
    with pytest.raises(ValueError, match="1 group; expected at least 2"):
        gini(np.array([0.1]))
    with pytest.raises(ValueError, match="above 0"):
        ser(np.array([0.0, 0.1]))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("18-34", "18_34"),
        ("65+", "65_plus"),
        ("<18", "under_18"),
        ("East Asian", "east_asian"),
        ("female", "female"),
        (">=65", "over_65"),
    ],
)
def test_names(label: str, name: str) -> None:
    assert snake_case(label) == name


# One draw that puts each rate a fifth of the way to its bounds.
DRAWN = np.array([[0.2, -0.2]])
FMRS = _Rates(np.array([0.1, 0.3]), np.array([0.05, 0.2]), np.array([0.2, 0.4]), DRAWN)
FNMRS = _Rates(np.array([0.2, 0.2]), np.array([0.1, 0.1]), np.array([0.3, 0.3]), DRAWN)


def test_the_margin_of_garbe():
    """Relative FMRs 0.5, 1.5 become 0.6, 1.4 and FNMRs 1, 1 become 1.1, 0.9: both are off by 0.1 in Gini's measure,
    and so is their weighted mean."""
    spread = _garbe(FMRS, FNMRS, 0.25)
    assert spread.value == pytest.approx(0.125)
    assert spread.interval == pytest.approx((0.025, 0.225))


def test_the_margin_of_fdr():
    """Both rates are off by 0.02 up and 0.02 down, so their gaps by 0.04."""
    spread = _fdr(FMRS, FNMRS, 0.25)
    assert spread.value == pytest.approx(1 - 0.25 * 0.2)
    assert spread.interval == pytest.approx((0.95 - 0.04, 0.95 + 0.04))


def test_the_margins_of_ratios():
    """The smaller FMR may be a fifth of a doubling higher, the larger a fifth of 1.5 lower: the ratio is off by 3^0.2.
    So is that of the FNMRs, the other way round."""
    spread = _ir(FMRS, FNMRS, 0.25)
    assert spread.value == pytest.approx(3**0.25)
    assert spread.interval == pytest.approx((3**0.05, 3**0.45))
    spread = _ser(FMRS)
    assert spread.value == pytest.approx(3)
    assert spread.interval == pytest.approx((3**0.8, 3**1.2))
    assert _ser(FNMRS).interval == pytest.approx((1, 3**0.2))  # no ratio is below one


def test_weights_of_the_margins():
    """FMR alone, and FNMR alone, where only the FMRs may be off."""
    sure = _Rates(FNMRS.value, FNMRS.value, FNMRS.value, DRAWN)
    for margin, even in ((_fdr, 1.0), (_garbe, 0.0), (_ir, 1.0)):
        assert np.ptp(margin(FMRS, sure, 1.0).interval) > 0.05
        assert margin(FMRS, sure, 0.0).interval == pytest.approx((even, even))


def test_nineteen_of_twenty_draws_are_within_the_margin():
    """Draws from none to all of the way to the bounds, in steps of a twentieth: nineteen of them."""
    steps = np.linspace(0, 1, 21)[:, None] * [1, -1]
    spread = _fdr(replace(FMRS, draws=steps), replace(FNMRS, draws=steps), 0.25)
    assert spread.interval == pytest.approx((0.95 - 0.95 * 0.2, 1))


def test_no_rate_is_drawn_out_of_bounds():
    """However far the draw: the true rates lie in 0 to 1, and a lower bound of zero counts as one in ten thousand."""
    far = _Rates(np.array([0.1, 0.3]), np.array([0.0, 0.2]), np.array([0.2, 0.4]), np.array([[-90.0, 90.0]]))
    assert far.errors == pytest.approx(np.array([[-0.1, 0.7]]))
    near = replace(far, draws=np.array([[-1.0, 1.0]]))
    assert near.log_errors == pytest.approx(np.array([[-np.log(1000), np.log(4 / 3)]]))


def test_a_draw_passes_the_bounds_once_in_twenty():
    rates = _rates([0.1, 0.3], [(0.05, 0.2), (0.2, 0.4)], np.random.default_rng(0))
    assert rates.draws.shape == (2000, 2)
    assert np.mean(np.abs(rates.draws) > 1) == pytest.approx(0.05, abs=0.01)
    assert (rates.low.tolist(), rates.high.tolist()) == ([0.05, 0.2], [0.2, 0.4])
