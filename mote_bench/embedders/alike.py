"""Whether the embeddings of different people are all alike, as those of a recogniser that is given wrong pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

MOST = 0.99
"""Mean cosine of different people over which nobody could be recognised."""
_FEWEST_SUBJECTS, _FEWEST_PICTURES = 3, 8
"""Without so many the cosine says nothing; pictures without a subject could all be of one person."""


def mean_cosine(embeddings: FloatArray, people: npt.NDArray[np.str_]) -> float:
    """Mean cosine of embeddings (n, d) of different people, two or more, none of them zero: from the sums of each."""
    given = np.asarray(embeddings, np.float64)
    rows = given / np.linalg.norm(given, axis=1, keepdims=True)
    _, who = np.unique(people, return_inverse=True)
    sums = np.zeros((who.max() + 1, rows.shape[1]))
    np.add.at(sums, who, rows)
    pairs = len(rows) ** 2 - (np.bincount(who) ** 2).sum()
    return float(((sums.sum(axis=0) ** 2).sum() - (sums**2).sum()) / pairs)


def too_alike(embeddings: Sequence[FloatArray], people: npt.NDArray[np.str_], *, named: bool) -> float | None:
    """The mean cosine of different people where it is over :data:`MOST`; ``None`` otherwise, and where it says nothing.

    Parameters
    ----------
    embeddings : sequence of (d,) float
    people : (n,) str
        The subject of each, or a name of its own.
    named : bool
        Whether any is a subject.
    """
    enough = len(np.unique(people)) >= (_FEWEST_SUBJECTS if named else _FEWEST_PICTURES)
    if not enough or len({np.shape(one) for one in embeddings}) > 1:  # several lengths are refused for themselves
        return None
    cosine = mean_cosine(np.array(embeddings), people)
    return cosine if cosine > MOST else None
