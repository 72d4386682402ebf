"""What a run survives: two at once, a polite end, a kill, a damaged record, a disk that is full."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from commands import mote_bench
from mote_bench import files
from mote_bench.contracts import InputError
from mote_bench.records import store

pytestmark = pytest.mark.apart
SMALL = (
    *("run", "--people", "240", "--questions", "gender,verify"),
    *("--attacks", "vote-answers", "--schemes", "biohash", "--quiet"),
)


def started(folder: Path, *arguments: str, jobs: int = 2, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mote_bench", *arguments, "--jobs", str(jobs)]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True, **options)  # type: ignore[call-overload,no-any-return]


def until(true: Callable[[], object], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def members(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_two_runs_in_one_folder(tmp_path):
    store.prepare(tmp_path / "boards")
    with files.locked(tmp_path / "boards"):
        result = mote_bench(*SMALL, cwd=tmp_path)
    assert result.returncode == 2
    assert "another run writes to 'boards'" in result.stderr
    assert "--out" in result.stderr
    assert not list((tmp_path / "boards" / "records").iterdir())


def test_a_lock_ends_with_its_run(tmp_path):
    store.prepare(tmp_path)
    with files.locked(tmp_path), pytest.raises(InputError, match="another run"), files.locked(tmp_path):
        pass
    with files.locked(tmp_path):
        pass


def test_sigterm_is_as_polite_as_ctrl_c(tmp_path):
    process = started(tmp_path, "run", "--people", "240", "--schemes", "biohash")
    until(lambda: list((tmp_path / "boards" / "records").glob("*.json")))
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finished cells are kept" in said
    assert "Traceback" not in said
    until(lambda: not members(process.pid), 10)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="counts processes in /proc")
def test_workers_end_with_a_run_that_is_killed(tmp_path):
    process = started(tmp_path, "run", "--people", "240", "--schemes", "biohash")
    until(lambda: list((tmp_path / "boards" / "records").glob("*.json")))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not members(process.pid), 15)
    with files.locked(tmp_path / "boards"):  # the system gave the lock back
        assert store.read(tmp_path / "boards")


def test_damaged_records_are_set_aside_and_made_again(tmp_path):
    assert mote_bench(*SMALL, cwd=tmp_path).returncode == 0
    folder = tmp_path / "boards"
    first, second, *_ = sorted((folder / "records").iterdir())
    whole = {path: without_cost(path) for path in (first, second)}
    first.write_bytes(first.read_bytes()[:100])
    second.write_text(second.read_text().replace('"value": 0', '"value": 1', 1))
    result = mote_bench(*SMALL, cwd=tmp_path)
    assert result.returncode == 0
    for path in (first, second):
        assert f"damaged/{path.name}" in result.stderr
        assert (folder / "damaged" / path.name).is_file()
        assert without_cost(path) == whole[path]


def without_cost(path: Path) -> list[str]:
    """The lines of a record, save what it cost and the checksum over that."""
    return [line for line in path.read_text().splitlines() if not line.startswith(('"cost"', '"sha256"'))]


def test_a_disk_that_is_full(tmp_path):
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    # Not under `make cover`: who counts lines writes a file of their own, and says so when it doesn't fit.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    process = started(tmp_path, *SMALL, jobs=1, preexec_fn=little_room, env=variables | {"TMPDIR": "/dev/shm"})
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "File too large" in said
    assert "run the same command again" in said
    assert "Traceback" not in said
    store.read(tmp_path / "boards")  # no half a record
    assert mote_bench(*SMALL, cwd=tmp_path).returncode == 0


@pytest.mark.slow(minutes=4)
def test_killed_at_fifty_moments(tmp_path):
    """Resumed after each kill, the records end up equal to those of a run that nobody disturbed."""
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    start = time.monotonic()
    assert mote_bench(*SMALL, cwd=undisturbed).returncode == 0
    seconds = time.monotonic() - start
    expected = contents(undisturbed)
    rng = np.random.default_rng(0)
    kills, finished = 0, 0
    while kills < 50:
        folder = tmp_path / f"disturbed-{finished}"
        folder.mkdir(exist_ok=True)
        process = started(folder, *SMALL)
        try:
            _, said = process.communicate(timeout=rng.uniform(0.05, 1.1 * seconds))
        except subprocess.TimeoutExpired:
            workers = [pid for pid in members(process.pid) if pid != process.pid]
            if workers and rng.random() < 0.3:  # a worker is killed: the run itself mends that
                os.kill(int(rng.choice(workers)), signal.SIGKILL)
                _, said = process.communicate(timeout=120)
            else:
                os.kill(process.pid, signal.SIGKILL)
                process.communicate(timeout=30)  # its workers end too, or this pipe stays open
            kills += 1
        if process.returncode == 0:
            assert contents(folder) == expected
            finished += 1
        else:
            assert process.returncode == -signal.SIGKILL, said
    assert mote_bench(*SMALL, cwd=folder).returncode == 0
    assert contents(folder) == expected


def contents(folder: Path) -> dict[str, list[str]]:
    return {path.name: without_cost(path) for path in (folder / "boards" / "records").iterdir()}
