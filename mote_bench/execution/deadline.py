"""A time budget for work in this process: first an alarm, then the end of the process."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_GRACE = 30.0


class TimeBudgetSpent(BaseException):
    """The work exceeded its time budget. It isn't an ``Exception``, so that work which catches those still stops."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Raise :class:`TimeBudgetSpent` inside the work after ``seconds``.

    An alarm interrupts Python code only. If the work stays in a library's compiled code, the whole process is ended
    half a minute later, and the run treats it as a lost worker. Without alarms (on Windows, outside of the main thread)
    nothing is stopped.
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def spent(*_: object) -> None:
        raise TimeBudgetSpent

    before = signal.signal(signal.SIGALRM, spent)
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=nowhere)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.cancel_dump_traceback_later()
            signal.signal(signal.SIGALRM, before)
