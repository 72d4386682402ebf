"""Folders and data with ``@ = # %``, blanks and other letters in their names, to the last link of the page.

gatling#1093 (a report whose links stop at ``#``), HtmlTestRunner#52 (a report on another drive) and keyrune#158 (a file
called as a device of Windows) are of this kind.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

import pytest

from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.records import published, store
from mote_bench.records.naming import packed_name, record_name
from mote_bench.report.boards import render

NAME = "a @b=c#d%e%20f 'g' ü日"
CELL = Cell("people-2", NAME, "cosine", "zero-effort", "verify", "none", 0)


def record(scheme: str, question: str = "verify") -> Record:
    attack = "zero-effort" if question == "verify" else "logistic-bytes"
    metric = "eer" if question == "verify" else "balanced_accuracy"
    cell = replace(CELL, scheme=scheme, question=question, attack=attack)
    return Record(cell, Status.OK, (Measurement(metric, 0.2, 0.1, 0.3, 50),), {"det": [[0.1, 0.2], [0.2, 0.1]]})


def linked(page: str) -> set[str]:
    """The files that a page links to."""
    found = {unescape(one) for one in re.findall(r'href="([^"#][^"]*)"', page)}
    return {unquote(urlsplit(one).path) for one in found if not one.startswith("data:")}


@pytest.mark.parametrize("folder", [NAME, "con", "%41", "#"])
def test_every_link_of_a_page_leads_to_its_record(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, theirs = tmp_path / folder / "boards", tmp_path / f"{folder} published" / "x"
    for place, scheme in ((out, "cosine"), (theirs, "aux")):
        store.prepare(place)
        for question in ("verify", "gender"):
            store.write(place, record(scheme, question))
    store.pack(theirs, theirs)
    monkeypatch.setattr(published, "FOLDER", theirs)
    made = render(published.records_of(out, published=True))
    links = linked(made["leaderboard.html"])
    assert len(links) == 3  # two records of the run, one packed file of what was published
    assert all((out / one).is_file() for one in links)
    assert NAME in unescape(made["leaderboard.html"])


@pytest.mark.parametrize("scheme", ["con", "aux", "nul.v2", "com1", "lpt9.x"])
def test_no_file_is_called_as_a_device_of_windows(scheme: str) -> None:
    for name in (packed_name(replace(CELL, scheme=scheme)), record_name(replace(CELL, scheme=scheme))):
        assert not any(part.split(".")[0] in ("con", "aux", "nul", "com1", "lpt9") for part in name.split("/"))
        assert not set('<>:"\\|?*') & set(name)
        assert not PureWindowsPath(name).is_reserved()


def test_names_that_are_no_device_stay() -> None:
    assert packed_name(replace(CELL, data="d", scheme="console")) == "people-2_d_0/console.jsonl"
    assert packed_name(replace(CELL, data="d", scheme="mote")) == "people-2_d_0/mote.jsonl"


def test_links_between_folders_of_any_system() -> None:
    assert published.address(PurePosixPath("/a/b #1/c"), PurePosixPath("/a/d%")) == "../b%20%231/c"
    assert published.address(PureWindowsPath(r"C:\a b\c"), PureWindowsPath(r"C:\a b\d")) == "../c"
    assert published.address(PureWindowsPath(r"C:\a b\c"), PureWindowsPath(r"D:\d")) == "file:///C:/a%20b/c"


def test_a_folder_is_checked_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.check_place(tmp_path / "new" / "folders", cells=1000)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        store.check_place(tmp_path / "file" / "boards", cells=1)
    with pytest.raises(InputError, match=r"MB free, and 9999999999 cells take about 200,000,\d\d\d MB; make room"):
        store.check_place(tmp_path, cells=9_999_999_999)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="may write to: --out DIR"):
        store.check_place(tmp_path / "new", cells=1)
