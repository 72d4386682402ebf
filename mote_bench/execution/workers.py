"""Runs tasks in worker processes, with bounded memory; if a worker dies, only its own task is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mote_bench.execution import forking
from mote_bench.execution.absent_streams import present
from mote_bench.execution.cluster import Cluster, lost
from mote_bench.execution.interrupts import held_back
from mote_bench.execution.outcome import ONE_THREAD, Outcome

_MOST_JOBS = 8
_GLANCE = 1.0
"""Interval in seconds at which a waiting run checks whether it should end."""
_ENDING = threading.Event()


@dataclass(frozen=True, eq=False)
class Task:
    """One call of a function of :mod:`mote_bench.engine.tasks`; ``key`` identifies its outcome for the caller."""

    key: Any
    function: Callable[..., Outcome]
    arguments: tuple[Any, ...]


def default_jobs() -> int:
    """Number of cores that this process may use, at most 8: a worker with torch takes about half a gigabyte."""
    return min(_MOST_JOBS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def run(tasks: Iterable[Task | None], *, jobs: int, cluster: Cluster | None = None) -> Iterator[tuple[Any, Outcome]]:
    """Outcomes in order of completion, from processes of this machine or from ``cluster``.

    Tasks are drawn lazily, only a few more than there are workers, so that not all their arguments are in memory.
    ``None`` among them means that the next one waits for the outcome of a task under way; it is asked for again. When
    a worker dies (killed, out of memory), the tasks that were lost are tried again one by one. A task that kills its
    worker a second time has failed.

    Raises
    ------
    WorkersLost
        When the cluster has no workers left. A worker that is there may take any time.
    """
    with present():
        yield from _run(tasks, jobs, cluster)


def _run(tasks: Iterable[Task | None], jobs: int, cluster: Cluster | None) -> Iterator[tuple[Any, Outcome]]:
    waiting = iter(tasks)
    suspects: list[Task] = []
    under_way: dict[Future[Outcome], Task] = {}
    while True:
        slots = jobs if cluster is None else cluster.slots
        while not suspects and len(under_way) < slots + 1 and (task := next(waiting, None)) is not None:
            under_way[_submitted(task, jobs, cluster)] = task
        if under_way:
            for future in _finished(under_way, cluster):
                task = under_way.pop(future)
                outcome = _outcome(future)
                if outcome is None:
                    suspects.append(task)
                else:
                    yield task.key, outcome
        elif suspects:
            task = suspects.pop(0)
            yield task.key, _alone(task, cluster)
        else:
            return


def _finished(futures: Collection[Future[Outcome]], cluster: Cluster | None) -> set[Future[Outcome]]:
    """Wait for the first of these; several may have finished.

    The wait ends too when the run is asked to end, and when the workers are lost. loky itself sees its workers' end.
    """
    while True:
        done, _ = wait(futures, timeout=_GLANCE, return_when=FIRST_COMPLETED)
        if _ENDING.is_set():
            raise KeyboardInterrupt
        if done:
            return done
        if cluster is not None:
            cluster.watch()


def renew(cluster: Cluster | None = None) -> None:
    """Run the next tasks in new processes, which hold no data of earlier tasks.

    Call this while no task is running. An existing cluster, given by its address, isn't restarted.
    """
    if cluster is None:
        stop()
    else:
        cluster.renew()


def stop() -> None:
    """End the workers at once, and wait until what watched them has ended too.

    It would otherwise clean up while the interpreter exits, and warn of what the other has removed.
    """
    from loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP (a closed terminal) interrupt the run as Ctrl-C does.

    Python may swallow the exception if it is raised in a callback of the garbage collector. The request is remembered,
    and :func:`run` raises it again within a second.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        _ENDING.set()
        raise KeyboardInterrupt

    polite = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in polite}
    try:
        yield
    finally:
        _ENDING.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def _executor(jobs: int) -> Executor:
    from loky import get_reusable_executor

    executor: Executor = get_reusable_executor(
        max_workers=jobs,
        context=forking.CONTEXT if forking.POSSIBLE else None,
        env=ONE_THREAD,
        timeout=300,
        initializer=_prepared,
        initargs=(os.getpid(), os.getcwd(), tuple(sys.path)),  # where these have changed, loky starts new workers
    )
    # Workers that have grown are replaced between tasks: that is intended, and no news for the user.
    warnings.filterwarnings("ignore", message="A worker was restarted", module="loky")
    return executor


def _submitted(task: Task, jobs: int, cluster: Cluster | None) -> Future[Outcome]:
    """Submit a task while SIGINT is blocked, which workers started by it inherit.

    Otherwise a worker that hasn't reached its initializer would print a traceback on Ctrl-C.
    """
    if cluster is None:
        forking.await_server()
    with held_back():
        if cluster is not None:
            cluster.ready()
        executor = _executor(jobs) if cluster is None else cluster.executor
        return executor.submit(task.function, *task.arguments)


def _prepared(parent: int, folder: str, search: tuple[str, ...]) -> None:
    """Prepare a worker: it finds files and modules where its run does, and ignores SIGINT.

    A terminal sends SIGINT to all processes, and the parent ends the workers. A parent that is killed can't end its
    workers, so they watch for that themselves. The parent's process id is an argument, as the parent may be gone before
    a worker has started.
    """
    os.chdir(folder)
    sys.path[:] = search
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End a worker when its run was killed: its results couldn't be written any more."""
    run = multiprocessing.parent_process()
    if run is not None:  # forked: its parent by number is the server
        run.join()
    else:
        while os.getppid() == parent:
            time.sleep(0.5)
    os._exit(1)


def _alone(task: Task, cluster: Cluster | None) -> Outcome:
    future = _submitted(task, 1, cluster)
    _finished([future], cluster)
    return _outcome(future) or Outcome(None, 0.0, "the worker process died on this task (killed, or out of memory)")


def _outcome(future: Future[Outcome]) -> Outcome | None:
    """The outcome of a task; ``None`` if its worker died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None
    except Exception as error:  # arguments or results that couldn't be sent to or from the worker
        if lost(error):
            return None
        return Outcome(None, 0.0, f"{type(error).__name__}: {error}")
