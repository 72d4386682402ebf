"""The thief sees what the knowledge level grants and nothing that says whose record is whose."""

import numpy as np
import pytest
from mote_baselines.biohash import BioHash
from mote_baselines.cosine import Cosine

from mote_bench.contracts import Knowledge, SamePerson, Shadow, WhichClass, WhichFace
from mote_bench.evidence import Database, Holdings, levels, steal

N = 30
GENDER = WhichClass("gender", ("female", "male"))


@pytest.fixture
def holdings(faces):
    def database(mark):
        return Database(
            tuple(f"{mark}{i}".encode() for i in range(N)), tuple(f"key {mark}{i}".encode() for i in range(N))
        )

    shadow = Shadow(faces.rows(np.arange(5)), tuple(b"s" for _ in range(5)), None)
    return Holdings(BioHash(), database("first"), database("second"), shadow)


def stolen(holdings, faces, question, knowledge, seed=0, people=range(N)):
    return steal(holdings, question, knowledge, public=faces, people=people, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("question", [GENDER, WhichFace(32), SamePerson()])
def test_each_level_grants_what_it_says(holdings, faces, question):
    bytes_only, algorithm, key = (stolen(holdings, faces, question, level).evidence for level in Knowledge)
    assert bytes_only.scheme is bytes_only.public is bytes_only.shadow is bytes_only.keys is None
    assert algorithm.scheme is holdings.scheme
    assert algorithm.public is faces
    assert algorithm.keys is None
    assert algorithm.other_keys is None
    assert len(key.keys) == N
    assert (key.other_keys is not None) == (question == SamePerson())


def test_only_linking_sees_the_second_database(holdings, faces):
    assert stolen(holdings, faces, GENDER, Knowledge.STOLEN_KEY).evidence.others == ()
    assert len(stolen(holdings, faces, SamePerson(), Knowledge.BYTES_ONLY).evidence.others) == N


def test_keys_and_truth_follow_the_shuffled_records(holdings, faces):
    theft = stolen(holdings, faces, SamePerson(), Knowledge.STOLEN_KEY)
    for place, person in enumerate(theft.people):
        assert theft.evidence.templates[place] == f"first{person}".encode()
        assert theft.evidence.keys[place] == f"key first{person}".encode()
    for place, person in enumerate(theft.others):
        assert theft.evidence.others[place] == f"second{person}".encode()
        assert theft.evidence.other_keys[place] == f"key second{person}".encode()


def test_order_says_nothing(holdings, faces):
    """Over 300 thefts a person's place, and the distance to their mate's place, are as in a random shuffle."""
    thefts = [stolen(holdings, faces, SamePerson(), Knowledge.ALGORITHM, seed) for seed in range(300)]
    places = np.array([np.argsort(theft.people) for theft in thefts])
    mates = np.array([np.argsort(theft.others) for theft in thefts])
    assert abs(places.mean(axis=0) - (N - 1) / 2).max() < 4 * np.sqrt((N**2 - 1) / 12 / 300)
    assert (places == mates).mean() == pytest.approx(1 / N, abs=0.01)


def test_a_part_of_the_people(holdings, faces):
    theft = stolen(holdings, faces, GENDER, Knowledge.ALGORITHM, people=[3, 8])
    assert sorted(theft.people.tolist()) == [3, 8]
    assert set(theft.evidence.templates) == {b"first3", b"first8"}


def test_without_keys_there_is_none_to_steal():
    assert levels(Cosine()) == (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM)
    assert levels(BioHash()) == tuple(Knowledge)
