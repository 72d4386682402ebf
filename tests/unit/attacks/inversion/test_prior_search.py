"""Searches of a prior stop where they are right, also for a scheme that cannot tell a face from its mirror image."""

import numpy as np
from mote_attacks.inversion import prior_search

from mote_bench.contracts import Evidence, Knowledge, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit
from populations import gaussian_faces

D = 16
FACES = gaussian_faces(400, 1, dimension=D)
TARGETS, SHADOW, PUBLIC = (FACES.rows(np.arange(*ends)) for ends in ((0, 30), (30, 130), (130, 400)))
MEAN = PUBLIC.embeddings.mean(axis=0)


class Mirrored:
    """Keeps the embedding; its score, from the mean face, is the same for a face and for its mirror image."""

    def fit(self, background, *, seed):
        return self

    def enroll(self, embeddings, *, keys, seeds):
        return [row.astype(np.float32).tobytes() for row in embeddings]

    def score(self, templates, probes, *, keys=None):
        stored = np.frombuffer(b"".join(templates), np.float32).reshape(len(templates), -1)
        return np.abs(unit(stored - MEAN) @ unit(probes - MEAN).T).astype(np.float32)


def evidence():
    scheme = Mirrored()
    stolen, own = (scheme.enroll(faces.embeddings, keys=None, seeds=range(len(faces))) for faces in (TARGETS, SHADOW))
    return Evidence(
        Knowledge.ALGORITHM,
        templates=tuple(stolen),
        scheme=scheme,
        public=PUBLIC,
        shadow=Shadow(SHADOW, tuple(own), None),
    )


def test_a_search_stops_at_the_best_round_up_to_the_mirror_image():
    found = prior_search.PriorSearch().answer(WhichFace(D), evidence(), np.random.default_rng(0))
    likeness = (unit(found - MEAN) * unit(TARGETS.embeddings - MEAN)).sum(axis=1)
    assert np.abs(likeness).mean() > 0.97
    assert likeness.min() < -0.9 < 0.9 < likeness.max()  # both happen


def test_the_round_is_chosen_by_likeness_to_the_face_or_its_mirror_image():
    own = np.eye(4)
    early = 0.2 * own + 0.1  # a little like each
    late = own * np.array([1, -1, 1, -1])  # the faces, and two mirror images: signed cosines cancel
    stolen = np.zeros((2, 4))
    rounds = [np.vstack([stolen, rows]) for rows in (early, late)]
    assert prior_search._best_round(rounds, own) is rounds[1]
    assert prior_search._best_round([rounds[0], np.zeros((6, 4))], own) is rounds[0]
