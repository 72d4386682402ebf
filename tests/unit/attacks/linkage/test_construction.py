"""Linking by the construction: two commitments to one face are decoded together, whatever their keys."""

import numpy as np
from mote_attacks.linkage.construction import LinkByConstruction
from mote_baselines.cryptosystems.fuzzy_commitment import FuzzyCommitment

from mote_bench.contracts import Evidence, Knowledge
from mote_bench.questions import SamePerson
from populations import gaussian_faces


def test_commitments_of_one_face_are_linked_without_their_keys():
    faces = gaussian_faces(60, 1, dimension=48)
    scheme = FuzzyCommitment(length=63, errors=10, repeat=1).fit(faces, seed=0)
    stolen, others = (
        tuple(scheme.enroll(faces.embeddings[:20], keys=None, seeds=range(first, first + 20))) for first in (0, 20)
    )
    evidence = Evidence(Knowledge.ALGORITHM, stolen, others, scheme=scheme)
    similar = LinkByConstruction().answer(SamePerson(), evidence, np.random.default_rng(0))
    own = np.eye(20, dtype=bool)
    assert similar[own].min() > 1
    assert (similar[~own] > 1).mean() < 0.05
