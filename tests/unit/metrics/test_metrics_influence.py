"""How far each person pulls a figure is, to first order, what the figure loses without them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from metric_populations import Population

from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.dictionary import measure_dictionary
from mote_bench.metrics.linkage import measure_linkage
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.membership import measure_photo
from mote_bench.metrics.reconstruction import Truth, measure_reconstruction
from mote_bench.metrics.values import measure_value
from mote_bench.metrics.verification import Scores, measure_verification

RNG = np.random.default_rng(0)
PEOPLE = 150
Measure = Callable[[np.ndarray], Measured]


def of_classes(kept: np.ndarray) -> Measured:
    rng = np.random.default_rng(1)
    truth = np.arange(PEOPLE) % 3
    answer = rng.standard_normal((PEOPLE, 3)) + np.eye(3)[truth]
    return measure_attribute(answer[kept], truth[kept], ("a", "b", "c"))


def of_numbers(kept: np.ndarray) -> Measured:
    rng = np.random.default_rng(2)
    truth = rng.standard_normal(PEOPLE)
    answer = 0.5 * truth + rng.standard_normal(PEOPLE)
    return measure_value(answer[kept, None], truth[kept], np.random.default_rng(0))


def of_photos(kept: np.ndarray) -> Measured:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, PEOPLE)
    answer = rng.standard_normal((PEOPLE, 4)) + np.eye(4)[truth]
    return measure_photo(answer[kept], truth[kept], rng)


def of_dictionaries(kept: np.ndarray) -> Measured:
    return measure_dictionary({"1e-2": np.random.default_rng(4).random((PEOPLE, 12))[kept] < 0.1})


SCORES = Population(0.9).scores(np.random.default_rng(5), PEOPLE)


def of_claims(kept: np.ndarray) -> Measured:
    return measure_verification(SCORES.inside(kept), {"1e-2": 0.5}, RNG)


FACES = RNG.standard_normal((PEOPLE, 12))
SHOWN = np.repeat(np.arange(PEOPLE), 2)
PROBES = FACES[SHOWN] + 0.5 * RNG.standard_normal((2 * PEOPLE, 12))
RECONSTRUCTED = FACES + 0.9 * RNG.standard_normal(FACES.shape)


def of_faces(kept: np.ndarray) -> Measured:
    shown = (np.cumsum(kept) - 1)[SHOWN[kept[SHOWN]]]
    truth = Truth(np.zeros(12), FACES[kept], PROBES[kept[SHOWN]], shown)
    return measure_reconstruction(RECONSTRUCTED[kept], truth, {"1e-2": 0.5}, RNG)


@pytest.mark.parametrize(
    ("measure", "metric"),
    [
        (of_classes, "balanced_accuracy"),
        (of_numbers, "correlation"),
        (of_numbers, "mae"),
        (of_photos, "top_1"),
        (of_dictionaries, "opened_by_1_at_fmr_1e-2"),
        (of_dictionaries, "opened_by_10_at_fmr_1e-2"),
        (of_claims, "fnmr_at_fmr_1e-2"),
        (of_faces, "cosine_gain"),
        (of_faces, "success_gain_at_fmr_1e-2"),
    ],
)
def test_what_is_lost_without_somebody(measure: Measure, metric: str) -> None:
    everybody = np.ones(PEOPLE, dtype=bool)
    whole = measure(everybody)
    pulls = whole.influence[metric]
    assert pulls.shape == (PEOPLE,)
    assert pulls.sum() == pytest.approx(0, abs=1e-12)
    left_out = range(3, PEOPLE, 31)
    lost = []
    for person in left_out:
        kept = everybody.copy()
        kept[person] = False
        lost.append(whole[metric].value - measure(kept)[metric].value)
    # The second order is a few parts of a hundred at this many people; a class of 50 has 1/49 in place of 1/50.
    scale = np.abs(pulls).max()
    np.testing.assert_allclose(pulls[list(left_out)], lost, rtol=0.05, atol=0.03 * scale)


def test_who_pulls_the_eer() -> None:
    """Without the people who pull it up the EER is lower, without those who pull it down higher."""
    everybody = np.ones(PEOPLE, dtype=bool)
    pulls = of_claims(everybody).influence["eer"]
    assert pulls.sum() == pytest.approx(0, abs=1e-12)
    most, least = np.argsort(pulls)[-15:], np.argsort(pulls)[:15]
    without = []
    for group in (most, least):
        kept = everybody.copy()
        kept[group] = False
        without.append(of_claims(kept)["eer"].value)
    assert without[0] < of_claims(everybody)["eer"].value < without[1]


def test_linkage_tells_the_pull_of_its_rows() -> None:
    """Of the people whose records are linked, in their order, though other subjects are in the other database too."""
    rng = np.random.default_rng(6)
    faces, order = rng.standard_normal((50, 8)), rng.permutation(30)
    answer = (faces[:30] + 0.8 * rng.standard_normal((30, 8))) @ faces.T
    pulls = measure_linkage(answer, np.arange(30), rng).influence["eer"]
    assert pulls.shape == (30,)
    assert measure_linkage(answer[order], order, rng).influence["eer"] == pytest.approx(pulls[order])


def test_people_alike_pull_alike() -> None:
    values = np.eye(12) + np.eye(12)[::-1]
    scores = Scores(values, np.arange(12), np.arange(12))
    pulls = measure_verification(scores, {"1e-2": 0.5}, RNG).influence
    assert np.ptp(pulls["eer"]) == pytest.approx(0, abs=1e-12)
    assert np.ptp(pulls["fnmr_at_fmr_1e-2"]) == pytest.approx(0, abs=1e-12)
