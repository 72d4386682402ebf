"""leaderboard.csv and leaderboard.json: the standings in machine-readable form."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

from mote_bench.analysis.matched_utility import AgainstNoise, Matched, Operating
from mote_bench.analysis.orders import OrderPair
from mote_bench.analysis.queries import Queried
from mote_bench.analysis.standings import Board, Figure, Row, Worst
from mote_bench.analysis.strength import Strength
from mote_bench.analysis.threat_matrix import MatrixRow, ThreatCell, ThreatMatrix
from mote_bench.contracts import Measurement
from mote_bench.formatting import exact, inert, is_bound
from mote_bench.metrics.names import to_json

from .columns import ATTACK, BITS, BYTES, CSV, INDEX, JSON, KEY, LEAKS, POINT, RATE, RATIO, SECONDS, Column, shown
from .matrix_columns import ALONE, FNMR, NOISE, THREAT, matrix_shown
from .orders import orders_json
from .results import written
from .strength import Studied

_IF_ANY = ("data_notes", "matched", "resolution")
"""Parts of a board that stand in the file only where there are any."""
_INTERVAL = ("low", "high", "n")
_CONTROLS = ("chance", "floor", "ceiling")


def leaderboard_csv(boards: Sequence[Board]) -> str:
    """A line per row of every board; lines are comparable within one protocol, data set and seed."""
    lines = [line for board in boards for line in _lines(board)]
    columns = list(dict.fromkeys(column for line in lines for column in line)) or ["protocol", "data", "seed", "scheme"]
    return written(
        [inert(column) for column in columns], [[line.get(column, "") for column in columns] for line in lines]
    )


def leaderboard_json(
    matrices: Sequence[ThreatMatrix],
    ordered: Sequence[OrderPair] = (),
    studied: Sequence[Studied] = (),
) -> str:
    """All boards with their threat matrices and rows, and how their orders agree.

    Numbers are printed so that they parse to the same float. ``studied`` holds, for each board, its strongest attacks
    with fewer shadow subjects or online queries.
    """
    boards = [
        _board(matrix) | _studied(mine)
        for matrix, mine in zip(matrices, studied or [Studied()] * len(matrices), strict=True)
    ]
    held = {"boards": boards} | ({"orders": orders_json(ordered)} if ordered else {})
    return json.dumps(_plain(held), indent=1, ensure_ascii=False) + "\n"


def _board(matrix: ThreatMatrix) -> dict[str, Any]:
    board = matrix.board
    rates = shown(board, JSON, RATE, POINT, BITS)
    held = {name: one for name, one in _held(board).items() if name not in _IF_ANY or one}
    compared = {"matched": [_matched(one) for one in board.matched]} if board.matched else {}
    threats = [_matrix_row(row, matrix) for row in matrix.rows]
    return held | {"threats": threats, "rows": [_row(row, rates) for row in board.rows]} | compared


def _studied(studied: Studied) -> dict[str, Any]:
    parts = {"strength": [_strength(one) for one in studied.shadow], "queries": list(map(_queried, studied.queries))}
    return {name: held for name, held in parts.items() if held}


def _strength(one: Strength) -> dict[str, Any]:
    points = [{"shadow_subjects": count, "measurement": point} for count, point in one.points]
    return _held(one) | {"points": points, "gain": _ends(one.gain), "verdict": one.verdict}


def _queried(one: Queried) -> dict[str, Any]:
    reached = [{"queries": queries} | _bounds(value) for queries, value in one.reached]
    return _held(one) | {"reached": reached, "gain": _ends(one.gain), "verdict": one.verdict}


def _ends(gain: tuple[float, float, float] | None) -> dict[str, float] | None:
    return None if gain is None else _bounds(gain)


def _bounds(value: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), value, strict=True))


def _matched(one: Matched) -> dict[str, Any]:
    rows = [_operating(held.row) | _without(_held(held), "row") for held in one.rows]
    held = {name: value for name, value in _held(one).items() if name != "resolution" or value}
    return held | {"levels": [_operating(level) for level in one.levels], "rows": rows}


def _operating(row: Operating) -> dict[str, Any]:
    return _without(_held(row), "influence")


def _without(table: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {name: one for name, one in table.items() if name != left_out}


def _matrix_row(row: MatrixRow, matrix: ThreatMatrix) -> dict[str, Any]:
    """A scheme: every column of the matrix, and the attackers that stand in the details only."""
    held: dict[str, Any] = {"scheme": row.scheme, "role": row.role, "useful": row.useful}
    for column in matrix_shown(matrix, JSON):
        held[column.key] = _THREATS[column.form](column.value(row))
    return held | {cell.attacker.key: _threat(cell) for cell in row.further}


def _threat(cell: ThreatCell) -> dict[str, Any]:
    """A cell without the questions that are not its worst."""
    held: dict[str, Any] = {"status": cell.status, "no_figure_of": cell.unseen}
    if cell.worst is None or cell.worst.share is None:
        return held
    one, worst, share = cell.worst, cell.worst.worst, cell.worst.share
    return held | {
        "chosen_on": cell.chosen_on,
        "property": one.threatens,
        "question": one.question,
        "attack": worst.attack,
        "knowledge": worst.knowledge,
        "share": share.value,
        "share_low": share.low,
        "share_high": share.high,
        "measurement": worst.headline,
        "record": worst.record,
    }


def _worst(worst: Worst) -> dict[str, Any]:
    return {name: one for name, one in _held(worst).items() if name != "chosen"}


def _noise(one: AgainstNoise | None) -> dict[str, Any] | None:
    return None if one is None else {"mean_rank": one.mean_rank, "verdicts": dict(one.verdicts)}


_THREATS: Mapping[str, Callable[[Any], Any]] = {
    FNMR: lambda figure: figure,
    THREAT: _threat,
    ALONE: _worst,
    NOISE: _noise,
}


def _row(row: Row, rates: Sequence[Column]) -> dict[str, Any]:
    """A row; the records themselves are left out, their addresses kept."""
    held = _held(row)
    first = {name: held[name] for name in ("scheme", "key", "role", "recognition")}
    questions = [_worst(worst) for worst in row.questions]
    last = {"questions": questions} | {name: held[name] for name in ("fairness", "cost", "notes")}
    last |= {"exposed": held["exposed"]} if row.exposed else {}
    return {**first, **{column.key: column.value(row) for column in rates}, **last}


def _lines(board: Board) -> Iterator[dict[str, str]]:
    first, last = shown(board, CSV, *LEAKS, INDEX), shown(board, CSV, POINT, BITS, SECONDS, RATIO, BYTES, KEY)
    for row in board.rows:
        yield _line(board, row, first, last)


def _line(board: Board, row: Row, first: Sequence[Column], last: Sequence[Column]) -> dict[str, str]:
    line = {
        "protocol": inert(board.protocol),
        "data": inert(board.data),
        "seed": str(board.seed),
        "scheme": inert(row.scheme),
        "key": row.key,
        "control": row.role,
        "recognition": row.recognition,
    }
    for column in first:
        line |= _CELLS[column.form](column, column.value(row))
    line["fairness_at_fmr"] = board.fairness_fmr
    for column in last:
        line |= _CELLS[column.form](column, column.value(row))
    return line | {"cost_record": row.cost.size.record, "notes": inert("; ".join(row.notes))}


def _rate(column: Column, figure: Figure) -> dict[str, str]:
    return _figure(column.key, figure) | ({} if column.at is None else {f"{column.key}_at_fmr": column.at})


def _bits(column: Column, figure: Figure) -> dict[str, str]:
    one = figure.measurement
    point = column.at if one is None else one.at
    bound = str(one is not None and is_bound(one)).lower()
    return _rate(replace(column, at=point), figure) | {f"{column.key}_is_bound": bound}


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


_CELLS: Mapping[str, Callable[[Column, Any], dict[str, str]]] = {
    RATE: _rate,
    BITS: _bits,
    ATTACK: lambda _, worst: _question(worst),
    INDEX: lambda column, figure: _figure(column.key, figure),
    POINT: lambda column, figure: {f"{column.key}_metric": column.metric, **_figure(column.key, figure)},
    SECONDS: lambda column, cost: {column.key: _value(cost.seconds)},
    RATIO: lambda column, cost: {column.key: exact(cost.ratio)},
    BYTES: lambda column, cost: {column.key: _value(cost.size)},
    KEY: lambda column, cost: {column.key: _value(cost.key_size)},
}


def _held(one: Any) -> dict[str, Any]:
    """The fields of a dataclass, by name."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _plain(value: Any) -> Any:
    """The value as JSON types; NaN and infinity become null."""
    if isinstance(value, Measurement):
        value = to_json(value)
    elif is_dataclass(value):
        value = _held(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
