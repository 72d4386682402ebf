"""What templates say of their face, against what was enrolled and against counting by hand."""

import numpy as np
import pytest
import torch
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.cancelable.bloom import BloomFilter, _ways
from mote_baselines.cancelable.iom import GaussianIoM
from mote_baselines.cancelable.mlphash import MLPHash
from mote_baselines.cancelable.randhash import RandHash

from mote_bench.toolkit import draw_keys
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


@pytest.mark.parametrize("scheme", [MLPHash(hidden=(32,)), BloomFilter(), BloomFilter(height=3, width=2)])
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
