"""Reconstruction by the posterior of the enrolled embedding, of one record or of several."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .._shared.face_model import FaceModel
from .._shared.posterior import OF_SHADOW, POSTERIOR, Beliefs, posteriors, shadow_means
from .._shared.probing import granted

_POWERS = (0.0, -0.5, -0.25, 0.25, 0.5)  # of the variance along an axis, by which an estimate is divided
_SUBJECTS = (True, False)
_FMR = 1e-3
_SOFT = 0.25  # standard deviations of impostor cosines, over which an acceptance counts in part

Shape = Callable[[FloatArray], FloatArray]
"""From posterior means (n, r) to unit directions (n, d) as seen from the mean face."""


class SubjectOfPosterior:
    """The subject whom the template's likelihood and public faces make likeliest.

    A template says where the enrolled photo lies. Other photos of the subject lie nearer to the subject's centre, and
    they are what a reconstruction is compared with. So the posterior mean is shrunk to that of the subject
    (:class:`FaceModel`). What is accepted most often need not be what is nearest on average, so the axes are weighed by
    a power of their variance. Power and shrinkage are those with which reconstructions of shadow subjects are accepted
    most often at a false match rate of 1e-3.
    """

    question = WhichFace
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    prepares = (*POSTERIOR, *OF_SHADOW)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        model, [found, *_], _ = posteriors(evidence, rng)
        return on_sphere(model.mean, _tuned(model, evidence, rng)(found.mean))


class SubjectOfSeveralPosteriors:
    """As :class:`SubjectOfPosterior`, given several templates of each subject: their likelihoods are multiplied.

    The templates are made of one photo under keys that are drawn independently, so given the photo they are
    independent.
    """

    question = WhichFace
    reads = Reads.POSTERIOR
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("likelihood",)
    several = True
    prepares = (*POSTERIOR, *OF_SHADOW)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        model, found, _ = posteriors(evidence, rng)
        return on_sphere(model.mean, _tuned(model, evidence, rng)(Beliefs.product(found).mean))


def _shaped(model: FaceModel, subject: bool, power: float, means: FloatArray) -> FloatArray:
    z = model.subject(means) if subject else means
    return unit(z @ (model.axes * (model.axes**2).sum(axis=0) ** -power).T)


def _tuned(model: FaceModel, evidence: Evidence, rng: np.random.Generator) -> Shape:
    """The shape that gets the most reconstructions of shadow subjects accepted."""
    shapes: list[Shape] = [partial(_shaped, model, *one) for one in product(_SUBJECTS, _POWERS)]
    _, shadow = granted(evidence)
    means, tried = shadow_means(evidence, rng)
    if not len(tried) or shadow.seconds is None:
        return shapes[0]
    shown = unit(shadow.seconds.embeddings - model.mean)
    impostors = (unit(shadow.references.embeddings - model.mean) @ shown.T)[~np.eye(len(shown), dtype=bool)]
    threshold, soft = np.quantile(impostors, 1 - _FMR), _SOFT * impostors.std()
    own = np.arange(len(shown)) == tried[:, None]

    def accepted(shape: Shape) -> float:
        cosines = shape(means) @ shown.T
        genuine = 1 / (1 + np.exp((threshold - cosines[own]) / soft))
        return float(genuine.mean() - (cosines[~own] >= threshold).mean())

    return max(shapes, key=accepted)
