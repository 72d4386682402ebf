"""False-accept security in bits: minus log2 of the share of an attacker's faces that a template accepts, key known.

Three attackers present faces: of a prior (a Gaussian fitted to public embeddings), public faces, and directions drawn
uniformly. Each figure comes from the estimator that it needs. Acceptances are counted while there are enough of them.
Beyond, the upper tail of the public faces' scores is extrapolated a little, and fresh faces are bred towards rare
acceptances by multilevel splitting (subset simulation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import special

from mote_bench.contracts import FloatArray, Measurement
from mote_bench.toolkit import unit

from .intervals import Interval, percentile_interval
from .measured import Measured
from .tail import fitted

PRIOR, PUBLIC, UNIFORM = "prior", "public", "uniform"
BITS, LEAST_BITS = "false_accept_bits", "least_false_accept_bits"
"""The metrics: a figure, or where no face was accepted a lower bound in its place."""
COUNTING, TAIL, SPLITTING, NONE = "counting", "tail", "splitting", "no acceptance"
"""The estimators; with the last there is a lower bound only."""

_ENOUGH = 20
"""Acceptances that are counted; with fewer another estimator is tried."""
_TAIL_SHARE, _TAIL_LEAST, _BEYOND = 0.01, 50, 0.1
"""Of all scores the share that makes the tail, their least number, and the expected acceptances it is followed to."""
_REPLICATES = 200
_MOVED = 0.35
"""The share of proposed steps that should be taken: their width follows it."""
_FEW = 4
"""Subjects after which splitting ends, if it got to no threshold."""
_KEPT = 1 / 6
"""The share of faces that should reach the next level."""

Score = Callable[[int, FloatArray], FloatArray]
"""The scores (m,) of the template of a subject, under its key, against faces (m, d)."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Unit vectors along ``mean + axes z`` with z standard normal; ``axes`` is ``None`` for the identity.

    Attributes
    ----------
    mean : (d,) float32
    axes : (d, d) float32, optional
    """

    mean: FloatArray
    axes: FloatArray | None = None

    @classmethod
    def fitted(cls, faces: FloatArray) -> Self:
        """The prior of public embeddings (n, d), with a shrunk covariance.

        Ledoit & Wolf, J. Multivar. Anal. 88, 2004: there may be fewer faces than dimensions.
        """
        faces = np.asarray(faces, dtype=np.float64)
        mean = faces.mean(axis=0)
        covariance = shrunk_covariance(faces - mean)
        ridge = 1e-9 * np.trace(covariance) / len(covariance) + 1e-15
        axes = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))
        return cls(mean.astype(np.float32), axes.astype(np.float32))

    @classmethod
    def isotropic(cls, dimension: int) -> Self:
        """Directions drawn uniformly."""
        return cls(np.zeros(dimension, dtype=np.float32))

    @property
    def dimension(self) -> int:
        return len(self.mean)

    def faces(self, z: FloatArray) -> FloatArray:
        """(m, d) float32 unit rows at the coordinates ``z`` (m, d)."""
        return unit(self.mean + (z if self.axes is None else z @ self.axes.T)).astype(np.float32)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """(n, d) float32 unit rows."""
        return self.faces(rng.standard_normal((n, self.dimension), dtype=np.float32))


@dataclass(frozen=True, eq=False)
class Guesses:
    """The faces that an attacker presents: a prior, and public faces (k, d) themselves."""

    prior: Gaussian
    public: FloatArray

    @classmethod
    def of(cls, public: FloatArray, *, most: int, rng: np.random.Generator) -> Self:
        """The prior fitted to all public embeddings (n, d), and at most ``most`` of them, drawn at random."""
        few = public if len(public) <= most else public[np.sort(rng.choice(len(public), most, replace=False))]
        return cls(Gaussian.fitted(public), np.asarray(few, dtype=np.float32))


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes
    ----------
    subjects, faces : int
        Counting: templates at most, and faces presented to each of them.
    bred, particles : int
        Splitting: templates at most, and faces kept of each.
    moves : int
        Splitting: steps of every face in each level.
    levels : int
        Splitting: levels at most, each with about a sixth of the probability of the one before: 60 bits in all.
    """

    subjects: int = 100
    faces: int = 256
    bred: int = 12
    particles: int = 64
    moves: int = 5
    levels: int = 24


@dataclass(frozen=True)
class Share:
    """A mean acceptance over subjects with its interval; ``value`` is 0 where only the upper end is known."""

    value: float
    interval: Interval
    n: int
    estimator: str


def measure_security(
    score: Score,
    people: int,
    guesses: Guesses,
    thresholds: Mapping[str, float],
    *,
    rng: np.random.Generator,
    effort: Effort | None = None,
) -> Measured:
    """False-accept security in bits at each threshold: the most that it can be against an attacker offline.

    Parameters
    ----------
    score : callable
        Of the template of a subject, 0 to ``people - 1``, whose key is known.
    thresholds : mapping of FMR -> float
        The system accepts a score that reaches the threshold.

    Returns
    -------
    Measured
        ``false_accept_bits_W_at_fmr_X`` for W ``prior``, ``public`` and ``uniform``, with an interval over subjects.
        Where no face was accepted, ``least_false_accept_bits_W_at_fmr_X`` in its place: a lower bound, the one-sided
        97.5 % bound of no success in as many trials, or of the highest level that splitting got to.
        ``details["false_accept"]`` names each estimator.
    """
    effort, at = effort or Effort(), np.array(list(thresholds.values()), dtype=float)
    if not thresholds:
        return Measured(())
    chosen = rng.permutation(people)[: effort.subjects]
    sources: dict[str, Gaussian | FloatArray] = {
        PRIOR: guesses.prior,
        PUBLIC: guesses.public,
        UNIFORM: Gaussian.isotropic(guesses.prior.dimension),
    }
    scores = _scores(score, chosen, list(sources.values()), effort.faces, rng)
    measurements, estimators = [], {}
    for (group, source), own in zip(sources.items(), scores, strict=True):
        shares = [_counted(own, threshold) for threshold in at]
        rare = [place for place, threshold in enumerate(at) if (own >= threshold).sum() < _ENOUGH]
        if rare and isinstance(source, Gaussian):
            of_each = _of_each(score, chosen[: effort.bred], source, at[rare], rng, effort)
            for column, place in enumerate(rare):
                shares[place] = _bred(of_each, column, shares[place])
        else:
            for place in rare:
                shares[place] = _in_tail(own, at[place], rng, shares[place])
        for name, share in zip(thresholds, shares, strict=True):
            one = _in_bits(share, name, group)
            measurements.append(one)
            estimators[one.name] = share.estimator
    return Measured(tuple(measurements), {"false_accept": {"estimator": estimators}})


def shrunk_covariance(centred: FloatArray) -> FloatArray:
    """(d, d) the covariance of centred rows (n, d), shrunk towards a multiple of the identity (Ledoit & Wolf 2004)."""
    n, d = centred.shape
    sample = centred.T @ centred / n
    mean = np.trace(sample) / d
    apart = float(((sample - mean * np.eye(d)) ** 2).sum())
    noise = (float(((centred**2).sum(axis=1) ** 2).sum()) / n - float((sample**2).sum())) / n
    weight = min(noise, apart) / apart if apart > 0 else 0.0
    return np.asarray((1 - weight) * sample + weight * mean * np.eye(d))


def exact_interval(accepted: FloatArray, trials: int) -> Interval:
    """The exact binomial interval of the share accepted, at the effective number of trials.

    Korn & Graubard, Survey Methodology 24 (1998): the interval of Clopper & Pearson with the number of independent
    trials that have the same information. Without an acceptance, or with one, all trials count as independent.

    Parameters
    ----------
    accepted : (P,) float
        Acceptances of each subject's template.
    trials : int
        Faces presented to each.
    """
    total, n, hits = trials * len(accepted), len(accepted), float(accepted.sum())
    share, effect = hits / total, 1.0
    if 1 < hits < total and n > 1:
        spread = n / (n - 1) * float(((accepted - hits / n) ** 2).sum())
        effect = max(1.0, spread / (share * (1 - share) * total))
    effective = total / effect
    few = share * effective
    low = 0.0 if hits == 0 else float(special.betaincinv(few, effective - few + 1, 0.025))
    high = 1.0 if hits == total else float(special.betaincinv(few + 1, effective - few, 0.975))
    return low, high


def tail_share(scores: FloatArray, threshold: float) -> float | None:
    """The share of scores (k,) that reach a threshold, by a generalised Pareto distribution of the highest of them.

    Fitted by :func:`~mote_bench.metrics.tail.fitted`. ``None`` where the highest scores
    aren't graded (half of them or more are equal to others), or too few.
    """
    most = max(_TAIL_LEAST, int(_TAIL_SHARE * scores.size))
    if scores.size <= most:
        return None
    highest = np.partition(scores, scores.size - most - 1)[scores.size - most - 1 :]
    highest.sort()
    start, excess = highest[0], highest[1:] - highest[0]
    if len(np.unique(excess)) < most / 2:
        return None
    fit = fitted(excess)
    if threshold <= start or fit is None:
        return None
    return most / scores.size * fit.share(threshold - start)


@dataclass(frozen=True)
class Level:
    """A score that faces are bred to reach, and the width of the steps that they are moved by there."""

    score: float
    width: float


@dataclass(frozen=True, eq=False)
class Nested:
    """Probabilities (T,) that thresholds are reached, by splitting: 0 where no face was seen to; ``beyond`` is the
    probability of the highest level that faces got to, which that of such a threshold is below."""

    found: FloatArray
    beyond: float


def split(
    score: Callable[[FloatArray], FloatArray],
    source: Gaussian,
    thresholds: FloatArray,
    rng: np.random.Generator,
    effort: Effort,
) -> Nested:
    """The probability that a face of ``source`` reaches each threshold, by multilevel splitting (nested caps).

    Subset simulation (Au & Beck, Probabilistic Engineering Mechanics 16, 2001). At each level the faces that reach it
    are kept, redrawn to the full number, and moved by steps that keep the source's distribution and the level
    (preconditioned Crank-Nicolson). The probability is the product of the shares kept. Where no face gets to a
    level, it ends. The levels come from a first run of half as many faces. So they don't depend on the second run, and
    the mean of the estimate is the probability. Levels and shares of one run would give too much (Cerou & Guyader,
    Stochastic Analysis and Applications 25, 2007).
    """
    levels = _levels(score, source, float(thresholds.max()), rng, effort)
    ends = [-np.inf, *(level.score for level in levels), np.inf]
    herd, found = _Herd(score, source, effort.particles, rng), np.zeros(len(thresholds))
    reached = 1.0
    for place, level in enumerate((*levels, None)):
        here = (thresholds >= ends[place]) & (thresholds < ends[place + 1])
        found[here] = reached * (herd.scores[:, None] >= thresholds[here]).mean(axis=0)
        if level is None or (kept := float((herd.scores >= level.score).mean())) == 0:
            break
        reached *= kept
        herd.keep(level.score, rng)
        for _ in range(effort.moves):
            herd.move(level, rng)
    return Nested(found, reached)


def _levels(
    score: Callable[[FloatArray], FloatArray],
    source: Gaussian,
    highest: float,
    rng: np.random.Generator,
    effort: Effort,
) -> list[Level]:
    """Levels below ``highest``, each reached by about a sixth of the faces at the one before."""
    herd, width, levels = _Herd(score, source, effort.particles // 2, rng), 0.5, list[Level]()
    while len(levels) < effort.levels:
        level = _next_level(herd.scores)
        if level is None or level >= highest:
            break
        herd.keep(level, rng)
        for _ in range(-(-effort.moves // 2)):
            moved = herd.move(Level(level, width), rng)
            width = float(np.clip(width * np.exp(moved - _MOVED), 0.02, 1.0))
        levels.append(Level(level, width))
    return levels


class _Herd:
    """Faces that are bred towards acceptance: their coordinates (n, d) and scores (n,)."""

    def __init__(
        self, score: Callable[[FloatArray], FloatArray], source: Gaussian, n: int, rng: np.random.Generator
    ) -> None:
        self.score, self.source = score, source
        self.z: FloatArray = rng.standard_normal((n, source.dimension), dtype=np.float32)
        self.scores = np.array(score(source.faces(self.z)), dtype=np.float64)

    def keep(self, level: float, rng: np.random.Generator) -> None:
        """Replace the faces below the level by copies of others."""
        kept = rng.choice(np.flatnonzero(self.scores >= level), len(self.scores))
        self.z, self.scores = self.z[kept], self.scores[kept]

    def move(self, level: Level, rng: np.random.Generator) -> float:
        """Propose a step for every face, take those that stay above the level; the share taken."""
        step = rng.standard_normal(self.z.shape, dtype=np.float32)
        moved = np.float32(np.sqrt(1 - level.width**2)) * self.z + np.float32(level.width) * step
        scores = self.score(self.source.faces(moved))
        stays = scores >= level.score
        self.z[stays], self.scores[stays] = moved[stays], scores[stays]
        return float(stays.mean())


def _next_level(scores: FloatArray) -> float | None:
    """The highest score that :data:`_KEPT` of all reach, and not all; ``None`` where all are equal."""
    values = np.unique(scores)
    if len(values) == 1:
        return None
    reach = 1 - np.searchsorted(np.sort(scores), values) / len(scores)
    enough = values[(reach >= _KEPT) & (reach < 1)]
    return float(enough[-1] if len(enough) else values[1])


def _scores(
    score: Score,
    people: npt.NDArray[np.intp],
    sources: Sequence[Gaussian | FloatArray],
    faces: int,
    rng: np.random.Generator,
) -> list[FloatArray]:
    """Of each source the scores (P, m) of its faces, others for each subject. Each template is used once, as a key's
    expansion may take long."""
    rows = []
    for one in people:
        presented = [_presented(source, faces, rng) for source in sources]
        ends = np.cumsum([len(some) for some in presented])[:-1]
        rows.append(np.split(np.asarray(score(int(one), np.concatenate(presented)), dtype=np.float64), ends))
    return [np.stack(of_source) for of_source in zip(*rows, strict=True)]


def _of_each(
    score: Score,
    people: npt.NDArray[np.intp],
    source: Gaussian,
    thresholds: FloatArray,
    rng: np.random.Generator,
    effort: Effort,
) -> list[Nested]:
    """Splitting for each subject; for a few only, where it gets to no threshold of theirs."""
    found: list[Nested] = []
    for one in people:
        found.append(split(partial(score, int(one)), source, thresholds, rng, effort))
        if len(found) == _FEW and not any(nested.found.any() for nested in found):
            break
    return found


def _presented(source: Gaussian | FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    """Fresh faces of a prior, or public faces without repetition."""
    if isinstance(source, Gaussian):
        return source.sample(n, rng)
    return source if len(source) <= n else source[rng.choice(len(source), n, replace=False)]


def _counted(scores: FloatArray, threshold: float) -> Share:
    """The share of the scores (P, m) that reach the threshold."""
    accepted = (scores >= threshold).sum(axis=1, dtype=np.float64)
    value = float(accepted.sum() / scores.size)
    return Share(value, exact_interval(accepted, scores.shape[1]), len(scores), COUNTING if value else NONE)


def _bred(of_each: list[Nested], place: int, counted: Share) -> Share:
    """The mean of subjects' probabilities by splitting, or a bound of it; ``counted`` where that says more."""
    found, people = np.array([one.found[place] for one in of_each]), len(of_each)
    if people < 2:
        return counted
    if (found > 0).mean() >= 0.5:
        return Share(float(found.mean()), logarithmic_interval(found), people, SPLITTING)
    high = logarithmic_interval(np.array([one.beyond for one in of_each]))[1]
    return Share(0.0, (0.0, high), people, SPLITTING) if not counted.value and high < counted.interval[1] else counted


def logarithmic_interval(values: FloatArray) -> Interval:
    """Student's interval of the mean of one probability per subject (P,), on a logarithmic scale.

    A few subjects may be accepted many times as often as most, so the mean of few subjects varies by factors. The
    variance is that of the mean, linearised.
    """
    value, people = float(values.mean()), len(values)
    half = float(special.stdtrit(people - 1, 0.975) * values.std(ddof=1) / np.sqrt(people) / value)
    return value * float(np.exp(-half)), min(1.0, value * float(np.exp(half)))


def _in_tail(scores: FloatArray, threshold: float, rng: np.random.Generator, counted: Share) -> Share:
    """The share by :func:`tail_share`, with a bootstrap over subjects; ``counted`` where it can't be extrapolated."""
    value, people = tail_share(scores.ravel(), threshold), len(scores)
    if value is None or value * scores.size < _BEYOND:
        return counted
    drawn = rng.integers(people, size=(_REPLICATES, people))
    again = [tail_share(scores[rows].ravel(), threshold) for rows in drawn]
    low, high = percentile_interval(np.array([0.0 if one is None else one for one in again]))
    return Share(value, (min(low, value), max(high, value)), people, TAIL) if low > 0 else counted


def _in_bits(share: Share, at: str, group: str) -> Measurement:
    """The measurement of a share; a lower bound where none was accepted."""
    low, high = share.interval
    if not share.value:
        bound = _bits(high)
        return Measurement(LEAST_BITS, bound, bound, bound, share.n, at=at, group=(group,))
    value, least, most = _bits(share.value), _bits(high), _bits(low)
    return Measurement(BITS, value, least, most, share.n, at=at, group=(group,))


def _bits(share: float) -> float:
    return float(-np.log2(share)) + 0.0
