"""Whom a photo looks like: one group of several, or between two of a number that has no edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.mote.fair import FairMOTE
from mote_bench.mote.looks import LooksOfClass, LooksOfNumber, Scale, blended, shares
from mote_bench.mote.scheme import MOTE
from populations import aged_faces, gaussian_faces

AGES = Scale("age", np.array([30.0, 50.0]), np.array([20.0, 40.0, 60.0]))


def test_weights_of_a_number_by_hand():
    assert AGES.groups == ("age 20", "age 40", "age 60")
    assert Scale("x", np.array([1.00035]), np.array([1.0003, 1.0004])).groups == ("x 1.0003", "x 1.0004")
    of_20, of_25, of_60, of_99 = AGES.weights(np.array([20.0, 25.0, 60.0, 99.0]))
    assert of_20 == {"age 20": 1, "age 40": 0, "age 60": 0}
    assert of_25 == {"age 20": 0.75, "age 40": 0.25, "age 60": 0}
    assert of_60 == of_99 == {"age 20": 0, "age 40": 0, "age 60": 1}


@given(st.floats(-10, 120), st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_shares_add_up_and_go_over_without_a_jump(age, own):
    owns = dict(zip(AGES.groups, own, strict=True))
    one, next_to_it = (blended(AGES.weights(np.array([at]))[0], owns, AGES.groups) for at in (age, age + 0.01))
    assert sum(one.values()) == pytest.approx(1)
    assert max(abs(one[group] - next_to_it[group]) for group in AGES.groups) <= 0.01 / 20 + 1e-9
    assert min(one.values()) >= 0


def test_somebody_at_a_centre_gets_that_group_s_shares():
    owns = {"age 20": 0.5, "age 40": 1.0, "age 60": 0.0}
    assert blended(AGES.weights(np.array([40.0]))[0], owns, AGES.groups) == shares("age 40", 1.0, AGES.groups)


def test_a_scale_has_groups_of_equally_many_people_and_leaves_out_the_unknown():
    faces = aged_faces(100, 2)
    age = faces.values["age"].copy()
    age[:40] = np.nan
    scale = Scale.of(replace(faces, values={"age": age}), "age")
    assert len(scale.groups) == 4
    labels = scale.labelled(replace(faces, values={"age": age})).attributes["age"]
    assert set(labels[:40]) == {""}
    assert np.unique(labels[40:], return_counts=True)[1].tolist() == [40, 40, 40, 40]
    assert Scale.of(faces, "weight") is None
    assert Scale.of(aged_faces(30, 2), "age") is None  # two groups of it would be too small to tune on


def test_a_number_is_read_off_the_face():
    faces = aged_faces(200, 3)
    background, others = faces.rows(np.arange(450)), faces.rows(np.arange(450, 600))
    scale = Scale.of(background, "age")
    looks = LooksOfNumber.learned(background, scale)
    told = others.embeddings @ looks.slope + looks.start
    assert np.corrcoef(told, others.values["age"])[0, 1] > 0.5
    assert looks.weights(others.embeddings) == scale.weights(told)


def test_classes_are_those_of_the_library():
    from sklearn.linear_model import LogisticRegression

    faces = gaussian_faces(80, 2, dimension=24)
    for labels in (faces.attributes["gender"], np.char.add(faces.attributes["gender"], faces.attributes["age"])):
        grouped = replace(faces, attributes={"group": labels})
        looks = LooksOfClass.learned(grouped, "group", np.unique(labels).tolist())
        model = LogisticRegression(max_iter=2000, C=10.0).fit(faces.embeddings, labels)
        assert [next(iter(one)) for one in looks.weights(faces.embeddings)] == model.predict(faces.embeddings).tolist()


def test_mote_is_tuned_for_a_number():
    faces = aged_faces(180, 4)
    scheme = FairMOTE(attribute="age", epochs=2).fit(faces.rows(np.arange(80, 720)), seed=0)
    assert len(scheme.own_share) == 4
    assert all(group.startswith("age ") for group in scheme.own_share)
    own = faces.embeddings[:16:4]
    given = [blended(one, scheme.own_share, scheme.groups) for one in scheme._looks.weights(own)]
    assert scheme.enroll(own, seeds=range(4)) == scheme.enroll(own, seeds=range(4), balance=given)


def test_people_of_unknown_class_are_no_group():
    faces = gaussian_faces(90, 2, dimension=16)
    labels = np.where(np.arange(180) < 60, "", faces.attributes["gender"])
    scheme = MOTE(epochs=1).fit(replace(faces, attributes={"gender": labels}), seed=0)
    assert scheme.groups == ("female", "male")
