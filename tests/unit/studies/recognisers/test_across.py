"""The study of several recognisers on generated people: who is attacked, rates by hand, planted leaks, and noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mote_bench.cli.commands import study
from mote_bench.contracts import Faces, InputError
from mote_bench.studies.recognisers import across, people, tables, translation
from mote_bench.toolkit import unit
from populations import gaussian_faces


def twice_embedded(count: int = 200, images: int = 2) -> Faces:
    faces, rng = gaussian_faces(count, images, dimension=16), np.random.default_rng(0)
    turn = np.linalg.qr(rng.standard_normal((24, 16)))[0].T
    second = faces.embeddings @ turn + 0.02 * rng.standard_normal((len(faces), 24))
    return Faces(faces.embeddings, faces.identity, {"gender": faces.attributes["gender"]}, {}, second)


@pytest.fixture(scope="module")
def given() -> people.People:
    return people.halved(twice_embedded())


@pytest.fixture(scope="module")
def gender(given: people.People) -> across.Attribute:
    return across.Attribute.learned("gender", given)


def test_nobody_is_enrolled_and_public(given: people.People) -> None:
    assert given.enrolled.identity is not None
    assert given.public.identity is not None
    assert not set(given.enrolled.identity) & set(given.public.identity)
    assert (len(given.enrolled), len(set(given.enrolled.identity)), len(given.public)) == (100, 100, 200)
    few = people.halved(twice_embedded(60, 9), people=40)
    assert (len(few.enrolled), len(few.public)) == (20, 20 * people.MOST_IMAGES)


@pytest.mark.parametrize(("count", "message"), [(39, "200 subjects, 39 asked for"), (201, "expected 40 to 200")])
def test_too_few_subjects_are_refused(count: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        people.halved(twice_embedded(), people=count)


def test_a_rate_by_hand() -> None:
    """Class 0: right in 3 of 4 trials. Class 1: subject 2 is known in the first draw; right in 2 of 3 trials.

    The draws alone: recalls 1 and 0, then 1/2 and 1. Nobody knows the class of the last subject.
    """
    truth = np.array([0, 0, 1, 1, -1])
    credits = np.array([[1, 1, np.nan, 0, 1], [1, 0, 1, 1, 1]])
    found = across.rate_of(credits, truth)
    assert found.value == pytest.approx((0.75 + 2 / 3) / 2)
    assert (found.lowest, found.highest) == (pytest.approx(0.5), pytest.approx(0.75))
    assert found.people == 4
    assert found.interval[0] < found.value < found.interval[1]


def test_known_subjects_open_the_templates_and_noise_stays_at_chance(
    given: people.People, gender: across.Attribute
) -> None:
    plain, noise = (across.enrolled(name, given) for name in ("cosine", "noise"))
    few, many = across.translated(plain, given, [gender], (4, 40))
    assert few.cosine[0] < many.cosine[0]
    assert many.cosine[0] > 0.95
    assert many.rate.value > 0.9
    (floor,) = across.translated(noise, given, [gender], (40,))
    assert abs(floor.cosine[0]) < 0.1
    assert floor.rate.interval[0] < 0.5 < floor.rate.interval[1]
    assert (floor.known, floor.shared) == (40, None)
    assert 90 < floor.rate.people <= 100  # all but those who are known in each draw


def test_without_known_subjects_the_stolen_templates_are_counted(
    given: people.People, gender: across.Attribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(across, "SIZES", (60,))
    monkeypatch.setattr(across, "STARTS", 2)
    monkeypatch.setattr(translation, "STARTS", 2)
    found = list(across.translated(across.enrolled("cosine", given), given, [gender], (0,)))
    assert [(one.known, one.stolen) for one in found] == [(0, 60), (0, 100)]
    for one in found:
        assert one.shared is not None
        assert one.shared.value >= one.rate.lowest


def test_clusters_find_a_planted_gender_and_nothing_in_noise(given: people.People, gender: across.Attribute) -> None:
    plain, noise = (across.enrolled(name, given) for name in ("cosine", "noise"))
    by_bytes, by_responses = across.clustered(plain, [gender])
    assert (by_bytes.reads, by_responses.reads, by_bytes.stolen) == ("bytes", "responses", 100)
    assert by_bytes.rates["best naming (a bound)"].value > 0.95
    assert by_bytes.rates["10 known subjects"].value > 0.95
    assert by_bytes.rates["1 known subject"].value > 0.8
    floor, _ = across.clustered(noise, [gender])
    assert floor.rates["10 known subjects"].value == pytest.approx(0.5, abs=0.1)
    assert floor.rates["best naming (a bound)"].value >= 0.5


def test_a_ceiling_is_read_in_either_space(given: people.People, gender: across.Attribute) -> None:
    found = across.ceilings(given, gender)
    assert min(found.attacked.value, found.attackers.value) > 0.95


def test_a_keyed_scheme_is_enrolled_under_keys_of_their_own(given: people.People) -> None:
    made = across.enrolled("biohash", given)
    assert made.vectors.shape[0] == made.responses.shape[0] == 100
    again = across.enrolled("biohash", given)
    np.testing.assert_array_equal(made.vectors, again.vectors)


def test_attributes_with_many_classes_are_left_out(given: people.People) -> None:
    odd = np.array([f"c{row % 7}" for row in range(400)])
    faces = twice_embedded()
    mixed = people.halved(Faces(faces.embeddings, faces.identity, {"hat": odd}, {}, faces.second))
    with pytest.raises(InputError, match="hat: 7; expected one with 2 to 6"):
        across.usable(mixed)
    assert across.usable(given) == ["gender"]


def saved(folder: Path) -> tuple[str, str]:
    faces = twice_embedded()
    assert faces.second is not None
    paths = (folder / "one.npz", folder / "two.npz")
    for path, rows in zip(paths, (faces.embeddings, unit(faces.second)), strict=True):
        np.savez(path, embeddings=rows, identity=faces.identity, gender=faces.attributes["gender"])
    return str(paths[0]), str(paths[1])


def test_the_tables_are_the_same_each_time_and_name_their_command(tmp_path: Path) -> None:
    one, two = saved(tmp_path)
    study.recognisers(one, two, known_subjects="10,40", out=tmp_path / "out")
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "recognisers-one-two.md"
    text = path.read_text(encoding="utf-8")
    assert "| cosine   | gender      | 40 " in text
    assert "| noise    | gender      | responses | 100 " in text
    command = "--data one.npz --attacker-recogniser two.npz --schemes cosine --known-subjects 10,40`"
    assert command in text
    made = tables.files(tables.Options(one, two, known=(10, 40)))
    assert made == {path.name: text}


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ("ten", "expected whole numbers with commas"),
        ("1", "expected 0, or 2 to 50"),
        ("0,51", "half of the 100 enrolled"),
    ],
)
def test_numbers_of_known_subjects_are_checked(tmp_path: Path, known: str, message: str) -> None:
    one, two = saved(tmp_path)
    with pytest.raises(InputError, match=f"--known-subjects {known}: .*{message}"):
        study.recognisers(one, two, known_subjects=known, out=tmp_path / "out")
