"""Lists installed plug-ins, layouts and metrics as text, without importing a plug-in."""

from __future__ import annotations

import ast
import json
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from mote_bench import registry
from mote_bench.basics import InputError
from mote_bench.data.pictures import layouts
from mote_bench.metrics import catalogue

_OWN = ("layouts", "metrics")


def text(kind: str | None = None) -> str:
    """Tables of everything installed, or of one kind (such as ``schemes``), with the package that ships each.

    Raises
    ------
    InputError
        On an unknown kind.
    """
    wanted = _wanted(kind)
    own = {"layouts": _layouts, "metrics": _metrics}
    plugins = [one for one in wanted if one in registry.KINDS]
    tables = [own[one]() if one in own else _entries(one) for one in wanted]
    refused = [f"refused, for its name: {entry}" for one in plugins for entry in registry.refused(one)]
    return "\n\n".join([*tables, *refused])


def as_json(kind: str | None = None) -> str:
    """As :func:`text`, as JSON: a list of entries per kind (for layouts a mapping of name to card).

    Raises
    ------
    InputError
        On an unknown kind.
    """
    return json.dumps({one: _held(one) for one in _wanted(kind)}, indent=1)


def _wanted(kind: str | None) -> tuple[str, ...]:
    known = (*registry.KINDS, *_OWN)
    if kind is not None and kind not in known:
        raise InputError(f"list {kind}: expected one of {', '.join(known)}, or nothing for all of them")
    return known if kind is None else (kind,)


def _held(kind: str) -> Any:
    if kind == "layouts":
        return dict(_cards())
    if kind == "metrics":
        columns = ("name", "questions", "meaning", "better", "source")
        return [{column: getattr(metric, column) for column in columns} for metric in catalogue.METRICS]
    entries = registry.names(kind)
    return [asdict(one) | ({"id": _id_of(one)} if kind == "questions" else {}) for one in entries]


def _entries(kind: str) -> str:
    entries = registry.names(kind)
    if not entries:
        return f"{kind}\n(none; install with: pip install mote-bench)"
    rows = [[entry.name, f"{entry.distribution} {entry.version}", entry.target] for entry in entries]
    headers = [kind, "shipped by", "from"]
    if kind == "questions":
        rows = [[*row, _id_of(entry)] for row, entry in zip(rows, entries, strict=True)]
        headers.append("id, for run --questions")
    return str(tabulate(rows, headers=headers, tablefmt="simple"))


def _id_of(entry: registry.Entry) -> str:
    """The ``id`` or ``ids`` that a question's class states, read from its source; "" where it states neither."""
    source = registry.source_of(entry.module)
    try:
        tree = ast.parse(b"" if source is None else source.read_bytes())
    except (OSError, SyntaxError, ValueError):  # listing is no place to complain about another's file
        return ""
    named = entry.target.rpartition(":")[2].strip()
    bodies = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == named)
    for line in (line for body in bodies for line in body):
        match line:
            case (
                ast.Assign(targets=[ast.Name(id="id" | "ids")], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id="id" | "ids"), value=ast.Constant(value=str(text)))
            ):
                return text
    return ""


def _layouts() -> str:
    rows = [(name, card["title"], ", ".join(card["attributes"]), card["licence"]) for name, card in _cards()]
    return str(tabulate(rows, headers=["layouts", "pictures of", "attributes", "licence"], tablefmt="simple"))


def _cards() -> list[tuple[str, dict[str, Any]]]:
    return [(name, layouts.card(name)) for name in layouts.names()]


def _metrics() -> str:
    rows = [(metric.name, ", ".join(metric.questions), metric.meaning) for metric in catalogue.METRICS]
    return str(tabulate(rows, headers=["metrics", "question", "meaning"], tablefmt="simple"))
