"""Processes forked from a server with all imports: each for itself, none tied to the server's life."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys

import numpy as np
import pytest

from mote_bench.execution import forking, workers
from mote_bench.execution.outcome import Outcome
from mote_bench.execution.uncollected import SERVER

pytestmark = pytest.mark.skipif(not forking.POSSIBLE, reason="this system can't fork from a server")


def told(function):
    """What a function returns in a process of its own."""
    answers, pen = multiprocessing.Pipe(duplex=False)
    process = forking.process(tell, function, pen)
    process.start()
    pen.close()
    with answers:
        assert answers.poll(60)
        return answers.recv()


def tell(function, pen):
    pen.send(function())


def imported():
    return [name for name in ("mote_bench.engine.tasks", "scipy.special") if name in sys.modules]


def test_it_has_imported_what_tasks_need():
    assert told(imported) == ["mote_bench.engine.tasks", "scipy.special"]


def collected():
    return gc.isenabled(), gc.get_freeze_count() > 0, SERVER in os.environ


def test_garbage_is_collected_but_for_what_was_imported():
    assert told(collected) == (True, True, False)
    assert gc.isenabled()


def drawn():
    return random.random(), np.random.random()  # noqa: NPY002 - what a plug-in may do


def test_no_two_draw_the_same_numbers():
    first, second = told(drawn), told(drawn)
    assert first[0] != second[0]
    assert first[1] != second[1]


def environment():
    return os.environ.get("MOTE_BENCH_SAYS"), os.environ["OMP_NUM_THREADS"]


def test_the_environment_is_that_of_its_start(monkeypatch):
    """The server may be older than a variable that a program sets before its next run."""
    assert told(environment) == (None, "1")
    monkeypatch.setenv("MOTE_BENCH_SAYS", "hello")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert told(environment) == ("hello", "1")
    monkeypatch.delenv("MOTE_BENCH_SAYS")
    assert told(environment) == (None, "1")
    assert os.environ["OMP_NUM_THREADS"] == "4"


def server():
    return Outcome(os.getppid(), 0.0)


def test_a_server_that_is_killed_costs_no_task():
    def outcomes():
        return dict(workers.run([workers.Task(number, server, ()) for number in range(4)], jobs=2))

    before = {outcome.value for outcome in outcomes().values()}
    assert len(before) == 1
    os.kill(before.pop(), signal.SIGKILL)
    assert not any(outcome.error for outcome in outcomes().values())


def test_a_server_that_is_killed_while_it_imports_is_replaced():
    """Such as by a system that is short of memory: the run waits for the server to begin."""
    script = (
        "import os, signal\nfrom multiprocessing import forkserver\nfrom mote_bench.execution import forking, workers\n"
        "from mote_bench.execution.outcome import Outcome\n"
        "def seven():\n    return Outcome(7, 0.0)\n"
        "forking.serve()\nos.kill(forkserver._forkserver._forkserver_pid, signal.SIGKILL)\n"
        "print([outcome.value for _, outcome in workers.run([workers.Task(0, seven, ())], jobs=1)])\n"
        "workers.stop()\n"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert (made.returncode, made.stdout) == (0, "[7]\n"), made.stderr


def test_a_script_is_run_once(tmp_path):
    """Also one that doesn't ask whether it is the main program; functions of its own are sent with the tasks."""
    script = tmp_path / "script.py"
    script.write_text(
        "from mote_bench.execution import workers\nfrom mote_bench.execution.outcome import Outcome\n"
        "print('begun', flush=True)\n"
        "def double(x):\n    return Outcome(2 * x, 0.0)\n"
        "print([outcome.value for _, outcome in workers.run([workers.Task(0, double, (21,))], jobs=1)])\n"
        "workers.stop()\n"
    )
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert (made.returncode, made.stdout) == (0, "begun\n[42]\n"), made.stderr
    assert not made.stderr


def test_a_command_that_ends_early_takes_its_server_along(tmp_path):
    """What reads the command's output waits for all who may write to it."""
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)")
    command = [sys.executable, "-c", "from mote_bench.execution import forking\nforking.serve(['slow'])"]
    search = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run(command, env=search, check=True, capture_output=True, timeout=30)
