"""One cell's evidence: which subjects, which candidate photos, which budget, and where faces are presented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Cell, Faces, Scheme, Shadow
from mote_bench.engine.staging import stage
from mote_bench.planning import protocol
from mote_bench.planning.plan import Plan
from mote_bench.planning.settings import Setting
from mote_bench.planning.split import Enrolled, Split
from mote_bench.questions import HowMuch, Question, SamePerson, WhichClass, WhichFace, WhichKeyface, WhichPhoto
from mote_bench.questions.staging import Database, EnrolledScheme, Staged, VerificationTargets

D = 6
QUESTIONS: dict[str, Question] = {
    one.name: one
    for one in (
        WhichClass("gender", ("female", "male")),
        HowMuch("age"),
        WhichFace(D),
        SamePerson(),
        WhichPhoto(3),
        WhichKeyface(2, D),
    )
}
# Subject 1 of the target subjects has no gender, subject 5 (the second of the selection subjects) no age.
GENDER, AGE = ("female", "", "male", "male", "female", "male"), (1.0, 2.0, 3.0, 4.0, 5.0, np.nan)


def enrolled(first: int, count: int) -> Enrolled:
    """Subjects with a reference, a second photo and two probes; the photos' first coordinates say which they are."""
    rng = np.random.default_rng(first)
    faces = Faces(
        rng.standard_normal((count, D)),
        attributes={"gender": np.array(GENDER[first : first + count])},
        values={"age": np.array(AGE[first : first + count])},
    )
    seconds, probes = Faces(rng.standard_normal((count, D))), Faces(rng.standard_normal((2 * count, D)))
    return Enrolled(faces, seconds, probes, np.tile(np.arange(count), 2), np.arange(first, first + count))


TARGET, SELECTION = enrolled(0, 4), enrolled(4, 2)


def database(mark: str, count: int = 6) -> Database:
    return Database(
        tuple(f"{mark} {subject}".encode() for subject in range(count)),
        tuple(f"key {mark} {subject}".encode() for subject in range(count)),
    )


def staged(
    question: str, knowledge: str = "algorithm", *, scheme: Scheme | None = None, thresholds: bool = True, seed: int = 0
) -> tuple[Staged, VerificationTargets | None]:
    public = Faces(np.random.default_rng(9).standard_normal((8, D)))
    own = enrolled(0, 2)
    split = Split(public, own, SELECTION, TARGET, own, public, has_identity=True)
    version = protocol.load()
    plan = Plan((), {}, {}, QUESTIONS, (), ())
    setting = Setting(None, split, version, plan, None, {})  # type: ignore[arg-type]
    held = EnrolledScheme(
        scheme or BioHash().fit(public, seed=0),
        database("first"),
        database("second"),
        Shadow(own.references, (b"a", b"b"), None),
        renewed=(database("again", 3),),
        renewed_people=(0, 2, 4),
        thresholds={"1e-2": 0.6, "1e-3": 0.8} if thresholds else {},
    )
    cell = Cell(version.name, "people", "biohash", "any", question, knowledge, 0)
    return stage(setting, cell, held, seed)


@pytest.mark.parametrize(
    ("question", "people"),
    [
        ("gender", [0, 2, 3, 4, 5]),
        ("age_value", [0, 1, 2, 3, 4]),
        ("reconstruct", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_those_of_both_panels_whose_answer_is_known_are_attacked(question: str, people: list[int]) -> None:
    stolen, _ = staged(question)
    assert sorted(stolen.people.tolist()) == people
    assert stolen.evidence.templates == tuple(f"first {subject}".encode() for subject in stolen.people)


def test_several_records_are_stolen_of_those_who_were_enrolled_again() -> None:
    stolen, _ = staged("gender", "stolen_key (2 records)")
    assert sorted(stolen.people.tolist()) == [0, 2, 4]
    [records] = stolen.evidence.renewed
    rows = [{0: 0, 2: 1, 4: 2}[subject] for subject in stolen.people.tolist()]
    assert records.templates == tuple(f"again {row}".encode() for row in rows)
    assert records.keys == tuple(f"key again {row}".encode() for row in rows)


def test_the_same_seed_deals_the_same_and_another_another() -> None:
    orders = {tuple(staged("reconstruct", seed=seed)[0].people.tolist()) for seed in range(8)}
    assert len(orders) > 4
    assert np.array_equal(staged("reconstruct", seed=3)[0].people, staged("reconstruct", seed=3)[0].people)


def test_candidate_photos_are_those_of_the_subject_behind_the_template() -> None:
    stolen, _ = staged("photo")
    assert stolen.evidence.candidates is not None
    assert stolen.evidence.candidates.shape == (6, 3, D)
    for subject, photos, place in zip(stolen.people, stolen.evidence.candidates, stolen.truth, strict=True):
        part, row = (TARGET, subject) if subject < 4 else (SELECTION, subject - 4)
        assert part.seconds is not None
        assert part.probes is not None
        own = (part.references, part.seconds, part.probes.rows(np.flatnonzero(part.shown == row)[:1]))
        expected = [own[0].embeddings[row], own[1].embeddings[row], own[2].embeddings[0]]
        assert sorted(map(tuple, photos)) == sorted(map(tuple, expected))
        np.testing.assert_array_equal(photos[place], expected[0])
    assert staged("gender")[0].evidence.candidates is None


@pytest.mark.parametrize(("access", "multiple"), [("scores", 8), ("decisions", 64)])
def test_the_budget_is_a_multiple_of_the_dimension(access: str, multiple: int) -> None:
    queries = protocol.load().queries
    assert {"scores": queries.scores, "decisions": queries.decisions}[access] == multiple
    stolen, _ = staged("reconstruct", f"algorithm ({access} only)")
    assert stolen.evidence.oracle is not None
    assert stolen.evidence.oracle.left.tolist() == [multiple * D] * 6


def test_decisions_without_a_threshold_cannot_be_staged() -> None:
    with pytest.raises(ValueError, match="decisions need a threshold"):
        staged("reconstruct", "algorithm (decisions only)", thresholds=False)


def test_the_system_decides_at_the_protocols_operating_rate() -> None:
    """At 1e-3 it accepts from 0.8 on: of a template of 8 bits, 7 that agree."""
    assert protocol.load().operating_fmr == "1e-3"

    class Steps(Cosine):
        def score(self, templates, probes, *, keys):
            return np.tile([0.7, 0.8, 0.9], (len(templates), 1))

    stolen, _ = staged("reconstruct", "algorithm (decisions only)", scheme=Steps())
    assert stolen.evidence.oracle is not None
    assert stolen.evidence.oracle.ask(np.eye(D)[:3]).tolist() == [[0.0, 1.0, 1.0]] * 6


def test_faces_are_presented_to_the_attacked_template_to_anothers_and_to_the_second_enrolment() -> None:
    stolen, presented = staged("reconstruct", "stolen_key")
    assert presented is not None
    order = stolen.people
    expected = {"same": ("first", order), "another": ("first", np.roll(order, 1)), "renewed": ("second", order)}
    assert presented.records.keys() == expected.keys()
    for name, (mark, people) in expected.items():
        found = presented.records[name]
        assert found.templates == tuple(f"{mark} {subject}".encode() for subject in people)
        assert found.keys == tuple(f"key {mark} {subject}".encode() for subject in people)


@pytest.mark.parametrize("knowledge", ["bytes_only", "algorithm"])
def test_an_attacker_without_keys_presents_one_of_their_own(knowledge: str) -> None:
    _, presented = staged("reconstruct", knowledge)
    assert presented is not None
    for name in ("same", "another", "renewed"):
        keys = presented.records[name].keys
        assert keys is not None
        assert len(keys) == 6
        assert len(set(keys)) == 1
        assert len(keys[0]) == 32
        assert b"key" not in keys[0]


def test_a_dictionary_is_presented_to_everybody_once() -> None:
    stolen, presented = staged("wolf", "stolen_key")
    assert presented is not None
    assert list(presented.records) == ["all"]
    assert presented.records["all"].templates == tuple(f"first {subject}".encode() for subject in stolen.people)


@pytest.mark.parametrize(("question", "thresholds"), [("gender", True), ("link", True), ("reconstruct", False)])
def test_nothing_is_presented_without_faces_or_thresholds(question: str, thresholds: bool) -> None:
    assert staged(question, thresholds=thresholds)[1] is None


def test_without_a_second_enrolment_nothing_is_presented_to_it() -> None:
    from mote_bench.engine.evidence import verification_targets as presented_to

    stolen, _ = staged("reconstruct")
    held = EnrolledScheme(Cosine(), database("first"), Database((), ()), Shadow(TARGET.references, (), None),
                    thresholds={"1e-2": 0.5})  # fmt: skip
    from mote_bench.contracts import Knowledge, Threat

    found = presented_to(held, WhichFace(D), Threat(Knowledge.ALGORITHM), stolen=replace(stolen, people=np.arange(6)),
                         rng=np.random.default_rng(0))  # fmt: skip
    assert found is not None
    assert list(found.records) == ["same", "another"]
    assert found.records["same"].keys == database("first").keys  # of a keyless scheme nothing is drawn
