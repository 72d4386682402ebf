"""A task in a process of its own: what hangs, leaks, calls out, writes or dies is held, and answers are the same."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_faults import started, until, without_cost
from test_runner import Raises, setting_of, with_attacks

from commands import mote_bench
from mote_bench.contracts import InputError, Status
from mote_bench.engine import runner
from mote_bench.execution.isolation import Bounds, bounds, contained, holds
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.questions import WhichClass
from mote_bench.records import store

WIDE = Bounds(seconds=60, gigabytes=4)


@pytest.fixture(scope="module")
def held():
    return holds(WIDE)


def compute(rows):
    return guarded(lambda: np.ones((rows, 2)).sum())


def hang(_):
    while True:
        time.sleep(1)


def leak(_):
    def grow():
        kept = []
        while True:
            kept.append(np.ones(10_000_000))

    return guarded(grow)


def call(port):
    return guarded(lambda: socket.create_connection(("127.0.0.1", port), timeout=5).close())


def write(path):
    return guarded(lambda: Path(path).write_text("was here"))


def remove(path):
    return guarded(lambda: Path(path).unlink())


def use_the_scratch_folder(_):
    import tempfile

    def use():
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write("kept for a while")
            return file.tell()

    return guarded(use)


def die(_):
    os.kill(os.getpid(), signal.SIGSEGV)


def chatter(_):
    print("noise on standard output", flush=True)
    os.write(1, b"and more of it")
    return Outcome("the answer", 0.0)


def test_an_answer_comes_back():
    assert contained(WIDE, compute, 21).value == 42


def test_what_raises_is_told_as_elsewhere():
    outcome = contained(WIDE, compute, -1)
    assert "ValueError: negative dimensions" in outcome.error


def test_what_hangs_is_stopped():
    start = time.monotonic()
    outcome = contained(Bounds(seconds=1, gigabytes=4), hang, 0)
    assert outcome.timed_out
    assert "--task-seconds" in outcome.error
    assert time.monotonic() - start < 15


def test_what_leaks_is_stopped(held):
    if not held.memory:
        pytest.skip("this system doesn't bound memory")
    outcome = contained(Bounds(seconds=60, gigabytes=1), leak, 0)
    assert "MemoryError" in outcome.error
    assert contained(Bounds(seconds=60, gigabytes=1), compute, 21).value == 42


def test_the_network_is_cut(held):
    if not held.network:
        pytest.skip("this system doesn't let a user cut the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert call(port).error is None
        outcome = contained(WIDE, call, port)
    assert "Network is unreachable" in outcome.error or "Permission" in outcome.error or "refused" in outcome.error


def test_files_are_not_written(held, tmp_path):
    if not held.files:
        pytest.skip("this system has no Landlock")
    kept = tmp_path / "kept"
    kept.write_text("mine")
    assert "PermissionError" in contained(WIDE, write, str(tmp_path / "new")).error
    assert "PermissionError" in contained(WIDE, write, str(kept)).error
    assert "PermissionError" in contained(WIDE, remove, str(kept)).error
    assert kept.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert contained(WIDE, use_the_scratch_folder, 0).value == 16


def test_what_dies_costs_its_task_only():
    assert "SIGSEGV" in contained(WIDE, die, 0).error


def test_what_is_printed_is_no_answer():
    assert contained(WIDE, chatter, 0).value == "the answer"


class Hangs(Raises):
    """On one scheme only: each cell that hangs takes the whole limit."""

    def answer(self, question, evidence, rng):
        if type(evidence.scheme).__name__ == "Cosine":
            time.sleep(300)
        return np.zeros((len(evidence.templates), len(question.classes)))


class Phones(Raises):
    def answer(self, question, evidence, rng):
        socket.create_connection(("127.0.0.1", 9), timeout=5)


class Littered(Raises):
    def answer(self, question, evidence, rng):
        open("litter", "w").close()
        return np.zeros((len(evidence.templates), len(question.classes)))


class Knows(Raises):
    """Reads the truth off generated faces, as the planted class lies along the first axis."""

    question = WhichClass

    def answer(self, question, evidence, rng):
        answers = evidence.scheme.score(evidence.templates, np.eye(32, dtype=np.float32)[:1], keys=None)
        return np.column_stack([-answers, answers])


def test_plugins_of_a_run_are_held(held, tmp_path, monkeypatch):
    if not held.files:
        pytest.skip("this system has no Landlock")
    monkeypatch.chdir(tmp_path)
    setting = setting_of(monkeypatch)
    attacks = {"hangs": Hangs(), "litters": Littered(), "phones": Phones(), "knows": Knows()}
    store.prepare(tmp_path)
    made = runner.run(
        with_attacks(setting, **attacks),
        tmp_path,
        jobs=1,
        progress=lambda *_: None,
        bounds=Bounds(seconds=8, gigabytes=4),
    )
    found = {record.cell.attack: record for record in made.records if record.cell.scheme == "cosine"}
    assert found["hangs"].status is Status.TIMED_OUT
    assert found["litters"].status is Status.FAILED
    assert "PermissionError" in found["litters"].error
    assert found["phones"].status is Status.FAILED
    assert found["knows"].status is Status.OK
    assert not (tmp_path / "litter").exists()


@pytest.mark.slow
def test_the_same_records(tmp_path):
    asked = ("run", "--people", "240", "--questions", "gender,verify,link", "--quiet", "--jobs", "2")
    plugins = ("--schemes", "biohash,mote-linear", "--attacks", "vote-answers,compare-answers,xgboost-bytes")
    made = {}
    for name, flags in (("plain", ()), ("isolated", ("--isolate",))):
        (tmp_path / name).mkdir()
        result = mote_bench(*asked, *plugins, *flags, cwd=tmp_path / name)
        assert result.returncode == 0, result.stderr
        assert ("isolated: 3600 s" in result.stderr) == bool(flags)
        records = (tmp_path / name / "boards" / "records").iterdir()
        made[name] = {path.name: without_cost(path) for path in records}
    assert len(made["plain"]) > 12
    assert made["plain"] == made["isolated"]


def descendants(pid):
    """Living processes below one, by their parents' numbers."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, front = [], [pid]
    while front:
        front = [child for child, parent in parents.items() if parent in front]
        found += front
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_nothing_lives_on_when_the_run_is_killed(tmp_path):
    process = started(tmp_path, "run", "--people", "240", "--schemes", "mote", "--isolate", "--quiet")
    until(lambda: list((tmp_path / "boards" / "records").glob("*.json")), 240)
    below = descendants(process.pid)
    assert len(below) > 3  # workers, servers that fork, and tasks
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 30)


def test_a_device_is_out_of_reach_of_an_isolated_task():
    with pytest.raises(InputError, match=r"--device cuda:1 with --isolate: .* leave one of the two out"):
        bounds(True, None, None, "cuda:1")
    assert bounds(False, None, None, "cuda:1") is None


def test_limits_without_isolation(tmp_path):
    result = mote_bench("run", "--task-seconds", "5", cwd=tmp_path)
    assert result.returncode == 2
    assert "add --isolate" in result.stderr


def test_what_this_system_cannot_hold_is_said(held):
    assert replace(held, network=False, memory=True, files=True).missing == ("use the network",)
