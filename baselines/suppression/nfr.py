"""Negative face recognition: the template stores, for each feature, one bin that the face is not in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import on_sphere, stream, unit

from .._shared.centring import directions, start
from .._shared.packed_integers import pack_codes, read_codes, share_equal

_PEOPLE_TO_LEARN_FROM = 1500


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
        expanded = self._expanded(background.embeddings)
        self._cuts = np.quantile(expanded, np.arange(1, self.bins) / self.bins, axis=0).astype(np.float32)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(features w / 8) bytes, w = ceil(log2 b), per row of ``references`` (n, d)."""
        return pack_codes(self._negative(self._bins_of(references), seeds), self.bins) if len(references) else []

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 in [0, 1]: one minus the share of features whose excluded bin the probe falls into."""
        stored = read_codes(templates, self.features, self.bins)
        return np.asarray(1 - share_equal(stored, self._bins_of(probes), self.bins), dtype=np.float32)

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

    def _expanded(self, faces: FloatArray) -> FloatArray:
        return np.tanh(directions(faces, self._origin) @ self._expansion)

    def _bins_of(self, faces: FloatArray) -> npt.NDArray[np.uint16]:
        """(n, features) true bins."""
        expanded = self._expanded(faces)
        bins = np.zeros(expanded.shape, dtype=np.uint16)
        for cut in self._cuts:
            bins += expanded > cut
        return bins

    def _negative(self, true: npt.NDArray[np.uint16], seeds: Sequence[int]) -> npt.NDArray[np.uint16]:
        """(n, features) a bin that isn't the true one; all others are equally likely."""
        shape, others = true.shape[1], self.bins - 1
        turn = np.array([stream(seed, "nfr bins").integers(1, others, shape, endpoint=True) for seed in seeds])
        return np.asarray((true + turn.reshape(true.shape)) % self.bins, dtype=np.uint16)

    def _hints(self, excluded: npt.NDArray[np.uint16]) -> FloatArray:
        """(n, features) float64: the mean rank of the bins that aren't excluded, centred on the mean of all."""
        middle = (self.bins - 1) / 2
        return np.asarray((middle - excluded.astype(np.float64)) / (self.bins - 1))
