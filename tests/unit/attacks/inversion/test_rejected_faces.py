"""Attacks by responses to public faces, where a yes-or-no scheme rejects every one of them."""

import numpy as np
import pytest
from mote_attacks.inversion.kernel_decoders import KernelDecoderOfResponses
from mote_attacks.inversion.net_decoders import NetDecoderOfResponses
from mote_attacks.inversion.prior_search import MeanOfTopPublicFaces
from mote_attacks.inversion.ridge import RidgeInversion

from mote_bench.contracts import Evidence, Knowledge, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit
from populations import gaussian_faces
from rejecting import RejectsAll

D = 16
FACES = gaussian_faces(400, 1, dimension=D)
TARGETS, SHADOW, PUBLIC = (FACES.rows(np.arange(*ends)) for ends in ((0, 30), (30, 130), (130, 400)))


def evidence_of(scheme):
    scheme.fit(PUBLIC, seed=0)
    templates, own = (
        scheme.enroll(faces.embeddings, keys=None, seeds=range(len(faces))) for faces in (TARGETS, SHADOW)
    )
    shadow = Shadow(SHADOW, tuple(own), None)
    return Evidence(Knowledge.ALGORITHM, templates=tuple(templates), scheme=scheme, public=PUBLIC, shadow=shadow)


@pytest.mark.parametrize(
    "attack", [RidgeInversion, KernelDecoderOfResponses, NetDecoderOfResponses, MeanOfTopPublicFaces]
)
def test_each_subject_gets_a_face_of_the_prior(attack):
    """One answer for all would be refused as an attack that did not move."""
    faces = attack().answer(WhichFace(D), evidence_of(RejectsAll()), np.random.default_rng(0))
    assert len(np.unique(faces, axis=0)) == len(TARGETS)
    np.testing.assert_allclose(np.linalg.norm(faces, axis=1), 1)
    mean = PUBLIC.embeddings.mean(axis=0)
    assert abs((unit(faces - mean) * unit(TARGETS.embeddings - mean)).sum(axis=1).mean()) < 0.2
