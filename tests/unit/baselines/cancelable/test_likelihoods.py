"""What templates say of their face, against what was enrolled and against counting by hand."""

import numpy as np
import pytest
import torch
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.cancelable.bloom import BloomFilter, _ways
from mote_baselines.cancelable.iom import GaussianIoM, PermutationIoM
from mote_baselines.cancelable.mlphash import MLPHash
from mote_baselines.cancelable.randhash import RandHash
from mote_baselines.cancelable.slerpface import SlerpFace
from mote_baselines.suppression.ive import IVE, MultiIVE
from mote_baselines.suppression.leace import LEACE
from mote_baselines.suppression.sensitive_noise import CosineSensitiveNoise, EuclideanSensitiveNoise

from mote_bench.toolkit import draw_keys, on_sphere, unit
from populations import gaussian_faces

FACES = gaussian_faces(60, 2, dimension=24)
KEYS = draw_keys(6, np.random.default_rng(0))


def enrolled(scheme):
    scheme.fit(FACES, seed=0)
    return scheme.enroll(FACES.embeddings[:6], keys=KEYS, seeds=range(6))


@pytest.mark.parametrize(
    "scheme", [BioHash(), BioHash(bits=7, threshold=0.1), RandHash(bits=40), GaussianIoM(groups=20, vectors=4)]
)
def test_half_spaces_hold_their_own_face_and_half_of_them_another(scheme):
    said = list(scheme.likelihood(enrolled(scheme), keys=KEYS))
    held = np.array([[(one.normals @ face > one.offsets).mean() for face in FACES.embeddings[:6]] for one in said])
    np.testing.assert_array_equal(np.diag(held), 1)
    assert held[~np.eye(6, dtype=bool)].mean() < 0.9


def test_a_code_of_four_vectors_is_three_half_spaces():
    scheme = GaussianIoM(groups=20, vectors=4)
    [first, *_] = scheme.likelihood(enrolled(scheme), keys=KEYS)
    assert first.normals.shape == (60, 24)
    assert first.offsets.shape == (60,)


@pytest.mark.parametrize(
    "scheme", [MLPHash(hidden=(32,)), BloomFilter(), BloomFilter(height=3, width=2), PermutationIoM(hashes=200)]
)
def test_a_narrow_likelihood_singles_the_own_face_out(scheme):
    faces = torch.from_numpy(FACES.embeddings.copy())
    for row, one in enumerate(scheme.likelihood(enrolled(scheme), keys=KEYS)):
        assert one.log_likelihood(faces, 0.1).argmax() == row


def test_ways_to_set_a_filter_by_hand():
    """Two columns read words 1 and 3 in two ways, word 2 alone in one."""
    ways, barred = _ways(np.array([[0, 1, 0, 1], [0, 0, 1, 0]], dtype=np.uint8), 2)
    assert sorted(map(tuple, ways[0])) == [(1, 3), (3, 1)]
    assert tuple(ways[1, 0]) == (2, 2)
    np.testing.assert_array_equal(barred, [[0, 0], [0, -np.inf]])


def test_the_chances_of_all_filters_of_a_block_add_up_to_one():
    """With one block of two columns and words of three bits: every pair of words, in whatever order."""
    from mote_bench.contracts import Faces

    faces = Faces(FACES.embeddings[:, :6])
    scheme = BloomFilter(height=3, width=2, levels=2).fit(faces, seed=0)
    key, total = KEYS[:1], 0.0
    for first in range(8):
        for second in range(first, 8):
            words = np.zeros(8, dtype=np.uint8)
            words[[first, second]] = 1
            [said] = scheme.likelihood([np.packbits(words).tobytes()], keys=key)
            total += float(said.log_likelihood(torch.from_numpy(faces.embeddings[:1].copy()), 0.7).exp())
    assert total == pytest.approx(1, abs=1e-4)


def mirrored(faces, scheme):
    """Faces whose directions from the scheme's mean face are the opposite ones."""
    mean = scheme._origin.astype(np.float64)
    return torch.from_numpy(on_sphere(mean, -unit(faces - mean)).astype(np.float32))


@pytest.mark.parametrize(("permutations", "alike"), [(1, False), (2, True), (3, False), (4, True)])
def test_an_even_number_of_permutations_hides_the_sign(permutations, alike):
    scheme = PermutationIoM(hashes=50, permutations=permutations)
    [said, *_] = scheme.likelihood(enrolled(scheme), keys=KEYS)
    own = FACES.embeddings[:1].copy()
    here, there = (float(said.log_likelihood(one, 0.2)) for one in (torch.from_numpy(own), mirrored(own, scheme)))
    assert (abs(here - there) < 1e-3) is alike


def test_the_chances_of_a_code_by_noise_drawn_by_hand():
    """The share of draws of Gumbel noise in which each of three products is the largest."""
    scheme = PermutationIoM(hashes=1, window=3)
    scheme.fit(FACES, seed=0)
    face, width, rng = FACES.embeddings[:1], 0.6, np.random.default_rng(0)
    [(places, _)] = scheme._places(KEYS[:1], 1)
    entries = unit(face[0] - scheme._origin) * np.sqrt(24)
    products = entries[places[0, 0]] * entries[places[1, 0]]
    noise = rng.gumbel(size=(200_000, 3))
    noise /= noise.std()  # of standard deviation one
    drawn = np.bincount((products + width * noise).argmax(axis=1), minlength=3) / len(noise)
    templates = [bytes([code << 6]) for code in range(3)]
    said = scheme.likelihood(templates, keys=KEYS[:1] * 3)
    chances = [float(one.log_likelihood(torch.from_numpy(face.copy()), width).exp()) for one in said]
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(chances, drawn, atol=0.01)


@pytest.mark.parametrize("scheme", [SlerpFace(group_size=8), IVE(), MultiIVE(), LEACE()])
def test_a_function_gives_the_values_of_the_own_face_alone(scheme):
    keys = KEYS if scheme.revocable else None
    scheme.fit(FACES, seed=0)
    templates = scheme.enroll(FACES.embeddings[:6], keys=keys, seeds=range(6))
    shown = torch.tensor(FACES.embeddings[:6], dtype=torch.float64)
    said = list(scheme.likelihood(templates, keys=keys))
    missed = np.array(
        [((one.function(shown).numpy() - one.values) ** 2).mean(axis=1) ** 0.5 / one.spread for one in said]
    )
    assert (np.diag(missed) < 2).all()
    assert missed[~np.eye(6, dtype=bool)].min() > 10


@pytest.mark.parametrize("scheme", [CosineSensitiveNoise(), EuclideanSensitiveNoise()])
def test_noise_has_the_size_that_is_stated(scheme):
    scheme.fit(FACES, seed=0)
    said = scheme.likelihood(scheme.enroll(FACES.embeddings, keys=None, seeds=range(120)), keys=None)
    missed = [(one.values - one.matrix @ face) / one.spread for one, face in zip(said, FACES.embeddings, strict=True)]
    assert np.sqrt(np.mean(np.square(missed))) == pytest.approx(1, abs=0.1)
