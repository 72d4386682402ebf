"""The running system as someone at its door sees it: probes in, scores or decisions out, every query counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, FloatArray, Key, Scheme, Template
from mote_bench.toolkit import unit


class Door:
    """Enrolled people behind a scheme, reached by queries only; an :class:`~mote_bench.contracts.Oracle`.

    What stands behind the door is not for attacks: they are given ``people``, ``budget``, ``left`` and ``ask``. Python
    hides nothing from code that runs in the same process, so this keeps honest attacks honest and stops no cheat.

    Parameters
    ----------
    keys : sequence of bytes, optional
        What is presented at each claim: the person's stolen key, or any key where the thief has none.
    threshold : float, optional
        Where the system accepts; needed for ``Access.DECISIONS``.
    """

    def __init__(
        self,
        scheme: Scheme,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        access: Access,
        threshold: float | None,
        budget: int,
    ) -> None:
        if access is Access.DECISIONS and threshold is None:
            raise ValueError("decisions need a threshold, and none could be set: too few people of the attacker's own")
        self.people, self.budget = len(templates), budget
        self.__scheme, self.__templates, self.__keys = scheme, tuple(templates), keys
        self.__threshold = threshold if access is Access.DECISIONS else None
        self.__used = np.zeros(len(templates), dtype=np.int64)

    @property
    def left(self) -> npt.NDArray[np.int64]:
        """(people,) queries that remain."""
        return np.asarray(self.budget - self.__used)

    @property
    def used(self) -> npt.NDArray[np.int64]:
        """(people,) queries that were made."""
        return self.__used.copy()

    def ask(self, probes: FloatArray, person: int | None = None) -> FloatArray:
        """What the system answers to ``probes`` (m, d): (m,) for one claimed person, otherwise (people, m)."""
        probes = unit(np.atleast_2d(probes)).astype(np.float32)
        rows = range(self.people) if person is None else [person]
        spent = self.__used[rows] + len(probes)
        if (spent > self.budget).any():
            raise ValueError(f"{int(spent.max())} queries of one person; the budget is {self.budget}")
        keys = None if self.__keys is None else [self.__keys[row] for row in rows]
        scores = self.__scheme.score([self.__templates[row] for row in rows], probes, keys=keys)
        self.__used[rows] = spent
        answers = np.asarray(scores, dtype=np.float64)
        if self.__threshold is not None:
            answers = (answers >= self.__threshold).astype(np.float64)
        return answers if person is None else answers[0]
