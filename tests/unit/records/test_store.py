"""Records are written in one step, read back equal, and reused only if made here by the same code."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench import files
from mote_bench.analysis.selection import record_link
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.records import schemas, store
from mote_bench.records.naming import record_name, short_id

LETTERS = st.characters(exclude_categories=["Cs"])

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
    files.write_text(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_text(path, "new")
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


OTHERS = [
    replace(RECORD, cell=replace(CELL, attack="knn-bytes")),
    replace(RECORD, cell=replace(CELL, scheme="biohash"), details={"name": "two\u2028lines\u0085of\x1ctext"}),
    replace(RECORD, cell=replace(CELL, data="lfw", seed=1)),
]


@pytest.fixture
def packed(tmp_path):
    """A folder with four records in three packed files."""
    store.prepare(tmp_path / "run")
    for one in (RECORD, *OTHERS):
        store.write(tmp_path / "run", one)
    store.pack(tmp_path / "run", tmp_path / "published")
    return tmp_path / "published"


def test_packed_records_are_the_same_in_the_same_order(packed):
    assert store.read(packed) == store.read(packed.parent / "run")
    assert {str(path.relative_to(packed)) for path in packed.rglob("*") if path.is_file()} == {
        "records/people-1_synthetic_0/mote.jsonl",
        "records/people-1_synthetic_0/biohash.jsonl",
        "records/people-1_lfw_1/mote.jsonl",
    }


def test_a_packed_file_is_a_line_a_record_sorted_that_begins_with_its_id(packed):
    text = (packed / "records" / "people-1_synthetic_0" / "mote.jsonl").read_text()
    assert text.endswith("\n")
    assert [line[:17] for line in text.split("\n")[:-1]] == [
        f'{{"id": "{short_id(one.cell)}"' for one in (OTHERS[0], RECORD)
    ]
    line = json.loads(text.split("\n")[1])
    assert line["cell"] == {
        "protocol": "people-1",
        "data": "synthetic",
        "scheme": "mote",
        "attack": "vote-answers",
        "question": "gender",
        "knowledge": "algorithm",
        "seed": 0,
    }
    assert line["sha256"] == json.loads(store.to_text(RECORD))["sha256"]
    schemas.check(line, "record", "here")


def test_a_packed_record_says_where_it_stands(packed):
    """In the boards' folder: the file, and the id at the start of its line. Nothing of that is written anywhere."""
    for record in store.read(packed):
        file, _, short = record_link(record).partition("#")
        (line,) = [line for line in (packed / file).read_text().split("\n") if line.startswith(f'{{"id": "{short}"')]
        assert store.from_line(line, "here") == record
        assert '"file"' not in store.to_text(record) + store.to_line(record)
    assert record_link(RECORD) == f"records/{record_name(CELL)}"


def test_a_record_is_in_the_name_of_its_file_as_its_id():
    assert record_name(CELL).endswith(f"_{short_id(CELL)}.json")


def test_a_folder_packed_in_place_has_no_other_records(packed):
    run = packed.parent / "run"
    files = store.pack(run, run)
    assert store.read(run) == store.read(packed)
    assert {path for path in run.rglob("*") if path.is_file()} == set(files)
    assert store.finished(run, [CELL], {CELL: ORIGIN}) == {}


def test_packing_replaces_cells_and_keeps_the_others(packed):
    changed = replace(RECORD, cost={"seconds": 9.0})
    store.prepare(packed.parent / "again")
    store.write(packed.parent / "again", changed)
    store.pack(packed.parent / "again", packed)
    assert sorted(store.read(packed), key=str) == sorted([changed, *OTHERS], key=str)


def test_a_record_of_its_own_counts_before_a_packed_one(packed):
    newer = replace(RECORD, cost={"seconds": 9.0})
    store.write(packed, newer)
    assert newer in store.read(packed)
    assert RECORD not in store.read(packed)
    assert len(store.read(packed)) == 4


def test_packed_records_are_claims_not_finished_cells(packed):
    assert store.finished(packed, [CELL], {CELL: ORIGIN}) == {}


def test_nothing_to_pack(tmp_path):
    with pytest.raises(InputError, match=r"no records in .*mote_bench run"):
        store.pack(tmp_path, tmp_path / "published")
    assert not (tmp_path / "published").exists()


def edited(line, **changes):
    """A line with its checksum made anew, as somebody would who wants it read."""
    table = json.loads(line) | changes
    short = table.pop("id")
    del table["sha256"]
    parts = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, sort_keys=True)}" for key, value in table.items())
    return json.dumps({"id": short, **table, "sha256": hashlib.sha256(parts.encode()).hexdigest()})


CELL_TABLE = json.loads(store.to_text(RECORD))["cell"]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda line: "", "Expecting value"),
        (lambda line: line[:100], "Unterminated|Expecting"),
        (lambda line: line.replace('"value": 0.3', '"value": 0.4'), "checksum"),
        (lambda line: line.replace('"id": "', '"id": "0'), "its id"),
        (lambda line: line.replace('"id"', '"di"'), "'id'"),
        (lambda line: line.replace("1.5", "NaN"), "NaN is no number"),
        (lambda line: line.replace("1.5", "1e999"), "not JSON compliant|out of range"),
        (lambda line: "[]", "an object"),
        (lambda line: '"text"', "an object"),
        (lambda line: "[" * 100_000, "recursion"),
        (lambda line: line.replace("mote", "\\ud800"), "surrogates"),
        (lambda line: "\x00\ufffd", "Expecting value"),
        (lambda line: edited(line, status="fine"), "fine"),
        (lambda line: edited(line, measurements=[{"value": 1}]), "metric"),
        (lambda line: edited(line, cell={**CELL_TABLE, "seed": "0"}), "six names and a seed"),
        (lambda line: edited(line, cell={**CELL_TABLE, "scheme": ["mote"]}), "six names and a seed"),
        (lambda line: edited(line, cell={**CELL_TABLE, "attack": "other"}), "its id"),
    ],
)
def test_a_damaged_line_is_named_with_its_file(packed, spoil, why):
    path = packed / "records" / "people-1_synthetic_0" / "mote.jsonl"
    first, second, _ = path.read_text().split("\n")
    path.write_text(f"{first}\n{spoil(second)}\n")
    with pytest.raises(InputError, match=rf"^line 2 of '.*mote\.jsonl' is no record of mote-bench \(.*({why})"):
        store.read(packed)
    with pytest.raises(InputError, match="line 2 of"), store.opened(packed):
        pass  # no run begins whose boards couldn't be made


def test_the_same_cell_on_two_lines(packed):
    path = packed / "records" / "people-1_synthetic_0" / "mote.jsonl"
    path.write_text(path.read_text() + path.read_text().split("\n")[0] + "\n")
    with pytest.raises(InputError, match=r"line 3 of '.*mote\.jsonl' holds Cell.*as an earlier line"):
        store.read(packed)


def test_line_ends_of_another_system(packed):
    path = packed / "records" / "people-1_synthetic_0" / "mote.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert store.read(packed) == store.read(packed.parent / "run")


def test_an_edit_with_its_checksum_made_anew_is_read():
    """The damaged lines above are refused for what they say, not for how they were written."""
    assert store.from_line(edited(store.to_line(RECORD)), "here") == RECORD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(LETTERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS), inner, max_size=3),
    max_leaves=8,
)


@given(
    details=st.dictionaries(st.text(LETTERS), JSON, max_size=4), error=st.none() | st.text(LETTERS), seed=st.integers()
)
def test_a_line_gives_back_its_record(details, error, seed):
    one = replace(RECORD, cell=replace(CELL, seed=seed), details=details, error=error)
    line = store.to_line(one)
    assert store.from_line(line.removesuffix("\n"), "here") == one
    assert line.count("\n") == 1
