"""A gate's result for a terminal, a pull request (Markdown), a CI server (JUnit XML) and programs (JSON)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from xml.etree import ElementTree

from tabulate import tabulate

from mote_bench.analysis.gate import BETTER, HELD, OVER, SAME, UNMEASURED, WORSE, Comparison, Gate
from mote_bench.contracts import Measurement
from mote_bench.formatting import number, plural, printable

from .markdown import safe

_ORDER = (OVER, WORSE, UNMEASURED, BETTER, SAME, HELD)
_HEADERS = ("verdict", "scheme", "question", "metric", "before", "now", "worse by", "detectable", "strongest attack")
_LEGEND = (
    "worse by: confidence interval of the change; positive is worse. It is adjusted for all comparisons: 1 % of gates "
    "raise a false alarm. detectable: the smallest worsening that is detected with probability 0.9. "
    "unmeasured: no figure in one of the runs, because the attack failed or fails on the ceiling control."
)


def plain(gate: Gate) -> str:
    """The table for a terminal, failures first."""
    table = tabulate(list(map(_row, _sorted(gate))), headers=_HEADERS, tablefmt="simple", disable_numparse=True)
    return "\n".join([table, "", *gate.notes, *_whys(gate), _LEGEND, summary(gate)])


def markdown(gate: Gate) -> str:
    """A comment for a pull request: the verdict, the failures, and all other comparisons in a folded section."""
    failed = {id(one) for one in gate.failures}
    bad = [one for one in _sorted(gate) if id(one) in failed]
    rest = [one for one in _sorted(gate) if id(one) not in failed]
    parts = [f"### mote-bench gate: {'failed' if bad else 'passed'}", "", summary(gate), ""]
    if bad:
        parts += [_table(bad), ""]
    parts += [f"- {safe(line)}" for line in (*gate.notes, *_whys(gate))]
    if rest:
        parts += ["", f"<details><summary>{plural(len(rest), 'other comparison')}</summary>", "", _table(rest), ""]
        parts += ["</details>"]
    return "\n".join([*parts, "", f"<sub>{_LEGEND}</sub>", ""])


def junit(gate: Gate) -> str:
    """JUnit XML: a test case per comparison; an unmeasured figure that is no failure is skipped."""
    failed = {id(one) for one in gate.failures}
    suite = ElementTree.Element(
        "testsuite",
        name="mote-bench gate",
        tests=str(len(gate.comparisons)),
        failures=str(len(failed)),
        skipped=str(sum(one.verdict == UNMEASURED and id(one) not in failed for one in gate.comparisons)),
    )
    for one in gate.comparisons:
        name = printable(f"{one.place.question}: {one.place.metric}")
        case = ElementTree.SubElement(suite, "testcase", classname=printable(one.row), name=name, time="0")
        if id(one) in failed:
            ElementTree.SubElement(case, "failure", message=printable(_sentence(one)), type=one.verdict)
        elif one.verdict == UNMEASURED:
            ElementTree.SubElement(case, "skipped", message=printable(_sentence(one)))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def as_json(gate: Gate) -> str:
    """Every comparison with its numbers, and whether the gate failed."""
    failed = {id(one) for one in gate.failures}
    rows = [{**_entry(one), "fails": id(one) in failed} for one in gate.comparisons]
    found = {"failed": bool(failed), "tolerance": gate.tolerance, "notes": list(gate.notes), "comparisons": rows}
    return json.dumps(found, indent=1, allow_nan=False) + "\n"


def summary(gate: Gate) -> str:
    """``passed: 14 same, 1 better``."""
    counts = Counter(one.verdict for one in gate.comparisons)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _ORDER if counts[verdict])
    return f"{'failed' if gate.failures else 'passed'}: {told or 'nothing to compare'}"


def _sorted(gate: Gate) -> list[Comparison]:
    return sorted(gate.comparisons, key=lambda one: (_ORDER.index(one.verdict), one.row))


def _row(one: Comparison) -> list[str]:
    place = one.place
    before = _value(None if one.before is None else one.before.one)
    change = "" if one.low is None or one.high is None else f"{number(one.low)} to {number(one.high)}"
    found = "" if one.detectable is None else number(one.detectable)
    cells = (
        one.verdict,
        one.row,
        place.question,
        place.metric,
        before,
        _value(one.now.one),
        change,
        found,
        one.now.attack,
    )
    return [printable(cell) for cell in cells]


def _table(rows: list[Comparison]) -> str:
    cells = [[safe(cell) for cell in _row(one)] for one in rows]
    return str(tabulate(cells, headers=_HEADERS, tablefmt="github", disable_numparse=True))


def _value(one: Measurement | None) -> str:
    return "" if one is None else f"{number(one.value)} [{number(one.low)}, {number(one.high)}] n={one.n}"


def _whys(gate: Gate) -> list[str]:
    return [printable(f"{one.row}, {one.place.question}: {one.why}") for one in _sorted(gate) if one.why]


def _sentence(one: Comparison) -> str:
    row = dict(zip(_HEADERS, _row(one), strict=True))
    told = ", ".join(f"{name} {row[name]}" for name in ("before", "now", "worse by", "strongest attack") if row[name])
    return f"{one.verdict}: {told}{'; ' if told and one.why else ''}{one.why}"


def _entry(one: Comparison) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "scheme": one.place.scheme,
        "row": one.row,
        "question": one.place.question,
        "metric": one.place.metric,
        "verdict": one.verdict,
        "worse_by": None if one.low is None else [one.low, one.high],
        "detectable": one.detectable,
        "paired": one.paired,
        "why": one.why,
    }
    for when, figure in (("before", one.before), ("now", one.now)):
        held = None if figure is None or figure.one is None else figure.one
        entry[when] = None if held is None else {"value": held.value, "low": held.low, "high": held.high, "n": held.n}
        entry[f"attack_{when}"] = "" if figure is None else figure.attack
    return entry
