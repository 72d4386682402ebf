"""Likelihoods that don't distinguish a face from its mirror image, as seen from the mean face."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray, Smooth
from mote_bench.toolkit import on_sphere, unit

from .annealed import NARROWEST
from .face_model import FaceModel

_TRIED = 8
"""Samples whose likelihood is compared with that of their mirror images."""
_EQUAL = 1e-3
"""Relative difference of log likelihoods that count as equal: they are computed in single precision."""
_TOGETHER = 0.5
"""Least share of the mean square of samples, all turned to one side, that is the square of their mean."""


def is_symmetric(likelihood: Smooth, model: FaceModel, samples: FloatArray) -> bool:
    """Whether samples (s, r) of the posterior and their mirror images are equally likely, and lie about two places.

    A product of an even number of coordinates, for one, doesn't change when all of them change their signs. Where a
    likelihood says next to nothing, mirror images are alike too, but then no place is the face's: of the samples, all
    turned to one side (:func:`folded`), the mean must be longer than what is left.
    """
    import torch

    aside = folded(samples)
    centre = (aside.mean(axis=0) ** 2).sum()
    if centre < _TOGETHER * (aside**2).sum(axis=1).mean():
        return False
    tried = samples[np.linspace(0, len(samples) - 1, _TRIED).astype(int)]
    directions = unit(unit(model.mean + tried @ model.axes.T) - model.mean)
    shown = np.concatenate([on_sphere(model.mean, side * directions) for side in (1, -1)])
    with torch.no_grad():
        said = likelihood.log_likelihood(torch.from_numpy(shown.astype(np.float32)), NARROWEST).numpy()
    here, there = np.split(said.astype(np.float64), 2)
    return bool((np.abs(here - there) <= _EQUAL * (1 + np.abs(here))).all())


def folded(samples: FloatArray) -> FloatArray:
    """(s, r) the samples, or the mirror images of those that lie on the other side of the leading axis."""
    _, _, axes = np.linalg.svd(samples, full_matrices=False)
    return np.asarray(samples * np.where(samples @ axes[0] < 0, -1.0, 1.0)[:, None])
