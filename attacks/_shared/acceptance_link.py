"""How probably a running system accepts a probe, given the enrolled embedding: a link learned on shadow subjects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray
from mote_bench.toolkit import unit

from .online_access import FALSE_MATCHES, guessed_threshold, keys_of_shadow
from .probing import granted

_PEOPLE = 100
_SHARES = (0.0, 0.3, 0.45, 0.6, 0.75, 0.9)
"""Of a shadow subject's own face in a probe; the rest is another face. Scores then lie on both sides of a threshold."""
_SHARPEST = 0.01
"""Least width of the link, in standard deviations of the products: a threshold is never known exactly."""
_DOUBT = 0.5
"""Doubt about the bound, in standard deviations of impostor products. Thresholds at false match rates of 1e-2 and 1e-4
lie about 0.7 either side of that at 1e-3."""
_OF_LOGISTIC = 1.702
"""A logistic curve of slope 1 is within 0.01 of the normal distribution function of so many times its argument."""


@dataclass(frozen=True, eq=False)
class Link:
    """A probe is accepted with probability ``Phi((product - bound) / width)``, by its product with the enrolled face.

    Attributes
    ----------
    mean : (d,) float64
        The mean of public faces.
    centred : bool
        Whether probe p and enrolled embedding x are compared as ``(p - mean) . (x - mean)``, with ``p - mean`` scaled
        to length one; otherwise the product is ``p . x``.
    bound, width : float
    doubt : float
        The standard deviation of the system's bound about this one: the attacker doesn't know its false match rate.
    """

    mean: FloatArray
    centred: bool
    bound: float
    width: float
    doubt: float = 0.0

    def directions(self, probes: FloatArray) -> FloatArray:
        """(m, d) unit vectors h of the probes (m, d): a product rises with ``h . (x - mean)``."""
        return unit(unit(probes) - self.mean) if self.centred else unit(probes)

    def bounds(self, directions: FloatArray) -> FloatArray:
        """(m,) what ``h . (x - mean)`` must exceed for acceptance, for the directions h (m, d)."""
        return self.bound - (0.0 if self.centred else 1.0) * (directions @ self.mean)

    @classmethod
    def learned(cls, evidence: Evidence, rng: np.random.Generator) -> Self:
        """The link of the system's copy, by probes that lie between shadow subjects and public faces.

        An attacker who can't score with a copy takes scores to be cosines, accepted at one false match in a thousand.
        """
        public, shadow = granted(evidence)
        mean = public.embeddings.astype(np.float64).mean(axis=0)
        scheme = evidence.scheme
        if scheme is None or not hasattr(scheme, "score"):
            return cls._of_cosines(public.embeddings, mean, rng)
        rows = rng.permutation(len(shadow.templates))[:_PEOPLE].astype(np.intp)
        templates, keys = [shadow.templates[row] for row in rows], keys_of_shadow(evidence, rows, rng)
        threshold = guessed_threshold(evidence, templates, keys, rng)
        own = shadow.references.embeddings[rows].astype(np.float64)
        others = public.embeddings[rng.integers(len(public), size=len(_SHARES) * len(own))].astype(np.float64)
        shares = np.repeat(_SHARES, len(own))[:, None]
        probes = unit(shares * np.tile(own, (len(_SHARES), 1)) + (1 - shares) * others)
        accepted = np.asarray(scheme.score(templates, probes.astype(np.float32), keys=keys)) >= threshold
        return cls._fitted(mean, own, probes, accepted)

    @classmethod
    def _fitted(cls, mean: FloatArray, own: FloatArray, probes: FloatArray, accepted: npt.NDArray[np.bool_]) -> Self:
        """The more likely of the centred and the plain link of products (n, m) with decisions (n, m)."""
        best, likelihood = cls(mean, False, 0.0, 1.0), -np.inf
        for centred in (False, True):
            h = cls(mean, centred, 0.0, 1.0).directions(probes)
            products = (own - mean if centred else own) @ h.T
            bound, width, found = _probit(products.ravel(), accepted.ravel())
            if found > likelihood:
                best, likelihood = cls(mean, centred, bound, width, _DOUBT * float(_impostor(products).std())), found
        return best

    @classmethod
    def _of_cosines(cls, public: FloatArray, mean: FloatArray, rng: np.random.Generator) -> Self:
        faces = public[rng.permutation(len(public))[: 4 * _PEOPLE]].astype(np.float64)
        impostor = _impostor(faces @ faces.T)
        bound, spread = float(np.quantile(impostor, 1 - FALSE_MATCHES)), float(impostor.std()) + 1e-12
        return cls(mean, False, bound, _SHARPEST * spread, _DOUBT * spread)


def _impostor(products: FloatArray) -> FloatArray:
    """The products of different subjects, of products (n, k n) with probes that are made of the n subjects in turn."""
    mated = np.tile(np.eye(len(products), dtype=bool), products.shape[1] // len(products))
    return np.asarray(products[~mated])


def _probit(products: FloatArray, accepted: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Bound, width and mean log likelihood of the curve by which ``accepted`` (m,) rises with ``products`` (m,)."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = float(products.mean()), float(products.std()) + 1e-12
    if accepted.all() or not accepted.any():
        return centre + (np.inf if not accepted.any() else -np.inf), scale, -np.inf
    at = ((products - centre) / scale)[:, None]
    model = LogisticRegression(C=1e6).fit(at, accepted)
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    logs = -np.logaddexp(0, -np.where(accepted, 1, -1) * model.decision_function(at))
    slope = max(slope, 1e-6)
    width = max(_OF_LOGISTIC / slope, _SHARPEST)
    return centre - scale * offset / slope, scale * width, float(np.maximum(logs, -30).mean())
