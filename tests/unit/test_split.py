"""People sets share nobody, and too few people are refused with a number."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench import protocol
from mote_bench.contracts import Faces, InputError
from mote_bench.split import sized, split
from populations import gaussian_faces

PROTOCOL = protocol.load()


def people(faces):
    return set(faces.identity.tolist())


def images(faces):
    return {row.tobytes() for row in faces.embeddings}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(134, 300))
def test_sets_are_disjoint_and_photos_are_used_once(seed, n):
    made = split(gaussian_faces(n, 6, seed=1), PROTOCOL, seed=seed)
    background, shadow, rehearsal, target = made.background, made.shadow, made.rehearsal, made.target
    names = [people(background), *(people(part.references) for part in (shadow, rehearsal, target))]
    assert len(set().union(*names)) == sum(map(len, names)) == n
    parts = [background, shadow.references, shadow.probes]
    parts += [faces for part in (rehearsal, target) for faces in (part.references, part.seconds, part.probes)]
    assert len(set().union(*map(images, parts))) == sum(map(len, parts))
    assert images(shadow.seconds) <= images(shadow.probes)
    assert [len(part.references) for part in (target, rehearsal, shadow)] == [n // 4, n // 8, int(n * 0.3)]


def test_photos_belong_to_their_person():
    made = split(gaussian_faces(160, 6), PROTOCOL, seed=3)
    for enrolled in (made.shadow, made.rehearsal, made.target):
        np.testing.assert_array_equal(enrolled.references.identity[enrolled.shown], enrolled.probes.identity)
    np.testing.assert_array_equal(made.target.references.identity, made.target.seconds.identity)
    assert np.bincount(made.target.shown).tolist() == [4] * 40


def test_same_seed_same_split_other_seed_other_split():
    faces = gaussian_faces(160, 4)
    one, two, other = (split(faces, PROTOCOL, seed=seed).target.references.identity.tolist() for seed in (0, 0, 1))
    assert one == two != other


def test_a_subset_of_people():
    made = split(gaussian_faces(300, 4), PROTOCOL, seed=0, people=160)
    parts = (made.background, made.shadow.references, made.rehearsal.references, made.target.references)
    assert len(set().union(*map(people, parts))) == 160
    with pytest.raises(InputError, match="300 people"):
        split(gaussian_faces(300, 4), PROTOCOL, seed=0, people=301)


def test_people_with_few_photos_are_background():
    faces = gaussian_faces(400, 4)
    keep = np.array([photo < 1 for photo in np.tile(np.arange(4), 400)])
    keep[: 4 * 200] = True
    made = split(faces.rows(np.flatnonzero(keep)), PROTOCOL, seed=0)
    four = set(faces.identity[: 4 * 200].tolist())
    assert people(made.target.references) | people(made.shadow.references) <= four


@pytest.mark.parametrize(("n", "photos", "name"), [(60, 4, "target"), (100, 4, "shadow"), (400, 3, "target")])
def test_too_few_are_refused_by_name(n, photos, name):
    with pytest.raises(InputError, match=f"too few people for the {name} set"):
        split(gaussian_faces(n, photos), PROTOCOL, seed=0)


def test_without_identities_each_row_is_a_person():
    source = gaussian_faces(400, 1)
    made = split(Faces(source.embeddings, None, source.attributes), PROTOCOL, seed=0)
    assert not made.has_identity
    assert made.target.probes is None
    assert made.target.seconds is None
    assert len(made.target.references) == 100


def test_the_background_is_capped():
    small = replace(PROTOCOL, background=replace(PROTOCOL.background, images=100, images_per_person=2))
    made = split(gaussian_faces(200, 5), small, seed=0)
    assert len(made.background) == 100
    assert max(np.unique(made.background.identity, return_counts=True)[1]) == 2


def test_sized_enrols_those_with_few_photos_and_learns_from_the_rest():
    few, many = gaussian_faces(60, 2, seed=2), gaussian_faces(40, 6, seed=3)
    names = np.concatenate([np.char.add("few ", few.identity), np.char.add("many ", many.identity)])
    made = sized(Faces(np.concatenate([few.embeddings, many.embeddings]), names), enrolled=40, images=200, seed=0)
    assert len(made.target.references) == 40
    assert len(made.calibration.references) == 20
    assert len(made.background) == 200
    enrolled = {*made.target.references.identity.tolist(), *made.calibration.references.identity.tolist()}
    assert enrolled == set(np.char.add("few ", few.identity).tolist())
    assert not enrolled & set(made.background.identity.tolist())
    with pytest.raises(InputError, match="241 background images asked for; beside 60 people the data have 240"):
        sized(Faces(np.concatenate([few.embeddings, many.embeddings]), names), enrolled=40, images=241, seed=0)
    with pytest.raises(InputError, match="90 people asked for: 135 with two photos are needed, the data have 100"):
        sized(Faces(np.concatenate([few.embeddings, many.embeddings]), names), enrolled=90, images=1, seed=0)
