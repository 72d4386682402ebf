"""Predicts which group of the background a photo belongs to; for a number such as the age, which two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray
from mote_bench.data.columns import UNKNOWN
from mote_bench.mote.people import LEAST_REPEATED, people_of

Weights = Mapping[str, float]
"""A subject's degree of membership in each group; adds up to 1."""

MOST_GROUPS = 4
"""A number is cut into so many groups at most."""


class Looks(Protocol):
    """Predicts groups from a photo."""

    def weights(self, embeddings: FloatArray) -> list[Weights]:
        """Of each row of (n, d)."""
        ...


@dataclass(frozen=True, eq=False)
class Scale:
    """A number, such as the age in years, as overlapping groups.

    Parameters
    ----------
    name : str
        Of the attribute.
    edges : (k - 1,) float
        Rising; a number at an edge is of the group above.
    centres : (k,) float
        The median of each group. A subject at a centre is of that group alone, one between two centres of both.
    """

    name: str
    edges: FloatArray
    centres: FloatArray

    @classmethod
    def of(cls, background: Faces, name: str) -> Self | None:
        """Groups of equally many background subjects; None where the background has no such number.

        Each group has at least twice as many subjects with two images as a density needs.
        """
        if name not in background.values:
            return None
        person, count = people_of(background)
        _, first = np.unique(person, return_index=True)
        number = background.values[name][first][count > 1]
        number = number[np.isfinite(number)]
        groups = min(MOST_GROUPS, len(number) // (2 * LEAST_REPEATED))
        if groups < 2:
            return None
        edges = np.unique(np.quantile(number, np.arange(1, groups) / groups))
        place = np.searchsorted(edges, number, side="right")
        sizes = np.bincount(place, minlength=len(edges) + 1)
        if sizes.min() < LEAST_REPEATED:
            return None
        return cls(name, edges, np.array([np.median(number[place == group]) for group in range(len(sizes))]))

    @property
    def groups(self) -> tuple[str, ...]:
        """Their names, lowest first, such as ``age 27``: with as many digits as make them distinct, at least three."""
        for digits in range(3, 17):
            names = tuple(f"{self.name} {centre:.{digits}g}" for centre in self.centres)
            if len(set(names)) == len(names):
                break
        return names

    def labelled(self, faces: Faces) -> Faces:
        """The faces with the group of each one's number as the attribute."""
        number = faces.values[self.name]
        labels = np.array(self.groups)[np.searchsorted(self.edges, np.nan_to_num(number), side="right")]
        known = np.where(np.isnan(number), UNKNOWN, labels)
        return replace(faces, attributes=dict(faces.attributes) | {self.name: known})

    def weights(self, number: FloatArray) -> list[Weights]:
        """Of each of (n,) numbers: linear between the two centres around it."""
        corners = np.eye(len(self.centres))
        each = [np.interp(number, self.centres, corner) for corner in corners]
        return [dict(zip(self.groups, row.tolist(), strict=True)) for row in np.column_stack(each)]


@dataclass(frozen=True, eq=False)
class LooksOfNumber:
    """A ridge regression predicts the number from the face."""

    scale: Scale
    slope: FloatArray
    start: float

    @classmethod
    def learned(cls, background: Faces, scale: Scale) -> Self:
        """On the background faces whose number is known."""
        from sklearn.linear_model import RidgeCV

        number = background.values[scale.name]
        known = np.isfinite(number)
        made = RidgeCV(alphas=np.logspace(-3, 2, 11)).fit(background.embeddings[known], number[known])
        return cls(scale, np.asarray(made.coef_), float(made.intercept_))

    def weights(self, embeddings: FloatArray) -> list[Weights]:
        """As :class:`Scale` gives them for each face's predicted number."""
        return self.scale.weights(embeddings @ self.slope + self.start)


@dataclass(frozen=True, eq=False)
class LooksOfClass:
    """A logistic regression predicts one group for each face."""

    classes: npt.NDArray[np.str_]
    slopes: FloatArray
    starts: FloatArray

    @classmethod
    def learned(cls, background: Faces, attribute: str, groups: Sequence[str]) -> Self:
        """On the background faces of these groups."""
        from sklearn.linear_model import LogisticRegression

        labels = background.attributes[attribute]
        known = np.isin(labels, groups)
        made = LogisticRegression(max_iter=2000, C=10.0).fit(background.embeddings[known], labels[known])
        slopes, starts = made.coef_, made.intercept_
        if len(slopes) == 1:  # two classes have one slope, towards the second
            slopes, starts = np.concatenate([-slopes, slopes]), np.concatenate([-starts, starts])
        return cls(np.asarray(made.classes_), slopes, starts)

    def weights(self, embeddings: FloatArray) -> list[Weights]:
        """All of it on one group."""
        looks = self.classes[(embeddings @ self.slopes.T + self.starts).argmax(axis=1)]
        return [{str(label): 1.0} for label in looks]


def shares(group: str, own: float, groups: Sequence[str]) -> dict[str, float]:
    """``own`` for a subject's group; the rest is divided equally among the others."""
    others = (1 - own) / (len(groups) - 1)
    return {name: own if name == group else others for name in groups}


def blended(weights: Weights, own: Mapping[str, float], groups: Sequence[str]) -> dict[str, float]:
    """The shares of a subject between groups: each group's :func:`shares`, weighted by the subject's membership.

    ``own`` gives each group's own part of the positives.
    """
    parts = [(weight, shares(group, own[group], groups)) for group, weight in weights.items() if weight]
    return {name: sum(weight * given[name] for weight, given in parts) for name in groups}
