"""What each question states of itself, and how records are read by the name of their question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mote_bench.contracts import Evidence, Faces, InputError, Knowledge, Measurement
from mote_bench.planning import protocol
from mote_bench.planning.split import Split, crossed, split
from mote_bench.questions import (
    HowMuch,
    Offer,
    Question,
    SamePerson,
    WasMember,
    WhichClass,
    WhichFace,
    WhichKeyface,
    WhichOfTwoFaces,
    WhichPhoto,
)
from mote_bench.questions.installed import (
    asks,
    broken,
    ceiling_of,
    ceilings,
    describe,
    described,
    entry_of,
    installed,
    kind_of,
    reading_of,
    rules_of,
)
from mote_bench.questions.staging import Case, Staged
from mote_bench.testing import check_question, generated_faces

FIRST_EDITION = (WhichClass, HowMuch, WhichFace, SamePerson, WhichPhoto, WasMember, WhichKeyface)
BUILT_IN = tuple(kind for kind in installed() if kind.__module__.startswith("mote_bench."))


def none_measured(family: str) -> str:
    return ""


def at_one_in_a_thousand(family: str) -> str:
    return "1e-3"


def test_all_built_in_ones_are_registered_in_the_order_of_the_boards() -> None:
    """A question without an entry point is found among the base's subclasses; later ones come after the first."""
    written = {kind for kind in Question.__subclasses__() if kind.__module__.startswith("mote_bench.questions.")}
    assert set(BUILT_IN) == written
    assert BUILT_IN[: len(FIRST_EDITION)] == FIRST_EDITION
    assert all(kind.order >= 10 for kind in BUILT_IN[len(FIRST_EDITION) :])
    assert broken() == ()
    assert all(entry_of(kind) is not None for kind in BUILT_IN)


@pytest.mark.parametrize(
    ("name", "kind", "in_catalogue"),
    [
        ("gender", WhichClass, "attribute"),
        ("hair colour", WhichClass, "attribute"),
        ("age_value", HowMuch, "value"),
        ("reconstruct", WhichFace, "reconstruct"),
        ("link", SamePerson, "link"),
        ("photo", WhichPhoto, "photo"),
        ("member", WasMember, "member"),
        ("wolf", WhichKeyface, "wolf"),
        ("ind", WhichOfTwoFaces, "ind"),
    ],
)
def test_a_name_is_read_by_the_kind_that_claims_it(name: str, kind: type[Question], in_catalogue: str) -> None:
    assert rules_of(name) is kind
    assert kind_of(name) == in_catalogue


def test_the_harness_rows_are_no_questions() -> None:
    assert [kind_of(name) for name in ("verify", "fairness", "cost")] == ["verify", "fairness", "cost"]
    assert describe("eer", "verify").better == "lower"
    assert describe("eer", "link").better == "higher"


def test_the_order_on_the_boards() -> None:
    names = ["wolf", "member", "photo", "link", "reconstruct", "hair", "ethnicity", "age_value", "age", "gender"]
    assert sorted(names, key=lambda name: (rules_of(name).place(name), name)) == names[::-1]


@pytest.mark.parametrize(
    ("name", "headline", "beside", "breaks_by"),
    [
        ("gender", "balanced_accuracy", ("auc",), "balanced_accuracy"),
        ("age_value", "correlation", ("mae",), "correlation"),
        ("link", "eer", ("d_sys",), "eer"),
        ("photo", "top_1", (), "top_1"),
        ("member", "auc", (), "auc"),
        ("ind", "auc", ("advantage",), "auc"),
        ("wolf", "opened_by_10_at_fmr_1e-3", ("opened_by_1_at_fmr_1e-3",), "opened_by_10_at_fmr_1e-2"),
        (
            "reconstruct",
            "success_gain_at_fmr_1e-3",
            ("type_2_success_at_fmr_1e-3", "wolf_rate_at_fmr_1e-3", "centred_cosine"),
            "cosine_gain",
        ),
    ],
)
def test_headlines(name: str, headline: str, beside: tuple[str, ...], breaks_by: str) -> None:
    assert reading_of(name, [headline], at_one_in_a_thousand) == (headline, beside)
    assert rules_of(name).breaks_by == breaks_by


def test_without_any_threshold_the_likeness_is_read() -> None:
    assert WhichFace.reading(none_measured) == ("cosine_gain", ("centred_cosine",))


def test_a_question_that_is_not_installed_is_read_by_its_first_metric() -> None:
    assert reading_of("hue", ["hue_told", "hue_error"], none_measured) == ("hue_told", ())
    assert reading_of("hair", ["balanced_accuracy", "auc"], none_measured) == ("balanced_accuracy", ("auc",))
    assert asks("hue", "hue_told") == "question 'hue'"
    assert asks("hair", "balanced_accuracy") == "class inferred"
    assert described("hue_told", "hue").better == "lower"
    with pytest.raises(InputError, match="no metric is called 'hue_told'"):
        describe("hue_told", "hue")


def test_ceilings() -> None:
    assert ceilings() == {"cosine", "memoriser"}
    assert [ceiling_of(name) for name in ("gender", "link", "member", "hue")] == [
        "cosine",
        "cosine",
        "memoriser",
        "cosine",
    ]


def test_which_questions_are_drawn_against_recognition_and_storage() -> None:
    """Of attributes the one that every data set has."""
    names = ["gender", "age", "hair", "age_value", "reconstruct", "link", "photo", "member", "wolf"]
    assert [name for name in names if rules_of(name).traded(name)] == ["gender", "reconstruct", "link"]


def one(metric: str, low: float, high: float, chance: float | None = None) -> dict[str, Measurement]:
    return {metric: Measurement(metric, (low + high) / 2, low, high, 100, chance)}


@pytest.mark.parametrize(
    ("kind", "metric", "chance"),
    [
        (WhichClass, "balanced_accuracy", 0.5),
        (HowMuch, "correlation", 0.0),
        (WhichFace, "cosine_gain", None),
        (WhichPhoto, "top_1", 0.25),
        (WasMember, "auc", 0.5),
        (WhichOfTwoFaces, "auc", 0.5),
        (WhichKeyface, "opened_by_10_at_fmr_1e-2", 0.1),
    ],
)
def test_a_ceiling_is_broken_when_the_interval_lies_above_chance(
    kind: type[Question], metric: str, chance: float | None
) -> None:
    at = chance or 0.0
    assert kind.breaks(one(metric, at + 0.01, at + 0.2, chance))
    assert not kind.breaks(one(metric, at, at + 0.2, chance))
    assert not kind.breaks(one("something_else", 0.9, 0.95, chance))


def test_linking_breaks_the_ceiling_when_the_error_rate_lies_below_a_half() -> None:
    assert SamePerson.breaks(one("eer", 0.2, 0.49))
    assert not SamePerson.breaks(one("eer", 0.2, 0.5))
    assert not SamePerson.breaks({})


@pytest.mark.parametrize(
    ("question", "shape"),
    [
        (WhichClass("gender", ("female", "male", "other")), (2, 3)),
        (HowMuch("age"), (2, 1)),
        (WhichFace(7), (2, 7)),
        (SamePerson(), (2, 5)),
        (WhichPhoto(4), (2, 4)),
        (WasMember(), (6, 1)),
        (WhichKeyface(10, 7), (10, 7)),
    ],
)
def test_shapes_of_answers(question: Question, shape: tuple[int, int]) -> None:
    evidence = Evidence(Knowledge.ALGORITHM, (b"a", b"b"), (b"c",) * 5, candidates=np.zeros((6, 7)))
    assert question.shape(evidence) == shape


def test_without_candidates_nobody_can_be_a_member() -> None:
    assert WasMember().shape(Evidence(Knowledge.ALGORITHM)) == (0, 1)


FACES = generated_faces(people=400, photos=4, dimension=8)
QUICK = protocol.load("quick-1")


def test_what_is_offered_for_a_data_set() -> None:
    parts = split(FACES, QUICK, seed=0)
    offered = {kind: kind.offered(parts, QUICK).questions for kind in BUILT_IN}
    assert offered[WhichClass] == (WhichClass("gender", ("female", "male")), WhichClass("age", ("old", "young")))
    assert offered[HowMuch] == (HowMuch("years"),)
    assert offered[WhichFace] == (WhichFace(8),)
    assert offered[WhichPhoto] == (WhichPhoto(4),)
    assert offered[WhichKeyface] == (WhichKeyface(10, 8),)
    assert offered[WasMember] == (WasMember(),)
    assert offered[WhichOfTwoFaces] == (WhichOfTwoFaces(len(parts.target.references), len(parts.selection.references)),)
    others = crossed(parts, split(generated_faces(people=400, photos=4, dimension=8, seed=1), QUICK, seed=0))
    assert WasMember.offered(others, QUICK).questions == ()


def test_an_attribute_of_one_class_is_refused_with_the_reason() -> None:
    alike = replace(FACES, attributes={"gender": np.full(len(FACES), "female")})
    offer = WhichClass.offered(split(alike, QUICK, seed=0), QUICK)
    assert offer.questions == ()
    assert offer.refused == {"gender": "fewer than two classes with 5 shadow and target people"}


def test_only_those_whose_answer_is_known_are_attacked() -> None:
    faces = Faces(
        np.eye(3), attributes={"gender": np.array(["female", "", "male"])}, values={"age": np.array([1.0, 2.0, np.nan])}
    )
    assert WhichClass("gender", ("female", "male")).answerable(faces).tolist() == [True, False, True]
    assert HowMuch("age").answerable(faces).tolist() == [True, True, False]
    assert SamePerson().answerable(faces).tolist() == [True, True, True]


@pytest.mark.parametrize("kind", [WhichClass, WasMember, WhichKeyface])
def test_built_in_questions_keep_the_contract(kind: type[Question]) -> None:
    assert [finding for finding in check_question(kind) if not finding.ok] == []


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("states_its_rules", WhichPhoto, {"breaks_by": None}),
        ("states_its_rules", WhichPhoto, {"ceiling": "glass"}),
        ("offered", WhichPhoto, {"offered": classmethod(lambda cls, split, protocol: Offer())}),
        ("has_a_name_of_its_own", WhichPhoto, {"id": "link"}),
        ("has_a_name_of_its_own", WhichPhoto, {"id": "verify"}),
        ("deals_the_same", WhichPhoto, {"dealt": lambda self, staged, scene, rng: _any_order(self, staged, scene)}),
        ("answer_shape", WhichPhoto, {"shape": lambda self, evidence: (evidence.people, 0)}),
        ("headline_is_measured", WhichPhoto, {"breaks_by": "top_2"}),
        ("guesses_break_nothing", WhichPhoto, {"breaks": classmethod(lambda cls, measurements: True)}),
        ("guesses_have_no_edge", WhichPhoto, {"edge": lambda self, answer, exam: 5.0}),
        ("best_answer_has_an_edge", WhichPhoto, {"best_answer": lambda self, staged, people: _any_guess(self, staged)}),
        ("best_answer_has_an_edge", WhichPhoto, {"best_answer": lambda self, staged, people: np.eye(self.photos)}),
        ("best_answer_beats_chance", WhichPhoto, {"measure": lambda self, case, rng: _backwards(self, case, rng)}),
    ],
)
def test_the_kit_finds_what_is_broken(name: str, kind: type[Question], change: dict[str, object]) -> None:
    bad = type("Bad", (kind,), {"id": "bad", **change})
    # Its own metrics, so that nothing else is amiss than the change.
    bad.metrics = tuple(replace(describe(metric, "photo"), questions=(bad.kind(),)) for metric in ("top_1",))
    assert name in [finding.check for finding in check_question(bad) if not finding.ok]


def _any_guess(question: WhichPhoto, staged: Staged) -> Any:
    return np.random.default_rng(0).random(question.shape(staged.evidence))


def _backwards(question: WhichPhoto, case: Case, rng: np.random.Generator) -> Any:
    return WhichPhoto.measure(
        question, replace(case, attacked=replace(case.attacked, answer=-case.attacked.answer)), rng
    )


def _any_order(question: WhichPhoto, staged: object, scene: object) -> object:
    return WhichPhoto.dealt(question, staged, scene, np.random.default_rng())


def test_a_question_is_checked_on_faces_of_its_own() -> None:
    """Generated people have no hair, so the question is offered for nobody among them."""

    class WhichHair(WhichClass):
        @classmethod
        def offered(cls, split: Split, protocol: protocol.Protocol) -> Offer:
            questions = super().offered(split, protocol).questions
            return Offer(tuple(one for one in questions if one.name == "hair"))

    dark = np.where(FACES.attributes["gender"] == "female", "dark", "fair")
    haired = replace(FACES, attributes={"hair": dark}, values={})
    at = "offered"
    assert [finding.ok for finding in check_question(WhichHair, faces=haired) if finding.check == at] == [True]
    [missed] = [finding for finding in check_question(WhichHair, faces=FACES) if finding.check == at]
    assert "the classes age, gender and the numbers years" in missed.message


def test_faces_that_no_question_can_be_checked_on_are_refused() -> None:
    with pytest.raises(InputError, match="no identities"):
        check_question(WhichPhoto, faces=replace(FACES, identity=None))
    with pytest.raises(InputError, match="people, with 4 photos each"):
        check_question(WhichPhoto, faces=generated_faces(people=60, photos=4, dimension=8))
