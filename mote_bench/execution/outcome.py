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
    """The result of a task, or the traceback of its error, and the seconds it took."""

    value: Any
    seconds: float
    error: str | None = None
    timed_out: bool = False


def guarded(work: Callable[[], Any]) -> Outcome:
    """Run ``work`` on one thread and catch its errors.

    Workers provide the parallelism, and sums on one thread don't depend on the number of cores.
    """
    _limit_threads()
    start = time.perf_counter()
    try:
        with _thread_pools(len(sys.modules)).limit(limits=1):
            value = work()
    except TimeBudgetSpent:
        seconds = time.perf_counter() - start
        return Outcome(None, seconds, f"stopped at its time budget, after {seconds:.0f} s", timed_out=True)
    except Exception:  # a plug-in may raise anything, and the run goes on
        return Outcome(None, time.perf_counter() - start, redacted(traceback.format_exc())[-_LONGEST_ERROR:])
    return Outcome(value, time.perf_counter() - start)


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
