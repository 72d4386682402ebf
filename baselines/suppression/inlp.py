"""Iterative null-space projection: the directions that linear classifiers read attributes from are projected out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray
from mote_bench.toolkit import stream

from .._shared.vector_scheme import VectorScheme
from .attributes_to_hide import columns_to_hide

_MOST_FACES = 2000
_SAME = 1e-6
"""A direction this close to what is removed already is not new."""


class INLP(VectorScheme):
    """Iterative null-space projection (Ravfogel et al., "Null It Out", ACL 2020, arXiv 2004.07667, algorithm 1).

    In each round a linear classifier of the attribute is trained on the projected faces. The span of its weights is
    removed: ``P = I - Q Q^T``, with Q an orthonormal basis of all weights so far (the projection onto the intersection
    of their null spaces, section 4.1). With several attributes each has a classifier in every round. Non-linear
    classifiers may still succeed.

    Parameters
    ----------
    attributes : sequence of str, optional
        By default all that the background has.
    rounds : int
        The paper's n: how often each attribute's classifier is trained. At chance it has no weights: nothing
        more is removed.
    share : float
        Of the dimensions, the share that is removed at most, above 0 and below 1. The rounds end there.
    penalty : float
        C of the logistic regression: the inverse of its L2 penalty, above 0.
    """

    slow_to_try = True
    """Classifiers are trained, however small the background. Any dimension will do."""

    def __init__(
        self,
        *,
        attributes: Sequence[str] | None = None,
        rounds: int = 8,
        share: float = 0.5,
        penalty: float = 1.0,
    ) -> None:
        if rounds < 1 or not 0 < share < 1 or not penalty > 0:
            raise ValueError(
                f"rounds={rounds}, share={share}, penalty={penalty}; expected a round or more, a share between 0 and 1 "
                "and a penalty above 0"
            )
        self.attributes = attributes
        self.rounds = rounds
        self.share = share
        self.penalty = penalty

    def _learn(self, faces: FloatArray, background: Faces, seed: int) -> None:
        tables = columns_to_hide(background, self.attributes)
        most = max(1, int(self.share * faces.shape[1]))
        chosen = {name: _sample(table, stream(seed, "inlp", name)) for name, table in tables.items()}
        removed = np.empty((faces.shape[1], 0))
        for name in list(tables) * self.rounds:
            if removed.shape[1] == most:
                break
            seen = _without(faces[chosen[name]].astype(np.float64), removed)
            weights = _weights(seen, tables[name][chosen[name]].argmax(axis=1), self.penalty)
            removed = np.hstack([removed, _new_directions(weights, removed)])[:, :most]
        self._removed = removed

    def _stored(self, faces: FloatArray, seeds: Sequence[int]) -> FloatArray:
        return self._shown(faces)

    def _shown(self, faces: FloatArray) -> FloatArray:
        return _without(faces, self._removed)


def _sample(table: FloatArray, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The rows of known class, a random part of them where they are very many."""
    rows = np.flatnonzero(table.any(axis=1))
    return rows if len(rows) <= _MOST_FACES else np.sort(rng.permutation(rows)[:_MOST_FACES])


def _without(faces: FloatArray, basis: FloatArray) -> FloatArray:
    """``P x`` of each row: what is left without the span of ``basis`` (d, k), orthonormal columns."""
    return np.asarray(faces - (faces @ basis) @ basis.T)


def _weights(faces: FloatArray, classes: npt.NDArray[np.intp], penalty: float) -> FloatArray:
    """(k, d) weights of a logistic regression with balanced classes; one row where there are two classes."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, class_weight="balanced", max_iter=200)
    return np.asarray(model.fit(faces, classes).coef_)


def _new_directions(weights: FloatArray, basis: FloatArray) -> FloatArray:
    """(d, r) orthonormal columns: the span of the weights (k, d), outside of the span of ``basis``."""
    directions, lengths, _ = np.linalg.svd(_without(weights, basis).T, full_matrices=False)
    return np.asarray(directions[:, lengths > _SAME * max(lengths[0], _SAME)])
