"""The tables of docs/families.md: every scheme on each recogniser, and published attacks beside this project's figures.

Everything is read from two files that `mote-bench board` makes of records: leaderboard.json (threat matrix, cost) and
results.csv (one row a measurement). Nothing is computed anew. The page calls these functions in cog blocks.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import figures

from mote_bench import registry
from mote_bench.analysis.standings import printed
from mote_bench.analysis.threat_matrix import ATTACKERS
from mote_bench.contracts import CEILING, NOISE_LEVELS
from mote_bench.formatting import milliseconds, number, percent, times
from mote_bench.questions import Property
from mote_bench.questions.installed import ceilings
from mote_bench.report.families import in_families

PROTOCOL = "people-2"
RECOGNISERS = figures.RECOGNISERS | {"lfw_faceplugin": "faceplugin, 512-d"}
"""The same pictures by each; the tables have those with a board."""
NOT_RUN, NO_RECORD, SAME = "not run", "–", ""
"""A scheme without records, a figure that a record doesn't hold, and a cell that the first one of its row explains."""
_OWN, _RATE = "fmr_own", "fmr_1e-3"
_ORDER = (
    "controls",
    "plain vectors",
    "fairness",
    "cancelable schemes",
    "suppression schemes",
    "cryptosystems",
    "encrypted schemes",
    "model templates (MOTE)",
)
"""Families in the order of docs/schemes.md; others follow."""
_GUESSES = ("prior", "public")
_RECOGNITION = ("FNMR", "FMR reached", "bits, prior", "bits, public faces", "enrolment per subject")
_ACROSS = ("FNMR", "bits", "+ algorithm", "+ keys", "decisions", "enrolment")

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """The published boards in one folder.

    Attributes
    ----------
    folder : Path
        Holds leaderboard.json and results.csv.
    """

    folder: Path

    @cached_property
    def boards(self) -> dict[str, Table]:
        """The boards of the protocol, by the name of their data."""
        held = json.loads((self.folder / "leaderboard.json").read_text(encoding="utf-8"))
        return {board["data"]: board for board in held["boards"] if board["protocol"] == PROTOCOL}

    @cached_property
    def results(self) -> dict[tuple[str, ...], Mapping[str, str]]:
        """Measurements by data, scheme, attack, question, knowledge and metric."""
        key = ("data", "scheme", "attack", "question", "knowledge", "metric")
        with (self.folder / "results.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["protocol"] == PROTOCOL]
        return {tuple(row[name] for name in key): row for row in rows}

    @property
    def recognisers(self) -> dict[str, str]:
        """The recognisers that have a board, by their data."""
        return {data: name for data, name in RECOGNISERS.items() if data in self.boards}

    def threats(self, data: str) -> dict[str, Table]:
        """The rows of a board's threat matrix, by scheme; without the board, none."""
        return {row["scheme"]: row for row in self.boards[data]["threats"]} if data in self.boards else {}

    def verified(self, data: str, scheme: str, *metrics: str) -> Mapping[str, str] | None:
        """The first of these measurements that the record of verification holds; with stolen keys, if there are any."""
        knowledge = "stolen_key" if (data, scheme) in self._keyed else "none"
        cells = ((data, scheme, "zero-effort", "verify", knowledge, metric) for metric in metrics)
        return next((self.results[cell] for cell in cells if cell in self.results), None)

    @cached_property
    def _keyed(self) -> set[tuple[str, str]]:
        """Data and schemes that are verified with stolen keys too."""
        return {key[:2] for key in self.results if key[2:5] == ("zero-effort", "verify", "stolen_key")}  # type: ignore[misc]

    def cost(self, data: str, scheme: str) -> Table | None:
        """Of the scheme's first row: its key changes nothing of what enrolment costs."""
        rows = self.boards[data]["rows"] if data in self.boards else []
        return next((row["cost"] for row in rows if row["scheme"] == scheme), None)


PUBLISHED = Published(figures.BOARDS)


def shipped() -> list[str]:
    """Every scheme of this project but the levels of noise, which are a curve, and ceilings of one question alone."""
    named = (one.name for one in registry.names("schemes") if one.distribution == "mote-bench")
    return [name for name in named if name not in {*NOISE_LEVELS, *ceilings() - {CEILING}}]


def boards_held(published: Published = PUBLISHED, schemes: Sequence[str] | None = None) -> str:
    """How many of the schemes each recogniser's board holds, and those that no board holds."""
    every = _shown(schemes)
    held = {data: set(published.threats(data)) & set(every) for data in RECOGNISERS}
    lines = [f"- {name}: {len(held[data]) or 'none'} of {len(every)} schemes." for data, name in RECOGNISERS.items()]
    nowhere = [f"`{scheme}`" for scheme in every if not any(scheme in some for some in held.values())]
    return "\n".join([*lines, *([f"- Not run on any of them: {', '.join(nowhere)}."] if nowhere else [])])


def across(published: Published = PUBLISHED, schemes: Sequence[str] | None = None) -> str:
    """A row for each scheme and columns for every recogniser: values without their intervals."""
    by = published.recognisers
    head = ["scheme", *(f"{title} ({short(name)})" for title in _ACROSS for name in by.values())]

    def cells(scheme: str) -> list[str]:
        columns = [_brief(published, data, scheme) for data in by]
        return [column[place] for place in range(len(_ACROSS)) for column in columns]

    return _in_families(head, _shown(schemes), cells)


def by_recogniser(published: Published = PUBLISHED, schemes: Sequence[str] | None = None) -> str:
    """For each recogniser its two tables, below headings of their own."""
    parts = list[str]()
    for data, name in published.recognisers.items():
        timed = f"Enrolment was timed on {_timed(published, data)}."
        parts.append(f"### {name}: recognition, bits and cost\n\n{_n_says(published, data)} {timed}")
        parts.append(recognition(data, published, schemes))
        parts.append(f"### {name}: strongest attack per attacker\n\n{_n_says(published, data)}")
        parts.append(attackers(data, published, schemes))
    return "\n\n".join(parts)


def recognition(data: str, published: Published = PUBLISHED, schemes: Sequence[str] | None = None) -> str:
    """A row for each scheme: FNMR and FMR at its operating point, security in bits, cost of an enrolment."""
    usual = _usual_n(published, data)
    return _in_families(
        ["scheme", *_RECOGNITION], _shown(schemes), lambda scheme: _recognition_row(published, data, scheme, usual)
    )


def attackers(data: str, published: Published = PUBLISHED, schemes: Sequence[str] | None = None) -> str:
    """A row for each scheme: what the strongest attack of each attacker gets, as in the board's threat matrix."""
    usual, rows = _usual_n(published, data), published.threats(data)

    def cells(scheme: str) -> list[str]:
        row = rows.get(scheme)
        return _not_run(len(ATTACKERS)) if row is None else [_threat(row[one.key], usual) for one in ATTACKERS]

    return _in_families(["scheme", *(one.title for one in ATTACKERS)], _shown(schemes), cells)


def short(name: str) -> str:
    """The recogniser without its dimension."""
    return name.split(",")[0]


def _n_says(published: Published, data: str) -> str:
    return f"n = {_usual_n(published, data)} subjects where a cell states no other number."


def _timed(published: Published, data: str) -> str:
    """``1,986 subjects``, or the least and the most where rows differ."""
    costs = (row["cost"]["seconds"]["measurement"] for row in published.boards[data]["rows"])
    counted = sorted({one["n"] for one in costs if one is not None})
    return f"{' to '.join(f'{n:,}' for n in dict.fromkeys((counted[0], counted[-1])))} subjects" if counted else "none"


def _not_run(cells: int) -> list[str]:
    return [NOT_RUN, *[SAME] * (cells - 1)]


def _shown(schemes: Sequence[str] | None) -> list[str]:
    return shipped() if schemes is None else list(schemes)


def _in_families(head: Sequence[str], schemes: Sequence[str], cells: Callable[[str], list[str]]) -> str:
    """A table with a line above the schemes of each family."""
    found = in_families(schemes)
    named = [*(family for family in _ORDER if family in found), *(one for one in found if one not in _ORDER)]
    rows = list[Sequence[str]]()
    for family in named:
        rows.append([f"**{family}**", *[SAME] * (len(head) - 1)])
        rows.extend([f"`{scheme}`", *cells(scheme)] for scheme in found[family])
    return figures.table(head, rows)


def _recognition_row(published: Published, data: str, scheme: str, usual: int) -> list[str]:
    if scheme not in published.threats(data):
        return _not_run(len(_RECOGNITION))
    rate = _rate(published, data, scheme)
    fnmr, fmr = (published.verified(data, scheme, f"{name}_at_{rate}") for name in ("fnmr", "fmr_reached"))
    found = [_figure(fnmr, usual, mark=" own" if rate == _OWN else ""), _figure(fmr, usual)]
    bits = [_bits(_guessed(published, data, scheme, rate, of), usual) for of in _GUESSES]
    return [*found, *bits, _cost(published, data, scheme)]


def _rate(published: Published, data: str, scheme: str) -> str:
    """The operating point: the scheme's own where it decides by itself, otherwise the board's false match rate."""
    return _RATE if published.verified(data, scheme, f"fnmr_at_{_OWN}") is None else _OWN


def _guessed(published: Published, data: str, scheme: str, rate: str, guesses: str) -> Mapping[str, str] | None:
    """Bits against faces of a prior or public faces, or their lower bound, at one point."""
    names = (f"{least}false_accept_bits_{guesses}_at_{rate}" for least in ("", "least_"))
    return published.verified(data, scheme, *names)


def _figure(row: Mapping[str, str] | None, usual: int, mark: str = "") -> str:
    if row is None:
        return NO_RECORD
    value, low, high = (number(float(row[end])) for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]{mark}{_n(row['n'], usual)}"


def _bits(row: Mapping[str, str] | None, usual: int) -> str:
    if row is None:
        return NO_RECORD
    value, low, high = (f"{float(row[end]):.1f}" for end in ("value", "low", "high"))
    if row["metric"].startswith("least_"):
        return f"≥ {value}{_n(row['n'], usual)}"
    return f"{value} [{low}, {high}]{_n(row['n'], usual)}"


def _n(n: object, usual: int) -> str:
    return "" if int(str(n)) == usual else f", n = {n}"


def _usual_n(published: Published, data: str) -> int:
    """The number of subjects of most error rates on a board."""
    rows = (
        row
        for key, row in published.results.items()
        if key[0] == data and key[5] in (f"fnmr_at_{_OWN}", f"fnmr_at_{_RATE}")
    )
    counted = Counter(int(row["n"]) for row in rows)
    return counted.most_common(1)[0][0] if counted else 0


def _cost(published: Published, data: str, scheme: str) -> str:
    """Milliseconds for each subject with their interval, and how many times those of `cosine` in a run alike."""
    cost = published.cost(data, scheme)
    one = None if cost is None else cost["seconds"]["measurement"]
    if cost is None or one is None:
        return NO_RECORD
    low, high = milliseconds(one["low"]), milliseconds(one["high"])
    ratio = f"; {times(cost['ratio'])}" if cost["ratio"] is not None else ""
    return f"{milliseconds(one['value'])} [{low}, {high}]{ratio}"


def _threat(cell: Table, usual: int) -> str:
    """``97 % [93, 100]: link, `compare-bytes`; 1 of 3``: share of the ceiling, question, attack, properties tested."""
    if "share" not in cell:
        return str(printed(cell["status"]))
    low, high = (round(100 * cell[end]) for end in ("share_low", "share_high"))
    tested = len(Property) - len(cell["no_figure_of"])
    few = f"; {tested} of {len(Property)}" if tested < len(Property) else ""
    chosen = "" if cell["chosen_on"] == "selection" else "; chosen on targets"
    share = f"{_percent(cell)} [{low}, {high}]"
    return f"{share}: {cell['question']}, `{cell['attack']}`{few}{chosen}{_n(cell['measurement']['n'], usual)}"


def _percent(cell: Table) -> str:
    return f"{round(100 * min(max(cell['share'], 0.0), 1.0))} %"


def _brief(published: Published, data: str, scheme: str) -> list[str]:
    """What a recogniser's columns of the table across say of one scheme."""
    row = published.threats(data).get(scheme)
    if row is None:
        return _not_run(len(_ACROSS))
    rate, cost = _rate(published, data, scheme), published.cost(data, scheme)
    fnmr, guessed = (
        published.verified(data, scheme, f"fnmr_at_{rate}"),
        _guessed(published, data, scheme, rate, "prior"),
    )
    bits = NO_RECORD
    if guessed is not None:
        bits = f"{'≥ ' if guessed['metric'].startswith('least_') else ''}{float(guessed['value']):.1f}"
    shares = [
        _percent(row[key]) if "share" in row[key] else str(printed(row[key]["status"]))
        for key in ("algorithm", "keys", "online_decisions")
    ]
    ratio = NO_RECORD if cost is None or cost["ratio"] is None else times(cost["ratio"])
    own = " own" if rate == _OWN else ""
    return [NO_RECORD if fnmr is None else percent(100 * float(fnmr["value"])) + own, bits, *shares, ratio]
