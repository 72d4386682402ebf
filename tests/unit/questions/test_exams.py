"""What questions deal, offer and tell the conformance kit: candidates, classes of enough people, examples and edges."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Evidence, Faces, FloatArray, InputError, Knowledge, Shadow
from mote_bench.planning import protocol
from mote_bench.planning.split import split
from mote_bench.questions import (
    HowMuch,
    Question,
    SamePerson,
    WasMember,
    WhichClass,
    WhichFace,
    WhichKeyface,
    WhichOfTwoFaces,
    WhichPhoto,
)
from mote_bench.questions.base import Exam
from mote_bench.questions.edges import class_edge, face_edge, link_edge
from mote_bench.questions.staging import Database, EnrolledScheme, Scene, Staged
from mote_bench.testing import generated_faces

NOBODY = np.empty(0, dtype=np.intp)
QUICK = protocol.load("quick-1")


def known(shadow: Shadow | None) -> Staged:
    return Staged(Evidence(Knowledge.ALGORITHM, shadow=shadow), NOBODY, NOBODY)


def axes(*rows: int, identity: list[str] | None = None) -> Faces:
    return Faces(np.eye(16)[list(rows)], None if identity is None else np.array(identity))


MEMBERS = axes(0, 1, 2, 3, 4, 5, 6, 7, 8, identity=["a", "b", "b", "c", "c", "d", "d", "e", "e"])
"""a has one photo; the first photos of b, c, d, e are axes 1, 3, 5, 7."""
OWN = Shadow(axes(10, 11, 12, 13, 14), tuple(f"template {row}".encode() for row in range(5)), (b"k",) * 5)


@pytest.mark.parametrize(("allowed", "asked"), [(400, 2), (4, 2), (3, 1), (2, 1)])
def test_half_of_either_kind_is_in_question_and_no_more_than_allowed(allowed: int, asked: int) -> None:
    """Four members have two photos, five shadow subjects are no members: at most two of either kind."""
    for seed in range(5):
        dealt = WasMember().dealt(known(OWN), Scene(MEMBERS, (), candidates=allowed), np.random.default_rng(seed))
        seen = dealt.evidence
        assert seen.candidates is not None
        assert seen.public is not None
        assert seen.public.identity is not None
        assert seen.shadow is not None
        places = seen.candidates.argmax(axis=1)
        members = places[dealt.truth == 1]
        assert sorted(dealt.truth.tolist()) == [0] * asked + [1] * asked
        assert set(members.tolist()) <= {1, 3, 5, 7}
        assert set(places[dealt.truth == 0].tolist()) <= set(range(10, 15))
        assert len(set(places.tolist())) == 2 * asked
        # No photo of a member in question stays public, and no template of a non-member in question is known.
        assert not {"bcde"[(place - 1) // 2] for place in members} & set(seen.public.identity.tolist())
        assert len(seen.public) == len(MEMBERS) - 2 * asked
        rest = seen.shadow.references.embeddings.argmax(axis=1)
        assert rest.tolist() == sorted(set(range(10, 15)) - set(places.tolist()))
        assert seen.shadow.templates == tuple(f"template {place - 10}".encode() for place in rest)
        assert seen.shadow.keys == (b"k",) * len(rest)


def test_members_and_others_are_mixed() -> None:
    scene = Scene(MEMBERS, (), candidates=4)
    orders = {tuple(WasMember().dealt(known(OWN), scene, np.random.default_rng(seed)).truth) for seed in range(30)}
    assert len(orders) == 6


@pytest.mark.parametrize(("staged", "public"), [(known(None), MEMBERS), (known(OWN), axes(0, 1, 2))])
def test_membership_needs_people_on_both_sides(staged: Staged, public: Faces) -> None:
    with pytest.raises(ValueError, match="membership inference needs shadow subjects"):
        WasMember().dealt(staged, Scene(public, (), candidates=4), np.random.default_rng(0))


def test_photos_need_candidates() -> None:
    with pytest.raises(ValueError, match="no candidate photos"):
        WhichPhoto(3).dealt(known(OWN), Scene(MEMBERS, ()), np.random.default_rng(0))


@pytest.mark.parametrize("question", [WhichFace(3), SamePerson(), WhichClass("gender", ("a", "b"))])
def test_other_questions_deal_nothing_of_their_own(question: Question) -> None:
    staged = known(OWN)
    assert question.dealt(staged, Scene(MEMBERS, ()), np.random.default_rng(0)) is staged


FACES = generated_faces(people=400, photos=4, dimension=8)
PARTS = split(FACES, QUICK, seed=0)


def labelled(target: list[str], shadow: list[str]) -> WhichClass | None:
    """The question offered of these labels of some target and shadow subjects; the others' are unknown."""
    sides = []
    for side, labels in ((PARTS.target, target), (PARTS.shadow, shadow)):
        column = np.array(labels + [""] * (len(side.references) - len(labels)))
        sides.append(replace(side, references=replace(side.references, attributes={"hair": column})))
    offer = WhichClass.offered(replace(PARTS, target=sides[0], shadow=sides[1]), QUICK)
    assert (offer.questions == ()) is ("hair" in offer.refused)
    return offer.questions[0] if offer.questions else None  # type: ignore[return-value]


def test_a_class_needs_enough_subjects_of_both_sides() -> None:
    five, four = ["dark"] * 5, ["fair"] * 4
    assert labelled(five + four + ["fair"], five + four + ["fair"]) == WhichClass("hair", ("dark", "fair"))
    assert labelled(five + four, five + four + ["fair"]) is None
    assert labelled(five + four + ["fair"], five + four) is None
    assert labelled(five + ["red"] * 5 + ["fair"] * 5, ["fair"] * 5 + ["red"] * 6) == WhichClass(
        "hair", ("fair", "red")
    )


@pytest.mark.parametrize("lacking", [None, "target", "shadow"])
def test_a_number_needs_twenty_subjects_of_both_sides(lacking: str | None) -> None:
    parts = {}
    for name in ("target", "shadow"):
        side = getattr(PARTS, name)
        values = np.full(len(side.references), np.nan)
        values[: 19 if name == lacking else 20] = 1.0
        parts[name] = replace(side, references=replace(side.references, values={"height": values}))
    offered = HowMuch.offered(replace(PARTS, **parts), QUICK).questions
    assert offered == ((HowMuch("height"),) if lacking is None else ())


def hair(*labels: str) -> Faces:
    return Faces(np.eye(len(labels)), attributes={"hair": np.array(labels)})


def test_examples() -> None:
    many = hair(*["fair"] * 5, *["dark"] * 5, *["red"] * 4)
    assert WhichClass.example(many, many) == WhichClass("hair", ("dark", "fair"))
    with pytest.raises(InputError, match="no attribute with enough people of two classes"):
        WhichClass.example(many, hair(*["fair"] * 5, *["dark"] * 4))
    with pytest.raises(InputError, match="no attribute with enough people"):
        WhichClass.example(many, Faces(np.eye(3)))
    five = Faces(np.eye(6), values={"same": np.ones(6), "age": np.array([1, 2, 3, 4, 5, np.nan])})
    assert HowMuch.example(five, five) == HowMuch("age")
    with pytest.raises(InputError, match="no numeric attribute"):
        HowMuch.example(five.rows(np.array([0, 1, 2, 3, 5])), five)
    assert WhichFace.example(five, five) == WhichFace(6)
    assert WhichKeyface.example(five, five) == WhichKeyface(10, 6)
    assert WhichPhoto.example(five, five) == WhichPhoto(2)
    assert SamePerson.example(five, five) == SamePerson()
    assert WasMember.example(five, five) == WasMember()
    assert WhichOfTwoFaces.example(five, five) == WhichOfTwoFaces(6, 0)


STOLEN, OTHERS = np.array([2, 0, 3, 1]), np.array([1, 3, 0, 2])
TARGET = Faces(
    np.eye(4), attributes={"gender": np.array(["a", "b", "b", "a"])}, values={"age": np.array([1.0, 2.0, 3.0, np.nan])}
)


def exam(truth: list[int] | None = None) -> Exam:
    """Four subjects, stolen in another order; cosine's templates of axes 0 to 3."""
    scheme = Cosine().fit(TARGET, seed=0)
    first = Database(tuple(scheme.enroll(TARGET.embeddings, keys=None, seeds=range(4))), None)
    held = EnrolledScheme(scheme, first, first, Shadow(TARGET, (), None), thresholds={"1e-1": 0.5, "1e-2": 0.9})
    background = Faces(np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]]))
    staged = Staged(Evidence(Knowledge.ALGORITHM), STOLEN, OTHERS, np.array(truth or [0]))
    return Exam(background, TARGET, held, staged, "1e-1")


def test_edges_hold_an_answer_against_the_stolen_order() -> None:
    classes = np.array([1, 0, 0, 1])  # b, a, a, b: of subjects 2, 0, 3, 1
    answer = np.eye(2)[classes]
    question = WhichClass("gender", ("a", "b"))
    assert question.edge(answer, exam()) == class_edge(answer, classes) > 0
    assert question.edge(answer[::-1], exam()) == pytest.approx(question.edge(answer, exam()))
    assert question.edge(1 - answer, exam()) < 0
    similar = (STOLEN[:, None] == OTHERS[None, :]).astype(float)
    assert SamePerson().edge(similar, exam()) == link_edge(similar, np.array([3, 2, 1, 0])) > 0
    places = np.eye(2)[[0, 1, 1, 0]]
    assert WhichPhoto(2).edge(places, exam([0, 1, 1, 0])) == class_edge(places, np.array([0, 1, 1, 0])) > 0


def test_the_edge_of_a_face_is_seen_from_the_mean() -> None:
    answer = np.eye(4)[STOLEN] + 0.1 * np.arange(16).reshape(4, 4)
    mean = np.array([0.5, 0.5, 0, 0])
    length = np.sqrt((answer**2).sum(axis=1, keepdims=True))
    expected = face_edge(answer / length - mean, np.eye(4)[STOLEN] - mean)
    assert WhichFace(4).edge(answer, exam()) == pytest.approx(expected)
    assert WhichFace(4).edge(7 * answer, exam()) == pytest.approx(expected)


def test_the_edge_of_a_number_is_fishers() -> None:
    """Four subjects have a number: a standard error of 1 / sqrt(4 - 3) = 1."""
    values = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    people = replace(exam(), target=Faces(np.eye(5), values={"age": values}),
                     staged=Staged(Evidence(Knowledge.ALGORITHM), np.array([3, 4, 0, 2, 1]), NOBODY))  # fmt: skip
    said = np.array([4.0, 99.0, 2.0, 3.0, 1.0])[:, None]  # against 4, unknown, 1, 3, 2
    correlation = 1 - 6 * 2 / (4 * 15)  # Spearman's, as both are ranks: two are exchanged by one
    assert HowMuch("age").edge(said, people) == pytest.approx(np.arctanh(correlation))
    assert HowMuch("age").edge(np.ones((5, 1)), people) == 0.0
    perfect = np.array([4.0, 0.0, 1.0, 3.0, 2.0])[:, None]
    assert np.isfinite(HowMuch("age").edge(perfect, people))
    assert HowMuch("age").edge(perfect, people) > 5 > -5 > HowMuch("age").edge(-perfect, people)


def test_the_edge_of_a_dictionary_is_what_it_opens_beyond_chance() -> None:
    """Two faces open templates 0 and 1, of four; by chance each opens a tenth."""
    by_chance = 1 - 0.9**2
    error = np.sqrt(by_chance * (1 - by_chance) / 4)
    faces = np.array([[2.0, 0, 0, 0], [0, 3.0, 0, 0]])
    assert WhichKeyface(2, 4).edge(faces, exam()) == pytest.approx((0.5 - by_chance) / error)


def test_the_edge_of_membership_is_mann_whitneys() -> None:
    """Members 4 and 2 among others 3 and 1: 3 of 4 pairs, 2 expected; variance 2 * 2 * 5 / 12."""
    answer = np.array([4.0, 3, 2, 1])[:, None]
    assert WasMember().edge(answer, exam([1, 0, 1, 0])) == pytest.approx((3 - 2) / np.sqrt(20 / 12))
    assert WasMember().edge(answer, exam([1, 0, 0, 0])) == pytest.approx((3 - 1.5) / np.sqrt(3 * 5 / 12))


def test_the_edge_of_two_faces_is_mann_whitneys_of_all_pairs() -> None:
    """Pairs with 4 and 2 of 4 comparisons right, 4 expected in all; variance 2 * (2 * 2 * 5 / 12)."""
    truth = np.array([[0, 1, 1, 0], [0, 1, 1, 0]])
    people = replace(exam(), staged=replace(exam().staged, truth=truth))
    answer = np.array([[1.0, 4, 3, 2], [2.0, 4, 1, 3]])
    assert WhichOfTwoFaces(4, 0).edge(answer, people) == pytest.approx((6 - 4) / np.sqrt(2 * 20 / 12))


ANSWER = np.arange(12.0).reshape(4, 3)
ROWS, COLUMNS = np.array([3, 1, 0, 2]), np.array([2, 0, 1])


@pytest.mark.parametrize(
    ("question", "due"),
    [
        (WhichClass("gender", ("a", "b")), ANSWER[ROWS]),
        (WhichFace(3), ANSWER[ROWS]),
        (SamePerson(), np.array([[11, 9, 10], [5, 3, 4], [2, 0, 1], [8, 6, 7.0]])),
        (WasMember(), None),
        (WhichKeyface(4, 3), None),
        (WhichOfTwoFaces(4, 3), None),
    ],
)
def test_answers_follow_the_order_of_the_templates(question: Question, due: FloatArray | None) -> None:
    found = question.follows(ANSWER, ROWS, COLUMNS)
    assert (found is None) if due is None else np.array_equal(found, due)


def test_what_counts_in_an_answer() -> None:
    np.testing.assert_allclose(WhichClass("g", ("a", "b")).comparable(np.array([[1.0, 3], [5, 5]])), [[-1, 1], [0, 0]])
    np.testing.assert_allclose(WhichFace(2).comparable(np.array([[2.0, 0], [0, 9]])), [[0.5, -0.5], [-0.5, 0.5]])
    assert SamePerson().comparable(ANSWER) is ANSWER


@pytest.mark.parametrize(
    "question",
    [WhichClass("g", ("a", "b")), HowMuch("age"), WhichFace(3), SamePerson(), WhichPhoto(4), WasMember(),
     WhichKeyface(4, 3), WhichOfTwoFaces(4, 3)],
)  # fmt: skip
def test_a_question_is_a_value_that_cannot_be_changed(question: Question) -> None:
    assert replace(question) == question  # type: ignore[type-var]
    assert len({replace(question), question}) == 1  # type: ignore[type-var]
    with pytest.raises(FrozenInstanceError):
        question.anything = 1  # type: ignore[attr-defined]
