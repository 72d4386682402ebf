"""Which group of the background a photo looks to be of; of a number such as the age, between which two."""

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
"""How far somebody belongs to each group; adds up to 1."""

MOST_GROUPS = 4
"""A number is cut into so many groups at most."""


class Looks(Protocol):
    """What a photo says of the groups."""

    def weights(self, embeddings: FloatArray) -> list[Weights]:
        """Of each row of (n, d)."""
        ...


@dataclass(frozen=True, eq=False)
class Scale:
    """A number, such as the age in years, as groups that go over into each other.

    Parameters
    ----------
    name : str
        Of the attribute.
    edges : (k - 1,) float
        Rising; a number at an edge is of the group above.
    centres : (k,) float
        The median of each group. Somebody at a centre is of that group alone, somebody between two of both.
    """

    name: str
    edges: FloatArray
    centres: FloatArray

    @classmethod
    def of(cls, background: Faces, name: str) -> Self | None:
        """Cut where groups of equally many background people come to lie; None where it has no such number to cut.

        Each group has at least twice the people with two images that a density is fitted on.
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
        """Their names, lowest first, such as ``age 27``: of as many digits as tell them apart, and three at least."""
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
    """A ridge regression reads the number off the face."""

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
        """As :class:`Scale` has them of the number that each face looks like."""
        return self.scale.weights(embeddings @ self.slope + self.start)


@dataclass(frozen=True, eq=False)
class LooksOfClass:
    """A logistic regression says which one group a face looks to be of."""

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
    """``own`` for a person's group; what is left goes to the others alike."""
    others = (1 - own) / (len(groups) - 1)
    return {name: own if name == group else others for name in groups}


def blended(weights: Weights, own: Mapping[str, float], groups: Sequence[str]) -> dict[str, float]:
    """The shares of somebody between groups: each group's :func:`shares` as far as they belong to it.

    ``own`` gives each group's own part of the positives.
    """
    parts = [(weight, shares(group, own[group], groups)) for group, weight in weights.items() if weight]
    return {name: sum(weight * given[name] for weight, given in parts) for name in groups}
