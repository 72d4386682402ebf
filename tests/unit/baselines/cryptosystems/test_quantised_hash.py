"""Quantise and hash: one feature by hand, what is forgiven, and what the helper data give away."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from mote_baselines.cryptosystems.quantised_hash import QuantisedHash

from mote_bench.contracts import Faces
from mote_bench.toolkit import stream, unit
from populations import gaussian_faces


def by_hand(values: list[float]) -> tuple[QuantisedHash, np.ndarray]:
    """Two features, the values themselves, and intervals of width 2: [0, 2) is 0, [2, 4) is 1, [-2, 0) is 1."""
    scheme = QuantisedHash(features=2, width=2.0).fit(Faces(np.eye(3)), seed=0)
    scheme._mean, scheme._axes = np.zeros(3), np.eye(3)[:, :2]
    return scheme, np.array([values])


def test_a_template_by_hand() -> None:
    """The middle of the nearest interval of 0 is 1 for the value 0.6; of 1, it is -1 for the value 0.8."""
    scheme, face = by_hand([0.6, 0.8, 0.0])
    seed = next(seed for seed in range(99) if stream(seed, "bits").integers(0, 2, 2).tolist() == [0, 1])
    [template] = scheme.enroll(face, keys=None, seeds=[seed])
    assert np.frombuffer(template[:4], "<i2").tolist() == [round(0.2 * 32767), round(-0.9 * 32767)]
    assert template[4:36] == hashlib.sha256(template[36:] + bytes([0b01000000])).digest()


def test_half_a_width_is_forgiven_in_every_feature() -> None:
    scheme, face = by_hand([0.6, 0.8, 0.0])
    templates = scheme.enroll(face, keys=None, seeds=[3])
    shown = face + np.array([[0, 0, 0], [0.9, -0.9, 5], [1.1, 0, 0], [0, -1.1, 0], [4, -4, 0]])
    assert scheme.score(templates, shown, keys=None).tolist() == [[1, 1, 0, 0, 1]]  # two intervals on, bits recur


def test_offsets_do_not_depend_on_the_bit_up_to_whole_widths() -> None:
    """Linnartz & Tuyls: the helper data hide the bits. They tell the feature all the same."""
    scheme, face = by_hand([0.6, -0.3, 0.0])
    templates = scheme.enroll(np.repeat(face, 20, axis=0), keys=None, seeds=range(20))
    offsets = np.array([one for one, _, _ in scheme._read(templates)])
    assert len({tuple(np.sign(row)) for row in offsets}) > 1
    np.testing.assert_allclose(np.mod(offsets, 2.0), np.tile([0.4, 1.3], (20, 1)), atol=1e-3)


@pytest.mark.parametrize(("width", "opened"), [(4.0, True), (0.5, False)])
def test_wide_intervals_give_the_features_away(width: float, opened: bool) -> None:
    faces = gaussian_faces(300, 1, dimension=32)
    attacked, public = faces.rows(np.arange(8)), faces.rows(np.arange(8, 300))
    scheme = QuantisedHash(features=12, width=width).fit(public, seed=0)
    templates = scheme.enroll(attacked.embeddings, keys=None, seeds=range(8))
    found = scheme.solve(templates, keys=None, prior=public.embeddings, rng=np.random.default_rng(0))
    released = np.diag(scheme.score(templates, found, keys=None))
    assert bool(released.mean() > 0.9) is opened
    again = scheme.enroll(attacked.embeddings, keys=None, seeds=range(50, 58))
    similar = scheme.link(templates, again)
    assert (similar.argmax(axis=1) == np.arange(8)).all()  # what an offset leaves open is the same for one photo


def test_uncertain_bits_are_tried_until_the_hash_confirms_them() -> None:
    """The value 0.55 of a width is likelier to be -0.45 of it, with the other bit."""
    scheme, face = by_hand([1.1, 0.0, 0.0])
    for offsets, digest, salt in scheme._read(scheme.enroll(np.repeat(face, 4, axis=0), keys=None, seeds=range(4))):
        np.testing.assert_allclose(scheme._opened(offsets, digest, salt), [1.1, 0.0], atol=1e-3)
        np.testing.assert_allclose(scheme._opened(offsets, bytes(32), salt), [-0.9, 0.0], atol=1e-3)


def test_an_accepted_probe_gives_every_feature() -> None:
    faces = gaussian_faces(60, 2, dimension=32, spread=0.1)
    scheme = QuantisedHash(features=10).fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[1, 2])
    own, none = scheme.unlock(templates, faces.embeddings[[1, 90]], keys=None)
    assert none is None
    assert own is not None
    np.testing.assert_allclose(own.values, own.matrix @ faces.embeddings[0], atol=1e-3)


def test_more_features_than_axes_are_cut() -> None:
    faces = Faces(unit(np.random.default_rng(0).standard_normal((50, 6))))
    scheme = QuantisedHash(features=99).fit(faces, seed=0)
    assert scheme._values(faces.embeddings).shape == (50, 6)
    np.testing.assert_allclose(scheme._values(faces.embeddings).std(axis=0, ddof=1), 1, rtol=1e-4)
    assert len(scheme.enroll(faces.embeddings[:1], keys=None, seeds=[0])[0]) == 2 * 6 + 48


def test_wrong_parameters_and_templates_are_refused() -> None:
    for features, width in ((0, 1.0), (20, 0.0), (20, np.inf)):
        with pytest.raises(ValueError, match=f"features={features}, width={width}; expected"):
            QuantisedHash(features=features, width=width)
    scheme, face = by_hand([0.6, 0.8, 0.0])
    with pytest.raises(ValueError, match="template 0 has 3 bytes; expected 52"):
        scheme.score([b"abc"], face, keys=None)
    with pytest.raises(ValueError, match="an offset of more than a width"):
        scheme.score([np.array([-32768, 0], "<i2").tobytes() + bytes(48)], face, keys=None)
