"""Negative face recognition: the template stores, for each feature, one bin that the face is not in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import on_sphere, stream, unit

from .._shared.centring import directions, start
from .._shared.packed_integers import FEW, Codes, pack_codes, read_codes, set_bits, share_equal

_PEOPLE_TO_LEARN_FROM = 1500
_FACES_AT_ONCE = 512
_NUMBERS_IN_CACHE = 1 << 18


class NegativeFaceRecognition:
    """Store for each feature of a face one random bin that it does not fall into.

    Terhörst et al., "Privacy Evaluation Protocols for the Evaluation of Soft-Biometric Privacy-Enhancing Technologies"
    and "Negative Face Recognition" (arXiv 2002.09181).

    The face is expanded to many features, each cut into b bins that are equally frequent in the background. For each
    feature the template stores one random bin that is *not* the true one. A probe's true bins are compared with these:
    the more of them coincide, the lower the score, ``1 - equal / features``. One template excludes one of b bins per
    feature. That is too little for a classifier of bytes, but thousands of features together determine the face
    (:meth:`solve`).

    The released code expands by a trained net. Here the expansion is random and fixed by the seed of ``fit`` (``tanh``
    of random projections). It has what the construction needs: many features, none of them secret.

    Parameters
    ----------
    features : int
        The released code's 4,096.
    bins : int
        b, 2 or more.
    """

    revocable = False
    needs_identity = False

    def __init__(self, *, features: int = 4096, bins: int = 5) -> None:
        if features < 1 or not 2 <= bins <= 256:
            raise ValueError(f"features={features}, bins={bins}; expected a feature or more and 2 to 256 bins")
        self.features = features
        self.bins = bins

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and the bins; draw the expansion."""
        self._origin = start(background, centre=True)
        shape = (len(self._origin), self.features)
        self._expansion = stream(seed, "nfr").standard_normal(shape, dtype=np.float32)
        expanded = np.tanh(self._projected(directions(background.embeddings, self._origin)))
        cuts = np.quantile(expanded, np.arange(1, self.bins) / self.bins, axis=0).astype(np.float32)
        # Both sides of "tanh(projection) > cut" without the tanh: it takes as long as the projection.
        self._cuts = last_not_above(np.tanh, cuts)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(features w / 8) bytes, w = ceil(log2 b), per row of ``references`` (n, d)."""
        return pack_codes(self._negative(self._bins_of(references), seeds), self.bins) if len(references) else []

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 in [0, 1]: one minus the share of features whose excluded bin the probe falls into."""
        stored, faces = read_codes(templates, self.features, self.bins), directions(probes, self._origin)
        few = len(stored) <= FEW and bool(np.isfinite(faces).all())
        scores = np.empty((len(stored), len(faces)), dtype=np.float32)
        for first in range(0, len(faces), _FACES_AT_ONCE):
            some = slice(first, first + _FACES_AT_ONCE)
            projected = self._projected(faces[some])
            equal = (
                self._share_within(stored, projected) if few else share_equal(stored, self._bins(projected), self.bins)
            )
            scores[:, some] = 1 - equal
        return scores

    def solve(
        self,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        prior: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """(n, d) float32: embeddings estimated from the excluded bins, by a regression on enrolled ``prior`` faces.

        Every excluded bin moves the expected value of its feature a little away from it. The ridge regression of
        embeddings on these expected values combines them.
        """
        people = prior[rng.permutation(len(prior))[:_PEOPLE_TO_LEARN_FROM]]
        seeds = [int(seed) for seed in rng.integers(2**31, size=len(people))]
        hints = self._hints(self._negative(self._bins_of(people), seeds))
        stolen = self._hints(read_codes(templates, self.features, self.bins))
        faces = directions(people, self._origin).astype(np.float64)
        gram = hints @ hints.T
        # The noise of a hint is known: a feature's excluded bin is one of b - 1 at random.
        ridge = float(np.mean(np.diag(gram)) - np.mean(np.abs(gram[~np.eye(len(gram), dtype=bool)])))
        weights = np.linalg.solve(gram + max(ridge, 1e-9) * np.eye(len(gram)), faces - faces.mean(axis=0))
        found = stolen @ hints.T @ weights + faces.mean(axis=0)
        return on_sphere(self._origin.astype(np.float64), unit(found)).astype(np.float32)

    def _projected(self, faces: FloatArray) -> FloatArray:
        return np.asarray(faces @ self._expansion)

    def _bins_of(self, faces: FloatArray) -> Codes:
        """(n, features) true bins."""
        return self._bins(self._projected(directions(faces, self._origin)))

    def _bins(self, projected: FloatArray) -> Codes:
        bins = np.zeros(projected.shape, dtype=np.uint8)
        for cut in self._cuts:
            bins += projected > cut
        return bins

    def _share_of_bins(self, stored: Codes, projected: FloatArray) -> FloatArray:
        return share_equal(stored, self._bins(projected), self.bins)

    def _share_within(self, stored: Codes, projected: FloatArray) -> FloatArray:
        """(n, p) float32: as :meth:`_share_of_bins`, without computing bins; no projection is NaN."""
        ends = np.pad(self._cuts, ((1, 1), (0, 0)), constant_values=((-np.inf, np.inf), (0, 0)))
        low, high = (np.take_along_axis(ends, stored.astype(np.intp) + side, axis=0) for side in (0, 1))
        shares = np.empty((len(stored), len(projected)), dtype=np.float32)
        step = max(1, _NUMBERS_IN_CACHE // self.features)
        for first in range(0, len(projected), step):
            some = projected[first : first + step]
            for row, share in enumerate(shares):
                within = set_bits((some > low[row]) & (some <= high[row]))
                share[first : first + step] = 1 - (self.features - within) / self.features
        return shares

    def _negative(self, true: Codes, seeds: Sequence[int]) -> Codes:
        """(n, features) a bin that isn't the true one; all others are equally likely."""
        shape, others = true.shape[1], self.bins - 1
        turn = np.array([stream(seed, "nfr bins").integers(1, others, shape, endpoint=True) for seed in seeds])
        return np.asarray((true + turn.reshape(true.shape)) % self.bins, dtype=np.uint16)

    def _hints(self, excluded: Codes) -> FloatArray:
        """(n, features) float64: the mean rank of the bins that aren't excluded, centred on the mean of all."""
        middle = (self.bins - 1) / 2
        return np.asarray((middle - excluded.astype(np.float64)) / (self.bins - 1))


def last_not_above(function: Callable[[FloatArray], FloatArray], values: FloatArray) -> FloatArray:
    """The largest float32 ``x`` with ``function(x) <= value``, for each of ``values``.

    For a function that never falls and whose least value is at most ``value``: then ``function(x) > value`` just where
    x is larger than what is returned. Found by bisection over all float32 numbers.
    """
    low, high = (np.full(values.shape, _place(np.float32(end))) for end in (-np.inf, np.inf))
    while (low < high).any():
        middle = (low + high + 1) // 2
        fits = function(_number(middle)) <= values
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    return _number(low)


def _place(number: np.float32) -> int:
    """The place of a float32 number in the order of all of them; zero's is 0."""
    bits = int(number.view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def _number(place: npt.NDArray[np.int64]) -> FloatArray:
    """float32 numbers at these places: the inverse of :func:`_place`."""
    size = np.abs(place).astype(np.int32).view(np.float32)
    return np.where(place < 0, -size, size)
