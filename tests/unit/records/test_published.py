"""A run's boards show its own rows; published ones stand beside them only when asked, and say that they are."""

import csv
import io
import json
from dataclasses import replace

import pytest
from test_bundle import RECORDS, filed
from test_bundle import record as made_record

from mote_bench.contracts import InputError
from mote_bench.records import bundle, published, store
from mote_bench.report.boards import render

OWN = [replace(one, cell=replace(one.cell, scheme="own")) for one in RECORDS]
OTHER_DATA = {**RECORDS[0].provenance, "data_sha256": "e" * 64}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Published: ``mine`` on the run's data, seed and protocol, and rows of others."""
    elsewhere = [
        replace(RECORDS[0], cell=replace(RECORDS[0].cell, seed=1)),
        replace(RECORDS[0], cell=replace(RECORDS[0].cell, data="lfw")),
        replace(RECORDS[0], cell=replace(RECORDS[0].cell, scheme="changed"), provenance=OTHER_DATA),
        replace(RECORDS[0], cell=replace(RECORDS[0].cell, scheme="own"), cost={"seconds": 99.0}),
    ]
    store.prepare(tmp_path / "made")
    for one in (*RECORDS, *elsewhere):
        store.write(tmp_path / "made", one)
    store.pack(tmp_path / "made", tmp_path / "leaderboards")
    monkeypatch.setattr(published, "FOLDER", tmp_path / "leaderboards")
    return tmp_path / "leaderboards"


@pytest.fixture
def out(tmp_path):
    store.prepare(tmp_path / "boards")
    for one in OWN:
        store.write(tmp_path / "boards", one)
    return tmp_path / "boards"


def test_a_runs_boards_show_what_it_made(shipped, out):
    assert sorted(published.records_of(out, published=False), key=str) == sorted(OWN, key=str)


def test_published_rows_of_the_same_people_when_asked(shipped, out):
    shown = published.records_of(out, published=True)
    assert [one for one in shown if one.cell.scheme == "own"] == store.read(out)
    others = [one for one in shown if one.cell.scheme != "own"]
    assert {one.cell for one in others} == {one.cell for one in RECORDS}
    assert {one.provenance[published.PUBLISHED] for one in others} == {"with mote-bench"}


def test_each_published_row_says_so(shipped, out):
    boards = render(published.records_of(out, published=True))
    for name in ("leaderboard.md", "leaderboard.html", "leaderboard.tex", "utility.md"):
        assert "mine, published" in boards[name], name
        assert "own, published" not in boards[name], name
    [board] = json.loads(boards["leaderboard.json"])["boards"]
    notes = {row["scheme"]: row["notes"] for row in board["rows"]}
    assert "published with mote-bench, not made by this run" in notes["mine"]
    assert "published with mote-bench, not made by this run" not in notes["own"]


def test_results_csv_holds_what_the_run_measured(shipped, out):
    table = render(published.records_of(out, published=True))["results.csv"]
    assert {line["scheme"] for line in csv.DictReader(io.StringIO(table))} == {"own"}


def test_links_lead_from_the_runs_boards_to_the_published_files(shipped, out):
    linked = {one.cell.scheme: (out / one.file.partition("#")[0]).resolve() for one in
              published.records_of(out, published=True)}  # fmt: skip
    assert linked["mine"] == shipped / "records" / "quick-1_people_0" / "mine.jsonl"
    assert linked["own"].parent == out / "records"
    for one in (one for one in published.records_of(out, published=True) if one.cell.scheme == "mine"):
        assert f'{{"id": "{one.file.partition("#")[2]}"' in linked["mine"].read_text()


def test_the_boards_of_another_folder_link_to_its_files(out, tmp_path):
    other = tmp_path / "elsewhere" / "run"
    store.prepare(other)
    store.write(other, replace(RECORDS[0], cell=replace(RECORDS[0].cell, data="lfw")))
    [found] = published.read_beside(other, out)
    assert found.cell.data == "lfw"
    assert (out / found.file).resolve().parent == other / "records"
    assert published.PUBLISHED not in found.provenance
    with pytest.raises(InputError, match="expected the folder of a run"):
        published.read_beside(tmp_path / "nothing", out)


def test_an_attack_filed_against_a_published_row_stands_on_it(shipped, out):
    found = made_record("clever-answers", "gender", "balanced_accuracy", 0.9)
    filed(out, bundle.make(bundle.ATTACK, [found], by="A Finder", home=out))
    [row] = [line for line in render(published.records_of(out, published=True))["leaderboard.md"].splitlines()
             if line.startswith("| mine, published") and "clever-answers, found by A Finder" in line]  # fmt: skip
    assert "0.900" in row


def test_the_rows_that_an_attack_is_filed_against(shipped, out):
    assert {one.cell for one in published.rows_of("own", out)} == {one.cell for one in OWN}
    assert len(published.rows_of("mine", out)) == 5  # of three boards: the command chooses
    with pytest.raises(InputError, match=r"no records of 'nobody'.*none were published.*run --schemes nobody"):
        published.rows_of("nobody", out)


def test_who_submits_a_record_cannot_mark_it_as_published(out):
    marked = [replace(one, provenance={**one.provenance, published.PUBLISHED: "yes"}) for one in RECORDS]
    filed(out, bundle.make(bundle.SCHEME, marked, by="Jane Doe", home=out))
    assert all(published.PUBLISHED not in one.provenance for one in published.records_of(out, published=False))


def test_an_installation_without_published_records(out, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FOLDER", tmp_path / "none")
    with pytest.raises(InputError, match=r"no published records in .*none.*Leave out --published"):
        published.records_of(out, published=True)
    assert len(published.records_of(out, published=False)) == len(OWN)
