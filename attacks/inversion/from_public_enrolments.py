"""Reconstruction from bytes by a decoder that learns from enrolled public faces too."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .._shared.kernel_regression import Targets, lessons, predictions
from .._shared.probing import granted
from .._shared.public_enrolments import PUBLIC, enrolled_public

_FOLDS = 5


class DecoderOnPublicEnrolments:
    """Kernel ridge regression from the template's bytes to the embedding, learned on public faces too.

    ``KernelDecoderOfBytes`` learns from the shadow subjects alone, where no key is stolen. This attack enrols public
    faces beside them, each under a fresh key where there are keys. Kernel, ridge, and whether public faces are used,
    are those that reconstruct left-out shadow subjects best.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)
    prepares = PUBLIC

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, shadow = granted(evidence)
        faces, made = enrolled_public(evidence, rng)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        own, other = shadow.references.embeddings - mean, faces.embeddings - mean
        fold = rng.permutation(len(own)) % _FOLDS
        targets = Targets(other, own, np.ones(len(own) + len(other)), fold)
        best: FloatArray = np.zeros((len(evidence.templates), len(mean)))
        reached = -np.inf
        for view in lessons(evidence.scheme, made, shadow.templates, evidence.templates):
            for found in predictions(view, targets):
                agreement = float((unit(found.left_out) * unit(own)).sum(axis=1).mean())
                if agreement > reached:
                    best, reached = found.unknown, agreement
        return on_sphere(mean, unit(best))
