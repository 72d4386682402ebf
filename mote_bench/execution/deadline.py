"""A time budget for work in this process: first an alarm, then the end of the process."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CLOCK = 4.0
"""Seconds of the clock that the work may take, per second of its budget."""
_GRACE = 30.0


class TimeBudgetSpent(BaseException):
    """The work exceeded its time budget. It isn't an ``Exception``, so that work which catches those still stops."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Raise :class:`TimeBudgetSpent` inside the work after ``seconds`` of the processor, or four times as many in all.

    Whether an attack is stopped then hardly depends on what else the machine does; work that only waits ends too. An
    alarm interrupts Python code only. If the work stays in a library's compiled code, the whole process is ended half a
    minute after the second limit, and the run treats it as a lost worker. Without alarms (on Windows, outside of the
    main thread) nothing is stopped.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    over = False

    def spent(*_: object) -> None:
        nonlocal over
        if not over:
            over = True  # a second alarm must not interrupt the clean-up after the first
            raise TimeBudgetSpent

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, _CLOCK * seconds)}
    before = {number: signal.signal(number, spent) for number in timers}
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(_CLOCK * seconds + _GRACE, exit=True, file=nowhere)
        try:
            for timer, limit in timers.values():
                signal.setitimer(timer, limit)
            yield
        finally:
            over = True
            for timer, _ in timers.values():
                signal.setitimer(timer, 0)
            faulthandler.cancel_dump_traceback_later()
            for number, handler in before.items():
                signal.signal(number, handler)
