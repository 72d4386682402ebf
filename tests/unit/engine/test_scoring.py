"""Scoring by hand: thresholds, panels, floor and ceiling beside a record's figures, and the costs of a scheme."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from mote_bench.contracts import NOT_ENROLLED, Acquisition, Cell, Faces, FloatArray, Measurement, Record, Status
from mote_bench.engine import scoring
from mote_bench.metrics.measured import Measured
from mote_bench.planning.split import Enrolled, Split
from mote_bench.questions import WhichClass
from mote_bench.questions.staging import Attacked, Case, Panel, Rules, Staged, Unprotected

RATES = ("5e-1", "1e-3")
"""Of 20 impostor scores the first can be set, by the 10th largest; the second would need 10,000."""


def people(count: int, seed: int, *, second: bool = False) -> Enrolled:
    """So many subjects with a reference and a probe each; the probes stand in the reverse order."""
    rng = np.random.default_rng(seed)
    faces = [rng.standard_normal((count, 3)) for _ in range(2)]
    others = [rng.standard_normal((count, 4)) if second else None for _ in range(2)]
    references, probes = (Faces(rows, second=more) for rows, more in zip(faces, others, strict=True))
    return Enrolled(references, None, probes, np.arange(count)[::-1], np.arange(count))


def made(calibration: Enrolled, background: Faces) -> Split:
    few = people(3, 1)
    return Split(background, people(5, 2), people(2, 3), few, calibration, background, has_identity=True)


BACKGROUND = Faces(np.array([[0.0, 0.0, 1.0], [0.0, 0.6, 0.8], [0.8, 0.0, 0.6]]))


def cosine(one: FloatArray, other: FloatArray) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def tenth(calibration: Enrolled, mean: FloatArray) -> float:
    """The 10th largest comparison score of a probe with another subject's reference, one by one."""
    assert calibration.probes is not None
    found = [
        cosine(reference - mean, probe - mean)
        for subject, reference in enumerate(calibration.references.embeddings)
        for shown, probe in zip(calibration.shown, calibration.probes.embeddings, strict=True)
        if shown != subject
    ]
    assert len(found) == 20
    return sorted(found)[-10]


def test_thresholds_are_set_on_calibration_subjects_with_and_without_the_mean() -> None:
    calibration = people(5, 0)
    found = scoring.unprotected(made(calibration, BACKGROUND), RATES)
    mean = np.array([0.8 / 3, 0.2, 0.8])
    np.testing.assert_allclose(found.mean, mean, atol=1e-6)
    assert found.thresholds == {"5e-1": pytest.approx(tenth(calibration, mean), abs=1e-6)}
    assert found.uncentred == {"5e-1": pytest.approx(tenth(calibration, np.zeros(3)), abs=1e-6)}
    assert found.transfer is None


def test_without_probes_no_threshold_is_set() -> None:
    calibration = replace(people(5, 0), seconds=None, probes=None, shown=np.empty(0, dtype=np.intp))
    found = scoring.unprotected(made(calibration, BACKGROUND), RATES)
    np.testing.assert_allclose(found.mean, [0.8 / 3, 0.2, 0.8], atol=1e-6)
    assert (found.thresholds, found.uncentred, found.transfer) == ({}, {}, None)


def test_the_second_recognisers_thresholds_are_its_own() -> None:
    rng = np.random.default_rng(7)
    background = Faces(rng.standard_normal((60, 3)), second=rng.standard_normal((60, 4)))
    calibration = people(5, 0, second=True)
    found = scoring.unprotected(made(calibration, background), RATES).transfer
    assert found is not None
    references, probes = calibration.references.second, calibration.probes
    assert references is not None
    assert probes is not None
    assert probes.second is not None
    assert background.second is not None
    theirs = replace(calibration, references=Faces(references), probes=Faces(probes.second))
    assert found.thresholds == {"5e-1": pytest.approx(tenth(theirs, background.second.mean(axis=0)), abs=1e-6)}


@pytest.mark.parametrize("lacking", ["background", "references", "probes"])
def test_where_one_side_has_no_second_embeddings_there_is_no_transfer(lacking: str) -> None:
    rng = np.random.default_rng(7)
    background = Faces(rng.standard_normal((60, 3)), second=rng.standard_normal((60, 4)))
    calibration = people(5, 0, second=True)
    assert calibration.probes is not None
    if lacking == "background":
        background = replace(background, second=None)
    elif lacking == "references":
        calibration = replace(calibration, references=replace(calibration.references, second=None))
    else:
        calibration = replace(calibration, probes=replace(calibration.probes, second=None))
    assert scoring.unprotected(made(calibration, background), RATES).transfer is None


def test_a_rate_that_the_impostors_cannot_support_is_left_out() -> None:
    scores = np.arange(20.0)
    assert scoring.thresholds(scores, RATES) == {"5e-1": 10.0}
    assert scoring.thresholds(scores, ("1e-3",), trials=10_000) == {"1e-3": 10.0}
    assert scoring.thresholds(scores, ("1e-3",), trials=9_999) == {}


def test_panels_number_the_selection_subjects_after_the_targets() -> None:
    split = made(people(5, 0), BACKGROUND)
    target, selection = scoring.panels(split)
    assert (target.people, target.start) == (split.target, 0)
    assert (selection.people, selection.start) == (split.selection, 3)
    stolen = np.array([4, 2, 0, 3, 1])
    assert target.of(stolen).tolist() == [1, 2, 4]
    assert selection.of(stolen).tolist() == [0, 3]


class Says(WhichClass):
    """Measures a given value, and keeps the case and a draw of its generator."""

    value = (0.5, 0.4, 0.6)

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        value, low, high = self.value
        return Measured((Measurement("balanced_accuracy", value, low, high, 3),), {"case": case, "draw": rng.random()})


def measured(question: WhichClass, seed: int = 5) -> Measured:
    attacked = Attacked(np.zeros((3, 2)), None, {})
    staged = Staged(cast("object", None), np.arange(3), np.empty(0, dtype=np.intp))  # type: ignore[arg-type]
    panel, rules = Panel(people(3, 1), 0), Rules(Unprotected(np.zeros(3), {}), {"1e-2": 0.5})
    return scoring.measure(question, attacked, staged, panel=panel, rules=rules, seed=seed)


def test_a_question_scores_with_a_generator_of_the_cells_seed() -> None:
    found = measured(Says("gender", ("a", "b")))
    assert found.details["draw"] == np.random.default_rng(5).random()
    assert (found.details["case"].rules.thresholds, found.details["case"].panel.start) == ({"1e-2": 0.5}, 0)
    assert found["balanced_accuracy"].value == 0.5


@pytest.mark.parametrize("broken", [(np.nan, 0.0, 1.0), (0.5, -np.inf, 1.0), (0.5, 0.0, np.inf)])
def test_figures_that_overflow_are_refused_by_name(broken: tuple[float, float, float], monkeypatch) -> None:
    monkeypatch.setattr(Says, "value", broken)
    with pytest.raises(ValueError, match="can't be scored: balanced_accuracy came out as NaN or infinity"):
        measured(Says("gender", ("a", "b")))


def record(scheme: str, *figures: Measurement, attack: str = "knn-bytes", question: str = "gender", **more) -> Record:
    cell = Cell("quick-1", "people", scheme, attack, question, "algorithm", 0)
    return Record(cell, more.pop("status", Status.OK), figures, **more)


def accuracy(value: float, half: float = 0.1) -> Measurement:
    return Measurement("balanced_accuracy", value, value - half, value + half, 50, chance=0.5)


AUC = Measurement("auc", 0.7, 0.6, 0.8, 50, chance=0.5)


def test_floor_and_ceiling_stand_beside_the_metric_of_the_same_name() -> None:
    found = scoring.with_controls(
        record("mote", accuracy(0.6), AUC), record("noise", accuracy(0.5)), record("cosine", AUC, accuracy(0.9))
    )
    assert [(one.name, one.value, one.floor, one.ceiling) for one in found.measurements] == [
        ("balanced_accuracy", 0.6, 0.5, 0.9),
        ("auc", 0.7, None, 0.7),
    ]
    assert (found.status, found.error) == (Status.OK, None)


@pytest.mark.parametrize("ceiling", [None, record("cosine"), record("cosine", accuracy(0.6)), record("cosine", AUC)])
def test_an_attack_that_cannot_break_the_ceiling_is_unmeasured(ceiling: Record | None) -> None:
    found = scoring.with_controls(record("mote", accuracy(0.9)), None, ceiling)
    assert found.status is Status.UNMEASURED
    assert found.error is not None
    assert "'cosine'" in found.error
    assert ("isn't run on" in found.error) == (ceiling is None)  # not that it fails there
    assert [one.value for one in found.measurements] == [0.9]


def test_the_ceiling_is_the_questions_own() -> None:
    found = scoring.with_controls(record("mote", AUC, question="member"), None, None)
    assert found.error is not None
    assert "'memoriser'" in found.error
    held = record("memoriser", AUC, question="member")
    assert scoring.with_controls(record("mote", AUC, question="member"), None, held).status is Status.OK


@pytest.mark.parametrize(("attack", "question"), [("zero-effort", "verify"), ("none", "cost")])
def test_rows_of_the_harness_are_always_measured(attack: str, question: str) -> None:
    eer = Measurement("eer", 0.1, 0.0, 0.2, 50)
    assert scoring.with_controls(record("mote", eer, attack=attack, question=question), None, None).status is Status.OK


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT])
def test_a_cell_without_an_answer_keeps_its_status_and_reason(status: Status) -> None:
    found = scoring.with_controls(record("mote", status=status, error="why"), None, None)
    assert (found.status, found.error) == (status, "why")


def test_costs_by_hand() -> None:
    found = scoring.costs([b"ab", b"abcd", b"abcdef"], [(2, 1.0), (3, 3.0)], [(10, 1.0), (30, 1.0)], key_bytes=32)
    assert [(one.name, one.value, one.low, one.high, one.n) for one in found.measurements] == [
        ("bytes_per_template", 4.0, 2, 6, 3),
        ("seconds_per_enrolment", pytest.approx(4 / 5), pytest.approx(1 / 2), pytest.approx(1.0), 5),
        ("seconds_per_score", pytest.approx(2 / 40), pytest.approx(1 / 30), pytest.approx(1 / 10), 3),
        ("key_bytes_per_person", 32, 32, 32, 3),
    ]
    assert found.details == {"threads": 1, "people_enrolled": 5, "scores": 40}


def test_without_keys_there_is_no_size_of_one() -> None:
    found = scoring.costs([b"ab"], [(1, 1.0)], [(1, 1.0)], key_bytes=0)
    assert [one.name for one in found.measurements] == [
        "bytes_per_template",
        "seconds_per_enrolment",
        "seconds_per_score",
    ]


def test_a_built_in_threshold_stands_at_the_rates_that_it_is_known_to_keep() -> None:
    scores = np.array([1.0] * 12 + [0.0] * 1988)
    assert scoring.own_threshold(scores, ["1e-1", "1e-2", "1e-3"]) == {"own": 0.5, "1e-1": 0.5, "1e-2": 0.5}
    assert scoring.own_threshold(scores[12:], ["1e-2", "1e-3"]) == {"own": 0.5, "1e-2": 0.5}  # too few to say more
    assert scoring.own_threshold(scores[:20], ["1e-2", "1e-3"], trials=20_000) == {"own": 0.5, "1e-2": 0.5, "1e-3": 0.5}


def test_costs_are_those_of_templates_that_were_made() -> None:
    found = scoring.costs([b"ab", NOT_ENROLLED, b"abcd"], [(3, 1.0)], [(1, 1.0)], key_bytes=0)
    assert (found["bytes_per_template"].value, found["bytes_per_template"].n) == (3.0, 2)


def failures(
    question: str, *, templates: tuple[tuple[bytes, ...], ...], acquisition: Acquisition | None = None
) -> Measured:
    measured = Measured((Measurement("fnmr", 0.2, 0.1, 0.3, 18, at="1e-3"),), {"undefined": {"eer": "why"}})
    groups = {"gender": np.repeat(["f", "m"], 10)}
    return scoring.with_failures(
        measured, question, acquisition=acquisition, templates=templates, groups=groups, seed=0
    )


def test_where_no_failure_is_known_the_record_is_as_it_was() -> None:
    for question in ("verify", "fairness"):
        found = failures(question, templates=((b"ab",) * 20,) * 2)
        assert [one.name for one in found.measurements] == ["fnmr_at_fmr_1e-3"]
        assert found.details == {"undefined": {"eer": "why"}}


def test_failures_by_hand() -> None:
    """The scheme refuses 2 of 20 subjects, one of them by one photo only; of 25 subjects 5 have no usable picture."""
    first = (NOT_ENROLLED, *(b"ab",) * 18, NOT_ENROLLED)
    second = (NOT_ENROLLED, *(b"ab",) * 19)
    names = np.array([f"s{k}" for k in range(25)])
    acquisition = Acquisition(np.arange(25) >= 20, names, {"gender": np.repeat(["f", "m", "f"], [10, 10, 5])})
    found = failures("verify", templates=(first, second))
    assert found["scheme_fte"].value == 3 / 40
    assert found["generalised_fnmr_at_fmr_1e-3"].value == pytest.approx(1 - 37 / 40 * 0.8)
    assert "fte" not in {one.name for one in found.measurements}  # nothing is known of the pictures
    both = failures("verify", templates=(first, second), acquisition=acquisition)
    assert both["fte"].value == 5 / 25
    assert both["generalised_fnmr_at_fmr_1e-3"].value == pytest.approx(1 - 37 / 40 * 0.8 * 20 / 25)
    assert both.details["undefined"] == {"eer": "why"}
    fair = failures("fairness", templates=(first, second), acquisition=acquisition)
    assert fair["scheme_fte_gender_f"].value == 2 / 20
    assert fair["scheme_fte_gender_m"].value == 1 / 20
    assert fair["fte_gender_f"].value == 5 / 15
    assert fair["fte_gender_m"].value == 0
    assert set(fair.details["undefined"]) == {"eer", "max_ratio_fta_gender", "max_ratio_fte_gender"}


def test_one_figure_in_every_record_whatever_the_scheme() -> None:
    names = np.array([f"s{k % 30}" for k in range(90)])
    acquisition = Acquisition(np.arange(90) % 4 == 0, names, {"gender": np.repeat(["f", "m"], 45)})
    one, other = (
        failures("fairness", templates=(templates,), acquisition=acquisition)
        for templates in ((b"ab",) * 20, (b"abcd",) * 20)
    )
    assert one == other
