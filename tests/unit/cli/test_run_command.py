"""Whole runs from the command line: kept cells, a failing plug-in, Ctrl-C, and boards that can be made again."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from commands import mote_bench
from mote_bench.cli import app
from mote_bench.engine import runner
from mote_bench.execution.cluster import WorkersLost
from mote_bench.records import store

SMALL = ("run", "--people", "240", "--questions", "gender,verify", "--jobs", "1")


def fingerprints(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    return folder, mote_bench(*SMALL, "--attacks", "vote-answers", "--schemes", "biohash", cwd=folder)


def test_a_run_prints_a_table_and_writes_boards(finished):
    folder, result = finished
    assert result.returncode == 0, result.stderr
    for word in ("cosine", "noise", "biohash", "key stolen", "gender"):
        assert word in result.stdout
    took = json.loads((folder / "boards" / "run.json").read_text())["took"]
    assert 0 <= took["idle_share"] < 1
    assert f"s with --jobs 1; idle share of the workers: {took['idle_share']:.0%}\n" in result.stderr
    assert {path.name for path in (folder / "boards").iterdir()} == {
        ".finished",
        ".lock",
        "records",
        "run.json",
        "results.csv",
        "naive_adaptive.md",
        "utility.md",
        *(f"leaderboard.{kind}" for kind in ("csv", "json", "md", "tex", "html")),
    }


def test_the_same_command_again_keeps_every_cell_and_every_byte(finished):
    folder, _ = finished
    before = fingerprints(folder)
    result = mote_bench(*SMALL, "--attacks", "vote-answers", "--schemes", "biohash", cwd=folder)
    assert result.returncode == 0
    assert "0 cells run, 8 kept" in result.stderr
    assert fingerprints(folder) == before


def test_boards_are_made_again_with_the_same_bytes(finished):
    folder, _ = finished
    before = fingerprints(folder)
    for board in (folder / "boards").glob("*.*"):
        if board.is_file() and board.name not in (".finished", ".lock", "run.json"):
            board.unlink()
    assert mote_bench("board", "--quiet", cwd=folder).returncode == 0
    assert fingerprints(folder) == before


def plug_in(folder, *, attack):
    """A folder that Python takes for an installed package with one attack."""
    (folder / "third_party.py").write_text(attack)
    info = folder / "third_party-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mote_bench.attacks]\nstrange-answers = third_party:Strange\n")
    return {"PYTHONPATH": str(folder)}


RAISES = """
from mote_bench.contracts import Knowledge
from mote_bench.questions import WhichClass

class Strange:
    question, knowledge = WhichClass, (Knowledge.ALGORITHM,)

    def answer(self, question, evidence, rng):
        raise RuntimeError("it went wrong")
"""


def test_a_failing_attack_exits_1_and_is_named(tmp_path):
    environment = plug_in(tmp_path, attack=RAISES)
    asked = ("--attacks", "vote-answers,strange-answers", "--schemes", "cosine")
    result = mote_bench(*SMALL, *asked, cwd=tmp_path, **environment)
    assert result.returncode == 1, result.stderr
    assert "failed: strange-answers on cosine, gender (algorithm): RuntimeError: it went wrong" in result.stderr
    assert "2 of 6 cells failed" in result.stderr
    assert "Traceback" not in result.stderr
    assert "failed" in (tmp_path / "boards" / "results.csv").read_text()


def test_a_broken_plug_in_is_named_and_the_others_run(tmp_path):
    environment = plug_in(tmp_path, attack="raise ImportError('no such library')")
    asked = ("--attacks", "vote-answers,strange-answers", "--schemes", "cosine")
    result = mote_bench(*SMALL, *asked, cwd=tmp_path, **environment)
    assert result.returncode == 1
    assert "strange-answers" in result.stderr
    assert "no such library" in result.stderr
    assert len(store.read(tmp_path / "boards")) == 4


def test_ctrl_c_keeps_what_is_finished(tmp_path):
    command = [sys.executable, "-m", "mote_bench", "run", "--people", "240", "--schemes", "mote", "--jobs", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    records = tmp_path / "boards" / "records"
    deadline = time.monotonic() + 400
    while not list(records.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: finished cells are kept" in said
    assert "Traceback" not in said
    assert store.read(tmp_path / "boards")


def test_a_run_whose_workers_are_lost_says_so_and_keeps_what_is_finished(tmp_path, monkeypatch, capsys):
    def lost(*_: object, **__: object) -> None:
        raise WorkersLost("the Dask cluster at tcp://10.0.0.5:8786 has lost all its workers; start some")

    monkeypatch.setattr(runner, "run", lost)
    asked = ("run", "--protocol", "quick-1", "--schemes", "cosine", "--questions", "verify", "--people", "140", "-q")
    monkeypatch.setattr(sys, "argv", ["mote-bench", *asked, "--out", str(tmp_path / "boards")])
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == app.FAILED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "error: the Dask cluster at tcp://10.0.0.5:8786 has lost all its workers; start some. Fix" in said
    assert "run the same command again; finished cells are kept" in said
