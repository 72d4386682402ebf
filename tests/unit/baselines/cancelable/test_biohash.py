"""BioHash: the properties of Teoh, Ngo & Goh (2004), and the decode that a stolen key allows."""

import numpy as np
import pytest
import torch
from mote_baselines.cancelable.biohash import BioHash

from mote_bench.contracts import Faces
from mote_bench.toolkit import draw_keys, unit

RNG = np.random.default_rng(0)
KEYS = draw_keys(200, RNG)


def normal_faces(n, d, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def fitted(d, bits=None):
    return BioHash(bits=bits).fit(Faces(normal_faces(2, d)), seed=0)


def test_bits_by_hand():
    """A face along the key's first column, a little along the second, a little against the rest: bits 1, 1, 0, 0."""
    scheme = fitted(4)
    [(projection, _)] = scheme._projections(KEYS[:1], 1)
    first, second, third, fourth = projection.T
    face = (first + 1e-3 * (second - third - fourth))[None]
    [template] = scheme.enroll(face, keys=KEYS[:1], seeds=[0])
    assert template == bytes([0b11000000])
    np.testing.assert_allclose(projection.T @ projection, np.eye(4), atol=1e-6)


def test_same_key_and_face_give_the_same_bits_and_full_score():
    scheme, x = fitted(64), normal_faces(3, 64)
    one = scheme.enroll(x, keys=KEYS[:3], seeds=[0, 1, 2])
    assert one == scheme.enroll(x, keys=KEYS[:3], seeds=[7, 8, 9])
    np.testing.assert_array_equal(np.diag(scheme.score(one, x, keys=KEYS[:3])), 1)
    assert one != scheme.enroll(x, keys=KEYS[3:6], seeds=[0, 1, 2])


def test_hamming_distance_concentrates_at_the_angle():
    """P(a bit differs) = angle / pi for a random projection; here over 200 keys of 64 bits."""
    scheme = fitted(64)
    x, y = normal_faces(1, 64), normal_faces(1, 64, seed=1)
    for mixture in (0.0, 0.5, 0.9):
        probe = unit(mixture * x + (1 - mixture) * y)
        templates = scheme.enroll(np.repeat(x, 200, axis=0), keys=KEYS, seeds=range(200))
        distance = 1 - scheme.score(templates, probe, keys=KEYS).mean()
        assert distance == pytest.approx(np.arccos((x @ probe.T).item()) / np.pi, abs=0.02)


def test_a_wrong_key_scores_half():
    scheme, x = fitted(64), normal_faces(200, 64)
    templates = scheme.enroll(x, keys=KEYS, seeds=range(200))
    answers = np.diag(scheme.score(templates, x, keys=KEYS[1:] + KEYS[:1]))
    assert answers.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("bits", [64, 128, 256, 512])
def test_a_stolen_key_decodes_to_the_known_cosine(bits):
    """cosine(Q sign(Q^T x), x) is close to sqrt(2 m / (pi d)) for x of any fixed direction."""
    scheme, x = fitted(512, bits), normal_faces(20, 512)
    templates = scheme.enroll(x, keys=KEYS[:20], seeds=range(20))
    cosine = (unit(scheme.reconstruct(templates, keys=KEYS[:20])) * x).sum(axis=1)
    assert cosine.mean() == pytest.approx(np.sqrt(2 * bits / (np.pi * 512)), abs=0.03)


def test_bits_of_a_fixed_face_are_fair_coins_over_keys():
    """Of three directions, in 2,000 keys. Columns from QR alone set the first bit of (1, 0, ..., 0) under no key."""
    scheme, keys = fitted(8), draw_keys(2000, np.random.default_rng(1))
    for face in np.eye(8, dtype=np.float32)[:3]:
        templates = scheme.enroll(np.tile(face, (len(keys), 1)), keys=keys, seeds=range(len(keys)))
        share = np.unpackbits(np.frombuffer(b"".join(templates), np.uint8).reshape(-1, 1), axis=1).mean(axis=0)
        np.testing.assert_allclose(share, 0.5, atol=4 * 0.5 / np.sqrt(len(keys)))


def test_bits_beside_a_full_byte_and_refusals():
    scheme, x = fitted(16, 13), normal_faces(4, 16)
    templates = scheme.enroll(x, keys=KEYS[:4], seeds=range(4))
    assert {len(template) for template in templates} == {2}
    for garbage, message in [(b"", "0 bytes"), (b"abc", "3 bytes"), (b"a\xff", "padding")]:
        with pytest.raises(ValueError, match=message):
            scheme.score([garbage], x, keys=KEYS[:1])
    with pytest.raises(ValueError, match="keys"):
        scheme.score(templates, x, keys=None)
    with pytest.raises(ValueError, match="bits=17"):
        fitted(16, 17)


def test_surrogate_agrees_with_the_score_and_has_a_gradient():
    scheme, x = fitted(64), normal_faces(50, 64)
    templates = scheme.enroll(x[:3], keys=KEYS[:3], seeds=range(3))
    probes = torch.tensor(x).expand(3, 50, 64).clone().requires_grad_()
    soft = scheme.surrogate(templates, keys=KEYS[:3])(probes)
    hard = scheme.score(templates, x, keys=KEYS[:3])
    assert all(np.corrcoef(a, b)[0, 1] > 0.6 for a, b in zip(soft.detach().numpy(), hard, strict=True))
    soft.sum().backward()
    assert probes.grad.abs().sum() > 0
