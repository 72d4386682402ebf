"""Two boards are compared row by row: by hand, and never by their controls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mote_bench import store
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.report.agreement import agreements, board, render

SCHEMES = ("biohash", "mote", "nfr", "csn", "ive", "leace")


def record(data: str, scheme: str, question: str, metric: str, value: float, attack: str) -> Record:
    knowledge = "none" if attack == "zero-effort" else "algorithm"
    cell = Cell("people-2", data, scheme, attack, question, knowledge, 0)
    measured = Measurement(metric, value, value - 0.01, value + 0.01, 100, 0.5, 0.5, 0.99)
    return Record(cell, Status.OK, (measured,), rehearsal=(measured,))


def write(folder, data: str, values: dict[str, float]) -> None:
    store.prepare(folder)
    for scheme, value in values.items():
        store.write(folder, record(data, scheme, "verify", "eer", 0.02, "zero-effort"))
        store.write(folder, record(data, scheme, "gender", "balanced_accuracy", value, "vote-answers"))


def test_by_hand(tmp_path):
    """Two neighbours of six change places: 1 - 6 * 2 / (6 * 35) = 0.943."""
    up = {name: 0.5 + 0.05 * place for place, name in enumerate(SCHEMES)} | {"cosine": 0.99, "noise": 0.5}
    swapped = up | {"nfr": up["csn"], "csn": up["nfr"]}
    write(tmp_path / "a", "rendered", up)
    write(tmp_path / "b", "real", swapped)
    first, second = board(tmp_path / "a"), board(tmp_path / "b")
    (gender,) = agreements(first, second)
    assert set(gender.rows) == set(SCHEMES)
    assert gender.spearman == pytest.approx(1 - 6 * 2 / (6 * 35))
    text = render(first[0], second[0], [gender])
    assert "| gender     | balanced_accuracy | 6      | 0.943 [" in text
    assert "gender, rendered" in text


def test_too_few_rows_say_nothing(tmp_path):
    few = dict.fromkeys(SCHEMES[:3], 0.6)
    write(tmp_path / "a", "rendered", few)
    write(tmp_path / "b", "real", few)
    assert agreements(board(tmp_path / "a"), board(tmp_path / "b")) == []


def test_several_boards_are_refused(tmp_path):
    write(tmp_path / "a", "rendered", dict.fromkeys(SCHEMES, 0.6))
    one = record("real", "mote", "verify", "eer", 0.02, "zero-effort")
    store.write(tmp_path / "a", replace(one, cell=replace(one.cell, data="real")))
    with pytest.raises(InputError, match="holds 2 boards"):
        board(tmp_path / "a")
