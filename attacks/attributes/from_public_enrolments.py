"""Inference of a soft-biometric class by a classifier of bytes that learns from enrolled public faces too."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichClass
from mote_bench.toolkit import class_index

from .._shared import classifiers
from .._shared.kernel_regression import Targets, lessons, predictions
from .._shared.probing import granted, known_labels
from .._shared.public_enrolments import PUBLIC, enrolled_public


class ClassifierOnPublicEnrolments:
    """Enrol labelled public faces, and learn from their templates what those of a class look like.

    Other attacks on bytes learn from the shadow subjects alone. An attacker who knows the algorithm can enrol public
    faces too. With ten times as many templates a classifier learns curved borders in all dimensions, which linear
    erasure leaves in place. Public faces that the scheme was fitted on can mislead. So all settings are also tried
    without them, and left-out shadow subjects decide (:func:`kernel_regression.predictions`).

    Where templates depend on a key, each public face is enrolled under a fresh one, as the shadow subjects are. With
    stolen keys the posterior attacks learn from public faces without enrolling them; this attack isn't run there.
    """

    question = WhichClass
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)
    prepares = PUBLIC

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        _, shadow = granted(evidence)
        faces, made = enrolled_public(evidence, rng)
        labels, labelled = known_labels(shadow.references, question)
        unlabelled = np.full(len(faces), "")  # of other data than the shadow subjects', without this attribute
        public = class_index(faces.attributes.get(question.attribute, unlabelled), question.classes)
        used = np.flatnonzero(public >= 0)
        targets = _targets(public[used], labels, len(question.classes), rng)
        views = lessons(
            evidence.scheme,
            [made[row] for row in used],
            [shadow.templates[row] for row in labelled],
            evidence.templates,
        )
        found = [one for view in views for one in predictions(view, targets)]
        tuning = classifiers.tune(np.stack([one.left_out for one in found]), labels)
        return tuning.read(found[tuning.setting].unknown)


def _targets(public: classifiers.Labels, known: classifiers.Labels, classes: int, rng: np.random.Generator) -> Targets:
    """One column for each class, of public faces (k,) and shadow subjects (n,).

    All classes that occur have the same total weight.
    """
    both = np.concatenate([public, known])
    member = np.eye(classes)[both] - 1 / classes
    return Targets(
        member[: len(public)],
        member[len(public) :],
        classifiers.class_weights(both),
        classifiers.folds(known, rng),
    )
