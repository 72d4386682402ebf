"""The columns of the threat matrix, listed once: all renderers iterate this list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from mote_bench.analysis.matched_utility import LESS, MORE, UNCLEAR, AgainstNoise
from mote_bench.analysis.selection import Reading, better
from mote_bench.analysis.share import Share
from mote_bench.analysis.standings import printed
from mote_bench.analysis.threat_matrix import (
    ATTACKERS,
    SELECTION,
    Attacker,
    Finding,
    MatrixRow,
    ThreatCell,
    ThreatMatrix,
    Utility,
)
from mote_bench.contracts import Access
from mote_bench.formatting import label, percent, shortened
from mote_bench.questions import Property
from mote_bench.questions.installed import asks

from .columns import EVERYWHERE, LATEX, TERMINAL

FNMR, THREAT, ALONE, NOISE = "fnmr", "threat", "alone", "noise"
"""An FNMR (Figure, or None without keys), what an attacker gets (ThreatCell), a question of its own (Worst), a scheme
at matched utility (AgainstNoise, or None for controls)."""

MARKED = "†"
"""Marks a scheme that stands after the useful ones."""
MATRIX = (
    "Each cell shows what this attacker gets, as a share of the ceiling: 0 % is the same attack on random vectors "
    "(noise), 100 % on the unprotected embedding (cosine). It is the worst of three properties: irreversibility, "
    "unlinkability and attribute privacy. In brackets: the 95 % interval; beyond 0 and 100 % is sampling error."
)
COLUMNS_SAY = (
    "Each column of stolen records includes the attacks of the ones before it. Online attackers hold neither records "
    "nor keys."
)
ORDER_SAYS = (
    f"{MARKED} marks a scheme whose FNMR may be one half or more, by its interval; with stolen keys, if it has keys. "
    "It stands after the others."
)
NOISE_ORDER_SAYS = (
    "Schemes stand in the order of what they leak beyond plain vectors with noise that reject as many genuine probes: "
    "the mean rank over the questions. Questions that are not named are not distinguished from noise. Schemes that may "
    "reject half of the genuine probes stand after the others."
)
"""Of a board with a reference curve of noise."""
_VERDICTS = (MORE, UNCLEAR, LESS)

_UTILITY = "Genuine probes rejected (FNMR)"
_STOLEN, _ONLINE = "Attacker holds stolen records", "Attacker queries the system"


@dataclass(frozen=True)
class MatrixColumn:
    """One column of the matrix.

    Attributes
    ----------
    key : str
        Its name in files; unique.
    group : str
        The heading that it shares with its neighbours.
    title, under : str
        Its own heading, alone and below the shared one.
    form : str
        What ``value`` returns: ``FNMR``, ``THREAT``, ``ALONE`` or ``NOISE``.
    value : callable
        Row -> Figure, None, ThreatCell, Worst or AgainstNoise, as ``form`` says.
    shown : set of str
        The renderers that show it.
    short : str
        The heading in narrow tables: two lines of six letters.
    note : str
        Small print below the heading; of a threat, what most of its cells say (:func:`seen`).
    """

    key: str
    group: str
    title: str
    under: str
    form: str
    value: Callable[[MatrixRow], Any]
    shown: frozenset[str] = EVERYWHERE
    short: str = ""
    note: str = ""


def matrix_columns(matrix: ThreatMatrix) -> tuple[MatrixColumn, ...]:
    """Every column, in the order of the boards: utility first."""
    return (
        *(column for place, rate in enumerate(matrix.rates) for column in _utility(place, rate)),
        *(_noise() if matrix.board.matched else ()),
        *(_threat(place, attacker, matrix) for place, attacker in enumerate(ATTACKERS)),
        *(_alone(place, reading) for place, reading in enumerate(matrix.alone)),
    )


def matrix_shown(matrix: ThreatMatrix, renderer: str) -> tuple[MatrixColumn, ...]:
    """The columns that a renderer shows."""
    return tuple(one for one in matrix_columns(matrix) if renderer in one.shown)


def _utility(place: int, rate: str) -> Iterator[MatrixColumn]:
    """The FNMR at one rate. A terminal has room for the first rate only."""
    shown = EVERYWHERE if place == 0 else EVERYWHERE - {TERMINAL}

    def of(row: MatrixRow, *, stolen: bool) -> Any:
        return row.utility[place].stolen if stolen else row.utility[place].kept

    title = f"FNMR at FMR {rate}"
    for stolen, words in ((False, ""), (True, ", keys stolen")):
        yield MatrixColumn(
            f"fnmr_{rate}{'_stolen' if stolen else ''}",
            _UTILITY,
            title + words,
            f"FMR {rate}{words}",
            FNMR,
            partial(of, stolen=stolen),
            shown,
            "keys\nstolen" if stolen else f"FNMR\n@{rate}",
        )


def _noise() -> Iterator[MatrixColumn]:
    """Matched utility in words; a terminal and a printed table have no room for them."""
    title = "Against noise that rejects as many"
    yield MatrixColumn(
        "against_noise",
        "",
        title,
        title,
        NOISE,
        lambda row: row.noise,
        EVERYWHERE - {TERMINAL, LATEX},
        note="mean rank; 1 leaks least",
    )


def noise_words(one: AgainstNoise) -> list[tuple[str, str]]:
    """Verdicts with their questions, the worst first: ``worse than noise``, ``gender, link``.

    Questions on which a scheme isn't distinguished from noise are not named.
    """
    found = [(verdict, one.of(verdict)) for verdict in (MORE, LESS)]
    others = tuple(question for question, verdict in one.verdicts if verdict not in _VERDICTS)
    return [(words, ", ".join(named)) for words, named in (*found, ("not comparable", others)) if named]


def worse_than_noise(row: MatrixRow) -> str:
    """``worse than noise: gender, link``; empty where no question says so."""
    named = () if row.noise is None else row.noise.of(MORE)
    return f"{MORE}: {', '.join(named)}" if named else ""


def _threat(place: int, attacker: Attacker, matrix: ThreatMatrix) -> MatrixColumn:
    group, title = _STOLEN if attacker.access is Access.RECORD else _ONLINE, attacker.title
    said = Counter(seen(row.cells[place]) for row in matrix.rows if row.cells[place].worst)
    note = said.most_common(1)[0][0] if said else ""
    return MatrixColumn(
        attacker.key, group, title, title, THREAT, lambda row: row.cells[place], short=attacker.short, note=note
    )


def _alone(place: int, reading: Reading) -> MatrixColumn:
    """A question that no share is taken of."""
    note = f"{label(reading.headline)}; {better(reading)} leaks less"
    words = asks(reading.question, reading.headline)
    title, short = f"{reading.question}: {words}", f"{shortened(reading.question, 6)}\n"
    return MatrixColumn(reading.question, "", title, title, ALONE, lambda row: row.alone[place], short=short, note=note)


def marked(row: MatrixRow) -> str:
    """The scheme's name as boards print it, with a mark if it rejects half of the genuine probes."""
    return row.scheme + row.rows[0].mark + (f" {MARKED}" if why_marked(row) else "")


def why_marked(row: MatrixRow) -> str:
    """Why the scheme stands after the useful ones, where that is its FNMR; empty for others and for controls."""
    return "" if row.rejects is None or row.role else _rejected(row.rejects)


def _rejected(utility: Utility) -> str:
    one = utility.weaker.measurement
    assert one is not None
    keys = "" if utility.stolen is None else ", keys stolen"
    return f"rejects {percent(100 * one.value)} of genuine probes (FMR {utility.rate}{keys})"


def word(cell: ThreatCell) -> str:
    """The text in place of a figure."""
    return printed(cell.status)


def share_span(one: Share) -> str:
    """The interval of a share in percent, whole numbers: ``[84, 98]``. It isn't cut to what a share can be."""
    return f"[{round(100 * one.low)}, {round(100 * one.high)}]"


def seen(cell: ThreatCell) -> str:
    """What a cell's figure rests on: ``1 of 3 properties tested``, and on whom it was chosen if not as it should be."""
    tested = f"{len(Property) - len(cell.unseen)} of {len(Property)} properties tested"
    return tested if cell.chosen_on == SELECTION else f"{tested}, chosen on targets"


def lost(finding: Finding) -> str:
    """The property and the question: ``attribute privacy: gender``."""
    return f"{finding.threatens}: {finding.question}"


def worst_of(cell: ThreatCell) -> str:
    """The property of a cell's figure, with the question where several questions threaten it; empty without one."""
    if cell.worst is None:
        return ""
    alike = [one for one in cell.findings if one.threatens == cell.worst.threatens]
    return lost(cell.worst) if len(alike) > 1 else str(cell.worst.threatens)
