"""The attacker gets what the threat grants, and nothing that reveals whose template is whose."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Access, Faces, Knowledge, Shadow, Threat
from mote_bench.engine import tasks
from mote_bench.engine.evidence import operating_threshold, steal, steal_database
from mote_bench.planning.threats import levels
from mote_bench.questions import SamePerson, WasMember, WhichClass, WhichFace, WhichKeyface, WhichPhoto
from mote_bench.questions.staging import Database, EnrolledScheme, Scene
from mote_bench.toolkit import stream, stream_seed

N, OWN = 30, 20
GENDER = WhichClass("gender", ("female", "male"))
LEVELS = (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)


def database(mark, n=N):
    return Database(tuple(f"{mark}{i}".encode() for i in range(n)), tuple(f"key {mark}{i}".encode() for i in range(n)))


@pytest.fixture
def enrolled(faces):
    own, again = database("shadow", OWN), database("shadow again", OWN)
    people = faces.rows(np.arange(OWN))
    return EnrolledScheme(
        BioHash().fit(faces, seed=0),
        database("first"),
        database("second"),
        Shadow(people, own.templates, own.keys, people, again.templates, again.keys),
        renewed=(database("renewed", 6), database("again", 6)),
        renewed_people=(3, 5, 8, 13, 21, 29),
        thresholds={"1e-1": 0.1, "1e-2": 0.2},
    )


def stolen(enrolled, faces, question, threat, *, seed=0, people=range(N), **scene):
    threat = threat if isinstance(threat, Threat) else Threat(threat)
    return steal(enrolled, question, threat, scene=Scene(faces, people, **scene), rng=np.random.default_rng(seed))


@pytest.mark.parametrize("question", [GENDER, WhichFace(32), SamePerson()])
def test_each_level_grants_what_it_says(enrolled, faces, question):
    bytes_only, algorithm, key = (stolen(enrolled, faces, question, level).evidence for level in LEVELS)
    assert bytes_only.scheme is bytes_only.public is bytes_only.shadow is bytes_only.keys is None
    assert algorithm.scheme is enrolled.scheme
    assert algorithm.public is faces
    assert algorithm.keys is None
    assert algorithm.other_keys is None
    assert len(key.keys) == N
    assert (key.other_keys is not None) == (question == SamePerson())


def test_only_linking_sees_second_enrolments(enrolled, faces):
    alone = stolen(enrolled, faces, GENDER, Knowledge.STOLEN_KEY).evidence
    assert alone.others == alone.shadow.second_templates == ()
    linking = stolen(enrolled, faces, SamePerson(), Knowledge.ALGORITHM).evidence
    assert len(linking.others) == N
    assert len(linking.shadow.second_templates) == OWN
    assert stolen(enrolled, faces, SamePerson(), Knowledge.BYTES_ONLY).evidence.shadow is None


def test_keys_and_truth_follow_the_shuffled_records(enrolled, faces):
    staged = stolen(enrolled, faces, SamePerson(), Knowledge.STOLEN_KEY)
    for place, person in enumerate(staged.people):
        assert staged.evidence.templates[place] == f"first{person}".encode()
        assert staged.evidence.keys[place] == f"key first{person}".encode()
    for place, person in enumerate(staged.others):
        assert staged.evidence.others[place] == f"second{person}".encode()
        assert staged.evidence.other_keys[place] == f"key second{person}".encode()


def test_order_says_nothing(enrolled, faces):
    """Over 300 draws a person's place, and the distance to their mate's place, are as in a random shuffle."""
    draws = [stolen(enrolled, faces, SamePerson(), Knowledge.ALGORITHM, seed=seed) for seed in range(300)]
    places = np.array([np.argsort(staged.people) for staged in draws])
    mates = np.array([np.argsort(staged.others) for staged in draws])
    assert abs(places.mean(axis=0) - (N - 1) / 2).max() < 4 * np.sqrt((N**2 - 1) / 12 / 300)
    assert (places == mates).mean() == pytest.approx(1 / N, abs=0.01)


def test_a_part_of_the_people(enrolled, faces):
    staged = stolen(enrolled, faces, GENDER, Knowledge.ALGORITHM, people=[3, 8])
    assert sorted(staged.people.tolist()) == [3, 8]
    assert set(staged.evidence.templates) == {b"first3", b"first8"}


@pytest.mark.parametrize("knowledge", [Knowledge.ALGORITHM, Knowledge.STOLEN_KEY])
def test_further_records_are_of_the_same_people(enrolled, faces, knowledge):
    staged = stolen(enrolled, faces, GENDER, Threat(knowledge, records=3), people=enrolled.renewed_people)
    assert len(staged.evidence.renewed) == 2
    for mark, records in zip(("renewed", "again"), staged.evidence.renewed, strict=True):
        rows = [enrolled.renewed_people.index(person) for person in staged.people]
        assert records.templates == tuple(f"{mark}{row}".encode() for row in rows)
        keys = tuple(f"key {mark}{row}".encode() for row in rows)
        assert records.keys == (keys if knowledge is Knowledge.STOLEN_KEY else None)


def test_one_record_is_one_record(enrolled, faces):
    assert stolen(enrolled, faces, GENDER, Knowledge.STOLEN_KEY).evidence.renewed == ()


@pytest.mark.parametrize("access", [Access.SCORES, Access.DECISIONS])
def test_online_access_holds_no_template_and_no_key(enrolled, faces, access):
    threat = Threat(Knowledge.STOLEN_KEY, access=access)
    evidence = stolen(enrolled, faces, WhichFace(32), threat, budget=7, operating_fmr="1e-3").evidence
    assert evidence.templates == evidence.others == ()
    assert evidence.keys is None
    assert evidence.oracle.people == evidence.people == N
    assert evidence.oracle.left.tolist() == [7] * N


def test_a_dictionary_is_made_without_any_record(enrolled, faces):
    evidence = stolen(enrolled, faces, WhichKeyface(10, 32), Knowledge.ALGORITHM).evidence
    assert evidence.templates == ()
    assert evidence.shadow is not None


def test_candidate_photos_hold_the_enrolled_one_at_a_random_place(enrolled, faces):
    photos = np.arange(N * 4 * 3, dtype=np.float32).reshape(N, 4, 3)
    staged = stolen(enrolled, faces, WhichPhoto(4), Knowledge.ALGORITHM, photos=photos)
    for person, shown, place in zip(staged.people, staged.evidence.candidates, staged.truth, strict=True):
        np.testing.assert_array_equal(shown[place], photos[person, 0])
        assert sorted(shown[:, 0]) == sorted(photos[person, :, 0])
    assert len(set(staged.truth.tolist())) == 4


def test_half_of_the_members_are_known_and_none_is_both(faces):
    background = faces.rows(np.arange(60))
    own = Shadow(faces.rows(np.arange(60, 100, 2)), tuple(f"{i}".encode() for i in range(OWN)), None)
    held = EnrolledScheme(Cosine().fit(background, seed=0), database("first"), database("second"), own)
    staged = stolen(held, background, WasMember(), Knowledge.ALGORITHM, candidates=400)
    evidence, rows = staged.evidence, {row.tobytes() for row in staged.evidence.candidates}
    assert staged.truth.sum() * 2 == len(staged.truth) == len(rows)
    members = {row.tobytes() for row in background.embeddings}
    assert all(
        (row.tobytes() in members) == bool(was) for row, was in zip(evidence.candidates, staged.truth, strict=True)
    )
    assert not rows & {row.tobytes() for row in evidence.public.embeddings}
    assert not rows & {row.tobytes() for row in evidence.shadow.references.embeddings}
    for row, template in zip(evidence.shadow.references.identity, evidence.shadow.templates, strict=True):
        assert own.references.identity[int(template)] == row


def test_nothing_else_leaks(enrolled, faces):
    """All that can be reached from the evidence is what its docstring lists: no truth, seed, cache or shared object."""
    hidden = {f"second{i}".encode() for i in range(N)} | {f"key first{i}".encode() for i in range(N)}
    evidence = stolen(enrolled, faces, GENDER, Knowledge.ALGORITHM, photos=np.ones((N, 4, 3)), budget=9).evidence
    assert not hidden & set(_leaves(evidence))
    assert {field.name for field in fields(evidence) if getattr(evidence, field.name) in (None, ())} == {
        "others",
        "keys",
        "other_keys",
        "renewed",
        "oracle",
        "candidates",
        "challenger",
    }


def by_address(records):
    """Their numbers, sorted by where they lie in memory."""
    return np.argsort([id(record) for record in records])


def long_database(mark):
    """Records made one after the other and so in ascending places.

    They have one length: the allocator has places of their own for others, by which an address says what a length does.
    """
    return Database(tuple(bytes([mark, i]) * 2000 for i in range(N)), tuple(bytes([mark, i]) * 16 for i in range(N)))


def test_object_identity_says_nothing(enrolled, faces):
    """Nothing stolen is the object that was enrolled, and places in memory say neither who nor whose mate."""
    plain = replace(enrolled, first=long_database(1), second=long_database(2))
    enrolled = {id(one) for held in (plain.first, plain.second) for one in held.templates + held.keys}
    ranks = []
    for seed in range(60):
        staged = stolen(plain, faces, SamePerson(), Knowledge.STOLEN_KEY, seed=seed)
        seen = staged.evidence
        given = seen.templates + seen.others + seen.keys + seen.other_keys
        assert not enrolled & {id(one) for one in given}
        people, mates = staged.people[by_address(seen.templates)], staged.others[by_address(seen.others)]
        ranks.append((np.corrcoef(np.arange(N), people)[0, 1], np.corrcoef(people, mates)[0, 1]))
    assert (abs(np.mean(ranks, axis=0)) < 4 / np.sqrt(60 * N)).all()


def test_arrays_are_no_views_into_more(enrolled, faces):
    """What is granted of a larger array is a copy: its base would hold the other people's rows."""
    photos = np.random.default_rng(0).standard_normal((N, 4, 32)).astype(np.float32)
    for question in (WhichPhoto(4), GENDER):
        evidence = stolen(enrolled, faces, question, Knowledge.ALGORITHM, photos=photos).evidence
        shown = [evidence.public.embeddings, evidence.shadow.references.embeddings]
        if evidence.candidates is not None:
            shown.append(evidence.candidates)
        for array in shown:
            base = array
            while base.base is not None:
                base = base.base
            assert base.size == array.size


class Remembers(Cosine):
    """A scheme that keeps what it enrols and is asked, as a cache would."""

    def fit(self, background, *, seed):
        self.seen = []
        return super().fit(background, seed=seed)

    def enroll(self, references, *, keys, seeds):
        self.seen += [row.tobytes() for row in references]
        return super().enroll(references, keys=keys, seeds=seeds)


def test_a_scheme_that_remembers_brings_no_memory(faces):
    """Enrolment works on a copy in another process, so the scheme that is granted has only ever been fitted."""
    from mote_bench.execution import workers

    fitted = Remembers().fit(faces, seed=0)
    task = workers.Task("enrol", tasks.enroll, (fitted, faces.embeddings[:4], None, range(4)))
    [(_, outcome)] = list(workers.run([task], jobs=1))
    assert outcome.error is None
    held = EnrolledScheme(fitted, database("first"), database("second"), Shadow(faces, (), None))
    assert stolen(held, faces, GENDER, Knowledge.ALGORITHM).evidence.scheme.seen == []


def test_the_attacks_generator_deals_nothing():
    """Every purpose of a cell has a stream of its own: an attack's generator, rewound, doesn't deal the records."""
    seen = {}

    class Looks:
        question, knowledge = WhichClass, (Knowledge.BYTES_ONLY,)

        def answer(self, question, evidence, rng):
            seen["entropy"] = rng.bit_generator.seed_seq.entropy
            return np.zeros((len(evidence.templates), 2))

    seed = stream_seed(0, "theft", "cell")
    held = EnrolledScheme(Cosine(), database("first"), database("second"), Shadow(Faces(np.eye(3)), (), None))
    staged = steal(
        held, GENDER, Threat(Knowledge.BYTES_ONLY), scene=Scene(Faces(np.eye(3)), range(N)), rng=stream(seed)
    )
    outcome = tasks.attack(Looks(), GENDER, staged.evidence, None, seed=stream_seed(0, "attack", "cell"), limit=None)
    assert outcome.error is None
    assert seen["entropy"] != seed
    replayed = np.random.default_rng(seen["entropy"]).permutation(N)
    assert (replayed == staged.people).mean() < 0.3


def _leaves(thing, depth=6):
    """Everything below an object, through containers and dataclasses."""
    if depth == 0:
        return
    if isinstance(thing, bytes | str | int | float):
        yield thing
    elif isinstance(thing, Faces) or is_dataclass(thing):
        for field in fields(thing):
            yield from _leaves(getattr(thing, field.name), depth - 1)
    elif isinstance(thing, dict):
        for item in thing.items():
            yield from _leaves(item, depth - 1)
    elif isinstance(thing, tuple | list):
        for item in thing:
            yield from _leaves(item, depth - 1)
    elif hasattr(thing, "__dict__"):
        yield from _leaves(vars(thing), depth - 1)


def test_without_keys_there_is_none_to_steal():
    assert levels(Cosine()) == (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM)
    assert levels(BioHash()) == LEVELS


class Guarded(Cosine):
    """A scheme with a secret of its own, without which it can't score."""

    def public(self):
        return "only the public part"


def test_a_system_secret_is_granted_at_full_disclosure_only(enrolled, faces):
    guarded = Guarded().fit(faces, seed=0)
    assert levels(guarded) == (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM, Knowledge.FULL_DISCLOSURE)
    held = replace(enrolled, scheme=guarded)
    assert stolen(held, faces, GENDER, Knowledge.ALGORITHM).evidence.scheme == "only the public part"
    assert stolen(held, faces, GENDER, Knowledge.FULL_DISCLOSURE).evidence.scheme is guarded


def test_the_operating_threshold_is_the_next_that_could_be_set():
    thresholds = {"1e-1": 0.1, "1e-2": 0.2, "1e-4": 0.4}
    assert operating_threshold(thresholds, "1e-2") == 0.2
    assert operating_threshold(thresholds, "1e-3") == 0.2
    assert operating_threshold({"1e-4": 0.4}, "1e-3") is None


def test_without_an_operating_rate_the_strictest_threshold_holds():
    assert operating_threshold({"1e-1": 0.1, "1e-2": 0.2, "1e-4": 0.4}, "") == 0.4
    assert operating_threshold({}, "1e-3") is None


def test_a_scheme_that_decides_decides_online_by_its_own_threshold_whatever_the_rate():
    assert operating_threshold({"own": 0.5}, "1e-3") == 0.5
    assert operating_threshold({"own": 0.5, "1e-2": 0.5}, "") == 0.5


@pytest.mark.parametrize("database", ["first", "second", "renewed 1"])
def test_a_preparation_is_given_no_subject_whom_the_scheme_refused(enrolled, faces, database):
    refusing = replace(enrolled, refused=(0, 3))
    scene = Scene(public=faces, people=())
    threat = Threat(Knowledge.STOLEN_KEY, records=2)
    evidence, people = steal_database(refusing, database, threat, scene=scene, rng=np.random.default_rng(0))
    whole, everyone = steal_database(enrolled, database, threat, scene=scene, rng=np.random.default_rng(0))
    assert set(everyone) - set(people) == {0, 3} & set(everyone) != set()
    kept = [row for row, person in enumerate(everyone) if person not in (0, 3)]
    assert people.tolist() == everyone[kept].tolist()
    assert evidence.templates == tuple(whole.templates[row] for row in kept)
    assert evidence.keys == tuple(whole.keys[row] for row in kept)
