"""Properties of the fairness metrics and of what their measure hands back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from metric_populations import Population, quick

from mote_bench.metrics.fairness import fdr, garbe, gini, ir, measure_fairness, ser
from mote_bench.metrics.verification import Scores, eer, fmr, fnmr

GROUPS = st.integers(2, 6)
THRESHOLD = 0.5


@st.composite
def rates(draw: st.DrawFn, *, least: float = 0.0) -> tuple[np.ndarray, np.ndarray, float]:
    """FMR and FNMR of some groups, and alpha."""
    shape, cell = draw(GROUPS), st.floats(least, 1)
    return (
        draw(hnp.arrays(float, shape, elements=cell)),
        draw(hnp.arrays(float, shape, elements=cell)),
        draw(st.floats(0, 1)),
    )


@quick
@given(rates())
def test_bounds(case: tuple[np.ndarray, np.ndarray, float]) -> None:
    assert -1e-12 <= fdr(*case) <= 1
    assert -1e-12 <= garbe(*case) <= 1 + 1e-9


@quick
@given(rates(least=1e-3), st.floats(0.1, 1))
def test_order_and_scale_of_groups(case: tuple[np.ndarray, np.ndarray, float], scale: float) -> None:
    fmrs, fnmrs, alpha = case
    order = np.random.default_rng(0).permutation(len(fmrs))
    for measure in (fdr, ir, garbe):
        assert measure(fmrs[order], fnmrs[order], alpha) == pytest.approx(measure(fmrs, fnmrs, alpha))
    for measure in (ir, garbe):
        assert measure(scale * fmrs, scale * fnmrs, alpha) == pytest.approx(measure(fmrs, fnmrs, alpha))
    assert ir(fmrs, fnmrs, alpha) >= 1 - 1e-12
    assert ser(fmrs) == pytest.approx(fmrs.max() / fmrs.min())


@quick
@given(GROUPS, st.floats(0.001, 1), st.floats(0, 1))
def test_even_rates(groups: int, rate: float, alpha: float) -> None:
    even = np.full(groups, rate)
    assert (fdr(even, even, alpha), ir(even, even, alpha), ser(even)) == (1, 1, 1)
    assert garbe(even, even, alpha) == pytest.approx(0, abs=1e-12)
    assert gini(np.zeros(groups)) == 0


def scores_of(seed: int = 0, people: int = 60) -> Scores:
    return Population(0.8).scores(np.random.default_rng(seed), people)


LABELS = {
    "gender": np.array(["female", "male"] * 30),
    "age": np.array(["18-34"] * 25 + ["35+"] * 30 + ["<18"] * 5),
}

SPREADS = ("fdr", "ir", "garbe", "max_ratio_fmr", "max_ratio_fnmr")


def test_what_is_measured() -> None:
    scores = scores_of()
    measured = measure_fairness(scores, LABELS, THRESHOLD, rng=np.random.default_rng(0))
    at = "_at_fmr_1e-2"
    groups = ["gender_female", "gender_male", "age_18_34", "age_35_plus"]
    expected = {f"{rate}_{group}{at}" for rate in ("fnmr", "fmr") for group in groups}
    spreads = {f"{name}_{attribute}{at}" for name in SPREADS for attribute in LABELS}
    assert {one.name for one in measured.measurements} == expected | spreads | {"ser_gender", "ser_age"}
    for one in measured.measurements:
        assert 0 <= one.low <= one.value <= one.high
        assert one.low < one.high
    assert measured["fdr_age_at_fmr_1e-2"].n == 55
    assert measured["fnmr_age_18_34_at_fmr_1e-2"].n == 25
    details = measured.details
    assert json.loads(json.dumps(details, allow_nan=False)) == details
    assert details["left_out"] == {"gender": {}, "age": {"<18": "5 people; fewer than 10"}}
    assert (details["alpha"], details["threshold"], details["undefined"]) == (0.5, THRESHOLD, {})


def test_rates_of_a_group_are_those_of_its_own_pairs() -> None:
    scores = scores_of()
    measured = measure_fairness(scores, LABELS, THRESHOLD, rng=np.random.default_rng(0), fmr_name="1e-3")
    errors = []
    for label in ("female", "male"):
        inside = (LABELS["gender"][scores.enrolled] == label)[:, None] & (LABELS["gender"][scores.shown] == label)[
            None, :
        ]
        genuine, impostor = scores.values[inside & scores.mated], scores.values[inside & ~scores.mated]
        assert measured[f"fnmr_gender_{label}_at_fmr_1e-3"].value == pytest.approx(fnmr(genuine, THRESHOLD))
        assert measured[f"fmr_gender_{label}_at_fmr_1e-3"].value == pytest.approx(fmr(impostor, THRESHOLD))
        counts = measured.details["groups"]["gender"][label]
        assert (counts["people"], counts["genuine"], counts["impostor"]) == (30, 90, 30 * 29 * 3)
        errors.append(eer(genuine, impostor))
    assert measured["ser_gender"].value == pytest.approx(max(errors) / min(errors))


def test_undefined_values_are_named_and_left_out() -> None:
    people = 24
    scores = Scores(np.eye(people), np.arange(people), np.arange(people))
    measured = measure_fairness(scores, {"sex": np.array(["a", "b"] * 12)}, 0.5, rng=np.random.default_rng(0))
    assert measured.details["undefined"] == {
        "ir_sex_at_fmr_1e-2": "a group's FMR is 0, and the rate divides by it",
        "ser_sex": "a group's EER is 0, and the ratio divides by it",
        "max_ratio_fmr_sex_at_fmr_1e-2": "a group's FMR is 0, and the geometric mean with it",
        "max_ratio_fnmr_sex_at_fmr_1e-2": "a group's FNMR is 0, and the geometric mean with it",
    }
    assert measured["fdr_sex_at_fmr_1e-2"].value == 1
    assert measured["fdr_sex_at_fmr_1e-2"].low < 0.9
    assert measured["garbe_sex_at_fmr_1e-2"].value == 0
    assert measured["garbe_sex_at_fmr_1e-2"].high > 0.5


def test_one_group_has_no_spread() -> None:
    measured = measure_fairness(scores_of(), {"sex": np.array(["a"] * 60)}, THRESHOLD, rng=np.random.default_rng(0))
    assert {one.name for one in measured.measurements} == {"fnmr_sex_a_at_fmr_1e-2", "fmr_sex_a_at_fmr_1e-2"}
    assert set(measured.details["undefined"]) == {*(f"{name}_sex_at_fmr_1e-2" for name in SPREADS), "ser_sex"}


def test_ten_people_are_a_group_and_nine_are_not() -> None:
    labels = np.array(["a"] * 10 + ["b"] * 9 + ["c"] * 41)
    measured = measure_fairness(scores_of(), {"sex": labels}, THRESHOLD, rng=np.random.default_rng(0))
    assert set(measured.details["groups"]["sex"]) == {"a", "c"}
    assert measured.details["left_out"]["sex"] == {"b": "9 people; fewer than 10"}
    assert measured["garbe_sex_at_fmr_1e-2"].n == 51


def test_a_group_that_nobody_claims_for_is_left_out_and_the_next_is_measured() -> None:
    """Twelve people have templates and no probe: there is no genuine pair among them."""
    whole = scores_of()
    seen = whole.shown >= 12
    scores = Scores(whole.values[:, seen], whole.enrolled, whole.shown[seen])
    labels = np.array(["a"] * 12 + ["b"] * 20 + ["c"] * 28)
    measured = measure_fairness(scores, {"sex": labels}, THRESHOLD, rng=np.random.default_rng(0))
    assert "no genuine or no impostor pair" in measured.details["left_out"]["sex"]["a"]
    assert set(measured.details["groups"]["sex"]) == {"b", "c"}


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_either_error_alone(alpha: float) -> None:
    """With all weight on one error the spread is that of its own rates."""
    measured = measure_fairness(scores_of(), LABELS, THRESHOLD, rng=np.random.default_rng(0), alpha=alpha)
    own = "fmr" if alpha else "fnmr"
    rates = [measured[f"{own}_gender_{label}_at_fmr_1e-2"].value for label in ("female", "male")]
    assert measured["fdr_gender_at_fmr_1e-2"].value == pytest.approx(1 - np.ptp(rates))
    assert measured["ir_gender_at_fmr_1e-2"].value == pytest.approx(max(rates) / min(rates))
    assert measured.details["alpha"] == alpha


def test_equal_seeds_measure_the_same() -> None:
    scores = scores_of()
    one, other = (measure_fairness(scores, LABELS, THRESHOLD, rng=np.random.default_rng(4)) for _ in range(2))
    assert one == other


def test_groups_that_cannot_be_used() -> None:
    scores, rng = scores_of(), np.random.default_rng(0)
    with pytest.raises(ValueError, match="20 labels for person indices up to 59"):
        measure_fairness(scores, {"sex": np.array(["a", "b"] * 10)}, THRESHOLD, rng=rng)
    with pytest.raises(ValueError, match="labels 18 34, 18-34 map to the same metric name"):
        measure_fairness(scores, {"age": np.array(["18-34", "18 34"] * 30)}, THRESHOLD, rng=rng)
    with pytest.raises(ValueError, match="alpha is 2; expected 0 to 1"):
        measure_fairness(scores, LABELS, THRESHOLD, rng=rng, alpha=2)
