"""A face searched among rendered heads: parameters there and back, a decoder that learns, a search that climbs."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from commands import mote_bench
from mote_bench.cli import app
from mote_bench.contracts import Embedded, InputError, Measurement
from mote_bench.data.pictures import layouts, reading
from mote_bench.embedders.pipeline import Recogniser
from mote_bench.faces import head, people
from mote_bench.studies.pictures import from_templates, search
from mote_bench.studies.pictures import head_parameters as parameters
from mote_bench.studies.pictures import second_recogniser as second
from mote_bench.studies.pictures.decoder import face, learned
from mote_bench.toolkit import unit
from networks import as_arcface


@pytest.fixture(scope="module")
def who():
    return from_templates.cast(2, seed=0)


@pytest.fixture(scope="module")
def decoder(who):
    background = who.faces.rows(who.background)
    return learned(background.embeddings, who.numbers[who.background], seed=from_templates.SEED)


def test_parameters_there_and_back():
    model = head.load()
    somebody = people.draw(model, 0, 3)
    numbers = parameters.vector(model, somebody)
    assert len(numbers) == len(parameters.names(model))
    again = parameters.person(model, numbers, somebody)
    np.testing.assert_allclose(parameters.vector(model, again), numbers, atol=1e-12)
    np.testing.assert_allclose(
        model.vertices(again.body, again.changes, {}), model.vertices(somebody.body, somebody.changes, {})
    )
    assert again.looks.long_hair == somebody.looks.long_hair
    wild = parameters.person(model, numbers + 9.0, somebody)
    assert max(wild.changes.values()) <= 1
    assert wild.looks.skin.max() <= 1


@pytest.mark.slow
def test_the_decoder_tells_gender_and_skin_of_people_it_never_saw(who, decoder):
    model = head.load()
    others = from_templates.cast(60, seed=1)
    background = others.faces.rows(others.background)
    fitted = learned(background.embeddings, others.numbers[others.background], seed=from_templates.SEED)
    found = fitted.parameters(others.faces.embeddings[others.references])
    true = np.array(
        [
            parameters.vector(model, people.draw(model, from_templates.SEED, int(others.numbers[row])))
            for row in others.references
        ]
    )
    names = parameters.names(model)
    for name in ("body gender", "skin red"):
        place = names.index(name)
        assert np.corrcoef(found[:, place], true[:, place])[0, 1] > 0.6, name


@pytest.mark.slow
def test_a_search_finds_a_face_that_the_template_accepts(who, decoder, monkeypatch):
    monkeypatch.setattr(from_templates, "ROUNDS", 2)
    (scene,) = from_templates.scenes(who, "cosine", seed=0)
    (line,) = from_templates.measured(who, [scene], jobs=1, seed=0)
    assert line.accepted.mean() >= 0.5
    assert line.cosine.mean() > 0.5
    assert line.reconstructed[0].picture.shape == (224, 224, 3)
    picture = from_templates.strip(who, [line])
    assert picture.shape == (28 + 2 * 224, 3 * 224, 3)
    assert "| cosine     |" in from_templates.rendered([line])


def reconstructed(pictures):
    """A line of such pictures; what they were worth doesn't matter here."""
    made = tuple(search.Reconstructed(one, np.zeros(128), 0.0) for one in pictures)
    nothing = np.zeros(len(made))
    return from_templates.Line("cosine: decoder only", made, nothing > 0, nothing, nothing, nothing)


def test_the_second_recogniser_is_named_with_its_own_error_rate(who, monkeypatch):
    monkeypatch.setattr(Recogniser, "make", lambda self: Coloured())
    eer = Measurement("eer", 0.0312, 0.02, 0.0449, n=150)
    other = second.Second(Recogniser("coloured"), np.zeros(3), np.eye(3), (np.eye(3),) * 2, 0.5, eer)
    line = replace(
        reconstructed([np.zeros((8, 8, 3), np.uint8)] * 2), second=second.Compared(np.array([0.5, 1]), np.zeros(2))
    )
    attacked = Measurement("eer", 0.0187, 0.0101, 0.0333, n=150)
    found = from_templates.rendered([line], from_templates.about_second(other, attacked), command=" --second coloured")
    assert "is colours (weights 0123456789abcdef)" in found
    assert "150 other subjects its equal error rate is 3.1 % [2.0, 4.5], that of the attacked" in found
    assert "recogniser 1.9 % [1.0, 3.3]" in found
    assert "| 0.75 [" in found
    assert "Made by `python -m mote_bench study pictures --second coloured`" in found


def test_the_attacked_recognisers_error_rate_by_another_library(who):
    rows = from_templates._public(who)
    centred = unit(who.faces.embeddings[rows].astype(float) - who.faces.embeddings[who.background].mean(axis=0))
    one, other = np.split(centred, 2)
    wrong, right, _ = roc_curve(np.eye(len(one)).ravel(), (one @ other.T).ravel())
    crossing = np.argmin(np.abs(wrong - (1 - right)))
    assert from_templates.first_eer(who).value == pytest.approx((wrong + 1 - right)[crossing] / 2, abs=0.004)


def test_an_album_is_a_folder_that_explanations_take(who, tmp_path, monkeypatch):
    monkeypatch.setattr(from_templates.population, "picture", lambda recipe, *which: b"%d %d" % which)
    from_templates.album(who, [reconstructed([np.full((8, 8, 3), 200, np.uint8)] * 2)], tmp_path)
    found = layouts.read(tmp_path / "cosine-decoder-only", None)
    names = Counter(one.identity for one in found.pictures)
    targets = {f"p{number:04d}" for number in who.numbers[who.references]}
    assert {name for name, count in names.items() if count == 2} == targets
    assert len(names) == len(targets) + 45
    first = tmp_path / "cosine-decoder-only" / min(targets)
    assert (first / "0.jpg").read_bytes() == b"%d 0" % min(who.numbers[who.references])
    assert reading.read(first / "1.jpg").shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "a.onnx"), "--weights without --second"),
        (("--mean", "0"), "--mean without --second"),
        (("--people", "0"), "--people 0: expected 1 to 500"),
        (("--attackers", "cat"), "--attackers cat: expected some of"),
        (("--thieves", "dog"), "--attackers dog: expected some of"),
        (("--schemes", "cosin"), "Did you mean cosine"),
        (("--second", "arcface-onnx"), "no ONNX file was given"),
    ],
)
def test_mistakes_end_before_anything_is_rendered(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(from_templates.population, "picture", lambda *_: pytest.fail("rendered"))
    monkeypatch.setattr(sys, "argv", ["mote-bench", "study", "pictures", *arguments, "--out", str(tmp_path / "made")])
    with pytest.raises(SystemExit) as left:
        app.main()
    assert left.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_reconstructed_pictures_are_explained_in_pixels(tmp_path):
    """From a stolen template to the map of what its picture was accepted for, by the commands as a user types them."""
    command = [sys.executable, "-m", "mote_bench", "study", "pictures", "--people", "3", "--schemes", "cosine"]
    command += ["--thieves", "decoder", "--out", "made", "--album", "album", "--jobs", "1"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=900)
    network = as_arcface(tmp_path)
    asked = ("--pictures", "album/cosine-decoder-only", "--embedder", "arcface-onnx", "--weights", network.name)
    result = mote_bench("explain", *asked, "--schemes", "cosine", "--people", "2", "--out", "why", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "cosine, Grad-CAM++: faithfulness" in result.stdout
    assert (tmp_path / "why" / "heatmaps.png").stat().st_size > 1000


def test_a_kept_key_leaves_a_row_of_its_own(who):
    stolen, kept = from_templates.scenes(who, "biohash", seed=0)
    assert (stolen.row, kept.row) == ("biohash, key stolen", "biohash")
    assert stolen.stolen[0].decodable
    assert not kept.stolen[0].decodable
    assert stolen.stolen[0].key == stolen.keys[0] != kept.stolen[0].key
    assert stolen.accepts(0, who.faces.embeddings[who.references[0]])


def test_an_exaggerated_embedding_is_drawn_in(who, decoder):
    real = who.faces.embeddings[who.references[:1]].astype(float)
    direction = real - decoder.mean
    far = decoder.mean + 3.0 * direction
    assert np.linalg.norm(far / np.linalg.norm(far) - decoder.mean) > decoder.longest
    found = decoder.parameters(far)[0] - decoder.centre
    spread = np.abs(found / decoder.scale).max()
    assert spread <= np.abs(decoder.longest * np.linalg.norm(decoder.weights, axis=0)).max()
    near = decoder.mean + 0.1 * direction
    assert np.abs(decoder.parameters(near)[0] - decoder.centre).max() > 0


def test_a_decoded_face_is_a_person(decoder):
    made = face(decoder, decoder.centre)
    assert made.gender in people.GENDERS
    assert people.YOUNGEST - 5 < made.age < people.OLDEST + 5


def test_every_attacker_has_a_row_and_online_scores_give_an_embedding(who):
    rows = from_templates.scenes(who, "cosine", seed=0, attackers=("record", "decoder", "scores"))
    assert [one.row for one in rows] == ["cosine", "cosine: decoder only", "cosine: scores only"]
    assert [one.shown for one in rows] == [True, False, False]
    assert rows[1].stolen[0].rounds == 0
    for target, stolen in enumerate(rows[2].stolen):
        real = who.faces.embeddings[who.references[target]].astype(float)
        assert stolen.online @ real / np.linalg.norm(real) / np.linalg.norm(stolen.online) > 0.99


@pytest.mark.slow
def test_decisions_give_an_embedding(who):
    (row,) = from_templates.scenes(who, "cosine", seed=0, attackers=("decisions",))
    mean = who.faces.embeddings[who.background].mean(axis=0)
    for target, stolen in enumerate(row.stolen):
        real, found = who.faces.embeddings[who.references[target]] - mean, stolen.online - mean
        assert real @ found / np.linalg.norm(real) / np.linalg.norm(found) > 0.8


def test_an_online_embedding_is_what_pictures_are_compared_with(who, decoder):
    found = who.faces.embeddings[who.references[0]].astype(float)
    stolen = search.Stolen(None, b"", None, False, online=found)
    assert search._answer(stolen, decoder, found[None]) == pytest.approx(1)
    others = who.faces.embeddings[who.background[::50]].astype(float)
    answers = np.array([search._answer(stolen, decoder, other[None]) for other in others])
    first, second = found - decoder.mean, others - decoder.mean
    centred = second @ first / np.linalg.norm(first) / np.linalg.norm(second, axis=1)
    np.testing.assert_allclose(answers, centred, atol=1e-6)  # stored in half precision, so lengths aren't quite 1
    assert np.median(answers) < 0.5


def test_no_face_in_any_picture_is_a_failure_and_no_crash(who, decoder, monkeypatch):
    monkeypatch.setattr(search, "_tried", lambda *_: None)
    monkeypatch.setattr(search, "_picture", lambda *_: np.zeros((224, 224, 3), np.uint8))
    (scene,) = from_templates.scenes(who, "cosine", seed=0, attackers=("decoder",))
    reconstructed = tuple(search.searched(one, decoder, seed=0) for one in scene.stolen)
    assert not reconstructed[0].embedding.any()
    line = from_templates._line(who, scene, reconstructed, decoder, None)
    assert not line.accepted.any()
    assert not line.by_photos.any()
    assert not line.wolf.any()


COLOURS = np.random.default_rng(0).integers(20, 235, (60, 3))


def colour(which):
    """A picture of one colour, nearly the same for all images of a person."""
    person, image = which
    return np.broadcast_to(np.clip(COLOURS[person] + image, 0, 255).astype(np.uint8), (8, 8, 3))


def here(tasks, jobs):
    """In this process, where what is replaced stays replaced."""
    return ((task.key, task.function(*task.arguments)) for task in tasks)


class Coloured:
    """Embeds the mean colour; sees no face in black."""

    def about(self):
        return {"recogniser": "colours", "weights_sha256": "0123456789abcdef" * 4}

    def embed(self, pictures):
        return [Embedded(one.mean((0, 1)).astype(np.float32) - 127) if one.any() else None for one in pictures]


def test_a_second_recogniser_by_hand(monkeypatch):
    """Other subjects' colours are drawn at random; a picture of the person's own colour is accepted, black never."""
    monkeypatch.setattr(Recogniser, "make", lambda self: Coloured())
    monkeypatch.setattr(second.Stored, "picture", lambda self, which: colour(which))
    monkeypatch.setattr(second.workers, "run", here)
    second._embedder.cache_clear()
    others = [(person, image) for person in range(2, 60) for image in (0, 1)]
    photos = [[(0, 1), (0, 2)], [(1, 1)], []]
    made = second.made(Recogniser("coloured"), photos, others, fmr=1e-3, stored=second.Stored(0), jobs=1)
    assert made.public.shape == (116, 3)
    assert (made.eer.n, made.eer.low <= made.eer.value <= made.eer.high) == (58, True)
    assert [len(one) for one in made.photos] == [2, 1, 0]
    found = second.compared(made, [colour((0, 0)), np.zeros((8, 8, 3), np.uint8), colour((5, 0))])
    assert list(found.by_photos) == [1, 0, 0]
    assert found.wolf[1] == 0
    assert found.wolf[2] >= 2 / 116  # subject 5's own two
    second._embedder.cache_clear()


def test_a_second_recogniser_that_sees_nobody(monkeypatch):
    monkeypatch.setattr(Recogniser, "make", lambda self: Coloured())
    monkeypatch.setattr(second.Stored, "picture", lambda self, which: np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(second.workers, "run", here)
    second._embedder.cache_clear()
    with pytest.raises(InputError, match="a face in 0 of 4 pictures"):
        second.made(Recogniser("coloured"), [], [(k, 0) for k in range(4)], fmr=1e-3, stored=second.Stored(0), jobs=1)
    second._embedder.cache_clear()


def test_pictures_that_are_there_are_not_rendered_again(tmp_path, monkeypatch):
    monkeypatch.setattr(second.population, "picture", lambda *_: pytest.fail("rendered"))
    from PIL import Image

    path = tmp_path / second.population.name_of(3, 1)
    path.parent.mkdir(parents=True)
    Image.new("RGB", (4, 4), (10, 20, 30)).save(path, quality=100)
    assert second.Stored(0, tmp_path).picture((3, 1)).shape == (4, 4, 3)


def test_the_control_is_a_photo_of_the_person():
    crowd = from_templates.cast(20, seed=3)
    line = from_templates.photo_line(crowd, None)
    assert line.accepted.mean() > 0.8
    assert line.wolf.mean() < 0.01
