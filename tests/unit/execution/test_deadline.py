"""Work that takes too long is stopped, work that doesn't is left alone."""

import contextlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from mote_bench.execution.deadline import TimeBudgetSpent, deadline


def test_long_work_is_interrupted_even_where_it_catches_exceptions():
    def stubborn():
        while True:
            with contextlib.suppress(Exception):  # what a plug-in may do
                time.sleep(0.01)

    with pytest.raises(TimeBudgetSpent), deadline(0.05):
        stubborn()


def compute_for_ever():
    while True:
        pass


def test_seconds_of_the_processor_count():
    """Work that waits may take four times its budget; work that computes may not."""
    with deadline(0.3):
        time.sleep(0.5)
    start = time.process_time()
    with pytest.raises(TimeBudgetSpent), deadline(0.2):
        compute_for_ever()
    assert time.process_time() - start < 0.5


def test_short_work_is_not_and_the_alarm_is_taken_back():
    before = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGPROF)]
    with deadline(0.2):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGPROF)] == before
    assert [signal.getitimer(one) for one in (signal.ITIMER_REAL, signal.ITIMER_PROF)] == [(0.0, 0.0)] * 2


@pytest.mark.parametrize("seconds", [1e-6, 1e-5, 1e-4])
def test_an_alarm_at_once_leaves_nothing_behind(seconds):
    """It may come while the timers are being set."""
    before = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGPROF)]
    for _ in range(200):
        with contextlib.suppress(TimeBudgetSpent), deadline(seconds):
            sum(range(1000))
    assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGPROF)] == before
    assert [signal.getitimer(one) for one in (signal.ITIMER_REAL, signal.ITIMER_PROF)] == [(0.0, 0.0)] * 2


def test_no_budget_and_other_threads_run_free():
    with deadline(None):
        pass
    finished = []

    def work():
        with deadline(0.001):
            time.sleep(0.02)
            finished.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert finished == [True]


def test_work_that_no_alarm_reaches_ends_with_its_process():
    code = (
        "import signal, time; from mote_bench.execution import deadline\n"
        "deadline._GRACE = 0.2\n"
        "with deadline.deadline(0.1):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as a library call that never returns\n"
        "    time.sleep(60)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert ended.returncode != 0
