"""The gate's own checks: where its reports go is known before the run, and a report that fails costs no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from mote_bench import files
from mote_bench.analysis.gate import Gate
from mote_bench.cli.commands import gate
from mote_bench.contracts import InputError


@pytest.mark.parametrize("option", ["markdown", "junit"])
def test_a_report_without_a_place_is_refused_before_the_run(option: str, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "report"):
        with pytest.raises(InputError, match=rf"--{option} .*: expected a file in a folder that exists"):
            gate.gate(tmp_path / "baseline", **{option: path})


def test_a_report_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_text", full)
    made = Gate((), (), 0.02, ())
    gate._write(made, markdown=None, junit=tmp_path / "report.xml")
    assert capsys.readouterr().err == f"note: --junit '{tmp_path}/report.xml' is left out (No space left on device)\n"
