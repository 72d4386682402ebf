"""Failure to acquire and to enrol: what is unknown, who is in which group, and the interval of the generalised FNMR."""

import json

import numpy as np
import pytest

from mote_bench.contracts import Acquisition, Measurement
from mote_bench.metrics.catalogue import describe
from mote_bench.metrics.enrolment import (
    Rate,
    acquired_by_enrolled,
    by_subject,
    generalised_fnmr,
    measure_acquisition,
    measure_acquisition_by_group,
    measure_enrolment,
    measure_enrolment_by_group,
)
from mote_bench.metrics.intervals import person_proportion
from mote_bench.metrics.names import parse


def pictures(people=30, images=3, seed=0):
    rng = np.random.default_rng(seed)
    identity = np.repeat([f"s{k}" for k in range(people)], images)
    labels = np.repeat(np.where(np.arange(people) % 2, "a", "b"), images)
    return Acquisition(rng.random(people * images) < 0.5, identity, {"group": labels})


def rng():
    return np.random.default_rng(0)


def test_without_subjects_nothing_is_known() -> None:
    unnamed = Acquisition(np.array([True, False, False]))
    assert measure_acquisition(unnamed).measurements == ()
    assert measure_acquisition(unnamed).details["undefined"] == dict.fromkeys(
        ("fta", "fte"), "the data name no subjects"
    )
    assert measure_acquisition_by_group(unnamed, ["gender"], rng=rng()).measurements == ()
    assert acquired_by_enrolled(unnamed) == ()
    with pytest.raises(ValueError, match="fewer than 2 subjects"):
        by_subject(Acquisition(np.array([True, False]), np.array(["one", "one"])))


def test_an_attribute_that_is_not_known_of_lost_pictures_is_undefined_and_not_zero() -> None:
    found = measure_acquisition_by_group(pictures(), ["group", "age"], rng=rng())
    assert {one.group[0] for one in found.measurements} == {"group"}
    assert "isn't known" in found.details["undefined"]["max_ratio_fte_age"]
    assert "isn't known" in found.details["undefined"]["max_ratio_fta_age"]


def test_a_subject_counts_where_the_first_known_label_is() -> None:
    whole = pictures(40)
    labels = whole.attributes["group"].copy()
    labels[::3], labels[2::3] = "", "c"  # the first picture of each subject isn't labelled, the last one otherwise
    found = measure_acquisition_by_group(
        Acquisition(whole.failed, whole.identity, {"group": labels}), ["group"], rng=rng()
    )
    assert found.details["acquisition"]["groups"] == {"group": {"a": 20, "b": 20}}
    of_a = whole.attributes["group"] == "a"
    assert found["fta_group_a"].value == pytest.approx(whole.failed[of_a].mean())


def test_subjects_without_a_label_are_in_no_group() -> None:
    whole = pictures(40)
    labels = whole.attributes["group"].copy()
    labels[:60] = ""
    found = measure_acquisition_by_group(
        Acquisition(whole.failed, whole.identity, {"group": labels}), ["group"], rng=rng()
    )
    assert found.details["acquisition"]["groups"] == {"group": {"a": 10, "b": 10}}


def test_labels_that_are_one_name_in_figures_are_left_out() -> None:
    labels = {"group": np.array(["18+", "18 plus"] * 10)}
    found = measure_enrolment_by_group(np.ones(20), np.ones(20), labels, rng=rng())
    assert [one.name for one in found.measurements] == []
    assert set(found.details["enrolment"]["left_out"]["group"]) == {"18+", "18 plus"}


def test_every_figure_is_catalogued_bounded_and_json() -> None:
    whole = pictures()
    refused = np.array([1.0, 0.0] * 15)
    verify = (measure_acquisition(whole), measure_enrolment(refused, np.full(30, 2.0)))
    fair = (
        measure_acquisition_by_group(whole, ["group"], rng=rng()),
        measure_enrolment_by_group(refused, np.full(30, 2.0), {"group": np.repeat(["a", "b"], 15)}, rng=rng()),
    )
    for question, measured in [*(("verify", one) for one in verify), *(("fairness", one) for one in fair)]:
        assert json.loads(json.dumps(measured.details, allow_nan=False)) == measured.details
        assert measured.measurements
        for one in measured.measurements:
            assert one.low <= one.value <= one.high
            assert describe(one.name, question).metric == one.metric
            assert parse(one.name, ("group",)) == (one.metric, one.at, one.group)


def test_nobody_who_passes_is_all_rejected() -> None:
    found = generalised_fnmr(Measurement("fnmr", 1.0, 0.9, 1.0, 20, at="1e-3"), Rate(0.0, 0.0, 0.1))
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.8 < found.low <= 0.9


def test_the_interval_of_the_generalised_fnmr_covers() -> None:
    """FTE over 100 subjects, FNMR over those who are enrolled: 95 % intervals hold the true rate in 95 % of runs."""
    true = 1 - (1 - 0.08) * (1 - 0.12)
    draw, held = np.random.default_rng(1), 0
    for _ in range(1000):
        out = draw.random(100) < 0.08
        fte = person_proportion(out.astype(float), np.ones(100))
        left = int((~out).sum())
        own = draw.beta(0.12 * 8, 0.88 * 8, left)  # subjects differ
        fnmr = person_proportion(draw.binomial(4, own).astype(float), np.full(left, 4.0))
        one = Measurement("fnmr", fnmr.value, *fnmr.interval, n=left, at="1e-3")
        found = generalised_fnmr(one, Rate(fte.value, *fte.interval))
        held += found.low <= true <= found.high
    assert 930 <= held <= 985
