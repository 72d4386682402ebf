"""From an embedding to a face: a regression to the parameters of the rendered head, learned from rendered people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.faces import head as heads
from mote_bench.faces import people as drawn
from mote_bench.studies.pictures.head_parameters import person, vector
from mote_bench.toolkit import unit

_PENALTIES = np.logspace(-4, 2, 13)


@dataclass(frozen=True, eq=False)
class Decoder:
    """What is learned.

    Attributes
    ----------
    mean : (d,) float
        Of the embeddings.
    weights : (d, p) float
        From a centred embedding to parameters in standard deviations.
    centre, scale : (p,) float
        Of the parameters.
    longest : float
        How far embeddings lie from their mean, but for one in ten. A record's closed form gives a direction and often
        an exaggerated one; what lies further out is drawn in to here, or it decodes to a caricature.
    covariance : (d, d) float
        Of the embeddings. A net or a discriminant that tells one person from a crowd points along the inverse of it
        times the way to that person; so it times the direction points at the person.
    axes : (k, p) float
        Directions in which the regression errs most, in parameters, each one standard deviation long: where a search
        looks.
    """

    mean: FloatArray
    weights: FloatArray
    centre: FloatArray
    scale: FloatArray
    longest: float
    covariance: FloatArray
    axes: FloatArray

    def parameters(self, embeddings: FloatArray) -> FloatArray:
        """(n, p) parameters of embeddings (n, d)."""
        shown = unit(embeddings) - self.mean
        length = np.linalg.norm(shown, axis=1, keepdims=True)
        shown = shown * np.minimum(1.0, self.longest / np.maximum(length, 1e-9))
        return np.asarray(self.centre + self.scale * (shown @ self.weights))


def learned(embeddings: FloatArray, numbers: npt.NDArray[np.intp], *, seed: int, axes: int = 24) -> Decoder:
    """A decoder from rendered people: row i of (n, d) shows person ``numbers[i]`` of the population of ``seed``.

    Ridge regression; its penalty is the one that errs least on rows left out (closed form).
    """
    from sklearn.linear_model import RidgeCV

    model = heads.load()
    who, index = np.unique(numbers, return_inverse=True)
    table = np.array([vector(model, drawn.draw(model, seed, int(one))) for one in who])
    centre, scale = table.mean(axis=0), table.std(axis=0) + 1e-9
    mean = unit(embeddings).mean(axis=0)
    shown, wanted = unit(embeddings) - mean, (table[index] - centre) / scale
    fitted = RidgeCV(_PENALTIES, fit_intercept=False).fit(shown, wanted)
    errors = (wanted - fitted.predict(shown)) * scale
    _, spread, directions = np.linalg.svd(errors / scale, full_matrices=False)
    found = directions[:axes] * (spread[:axes, None] / np.sqrt(len(errors))) * scale
    longest = float(np.quantile(np.linalg.norm(shown, axis=1), 0.9))
    covariance = shown.T @ shown / len(shown)
    return Decoder(mean, np.asarray(fitted.coef_).T, centre, scale, longest, covariance, found)


def face(decoder: Decoder, numbers: FloatArray) -> drawn.Person:
    """The person of a vector of parameters (p,)."""
    model = heads.load()
    return person(model, numbers, drawn.draw(model, 0, 0))
