"""Tasks over processes: every outcome comes back, and a dying worker costs only its own task."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from loky import get_reusable_executor

from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome


def double(x):
    return Outcome(2 * x, 0.0)


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def blas_threads():
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    return Outcome([pool["num_threads"] for pool in threadpool_info()], 0.0)


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_outcome_comes_back(jobs):
    tasks = (workers.Task(i, double, (i,)) for i in range(20))
    assert {key: outcome.value for key, outcome in workers.run(tasks, jobs=jobs)} == {i: 2 * i for i in range(20)}


def test_tasks_are_drawn_as_they_are_needed():
    drawn = []

    def tasks():
        for i in range(50):
            drawn.append(i)
            yield workers.Task(i, double, (i,))

    outcomes = workers.run(tasks(), jobs=2)
    next(outcomes)
    assert len(drawn) < 10
    assert len(list(outcomes)) == 49


def test_a_dying_worker_costs_only_its_task():
    tasks = [workers.Task(i, die if i == 3 else double, (i,)) for i in range(8)]
    outcomes = dict(workers.run(tasks, jobs=2))
    assert {key for key, outcome in outcomes.items() if outcome.error} == {3}
    assert "worker process died" in outcomes[3].error
    assert [outcomes[i].value for i in (0, 7)] == [0, 14]


def test_what_cannot_be_sent_is_an_error_not_a_crash():
    [(_, outcome)] = workers.run([workers.Task(0, double, (open(os.devnull),))], jobs=1)  # noqa: SIM115
    assert "TypeError" in outcome.error


SEEN = []
"""What tasks of this process leave behind."""


def remember(x):
    SEEN.append(x)
    return Outcome(list(SEEN), 0.0)


def test_renewed_workers_remember_nothing():
    def seen(x):
        [(_, outcome)] = workers.run([workers.Task(0, remember, (x,))], jobs=1)
        return outcome.value

    workers.renew()
    assert [seen(1), seen(2)] == [[1], [1, 2]]
    workers.renew()
    assert seen(3) == [3]


def found(name):
    return Outcome((os.getcwd(), importlib.import_module(name).__name__), 0.0)


def test_workers_find_what_their_run_finds(tmp_path, monkeypatch):
    """As in a notebook: a module is written after the first run, and the folder is changed."""
    list(workers.run([workers.Task(0, double, (1,))], jobs=1))
    (tmp_path / "written_later.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    [(_, outcome)] = workers.run([workers.Task(0, found, ("written_later",))], jobs=1)
    assert outcome.value == (str(tmp_path), "written_later")


def test_workers_have_one_thread():
    get_reusable_executor().shutdown()
    [(_, outcome)] = workers.run([workers.Task(0, blas_threads, ())], jobs=2)
    assert set(outcome.value) == {1}


def sleep(seconds):
    time.sleep(seconds)
    return Outcome(seconds, 0.0)


def workers_of(parent):
    """Processes that this process has started for its tasks: the server that forks, or workers on other systems."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text()
            if int(fields[1]) == parent and ("forkserver" in command or "popen_loky" in command):
                found.append(entry.name)
        except (OSError, IndexError):  # no process, or one that has ended
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_worker_that_is_starting_leaves_ctrl_c_to_the_parent(tmp_path):
    """Interrupted while its imports go on: no traceback of its own."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from mote_bench.execution import workers\nfrom test_workers import sleep\n"
        "try:\n    with workers.ended_by_signals():\n"
        "        list(workers.run([workers.Task(0, sleep, (90,))], jobs=1))\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\nfinally:\n    workers.stop()\n"
    )
    command = [sys.executable, "-c", script, os.path.dirname(__file__)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path
    )
    end = time.monotonic() + 60
    while not workers_of(process.pid) and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    assert said == "interrupted\n"
    assert "KeyboardInterrupt" not in complained


def ask_the_parent_to_end(parent):
    os.kill(parent, signal.SIGINT)
    return Outcome(0, 0.0)


def test_an_interrupt_that_python_swallowed_is_raised_all_the_same(monkeypatch):
    """As in a callback of the garbage collector, whose exceptions are printed and forgotten."""
    raised = []

    def swallowing(number, handler):
        def swallow(*arguments):
            with pytest.raises(KeyboardInterrupt):
                handler(*arguments)
            raised.append(number)

        return real(number, swallow if callable(handler) and handler not in before else handler)

    real, before = (
        signal.signal,
        {signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)},
    )
    monkeypatch.setattr(signal, "signal", swallowing)
    tasks = [workers.Task(i, ask_the_parent_to_end if i == 1 else double, (os.getpid(),)) for i in range(6)]
    with pytest.raises(KeyboardInterrupt), workers.ended_by_signals():
        list(workers.run(tasks, jobs=1))
    assert raised == [signal.SIGINT]
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) in before
    assert len(list(workers.run([workers.Task(0, double, (1,))], jobs=1))) == 1
