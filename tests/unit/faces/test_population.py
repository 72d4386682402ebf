"""Rendered people: the same by seed, each alone, labelled exactly, and equally varied in every group."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import chi2_contingency, levene

from commands import mote_bench
from mote_bench.contracts import InputError
from mote_bench.data.pictures import layouts
from mote_bench.faces import head, people, population, render, shot
from mote_bench.faces.population import Recipe

SMALL = Recipe(people=3, images=2, seed=5)


@pytest.fixture(scope="module")
def crowd():
    return [people.draw(head.load(), 0, number) for number in range(900)]


def test_the_same_seed_gives_the_same_bytes():
    assert population.picture(SMALL, 1, 0) == population.picture(Recipe(people=99, images=9, seed=5), 1, 0)
    assert population.picture(SMALL, 1, 0) != population.picture(Recipe(people=3, images=2, seed=6), 1, 0)
    assert population.picture(SMALL, 1, 0) != population.picture(SMALL, 1, 1)


def test_groups_are_as_drawn(crowd):
    ages = np.array([one.age for one in crowd])
    assert people.YOUNGEST <= ages.min() <= ages.max() <= people.OLDEST
    assert {one.gender for one in crowd} == set(people.GENDERS)
    table = np.zeros((2, 3))
    for one in crowd:
        table[people.GENDERS.index(one.gender), head.ETHNICITIES.index(one.ethnicity)] += 1
    assert chi2_contingency(table).pvalue > 0.001
    assert table.min() > 100


@pytest.mark.parametrize(
    "trait",
    [
        lambda one: float(people.lightness(one.looks.skin)),
        lambda one: float(people.lightness(one.looks.hair)),
        lambda one: float(people.lightness(one.looks.eyes)),
        lambda one: one.looks.brow_thickness,
        lambda one: one.looks.hairline,
        lambda one: one.looks.hair_length,
        lambda one: one.looks.beard,
        lambda one: one.looks.freckles,
        lambda one: one.looks.blotches,
        lambda one: one.looks.wrinkles,
        lambda one: float(np.linalg.norm(list(one.changes.values()))),
    ],
    ids=["skin", "hair", "eyes", "brows", "hairline", "length", "beard", "freckles", "blotches", "wrinkles", "shape"],
)
def test_looks_vary_equally_in_every_group(crowd, trait):
    """Levene's test on 900 people; eleven traits, so a level of 0.1 % keeps a false alarm below about 1 %."""
    groups = [[trait(one) for one in crowd if one.ethnicity == name] for name in head.ETHNICITIES]
    assert levene(*groups).pvalue > 0.001


@pytest.mark.parametrize("ethnicity", head.ETHNICITIES)
def test_women_and_men_differ_alike_in_every_group(crowd, ethnicity):
    """Each feature's means lie as far apart as the table says; 0.2 is four standard errors of some 150 against 150."""
    women, men = (
        [one for one in crowd if one.ethnicity == ethnicity and one.gender == gender] for gender in ("female", "male")
    )
    for name, apart in people.WOMEN_LESS_MEN.items():
        means = [np.mean([one.changes[name] for one in group]) for group in (women, men)]
        assert means[0] - means[1] == pytest.approx(apart, abs=0.2), name
    lighter = [np.mean([people.lightness(one.looks.skin) for one in group]) for group in (women, men)]
    assert lighter[0] - lighter[1] == pytest.approx(3.0, abs=2.1)


def test_a_head_by_hand():
    """The average head is in its own coordinates: eyes one apart, the origin between them."""
    model = head.load()
    left, right = (model.rest[eye].mean(axis=0) for eye in model.eyes)
    np.testing.assert_allclose(left + right, 0, atol=1e-9)
    assert np.linalg.norm(left - right) == pytest.approx(1)
    assert left[0] > 0
    body = {"gender": 0.5, "age": 0.67} | dict.fromkeys(head.ETHNICITIES, 1 / 3)
    still = model.vertices(body, {}, {})
    smiling = model.vertices(body, {}, {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0})
    moved = np.linalg.norm(smiling - still, axis=1)
    assert model.rest[moved > 0.5 * moved.max()][:, 2].max() < -0.3  # below the eyes
    np.testing.assert_allclose(
        model.vertices(body, {}, {"mouthSmileLeft": 0.5}) - still,
        (model.vertices(body, {}, {"mouthSmileLeft": 1.0}) - still) / 2,
        atol=1e-6,
    )


def test_difficulty_zero_is_the_same_pose_each_time():
    person = people.draw(head.load(), 0, 0)
    first, second = (shot.draw(person, 0, image, difficulty=0) for image in range(2))
    assert first.yaw == second.yaw == 0
    np.testing.assert_allclose(first.looks.skin, second.looks.skin)
    hard = [abs(shot.draw(person, 0, image, difficulty=2).yaw) for image in range(40)]
    assert 15 < max(hard) <= 30


def test_dark_and_light_faces_are_both_exposed(crowd):
    """No group's faces come out underexposed: the median pixel of the middle of the picture."""
    seen = {}
    for name in head.ETHNICITIES:
        few = [one for one in crowd if one.ethnicity == name][:6]
        pictures = [render.rendered(head.load(), one, shot.draw(one, 0, 0)) for one in few]
        seen[name] = np.median([np.median(picture[80:150, 85:140]) for picture in pictures])
    assert min(seen.values()) > 70
    assert seen["african"] < seen["asian"] < seen["caucasian"] + 25


def test_a_population_on_disk(tmp_path):
    asked = ("faces", "--people", 3, "--images", 2, "--seed", 5, "--out", "pop", "--jobs", 2)
    result = mote_bench(*asked, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "pop"
    assert "6 embeddings of 3 subjects" in result.stdout
    assert "Not real faces" in result.stdout
    assert (folder / population.name_of(1, 0)).read_bytes() == population.picture(SMALL, 1, 0)
    album = layouts.read(folder / "people.csv")
    person = people.draw(head.load(), 5, 2)
    last = album.pictures[-1]
    assert (last.identity, last.labels) == ("p0002", {"gender": person.gender, "ethnicity": person.ethnicity})
    assert last.numbers["age"] == pytest.approx(person.age, abs=0.05)
    assert json.loads((folder / "card.json").read_text())["recipe"] == {
        "people": 3,
        "images": 2,
        "seed": 5,
        "difficulty": 1.0,
    }
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}
    (folder / population.name_of(0, 1)).unlink()
    assert mote_bench(*asked, cwd=tmp_path).returncode == 0
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}
    assert [path.name for path in before if before[path] != after[path]] == ["1.jpg"]
    other = mote_bench("faces", "--people", 4, "--images", 2, "--out", "pop", cwd=tmp_path)
    assert other.returncode == 2
    assert "holds another population" in other.stderr


def test_another_recipe_in_the_folder(tmp_path):
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(InputError, match="another population"):
        population.make(SMALL, tmp_path, jobs=1, progress=lambda *_: None)
