"""The two controls: the vector that hides nothing and the template that holds nothing."""

import numpy as np
import pytest
import torch
from mote_baselines.controls.noise import Noise
from mote_baselines.plain.cosine import Cosine

from populations import gaussian_faces

FACES = gaussian_faces(12, 2, dimension=16)


def test_cosine_by_hand():
    from mote_bench.contracts import Faces

    scheme = Cosine().fit(Faces(np.eye(2)), seed=0)
    templates = scheme.enroll(np.array([[3.0, 4.0]]), keys=None, seeds=[0])
    assert templates == [np.array([0.6, 0.8], dtype="<f4").tobytes()]
    np.testing.assert_allclose(
        scheme.score(templates, np.array([[1.0, 0], [0, 2], [-3, -4]]), keys=None), [[0.6, 0.8, -1]]
    )


def test_cosine_keeps_the_embedding():
    scheme = Cosine().fit(FACES, seed=0)
    templates = scheme.enroll(FACES.embeddings, keys=None, seeds=range(24))
    np.testing.assert_allclose(scheme.reconstruct(templates, keys=None), FACES.embeddings, atol=1e-6)


def test_surrogate_is_the_score_and_has_a_gradient():
    scheme = Cosine().fit(FACES, seed=0)
    templates = scheme.enroll(FACES.embeddings[:3], keys=None, seeds=range(3))
    probes = torch.tensor(FACES.embeddings[5:9]).expand(3, 4, 16).clone().requires_grad_()
    answers = scheme.surrogate(templates, keys=None)(probes)
    np.testing.assert_allclose(answers.detach(), scheme.score(templates, FACES.embeddings[5:9], keys=None), atol=1e-6)
    answers.sum().backward()
    assert probes.grad.abs().sum() > 0


def test_noise_depends_on_the_seed_and_never_on_the_face():
    scheme = Noise().fit(FACES, seed=0)
    one = scheme.enroll(FACES.embeddings[:5], keys=None, seeds=range(5))
    assert one == scheme.enroll(FACES.embeddings[5:10], keys=None, seeds=range(5))
    assert len(set(one)) == 5
    assert one != scheme.enroll(FACES.embeddings[:5], keys=None, seeds=range(5, 10))


@pytest.mark.parametrize("scheme", [Cosine(), Noise()])
@pytest.mark.parametrize("garbage", [b"", b"x" * 63, b"x" * 65, np.full(16, np.nan, "<f4").tobytes()])
def test_garbage_is_refused(scheme, garbage):
    with pytest.raises(ValueError, match="expected"):
        scheme.fit(FACES, seed=0).score([garbage], FACES.embeddings[:2], keys=None)
