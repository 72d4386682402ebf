"""The outcome of a task, and the guard that every task runs in."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mote_bench.execution.deadline import TimeBudgetSpent
from mote_bench.execution.redaction import redacted

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
"""Environment in which a library that is loaded computes on one thread."""
_LONGEST_ERROR = 4000


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of a task, or the traceback of its error, and what it took.

    Attributes
    ----------
    seconds, cpu_seconds : float
        By the clock, and of the processor. Machines are shared, so the second says more of the task itself.
    peak_bytes : int
        The most memory that the task's process has held so far; 0 where the system doesn't say.
    """

    value: Any
    seconds: float
    error: str | None = None
    timed_out: bool = False
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


def guarded(work: Callable[[], Any]) -> Outcome:
    """Run ``work`` on one thread and catch its errors.

    Workers provide the parallelism, and sums on one thread don't depend on the number of cores.
    """
    _limit_threads()
    start, used = time.perf_counter(), time.process_time()

    def outcome(value: Any, error: str | None = None, *, timed_out: bool = False) -> Outcome:
        cpu = time.process_time() - used
        return Outcome(value, time.perf_counter() - start, error, timed_out, cpu, peak_bytes())

    try:
        with _thread_pools(len(sys.modules)).limit(limits=1):
            return outcome(work())
    except TimeBudgetSpent:
        seconds = time.perf_counter() - start
        return outcome(None, f"stopped at its time budget, after {seconds:.0f} s", timed_out=True)
    except Exception:  # a plug-in may raise anything, and the run goes on
        return outcome(None, redacted(traceback.format_exc())[-_LONGEST_ERROR:])


def peak_bytes() -> int:
    """The most memory that this process has held so far; 0 where the system doesn't say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> ThreadpoolController:
    """The loaded libraries that have pools of threads. Looking for them takes longer than many a task.

    Parameters
    ----------
    modules : int
        Number of imported modules: imports load libraries, so after one they are looked for again.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _limit_threads() -> None:
    """Let libraries that the work will load compute on one thread, and torch if it is loaded.

    torch isn't imported for it: that takes seconds, and most tasks do without.
    """
    os.environ.update(ONE_THREAD)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
