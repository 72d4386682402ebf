"""Tasks spread over worker processes: bounded memory, a lost worker costs only its own task."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from mote_bench.cluster import Cluster, lost
from mote_bench.outcome import Outcome

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
_MOST_JOBS = 8
_GLANCE = 1.0
"""Seconds after which a waiting run looks whether it was asked to end."""
_ASKED_TO_END = threading.Event()


@dataclass(frozen=True, eq=False)
class Task:
    """One call of a function of :mod:`mote_bench.tasks`; ``key`` tells the caller whose outcome it is."""

    key: Any
    function: Callable[..., Outcome]
    arguments: tuple[Any, ...]


def default_jobs() -> int:
    """The cores this process may use, at most 8: a worker with torch loaded takes about half a gigabyte."""
    return min(_MOST_JOBS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def run(tasks: Iterable[Task], *, jobs: int, cluster: Cluster | None = None) -> Iterator[tuple[Any, Outcome]]:
    """Outcomes as they come, in no order; from processes of this machine, or from a cluster where one is given.

    Tasks are drawn lazily, only a few more than there are workers, so that what they carry is not all in memory.
    When a worker dies (killed, out of memory), the tasks that were under way are tried again one by one, and one that
    kills its worker a second time has failed.
    """
    waiting = iter(tasks)
    suspects: list[Task] = []
    under_way: dict[Future[Outcome], Task] = {}
    while True:
        slots = jobs if cluster is None else cluster.slots
        while len(under_way) < slots + 1 and (task := next(waiting, None)) is not None:
            under_way[_submitted(task, jobs, cluster)] = task
        if not under_way:
            return
        done, _ = wait(under_way, timeout=_GLANCE, return_when=FIRST_COMPLETED)
        if _ASKED_TO_END.is_set():
            raise KeyboardInterrupt
        for future in done:
            task = under_way.pop(future)
            outcome = _outcome(future)
            if outcome is None:
                suspects.append(task)
            else:
                yield task.key, outcome
        if suspects:
            suspects += under_way.values()
            under_way.clear()
            for task in suspects:
                yield task.key, _alone(task, cluster)
            suspects.clear()


def renew(cluster: Cluster | None = None) -> None:
    """What comes next starts in new processes, which know nothing of the tasks that are done.

    To be called when no task is under way. Somebody else's cluster is left as it is.
    """
    if cluster is None:
        stop()
    else:
        cluster.renew()


def stop() -> None:
    """End the workers at once."""
    from loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=False, kill_workers=True)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """A polite end of the process (SIGTERM, a closed terminal) interrupts the run as Ctrl-C does.

    Where Python swallows the exception, because it came up in a callback of the garbage collector, the request is still
    remembered, and :func:`run` raises it again within a second.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        _ASKED_TO_END.set()
        raise KeyboardInterrupt

    polite = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in polite}
    try:
        yield
    finally:
        _ASKED_TO_END.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def _executor(jobs: int) -> Executor:
    from loky import get_reusable_executor

    executor: Executor = get_reusable_executor(
        max_workers=jobs,
        env=_ONE_THREAD,
        timeout=300,
        initializer=_leave_interrupts_to_the_parent,
        initargs=(os.getpid(),),
    )
    # A worker that has grown is replaced between tasks, which is what we want, and no news to the user.
    warnings.filterwarnings("ignore", message="A worker was restarted", module="loky")
    return executor


def _submitted(task: Task, jobs: int, cluster: Cluster | None) -> Future[Outcome]:
    """Submit while Ctrl-C is held back: a worker that starts now, or later from the executor's thread, inherits that.

    Otherwise one that hasn't reached its initializer yet would answer Ctrl-C with a traceback.
    """
    with _ctrl_c_held_back():
        executor = _executor(jobs) if cluster is None else cluster.executor
        return executor.submit(task.function, *task.arguments)


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """SIGINT waits until the block ends, where the system can make it wait."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it lets SIGINT through again, in Python 3.11 for all that follows
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_interrupts_to_the_parent(parent: int) -> None:
    """A terminal sends Ctrl-C to every process of the run; the parent answers it and ends the workers.

    A parent that is killed outright can't end them: they watch for that themselves. It tells its number, for it may be
    gone before a worker has started.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A worker whose run was killed has nobody to work for: what it made couldn't be written any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _alone(task: Task, cluster: Cluster | None) -> Outcome:
    outcome = _outcome(_submitted(task, 1, cluster))
    return outcome or Outcome(None, 0.0, "the worker process died on this task (killed, or out of memory)")


def _outcome(future: Future[Outcome]) -> Outcome | None:
    """What a task made; ``None`` when its worker died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None
    except Exception as error:  # what couldn't be sent to or from the worker
        if lost(error):
            return None
        return Outcome(None, 0.0, f"{type(error).__name__}: {error}")
