"""Random projection keeps angles, Rand-Hash their signs; and both decode under a stolen key."""

import numpy as np
import pytest
import torch
from mote_baselines.cancelable.randhash import RandHash, RandomProjection, _signs, _solved

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from mote_bench.toolkit import draw_keys, unit

KEYS = draw_keys(100, np.random.default_rng(0))


def normal_faces(n, d, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def fitted(scheme, d=64):
    return scheme.fit(Faces(normal_faces(2, d)), seed=0)


@pytest.mark.parametrize("scheme", [RandomProjection, RandHash])
def test_keeps_the_contract(scheme):
    assert [finding for finding in check_scheme(scheme) if not finding.ok] == []


def test_projection_and_its_pseudo_inverse_by_hand():
    """R = (3 4) takes (0.6, 0.8) to 5 and (0.8, -0.6) to 0; R^+ = (3 4)^T / 25 takes 5 back to (0.6, 0.8)."""
    matrix = np.array([[3.0, 4.0]])
    projected = np.array([[0.6, 0.8], [0.8, -0.6]]) @ matrix.T
    np.testing.assert_allclose(projected, [[5], [0]], atol=1e-12)
    np.testing.assert_array_equal(_signs(projected + np.array([[0], [-1]])), [[1], [0]])
    np.testing.assert_allclose(_solved(matrix, projected), [[0.6, 0.8], [0, 0]], atol=1e-12)


def test_a_template_is_the_projection_in_half_precision():
    scheme, x = fitted(RandomProjection(dimension=5, centre=False)), normal_faces(1, 64)
    [template] = scheme.enroll(x, keys=KEYS[:1], seeds=[0])
    [(matrix, _)] = scheme._matrices(KEYS[:1], 1)
    assert matrix.shape == (5, 64)
    assert template == (x @ matrix.T).astype("<f2").tobytes()


@pytest.mark.parametrize("scheme", [RandomProjection(), RandHash()])
def test_equal_keys_give_equal_templates_and_other_keys_others(scheme):
    x = normal_faces(3, 64)
    one = fitted(scheme).enroll(x, keys=KEYS[:1] * 3, seeds=range(3))
    assert one == scheme.enroll(x, keys=KEYS[:1] * 3, seeds=range(7, 10))
    assert one[1:] != scheme.enroll(x[1:], keys=KEYS[1:3], seeds=range(2))
    np.testing.assert_allclose(np.diag(scheme.score(one, x, keys=KEYS[:1] * 3)), 1, atol=1e-3)


def test_projections_keep_cosines():
    """Johnson-Lindenstrauss: cosines of m = 128 projections err by about 1 / sqrt(128) = 0.09, of a rotation not."""
    x = normal_faces(30, 256)
    for arguments, typical in [({}, 0.09), ({"dimension": 256, "orthonormal": True}, 1e-3)]:
        scheme = fitted(RandomProjection(centre=False, **arguments), 256)
        scores = scheme.score(scheme.enroll(x, keys=KEYS[:30], seeds=range(30)), x, keys=KEYS[:30])
        errors = scores - x @ x.T
        assert np.sqrt(np.mean(errors**2)) < typical
        assert np.abs(errors).max() < 5 * typical


def test_orthonormal_rows_are_drawn_uniformly():
    """The mean of each entry over keys is 0; of QR alone the diagonal's is negative."""
    scheme, keys = fitted(RandomProjection(dimension=4, orthonormal=True), 8), draw_keys(2000, np.random.default_rng(1))
    mean = np.mean([matrix for matrix, _ in scheme._matrices(keys, len(keys))], axis=0)
    assert np.abs(mean).max() < 4.5 / np.sqrt(8 * len(keys))


@pytest.mark.parametrize("mixture", [0.0, 0.5, 0.9])
def test_signs_differ_as_often_as_the_angle_says(mixture):
    scheme = fitted(RandHash(bits=200, centre=False))
    x, y = normal_faces(1, 64), normal_faces(1, 64, seed=1)
    probe = unit(mixture * x + (1 - mixture) * y)
    templates = scheme.enroll(np.repeat(x, 100, axis=0), keys=KEYS, seeds=range(100))
    distance = 1 - scheme.score(templates, probe, keys=KEYS).mean()
    assert distance == pytest.approx(np.arccos((x @ probe.T).item()) / np.pi, abs=0.02)


@pytest.mark.parametrize("dimension", [32, 64, 128])
def test_a_stolen_key_decodes_a_projection_to_its_shadow(dimension):
    """The shadow of a face on m of d directions has a cosine of sqrt(m / d) to it."""
    scheme, x = fitted(RandomProjection(dimension=dimension, centre=False), 128), normal_faces(20, 128)
    templates = scheme.enroll(x, keys=KEYS[:20], seeds=range(20))
    cosine = (scheme.reconstruct(templates, keys=KEYS[:20]) * x).sum(axis=1)
    assert cosine.mean() == pytest.approx(np.sqrt(dimension / 128), abs=0.04)


@pytest.mark.parametrize("bits", [128, 512])
def test_a_stolen_key_decodes_signs(bits):
    """The sum of m vectors, each on the face's side: e m / sqrt((e m)^2 + m (d - 1)) with e = sqrt(2 / pi)."""
    scheme, x = fitted(RandHash(bits=bits, centre=False), 128), normal_faces(20, 128)
    templates = scheme.enroll(x, keys=KEYS[:20], seeds=range(20))
    cosine = (scheme.reconstruct(templates, keys=KEYS[:20]) * x).sum(axis=1)
    along = np.sqrt(2 / np.pi) * bits
    assert cosine.mean() == pytest.approx(along / np.sqrt(along**2 + bits * 127), abs=0.03)


@pytest.mark.parametrize("scheme", [RandomProjection(), RandHash()])
def test_surrogate_agrees_with_the_score_and_has_a_gradient(scheme):
    x = normal_faces(50, 64)
    templates = fitted(scheme).enroll(x[:3], keys=KEYS[:3], seeds=range(3))
    probes = torch.tensor(x).expand(3, 50, 64).clone().requires_grad_()
    soft = scheme.surrogate(templates, keys=KEYS[:3])(probes)
    hard = scheme.score(templates, x, keys=KEYS[:3])
    assert all(np.corrcoef(a, b)[0, 1] > 0.6 for a, b in zip(soft.detach().numpy(), hard, strict=True))
    soft.sum().backward()
    assert probes.grad.abs().sum() > 0


def test_refusals():
    x, nan = normal_faces(1, 64), np.full(32, np.nan, "<f2").tobytes()
    for scheme, garbage, message in [
        (RandomProjection(), b"abc", "3 bytes"),
        (RandomProjection(), nan, "not finite"),
        (RandHash(bits=13), b"", "0 bytes"),
        (RandHash(bits=13), b"a\xff", "padding"),
    ]:
        with pytest.raises(ValueError, match=message):
            fitted(scheme).score([garbage], x, keys=KEYS[:1])
        with pytest.raises(ValueError, match="keys"):
            scheme.enroll(x, keys=None, seeds=[0])
    with pytest.raises(ValueError, match="dimension=65"):
        fitted(RandomProjection(dimension=65))
    with pytest.raises(ValueError, match="bits=0"):
        RandHash(bits=0)
