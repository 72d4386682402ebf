"""Deep rank hashing: loss and template by hand, what training gains on other subjects, and renewal by XOR."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from mote_baselines._shared.keys import rng_of
from mote_baselines.cancelable.deep_rank_hash import DeepRankHash, angular_loss, imbalance, soft_indices

from mote_bench.contracts import Faces, HalfSpaces, Smooth
from mote_bench.toolkit import draw_keys
from populations import gaussian_faces

KEYS = draw_keys(40, np.random.default_rng(0))
FACES = gaussian_faces(60, 2, dimension=24)


@cache
def small(bits: int | None = None) -> DeepRankHash:
    """80 codes of 4 levels, not trained."""
    return DeepRankHash(codes=80, levels=4, bits=bits, steps=0).fit(FACES, seed=0)


def test_the_angular_loss_by_hand() -> None:
    """Three faces: a and b of one subject at 60 degrees, c at 90 degrees to a and 30 to b."""
    indices = torch.tensor([[2.0, 0.0], [1.0, 3**0.5], [0.0, 5.0]])
    a, b, c = 0.0, np.pi / 3, np.pi / 2

    def sigma(value: float) -> float:
        return float(1 / (1 + np.exp(-value)))

    same = [np.pi / 3, np.pi / 3, 0.0]  # c has no other face
    other = [c - a, c - b, c - b]
    terms = [sigma(np.cos(o) - np.sin(o)) + sigma(np.sin(s) - np.cos(s)) for s, o in zip(same, other, strict=True)]
    expected = 32 * sum(terms) + np.mean(same)
    assert float(angular_loss(indices, torch.tensor([7, 7, 9]), 32.0)) == pytest.approx(expected, rel=1e-4)


def test_soft_indices_and_their_balance_by_hand() -> None:
    """Two outputs of one size and two small ones: levels 1 and 2, so 1.5; sharper, it is the index of the largest."""
    outputs = torch.tensor([[[0.0, 50.0, 50.0, 0.0], [3.0, 2.0, 1.0, 0.0]]])
    assert soft_indices(outputs, 1.0)[0, 0] == pytest.approx(1.5, abs=1e-4)
    weights = np.exp([3, 2, 1, 0])
    assert soft_indices(outputs, 1.0)[0, 1] == pytest.approx(weights @ np.arange(4) / weights.sum(), abs=1e-4)
    assert soft_indices(outputs, 30.0)[0, 1] == pytest.approx(0, abs=1e-4)
    assert float(imbalance(torch.tensor([[0.0, 3.0], [3.0, 3.0], [0.0, 1.0]]), 4)) == pytest.approx(0 + 1.5 + 1)


def test_a_template_by_hand() -> None:
    """The face's largest outputs are levels 2 and 0, whose words are 3 and 2: bits 11 10, XORed with the key's."""
    faces = Faces(np.eye(3)[[0, 0, 1, 1]], np.array(list("aabb")))
    scheme = DeepRankHash(codes=2, levels=4, steps=0, centre=False).fit(faces, seed=0)
    scheme._table = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], dtype=np.uint8)
    scheme._weights = np.array(
        [[0, 1, 2, 1, 5, 0, 0, 0], [0, 1, 2, 1, 0, 3, 0, 0], [9, 0, 0, 0, 0, 0, 0, 0]], np.float32
    )
    [template] = scheme.enroll(np.array([[0.8, 0.6, 0.0]]), keys=KEYS[:1], seeds=[0])
    pad = rng_of(KEYS[0], "one-time pad").integers(0, 2, 4, dtype=np.uint8)
    assert template == np.packbits(np.array([1, 1, 1, 0], np.uint8) ^ pad).tobytes()
    # A probe whose codes are levels 0 and 1, of words 2 and 0: it shares the bits 1, - and -, 0.
    shown = np.array([[0.0, 0.6, 0.8]])
    assert scheme.score([template], shown, keys=KEYS[:1])[0, 0] == pytest.approx(2 / 4)


def test_training_brings_other_photos_nearer_on_subjects_that_it_has_not_seen() -> None:
    """The paper's point: learned projections tell subjects apart that random ones (IoM) confuse."""
    rng = np.random.default_rng(5)
    # Half of the dimensions differ between subjects, and half between photos alone.
    subjects = np.repeat(np.hstack([rng.standard_normal((120, 16)), np.zeros((120, 16))]), 4, axis=0)
    noise = np.hstack([np.full((480, 16), 0.3), np.ones((480, 16))])
    rows = subjects + noise * rng.standard_normal((480, 32))
    faces = Faces(rows, np.repeat(np.arange(120).astype(str), 4))
    public, attacked = faces.rows(np.arange(320)), faces.rows(np.arange(320, 480))

    def overlap(steps: int) -> float:
        """Share of non-mated scores that are above the median mated one."""
        scheme = DeepRankHash(codes=128, steps=steps).fit(public, seed=0)
        templates = scheme.enroll(attacked.embeddings[::4], keys=KEYS, seeds=range(40))
        scores = scheme.score(templates, attacked.embeddings[1::4], keys=KEYS)
        return float((scores[~np.eye(40, dtype=bool)] > np.median(np.diag(scores))).mean())

    untrained, trained = overlap(0), overlap(60)
    assert trained < untrained / 2
    assert untrained > 0.005


def test_codes_are_balanced_and_unrelated_faces_share_them_by_chance() -> None:
    scheme = DeepRankHash(codes=256, steps=0).fit(gaussian_faces(60, 2, dimension=64), seed=0)
    shown = np.random.default_rng(1).standard_normal((80, 64))
    meant = scheme._meant(scheme._words(shown))
    assert (meant.sum(axis=2) == 1).all()
    np.testing.assert_allclose(meant.mean(axis=(0, 1)), 1 / 8, atol=0.02)
    codes = meant.argmax(axis=2)
    assert np.mean([(codes[i] == codes[i + 40]).mean() for i in range(40)]) == pytest.approx(1 / 8, abs=0.02)


def test_a_template_is_renewed_by_xor_without_a_photo() -> None:
    """The old pad and the new one turn an old template into what a new enrolment of the same photo gives."""
    scheme, face = small(), FACES.embeddings[:1]
    old, new = (np.frombuffer(scheme.enroll(face, keys=[key], seeds=[0])[0], np.uint8) for key in KEYS[:2])
    pads = [np.packbits(scheme._pads([key], 1)) for key in KEYS[:2]]
    np.testing.assert_array_equal(old ^ pads[0] ^ pads[1], new)
    assert scheme.score([new.tobytes()], face, keys=[KEYS[1]])[0, 0] == 1


def test_scores_do_not_depend_on_the_key_and_a_wrong_key_gives_chance() -> None:
    scheme, faces = small(), FACES.embeddings[:40]
    one, other = (scheme.enroll(faces, keys=keys, seeds=range(40)) for keys in (KEYS, KEYS[::-1]))
    scores = scheme.score(one, faces, keys=KEYS)
    np.testing.assert_array_equal(scores, scheme.score(other, faces, keys=KEYS[::-1]))
    assert np.diag(scheme.score(one, faces, keys=KEYS[::-1])).mean() == pytest.approx(0.5, abs=0.03)


def test_templates_of_one_face_under_many_keys_are_uniform_bits() -> None:
    scheme, keys = small(), draw_keys(2000, np.random.default_rng(3))
    templates = scheme.enroll(np.repeat(FACES.embeddings[:1], 2000, axis=0), keys=keys, seeds=range(2000))
    bits = np.unpackbits(np.frombuffer(b"".join(templates), np.uint8).reshape(2000, -1), axis=1)
    z = (bits.mean(axis=0) - 0.5) * 2 * 2000**0.5
    assert np.abs(z).max() < 4.5
    assert z.std() == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(("bits", "kind"), [(None, HalfSpaces), (5, HalfSpaces), (1, Smooth)])
def test_the_likelihood_holds_the_own_face_alone(bits: int | None, kind: type) -> None:
    """With fewer bits several levels share a word, and their probabilities add up."""
    scheme = small(bits)
    faces = FACES.embeddings[:12:2]
    said = list(scheme.likelihood(scheme.enroll(faces, keys=KEYS[:6], seeds=range(6)), keys=KEYS[:6]))
    for row, one in enumerate(said):
        assert isinstance(one, kind)
        if isinstance(one, HalfSpaces):
            assert one.normals.shape == (80 * 3, 24)
            held = [(one.normals @ face > one.offsets).mean() for face in faces]
            assert held[row] == 1
            assert max(held[:row] + held[row + 1 :]) < 1
        else:
            assert one.log_likelihood(torch.from_numpy(faces.copy()), 0.1).argmax() == row


def test_words_that_are_not_in_the_table_say_nothing() -> None:
    """Of the 32 words of five bits only four are of a level, so under a wrong key most are of none."""
    scheme = small(5)
    [template] = scheme.enroll(FACES.embeddings[:1], keys=KEYS[:1], seeds=[0])
    [said] = scheme.likelihood([template], keys=KEYS[1:2])
    assert isinstance(said, Smooth)
    assert np.isfinite(said.log_likelihood(torch.from_numpy(FACES.embeddings[:3].copy()), 0.5).numpy()).all()


def test_a_stolen_key_gives_the_face_away() -> None:
    scheme = DeepRankHash(codes=512, steps=0).fit(gaussian_faces(60, 2, dimension=64), seed=0)
    faces = gaussian_faces(20, 1, dimension=64, seed=7).embeddings
    found = scheme.reconstruct(scheme.enroll(faces, keys=KEYS[:20], seeds=range(20)), keys=KEYS[:20])
    assert (found * faces).sum(axis=1).mean() > 0.95


def test_no_templates_give_no_answers() -> None:
    """An attacker without keys has no shadow subject to tune on, and asks about none."""
    scheme = small()
    assert scheme.enroll(FACES.embeddings[:0], keys=[], seeds=[]) == []
    assert scheme.score([], FACES.embeddings, keys=[]).shape == (0, 120)
    assert scheme.reconstruct([], keys=[]).shape == (0, 24)
    assert list(scheme.likelihood([], keys=[])) == []


def test_tables_number_the_levels_or_share_words() -> None:
    assert small()._table.shape == (4, 2)
    assert len(np.unique(small()._table, axis=0)) == 4
    assert small(5)._table[:, :3].sum() == 0  # words of numbers below four
    assert small(1)._table.shape == (4, 1)
    assert len(small(1).enroll(FACES.embeddings[:1], keys=KEYS[:1], seeds=[0])[0]) == 10


def test_wrong_parameters_are_refused() -> None:
    for wrong in ({"codes": 0}, {"levels": 1}, {"bits": 0}, {"steps": -1}):
        with pytest.raises(ValueError, match="expected 1 code or more"):
            DeepRankHash(**wrong)
    with pytest.raises(ValueError, match=r"sharpness=0.0, balance=1.0; expected"):
        DeepRankHash(sharpness=0.0)
    alone = Faces(np.eye(4), np.array(list("abcd")))
    with pytest.raises(ValueError, match="0 subjects of the background have two images or more; expected 2 or more"):
        DeepRankHash().fit(alone, seed=0)
