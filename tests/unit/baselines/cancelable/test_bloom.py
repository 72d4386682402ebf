"""Bloom filter templates: filters by hand, what they forget, and what a stolen key still decodes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_baselines.cancelable.bloom import BloomFilter, bloom_filters

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from mote_bench.toolkit import draw_keys, unit

KEYS = draw_keys(60, np.random.default_rng(0))


def normal_faces(n, d, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def fitted(d=64, **arguments):
    return BloomFilter(**arguments).fit(Faces(normal_faces(500, d, seed=9)), seed=0)


def test_keeps_the_contract():
    assert [finding for finding in check_scheme(BloomFilter) if not finding.ok] == []


def test_a_filter_by_hand():
    """Columns 101, 001, 101, 111 read 5, 1, 5, 7, top row first: bits 1, 5 and 7 of eight are set."""
    block = np.array([[[1, 0, 1, 1], [0, 0, 0, 1], [1, 1, 1, 1]]], dtype=np.uint8)
    assert bloom_filters(block[..., None]).tobytes() == bytes([0b01000101])


def test_dissimilarity_by_hand(monkeypatch):
    """{1, 5, 7} against {1, 2}: three bits differ of 3 + 2; against itself none: scores 1 - (0.6 + 0) / 2 = 0.7."""
    scheme = fitted(8, height=3, width=4, levels=4)
    assert scheme._blocks == 2
    stored = bytes([0b01000101, 0b10000000])
    shown = np.array([[[0b01100000], [0b10000000]]], dtype=np.uint8)
    monkeypatch.setattr(scheme, "_filters", lambda tables, order: shown)
    np.testing.assert_allclose(scheme.score([stored], normal_faces(1, 8), keys=KEYS[:1]), [[0.7]], atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 10), st.integers(1, 12), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_filters_are_the_sets_of_words_in_any_order(height, width, count, faces, seed):
    """Each filter of each face against the plain definition; it forgets the order of its words."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 2, (count, height, width, faces), dtype=np.uint8)
    filters = bloom_filters(blocks)
    np.testing.assert_array_equal(filters, bloom_filters(blocks[:, :, rng.permutation(width)]))
    bits = np.unpackbits(np.ascontiguousarray(filters.transpose(2, 1, 0)).view(np.uint8), axis=2)
    for block in range(count):
        for face in range(faces):
            words = {int("".join(map(str, column)), 2) for column in blocks[block, :, :, face].T}
            assert set(np.flatnonzero(bits[face, block])) == words


def test_coordinates_are_cut_at_equally_likely_levels_in_unary():
    """Of 4 levels a quarter each; a higher cut is never passed without the lower ones."""
    scheme, x = fitted(width=4), normal_faces(2000, 64, seed=3)
    code = scheme._tables(x).reshape(2000, -1)[:, : 3 * 64].reshape(2000, 3, 64)
    np.testing.assert_allclose(code.mean(axis=(0, 2)), [0.75, 0.5, 0.25], atol=0.03)
    assert (code[:, 0] >= code[:, 1]).all()
    assert (code[:, 1] >= code[:, 2]).all()


def test_sizes():
    """512 coordinates of 3 bits in blocks of 4 x 4 are 96 filters of 16 bits; a short last block is filled up."""
    for d, arguments, size in [(512, {}, 192), (512, {"width": 20}, 40), (64, {"height": 5, "width": 7}, 24)]:
        [template] = fitted(d, **arguments).enroll(normal_faces(1, d), keys=KEYS[:1], seeds=[0])
        assert len(template) == size


def test_keys_shuffle_rows_and_so_separate_templates():
    """The same face under two keys scores like two subjects under two."""
    scheme, x = fitted(256), normal_faces(30, 256)
    templates = scheme.enroll(x, keys=KEYS[:30], seeds=range(30))
    assert templates == scheme.enroll(x, keys=KEYS[:30], seeds=range(50, 80))
    scores = scheme.score(templates, x, keys=KEYS[:30])
    np.testing.assert_array_equal(np.diag(scores), 1)
    impostors = scores[~np.eye(30, dtype=bool)].mean()
    renewed = scheme.score(templates, x, keys=KEYS[30:60])
    assert np.diag(renewed).mean() == pytest.approx(renewed[~np.eye(30, dtype=bool)].mean(), abs=0.03)
    near = unit(x + 0.2 * normal_faces(30, 256, seed=2))
    assert np.diag(scheme.score(templates, near, keys=KEYS[:30])).mean() > impostors + 0.2


def test_a_stolen_key_decodes_the_rows_that_were_often_set():
    """A row's W coordinates share one estimate, so wide blocks decode worse: at best 1 / sqrt(W) of the binary code."""
    x, cosines = normal_faces(30, 128), []
    for width in (1, 4, 16):
        scheme = fitted(128, width=width)
        templates = scheme.enroll(x, keys=KEYS[:30], seeds=range(30))
        cosines.append((scheme.reconstruct(templates, keys=KEYS[:30]) * x).sum(axis=1).mean())
    assert cosines[0] > 0.9
    assert cosines[0] / 2 - 0.1 < cosines[1] < cosines[0] / 2 + 0.05
    assert 0.1 < cosines[2] < cosines[0] / 4 + 0.05


def test_surrogate_agrees_with_the_score_and_has_a_gradient():
    scheme, x = fitted(), normal_faces(50, 64)
    templates = scheme.enroll(x[:3], keys=KEYS[:3], seeds=range(3))
    probes = torch.tensor(x).expand(3, 50, 64).clone().requires_grad_()
    soft = scheme.surrogate(templates, keys=KEYS[:3])(probes)
    hard = scheme.score(templates, x, keys=KEYS[:3])
    assert all(np.corrcoef(a, b)[0, 1] > 0.6 for a, b in zip(soft.detach().numpy(), hard, strict=True))
    soft.sum().backward()
    assert probes.grad.abs().sum() > 0


def test_refusals():
    scheme, x = fitted(), normal_faces(1, 64)
    size = scheme._blocks * 2
    for garbage, message in [(b"", "0 bytes"), (b"\0" * size, "0 to 0 bits"), (b"\xff" * size, "16 bits set")]:
        with pytest.raises(ValueError, match=message):
            scheme.score([garbage], x, keys=KEYS[:1])
    with pytest.raises(ValueError, match="keys"):
        scheme.enroll(x, keys=None, seeds=[0])
    with pytest.raises(ValueError, match="height=2"):
        BloomFilter(height=2)
