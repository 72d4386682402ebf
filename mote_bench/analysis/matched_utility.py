"""Matched utility: does a scheme leak less than plain vectors with noise that reject as many genuine probes?

Gaussian noise on references is protection that anybody gets for nothing. The plain vector and its levels of noise form
a reference curve per question: the strongest attack's figure against the FNMR. Each row of a board is held against the
curve at its own FNMR.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mote_bench.contracts import FloatArray, Measurement
from mote_bench.toolkit import stream

from .resampling import Influenced, redrawn
from .resolution import Resolution, median_half_width
from .selection import DISCLOSED, Reading, leak

LESS = "leaks less than noise"
MORE = "worse than noise"
UNCLEAR = "not distinguished from noise"
REJECTS_MORE = "not comparable: rejects more genuine probes than any level"
REJECTS_FEWER = "not comparable: rejects fewer genuine probes than the plain vector"
UNMEASURED = "not measured"
VERDICTS = (LESS, UNCLEAR, MORE, REJECTS_FEWER, REJECTS_MORE, UNMEASURED)
"""All verdicts, the best first."""
COMPARED = (LESS, UNCLEAR, MORE)

MOST_REJECTED = 0.5
"""A scheme whose FNMR, with stolen keys if it has keys, may lie above this by its interval isn't shown to be of use. It
stands after those that are, and has no rank at matched utility."""
FEWEST = 5
"""Fewest measured points for which there is a curve."""
_ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class Operating:
    """A row, or a level of noise: how many genuine probes it rejects, and what its strongest attack gets.

    Attributes
    ----------
    name, scheme, key : str
        As the board's row has them.
    fnmr, headline : Measurement, optional
        ``None`` where it was not measured.
    attack, record : str
        The strongest attack, and its record's address relative to the boards.
    attacks : int
        How many attacks have a result. A row with fewer than the levels may leak more than it shows.
    influence : pair of mappings
        Influence of each subject on the FNMR and on the headline.
    """

    name: str
    scheme: str
    key: str
    fnmr: Measurement | None
    headline: Measurement | None
    attack: str = ""
    record: str = ""
    attacks: int = 0
    influence: tuple[Mapping[int, float], Mapping[int, float]] = field(default=({}, {}), repr=False)


@dataclass(frozen=True)
class Difference:
    """What a row leaks beyond the curve, in the headline's unit, with its 95 % interval; above 0 leaks more."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Held:
    """A row held against the curve of one question.

    Attributes
    ----------
    noise : Measurement, optional
        The curve's headline at the row's FNMR; ``None``, like ``difference`` and ``rank``, where they aren't compared.
    verdict : str
        One of :data:`VERDICTS`.
    rank : int, optional
        1 plus the number of rows whose difference is lower in 97.5 % of the draws. ``None`` also where the row may
        reject half of the genuine probes, as its privacy is of no use.
    shared : bool
        Whether another row has the same rank.
    """

    row: Operating
    verdict: str
    noise: Measurement | None = None
    difference: Difference | None = None
    rank: int | None = None
    shared: bool = False

    @property
    def useless(self) -> bool:
        """Whether the row is compared but may reject half of the genuine probes, so that it has no rank."""
        return self.difference is not None and may_reject_half(self.row.fnmr)

    @property
    def place(self) -> str:
        """The rank as written: ``2``, ``2=`` when shared, why there is none, or empty where the row isn't compared."""
        if self.useless:
            return "none: may reject half"
        return "" if self.rank is None else f"{self.rank}{'=' if self.shared else ''}"


@dataclass(frozen=True)
class Matched:
    """The reference curve of one question, least noise first, and the rows held against it, the best first.

    Attributes
    ----------
    resolution : Resolution, optional
        The smallest difference that the ranking resolves; ``None`` with fewer than two ranked rows.
    """

    question: str
    metric: str
    levels: tuple[Operating, ...]
    rows: tuple[Held, ...]
    resolution: Resolution | None = None


@dataclass(frozen=True)
class AgainstNoise:
    """One scheme at matched utility, over all questions.

    Attributes
    ----------
    mean_rank : float
        Mean rank of its weaker row; a question without a rank counts as the last one.
    verdicts : tuple of (str, str)
        Question and verdict, of the row without the system's secrets.
    """

    mean_rank: float
    verdicts: tuple[tuple[str, str], ...]

    def of(self, verdict: str) -> tuple[str, ...]:
        """The questions with this verdict."""
        return tuple(question for question, found in self.verdicts if found == verdict)


def may_reject_half(fnmr: Measurement | None) -> bool:
    """Whether the interval of an FNMR reaches above one half."""
    return fnmr is not None and fnmr.high > MOST_REJECTED


def by_scheme(questions: Sequence[Matched]) -> dict[str, AgainstNoise]:
    """Each scheme that is held against noise, lowest mean rank first."""
    last = max((len(one.rows) for one in questions), default=0)
    ranks: dict[str, dict[str, list[int]]] = {}
    verdicts: dict[str, list[tuple[str, str]]] = {}
    for one in questions:
        for held in one.rows:
            row = held.row
            ranks.setdefault(row.scheme, {}).setdefault(row.name, []).append(held.rank or last)
            if row.key != DISCLOSED:
                verdicts.setdefault(row.scheme, []).append((one.question, held.verdict))
    means = {scheme: max(sum(one) / len(one) for one in rows.values()) for scheme, rows in ranks.items()}
    order = sorted(means, key=lambda scheme: (means[scheme], scheme))
    return {scheme: AgainstNoise(means[scheme], tuple(verdicts.get(scheme, ()))) for scheme in order}


def matched(reading: Reading, levels: Sequence[Operating], rows: Sequence[Operating], *, data: str) -> Matched | None:
    """The curve of a question and all rows against it; ``None`` where fewer than five points of it were measured.

    The interval of a difference is a paired bootstrap over subjects (:func:`~.resampling.redrawn`). Each draw moves the
    FNMR and the headline of all levels and of the row together, as far as they have subjects in common. The curve is
    then made anew and read at the row's FNMR of that draw. So the interval holds the errors of the row, of each level
    and of the match, and what they share cancels. A figure whose record holds no influence of subjects moves on its
    own, which makes the interval wider. The attacks are as chosen on the selection subjects: where these are few, a
    weaker attack may be chosen on some level, and the interval doesn't hold that.

    Parameters
    ----------
    levels : sequence of Operating
        The plain vector, then its levels of noise, least noise first.
    data : str
        The data's name, from which the random stream is derived.
    """
    measured = [one for one in levels if one.fnmr and one.headline]
    if len(measured) < FEWEST:
        return None
    known = [row for row in rows if row.fnmr and row.headline]
    draws = redrawn([*_figures(measured), *_figures(known)], stream(0, "matched utility", reading.question, data))
    curve = _Curve.of(reading, measured, draws)
    places = range(2 * len(measured), draws.shape[1], 2)
    held = [curve.against(row, draws[:, place : place + 2]) for place, row in zip(places, known, strict=True)]
    missing = [Held(row, UNMEASURED) for row in rows if not (row.fnmr and row.headline)]
    in_order = tuple(_in_order([*_ranked(held), *missing]))
    return Matched(reading.question, reading.headline, tuple(measured), in_order, _resolution(reading.question, held))


def decreasing(values: FloatArray) -> FloatArray:
    """(..., k) the nearest values that never rise along the last axis: isotonic regression by its min-max formula.

    Value i is the least, over starts a <= i, of the largest, over ends b >= i, mean of values a to b (Barlow et al.,
    "Statistical inference under order restrictions", 1972, section 1.4).
    """
    count = values.shape[-1]
    sums = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    made = np.empty(values.shape)
    for i in range(count):
        largest = [
            np.max([(sums[..., b + 1] - sums[..., a]) / (b + 1 - a) for b in range(i, count)], axis=0)
            for a in range(i + 1)
        ]
        made[..., i] = np.min(largest, axis=0)
    return made


def interpolated(across: FloatArray, up: FloatArray, at: FloatArray) -> FloatArray:
    """(...) heights at ``at`` (...) of lines through points (``across``, ``up``), both (..., k).

    ``across`` never falls. Beyond an end the height is that of the end; of points above each other the last counts.
    """
    after = (across <= at[..., None]).sum(axis=-1)
    ends = [np.clip(place, 0, across.shape[-1] - 1)[..., None] for place in (after - 1, after)]
    (x0, x1), (y0, y1) = ([np.take_along_axis(axis, end, axis=-1)[..., 0] for end in ends] for axis in (across, up))
    share = np.divide(at - x0, x1 - x0, out=np.zeros(np.shape(at)), where=x1 > x0)
    return np.asarray(y0 + np.clip(share, 0, 1) * (y1 - y0))


@dataclass(frozen=True, eq=False)
class _Curve:
    """The curve and its draws: FNMR never falls and leakage never rises with the level of noise."""

    reading: Reading
    fnmr: FloatArray
    leaks: FloatArray
    drawn_fnmr: FloatArray
    drawn_leaks: FloatArray

    @classmethod
    def of(cls, reading: Reading, levels: Sequence[Operating], draws: FloatArray) -> _Curve:
        values = np.array([one.value for one, _ in _figures(levels)])
        drawn = draws[:, : len(values)]
        sign = leak(reading, 1.0)
        fnmr, drawn_fnmr = (-decreasing(-of[..., 0::2]) for of in (values, drawn))
        leaks, drawn_leaks = (decreasing(sign * of[..., 1::2]) for of in (values, drawn))
        return cls(reading, fnmr, leaks, drawn_fnmr, drawn_leaks)

    def against(self, row: Operating, draws: FloatArray) -> tuple[Held, FloatArray]:
        """The row against the curve at its FNMR, and the draws of the difference; none where they aren't compared.

        Rows that reject more than the last level are beyond what was measured: the curve falls on there by an unknown
        amount. At the other end, rows are compared with the plain vector itself unless their interval is below it.
        """
        assert row.fnmr is not None
        assert row.headline is not None
        if row.fnmr.value > self.fnmr[-1]:
            return Held(row, REJECTS_MORE), np.empty(0)
        if row.fnmr.high < self.fnmr[0]:
            return Held(row, REJECTS_FEWER), np.empty(0)
        sign = leak(self.reading, 1.0)
        level = float(interpolated(self.fnmr, self.leaks, np.array(row.fnmr.value)))
        drawn = interpolated(self.drawn_fnmr, self.drawn_leaks, draws[:, 0])
        apart = sign * draws[:, 1] - drawn
        found = Difference(*_with_ends(sign * row.headline.value - level, apart))
        value, low, high = _with_ends(sign * level, sign * drawn)
        noise = replace(row.headline, value=value, low=low, high=high, floor=None, ceiling=None)
        verdict = LESS if found.high < 0 else MORE if found.low > 0 else UNCLEAR
        return Held(row, verdict, noise, found), apart


def _with_ends(value: float, drawn: FloatArray) -> tuple[float, float, float]:
    """A value with the 95 % interval of its draws, which is made to hold it."""
    low, high = np.quantile(drawn, _ENDS)
    return value, float(min(low, value)), float(max(high, value))


def _figures(of: Sequence[Operating]) -> list[Influenced]:
    """Of each row its FNMR and its headline, in turn."""
    return [
        (one, influence)
        for row in of
        for one, influence in zip((row.fnmr, row.headline), row.influence, strict=True)
        if one is not None
    ]


def _ranked(held: Sequence[tuple[Held, FloatArray]]) -> list[Held]:
    """Ranks by paired draws: what two rows share, such as the curve's errors, doesn't keep them together."""
    drawn = [draws for one, draws in held if _ranks(one)]
    ranks = [1 + sum(float((other < own).mean()) >= _ENDS[1] for other in drawn) for own in drawn]
    counts, free = Counter(ranks), iter(ranks)
    made = []
    for one, _ in held:
        rank = next(free) if _ranks(one) else None
        made.append(replace(one, rank=rank, shared=rank is not None and counts[rank] > 1))
    return made


def _ranks(one: Held) -> bool:
    """Whether a row is ranked: it is compared, and shown to reject fewer than half of the genuine probes."""
    return one.difference is not None and not one.useless


def _resolution(question: str, held: Sequence[tuple[Held, FloatArray]]) -> Resolution | None:
    """The smallest difference that the ranked rows' order resolves, from their paired draws."""
    ranked = [(one.difference.value, one, draws) for one, draws in held if one.difference and _ranks(one)]
    if len(ranked) < 2:
        return None
    ranked.sort(key=lambda each: each[0])
    counts = [one.row.headline.n for _, one, _ in ranked if one.row.headline]
    drawn = np.stack([draws for _, _, draws in ranked], axis=1)
    return Resolution(question, median_half_width(drawn), min(counts), len(ranked) - 1)


def _in_order(held: Sequence[Held]) -> list[Held]:
    """Ranked rows by their rank and difference, then those that may reject half, then the others by their verdict."""

    def order(one: Held) -> tuple[int, int, float, str]:
        if one.difference is None:
            return 2, VERDICTS.index(one.verdict), 0.0, one.row.name
        return (
            (1, 0, one.difference.value, one.row.name)
            if one.rank is None
            else (0, one.rank, one.difference.value, one.row.name)
        )

    return sorted(held, key=order)
