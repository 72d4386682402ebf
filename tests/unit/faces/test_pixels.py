"""A face searched among rendered heads: parameters there and back, a decoder that learns, a search that climbs."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.faces import head, parameters, people, pixels, search
from mote_bench.faces.decoder import face, learned


@pytest.fixture(scope="module")
def who():
    return pixels.cast(2, seed=0)


@pytest.fixture(scope="module")
def decoder(who):
    background = who.faces.rows(who.background)
    return learned(background.embeddings, who.numbers[who.background], seed=pixels.SEED)


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
    strangers = pixels.cast(60, seed=1)
    background = strangers.faces.rows(strangers.background)
    fitted = learned(background.embeddings, strangers.numbers[strangers.background], seed=pixels.SEED)
    told = fitted.parameters(strangers.faces.embeddings[strangers.references])
    true = np.array(
        [
            parameters.vector(model, people.draw(model, pixels.SEED, int(strangers.numbers[row])))
            for row in strangers.references
        ]
    )
    names = parameters.names(model)
    for name in ("body gender", "skin red"):
        place = names.index(name)
        assert np.corrcoef(told[:, place], true[:, place])[0, 1] > 0.6, name


@pytest.mark.slow
def test_a_search_finds_a_face_that_the_template_accepts(who, decoder, monkeypatch):
    monkeypatch.setattr(search, "ROUNDS", 2)
    (scene,) = pixels.scenes(who, "cosine", seed=0)
    (line,) = pixels.measured(who, [scene], jobs=1, seed=0)
    assert line.accepted.mean() >= 0.5
    assert line.cosine.mean() > 0.5
    assert line.rebuilt[0].picture.shape == (224, 224, 3)
    picture = pixels.strip(who, [line])
    assert picture.shape == (28 + 2 * 224, 3 * 224, 3)
    assert "| cosine     |" in pixels.rendered([line])


def test_a_kept_key_leaves_a_row_of_its_own(who):
    stolen, kept = pixels.scenes(who, "biohash", seed=0)
    assert (stolen.row, kept.row) == ("biohash, key stolen", "biohash")
    assert stolen.stolen[0].decodable
    assert not kept.stolen[0].decodable
    assert stolen.stolen[0].key == stolen.keys[0] != kept.stolen[0].key
    assert stolen.opens(0, who.faces.embeddings[who.references[0]])


def test_an_exaggerated_embedding_is_drawn_in(who, decoder):
    real = who.faces.embeddings[who.references[:1]].astype(float)
    direction = real - decoder.mean
    far = decoder.mean + 3.0 * direction
    assert np.linalg.norm(far / np.linalg.norm(far) - decoder.mean) > decoder.longest
    told = decoder.parameters(far)[0] - decoder.centre
    spread = np.abs(told / decoder.scale).max()
    assert spread <= np.abs(decoder.longest * np.linalg.norm(decoder.weights, axis=0)).max()
    near = decoder.mean + 0.1 * direction
    assert np.abs(decoder.parameters(near)[0] - decoder.centre).max() > 0


def test_a_decoded_face_is_a_person(decoder):
    made = face(decoder, decoder.centre)
    assert made.gender in people.GENDERS
    assert people.YOUNGEST - 5 < made.age < people.OLDEST + 5
