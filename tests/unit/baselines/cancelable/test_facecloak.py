"""FaceCloak: a net and its loss by hand, the disruptors, renewal, and how far a template points to its face."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mote_baselines.cancelable.facecloak import FaceCloak

from mote_bench.contracts import Faces
from mote_bench.testing import check_scheme
from mote_bench.toolkit import unit
from populations import gaussian_faces

FACES = gaussian_faces(60, 2, dimension=48)


@pytest.fixture(scope="module")
def scheme() -> FaceCloak:
    return FaceCloak().fit(FACES.rows(np.arange(40, 120)), seed=0)


def test_keeps_the_contract() -> None:
    assert [finding for finding in check_scheme(FaceCloak) if not finding.ok] == []


def test_a_hash_by_hand() -> None:
    """Times the root of 2, (0.6, 0.8) -> (0.6, 0.2, -1.4) -> ReLU (0.6, 0.2, 0) -> (0.4, -0.2): bits 1 and -1."""
    scheme = FaceCloak(bits=2, hidden=3, centre=False).fit(
        Faces(np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])), seed=0
    )
    below, above = [[1, -1, -1], [0, 1, -1]], [[1, 1], [-1, -4], [9, 9]]
    for signs, share in [((1, -1), 1), ((1, 1), 0.5), ((-1, 1), 0)]:
        parts = [signs, *below, [0, 0, 0], *above, [0, 0]]
        template = np.concatenate(parts).astype("<f4").tobytes()
        assert scheme.score([template], np.array([[0.6, 0.8]]), keys=None).tolist() == [[share]]


def test_the_loss_by_hand() -> None:
    """Cosines 0 of the positive, 1 of the negative disruptor: 2. Then 0.5 / 6 and 1.25 / 3 of the outputs."""
    loss = FaceCloak(binarisation=10, diversity=100)._loss(torch.tensor([[1.0, 1], [1, -1], [0.5, 0.5]]))
    assert float(loss) == pytest.approx(2 + 10 * 0.5 / 6 + 100 * 1.25 / 3)


def test_disruptors_are_as_like_the_face_as_the_paper_makes_them(scheme: FaceCloak) -> None:
    """Noise of 0.2 leaves a cosine of 1 / sqrt(1.04), a mask of 0.2 one of sqrt(0.8); Gram-Schmidt leaves none."""
    face = unit(np.random.default_rng(0).standard_normal(48)).astype(np.float32)
    made = FaceCloak(disruptors=400)
    made._mean, made._root = scheme._mean, scheme._root
    noisy, masked, orthogonal, synthetic = np.split(made._disruptors(face, np.random.default_rng(1)) @ face, 4)
    assert noisy.mean() == pytest.approx(1.04**-0.5, abs=0.005)
    assert masked.mean() == pytest.approx(0.8**0.5, abs=0.01)
    np.testing.assert_allclose(orthogonal, 0, atol=1e-6)
    assert abs(synthetic.mean()) < 0.05


def test_a_template_is_renewed_by_another_seed(scheme: FaceCloak) -> None:
    """Renewability: hashes of one face by two nets agree by chance only, and both accept it."""
    face = FACES.embeddings[:1]
    templates = scheme.enroll(np.repeat(face, 20, axis=0), keys=None, seeds=range(20))
    signs = scheme._cloaks(templates).signs
    equal = (signs[:, None] == signs).mean(axis=2)[~np.eye(20, dtype=bool)]
    assert equal.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(scheme.score(templates, face, keys=None), 1)


def test_outputs_are_nearly_binary_and_balanced(scheme: FaceCloak) -> None:
    templates = scheme.enroll(FACES.embeddings[:20], keys=None, seeds=range(20))
    shown = torch.from_numpy(FACES.embeddings[:20, None].copy())
    assert (scheme.surrogate(templates, keys=None)(shown) > 1).all()  # of outputs above 1, tanh is above 0.76
    assert scheme._cloaks(templates).signs.mean() == pytest.approx(0, abs=0.1)


def test_a_net_of_512_dimensions_takes_what_the_paper_says() -> None:
    """0.57 MB, and 64 signs beside."""
    faces = gaussian_faces(20, 1, dimension=512)
    [template] = FaceCloak(steps=1).fit(faces, seed=0).enroll(faces.embeddings[:1], keys=None, seeds=[0])
    assert len(template) == 4 * 64 + 4 * (513 * 256 + 257 * 64)
    assert len(template) / 2**20 == pytest.approx(0.57, abs=0.01)


def test_a_stolen_template_points_to_its_face(scheme: FaceCloak) -> None:
    """As far as synthetic subjects say: the likelihood's gain and noise are those of enrolled faces too."""
    own = FACES.embeddings[:20]
    templates = scheme.enroll(own, keys=None, seeds=range(20))
    seen = unit(own - scheme._origin)
    found = unit(scheme.reconstruct(templates, keys=None) - scheme._origin)
    assert (found * seen).sum(axis=1).mean() > 0.6
    said = list(scheme.likelihood(templates, keys=None))
    missed = [(one.values - one.matrix @ face) / one.spread for one, face in zip(said, own, strict=True)]
    assert np.sqrt(np.mean(np.square(missed))) == pytest.approx(1, abs=0.2)
    [table] = scheme.readings(templates)
    np.testing.assert_allclose(unit(table), found, atol=1e-3)


def test_refusals(scheme: FaceCloak) -> None:
    [sound] = scheme.enroll(FACES.embeddings[:1], keys=None, seeds=[0])
    for broken, message in [(sound[:-4], "bytes"), (b"\0\0\0\0" + sound[4:], "template 1 has a hash of other values")]:
        with pytest.raises(ValueError, match=message):
            scheme.score([sound, broken], FACES.embeddings[:1], keys=None)
    with pytest.raises(ValueError, match="bits=0"):
        FaceCloak(bits=0)
    with pytest.raises(ValueError, match="masked=1"):
        FaceCloak(masked=1)
