"""results.csv: columns, round trip, sorting, inert cells."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.contracts import Cell, Measurement, Record, Status
from mote_bench.report.results import results_csv

COLUMNS = "protocol,data,scheme,attack,question,knowledge,metric,value,low,high,n,floor,ceiling,status,seed"
CELL = Cell("people-1", "people", "mote", "vote-answers", "gender", "algorithm", 3)


def rows(records):
    return list(csv.DictReader(io.StringIO(results_csv(records))))


def test_columns_are_exactly_the_published_ones():
    assert results_csv([]) == COLUMNS + "\n"


def test_a_row_holds_the_cell_and_the_figures():
    one = Measurement("balanced_accuracy", 0.993, 0.98, 0.998, 200, chance=0.5, floor=0.51, ceiling=0.991)
    text = results_csv([Record(CELL, Status.OK, (one,))])
    line = "people-1,people,mote,vote-answers,gender,algorithm,balanced_accuracy,0.993,0.98,0.998,200,0.51,0.991,ok,3"
    assert text.splitlines()[1] == line


@given(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3))
def test_numbers_read_back_as_themselves(numbers):
    [row] = rows([Record(CELL, Status.OK, (Measurement("auc", *numbers, n=9),))])
    assert tuple(float(row[name]) for name in ("value", "low", "high")) == numbers


def test_a_failed_record_is_one_row_without_a_number():
    half = Measurement("auc", 0.5, 0.4, 0.6, 9)
    [row] = rows([Record(CELL, Status.FAILED, (half, half), error="ValueError: no")])
    assert (row["status"], row["metric"], row["value"], row["n"]) == ("failed", "", "", "")


def test_unmeasured_records_keep_their_numbers_and_say_so():
    records = [Record(CELL, Status.UNMEASURED, (Measurement("auc", 0.5, 0.4, 0.6, 9),))]
    assert [(row["metric"], row["status"]) for row in rows(records)] == [("auc", "unmeasured")]
    assert [row["status"] for row in rows([Record(CELL, Status.UNMEASURED)])] == ["unmeasured"]


def test_rows_are_sorted_whatever_the_order_of_records(records):
    shuffled = list(records)
    random.Random(1).shuffle(shuffled)
    text = results_csv(records)
    assert results_csv(shuffled) == text
    lines = list(csv.reader(io.StringIO(text)))[1:]
    assert lines == sorted(lines)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_name_is_a_formula(name):
    record = Record(replace(CELL, data=name), Status.OK, (Measurement("success_gain", -0.25, -0.5, 0.0, 9),))
    [row] = rows([record])
    assert row["data"] == f"'{name}"
    assert row["value"] == "-0.25"
