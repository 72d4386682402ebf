"""Tasks over processes: every outcome comes back, and a dying worker costs only its own task."""

import os
import signal

import numpy as np
import pytest
from loky import get_reusable_executor

from mote_bench import workers
from mote_bench.tasks import Outcome


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


def test_workers_have_one_thread():
    get_reusable_executor().shutdown()
    [(_, outcome)] = workers.run([workers.Task(0, blas_threads, ())], jobs=2)
    assert set(outcome.value) == {1}
