"""SlerpFace: great circles by hand, the law of angles, dropout, and what a stolen key leaves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_baselines.cancelable.slerpface import SlerpFace, slerp

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from mote_bench.toolkit import draw_keys, unit

KEYS = draw_keys(60, np.random.default_rng(0))


def normal_faces(n, d, seed=0):
    return unit(np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def fitted(d=64, **arguments):
    return SlerpFace(centre=False, **arguments).fit(Faces(normal_faces(2, d)), seed=0)


def test_keeps_the_contract():
    assert [finding for finding in check_scheme(SlerpFace) if not finding.ok] == []


def test_slerp_by_hand():
    """From (1, 0) to (0, 1): a third of the way stands at 30 degrees, half of it at 45; the ends are the ends."""
    x, k = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    np.testing.assert_allclose(slerp(x, k, 1 / 3), [np.sqrt(3) / 2, 0.5])
    np.testing.assert_allclose(slerp(x, k, 0.5), [np.sqrt(0.5), np.sqrt(0.5)])
    np.testing.assert_allclose(slerp(x, k, 0), x)
    np.testing.assert_allclose(slerp(x, k, 1), k, atol=1e-12)
    np.testing.assert_array_equal(slerp(x, x, 0.9), x)
    np.testing.assert_array_equal(slerp(x, -x, 0.9), x)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 20), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_law_of_angles(dimension, alpha, seed):
    """What stands alpha of the way has length one, alpha of the angle to the start and the rest to the end."""
    x, k = unit(np.random.default_rng(seed).standard_normal((2, dimension)))
    p, angle = slerp(x, k, alpha), np.arccos(x @ k)
    if np.sin(angle) > 1e-3:
        assert np.linalg.norm(p) == pytest.approx(1, abs=1e-6)
        assert np.arccos(np.clip(p @ x, -1, 1)) == pytest.approx(alpha * angle, abs=1e-5)
        assert np.arccos(np.clip(p @ k, -1, 1)) == pytest.approx((1 - alpha) * angle, abs=1e-5)


def test_a_template_by_hand():
    """Groups of two, nothing dropped: all bits of the mask are set, then the turned groups in half precision."""
    scheme, x = fitted(4, group_size=2, drop_rate=0), normal_faces(1, 4)
    [(noise, _)] = scheme._noises(KEYS[:1], 1)
    turned = slerp(unit(x.reshape(2, 2)), noise, 0.9)
    [template] = scheme.enroll(x, keys=KEYS[:1], seeds=[0])
    assert template == b"\xf0" + unit(turned).astype("<f2").tobytes()


def test_half_of_each_group_is_dropped_anew_at_each_enrolment():
    """8 of 16 are kept everywhere; of a last group of 8, 4 are: 40 coordinates take 5 bytes and 20 halves."""
    scheme, x = fitted(40), normal_faces(5, 40)
    templates = scheme.enroll(np.repeat(x[:1], 5, axis=0), keys=KEYS[:1] * 5, seeds=range(5))
    assert {len(template) for template in templates} == {5 + 40}
    _, masks = scheme._read(templates)
    np.testing.assert_array_equal(masks.sum(axis=2), [[8, 8, 4]] * 5)
    assert len({mask.tobytes() for mask in masks}) == 5
    assert templates == scheme.enroll(np.repeat(x[:1], 5, axis=0), keys=KEYS[:1] * 5, seeds=range(5))
    np.testing.assert_allclose(scheme.score(templates, x[:1], keys=KEYS[:1] * 5), 1, atol=1e-3)


def test_subjects_are_enrolled_together_as_they_are_one_by_one():
    """Under shared keys and one of its own; 33 coordinates leave a short group."""
    scheme, faces = fitted(33, group_size=7), normal_faces(6, 33)
    keys = [KEYS[0], KEYS[1], KEYS[0], KEYS[2], KEYS[1], KEYS[0]]
    one_by_one = [scheme.enroll(faces[i : i + 1], keys=keys[i : i + 1], seeds=[i])[0] for i in range(6)]
    assert scheme.enroll(faces, keys=keys, seeds=range(6)) == one_by_one
    assert scheme.enroll(faces[:0], keys=[], seeds=[]) == []


def test_scores_are_mean_cosines_of_the_kept_coordinates():
    scheme, x = fitted(40), normal_faces(6, 40)
    templates = scheme.enroll(x[:3], keys=[KEYS[0], KEYS[1], KEYS[0]], seeds=range(3))
    stored, masks = scheme._read(templates)
    plain = np.empty((3, 6))
    for row, key in enumerate([KEYS[0], KEYS[1], KEYS[0]]):
        [(noise, _)] = scheme._noises([key], 1)
        for column, groups in enumerate(scheme._grouped(x)):
            turned = unit(slerp(groups, noise, 0.9) * masks[row])
            plain[row, column] = (turned * stored[row]).sum(axis=1).mean()
    np.testing.assert_allclose(scheme.score(templates, x, keys=[KEYS[0], KEYS[1], KEYS[0]]), plain, atol=1e-5)


def test_templates_are_almost_their_key():
    """At alpha = 0.9 a group is a tenth of the angle from its key, 9 degrees if they stood at right angles."""
    scheme, x = fitted(512, drop_rate=0), normal_faces(10, 512)
    stored, _ = scheme._read(scheme.enroll(x, keys=KEYS[:1] * 10, seeds=range(10)))
    [(noise, _)] = scheme._noises(KEYS[:1], 1)
    assert np.degrees(np.arccos(np.clip((stored * noise).sum(axis=2), -1, 1))).mean() == pytest.approx(9, abs=0.5)
    right = scheme.score(scheme.enroll(x, keys=KEYS[:10], seeds=range(10)), x, keys=KEYS[:10])
    wrong = scheme.score(scheme.enroll(x, keys=KEYS[:10], seeds=range(10)), x, keys=KEYS[10:20])
    assert abs(wrong.mean()) < 0.1
    assert right[~np.eye(10, dtype=bool)].mean() > 0.9


@pytest.mark.parametrize(("drop_rate", "cosine"), [(0.0, 0.94), (0.5, 0.64)])
def test_a_stolen_key_leaves_the_kept_coordinates(drop_rate, cosine):
    """Of 16 coordinates 8 are kept and one direction, the key's, is lost: sqrt(7 / 16) = 0.66; without dropout 0.97.

    Groups are stored at length one whatever they were, which costs two or three hundredths more.
    """
    scheme, x = fitted(512, drop_rate=drop_rate), normal_faces(20, 512)
    templates = scheme.enroll(x, keys=KEYS[:20], seeds=range(20))
    decoded = scheme.reconstruct(templates, keys=KEYS[:20])
    assert (decoded * x).sum(axis=1).mean() == pytest.approx(cosine, abs=0.03)


def test_surrogate_is_the_score_and_has_a_gradient():
    scheme, x = fitted(40), normal_faces(30, 40)
    templates = scheme.enroll(x[:3], keys=KEYS[:3], seeds=range(3))
    probes = torch.tensor(x).expand(3, 30, 40).clone().requires_grad_()
    soft = scheme.surrogate(templates, keys=KEYS[:3])(probes)
    np.testing.assert_allclose(soft.detach().numpy(), scheme.score(templates, x, keys=KEYS[:3]), atol=1e-4)
    soft.sum().backward()
    assert probes.grad.abs().sum() > 0


def test_refusals():
    scheme, x = fitted(), normal_faces(1, 64)
    [template] = scheme.enroll(x, keys=KEYS[:1], seeds=[0])
    spoilt = {
        "0 bytes": b"",
        "kept": b"\xff" * 8 + template[8:],
        "length one": template[:8] + np.full(32, np.nan, "<f2").tobytes(),
        "unit vectors": template[:8] + np.full(32, 2, "<f2").tobytes(),
    }
    for message, garbage in spoilt.items():
        with pytest.raises(ValueError, match=message):
            scheme.score([garbage], x, keys=KEYS[:1])
    with pytest.raises(ValueError, match="keys"):
        scheme.score([template], x, keys=None)
    with pytest.raises(ValueError, match="alpha=1"):
        SlerpFace(alpha=1)
