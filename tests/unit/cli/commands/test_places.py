"""A place that can't be written to is refused before anything is computed for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mote_bench import registry
from mote_bench.cli import app
from mote_bench.planning import settings


@pytest.mark.parametrize(
    "arguments",
    [
        ("study", "frontier", "--out", "file"),
        ("study", "balance", "--out", "file/made"),
        ("study", "bound", "--out", "file"),
        ("study", "capacity", "--out", "file"),
        ("study", "pictures", "--out", "file"),
        ("study", "recognisers", "--data", "a.npz", "--attacker-recogniser", "b.npz", "--out", "file"),
        ("explain", "--out", "file"),
        ("faces", "--out", "file"),
        ("challenge", "score", "secret", "answers", "--out", "file"),
        ("external", "--scheme", "mote", "--attack", "svm-bytes", "--by", "me", "--to", "file/bundle.json"),
    ],
)
def test_what_is_written_at_the_end_is_checked_first(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("some text")
    monkeypatch.setattr(settings, "make", lambda *_, **__: pytest.fail("data were read"))
    monkeypatch.setattr(registry, "load", lambda *_, **__: pytest.fail("a plug-in was loaded"))
    assert left(arguments, monkeypatch) == 2
    said = capsys.readouterr()
    assert f"can't write to '{arguments[-1].removesuffix('/bundle.json')}'" in said.err
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_bundles_file_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("external", "--scheme", "mote", "--attack", "svm-bytes", "--by", "me", "--to", str(tmp_path))
    assert left(arguments, monkeypatch) == 2
    assert "a folder; expected the bundle's file" in capsys.readouterr().err


def left(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> object:
    """The exit code of a command."""
    monkeypatch.setattr("sys.argv", ["mote-bench", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code
