"""A finished run is shown and exits as it should where the output isn't UTF-8, is closed, or is read in part.

microsoft/conductor#401, gflow-cli#82 and python-tabulate#327 are of this kind: arrows and dashes on a Windows pipe.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from mote_bench.cli import app
from mote_bench.contracts import Cell, Measurement, Record, Status
from mote_bench.records import store


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of a run: a control and a scheme, one attack."""
    made = tmp_path_factory.mktemp("boards")
    store.prepare(made)
    for scheme in ("cosine", "biohash"):
        cell = Cell("people-2", "zürich", scheme, "logistic-bytes", "gender", "algorithm", 0)
        store.write(made, Record(cell, Status.OK, (Measurement("balanced_accuracy", 0.9, 0.88, 0.92, 50),)))
    return made


def code(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["mote_bench", *words])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "iso8859-15", "utf-8"])
def test_the_table_in_any_encoding(encoding: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding=encoding))
    assert code(monkeypatch, "board", "--out", str(folder)) == 0
    text = file.getvalue().decode(encoding)
    assert ("gender ↓" if encoding == "utf-8" else "gender v") in text
    assert ".880-.920" in text if encoding == "ascii" else "0.900" in text
    assert ("z\\u00fcrich" if encoding == "ascii" else "zürich") in text


def test_no_streams_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under pythonw."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    (folder / "leaderboard.html").unlink(missing_ok=True)
    assert code(monkeypatch, "board", "--out", str(folder)) == 0
    assert (folder / "leaderboard.html").is_file()
    assert code(monkeypatch, "board", "--out", str(folder / "nowhere")) == 2
