"""The five files: pure functions of the records, whatever their order and their names."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from mote_bench.contracts import Measurement, Status
from mote_bench.records import schemas
from mote_bench.report.boards import render

FILES = [
    "results.csv",
    "leaderboard.csv",
    "leaderboard.json",
    "leaderboard.md",
    "naive_adaptive.md",
    "utility.md",
    "leaderboard.tex",
    "leaderboard.html",
]


@pytest.fixture
def files(board_files):
    return board_files


def test_every_file_is_there(files):
    assert list(files) == FILES
    assert all(text.endswith("\n") for text in files.values())


def test_order_of_records_changes_no_byte(files, records):
    shuffled = list(records)
    random.Random(3).shuffle(shuffled)
    assert render(shuffled) == files


def test_another_process_writes_the_same_bytes_and_imports_no_pyplot(make_records, tmp_path):
    records = make_records("cosine", "biohash")
    program = (
        "import pickle, sys; from mote_bench.report.boards import render; "
        "files = render(pickle.load(open(sys.argv[1], 'rb'))); "
        "assert 'matplotlib.pyplot' not in sys.modules; "
        "sys.stdout.buffer.write(pickle.dumps(files))"
    )
    (tmp_path / "records").write_bytes(pickle.dumps(records))
    (tmp_path / "matplotlibrc").write_text("font.size: 30\naxes.grid: True\nlines.linewidth: 9\n")
    environment = os.environ | {"PYTHONHASHSEED": "77", "MATPLOTLIBRC": str(tmp_path)}
    command = [sys.executable, "-c", program, str(tmp_path / "records")]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert pickle.loads(done.stdout) == render(records)


def test_no_records_make_empty_boards():
    files = render([])
    assert "No records yet." in files["leaderboard.html"]
    assert "No records yet." in files["leaderboard.md"]
    assert json.loads(files["leaderboard.json"]) == {"boards": []}
    assert len(files["leaderboard.csv"].splitlines()) == 1


def test_json_and_csv_agree(files):
    [board] = json.loads(files["leaderboard.json"])["boards"]
    lines = list(csv.DictReader(io.StringIO(files["leaderboard.csv"])))
    assert [row["scheme"] for row in board["rows"]] == [line["scheme"] for line in lines]
    for row, line in zip(board["rows"], lines, strict=True):
        for worst in row["questions"]:
            value = worst["headline"] and worst["headline"]["value"]
            written = line[worst["question"]]
            assert (float(written) if written else None) == value
            assert line[f"{worst['question']}_status"] == worst["status"]


def test_a_line_of_the_csv_says_all_of_the_worst_attack(files):
    lines = csv.DictReader(io.StringIO(files["leaderboard.csv"]))
    [mote] = [line for line in lines if line["scheme"] == "mote"]
    expected = {
        "protocol": "people-1", "data": "people", "seed": "0", "key": "", "recognition": "recognises", "eer": "0.02",
        "fnmr": "0.12", "fnmr_at_fmr": "1e-3", "gender": "0.993", "gender_metric": "balanced_accuracy",
        "gender_floor": "0.51", "gender_ceiling": "0.991", "gender_n": "200", "gender_attack": "vote-answers",
        "gender_knowledge": "algorithm", "gender_rank": "2=", "gender_from_bytes_alone": "0.5",
        "reconstruct_wolf_rate_at_fmr_1e-3": "0.0018", "link": "0.154", "bytes_per_template": "101636.0",
    }  # fmt: skip
    assert {name: mote[name] for name in expected} == expected


def test_numbers_that_json_lacks_become_null(make_records):
    records = make_records("mote")
    odd = Measurement("eer", float("nan"), 0.0, float("inf"), 9)
    records = [replace(one, measurements=(odd,)) if one.cell.question == "verify" else one for one in records]
    [board] = json.loads(render(records)["leaderboard.json"])["boards"]
    assert board["rows"][0]["eer"]["measurement"]["value"] is None


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "\x1b[31mred", "a\nb", "\u202egnp", "\ud800", "$x$", "{{ 7*7 }}"]
)
def test_hostile_names_stay_names(make_records, name):
    records = [replace(one, cell=replace(one.cell, data=name, scheme=name)) for one in make_records("mote")]
    files = render(records)
    for file, text in files.items():
        text.encode("utf-8")
        assert all(mark not in text for mark in ("\x1b", "\u202e")), file
    for file in ("results.csv", "leaderboard.csv"):
        assert all(not cell.startswith(("=", "@")) for line in csv.reader(io.StringIO(files[file])) for cell in line)
    assert ">49<" not in files["leaderboard.html"]


def test_markdown_is_short_and_compact(files):
    text = files["leaderboard.md"]
    assert re.search(r"\| \[0\.993\]\[\w{6}\] \[0\.973, 1\.000\] \(rank 2=\)<br>vote-answers", text)
    assert "does not recognise its subjects" in text
    assert "*2 failed*" in text
    assert "*not run*" in text
    table, addresses = re.split(r"^(?=\[\w{6}\]: )", text, maxsplit=1, flags=re.MULTILINE)
    matrix, by_question = table.split("### By question")
    assert len(by_question) < 8000
    assert len(matrix) < 5000
    assert set(re.findall(r"\]\[(\w{6})\]", table)) == set(re.findall(r"^\[(\w{6})\]: records/", addresses, re.M))


def test_markdown_tables_keep_their_columns_under_hostile_names(files, hostile):
    text = files["leaderboard.md"]
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        bars = {line.replace("\\|", "").count("|") for line in table}
        assert len(bars) == 1


def test_an_unmeasured_question_never_looks_private(make_records):
    """Every attack on link unmeasured, at chance: the boards say so and show no number."""
    records = [
        replace(one, status=Status.UNMEASURED, error="can't break cosine") if one.cell.question == "link" else one
        for one in make_records("cosine", "noise", "mote")
    ]
    files = render(records)
    [mote] = [line for line in csv.DictReader(io.StringIO(files["leaderboard.csv"])) if line["scheme"] == "mote"]
    assert (mote["link"], mote["link_status"], mote["link_rank"]) == ("", "unmeasured", "")
    assert "<em>2 not measured</em>" in files["leaderboard.html"]
    assert "*2 not measured*" in files["leaderboard.md"]


def test_json_keeps_its_schema(files):
    schemas.check(json.loads(files["leaderboard.json"]), "leaderboard", "leaderboard.json")
