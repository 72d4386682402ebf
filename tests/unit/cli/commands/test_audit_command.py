"""`audit`: which board it reads, what it refuses, and that nothing is written then."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mote_bench import files
from mote_bench.cli.app import app
from mote_bench.contracts import InputError, Record
from mote_bench.records import store


@pytest.fixture(scope="module")
def folder(make_records, tmp_path_factory) -> Path:
    """Two boards, with one scheme on both."""
    home = tmp_path_factory.mktemp("boards")
    for record in few(make_records("cosine", "noise", "mote", protocol="people-2")):
        for data in ("people", "others"):
            store.prepare(home)
            store.write(home, replace(record, cell=replace(record.cell, data=data)))
    return home


def test_the_one_board_that_holds_the_scheme_needs_no_name(folder: Path, make_records, tmp_path: Path) -> None:
    home = tmp_path / "boards"
    shutil.copytree(folder, home)
    for record in few(make_records("cosine", "noise", "biohash", protocol="people-2")):
        store.write(home, replace(record, cell=replace(record.cell, data="more")))
    out = tmp_path / "biohash.html"
    result = CliRunner().invoke(app, ["audit", str(home), "--scheme", "biohash", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "scheme biohash on data set more" in out.read_text(encoding="utf-8")
    message = refusal(home, "--scheme", "mote", "--out", tmp_path / "mote.html")
    assert "2 runs match" in message
    assert "more" not in message.replace(str(tmp_path), "")


def few(records: list[Record]) -> list[Record]:
    return [one for one in records if one.cell.question in ("verify", "link")]


def refusal(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["audit", *map(str, arguments)])
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


@pytest.mark.parametrize("part", ["", store.RECORDS])
def test_a_report_of_the_board_that_is_named(folder: Path, tmp_path: Path, part: str) -> None:
    out = tmp_path / "mote.html"
    out.write_text("an older report")
    result = CliRunner().invoke(
        app, ["audit", str(folder / part), "--scheme", "mote", "--data", "others", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert f"written to '{out}' (3 records)" in result.output
    text = out.read_text(encoding="utf-8")
    assert "<h1>Audit report: scheme mote on data set others</h1>" in text
    held = {one.file: one for one in store.read(folder)}
    shown = dict(re.findall(r'data-record="([^"]*)" data-sha256>(\w+)<', text))
    assert len(shown) == 2
    assert all(f'"sha256": "{found}"' in (folder / name).read_text() for name, found in shown.items())
    assert {held[name].cell.data for name in shown} == {"others"}


def test_of_several_boards_one_is_to_be_named(folder: Path, tmp_path: Path) -> None:
    message = refusal(folder, "--scheme", "mote", "--out", tmp_path / "mote.html")
    assert "2 runs match; expected one" in message
    assert "--data others" in message
    assert "--data people" in message
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scheme_is_refused(folder: Path, tmp_path: Path) -> None:
    message = refusal(folder, "--scheme", "moet", "--data", "people", "--out", tmp_path / "x.html")
    assert message == "no scheme 'moet' in the records of 'people'; did you mean mote?"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mote.pdf", "mote", "nowhere/mote.html", "folder.html"])
def test_a_file_that_is_no_page_or_has_no_place_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.html").mkdir()
    message = refusal(folder, "--scheme", "mote", "--out", tmp_path / name)
    assert message.startswith(f"--out {tmp_path / name}: expected an .html file in a folder that exists")
    assert [one.name for one in tmp_path.iterdir()] == ["folder.html"]


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, "--scheme", "mote", "--out", tmp_path / "mote.html")
    assert f"no records in '{tmp_path / store.RECORDS}'; make some:" in message
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_costs_one_message_and_no_older_report(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_text", full)
    (tmp_path / "mote.html").write_text("an older report")
    message = refusal(folder, "--scheme", "mote", "--data", "people", "--out", tmp_path / "mote.html")
    assert (
        message == f"can't write '{tmp_path}/mote.html' (No space left on device); give another file: --out FILE.html"
    )
    assert (tmp_path / "mote.html").read_text() == "an older report"
