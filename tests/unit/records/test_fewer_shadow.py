"""Records of attacks with fewer shadow subjects: in folders by their number, and packed in a file per data set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_store import CELL, RECORD

from mote_bench.contracts import InputError
from mote_bench.records import store
from mote_bench.records.fewer_shadow import folder_of, pack, read_with_fewer


def fewer(count, **changed):
    return replace(RECORD, cell=replace(CELL, **changed), provenance={"shadow_subjects": f"{count} of 200"})


def write(out, count, *records):
    store.prepare(folder_of(out, count))
    for one in records:
        store.write(folder_of(out, count), one)


def without_place(found):
    return {count: [replace(one, file="") for one in records] for count, records in found.items()}


WEAKER = {25: [fewer(25), fewer(25, data="other")], 100: [fewer(100), fewer(100, scheme="biohash")]}
IN_ORDER = {count: records[::-1] for count, records in WEAKER.items()}


def test_packed_records_are_the_same_in_a_file_per_data_set(tmp_path):
    for count, records in WEAKER.items():
        write(tmp_path, count, *records)
    assert without_place(read_with_fewer(tmp_path)) == IN_ORDER
    files = pack(WEAKER, tmp_path)
    assert sorted(path.name for path in files) == ["people-1_other_0.jsonl", "people-1_synthetic_0.jsonl"]
    assert sorted(path.name for path in (tmp_path / "strength").iterdir()) == sorted(path.name for path in files)
    assert without_place(read_with_fewer(tmp_path)) == IN_ORDER
    before = {path: path.read_bytes() for path in files}
    assert {path: path.read_bytes() for path in pack(read_with_fewer(tmp_path), tmp_path)} == before


def test_the_lines_of_a_file_stand_by_scheme_then_by_number(tmp_path):
    pack(WEAKER, tmp_path)
    read = [record for _, record in store.read_lines(tmp_path / "strength" / "people-1_synthetic_0.jsonl")]
    stated = [(one.cell.scheme, one.provenance["shadow_subjects"]) for one in read]
    assert stated == [("biohash", "100 of 200"), ("mote", "25 of 200"), ("mote", "100 of 200")]


def test_a_file_of_a_data_set_without_records_goes(tmp_path):
    pack(WEAKER, tmp_path)
    pack({25: [fewer(25)]}, tmp_path)
    assert [path.name for path in (tmp_path / "strength").iterdir()] == ["people-1_synthetic_0.jsonl"]
    assert pack({}, tmp_path) == []
    assert read_with_fewer(tmp_path) == {}


def test_a_record_of_its_own_counts_before_a_line(tmp_path):
    pack({25: [fewer(25)]}, tmp_path)
    newer = replace(fewer(25), cost={"seconds": 7.0})
    write(tmp_path, 25, newer)
    assert [one.cost for one in read_with_fewer(tmp_path)[25]] == [newer.cost]


def test_a_folder_of_another_number_and_lines_that_state_none_are_left_out(tmp_path):
    write(tmp_path, 25, fewer(50))
    pack({25: [replace(fewer(25), provenance={})]}, tmp_path / "packed")
    assert read_with_fewer(tmp_path) == read_with_fewer(tmp_path / "packed") == {}


def test_the_same_cell_and_number_on_two_lines(tmp_path):
    (path,) = pack({25: [fewer(25)], 50: [fewer(50)]}, tmp_path)
    path.write_text(path.read_text() + store.to_line(fewer(50)))
    with pytest.raises(InputError, match=r"line 3 of '.*people-1_synthetic_0.jsonl' holds .* as an earlier line does"):
        read_with_fewer(tmp_path)


def test_a_damaged_line_is_named_with_its_file(tmp_path):
    (path,) = pack({25: [fewer(25)]}, tmp_path)
    path.write_text(path.read_text().replace("0.5", "0.6"))
    with pytest.raises(InputError, match=r"line 1 of '.*jsonl' is no record of mote-bench"):
        read_with_fewer(tmp_path)
