"""matched.md: each scheme against plain vectors with noise that reject as many genuine probes."""

from __future__ import annotations

from collections.abc import Sequence

from mote_bench.analysis.matched_utility import Difference, Held, Matched, Operating
from mote_bench.analysis.selection import Reading, better
from mote_bench.analysis.standings import Board
from mote_bench.contracts import Measurement
from mote_bench.formatting import label, with_interval

from .columns import resolves
from .markdown import pipe_table, safe

HOW_TO_READ = (
    "Gaussian noise on references is protection that anybody gets for nothing. The reference curve of a question is "
    "the plain vector `cosine` and its levels of noise: the strongest attack's figure against the false non-match rate "
    "(FNMR). The attacker knows the size of the noise; probes have none. `noisy-vector-05` has a standard deviation of "
    "5 hundredths in each dimension, where a centred vector has length 1. Each scheme is compared with the curve at "
    "its own FNMR. Between levels the curve is interpolated linearly; it never rises with the FNMR. A scheme with keys "
    "stands here with its keys stolen, in FNMR and in privacy. The difference is above 0 where the scheme leaks more "
    "than noise. Its 95 % confidence interval is a paired bootstrap over subjects. *Not distinguished*: the interval "
    "holds 0. Ranks are those of the differences: rank 3 means that 2 rows are lower in 97.5 % of the resamples. A row "
    "that may reject half of the genuine probes, by its interval, has no rank. A row "
    "that fewer attacks were measured on than on the curve may leak more than it shows."
)
_ATTACK = "strongest attack, of how many measured"


def matched_md(boards: Sequence[Board]) -> str:
    """Per board a table of verdicts and a table per question; empty where no board holds the levels of noise."""
    parts = [part for board in boards if board.matched for part in _section(board)]
    return "\n\n".join(["# Matched utility: each scheme against noise", HOW_TO_READ, *parts]) + "\n" if parts else ""


def _section(board: Board) -> list[str]:
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    summary = [
        [safe(name), _measured(held[0].row.fnmr), *(one.verdict for one in held)]
        for name, held in by_row(board.matched)
    ]
    fnmr = f"FNMR at FMR {board.fmr}"
    titles = ["scheme", fnmr, *(safe(one.question) for one in board.matched)]
    return [title, pipe_table(titles, summary), *(part for one in board.matched for part in _question(one, fnmr))]


def _question(one: Matched, fnmr: str) -> list[str]:
    metric, reading = safe(label(one.metric)), Reading(one.question, one.metric)
    resolved = f" ({resolves(one.resolution)})" if one.resolution else ""
    title = f"### {safe(one.question)}: {metric}, {better(reading)} leaks less{safe(resolved)}"
    rows = [[safe(held.row.name), *_cells(held), _attack(held.row)] for held in one.rows]
    levels = [[safe(level.name), *_operating(level), _attack(level)] for level in one.levels]
    return [
        title,
        pipe_table(["scheme", fnmr, metric, "noise at this FNMR", "difference", "verdict", "rank", _ATTACK], rows),
        "The curve:",
        pipe_table(["level", fnmr, metric, _ATTACK], levels),
    ]


def _cells(held: Held) -> list[str]:
    return [*_operating(held.row), _measured(held.noise), _difference(held.difference), held.verdict, held.place]


def by_row(questions: Sequence[Matched]) -> list[tuple[str, list[Held]]]:
    """Each row's name with its comparisons, one per question, by the mean rank; without a rank it counts as last."""
    found: dict[str, list[Held]] = {}
    for one in questions:
        for held in one.rows:
            found.setdefault(held.row.name, []).append(held)
    return sorted(found.items(), key=lambda row: (sum(held.rank or len(found) for held in row[1]), row[0]))


def bounds(one: Difference) -> str:
    """The interval of a difference: ``[-0.004, +0.066]``."""
    return f"[{one.low:+.3f}, {one.high:+.3f}]"


def _attack(row: Operating) -> str:
    return f"{safe(row.attack)}, of {row.attacks}" if row.attack else "–"


def _operating(row: Operating) -> list[str]:
    return [_measured(row.fnmr), _measured(row.headline)]


def _difference(one: Difference | None) -> str:
    return f"{one.value:+.3f} {bounds(one)}" if one else "–"


def _measured(one: Measurement | None) -> str:
    return with_interval(one) if one else "–"
