"""The inversion of PolyProtect templates under their keys, by which keys are selected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import stream, unit

from .polyprotect_unkeyed import Windows

_STEPS, _LONGEST_STEP = 40, 0.02
_DECAYS = (0.9, 0.99)  # of the means of gradients and of their squares
_FACES_FOR_THRESHOLD = 600
_TINY = 1e-12

Secret = tuple[FloatArray, FloatArray]
"""(m,) coefficients and (m,) exponents."""


@dataclass(frozen=True, eq=False)
class Inverter:
    """Searches the face behind a template whose key is known, from a random start.

    Attributes
    ----------
    windows : Windows
    mean, spread : (d,) float64
        Of the values of background directions: starts are drawn from them.
    threshold : float
        The cosine from which a face counts as found.
    """

    windows: Windows
    mean: FloatArray
    spread: FloatArray
    threshold: float

    @classmethod
    def of(cls, faces: FloatArray, windows: Windows, *, rate: float, seed: int) -> Self:
        """Learn from background directions (n, d); the threshold has a false match rate of ``rate`` among them."""
        held = np.asarray(faces, dtype=np.float64)
        some = held[stream(seed, "pairs").permutation(len(held))[:_FACES_FOR_THRESHOLD]]
        pairs = (some @ some.T)[np.triu_indices(len(some), 1)]
        threshold = float(np.quantile(pairs, 1 - rate)) if len(pairs) else 0.0
        return cls(windows, held.mean(axis=0), held.std(axis=0), threshold)

    def drawn(self, rng: np.random.Generator) -> FloatArray:
        """(d,) of length one: a vector whose values are distributed as those of faces, one by one."""
        return np.asarray(unit(self.mean + self.spread * rng.standard_normal(len(self.mean))))

    def cosines(
        self, values: FloatArray, secrets: Sequence[Secret], faces: FloatArray, starts: FloatArray
    ) -> FloatArray:
        """(n,) cosines between the faces (n, d) and what is found from templates ``values`` (n, length)."""
        found = inverted(values, secrets, self.windows, starts)
        return np.asarray((found * faces).sum(axis=1))


def inverted(values: FloatArray, secrets: Sequence[Secret], windows: Windows, starts: FloatArray) -> FloatArray:
    """(n, d) unit rows: from ``starts`` (n, d), the faces whose templates have the largest cosines with the given ones.

    Hahn, Maceiras & Marcel (arXiv 2605.03857) invert by a numerical solver on the cosine distance, which finds more
    than one on the Euclidean distance does. Here 40 steps of Adam replace the solver, for many templates at once. Each
    row depends on its own template alone.
    """
    coefficients = np.array([one for one, _ in secrets])
    exponents = np.array([one for _, one in secrets]).astype(np.intp)
    d, size = starts.shape[1], max(starts.shape[1], int(windows.starts[-1]) + windows.terms)
    target, found = unit(np.asarray(values, dtype=np.float64)), np.zeros((len(starts), size))
    found[:, :d] = starts
    slope, square = np.zeros_like(found), np.zeros_like(found)
    for step in range(_STEPS):
        gradient = _gradient(found, target, coefficients, exponents, windows)
        gradient[:, d:] = 0
        slope = _DECAYS[0] * slope + (1 - _DECAYS[0]) * gradient
        square = _DECAYS[1] * square + (1 - _DECAYS[1]) * gradient**2
        mean, spread = slope / (1 - _DECAYS[0] ** (step + 1)), square / (1 - _DECAYS[1] ** (step + 1))
        found = unit(found + _LONGEST_STEP * (1 - step / _STEPS) * mean / (np.sqrt(spread) + _TINY))
    return np.asarray(found[:, :d])


def _gradient(
    faces: FloatArray,
    target: FloatArray,
    coefficients: FloatArray,
    exponents: npt.NDArray[np.intp],
    windows: Windows,
) -> FloatArray:
    """(n, padded): of the cosine of each face's template with its target."""
    rows, length = np.arange(len(faces)), target.shape[1]
    step = int(windows.starts[1]) if length > 1 else 1
    at = [slice(place, place + step * (length - 1) + 1, step) for place in range(windows.terms)]
    powers = np.ones((windows.terms + 1, *faces.shape))
    for power in range(1, windows.terms + 1):
        np.multiply(powers[power - 1], faces, out=powers[power])
    made = np.zeros_like(target)
    for place, window in enumerate(at):
        made += coefficients[:, [place]] * powers[exponents[:, place], rows][:, window]
    size = np.maximum(np.linalg.norm(made, axis=1, keepdims=True), _TINY)
    along = (made * target).sum(axis=1, keepdims=True) / size
    upwards = (target - along * made / size) / size
    gradient = np.zeros_like(faces)
    for place, window in enumerate(at):
        factor = coefficients[:, [place]] * exponents[:, [place]]
        gradient[:, window] += upwards * factor * powers[exponents[:, place] - 1, rows][:, window]
    return gradient
