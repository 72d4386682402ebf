"""A run on a Dask cluster never waits for nobody: lost workers are replaced, or it says so and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mote_bench.execution import cluster as clusters
from mote_bench.execution import local_cluster, workers
from mote_bench.execution.cluster import WorkersLost
from mote_bench.execution.dask_backend import connected
from mote_bench.execution.outcome import Outcome


@pytest.fixture(autouse=True)
def short_glances(monkeypatch):
    monkeypatch.setattr(workers, "_GLANCE", 0.05)


def outcome_of(function, *arguments, cluster):
    [(_, outcome)] = workers.run([workers.Task(0, function, arguments)], jobs=1, cluster=cluster)
    return outcome


def number(x):
    return Outcome(x, 0.0)


def kill_all(cluster):
    processes = [worker.process for worker in cluster._workers]
    for pid in [process.pid for process in processes]:
        os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.join()


def hang_once(path):
    if not Path(path).exists():
        Path(path).touch()
        time.sleep(600)
    return Outcome("done at last", 0.0)


def test_idle_workers_that_are_all_killed_come_back():
    with connected("dask", jobs=2) as cluster:
        assert outcome_of(number, 1, cluster=cluster).value == 1
        kill_all(cluster)
        assert outcome_of(number, 2, cluster=cluster).value == 2


def test_a_worker_that_is_killed_at_work_comes_back(tmp_path):
    """It is the only one: of two that are killed, the scheduler may give the task to the one that it still counts."""
    began = tmp_path / "began"

    def kill_at_work():
        while not began.exists():
            time.sleep(0.02)
        kill_all(cluster)

    with connected("dask", jobs=1) as cluster:
        threading.Thread(target=kill_at_work, daemon=True).start()
        assert outcome_of(hang_once, str(began), cluster=cluster).value == "done at last"


def ends_at_once(*_):
    os._exit(7)


def test_workers_that_cannot_start_end_the_run(monkeypatch):
    monkeypatch.setattr(local_cluster, "_serve", ends_at_once)
    start = time.monotonic()
    with connected("dask", jobs=1) as cluster, pytest.raises(WorkersLost, match=r"as soon as they start .exit code 7"):
        outcome_of(number, 1, cluster=cluster)
    assert time.monotonic() - start < 60


@pytest.fixture
def elsewhere():
    """A cluster as somebody else's, whose workers nobody replaces."""
    with connected("dask", jobs=1) as cluster:
        assert outcome_of(number, 0, cluster=cluster).value == 0  # its worker is there
        yield cluster


def test_an_existing_cluster_without_workers_ends_the_run(elsewhere, monkeypatch):
    monkeypatch.setattr(clusters, "_WITHOUT_WORKERS", 0.5)
    with connected(elsewhere._address, jobs=1) as cluster:
        assert outcome_of(number, 1, cluster=cluster).value == 1
        kill_all(elsewhere)
        with pytest.raises(WorkersLost, match=rf"at {elsewhere._address} has lost all its workers; start some"):
            outcome_of(number, 2, cluster=cluster)


def test_a_scheduler_that_is_gone_ends_the_run(elsewhere, monkeypatch):
    monkeypatch.setattr(clusters, "ANSWER", 1)
    with connected(elsewhere._address, jobs=1) as cluster:
        assert outcome_of(number, 1, cluster=cluster).value == 1
        elsewhere.close()
        with pytest.raises(WorkersLost, match="doesn't answer any more"):
            outcome_of(number, 2, cluster=cluster)


def say_and_sleep(path):
    Path(path).touch()
    time.sleep(600)


def test_ctrl_c_ends_the_wait(tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from mote_bench.execution import workers\n"
        "from mote_bench.execution.dask_backend import connected\n"
        "from test_local_cluster import say_and_sleep\n"
        "try:\n    with workers.ended_by_signals(), connected('dask', jobs=1) as cluster:\n"
        "        list(workers.run([workers.Task(0, say_and_sleep, (sys.argv[2],))], jobs=1, cluster=cluster))\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    began = tmp_path / "began"
    process = subprocess.Popen(
        [sys.executable, "-c", script, os.path.dirname(__file__), str(began)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path,
    )  # fmt: skip
    end = time.monotonic() + 90
    while not began.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    assert said == "interrupted\n", complained
    assert "Traceback" not in complained
