"""Shares are tuned on background people, for any number of groups, and given by whom a photo looks like."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import Faces
from mote_bench.mote.fair import OWN_SHARES, FairMOTE, _measured
from mote_bench.mote.looks import shares
from mote_bench.mote.scheme import MOTE
from populations import gaussian_faces


def test_shares_by_hand():
    assert shares("a", 0.5, ("a", "b", "c")) == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert shares("b", 1.0, ("a", "b")) == {"a": 0.0, "b": 1.0}


def test_even_and_uneven_errors_by_hand():
    """Four people of two groups with five probes each; every impostor scores 0, so the threshold is above."""
    shown, group = np.repeat(np.arange(4), 5), np.array([0, 0, 1, 1])
    scores = np.random.default_rng(0).uniform(-1, 0, (40, 20))[:4] - 1
    many = np.tile(scores, (1, 20))
    shown = np.tile(shown, 20)
    many[np.arange(4)[:, None] == shown] = 5.0
    assert _measured(many, shown, group)[1] == pytest.approx(0)
    many[3, shown == 3] = -9.0  # one of group 1's two people is never recognised
    even, missed = _measured(many, shown, group)
    assert missed == pytest.approx(0.25)
    assert even == pytest.approx(1 - 0.5 * 0.5, abs=0.02)


def three_groups() -> Faces:
    faces = gaussian_faces(180, 4, dimension=24)
    both = np.char.add(np.char.add(faces.attributes["gender"], "-"), faces.attributes["age"])
    group = np.where(both == "male-old", "other", faces.attributes["gender"])
    return Faces(faces.embeddings, faces.identity, {"group": group})


def test_tuned_on_any_groups_without_labels_at_enrolment():
    people = three_groups()
    background, own = people.rows(np.arange(80, 720)), people.embeddings[:16:4]
    scheme = FairMOTE(attribute="group", epochs=4).fit(background, seed=0)
    assert set(scheme.own_share) == {"female", "male", "other"}
    assert set(scheme.own_share.values()) <= set(OWN_SHARES)
    templates = scheme.enroll(own, seeds=range(4))
    looks = people.attributes["group"][:16:4]
    plain = MOTE(attributes=("group",), epochs=4).fit(background, seed=0)
    given = [shares(label, scheme.own_share[label], scheme.groups) for label in looks]
    assert templates == plain.enroll(own, seeds=range(4), balance=given)


def test_one_group_is_plain_mote():
    people = gaussian_faces(60, 3, dimension=16)
    alone = Faces(people.embeddings, people.identity, {})
    scheme = FairMOTE(epochs=2).fit(alone, seed=0)
    assert scheme.own_share == {}
    plain = MOTE(epochs=2).fit(alone, seed=0)
    assert scheme.enroll(people.embeddings[:2], seeds=[0, 1]) == plain.enroll(people.embeddings[:2], seeds=[0, 1])


def test_too_few_people_to_tune_on_keep_equal_shares():
    people = gaussian_faces(60, 2, dimension=16)
    scheme = FairMOTE(epochs=2).fit(people, seed=0)
    assert scheme.groups == ("female", "male")
    assert scheme.own_share == {}
