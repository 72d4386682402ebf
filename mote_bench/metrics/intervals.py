"""95 % confidence intervals over subjects: proportions (clustered, paired), their combinations, means, bootstraps.

Subjects are the sampling unit. Trials of one subject are correlated, and so are scores that share a subject. So each
proportion has an effective sample size (Kish): the number of independent trials with the same information. Its
interval is Wilson's with that number (Korn & Graubard, Survey Methodology 24, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from mote_bench.contracts import FloatArray

Interval = tuple[float, float]

Z = float(special.ndtri(0.975))


@dataclass(frozen=True, eq=False)
class Proportion:
    """A rate with its effective sample size and the influence of each subject.

    Attributes
    ----------
    value : float
        Successes per trial.
    effective : float
        Effective sample size: number of independent trials with the same information.
    influence : (P,) float
        Influence of each subject on the rate: about the change of the rate without them, with opposite sign.
    """

    value: float
    effective: float
    influence: FloatArray

    @property
    def interval(self) -> Interval:
        """:func:`modified_wilson` at the effective sample size."""
        return modified_wilson(self.value * self.effective, self.effective)


def wilson(successes: float, n: float) -> Interval:
    """Wilson's score interval of a proportion (JASA 22, 1927; Brown, Cai & DasGupta 2001).

    ``successes`` and ``n`` may be fractional (shared credit, effective trials). No trials give (0, 1).
    """
    _check_counts(successes, n)
    if n == 0:
        return 0.0, 1.0
    low, high = wilson_bounds(np.array(successes / n), n)
    return (0.0 if successes == 0 else float(low)), (1.0 if successes == n else float(high))


def wilson_bounds(rate: FloatArray, n: float) -> tuple[FloatArray, FloatArray]:
    """:func:`wilson` for an array of rates with ``n`` trials each."""
    centre = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(rate * (1 - rate) / n + Z**2 / (4 * n**2))
    return np.clip(centre - half, 0, rate), np.clip(centre + half, rate, 1)


def modified_wilson(successes: float, n: float) -> Interval:
    """Modified Wilson interval: the bound near 0 or 1 is widened (Brown, Cai & DasGupta 2001, sec. 4.1.1).

    With one to three successes Wilson's lower bound is too high, and the coverage of rates near 1/n falls to 0.84.
    Brown, Cai & DasGupta (Statistical Science 16, 2001) use the one-sided 95 % bound there. Here that is the exact
    binomial bound, wherever it is the lower of the two, which it is at small counts only.
    """
    low, high = wilson(successes, n)
    if successes > 0:
        low = min(low, float(special.betaincinv(successes, n - successes + 1, 0.05)))
    if successes < n:
        high = max(high, 1 - float(special.betaincinv(n - successes, successes + 1, 0.05)))
    return low, high


def person_proportion(successes: FloatArray, trials: FloatArray) -> Proportion:
    """The rate over trials of independent subjects, each with one trial or more.

    The variance is that of a ratio of sums, linearised (Kish, Survey Sampling, 1965). Few successes (or failures)
    can't show how correlated one subject's trials are. So the variance is shrunk towards that of perfectly correlated
    trials, which has the weight of one subject with a success. Without any success it is that variance, and the
    interval is Wilson's over subjects.

    Parameters
    ----------
    successes, trials : (P,) float
        Per subject; shared credit may be fractional. Subjects without trials are ignored.
    """
    successes, trials = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    people, total = int((trials > 0).sum()), float(trials.sum())
    _check_people(people)
    rate = float(successes.sum() / total)
    residual = successes - rate * trials
    alike = float((trials**2).sum())
    effective = fewest = total**2 / alike
    if 0 < rate < 1:
        telling = min(int((successes > 0).sum()), int((successes < trials).sum()))
        spread = people / (people - 1) * float((residual**2).sum())
        variance = (telling * spread + rate * (1 - rate) * alike) / (telling + 1)
        effective = min(max(rate * (1 - rate) * total**2 / variance, fewest), total)
    return Proportion(rate, effective * _few_people(people), residual / total)


def pair_proportion(successes: FloatArray, trials: FloatArray) -> Proportion:
    """The rate over trials between two different subjects; trials that share a subject are correlated.

    The variance sums the products of all residuals that share a subject (Fafchamps & Gubert 2007; Aronow, Samii &
    Assenova, Political Analysis 23, 2015). A bootstrap over subjects that weights a pair by the counts of both would
    triple the variance due to the pair alone (Owen, Annals of Applied Statistics 1, 2007). If all trials agree, there
    is no variance to estimate, and the effective sample size is the number of subjects.

    Parameters
    ----------
    successes, trials : (P, P) float
        Row: the claimed subject; column: the subject of the probe. The diagonal must be zero.
    """
    successes, trials = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    people, total = int(((trials.sum(axis=0) + trials.sum(axis=1)) > 0).sum()), float(trials.sum())
    _check_people(people)
    rate = float(successes.sum() / total)
    residual = successes - rate * trials
    residual = residual + residual.T
    sums = PairSums(rate, total, people, residual.sum(axis=1), float((residual**2).sum()) / 2)
    return proportion_of_sums(sums)


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums over the trials between subjects, from which :func:`pair_proportion` is computed.

    Attributes
    ----------
    rate, total : float
        Successes per trial, and the number of trials.
    people : int
        Number of subjects with a trial.
    influence : (P,) float
        Per subject, the sum of the residuals (successes minus rate times trials) of all pairs with this subject.
    squares : float
        Sum of the squared residuals of the unordered pairs.
    """

    rate: float
    total: float
    people: int
    influence: FloatArray
    squares: float


def proportion_of_sums(sums: PairSums) -> Proportion:
    """:func:`pair_proportion`, from sums over the trials."""
    _check_people(sums.people)
    rate, effective = sums.rate, float(sums.people)
    variance = max(float((sums.influence**2).sum()) - sums.squares, sums.squares)
    spread = rate * (1 - rate) * sums.total
    if 0 < rate < 1 and variance > 1e-9 * spread:  # no variance if all trials agree or all pairs have equal successes
        effective = min(max(spread * sums.total / variance, 1.0), sums.total)
    return Proportion(rate, effective * _few_people(sums.people), sums.influence / sums.total)


def clustered_wilson(successes: FloatArray, trials: FloatArray) -> Interval:
    """The interval of :func:`person_proportion`."""
    return person_proportion(successes, trials).interval


def correlation(one: Proportion, other: Proportion) -> float:
    """Correlation of two rates over the same subjects, in [-1, 1]; 0 if one of them has no variance."""
    length = float(np.sqrt((one.influence**2).sum() * (other.influence**2).sum()))
    return float(one.influence @ other.influence) / length if length > 0 else 0.0


def mover_mean(rates: FloatArray, lows: FloatArray, highs: FloatArray) -> Interval:
    """Interval of the mean of independent rates, from the rates' own intervals (MOVER).

    Newcombe, Statistics in Medicine 17 (1998) 873; Zou & Donner, Statistics in Medicine 27 (2008) 1693, for a linear
    combination: the distance of a bound from the mean is the root of the summed squared distances of the rates' own
    bounds, divided by the number of rates.
    """
    rates, lows, highs = (np.asarray(values, dtype=float) for values in (rates, lows, highs))
    mean = float(rates.mean())
    below = float(np.sqrt(((rates - lows) ** 2).sum())) / len(rates)
    above = float(np.sqrt(((highs - rates) ** 2).sum())) / len(rates)
    return max(0.0, mean - below), min(1.0, mean + above)


def mover_difference(one: Proportion, other: Proportion) -> Interval:
    """Interval of ``one - other``, two dependent rates of the same subjects (MOVER; Zou & Donner 2008)."""
    (low, high), (other_low, other_high) = one.interval, other.interval
    together = correlation(one, other)
    below = _apart(one.value - low, other_high - other.value, together)
    above = _apart(high - one.value, other.value - other_low, together)
    difference = one.value - other.value
    return max(-1.0, difference - below), min(1.0, difference + above)


def t_interval(values: FloatArray) -> Interval:
    """Student's interval of the mean of one value per subject, (P,) with P at least 2."""
    values = np.asarray(values, dtype=float)
    _check_people(len(values))
    half = special.stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def person_weights(rng: np.random.Generator, n_people: int, replicates: int) -> npt.NDArray[np.int64]:
    """(replicates, n_people) number of times each subject is drawn in each bootstrap sample of ``n_people``."""
    return rng.multinomial(n_people, np.full(n_people, 1 / n_people), size=replicates)


def percentile_interval(replicates: FloatArray) -> Interval:
    """The 2.5 and 97.5 % quantiles of bootstrap (or permutation) replicates, (R,)."""
    low, high = np.quantile(replicates, [0.025, 0.975])
    return float(low), float(high)


def centred_interval(value: float, replicates: FloatArray) -> Interval:
    """The percentile interval, shifted so that the replicates' mean is ``value``.

    For a statistic that is biased upwards at a finite size: resampling adds the bias a second time, so the plain
    percentiles may leave out the value itself. What is covered is the statistic's expectation at that size.
    """
    low, high = percentile_interval(replicates)
    shift = value - float(np.mean(replicates))
    return min(value, low + shift), max(value, high + shift)


def _apart(distance: float, other: float, together: float) -> float:
    return float(np.sqrt(max(distance**2 + other**2 - 2 * together * distance * other, 0.0)))


def _few_people(people: int) -> float:
    """Factor on the number of trials for a t quantile in place of a normal one (Korn & Graubard 1998)."""
    return float((Z / special.stdtrit(people - 1, 0.975)) ** 2)


def _check_counts(successes: float, n: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials; expected 0 <= successes <= trials")


def _check_people(people: int) -> None:
    if people < 2:
        raise ValueError(f"{people} people with a trial; expected at least 2, as the interval is over people")
