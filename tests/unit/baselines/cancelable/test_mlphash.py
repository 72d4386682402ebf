"""MLP-Hash: a small network by hand, the angle law of ReLU layers, and what a stolen key decodes."""

import numpy as np
import pytest
import torch
from mote_baselines.cancelable.mlphash import MLPHash, _bits, semi_orthogonal

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from mote_bench.toolkit import draw_keys, unit

KEYS = draw_keys(40, np.random.default_rng(0))


def normal_faces(n, d, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def fitted(d=64, **arguments):
    return MLPHash(centre=False, **arguments).fit(Faces(normal_faces(2, d)), seed=0)


def test_keeps_the_contract():
    assert [finding for finding in check_scheme(MLPHash) if not finding.ok] == []


def test_bits_by_hand():
    """(0.6, 0.8) -> (0.6, 0.2, -1.4) -> ReLU (0.6, 0.2, 0) -> (0.6, 0.2, 0.8, 0), mean 0.4: bits 1, 0, 1, 0."""
    layers = [np.array([[1, -1, -1], [0, 1, -1]]), np.array([[1, 0, 1, 0], [0, 1, 1, 0], [5, 5, 5, 5]])]
    np.testing.assert_array_equal(_bits(np.array([[0.6, 0.8]]), layers), [[1, 0, 1, 0]])


@pytest.mark.parametrize("shape", [(8, 16), (16, 16), (16, 8)])
def test_layers_are_semi_orthogonal(shape):
    layer = semi_orthogonal(np.random.default_rng(0), *shape)
    assert layer.shape == shape
    product = layer.T @ layer if shape[0] >= shape[1] else layer @ layer.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 8), (8, 8), (8, 4)])
def test_layers_are_drawn_uniformly(shape):
    """The mean of each entry over draws is 0; of QR alone the diagonal's is negative."""
    rng = np.random.default_rng(0)
    mean = np.mean([semi_orthogonal(rng, *shape) for _ in range(2000)], axis=0)
    assert np.abs(mean).max() < 4.5 / np.sqrt(8 * 2000)


def test_sizes_follow_the_paper():
    """512-1024-1024-1024-512 for 512 dimensions: 64 bytes."""
    scheme = fitted(512)
    assert scheme._sizes == (512, 1024, 1024, 1024, 512)
    [template] = scheme.enroll(normal_faces(1, 512), keys=KEYS[:1], seeds=[0])
    assert len(template) == 64


def test_equal_keys_give_equal_templates_whatever_the_length_and_other_keys_others():
    scheme, x = fitted(), normal_faces(3, 64)
    one = scheme.enroll(x, keys=KEYS[:1] * 3, seeds=range(3))
    assert one == scheme.enroll(3 * x, keys=KEYS[:1] * 3, seeds=range(5, 8))
    np.testing.assert_array_equal(np.diag(scheme.score(one, x, keys=KEYS[:1] * 3)), 1)
    wrong = scheme.score(
        scheme.enroll(np.repeat(x[:1], 40, axis=0), keys=KEYS, seeds=range(40)), x[:1], keys=KEYS[::-1]
    )
    assert wrong.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("cosine", [0.0, 0.5, 0.9])
def test_equal_bits_follow_the_angle_law_of_relu_layers(cosine):
    """A wide ReLU layer turns the angle t into arccos((sin t + (pi - t) cos t) / pi) (Cho & Saul, NeurIPS 2009).

    After three of them a linear output's signs agree with probability 1 - t / pi.
    """
    x = normal_faces(1, 128)
    across = normal_faces(1, 128, seed=1)
    across = unit(across - (across @ x.T) * x)
    scheme = fitted(128, hidden=(512, 512, 512))
    templates = scheme.enroll(np.repeat(x, 30, axis=0), keys=KEYS[:30], seeds=range(30))
    probe = cosine * x + np.sqrt(1 - cosine**2) * across
    angle = np.arccos(cosine)
    for _ in range(3):
        angle = np.arccos((np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi)
    assert scheme.score(templates, probe, keys=KEYS[:30]).mean() == pytest.approx(1 - angle / np.pi, abs=0.03)


def test_a_stolen_key_decodes_the_face_through_the_layers():
    scheme, x = fitted(128), normal_faces(20, 128)
    templates = scheme.enroll(x, keys=KEYS[:20], seeds=range(20))
    decoded = scheme.reconstruct(templates, keys=KEYS[:20])
    assert (decoded * x).sum(axis=1).mean() == pytest.approx(0.4, abs=0.08)
    blind = scheme.reconstruct(templates, keys=KEYS[20:])
    assert abs((blind * x).sum(axis=1).mean()) < 0.08


def test_surrogate_agrees_with_the_score_and_has_a_gradient():
    scheme, x = fitted(), normal_faces(50, 64)
    keys = [KEYS[0], KEYS[1], KEYS[0]]
    templates = scheme.enroll(x[:3], keys=keys, seeds=range(3))
    probes = torch.tensor(x).expand(3, 50, 64).clone().requires_grad_()
    soft = scheme.surrogate(templates, keys=keys)(probes)
    hard = scheme.score(templates, x, keys=keys)
    assert all(np.corrcoef(a, b)[0, 1] > 0.6 for a, b in zip(soft.detach().numpy(), hard, strict=True))
    soft.sum().backward()
    assert probes.grad.abs().sum() > 0


def test_refusals():
    scheme, x = fitted(bits=13), normal_faces(1, 64)
    for garbage, message in [(b"", "0 bytes"), (b"abc", "3 bytes"), (b"a\xff", "padding")]:
        with pytest.raises(ValueError, match=message):
            scheme.score([garbage], x, keys=KEYS[:1])
    with pytest.raises(ValueError, match="keys"):
        scheme.enroll(x, keys=None, seeds=[0])
    with pytest.raises(ValueError, match="bits=0"):
        MLPHash(bits=0)
