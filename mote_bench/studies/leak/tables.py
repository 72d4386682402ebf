"""The study of partial leaks: its options, and its tables as Markdown, CSV and plots.

python -m mote_bench study leak --data FILE.npz [--schemes cosine,mote] [--leaks first-bytes=50,rounded-values=1]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from mote_bench.analysis.selection import Reading, leak
from mote_bench.analysis.share import share_of
from mote_bench.contracts import CEILING, InputError
from mote_bench.execution.progress import Progress
from mote_bench.formatting import label, number, percent, shortened, with_interval
from mote_bench.metrics.names import snake_case
from mote_bench.planning import protocol
from mote_bench.planning.spec import RunSpec, names, options_of
from mote_bench.report import plots
from mote_bench.report.markdown import pipe_table, safe
from mote_bench.report.results import written

from . import attacked
from .attacked import SAME_ATTACKS, Success
from .parts import Kind, Leak

LEAKS = (
    "first-bytes=10,first-bytes=25,first-bytes=50,first-values=4,first-values=16,first-values=64,"
    "random-values=10,random-values=25,random-values=50,rounded-values=1,rounded-values=2,rounded-values=4"
)
_FIGURE = ("value", "low", "high", "floor", "ceiling", "n")
_TITLE = "What does a part of a template give away?"
_ABOUT = (
    "A part of each stored template has leaked, the same part for all subjects. The attacks are those of a run "
    "that can work on parts: they read the leaked bytes, or the posterior of the face given what a part says of "
    "it. They learn on shadow subjects whose templates leaked in the same way; the strongest is chosen on the "
    "selection subjects. Figures are of the target subjects, with 95 % intervals over subjects. The floor is the "
    "same attack on templates of noise that leaked in the same way. The whole template is attacked by the same "
    "attacks, and by every attack of the run on one stolen template: the latter is the ceiling. Of the ceiling: 0 "
    "% is the floor, 100 % the ceiling."
)


@dataclass(frozen=True)
class Options:
    """What a study of partial leaks is made of; names as a run takes them."""

    data: str = "synthetic"
    schemes: str = CEILING
    questions: str = "all"
    attacks: str = "default"
    leaks: str = LEAKS
    people: int | None = None
    protocol: str = protocol.DEFAULT
    seed: int = 0


def files(options: Options, *, out: Path, jobs: int, progress: Progress) -> dict[str, str]:
    """File name -> text of the tables; records are kept in folders of ``out``.

    Raises
    ------
    InputError
        When the data can't be used, and on names or leaks that don't exist.
    """
    given = asdict(options)
    wanted = list(dict.fromkeys(map(Leak.parse, names(given.pop("leaks")))))
    if not wanted:
        raise InputError(f"--leaks names none; expected such as {LEAKS}")
    setting = attacked.make(RunSpec(**given))
    records = attacked.run(setting, wanted, out=out, jobs=jobs, progress=progress)
    found = attacked.successes(setting, records)
    data = Path(options.data).stem
    drawn = {_picture(data, question): chart(mine) for question, mine in _by_question(found).items()}
    text = render(data, found) + f"\nMade by `{command(options)}`.\n"
    return {f"leak-{data}.md": text, f"leak-{data}.csv": as_csv(found), **drawn}


def command(options: Options) -> str:
    """The command that makes the study's files."""
    told = {name: value for name, value in asdict(options).items() if value != getattr(Options(), name)}
    words = {name: Path(value).name if name == "data" else value for name, value in told.items()}
    return " ".join(["python -m mote_bench study leak", *options_of(words)])


def render(data: str, found: Sequence[Success]) -> str:
    """The tables as Markdown: per question one of all leaks and schemes, and one with the attacks."""
    parts = [f"# {_TITLE}", _ABOUT]
    for question, mine in _by_question(found).items():
        metric = mine[0].metric
        lower = _lower_leaks(mine[0])
        parts += [
            f"## {safe(f'{data}: {question}, {label(metric)}')}{', lower leaks more' if lower else ''}",
            _overview(mine),
            f"![success against the share leaked]({quote(_picture(data, question))})",
            pipe_table(
                (
                    "scheme",
                    "leaked",
                    "share of the bits",
                    "strongest attack",
                    "success",
                    "floor",
                    "of the ceiling",
                    "n",
                ),
                [_line(one) for one in mine],
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _picture(data: str, question: str) -> str:
    return f"leak-{data}-{snake_case(question)}.svg"


def _overview(mine: Sequence[Success]) -> str:
    """A row per leak, a column per scheme."""
    rows, leaked = (list(dict.fromkeys(getattr(one, name) for one in mine)) for name in ("row", "what"))
    held = {(one.what, one.row): number(None if one.one is None else one.one.value) for one in mine}
    lines = [(what, *(held[what, row] for row in rows)) for what in leaked]
    return pipe_table(("leaked", *map(safe, rows)), lines)


def _line(one: Success) -> tuple[str, ...]:
    if one.one is None:
        return safe(one.row), one.what, "–", "–", "not measured", "–", "–", "–"
    reached = share_of(one.one)
    of_ceiling = "–" if reached is None else f"{reached.percent} %"
    shown = with_interval(one.one), number(one.one.floor), of_ceiling, str(one.one.n)
    return safe(one.row), one.what, percent(100 * one.share), safe(one.attack), *shown


def as_csv(found: Sequence[Success]) -> str:
    """The same figures, a line each."""
    rows = []
    for one in found:
        shown = one.what if one.leak is None else one.leak.name
        figure = [""] * len(_FIGURE) if one.one is None else [getattr(one.one, name) for name in _FIGURE]
        rows.append([one.row, one.question, one.metric, shown, one.share, one.attack, *figure])
    return written(["scheme", "question", "metric", "leaked", "share", "attack", *_FIGURE], rows)


def chart(mine: Sequence[Success]) -> str:
    """A panel per kind of leak, a line per scheme from its smallest leak to the whole template."""
    rows = list(dict.fromkeys(one.row for one in mine))
    kinds = [kind for kind in Kind if any(one.leak is not None and one.leak.kind is kind for one in mine)]

    def trace(row: str, kind: Kind) -> plots.Trace:
        own = [one for one in mine if one.row == row]
        line = [one for one in own if one.what == SAME_ATTACKS or (one.leak is not None and one.leak.kind is kind)]
        figures = [(100 * one.share, one.one) for one in sorted(line, key=lambda one: one.share) if one.one is not None]
        return plots.Trace(
            shortened(row, 26),
            [(share, one.value) for share, one in figures],
            [(one.low, one.high) for _, one in figures],
        )

    shown = [plots.Panel(kind.replace("-", " "), [trace(row, kind) for row in rows]) for kind in kinds]
    metric = label(mine[0].metric)
    axis = f"{metric}{', lower leaks more' if _lower_leaks(mine[0]) else ''}"
    said = "; ".join(f"{one.row}, {one.what}: {number(one.one.value)}" for one in mine if one.one is not None)
    alt = f"{metric} against the share of the bits that leaked. {said}."
    return plots.standing(plots.panels(shown, ("share of the bits, %", axis), name="leak", alt=alt, legend_columns=3))


def _by_question(found: Sequence[Success]) -> dict[str, list[Success]]:
    grouped: dict[str, list[Success]] = {}
    for one in found:
        grouped.setdefault(one.question, []).append(one)
    return grouped


def _lower_leaks(one: Success) -> bool:
    return leak(Reading(one.question, one.metric), 1.0) < 0
