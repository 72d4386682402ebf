"""leaderboard.csv and leaderboard.json: the standings for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from mote_bench.contracts import Measurement
from mote_bench.metrics.names import to_json

from .results import written
from .standings import Board, Figure, Row, Worst
from .text import exact, inert

_INTERVAL = ("low", "high", "n")
_CONTROLS = ("chance", "floor", "ceiling")


def leaderboard_csv(boards: Sequence[Board]) -> str:
    """A line per row of every board; protocol, data and seed say which lines may be compared."""
    lines = [_line(board, row) for board in boards for row in board.rows]
    columns = list(dict.fromkeys(column for line in lines for column in line)) or ["protocol", "data", "seed", "scheme"]
    return written(
        [inert(column) for column in columns], [[line.get(column, "") for column in columns] for line in lines]
    )


def leaderboard_json(boards: Sequence[Board]) -> str:
    """The boards as they are; numbers read back as themselves."""
    return json.dumps({"boards": [_plain(board) for board in boards]}, indent=1, ensure_ascii=False) + "\n"


def _line(board: Board, row: Row) -> dict[str, str]:
    line = {
        "protocol": inert(board.protocol),
        "data": inert(board.data),
        "seed": str(board.seed),
        "scheme": inert(row.scheme),
        "key": row.key,
        "control": row.role,
        "recognition": row.recognition,
        **_figure("eer", row.eer),
        **_figure("fnmr", row.fnmr),
        "fnmr_at_fmr": board.fmr,
    }
    for worst in row.questions:
        line |= _question(worst)
    for fairness in row.fairness:
        line |= _figure(f"garbe_{fairness.attribute}", fairness.garbe) | _figure(
            f"fdr_{fairness.attribute}", fairness.fdr
        )
    cost = row.cost
    return line | {
        "fairness_at_fmr": board.fairness_fmr,
        "seconds_per_enrolment": _value(cost.seconds),
        "enrolment_to_cosine": exact(cost.ratio),
        "bytes_per_template": _value(cost.size),
        "key_bytes_per_person": _value(cost.key_size),
        "cost_record": cost.size.record,
        "notes": inert("; ".join(row.notes)),
    }


def _question(worst: Worst) -> dict[str, str]:
    name, one = worst.question, worst.headline
    line = {
        f"{name}_status": worst.status,
        f"{name}_metric": inert(one.name) if one else "",
        **_numbers(name, one, _INTERVAL + _CONTROLS),
        f"{name}_attack": inert(worst.attack),
        f"{name}_found_by": inert(worst.found_by),
        f"{name}_knowledge": inert(worst.knowledge),
        f"{name}_record": worst.record,
        f"{name}_rank": worst.place,
        f"{name}_attacks_measured": str(worst.measured),
        f"{name}_attacks_failed": str(worst.failed),
        f"{name}_attacks_unmeasured": str(worst.unmeasured),
        f"{name}_from_bytes_alone": exact(worst.naive.value if worst.naive else None),
    }
    for beside in worst.beside:
        line |= _numbers(f"{name}_{beside.name}", beside, _INTERVAL)
    return line


def _figure(name: str, figure: Figure) -> dict[str, str]:
    numbers = _numbers(name, figure.measurement, _INTERVAL)
    return {f"{name}_status": figure.status, **numbers, f"{name}_record": figure.record}


def _numbers(name: str, one: Measurement | None, parts: Iterable[str]) -> dict[str, str]:
    values: Mapping[str, Any] = {} if one is None else asdict(one)
    numbers = {
        f"{name}_{part}": str(values.get(part, "")) if part == "n" else exact(values.get(part)) for part in parts
    }
    return {name: exact(values.get("value")), **numbers}


def _value(figure: Figure) -> str:
    return exact(figure.measurement.value) if figure.measurement else figure.status


def _plain(value: Any) -> Any:
    """What JSON takes, which has no NaN and no infinity: both become null."""
    if isinstance(value, Measurement):
        value = to_json(value)
    elif is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
