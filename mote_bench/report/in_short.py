"""The first lines of a board: which schemes leak least to each attacker; how to see whether a difference is real."""

from __future__ import annotations

from dataclasses import dataclass

from mote_bench.analysis.least import Kept, Least, least
from mote_bench.analysis.share import Share
from mote_bench.analysis.threat_matrix import ThreatMatrix
from mote_bench.formatting import percent, plural

from .matrix_columns import share_span

ABOUT = (
    "Schemes that leak least to each attacker, as a share of the ceiling; the table below holds all. Schemes stand "
    "together where their 95 % intervals overlap with the lowest one's, in the order of their FNMR. Controls, and "
    "schemes that may reject half of the genuine probes, are left out. A scheme that fewer attacks were run on, as its "
    "notes say, may leak more than it shows."
)
REAL = (
    "Is a difference between two schemes real? Choose both at Compare above. Intervals that do not overlap show a "
    "difference; intervals that overlap leave it open. A heading sorts its table."
)
"""Shown on a screen alone: the page's script compares and sorts."""
_WORDS = {
    "algorithm": "Stolen records and the algorithm, keys kept",
    "keys": "The keys stolen too",
    "secrets": "The secrets of the system stolen too",
    "online_scores": "Online access to scores, nothing stolen",
    "online_decisions": "Online access to decisions, nothing stolen",
}
_MOST = 8
"""Schemes that a line names; the table shows all."""


@dataclass(frozen=True)
class Line:
    """One attacker's line: what is said before and after the names, and each name with what is said of it."""

    attacker: str
    before: str
    names: tuple[tuple[str, str], ...]
    after: str


def in_short(matrix: ThreatMatrix) -> list[Line]:
    """A line for each attacker against whom schemes can be compared."""
    return [_line(one) for one in least(matrix)]


def _line(one: Least) -> Line:
    shares = [kept.share for kept in one.kept]
    lowest = one.lowest
    alone = len(one.kept) == 1
    who = "one scheme" if alone else f"{len(one.kept)} schemes"
    before = f"of {one.compared}, {who} {'leaks' if alone else 'leak'} least, {_spread(shares)}:"
    more = len(one.kept) - _MOST
    told = [f"and {plural(more, 'other')}"] if more > 0 else []
    told += ["every scheme leaks more than half"] if lowest.low > 0.5 else []
    told += [f"not compared, fewer properties tested: {', '.join(one.untested)}"] if one.untested else []
    return Line(_WORDS[one.attacker.key], before, tuple(map(_named, one.kept[:_MOST])), "; ".join(told))


def _spread(shares: list[Share]) -> str:
    if len(shares) == 1:
        return f"{shares[0].percent} % {share_span(shares[0])}"
    low, high = (end(one.percent for one in shares) for end in (min, max))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _named(kept: Kept) -> tuple[str, str]:
    one = kept.fnmr.measurement
    return kept.scheme, f"FNMR {percent(100 * one.value)}" if one else kept.fnmr.word
