"""The attack on PolyProtect without any key: a template is the face itself, up to a shift, a scale and a sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.toolkit import unit

_MOST_FACES = 3000  # that the sign is learned from: the cost grows with their cube
_SCALES = (0.25, 0.4, 0.6, 0.8, 0.95, 1.0, 1.1, 1.3)  # of the linear term, in lengths of the template
_RESTS = (0.003, 0.01, 0.03, 0.1, 0.3)  # variance of the other terms, in mean squares of the template
_PLACES_KEPT, _FARTHEST = 3, 40.0  # places of the linear term that are followed, and their distance from the best
_POWERS = 3  # that are fitted; the higher ones are noise
_ROUNDS, _LATER_ROUNDS = 7, 3
_COOLING = 0.1  # of the variance of the noise, from round to round
_LONGEST_STEP = 0.5
_NORM_NOISE = 0.02
_LEAST_NOISE = 1e-3  # in root mean squares of a template: below it lies float32
_SLACK, _PENALTY = 1.0, 50.0  # of a coefficient beyond its range
_AT_ONCE = 64
_SIGN_RIDGE = 1e-3

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Windows:
    """The public parameters of the polynomials: number of terms, largest coefficient, first coordinate of each window.

    Attributes
    ----------
    starts : (length,) int
    """

    terms: int
    largest: int
    starts: Index


def faces_without_keys(
    values: FloatArray, windows: Windows, public: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """The likeliest direction of the face behind each template, whatever its key.

    A value is ``c_1 v_a + c_2 v_b^2 + ...`` for coordinates of one window, the same places a, b, ... in all of them. As
    coordinates are far below one, the linear term carries most of it. So a template is the face, shifted by one of few
    places, scaled by a coefficient that ``|v| = 1`` gives away, and perhaps mirrored.

    The places are those under which the template is likeliest, for faces of a Gaussian prior without a mean: powers are
    added one after the other, every free place is tried, and faces and coefficients are fitted together (Gauss-Newton).
    Powers that aren't fitted count as noise. A face and its mirror image explain a template equally well. The sign is
    chosen by a classifier of public faces against their mirror images. No key is guessed and nothing is enrolled.

    Parameters
    ----------
    values : (n, length) float
        The templates.
    public : (m, d) float
        Unit directions of public faces.

    Returns
    -------
    (n, d) float64
        Unit rows; each depends on its own template alone.
    """
    values, public = np.asarray(values, dtype=np.float64), np.asarray(public, dtype=np.float64)
    prior, d = _Prior.of(public, windows), public.shape[1]
    found = np.empty((len(values), d))
    for first in range(0, len(values), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        found[some] = _solved(values[some], prior)[:, :d]
    directions = unit(found)
    return directions * _signs(directions, public, rng)[:, None]


@dataclass(frozen=True, eq=False)
class _Prior:
    """What is known of faces and keys beforehand.

    Attributes
    ----------
    windows : Windows
    second : (padded, padded) float64
        Mean products of the coordinates of public faces; zero where windows are filled up with zeros.
    noise : (powers + 1,) float64
        Variance of a value's terms whose power is above k.
    coefficient : float
        Variance of a coefficient.
    """

    windows: Windows
    second: FloatArray
    noise: FloatArray
    coefficient: float

    @classmethod
    def of(cls, faces: FloatArray, windows: Windows) -> _Prior:
        from sklearn.covariance import ledoit_wolf

        d = faces.shape[1]
        size = max(d, int(windows.starts[-1]) + windows.terms)
        second = np.zeros((size, size))
        second[:d, :d], _ = ledoit_wolf(faces, assume_centered=True)
        coefficient = (windows.largest + 1) * (2 * windows.largest + 1) / 6
        of_power = [coefficient * float(np.mean(faces ** (2 * power))) for power in range(1, windows.terms + 1)]
        noise = np.array([sum(of_power[power:]) for power in range(windows.terms + 1)])
        return cls(windows, second, noise, coefficient)

    def at(self, place: int) -> Index:
        """(length,) the coordinate at one place of every window."""
        return self.windows.starts + place


@dataclass(frozen=True, eq=False)
class _Fit:
    """Faces (n, padded) and coefficients (n, powers) that explain templates, and the log evidence (n,) of their places.

    ``places`` (n, powers) are those of the powers 1, 2, ... in a window.
    """

    faces: FloatArray
    coefficients: FloatArray
    places: Index
    evidence: FloatArray

    def better(self, rows: Index, other: _Fit) -> None:
        """Takes what ``other``, a fit of ``rows``, explains better."""
        wins = other.evidence > self.evidence[rows]
        taken = rows[wins]
        self.faces[taken], self.coefficients[taken] = other.faces[wins], other.coefficients[wins]
        self.places[taken], self.evidence[taken] = other.places[wins], other.evidence[wins]

    @classmethod
    def none(cls, n: int, size: int, powers: int) -> _Fit:
        return cls(
            np.zeros((n, size)), np.zeros((n, powers)), np.zeros((n, powers), dtype=np.intp), np.full(n, -np.inf)
        )


def _solved(values: FloatArray, prior: _Prior) -> FloatArray:
    """(n, padded) faces up to sign."""
    terms, size = prior.windows.terms, len(prior.second)
    starts = [_start(values, place, prior) for place in range(terms)]
    evidence = np.stack([start.evidence for start in starts], axis=1)
    order = np.argsort(-evidence, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    followed = (rank < _PLACES_KEPT) & (evidence > evidence.max(axis=1, keepdims=True) - _FARTHEST)
    powers = min(2, terms)
    best = _Fit.none(len(values), size, powers)
    for place, start in enumerate(starts):
        rows = np.flatnonzero(followed[:, place])
        for more in _free(terms, (place,)) if powers == 2 else ((),):
            _extend(best, values, rows, (place, *more), (start.faces, start.coefficients), prior, _ROUNDS)
    for power in range(3, min(_POWERS, terms) + 1):
        longer = _Fit.none(len(values), size, power)
        for places in np.unique(best.places, axis=0):
            rows = np.flatnonzero((best.places == places).all(axis=1))
            for more in _free(terms, tuple(places)):
                _extend(longer, values, rows, (*places, *more), (best.faces, best.coefficients), prior, _LATER_ROUNDS)
        best = longer
    return best.faces


def _free(terms: int, taken: Sequence[int]) -> list[tuple[int]]:
    return [(place,) for place in range(terms) if place not in taken]


def _extend(
    best: _Fit,
    values: FloatArray,
    rows: Index,
    places: tuple[int, ...],
    start: tuple[FloatArray, FloatArray],
    prior: _Prior,
    rounds: int,
) -> None:
    if len(rows):
        faces, coefficients = (part[rows] for part in start)
        more = np.zeros((len(rows), len(places) - coefficients.shape[1]))
        best.better(rows, _climbed(values[rows], places, (faces, np.hstack([coefficients, more])), prior, rounds))


def _start(values: FloatArray, place: int, prior: _Prior) -> _Fit:
    """The faces if the linear term stands at ``place`` and all else is white noise, by the best scale of both."""
    at = prior.at(place)
    spread, axes = np.linalg.eigh(prior.second[np.ix_(at, at)])
    spread = np.maximum(spread, 0)
    turned = values @ axes
    square = np.maximum((values**2).mean(axis=1), np.finfo(np.float64).tiny)
    scale = np.sqrt(square * len(at) / spread.sum())
    best = np.full(len(values), -np.inf)
    chosen = np.zeros((len(values), 2))
    for share in _SCALES:
        for rest in _RESTS:
            variance = (share * scale[:, None]) ** 2 * spread + rest * square[:, None]
            evidence = -0.5 * (turned**2 / variance + np.log(variance)).sum(axis=1)
            wins = evidence > best
            best[wins] = evidence[wins]
            chosen[wins] = np.column_stack([share * scale, rest * square])[wins]
    slope, rest_variance = chosen[:, :1], chosen[:, 1:]
    weights = slope * turned / (slope**2 * spread + rest_variance)
    faces = unit(weights @ axes.T @ prior.second[at])
    return _Fit(faces, slope, np.full((len(values), 1), place), best)


def _climbed(
    values: FloatArray, places: tuple[int, ...], start: tuple[FloatArray, FloatArray], prior: _Prior, rounds: int
) -> _Fit:
    """Gauss-Newton for the faces, the coefficients and the length of one, from noise that is cooled down."""
    faces, coefficients = start
    ats = [prior.at(place) for place in places]
    floor = prior.noise[len(places)] + _LEAST_NOISE**2 * (values**2).mean(axis=1)
    misfit = ((values - _terms(faces, coefficients, ats).sum(axis=0)) ** 2).mean(axis=1)
    for number in range(rounds):
        level = np.maximum(floor, misfit * _COOLING**number)
        step = _Step.of(values, faces, coefficients, ats, prior)
        to_faces, to_coefficients = step.solved(level, prior)
        move = to_faces - faces
        share = np.minimum(1, _LONGEST_STEP / np.maximum(np.linalg.norm(move, axis=1), 1e-12))[:, None]
        faces, coefficients = faces + share * move, coefficients + share * (to_coefficients - coefficients)
    beyond = (np.abs(coefficients) > prior.windows.largest + _SLACK).any(axis=1)
    evidence = _Step.of(values, faces, coefficients, ats, prior).evidence(floor) - _PENALTY * beyond
    return _Fit(faces, coefficients, np.tile(np.array(places, dtype=np.intp), (len(values), 1)), evidence)


def _terms(faces: FloatArray, coefficients: FloatArray, ats: Sequence[Index]) -> FloatArray:
    """(powers, n, length) the terms of every value."""
    return np.stack([coefficients[:, [k]] * faces[:, at] ** (k + 1) for k, at in enumerate(ats)])


@dataclass(frozen=True, eq=False)
class _Step:
    """The values and the squared length as linear functions of faces and coefficients, near where a fit stands."""

    residual: FloatArray  # (n, length + 1): what is observed, less the linear functions at zero
    inner: FloatArray  # (n, length + 1, length + 1): covariance of the functions beforehand
    outer: FloatArray  # (n, size, length + 1): of faces and functions
    slopes: FloatArray  # (n, length + 1, powers): of the functions in the coefficients

    @classmethod
    def of(
        cls, values: FloatArray, faces: FloatArray, coefficients: FloatArray, ats: Sequence[Index], prior: _Prior
    ) -> _Step:
        n, length = values.shape
        second, powers = prior.second, len(ats)
        slopes = np.zeros((n, length + 1, powers))
        factors = []
        for k, at in enumerate(ats):
            lower = faces[:, at] ** k
            slopes[:, :length, k] = lower * faces[:, at]
            factors.append((k + 1) * coefficients[:, [k]] * lower)
        outer = np.empty((n, len(second), length + 1))
        outer[:, :, :length] = sum(second[:, at] * factor[:, None] for at, factor in zip(ats, factors, strict=True))
        outer[:, :, length] = 2 * faces @ second
        inner = np.zeros((n, length + 1, length + 1))
        for at, factor in zip(ats, factors, strict=True):
            inner[:, :length] += factor[:, :, None] * outer[:, at]
        inner[:, length] = 2 * np.matmul(faces[:, None], outer)[:, 0]
        inner += prior.coefficient * np.matmul(slopes, slopes.transpose(0, 2, 1))
        # What is observed, less the function here, plus its slope times where the fit stands. A value is linear in the
        # coefficients, so their share of the slope is the function itself.
        along = sum(factor * faces[:, at] for at, factor in zip(ats, factors, strict=True))
        residual = np.column_stack([values + along, 1 + (faces**2).sum(axis=1)])
        return cls(residual, inner, outer, slopes)

    def solved(self, noise: FloatArray, prior: _Prior) -> tuple[FloatArray, FloatArray]:
        """The posterior means of faces and coefficients."""
        dual = np.linalg.solve(self._covariance(noise), self.residual[:, :, None])
        faces = np.matmul(self.outer, dual)[:, :, 0]
        return faces, prior.coefficient * np.matmul(self.slopes.transpose(0, 2, 1), dual)[:, :, 0]

    def evidence(self, noise: FloatArray) -> FloatArray:
        """(n,) log likelihood of what is observed, up to a constant."""
        whole = self._covariance(noise)
        dual = np.linalg.solve(whole, self.residual[:, :, None])[:, :, 0]
        return np.asarray(-0.5 * ((self.residual * dual).sum(axis=1) + np.linalg.slogdet(whole)[1]))

    def _covariance(self, noise: FloatArray) -> FloatArray:
        whole = self.inner.copy()
        places = np.arange(whole.shape[1])
        whole[:, places[:-1], places[:-1]] += noise[:, None]
        whole[:, -1, -1] += _NORM_NOISE**2
        return whole


def _signs(found: FloatArray, public: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n,) 1 or -1: whether a direction or its mirror image looks more like a public face.

    A kernel ridge regression of 1 on public faces, and so of -1 on their mirror images: the kernel sinh(v.w) is odd.
    It is the Gaussian kernel of unit rows, ``exp(v.w)``, less that of a mirror image. Not Gaussian is what tells:
    faces of two classes, say, lie to both sides of their mean, but not in equal numbers.
    """
    from scipy.linalg import solve

    faces = public[rng.permutation(len(public))[:_MOST_FACES]]
    kernel = np.sinh(faces @ faces.T) / np.sinh(1) + _SIGN_RIDGE * np.eye(len(faces))
    weights = solve(kernel, np.ones(len(faces)), assume_a="pos")
    return np.where(np.sinh(found @ faces.T) @ weights >= 0, 1.0, -1.0)
