"""Properties of the reconstruction metrics and of what their measure hands back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metric_populations import quick

from mote_bench.metrics.reconstruction import Truth, centred, measure_reconstruction
from mote_bench.toolkit import unit

THRESHOLDS = {"1e-2": 0.45, "1e-3": 0.58}
AT_FMR = ["type_1_success", "type_2_success", "wolf_rate", "success_gain", "genuine_success"]


def truth_of(people: int = 60, probes: int = 3, dimension: int = 24, seed: int = 0) -> Truth:
    """People whose faces share a mean, with ``probes`` other photos each."""
    rng = np.random.default_rng(seed)
    faces = 0.6 + rng.standard_normal((people, dimension))
    shown = np.repeat(np.arange(people), probes)
    references = faces + 0.4 * rng.standard_normal(faces.shape)
    shots = faces[shown] + 0.4 * rng.standard_normal((len(shown), dimension))
    mean = np.full(dimension, 0.5 / np.sqrt(dimension))
    return Truth(mean, references, shots, shown)


def _faces_of(truth: Truth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return truth.references, truth.probes, truth.shown


def measure(answer: np.ndarray, truth: Truth):
    return measure_reconstruction(answer, truth, THRESHOLDS, np.random.default_rng(0))


def test_what_is_measured() -> None:
    truth = truth_of(110)
    answer = truth.references + 0.8 * np.random.default_rng(1).standard_normal(truth.references.shape)
    measured = measure(answer, truth)
    at_fmr = [f"{name}_at_fmr_{rate}" for rate in THRESHOLDS for name in AT_FMR]
    at_wolf_rate = [f"type_2_success_at_wolf_rate_{rate}" for rate in THRESHOLDS]
    assert {one.name for one in measured.measurements} == {"centred_cosine", "cosine_gain", *at_fmr, *at_wolf_rate}
    for one in measured.measurements:
        assert -1 <= one.low <= one.value <= one.high <= 1
        assert one.low < one.high
        assert one.n == 110
    for rate, chance in (("1e-2", 1e-2), ("1e-3", 1e-3)):
        assert measured[f"success_gain_at_fmr_{rate}"].chance == 0
        assert measured[f"type_2_success_at_fmr_{rate}"].chance == measured[f"wolf_rate_at_fmr_{rate}"].value
        assert measured[f"type_2_success_at_wolf_rate_{rate}"].chance == chance
    assert measured.details["undefined"] == {}
    assert json.loads(json.dumps(measured.details, allow_nan=False)) == measured.details


def test_too_few_pairs_for_a_wolf_rate() -> None:
    truth = truth_of(30)
    measured = measure(truth.references, truth)
    assert "expected at least 10000" in measured.details["undefined"]["type_2_success_at_wolf_rate_1e-3"]
    assert "type_2_success_at_wolf_rate_1e-3" not in {one.name for one in measured.measurements}
    assert measured["type_2_success_at_wolf_rate_1e-2"].value > 0.9


def test_the_enrolled_face_itself() -> None:
    truth = truth_of()
    measured = measure(truth.references, truth)
    assert measured["centred_cosine"].value == pytest.approx(1)
    assert measured["type_1_success_at_fmr_1e-3"].value == 1
    for rate in THRESHOLDS:
        success, genuine = (measured[f"{name}_success_at_fmr_{rate}"] for name in ("type_2", "genuine"))
        assert (success.value, success.low, success.high) == (genuine.value, genuine.low, genuine.high)


@quick
@given(st.integers(0, 5), st.floats(1e-30, 1e30))
def test_only_the_direction_counts(seed: int, scale: float) -> None:
    truth, rng = truth_of(12), np.random.default_rng(seed)
    answer = rng.standard_normal(truth.references.shape)
    lengths = scale * rng.uniform(0.5, 2, (12, 1))
    one, other = measure(answer, truth), measure(answer * lengths, truth)
    for a, b in zip(one.measurements, other.measurements, strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-9)


def test_a_rotation_of_everything_changes_nothing() -> None:
    truth, rng = truth_of(40), np.random.default_rng(2)
    turn = np.linalg.qr(rng.standard_normal((24, 24)))[0]
    turned = Truth(truth.mean @ turn, truth.references @ turn, truth.probes @ turn, truth.shown)
    answer = truth.references + rng.standard_normal(truth.references.shape)
    for a, b in zip(measure(answer, truth).measurements, measure(answer @ turn, turned).measurements, strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), abs=1e-9)


@pytest.mark.parametrize("rounding", [0, 1e-4])
def test_one_face_for_all_did_not_move(rounding: float) -> None:
    truth, rng = truth_of(), np.random.default_rng(3)
    for face in (truth.mean, truth.references[0], 0 * truth.mean):
        answer = np.tile(face, (60, 1))
        with pytest.raises(ValueError, match="the attack did not move: its 60 answers are nearly the same face"):
            measure(answer * (1 + rounding * rng.standard_normal(answer.shape)), truth)


def test_answers_drawn_far_towards_the_mean_still_count() -> None:
    """A strong ridge shrinks its answers, and what is left still says something of everybody."""
    truth = truth_of()
    short = unit(truth.mean) + 0.1 * (unit(truth.references) - truth.mean)
    assert measure(short, truth)["cosine_gain"].low > 0


def test_all_but_one_face_gains_nothing() -> None:
    truth, rng = truth_of(), np.random.default_rng(4)
    face = truth.references[0] / np.linalg.norm(truth.references[0])
    measured = measure(face + 0.02 * rng.standard_normal(truth.references.shape), truth)
    for metric in ("cosine_gain", "success_gain_at_fmr_1e-2", "success_gain_at_fmr_1e-3"):
        gain = measured[metric]
        assert gain.value == pytest.approx(0, abs=0.02)
        assert gain.low < 0 < gain.high


def test_uncentred_success_stands_beside_the_mean_faces() -> None:
    truth = truth_of(110)
    answer = truth.references + 0.8 * np.random.default_rng(1).standard_normal(truth.references.shape)
    measured = measure_reconstruction(answer, truth, {}, np.random.default_rng(0), uncentred={"1e-2": 0.6})
    for kind in ("type_2_success", "wolf_rate"):
        beside = measured[f"mean_face_{kind}_at_fmr_1e-2"]
        assert measured[f"uncentred_{kind}_at_fmr_1e-2"].chance == beside.value
    assert measured["uncentred_type_2_success_at_fmr_1e-2"].low > measured["mean_face_wolf_rate_at_fmr_1e-2"].high
    assert measured.details["uncentred_thresholds"] == {"1e-2": 0.6}
    assert json.loads(json.dumps(measured.details, allow_nan=False)) == measured.details


@quick
@given(st.integers(0, 20))
def test_with_a_mean_of_zero_centring_changes_nothing(seed: int) -> None:
    truth, rng = truth_of(12), np.random.default_rng(seed)
    truth = Truth(0 * truth.mean, *_faces_of(truth))
    at = {"1e-2": 0.4}
    measured = measure_reconstruction(rng.standard_normal((12, 24)), truth, at, rng, uncentred=at)
    for kind in ("type_1_success", "type_2_success", "wolf_rate"):
        plain, other = (measured[f"{prefix}{kind}_at_fmr_1e-2"] for prefix in ("", "uncentred_"))
        assert (plain.value, plain.low, plain.high) == (other.value, other.low, other.high)
        assert other.chance == 0  # a mean face without a direction is accepted by nobody


def test_any_rate_that_a_threshold_is_given_for() -> None:
    truth = truth_of(60)
    measured = measure_reconstruction(truth.references, truth, {"1e-4": 0.7}, np.random.default_rng(0))
    assert 0 < measured["type_2_success_at_fmr_1e-4"].value < 1
    assert "expected at least 100000" in measured.details["undefined"]["type_2_success_at_wolf_rate_1e-4"]


def test_a_face_near_the_average_is_a_wolf_without_gain() -> None:
    """A reconstruction that is accepted as its subject because it is accepted as everybody."""
    rng = np.random.default_rng(0)
    faces = np.concatenate([rng.standard_normal((60, 4)) * 0.3 + 3, rng.standard_normal((60, 20)) * 0.3], axis=1)
    truth = Truth(np.zeros(24), faces, np.repeat(faces, 2, axis=0), np.repeat(np.arange(60), 2))
    measured = measure(faces.mean(axis=0) + 0.1 * rng.standard_normal(faces.shape), truth)
    assert measured["type_2_success_at_fmr_1e-3"].value == 1
    assert measured["wolf_rate_at_fmr_1e-3"].value == 1
    assert measured["success_gain_at_fmr_1e-3"].value == 0
    assert measured["type_2_success_at_wolf_rate_1e-2"].high < 0.15


def test_answers_without_a_direction() -> None:
    truth = truth_of(20)
    truth = Truth(np.eye(24)[0], *_faces_of(truth))
    answer = truth.references.copy()
    answer[:5] = 0
    answer[5:10] = truth.mean
    assert not centred(answer[:10], truth.mean).any()
    measured = measure(answer, truth)
    assert measured["centred_cosine"].value == pytest.approx(0.5)
    assert measured["type_1_success_at_fmr_1e-2"].value == 0.5


def test_people_without_probes_count_where_they_can() -> None:
    truth = truth_of(40)
    seen = truth.shown < 30
    fewer = Truth(truth.mean, truth.references, truth.probes[seen], truth.shown[seen])
    measured = measure(truth.references, fewer)
    assert measured.details["counts"] == {"people": 40, "probes": 90, "genuine": 90, "wolf": 90 * 39}


def test_answers_that_cannot_be_used() -> None:
    truth = truth_of(10)
    with pytest.raises(ValueError, match=r"shape \(9, 24\); expected \(10, 24\)"):
        measure(truth.references[:9], truth)
    bad = truth.references.copy()
    bad[3, 4] = np.inf
    with pytest.raises(ValueError, match="1 of 10 answers hold NaN or infinity"):
        measure(bad, truth)


def test_truth_that_does_not_fit() -> None:
    truth = truth_of(10)
    wider = np.zeros((len(truth.probes), 25))
    for mean, probes in (
        (truth.mean[:5], truth.probes),
        (truth.mean, truth.probes[:-1]),
        (truth.mean, np.concatenate([truth.probes, truth.probes])),
        (truth.mean, wider),
        (truth.mean, truth.probes[:, :5]),
    ):
        with pytest.raises(ValueError, match="expected one dimension and one person per probe"):
            Truth(mean, truth.references, probes, truth.shown)
    with pytest.raises(ValueError, match="probes show people 1 to 10; expected 0 to 9"):
        Truth(truth.mean, truth.references, truth.probes, truth.shown + 1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        Truth(truth.mean * np.nan, truth.references, truth.probes, truth.shown)
