"""People sets share nobody, and too few people are refused with a number."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mote_bench.contracts import Faces, InputError
from mote_bench.planning import protocol
from mote_bench.planning.split import crossed, on_selection, sized, split
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
    background, shadow, selection, target = made.background, made.shadow, made.selection, made.target
    names = [people(background), *(people(part.references) for part in (shadow, selection, target))]
    assert len(set().union(*names)) == sum(map(len, names)) == n
    parts = [background, shadow.references, shadow.probes]
    parts += [faces for part in (selection, target) for faces in (part.references, part.seconds, part.probes)]
    assert len(set().union(*map(images, parts))) == sum(map(len, parts))
    assert images(shadow.seconds) <= images(shadow.probes)
    assert [len(part.references) for part in (target, selection, shadow)] == [n // 4, n // 8, int(n * 0.3)]


def test_photos_belong_to_their_person():
    made = split(gaussian_faces(160, 6), PROTOCOL, seed=3)
    for enrolled in (made.shadow, made.selection, made.target):
        np.testing.assert_array_equal(enrolled.references.identity[enrolled.shown], enrolled.probes.identity)
    np.testing.assert_array_equal(made.target.references.identity, made.target.seconds.identity)
    assert np.bincount(made.target.shown).tolist() == [4] * 40


def test_same_seed_same_split_other_seed_other_split():
    faces = gaussian_faces(160, 4)
    one, two, other = (split(faces, PROTOCOL, seed=seed).target.references.identity.tolist() for seed in (0, 0, 1))
    assert one == two != other


def test_a_subset_of_people():
    made = split(gaussian_faces(300, 4), PROTOCOL, seed=0, people=160)
    parts = (made.background, made.shadow.references, made.selection.references, made.target.references)
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


def test_who_gives_too_few_is_told_how_many_are_enough():
    with pytest.raises(InputError, match=f"134 or more with enough photos are enough for {PROTOCOL.name}"):
        split(gaussian_faces(133, 4), PROTOCOL, seed=0)
    assert len(split(gaussian_faces(134, 4), PROTOCOL, seed=0).target.references) >= PROTOCOL.target.least


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


def test_people_are_numbered_by_their_first_row():
    """The number is the first row of the data that shows somebody, whichever photo was enrolled."""
    faces = gaussian_faces(160, 6)
    order = np.random.default_rng(5).permutation(len(faces))
    shuffled = faces.rows(order)
    made = split(shuffled, PROTOCOL, seed=3)
    for part in (made.target, made.selection, made.shadow):
        for name, number in zip(part.references.identity, part.numbers, strict=True):
            assert number == np.flatnonzero(shuffled.identity == name)[0]


def test_photos_that_are_held_back_are_counted():
    """Of 9 photos: the reference, the second reference, and as many probes as the protocol allows; the shadow's
    second reference is a probe too."""
    made = split(gaussian_faces(160, 9), PROTOCOL, seed=0)
    target = PROTOCOL.target.probes_most
    assert set(np.bincount(made.target.shown)) == set(np.bincount(made.selection.shown)) == {min(target, 7)}
    assert set(np.bincount(made.shadow.shown)) == {min(PROTOCOL.shadow.probes_most, 8)}
    assert not images(made.target.seconds) & images(made.target.probes)
    assert images(made.shadow.seconds) <= images(made.shadow.probes)


def test_sets_have_at_most_so_many_people_as_the_protocol_says():
    small = {"target": 33, "selection": 17, "shadow": 41}
    few = replace(PROTOCOL, **{part: replace(getattr(PROTOCOL, part), people=size) for part, size in small.items()})
    made = split(gaussian_faces(300, 4), few, seed=0)
    assert [len(part.references) for part in (made.target, made.selection, made.shadow)] == [33, 17, 41]
    assert len(people(made.background)) == 300 - 33 - 17 - 41


@pytest.mark.parametrize("name", ["target", "selection", "shadow", "background"])
def test_as_many_as_the_least_are_enough_and_one_fewer_is_not(name):
    faces, sizes = gaussian_faces(160, 4), {"target": 40, "selection": 20, "shadow": 48, "background": 52}
    least = {part: replace(getattr(PROTOCOL, part), least=size) for part, size in sizes.items()}
    enough = replace(PROTOCOL, **least)
    split(faces, enough, seed=0)
    short = replace(enough, **{name: replace(least[name], least=sizes[name] + 1)})
    with pytest.raises(
        InputError, match=f"{name} set: {sizes[name]} of 160 people.*expected at least {sizes[name] + 1}"
    ):
        split(faces, short, seed=0)


def test_the_number_of_people_asked_for():
    faces = gaussian_faces(140, 4)
    for wrong in (0, -1, 141):
        with pytest.raises(InputError, match=f"--people {wrong}: the data holds 140 people; give 1 to 140"):
            split(faces, PROTOCOL, seed=0, people=wrong)
    assert len(split(faces, PROTOCOL, seed=0, people=140).target.references) == 35


def test_the_attackers_people_from_other_data():
    own, theirs = (split(gaussian_faces(160, 4, seed=seed), PROTOCOL, seed=0) for seed in (0, 1))
    made = crossed(own, theirs)
    assert made.crossed
    assert not own.crossed
    assert (made.shadow, made.selection, made.public) == (theirs.shadow, theirs.selection, theirs.background)
    assert (made.target, made.calibration, made.background) == (own.target, own.shadow, own.background)
    narrow = split(gaussian_faces(160, 4, dimension=8), PROTOCOL, seed=0)
    with pytest.raises(InputError, match="attacker's data have 8 dimensions, the attacked data 32"):
        crossed(own, narrow)


@pytest.mark.parametrize(("enrolled", "images"), [(1, 10), (2, 0)])
def test_sized_needs_two_people_and_an_image(enrolled, images):
    with pytest.raises(
        InputError, match=f"{enrolled} people to enrol and {images} background images; expected at least"
    ):
        sized(gaussian_faces(20, 3), enrolled=enrolled, images=images, seed=0)


def test_sized_needs_identities():
    with pytest.raises(InputError, match="have no `identity`"):
        sized(Faces(np.eye(5)), enrolled=2, images=1, seed=0)


def test_sized_holds_nothing_back_and_shows_each_enrolled_person_at_most_twice():
    made = sized(gaussian_faces(30, 5), enrolled=2, images=1, seed=0)
    assert [len(part.references) for part in (made.target, made.calibration)] == [2, 1]
    assert np.bincount(made.target.shown).tolist() == [2, 2]
    assert images(made.target.seconds) <= images(made.target.probes)
    assert made.shadow is made.selection is made.calibration
    assert made.has_identity
    assert not made.crossed


def test_sets_that_overlap_are_a_defect():
    from mote_bench.planning.split import _check_disjoint

    made = split(gaussian_faces(160, 4), PROTOCOL, seed=0)
    with pytest.raises(AssertionError, match="overlap"):
        _check_disjoint(replace(made, target=made.shadow))


def test_on_selection_half_of_the_selection_subjects_are_attacked_and_no_target_subject_is_left():
    made = split(gaussian_faces(400, 6), PROTOCOL, seed=2)
    few = on_selection(made, PROTOCOL)
    attacked, choosing = people(few.target.references), people(few.selection.references)
    assert attacked | choosing == people(made.selection.references)
    assert not attacked & choosing
    assert (len(attacked), len(choosing)) == (25, 25)
    parts = [few.background, *(part.references for part in (few.shadow, few.selection, few.target))]
    assert not people(made.target.references) & set().union(*map(people, parts))


def test_on_selection_everybody_keeps_photos_and_number():
    made = split(gaussian_faces(400, 6), PROTOCOL, seed=2)
    few = on_selection(made, PROTOCOL)
    for part in (few.target, few.selection):
        np.testing.assert_array_equal(part.references.identity, part.seconds.identity)
        np.testing.assert_array_equal(part.references.identity[part.shown], part.probes.identity)
    whole = dict(zip(made.selection.references.identity, made.selection.numbers, strict=True))
    for part in (few.target, few.selection):
        assert [whole[name] for name in part.references.identity] == part.numbers.tolist()
    assert images(few.target.probes) | images(few.selection.probes) == images(made.selection.probes)


def test_on_selection_too_few_people_are_refused():
    made = split(gaussian_faces(134, 6), PROTOCOL, seed=2)
    with pytest.raises(InputError, match="there are 16 selection subjects; expected at least 40"):
        on_selection(made, PROTOCOL)
