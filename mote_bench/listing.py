"""What is installed, as text; no plug-in is imported for it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from mote_bench import registry
from mote_bench.metrics import catalogue
from mote_bench.pictures import layouts


def text() -> str:
    """Tables of data sets, schemes, attacks and metrics with who ships each."""
    tables = [_entries(kind) for kind in registry.KINDS]
    refused = [f"refused, for its name: {entry}" for kind in registry.KINDS for entry in registry.refused(kind)]
    return "\n\n".join([*tables, _layouts(), _metrics(), *refused])


def as_json() -> str:
    """The same as JSON: a list of entries per kind, and the metrics."""
    held = {kind: [asdict(entry) for entry in registry.names(kind)] for kind in registry.KINDS}
    cards = dict(_cards())
    return json.dumps(held | {"layouts": cards, "metrics": [asdict(metric) for metric in catalogue.METRICS]}, indent=1)


def _entries(kind: str) -> str:
    entries = registry.names(kind)
    if not entries:
        return f"{kind}\n(none; install with: pip install mote-bench)"
    rows = [(entry.name, f"{entry.distribution} {entry.version}", entry.target) for entry in entries]
    return str(tabulate(rows, headers=[kind, "shipped by", "from"], tablefmt="simple"))


def _layouts() -> str:
    rows = [(name, card["title"], ", ".join(card["attributes"]), card["licence"]) for name, card in _cards()]
    return str(tabulate(rows, headers=["layouts", "pictures of", "attributes", "licence"], tablefmt="simple"))


def _cards() -> list[tuple[str, dict[str, Any]]]:
    return [(name, layouts.card(name)) for name in layouts.names()]


def _metrics() -> str:
    rows = [(metric.name, ", ".join(metric.questions), metric.meaning) for metric in catalogue.METRICS]
    return str(tabulate(rows, headers=["metrics", "question", "meaning"], tablefmt="simple"))
