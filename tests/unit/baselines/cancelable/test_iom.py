"""Index-of-Max hashing: codes by hand, the collision law of Jin et al. (2018), and the decode of a stolen key."""

import numpy as np
import pytest
import torch
from mote_baselines._shared.centring import directions
from mote_baselines.cancelable.iom import GaussianIoM, PermutationIoM

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from mote_bench.toolkit import draw_keys, unit

KEYS = draw_keys(100, np.random.default_rng(0))


def normal_faces(n, d, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def fitted(scheme, d=64):
    return scheme.fit(Faces(normal_faces(50, d, seed=9)), seed=0)


@pytest.mark.parametrize("scheme", [GaussianIoM, PermutationIoM])
def test_keeps_the_contract(scheme):
    assert [finding for finding in check_scheme(scheme) if not finding.ok] == []


def test_gaussian_codes_by_hand():
    """x = (0.6, 0.8): the first group's products are 0.6, 0.8, -1; the second's 1.4, 1.0, 0: codes 1 and 0."""
    scheme = fitted(GaussianIoM(groups=2, vectors=3, centre=False), 2)
    gaussian = np.array([[1, 0], [0, 1], [-1, -0.5], [1, 1], [-1, 2], [0, 0]], dtype=np.float32)
    codes = scheme._codes(np.array([[0.6, 0.8]], dtype=np.float32), gaussian)
    np.testing.assert_array_equal(codes, [[1, 0]])


def test_permutation_codes_by_hand():
    """x = (1, 2, 3, 4); window 2: products x4 x2 = 8, x1 x3 = 3: code 0; x1 x1 = 1, x3 x4 = 12: code 1."""
    scheme = fitted(PermutationIoM(hashes=2, window=2, centre=False), 4)
    places = np.array([[[3, 0], [0, 2]], [[1, 2], [0, 3]]])
    codes = scheme._codes(np.array([[1, 2, 3, 4]], dtype=np.float32), places)
    np.testing.assert_array_equal(codes, [[0, 1]])
    np.testing.assert_array_equal(scheme._codes(np.array([[-1, -2, -3, -4]], dtype=np.float32), places), [[0, 1]])


def test_codes_are_packed_and_named_by_the_key():
    """The template says which row of the key's matrix has the largest product, in four bits a group."""
    scheme, x = fitted(GaussianIoM(groups=5, centre=False)), normal_faces(1, 64)
    [template] = scheme.enroll(x, keys=KEYS[:1], seeds=[0])
    [(gaussian, _)] = scheme._gaussians(KEYS[:1], 1)
    codes = [int(np.argmax(gaussian[16 * i : 16 * i + 16] @ x[0])) for i in range(5)]
    assert template == bytes([codes[0] << 4 | codes[1], codes[2] << 4 | codes[3], codes[4] << 4])
    assert len(fitted(GaussianIoM()).enroll(x, keys=KEYS[:1], seeds=[0])[0]) == 150
    assert len(fitted(PermutationIoM()).enroll(x, keys=KEYS[:1], seeds=[0])[0]) == 600 * 4 // 8


@pytest.mark.parametrize("scheme", [GaussianIoM(), PermutationIoM(), PermutationIoM(permutations=1)])
@pytest.mark.parametrize("shared", [False, True])
def test_scores_are_shares_of_equal_codes(scheme, shared):
    """Whichever way is quicker, equal and opposite faces, entries that tie and faces that are no numbers included."""
    scheme, x = fitted(scheme), normal_faces(40, 64)
    few = np.sign(x[:3])  # entries of two values only: most of the largest products are shared
    probes = np.concatenate([x, -x, few, x * [[1], *[[0]] * 39]])
    keys = KEYS[:1] * 40 if shared else KEYS[:40]
    templates = scheme.enroll(np.concatenate([few, x[3:]]), keys=keys, seeds=range(40))
    codes = scheme._read(templates)
    expand, faces = getattr(scheme, "_gaussians", None) or scheme._places, directions(probes, scheme._origin)
    for shown in (faces, np.where(np.arange(len(faces))[:, None] == 1, np.nan, faces)):
        plain = np.empty((40, len(shown)))
        for secret, rows in expand(keys, 40):
            plain[rows] = (scheme._codes(shown, secret) == codes[rows, None]).mean(axis=2)
        asked = probes if shown is faces else np.where(np.arange(len(probes))[:, None] == 1, np.nan, probes)
        np.testing.assert_allclose(scheme.score(templates, asked, keys=keys), plain, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mixture", [0.0, 0.4, 0.8])
def test_two_vectors_collide_as_often_as_their_angle_says(mixture):
    """With q = 2 a code is the sign of <w_1 - w_2, x>: two faces share it with probability 1 - angle / pi."""
    scheme = fitted(GaussianIoM(vectors=2, centre=False))
    x, y = normal_faces(1, 64), normal_faces(1, 64, seed=1)
    probe = unit(mixture * x + (1 - mixture) * y)
    templates = scheme.enroll(np.repeat(x, 100, axis=0), keys=KEYS, seeds=range(100))
    share = scheme.score(templates, probe, keys=KEYS).mean()
    assert share == pytest.approx(1 - np.arccos((x @ probe.T).item()) / np.pi, abs=0.015)


def test_unrelated_faces_and_wrong_keys_collide_by_chance():
    """One of q codes is equal by chance, here 1 / 16; a nearer probe shares more codes."""
    scheme, x = fitted(GaussianIoM(centre=False)), normal_faces(50, 64)
    templates = scheme.enroll(x, keys=KEYS[:50], seeds=range(50))
    assert np.diag(scheme.score(templates, x, keys=KEYS[50:])).mean() == pytest.approx(1 / 16, abs=0.01)
    across = unit(x[1] - (x[1] @ x[0]) * x[0])
    probes = np.stack([c * x[0] + np.sqrt(1 - c**2) * across for c in (0.0, 0.3, 0.6, 0.9, 1.0)])
    shares = scheme.score(templates[:1] * 50, probes, keys=KEYS[:1] * 50)[0]
    assert shares[0] == pytest.approx(1 / 16, abs=0.05)
    assert (np.diff(shares) > 0).all()
    assert shares[-1] == 1


@pytest.mark.parametrize(("groups", "vectors"), [(300, 16), (128, 32), (300, 2)])
def test_a_stolen_key_decodes_to_the_known_cosine(groups, vectors):
    """e m / sqrt((e m)^2 + m (d - 1)), with e the mean of the largest of q normal numbers; 0.81 for 300 x 16."""
    scheme, x = fitted(GaussianIoM(groups=groups, vectors=vectors, centre=False), 512), normal_faces(10, 512)
    templates = scheme.enroll(x, keys=KEYS[:10], seeds=range(10))
    cosine = (scheme.reconstruct(templates, keys=KEYS[:10]) * x).sum(axis=1).mean()
    e = np.random.default_rng(0).standard_normal((20000, vectors)).max(axis=1).mean()
    assert cosine == pytest.approx(e * groups / np.sqrt((e * groups) ** 2 + groups * 511), abs=0.03)
    if (groups, vectors) == (300, 16):
        assert cosine == pytest.approx(0.81, abs=0.03)


def test_pairs_of_entries_tell_a_face_and_its_opposite_apart_from_others_only():
    """For even p a face and its opposite have equal codes, and the decode is right up to the sign."""
    scheme, x = fitted(PermutationIoM(centre=False)), normal_faces(20, 64)
    templates = scheme.enroll(x, keys=KEYS[:20], seeds=range(20))
    assert templates == scheme.enroll(-x, keys=KEYS[:20], seeds=range(20))
    cosine = (scheme.reconstruct(templates, keys=KEYS[:20]) * x).sum(axis=1)
    assert np.abs(cosine).mean() > 0.7


def test_a_single_permutation_decodes_by_counting():
    scheme, x = fitted(PermutationIoM(permutations=1, centre=False)), normal_faces(10, 64)
    templates = scheme.enroll(x, keys=KEYS[:10], seeds=range(10))
    assert (scheme.reconstruct(templates, keys=KEYS[:10]) * x).sum(axis=1).mean() > 0.5


def test_centring_helps_where_faces_stand_in_a_cone():
    """Two subjects with a cosine of 0.8 share most codes from the origin, and 1 in 16 from the mean face."""
    x = unit(normal_faces(60, 64) + 2 * normal_faces(1, 64, seed=5))
    shares = []
    for centre in (False, True):
        scheme = GaussianIoM(centre=centre).fit(Faces(x[20:]), seed=0)
        scores = scheme.score(scheme.enroll(x[:20], keys=KEYS[:20], seeds=range(20)), x[:20], keys=KEYS[:20])
        shares.append(scores[~np.eye(20, dtype=bool)].mean())
    assert shares[0] > 0.3
    assert shares[1] < 0.1


@pytest.mark.parametrize("scheme", [GaussianIoM(), PermutationIoM()])
def test_surrogate_agrees_with_the_score_and_has_a_gradient(scheme):
    x = normal_faces(40, 64)
    templates = fitted(scheme).enroll(x[:3], keys=KEYS[:3], seeds=range(3))
    probes = torch.tensor(x).expand(3, 40, 64).clone().requires_grad_()
    soft = scheme.surrogate(templates, keys=KEYS[:3])(probes)
    hard = scheme.score(templates, x, keys=KEYS[:3])
    assert all(np.corrcoef(a, b)[0, 1] > 0.6 for a, b in zip(soft.detach().numpy(), hard, strict=True))
    soft.sum().backward()
    assert probes.grad.abs().sum() > 0


def test_refusals():
    scheme, x = fitted(GaussianIoM(groups=3, vectors=5)), normal_faces(2, 64)
    for garbage, message in [(b"", "0 bytes"), (b"a", "1 bytes"), (b"\x00\x01", "padding"), (b"\xe0\x00", "code 7")]:
        with pytest.raises(ValueError, match=message):
            scheme.score([garbage], x, keys=KEYS[:1])
    with pytest.raises(ValueError, match="keys"):
        scheme.score(scheme.enroll(x, keys=KEYS[:2], seeds=range(2)), x, keys=None)
    with pytest.raises(ValueError, match="vectors=1"):
        GaussianIoM(vectors=1)
    with pytest.raises(ValueError, match="permutations=0"):
        PermutationIoM(permutations=0)
    with pytest.raises(ValueError, match="window=65"):
        fitted(PermutationIoM(window=65))
