"""Hand-computed linkability, and the reference values of shifted Gaussians."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mote_bench.metrics.linkage import bin_edges, d_sys, maximal_linkability, measure_linkage

P, Q = np.array([0.5, 0.5, 0.0]), np.array([0.0, 0.25, 0.75])


def test_d_sys_by_hand() -> None:
    # Bin 0 has no non-mated score: D = 1. Bin 1: LR = 2, D = 2 * 2 / 3 - 1 = 1/3. Bin 2 has no mated score.
    assert d_sys(P, Q) == pytest.approx(0.5 * 1 + 0.5 / 3)
    # Twice the prior odds: bin 1 has omega LR = 4, D = 2 * 4 / 5 - 1 = 3/5.
    assert d_sys(P, Q, 2.0) == pytest.approx(0.5 * 1 + 0.5 * 3 / 5)
    # A tenth: omega LR = 1/5 < 1, so only bin 0 is linkable.
    assert d_sys(P, Q, 0.1) == pytest.approx(0.5)


def test_maximal_linkability_by_hand() -> None:
    assert maximal_linkability(P, Q) == pytest.approx(np.log2(0.5 + 0.5 + 0.75))


def test_the_ends_of_both_scales() -> None:
    for measure in (d_sys, maximal_linkability):
        assert measure(P, P) == 0
        assert measure(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


@pytest.mark.parametrize(
    ("shift", "reported_d_sys", "reported_m"),
    [(0.5, 0.126, 0.256), (1, 0.293, 0.468), (2, 0.614, 0.749), (6, 0.997, 0.998)],
)
def test_gaussians_apart(shift: float, reported_d_sys: float, reported_m: float) -> None:
    edges = np.linspace(-6, 6 + shift, 101)
    mated, non_mated = np.diff(norm.cdf(edges, shift)), np.diff(norm.cdf(edges))
    # D(s) = tanh(log LR(s) / 2) with log LR(s) = shift s - shift^2 / 2; the total variation is 2 Phi(shift / 2) - 1.
    exact = quad(lambda s: np.tanh((shift * s - shift**2 / 2) / 2) * norm.pdf(s, shift), shift / 2, shift + 10)[0]
    assert d_sys(mated, non_mated) == pytest.approx(exact, abs=5e-4)
    assert maximal_linkability(mated, non_mated) == pytest.approx(np.log2(2 * norm.cdf(shift / 2)), abs=1e-6)
    # Figures measured elsewhere on samples, to the digits that sampling and other bins leave.
    assert d_sys(mated, non_mated) == pytest.approx(reported_d_sys, abs=4e-3)
    assert maximal_linkability(mated, non_mated) == pytest.approx(reported_m, abs=5e-3)


@pytest.mark.parametrize(("pairs", "bins"), [(50, 20), (200, 20), (457, 45), (5000, 100)])
def test_the_number_of_bins(pairs: int, bins: int) -> None:
    edges = bin_edges(np.array([[-1.0, 3.0]]), pairs)
    assert len(edges) == bins + 1
    assert (edges[0], edges[-1]) == (-1, 3)
    assert np.allclose(np.diff(edges), 4 / bins)


def test_a_small_linkage() -> None:
    answer = np.array([[0.0, 20.0, 1.0], [3.0, 2.0, 2.0], [5.0, 19.0, 19.0]])
    mate = np.array([1, 0, 2])
    measured = measure_linkage(answer, mate, np.random.default_rng(0))
    # Rows 0 and 1 rank their mate first, row 2 ties with one non-mate.
    assert measured["rank_1"].value == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert measured["rank_1"].chance == 1 / 3
    # Mated 20, 3, 19; non-mated 0, 1, 2, 2, 5, 19; twenty bins of width 1, the last closed: 19 and 20 share it.
    mated, non_mated = measured.details["mated"], measured.details["non_mated"]
    assert (mated[3], mated[19], sum(mated)) == (1, 2, 3)
    assert (non_mated[0], non_mated[1], non_mated[2], non_mated[5], non_mated[19], sum(non_mated)) == (1, 1, 2, 1, 1, 6)
    # D = 1 in bin 3 (mass 1/3); in bin 19 p = 2/3, q = 1/6, D = (2/3 - 1/6) / (2/3 + 1/6) = 3/5.
    assert measured["d_sys"].value == pytest.approx(1 / 3 + 2 / 3 * 3 / 5)
    assert measured["maximal_linkability"].value == pytest.approx(np.log2(1 / 3 + 2 / 3 + 5 / 6))
    # At 5, non-mated 5 and 19 pass (FMR 2/6) and mated 3 doesn't (FNMR 1/3).
    assert measured["eer"].value == pytest.approx(1 / 3)


def test_rank_1_in_galleries_of_growing_size():
    """Of 12 others, a mate that beats all is first in any gallery; one that beats 10 of 12, among 9 drawn others with
    C(10, 9) / C(12, 9) = 10 / 220."""
    answer = np.tile(np.arange(13.0), (2, 1))
    found = measure_linkage(answer, np.array([12, 10]), np.random.default_rng(0))
    assert found["rank_1_of_10"].value == pytest.approx((1 + 10 / 220) / 2)
    assert found["rank_1_of_10"].chance == 0.1
    assert "rank_1_of_30" not in {one.name for one in found.measurements}


@pytest.mark.parametrize(("beaten", "ways"), [(8, 0), (9, 1), (10, 10), (11, 55)])
def test_a_mate_that_beats_just_enough(beaten: int, ways: int) -> None:
    """First among nine drawn in C(beaten, 9) of the C(12, 9) = 220 draws: in none where it beats eight."""
    found = measure_linkage(np.tile(np.arange(13.0), (2, 1)), np.array([12, beaten]), np.random.default_rng(0))
    one = found["rank_1_of_10"]
    assert one.value == pytest.approx((1 + ways / 220) / 2)
    assert one.n == 2
    assert one.low < one.value < one.high


def test_ties_count_half_in_a_gallery() -> None:
    """One beats all twelve; another is level with all, which counts as beating six: too few where nine are drawn."""
    answer = np.zeros((2, 13))
    answer[0, 12] = 1
    found = measure_linkage(answer, np.array([12, 0]), np.random.default_rng(0))
    assert found["rank_1_of_10"].value == pytest.approx(1 / 2)
