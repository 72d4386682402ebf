"""Each question's scoring by hand: four target subjects and three selection subjects, stolen in a shuffled order.

An answer whose rows are permuted against the truth must have other figures, and each panel sees its own rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from mote_bench.contracts import Evidence, Faces, FloatArray, Knowledge
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.transfer import Transfer
from mote_bench.planning.split import Enrolled
from mote_bench.questions import (
    HowMuch,
    Question,
    SamePerson,
    WasMember,
    WhichClass,
    WhichFace,
    WhichKeyface,
    WhichPhoto,
)
from mote_bench.questions.staging import Attacked, Case, Panel, Rules, Staged, Unprotected

STOLEN = np.array([4, 2, 0, 6, 3, 1, 5])
"""The subject behind each stolen template: rows 1, 2, 4, 5 are target subjects 2, 0, 3, 1; the others selection."""
OTHERS = np.array([1, 5, 3, 0, 6, 2, 4])
EYE = np.eye(7)
GENDER = WhichClass("gender", ("female", "male"))


def enrolled(*rows: int) -> Enrolled:
    """Subject i has axis i of seven as reference and as probe, and age 10 i; the odd ones are men."""
    faces = Faces(
        EYE[list(rows)],
        attributes={"gender": np.array(["male" if row % 2 else "female" for row in rows])},
        values={"age": 10.0 * np.array(rows)},
        second=EYE[list(rows)],
    )
    shown = np.arange(len(rows))[::-1]
    return Enrolled(faces, None, faces.rows(shown), shown, 100 + 10 * np.array(rows)[::-1])


TARGET, SELECTION = Panel(enrolled(0, 1, 2, 3), 0), Panel(enrolled(4, 5, 6), 4)
PANELS = {"target": TARGET, "selection": SELECTION}


def scored(
    question: Question,
    answer: FloatArray,
    panel: Panel,
    *,
    truth: list[int] | None = None,
    queries: list[int] | None = None,
    shown: Mapping[str, FloatArray] | None = None,
    rules: Rules | None = None,
) -> Measured:
    staged = Staged(Evidence(Knowledge.ALGORITHM), STOLEN, OTHERS, np.array(truth or []))
    attacked = Attacked(np.asarray(answer, dtype=float), None if queries is None else np.array(queries), shown or {})
    case = Case(attacked, staged, panel, rules or Rules(Unprotected(np.zeros(7), {}), {}))
    return question.measure(case, np.random.default_rng(0))


def guesses(classes: Mapping[int, int]) -> FloatArray:
    """One row a stolen template: the class said of its subject."""
    return np.eye(2)[[classes[int(subject)] for subject in STOLEN]]


TRUE = {subject: subject % 2 for subject in range(7)}


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_right_answer_is_right_in_both_panels(panel: Panel) -> None:
    assert scored(GENDER, guesses(TRUE), panel)["balanced_accuracy"].value == 1.0


def test_an_error_counts_in_its_subjects_panel_alone() -> None:
    """Subject 3, a man, taken for a woman: 1 of 2 men right; subject 5, the only man of the selection subjects."""
    assert scored(GENDER, guesses(TRUE | {3: 0}), TARGET)["balanced_accuracy"].value == pytest.approx(0.75)
    assert scored(GENDER, guesses(TRUE | {3: 0}), SELECTION)["balanced_accuracy"].value == 1.0
    assert scored(GENDER, guesses(TRUE | {5: 0}), TARGET)["balanced_accuracy"].value == 1.0
    assert scored(GENDER, guesses(TRUE | {5: 0}), SELECTION)["balanced_accuracy"].value == pytest.approx(0.5)


def test_rows_in_the_order_of_the_people_instead_of_the_templates_are_wrong() -> None:
    """Sorted by subject, rows 1, 2, 4, 5 speak of 1, 2, 4, 5; they are read as of 2, 0, 3, 1."""
    in_order = np.eye(2)[[subject % 2 for subject in range(7)]]
    found = scored(GENDER, in_order, TARGET)
    assert found.details["confusion"] == [[1, 1], [1, 1]]
    assert found["balanced_accuracy"].value == 0.5


def test_numbers_are_held_against_their_own_subject() -> None:
    """Ages 0, 10, 20, 30; said of 2, 0, 3, 1 (the order of the templates)."""
    right = 10.0 * STOLEN[:, None]
    found = scored(HowMuch("age"), right, TARGET)
    assert (found["mae"].value, found["correlation"].value) == (0.0, pytest.approx(1.0))
    assert scored(HowMuch("age"), right, SELECTION)["mae"].value == 0.0
    shifted = right + np.where(STOLEN < 4, 0, 5)[:, None]
    assert scored(HowMuch("age"), shifted, TARGET)["mae"].value == 0.0
    assert scored(HowMuch("age"), shifted, SELECTION)["mae"].value == 5.0
    # In the order of the subjects: 10, 20, 40, 50 said of 20, 0, 30, 10.
    in_order = 10.0 * np.arange(7)[:, None]
    assert scored(HowMuch("age"), in_order, TARGET)["mae"].value == (10 + 20 + 10 + 40) / 4


def test_the_influence_names_the_subjects_by_their_numbers() -> None:
    """Numbers run against the order of the subjects: first subject 3, the man taken for a woman; subject 1 is third."""
    found = scored(GENDER, guesses(TRUE | {3: 0}), TARGET).details["influence"]
    assert found["people"] == [100, 110, 120, 130]
    pulls = found["balanced_accuracy"]
    assert pulls[0] < pulls[1] == 0 == pulls[3] < pulls[2]


def test_queries_of_the_panels_own_rows_are_counted() -> None:
    queries = [100, 1, 2, 100, 3, 6, 100]
    found = scored(GENDER, guesses(TRUE), TARGET, queries=queries)["queries_per_person"]
    assert (found.value, found.low, found.high, found.n) == (3.0, 1.0, 6.0, 4)
    assert scored(GENDER, guesses(TRUE), SELECTION, queries=queries)["queries_per_person"].value == 100.0
    assert "queries_per_person" not in {one.name for one in scored(GENDER, guesses(TRUE), TARGET).measurements}


def alike(columns: np.ndarray = OTHERS) -> FloatArray:
    """1 where row and column show one subject."""
    return (STOLEN[:, None] == columns[None, :]).astype(float)


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_mates_are_found_by_subject_not_by_place(panel: Panel) -> None:
    found = scored(SamePerson(), alike(), panel)
    assert (found["rank_1"].value, found["eer"].value) == (1.0, 0.0)
    assert (
        found.details["counts"]
        == {4: {"mated": 4, "non_mated": 12}, 3: {"mated": 3, "non_mated": 6}}[len(panel.people.references)]
    )


def test_the_order_of_the_second_database_must_be_kept() -> None:
    assert scored(SamePerson(), alike(np.arange(7)), TARGET)["rank_1"].value < 1
    assert scored(SamePerson(), alike()[::-1], TARGET)["rank_1"].value < 1
    assert scored(SamePerson(), np.eye(7), TARGET)["rank_1"].value < 1


def test_selection_subjects_are_no_candidates_among_target_subjects() -> None:
    """A score above the mate's with a record of the other panel changes nothing."""
    answer = alike()
    answer[np.ix_(STOLEN < 4, OTHERS >= 4)] = 9.0
    assert scored(SamePerson(), answer, TARGET)["rank_1"].value == 1.0
    answer[np.ix_(STOLEN == 2, OTHERS == 0)] = 9.0
    assert scored(SamePerson(), answer, TARGET)["rank_1"].value == 0.75


PLACES = [2, 0, 1, 2, 1, 0, 0]


def test_photos_are_held_against_the_place_of_their_row() -> None:
    right = np.eye(3)[PLACES]
    for panel in PANELS.values():
        assert scored(WhichPhoto(3), right, panel, truth=PLACES)["top_1"].value == 1.0
    turned = np.roll(right, 1, axis=0)  # places 0, 2, 0, 1, 2, 1, 0: right of the last row alone, subject 5
    assert scored(WhichPhoto(3), turned, TARGET, truth=PLACES)["top_1"].value == 0.0
    assert scored(WhichPhoto(3), turned, SELECTION, truth=PLACES)["top_1"].value == pytest.approx(1 / 3)
    wrong = right.copy()
    wrong[0] = [1, 0, 0]  # row 0 is selection subject 4
    assert scored(WhichPhoto(3), wrong, TARGET, truth=PLACES)["top_1"].value == 1.0
    assert scored(WhichPhoto(3), wrong, SELECTION, truth=PLACES)["top_1"].value == pytest.approx(2 / 3)


def test_candidates_for_membership_are_halved_between_the_panels() -> None:
    """Even rows are the target's: members 3 and 1, others 2 and 0. Odd rows: members 0 and 1, others 2 and 3."""
    truth = [1, 1, 0, 1, 1, 0, 0, 0]
    answer = np.array([3, 0, 2, 1, 1, 2, 0, 3.0])[:, None]
    assert scored(WasMember(), answer, TARGET, truth=truth)["auc"].value == 0.75
    assert scored(WasMember(), answer, SELECTION, truth=truth)["auc"].value == 0.0


def test_a_dictionary_opens_the_panels_own_templates() -> None:
    """Two faces at everybody's template; the system accepts from 0.5 on at 1e-1 and from 0.9 on at 1e-2."""
    scores = np.zeros((7, 2))
    scores[STOLEN == 0] = [0.5, 0.0]
    scores[STOLEN == 1] = [0.4, 0.9]
    scores[STOLEN >= 4] = 1.0
    rules = Rules(Unprotected(np.zeros(7), {}), {"1e-1": 0.5, "1e-2": 0.9})
    question = WhichKeyface(2, 7)
    found = scored(question, np.zeros((2, 7)), TARGET, shown={"all": scores}, rules=rules)
    names = ("opened_by_1_at_fmr_1e-1", "opened_by_10_at_fmr_1e-1", "opened_by_1_at_fmr_1e-2",
             "opened_by_10_at_fmr_1e-2")  # fmt: skip
    assert [found[name].value for name in names] == [0.25, 0.5, 0.0, 0.25]
    assert found.details["influence"]["people"] == [100, 110, 120, 130]
    other = scored(question, np.zeros((2, 7)), SELECTION, shown={"all": scores}, rules=rules)
    assert [other[name].value for name in names] == [1.0, 1.0, 1.0, 1.0]


AT = Rules(Unprotected(np.zeros(7), {"1e-2": 0.5}, {"1e-2": 0.5}), {"1e-2": 0.7})


def rates(found: Measured) -> list[float]:
    names = ("type_1_success", "type_2_success", "wolf_rate", "genuine_success")
    return [found[f"{name}_at_fmr_1e-2"].value for name in names]


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_reconstruction_is_held_against_its_own_subject(panel: Panel) -> None:
    found = scored(WhichFace(7), 3 * EYE[STOLEN], panel, rules=AT)
    assert rates(found) == [1.0, 1.0, 0.0, 1.0]
    assert found["centred_cosine"].value == pytest.approx(1.0)


def test_reconstructions_in_another_order_fail_and_pass_for_others() -> None:
    """In the subjects' order rows 1, 2, 4, 5 are axes 1, 2, 4, 5: two of them pass for a wrong target subject."""
    found = scored(WhichFace(7), EYE, TARGET, rules=AT)
    assert rates(found) == [0.0, 0.0, pytest.approx(2 / 12), 1.0]
    assert found["centred_cosine"].value == pytest.approx(0.0)


def test_the_mean_face_is_what_directions_are_seen_from() -> None:
    """Seen from a mean on axis 0, the answer (1, 1, 0, ...) points along axis 1 as subject 1 does."""
    mean = EYE[0]
    at = Rules(Unprotected(mean, {"1e-2": 0.5}), {})
    answer = EYE[STOLEN].copy()
    plain = scored(WhichFace(7), answer, SELECTION, rules=AT)["centred_cosine"].value
    answer[STOLEN >= 4] += np.sqrt(3) * EYE[0]  # 30 degrees from axis 0: (cos 30, sin 30)
    found = scored(WhichFace(7), answer, SELECTION, rules=at)["centred_cosine"].value
    seen, own = np.array([np.sqrt(3) / 2 - 1, 1 / 2]), np.array([-1.0, 1.0])
    assert plain == pytest.approx(1.0)
    assert found == pytest.approx(seen @ own / np.sqrt((seen @ seen) * 2), abs=1e-6)


def test_probes_of_subjects_who_were_not_attacked_are_left_out() -> None:
    """Subjects 0 and 1 have no stolen template; the probes of 2 and 3 are still theirs."""
    kept = np.flatnonzero((STOLEN == 2) | (STOLEN == 3))
    staged = Staged(Evidence(Knowledge.ALGORITHM), STOLEN[kept], OTHERS[:0])
    case = Case(Attacked(EYE[STOLEN[kept]], None, {}), staged, TARGET, AT)
    found = WhichFace(7).measure(case, np.random.default_rng(0))
    assert rates(found) == [1.0, 1.0, 0.0, 1.0]
    assert found["type_1_success_at_fmr_1e-2"].n == 2


def test_what_the_system_accepts_is_read_from_the_panels_rows() -> None:
    same = np.where(STOLEN == 2, 0.7, 0.0) + np.where(STOLEN >= 4, 0.9, 0.0)
    found = scored(WhichFace(7), EYE[STOLEN], TARGET, shown={"same": same, "another": np.ones(7)}, rules=AT)
    assert found["accepted_at_fmr_1e-2"].value == 0.25
    assert found["accepted_by_another_at_fmr_1e-2"].value == 1.0
    other = scored(WhichFace(7), EYE[STOLEN], SELECTION, shown={"same": same}, rules=AT)
    assert other["accepted_at_fmr_1e-2"].value == 1.0


def with_transfer() -> Rules:
    """The second recogniser sees what the first one sees, and accepts from 0.6 on."""
    small = np.full(7, 1e-9)
    return replace(AT, unprotected=replace(AT.unprotected, transfer=Transfer(small, small, np.eye(7), {"1e-2": 0.6})))


def test_the_second_recogniser_compares_the_same_rows() -> None:
    names = ("type_1_success", "type_2_success", "wolf_rate", "genuine_success")
    for answer, expected in ((EYE[STOLEN], [1.0, 1.0, 0.0, 1.0]), (EYE, [0.0, 0.0, pytest.approx(2 / 12), 1.0])):
        found = scored(WhichFace(7), answer, TARGET, rules=with_transfer())
        assert [found[f"second_recogniser_{name}_at_fmr_1e-2"].value for name in names] == expected


def test_the_second_recogniser_too_sees_only_those_who_were_attacked() -> None:
    kept = np.flatnonzero((STOLEN == 2) | (STOLEN == 3))
    staged = Staged(Evidence(Knowledge.ALGORITHM), STOLEN[kept], OTHERS[:0])
    case = Case(Attacked(EYE[STOLEN[kept]], None, {}), staged, TARGET, with_transfer())
    found = WhichFace(7).measure(case, np.random.default_rng(0))["second_recogniser_type_2_success_at_fmr_1e-2"]
    assert (found.value, found.n) == (1.0, 2)


def test_a_dictionary_is_shown_to_the_second_recogniser_whole() -> None:
    """Faces 0 and 1 match target subjects 0 and 1 of four at both recognisers, whatever rows the panel has."""
    answer, accepted = EYE[:2], np.zeros((7, 2))
    found = scored(WhichKeyface(2, 7), answer, TARGET, shown={"all": accepted}, rules=with_transfer())
    assert found["opened_by_10_at_fmr_1e-2"].value == 0.0
    assert found["second_recogniser_opened_by_1_at_fmr_1e-2"].value == 0.25
    assert found["second_recogniser_opened_by_10_at_fmr_1e-2"].value == 0.5
    plain = scored(WhichKeyface(2, 7), answer, TARGET, shown={"all": accepted}, rules=AT)
    assert not [one.name for one in plain.measurements if one.name.startswith("second")]


@pytest.mark.parametrize("lacking", ["transfer", "references", "probes"])
def test_without_second_embeddings_nothing_is_said_of_the_second_recogniser(lacking: str) -> None:
    rules, people = with_transfer(), TARGET.people
    assert people.probes is not None
    if lacking == "transfer":
        rules = AT
    elif lacking == "references":
        people = replace(people, references=replace(people.references, second=None))
    else:
        people = replace(people, probes=replace(people.probes, second=None))
    found = scored(WhichFace(7), EYE[STOLEN], Panel(people, 0), rules=rules)
    assert not [one.name for one in found.measurements if one.name.startswith("second")]


def test_reconstructions_need_other_photos() -> None:
    alone = replace(TARGET.people, probes=None)
    with pytest.raises(ValueError, match="without `identity`"):
        scored(WhichFace(7), EYE[STOLEN], Panel(alone, 0), rules=AT)
