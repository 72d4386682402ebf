"""MOTE's own net without training: each layer is a set of discriminants in closed form, drawn by the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, InputError
from mote_bench.mote.codec import Layer, Net
from mote_bench.mote.recipe import Crowd, positives
from mote_bench.mote.scheme import MOTE, Shares
from mote_bench.toolkit import stream

POSITIVES = 64
"""Draws of a subject that the layers are solved on."""

HARD, ANY = 256, 256
"""Background faces that the layers are solved on: those most like the subject, and any."""

_PART = 0.3
"""A unit separates the subject from this share of the impostors, drawn for each unit, so that units differ."""
_DEEP_RIDGE = 0.3
_HARDEST = 12
"""A template's zero is the mean score of so many of the most similar impostors."""


class SolvedMOTE(MOTE):
    """A net of MOTE's shape and bytes whose layers are solved, not trained.

    Format and threat are those of :class:`~mote_bench.mote.scheme.MOTE`; only enrolment differs. From the first layer
    to the last, each unit is Fisher's discriminant between draws of the subject and a random part of the impostors, in
    the units of the layer before. Its ReLU is zero for impostors further away than most. The last layer is the
    discriminant of all, scaled so that the most similar impostors score 0 and the subject's draws 1 on average. Random
    parts and ReLU offsets come from the subject's seed, so two enrolments share no weights by construction. Whether
    they can still be linked is measured by the suite.

    Layers that are drawn or solved one after the other, without backpropagation, are known as extreme learning machines
    (Huang, Zhu and Siew, Neurocomputing 70, 2006); discriminative units instead of random ones follow
    McDonnell et al., PLoS ONE 10(8), 2015.

    Parameters
    ----------
    attributes, balance, hidden
        As :class:`~mote_bench.mote.scheme.MOTE` takes them.
    ridge : float
        Added to the background's covariance before the first layer, in units of its mean variance.
    """

    def __init__(
        self,
        *,
        attributes: Sequence[str] = ("gender",),
        balance: Shares | None = None,
        hidden: Sequence[int] = (128, 64, 16),
        ridge: float = 1.0,
    ) -> None:
        super().__init__(attributes=attributes, balance=balance, hidden=hidden)
        if ridge <= 0:
            raise InputError(f"ridge={ridge}; expected above 0.")
        self.ridge = ridge

    def fit(self, background: Faces, *, seed: int) -> Self:
        """As :meth:`MOTE.fit`, and whiten the background once for all enrolments."""
        super().fit(background, seed=seed)
        self._whitened = Whitened.of(self._training.faces, self.ridge)
        return self

    def _train(self, references: FloatArray, seeds: Sequence[int], shares: Sequence[Shares]) -> list[Net]:
        # One by one, so that no net depends on the other enrolments of the call.
        return [self._solved(*person) for person in zip(references, seeds, shares, strict=True)]

    def _solved(self, reference: FloatArray, seed: int, share: Shares) -> Net:
        rng = stream(seed, "mote", "solved")
        few = Crowd(self._training.faces[: 2 * POSITIVES], self._training.spread)
        own = self._whitened.of_faces(positives(reference, few, shares=share, rng=rng))
        within = _Within.of(own)
        negatives = self._whitened.faces[self._negatives(within.solve(own.mean(axis=0)), rng)]
        first, *others = self.recipe.hidden
        directions = within.solve((own.mean(axis=0) - _parts(negatives, first, rng)).T)
        layers = [_cut(directions, negatives, own, rng)]
        for units in others:
            negatives, own = _above(layers[-1], negatives), _above(layers[-1], own)
            gaps = own.mean(axis=0) - _parts(negatives, units, rng)
            layers.append(_cut(np.linalg.solve(_spread(negatives, own), gaps.T), negatives, own, rng))
        negatives, own = _above(layers[-1], negatives), _above(layers[-1], own)
        return (self._whitened.undone(layers[0]), *layers[1:], _last(negatives, own))

    def _negatives(self, direction: FloatArray, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Rows of the background: any, and the most similar to the subject. A small background is taken whole."""
        alike = self._whitened.faces @ direction
        order = np.argsort(alike, kind="stable")
        return np.concatenate([rng.permutation(order[:-HARD])[:ANY], order[-HARD:]])


@dataclass(frozen=True, eq=False)
class Whitened:
    """Impostors (n, d) in coordinates in which their covariance plus ridge is the identity, and the transform."""

    faces: FloatArray
    mean: FloatArray
    whiten: FloatArray

    @classmethod
    def of(cls, faces: FloatArray, ridge: float) -> Self:
        """Of the background's faces (n, d); ``ridge`` in units of their mean variance."""
        mean = faces.mean(axis=0)
        covariance = np.atleast_2d(np.cov(faces.T.astype(np.float64)))
        covariance[np.diag_indices_from(covariance)] += ridge * np.trace(covariance) / len(covariance)
        whiten = np.linalg.inv(np.linalg.cholesky(covariance)).T.astype(np.float32)
        return cls(np.ascontiguousarray((faces - mean) @ whiten), mean, np.ascontiguousarray(whiten))

    def of_faces(self, faces: FloatArray) -> FloatArray:
        """Other faces (k, d) in the same coordinates."""
        return np.asarray((faces - self.mean) @ self.whiten)

    def undone(self, layer: Layer) -> Layer:
        """The layer for original faces that equals ``layer`` for whitened ones."""
        weight = self.whiten @ layer.weight
        return Layer(weight, layer.bias - self.mean @ weight)


@dataclass(frozen=True, eq=False)
class _Within:
    """The identity plus the covariance of a subject's draws, never formed: Woodbury's identity solves with it."""

    apart: FloatArray
    inner: FloatArray

    @classmethod
    def of(cls, own: FloatArray) -> Self:
        apart = (own - own.mean(axis=0)) / np.float32(len(own) ** 0.5)
        return cls(apart, np.eye(len(own), dtype=np.float32) + apart @ apart.T)

    def solve(self, right: FloatArray) -> FloatArray:
        """Of (d,) or (d, k)."""
        return np.asarray(right - self.apart.T @ np.linalg.solve(self.inner, self.apart @ right))


def _parts(negatives: FloatArray, units: int, rng: np.random.Generator) -> FloatArray:
    """(units, d) weighted means of the random part of the impostors of each unit."""
    weight = rng.standard_exponential((units, len(negatives)), dtype=np.float32)
    weight *= rng.random((units, len(negatives)), dtype=np.float32) < _PART
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), np.float32(1e-6))
    return np.asarray(weight @ negatives)


def _cut(directions: FloatArray, negatives: FloatArray, own: FloatArray, rng: np.random.Generator) -> Layer:
    """Units along ``directions`` (d, k) that are 0 for far impostors.

    The ReLU's zero is drawn between the mean impostor and one gap below it. The gap is that between the mean impostor
    and the mean of the subject's draws. Above its zero a unit is linear, so that a layer passes on what the next one
    needs.
    """
    low, high = negatives.mean(axis=0) @ directions, own.mean(axis=0) @ directions
    gap = high - low
    gap = np.where(np.abs(gap) < 1e-6, np.float32(1e-6), gap)
    at = low / gap - rng.random(directions.shape[1], dtype=np.float32)
    return Layer((directions / gap).astype(np.float32), -at.astype(np.float32))


def _above(layer: Layer, rows: FloatArray) -> FloatArray:
    return np.maximum(rows @ layer.weight + layer.bias, 0)


def _spread(negatives: FloatArray, own: FloatArray) -> FloatArray:
    """(k, k) covariance of both, with a ridge in units of the mean variance."""
    covariance = np.atleast_2d(np.cov(negatives.T) + np.cov(own.T))
    covariance[np.diag_indices_from(covariance)] += _DEEP_RIDGE * np.trace(covariance) / len(covariance) + 1e-9
    return np.asarray(covariance)


def _last(negatives: FloatArray, own: FloatArray) -> Layer:
    weights = np.linalg.solve(_spread(negatives, own), own.mean(axis=0) - negatives.mean(axis=0))
    zero = np.sort(negatives @ weights)[-_HARDEST:].mean()
    scale = 1 / max(float((own @ weights).mean() - zero), 1e-6)
    return Layer((scale * weights[:, None]).astype(np.float32), np.array([-scale * zero], dtype=np.float32))
