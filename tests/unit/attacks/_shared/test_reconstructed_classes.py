"""Reconstructions are classified by public faces and shadow subjects together."""

from __future__ import annotations

import numpy as np
from mote_attacks._shared.reconstructed_classes import classified, labelled_public
from mote_attacks._shared.ridge_inversion import Inversions

from mote_bench.contracts import Faces
from mote_bench.questions import WhichClass
from mote_bench.toolkit import unit

GENDER = WhichClass("gender", ("female", "male"))
MEAN = 0.5 * np.eye(6)[0]


def halves(n: int, seed: int, *, unknown: int = 0) -> Faces:
    """The sign of the second coordinate is the class, which isn't known of the first ``unknown`` faces."""
    rows = unit(MEAN + unit(np.random.default_rng(seed).standard_normal((n, 6))))
    gender = np.where(rows[:, 1] > 0, "male", "female")
    gender[:unknown] = ""
    return Faces(rows.astype(np.float32), attributes={"gender": gender})


def seen(faces: Faces) -> np.ndarray:
    return unit(faces.embeddings - MEAN)


def test_both_kinds_of_faces_are_learned_from() -> None:
    public, own, stolen = halves(200, 0, unknown=20), halves(30, 1, unknown=5), halves(100, 2)
    estimate = Inversions(seen(stolen), seen(stolen)[:0], seen(own), MEAN)
    probability = classified(GENDER, public, own, estimate, np.random.default_rng(0))
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    right = (probability[:, 1] > 0.5) == (stolen.attributes["gender"] == "male")
    assert right.mean() > 0.9


def test_public_faces_without_a_class_are_left_out() -> None:
    public = halves(50, 0, unknown=20)
    rows, labels = labelled_public(GENDER, public, MEAN, np.random.default_rng(0))
    assert rows.shape == (30, 6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    assert sorted(labels.tolist()) == sorted((public.embeddings[20:, 1] > 0).astype(int).tolist())
