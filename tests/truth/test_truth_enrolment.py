"""Failure to acquire and to enrol, and the generalised FNMR, computed by hand."""

import numpy as np
import pytest

from mote_bench.contracts import Acquisition, Measurement
from mote_bench.metrics.enrolment import (
    Rate,
    acquired_by_enrolled,
    generalised_fnmr,
    measure_acquisition,
    measure_acquisition_by_group,
    measure_enrolment,
    measure_enrolment_by_group,
)

Z = 1.959963984540054


def forty_subjects():
    """40 subjects with 4 pictures each, women first. Of 3 subjects, 1 woman and 2 men, no picture gave an embedding.

    Of 4 further women one picture of the four gave none.
    """
    identity = np.repeat([f"s{k:02d}" for k in range(40)], 4)
    failed = np.zeros(160, dtype=bool)
    for subject in (0, 20, 39):
        failed[4 * subject : 4 * subject + 4] = True
    for subject in (1, 2, 3, 4):
        failed[4 * subject + 1] = True
    gender = np.where(np.arange(160) < 80, "female", "male")
    return Acquisition(failed, identity, {"gender": gender})


def test_three_of_forty_subjects() -> None:
    measured = measure_acquisition(forty_subjects())
    fte, fta = measured["fte"], measured["fta"]
    assert (fte.value, fte.n) == (3 / 40, 40)
    assert (fta.value, fta.n) == (16 / 160, 40)
    counts = {"pictures": 160, "failed_pictures": 16, "people": 40, "failed_people": 3}
    assert measured.details == {"acquisition": counts}
    # Wilson's interval of 3 of 40, a little wider for a t quantile, as 40 subjects are few: 0.026 to 0.199.
    centre, half = (
        (0.075 + Z**2 / 80) / (1 + Z**2 / 40),
        Z / (1 + Z**2 / 40) * (0.075 * 0.925 / 40 + Z**2 / 6400) ** 0.5,
    )
    assert fte.low == pytest.approx(centre - half, abs=0.007)
    assert fte.high == pytest.approx(centre + half, abs=0.007)
    # The four pictures of a subject fail together, so the interval is far wider than that of 16 of 160 pictures.
    assert fta.low < 0.045
    assert fta.high > 0.19


def test_one_of_twenty_women_and_two_of_twenty_men() -> None:
    found = measure_acquisition_by_group(forty_subjects(), ["gender"], rng=np.random.default_rng(0))
    assert found["fte_gender_female"].value == 1 / 20
    assert found["fte_gender_male"].value == 2 / 20
    assert found["fta_gender_female"].value == 8 / 80
    assert found["fta_gender_male"].value == 8 / 80
    assert {one.n for one in found.measurements if len(one.group) == 2} == {20}
    # 0.1 over the geometric mean of 0.05 and 0.1, the square root of 2; and 0.1 of both.
    assert found["max_ratio_fte_gender"].value == pytest.approx(2**0.5)
    assert found["max_ratio_fta_gender"].value == pytest.approx(1)
    assert found["max_ratio_fte_gender"].n == 40
    assert found.details["acquisition"] == {
        "groups": {"gender": {"female": 20, "male": 20}},
        "left_out": {"gender": {}},
    }


def test_no_failure_is_zero_and_no_ratio() -> None:
    whole = forty_subjects()
    none = Acquisition(np.zeros(160, dtype=bool), whole.identity, whole.attributes)
    measured = measure_acquisition(none)
    assert (measured["fte"].value, measured["fte"].low, measured["fta"].value) == (0, 0, 0)
    assert 0.05 < measured["fte"].high < 0.1  # the rule of three: 3 / 40
    groups = measure_acquisition_by_group(none, ["gender"], rng=np.random.default_rng(0))
    assert groups["fte_gender_male"].value == 0
    assert groups.details["undefined"]["max_ratio_fte_gender"] == "a group's FTE is 0, and the geometric mean with it"


def test_three_of_forty_subjects_refused_by_the_scheme_in_one_of_two_enrolments_or_both() -> None:
    refused = np.zeros(40)
    refused[[0, 20]], refused[39] = 2, 1
    measured = measure_enrolment(refused, np.full(40, 2.0))
    assert measured["scheme_fte"].value == 5 / 80
    assert measured.details["enrolment"] == {
        "enrolments": 80,
        "failed_enrolments": 5,
        "people": 40,
        "failed_people": 3,
    }
    groups = {"gender": np.repeat(["female", "male"], 20), "age": np.array(["young"] * 35 + ["old"] * 5)}
    found = measure_enrolment_by_group(refused, np.full(40, 2.0), groups, rng=np.random.default_rng(0))
    assert found["scheme_fte_gender_female"].value == 2 / 40
    assert found["scheme_fte_gender_male"].value == 3 / 40
    assert found["max_ratio_scheme_fte_gender"].value == pytest.approx((3 / 2) ** 0.5)
    assert found.details["enrolment"]["left_out"]["age"] == {"old": "5 people; fewer than 10"}
    assert found.details["undefined"]["max_ratio_scheme_fte_age"].startswith("1 of its groups")


def test_the_generalised_fnmr_counts_every_failed_attempt() -> None:
    """Of 1,000 subjects 100 aren't enrolled; of 900 probes 90 aren't acquired; of 810 comparisons 81 are rejected."""
    before = (Rate(0.1, 0.1, 0.1), Rate(0.1, 0.1, 0.1))
    found = generalised_fnmr(Measurement("fnmr", 0.1, 0.1, 0.1, 900, at="1e-3"), *before)
    assert found.value == pytest.approx((100 + 90 + 81) / 1000)
    assert (found.name, found.n) == ("generalised_fnmr_at_fmr_1e-3", 900)
    assert (found.low, found.high) == pytest.approx((0.271, 0.271))


def test_its_interval_adds_those_of_the_stages() -> None:
    # Logarithms of what passes: half widths 0.3 and 0.4 give 0.5.
    passed = np.log([0.8, 0.8 * np.exp(-0.3), 0.8 * np.exp(0.2)])
    stage = Rate(*(1 - np.exp(passed)))
    other = 1 - np.exp(np.log(0.9) + np.array([0, 0.1, -0.4]))
    fnmr = Measurement("fnmr", float(other[0]), float(other[1]), float(other[2]), 40, at="1e-2")
    worse = Rate(stage.value, 1 - 0.8 * np.exp(0.2), 1 - 0.8 * np.exp(-0.3))
    found = generalised_fnmr(fnmr, worse)
    assert found.value == pytest.approx(1 - 0.72)
    assert found.high == pytest.approx(1 - 0.72 * np.exp(-0.5))
    assert found.low == pytest.approx(1 - 0.72 * np.exp(np.hypot(0.2, np.log(0.9 * np.exp(0.1)) - np.log(0.9))))


def test_failures_before_a_comparison_don_t_count_twice() -> None:
    """The pictures of who isn't enrolled aren't probes: 4 of the other 37 subjects' 148 pictures are left."""
    enrol, acquire = acquired_by_enrolled(forty_subjects())
    assert enrol.value == 3 / 40
    assert acquire.value == pytest.approx(4 / 148)
