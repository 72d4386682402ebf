"""Two known faces: how pairs are drawn, what the challenger gives, and how an answer is scored."""

from __future__ import annotations

import numpy as np
import pytest
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Evidence, Faces, InputError, Knowledge, Scheme
from mote_bench.planning.split import Enrolled
from mote_bench.questions import Case, Scene, Staged, WhichOfTwoFaces
from mote_bench.questions.indistinguishability import SELECTION_PAIRS, TARGET_PAIRS, TemplateChallenger
from mote_bench.questions.staging import Attacked, Panel, Rules, Unprotected
from mote_bench.testing import check_question
from mote_bench.toolkit import unit
from refusing import RefusesSome

TARGETS, OTHERS = 61, 17
FACES = unit(np.random.default_rng(0).standard_normal((TARGETS + OTHERS, 8))).astype(np.float32)
NOBODY = np.empty(0, dtype=np.intp)
QUESTION = WhichOfTwoFaces(TARGETS, OTHERS)


def dealt(scheme: Scheme | None = None, seed: int = 0) -> Staged:
    made = (scheme or Cosine()).fit(Faces(FACES[:20]), seed=0)
    staged = Staged(Evidence(Knowledge.ALGORITHM, scheme=made), np.arange(len(FACES)), NOBODY)
    scene = Scene(Faces(FACES[:20]), np.arange(len(FACES)), photos=FACES[:, None])
    return QUESTION.dealt(staged, scene, np.random.default_rng(seed))


def test_pairs_are_disjoint_and_of_one_panel() -> None:
    pairs = QUESTION._pairs(np.random.default_rng(0))
    assert len(pairs) == TARGET_PAIRS + SELECTION_PAIRS
    assert len(set(pairs.ravel().tolist())) == pairs.size
    of_targets = pairs < TARGETS
    np.testing.assert_array_equal(of_targets[:, 0], of_targets[:, 1])
    assert of_targets[:, 0].sum() == TARGET_PAIRS
    assert of_targets[:7, 0].sum() == 5  # so that few pairs hold both kinds too
    assert len(WhichOfTwoFaces(500, 11)._pairs(np.random.default_rng(0))) == TARGET_PAIRS + 5
    assert WhichOfTwoFaces(4, 0)._pairs(np.random.default_rng(0)).shape == (2, 2)


def test_the_evidence_holds_the_faces_and_no_stolen_template() -> None:
    staged = dealt()
    assert staged.evidence.templates == ()
    assert staged.evidence.candidates is not None
    np.testing.assert_array_equal(staged.evidence.candidates[:, 0], FACES[staged.people])
    assert QUESTION.shape(staged.evidence) == staged.truth.shape
    assert QUESTION.shape(Evidence(Knowledge.ALGORITHM)) == (0, 0)


def test_every_even_number_of_templates_is_of_both_faces_alike() -> None:
    truth = dealt().truth
    assert (truth.reshape(len(truth), -1, 2).sum(axis=2) == 1).all()
    assert 0.4 < truth[:, ::2].mean() < 0.6


def test_templates_are_of_the_face_that_the_truth_names() -> None:
    staged = dealt()
    assert staged.evidence.challenger is not None
    for pair in (0, 3):
        given = [np.frombuffer(one, "<f4") for one in staged.evidence.challenger.ask(pair, 6)]
        faces = staged.evidence.candidates[pair][staged.truth[pair, :6]]  # type: ignore[index]
        np.testing.assert_allclose(unit(np.array(given)), faces, atol=1e-6)


def test_a_template_does_not_depend_on_how_many_are_asked_for() -> None:
    at_once, in_parts = (dealt(BioHash()).evidence.challenger for _ in range(2))
    assert at_once is not None
    assert in_parts is not None
    whole = at_once.ask(1, 6)
    assert whole == in_parts.ask(1, 2) + in_parts.ask(1, 4)
    assert len(set(whole)) > 3  # of two faces under one key there would be two
    assert at_once.ask(0, 6) != whole
    assert at_once.used[:3].tolist() == [6, 6, 0]  # type: ignore[attr-defined]


def test_the_budget_is_kept() -> None:
    challenger = TemplateChallenger(Cosine(), FACES[:4].reshape(2, 2, 8), np.tile([0, 1], (2, 3)), seed=0)
    assert len(challenger.ask(1, 4)) == 4
    for n in (3, -1):
        with pytest.raises(ValueError, match="the budget is 6 per pair"):
            challenger.ask(1, n)
    assert challenger.used.tolist() == [0, 4]


def test_without_a_scheme_or_faces_nothing_is_dealt() -> None:
    scene = Scene(Faces(FACES), np.arange(4), photos=FACES[:, None])
    for evidence, given in ((Evidence(Knowledge.BYTES_ONLY), scene), (dealt().evidence, Scene(Faces(FACES), NOBODY))):
        with pytest.raises(ValueError, match="needs their photos and a scheme"):
            QUESTION.dealt(Staged(evidence, NOBODY, NOBODY), given, np.random.default_rng(0))


@pytest.mark.parametrize(("start", "people"), [(0, TARGETS), (TARGETS, OTHERS)])
def test_each_panel_is_scored_by_its_own_pairs_and_by_what_was_asked_for(start: int, people: int) -> None:
    staged = dealt()
    answer = np.where(staged.truth == 1, 1.0, -1.0)
    mine = (staged.people >= start) & (staged.people < start + people)
    answer[~mine] *= -1  # the other panel's pairs are all wrong
    answer[:, 10:] *= -1  # and so is what wasn't asked for
    own = Enrolled(Faces(FACES[start : start + people]), None, None, NOBODY, np.arange(people) + 100)
    rules = Rules(Unprotected(np.zeros(8), {}), {})
    case = Case(Attacked(answer, np.full(len(answer), 10), {}), staged, Panel(own, start), rules)
    found = QUESTION.measure(case, np.random.default_rng(0))
    assert (found["auc"].value, found["advantage"].value, found["auc"].n) == (1.0, 1.0, int(mine.sum()))
    assert found.details["influence"]["people"] == sorted((staged.people[mine] - start + 100).tolist())


def test_keeps_the_contract() -> None:
    assert [finding for finding in check_question(WhichOfTwoFaces) if not finding.ok] == []


def test_subjects_who_cannot_be_enrolled_are_in_no_pair() -> None:
    staged = Staged(Evidence(Knowledge.ALGORITHM, scheme=Cosine().fit(Faces(FACES[:20]), seed=0)), NOBODY, NOBODY)
    there = np.setdiff1d(np.arange(len(FACES)), [0, 5, 64])
    scene = Scene(Faces(FACES[:20]), there, photos=FACES[:, None])
    few = QUESTION.dealt(staged, scene, np.random.default_rng(0))
    whole = dealt().evidence.candidates
    assert few.evidence.candidates is not None
    assert whole is not None
    kept = [not any((face == FACES[row]).all() for face in pair for row in (0, 5, 64)) for pair in whole]
    assert 0 < len(whole) - sum(kept) <= 3
    np.testing.assert_array_equal(few.evidence.candidates, whole[kept])


def test_a_face_that_is_refused_under_a_fresh_key_fails_the_attack_in_words() -> None:
    staged = dealt(RefusesSome(-2.0))
    assert staged.evidence.challenger is not None
    with pytest.raises(InputError, match="could not enrol 4 of 4 subjects"):
        staged.evidence.challenger.ask(0, 4)
