"""Keyed MOTE: MOTE itself for who has the key, another space for who hasn't."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from mote_bench.mote.keyed import KeyedMOTE, _turns
from mote_bench.mote.scheme import MOTE
from mote_bench.toolkit import unit
from populations import gaussian_faces

KEYS = [bytes([number]) * 32 for number in range(6)]
SEEDS = list(range(6))


@pytest.fixture(scope="module")
def people():
    return gaussian_faces(90, 3, dimension=24)


@pytest.fixture(scope="module")
def made(people):
    background, own = people.rows(np.arange(60, 270)), people.rows(np.arange(0, 18, 3))
    keyed, plain = (kind(epochs=6).fit(background, seed=0) for kind in (KeyedMOTE, MOTE))
    templates = keyed.enroll(own.embeddings, keys=KEYS, seeds=SEEDS)
    return keyed, plain, templates, plain.enroll(own.embeddings, seeds=SEEDS)


def test_with_the_key_it_is_mote(made, people):
    keyed, plain, templates, originals = made
    probes = people.embeddings[1:40]
    np.testing.assert_allclose(
        keyed.score(templates, probes, keys=KEYS), plain.score(originals, probes), rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(
        keyed.reconstruct(templates, keys=KEYS), plain.reconstruct(originals), rtol=1e-3, atol=1e-4
    )


def test_gradients_are_those_of_mote(made, people):
    import torch

    keyed, plain, templates, originals = made
    probes = torch.from_numpy(np.repeat(people.embeddings[None, 1:5], 6, axis=0))
    theirs, ours = plain.surrogate(originals)(probes), keyed.surrogate(templates, keys=KEYS)(probes)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_another_key_opens_nothing(made, people):
    keyed, _, templates, _ = made
    own = people.embeddings[0:18:3]
    right = np.diag(keyed.score(templates, own, keys=KEYS))
    wrong = np.diag(keyed.score(templates, own, keys=[b"\xff" * 32] * 6))
    assert (right > wrong).all()


def test_a_key_of_ones_own_makes_an_impostor(people):
    """Also where all faces lie to one side of the origin."""
    faces = replace(people, embeddings=unit(people.embeddings + np.full(24, 1.5 / 24**0.5)))
    background, own = faces.rows(np.arange(60, 270)), faces.rows(np.arange(0, 18, 3))
    others = [bytes([100 + number]) * 32 for number in range(6)]
    scheme = KeyedMOTE().fit(background, seed=0)
    templates = scheme.enroll(own.embeddings, keys=KEYS, seeds=SEEDS)
    mates = scheme.score(templates, faces.embeddings[1:18:3], keys=KEYS).diagonal()
    assert (scheme.score(templates, faces.embeddings[18:60], keys=others) >= np.median(mates)).mean() < 0.02


def test_only_the_first_layer_is_turned_and_by_a_rotation(made):
    from mote_bench.mote.codec import decode

    _, _, templates, originals = made
    for turned, plain in zip(map(decode, templates), map(decode, originals), strict=True):
        np.testing.assert_allclose(
            turned[0].weight.T @ turned[0].weight, plain[0].weight.T @ plain[0].weight, rtol=1e-3, atol=1e-4
        )
        assert np.abs(turned[0].weight - plain[0].weight).max() > 0.01
        for above, same in zip(turned[1:], plain[1:], strict=True):
            np.testing.assert_array_equal(above.weight, same.weight)


def test_a_rotation_by_key():
    (first, rows), (second, _) = _turns([b"a" * 32, b"b" * 32, b"a" * 32], 3, 10)
    assert rows == [0, 2]
    np.testing.assert_allclose(first @ first.T, np.eye(10), atol=1e-12)
    assert np.abs(first - second).max() > 0.1


def test_many_probes_and_few_have_the_same_scores(made, people):
    """Few probes are rotated; for many, the nets are rotated back instead."""
    keyed, _, templates, _ = made
    probes = np.tile(people.embeddings[:40], (4, 1))
    assert len(probes) >= keyed.recipe.hidden[0]
    for keys in (KEYS, KEYS[:2] * 3):
        many, few = keyed.score(templates, probes, keys=keys), keyed.score(templates, probes[:40], keys=keys)
        np.testing.assert_allclose(many, np.tile(few, (1, 4)), rtol=1e-3, atol=1e-3)


def test_a_second_key_needs_no_training(made, people, monkeypatch):
    """And the templates are those of a scheme that has trained nothing yet."""
    keyed, _, _, _ = made
    own, other = people.embeddings[0:18:3], [b"\x07" * 32] * 6
    fresh = copy.deepcopy(keyed).enroll(own, keys=other, seeds=SEEDS)
    keyed.enroll(own, keys=KEYS, seeds=SEEDS)
    with monkeypatch.context() as patch:
        patch.setattr(MOTE, "_train", None)
        assert keyed.enroll(own, keys=other, seeds=SEEDS) == fresh
    assert keyed.enroll(own, keys=other, seeds=SEEDS[::-1]) != fresh


def test_keys_are_needed(made):
    keyed, _, templates, _ = made
    for keys in (None, KEYS[:2]):
        with pytest.raises(ValueError, match="keys for 6 templates"):
            keyed.score(templates, np.eye(24, dtype=np.float32), keys=keys)
