"""Records are written in one step, read back equal, and reused only if made here by the same code."""

import json
from dataclasses import replace

import pytest

from mote_bench import store
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.naming import record_name

CELL = Cell("people-1", "synthetic", "mote", "vote-answers", "gender", "algorithm", 0)
ORIGIN = {"mote_bench": "0.1.0"}
RECORD = Record(
    CELL,
    Status.OK,
    (Measurement("balanced_accuracy", 0.1 + 0.2, 0.2, 0.4, 150, 0.5, 0.5, 1.0),),
    {"confusion": [[1, 2], [3, 4]]},
    {"seconds": 1.5},
    ORIGIN,
)


def test_round_trip(tmp_path):
    store.prepare(tmp_path)
    store.write(tmp_path, RECORD)
    assert store.read(tmp_path) == [RECORD]
    assert store.to_text(store.read(tmp_path)[0]) == store.to_text(RECORD)


def test_names_are_safe_and_differ():
    cells = [
        CELL,
        replace(CELL, seed=1),
        replace(CELL, data="../../etc/passwd"),
        replace(CELL, data="a/b"),
        replace(CELL, data="a-b"),
    ]
    names = [record_name(cell) for cell in cells]
    assert len(set(names)) == len(names)
    assert not any("/" in name or name.startswith(".") for name in names)
    assert len(record_name(replace(CELL, data="x" * 5000))) < 255


def test_a_finished_cell_is_kept(tmp_path):
    store.prepare(tmp_path)
    store.write(tmp_path, RECORD)
    assert store.finished(tmp_path, [CELL], {CELL: ORIGIN}) == {CELL: RECORD}


def test_what_is_not_kept(tmp_path):
    store.prepare(tmp_path)
    store.write(tmp_path, RECORD)
    assert store.finished(tmp_path, [CELL], {CELL: {"mote_bench": "0.2.0"}}) == {}
    assert store.finished(tmp_path, [replace(CELL, seed=1)], {replace(CELL, seed=1): ORIGIN}) == {}
    path = tmp_path / "records" / record_name(CELL)
    path.write_text(path.read_text().replace("0.2", "0.1"))
    assert store.finished(tmp_path, [CELL], {CELL: ORIGIN}) == {}
    store.write(tmp_path, replace(RECORD, status=Status.FAILED))
    assert store.finished(tmp_path, [CELL], {CELL: ORIGIN}) == {}


def test_published_records_are_claims_not_finished_cells(tmp_path):
    store.prepare(tmp_path)
    (tmp_path / "records" / record_name(CELL)).write_text(store.to_text(RECORD))
    assert store.finished(tmp_path, [CELL], {CELL: ORIGIN}) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cell": {}}', "\x00\xff"])
def test_a_damaged_record_is_named(tmp_path, text):
    store.prepare(tmp_path)
    (tmp_path / "records" / "bad.json").write_text(text)
    with pytest.raises(InputError, match=r"bad\.json"):
        store.read(tmp_path)


def test_nan_is_never_written(tmp_path):
    store.prepare(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        store.write(tmp_path, replace(RECORD, details={"x": float("nan")}))
    assert list((tmp_path / "records").iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "board.md"
    store.write_text(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write_text(path, "new")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("board.md", "old")]


def test_what_a_killed_run_had_begun_to_write_goes_with_the_next(tmp_path):
    with store.opened(tmp_path):
        pass
    (tmp_path / "records" / ".part-x1").write_text("{")
    with store.opened(tmp_path) as damaged:
        assert damaged == []
        assert list((tmp_path / "records").iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out DIR"):
        store.prepare(tmp_path / "file")


def test_equal_records_give_equal_bytes():
    shuffled = replace(RECORD, provenance=dict(reversed(list((ORIGIN | {"a": "b"}).items()))))
    ordered = replace(RECORD, provenance=ORIGIN | {"a": "b"})
    assert store.to_text(shuffled) == store.to_text(ordered)
    assert json.loads(store.to_text(ordered))["cell"]["scheme"] == "mote"
