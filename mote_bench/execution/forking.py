"""Processes forked from one server that has imported what tasks need: imports take seconds, a fork a few hundredths.

The server has one thread, lives as long as this process and never holds the data of a task. On systems that can't fork,
each process imports by itself.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from types import ModuleType
from typing import Any

from mote_bench.execution.interrupts import held_back
from mote_bench.execution.outcome import ONE_THREAD
from mote_bench.execution.uncollected import SERVER

POSSIBLE = "forkserver" in multiprocessing.get_all_start_methods()
"""Whether this system can fork from a server."""
NEEDED = (
    "mote_bench.execution.uncollected",
    "mote_bench.engine.tasks",
    "mote_bench.execution.workers",
    "loky.process_executor",
)
"""Imported for all tasks, in this order."""
_OWN = ("mote_attacks", "mote_baselines", "mote_bench.mote")
"""Packages of built-in plug-ins."""
_HEAVY = ("scipy.special", "scipy.stats", "sklearn.linear_model", "torch", "distributed")
_SERVERS, _MOMENT = 20, 0.1
"""How often a process is started that its server doesn't start, and the seconds between."""
_SPAWN: Any = multiprocessing.get_context("spawn")
_FORK: Any = multiprocessing.get_context("forkserver") if POSSIBLE else _SPAWN


class _Process(_FORK.Process):  # type: ignore[misc]  # the class depends on the system
    """A process with this process's environment of the moment, on one thread; Ctrl-C is left to this process.

    It doesn't run the user's script once more: what tasks need of it is sent with them.
    """

    def __init__(
        self, *, target: Callable[..., object], args: tuple[Any, ...] = (), daemon: bool | None = None
    ) -> None:
        super().__init__(target=_begin, args=({**os.environ, **ONE_THREAD}, target, args), daemon=daemon)

    def start(self) -> None:
        with held_back(), _without_script(), _environment(ONE_THREAD):
            start(super().start)


class _Context(type(_FORK)):  # type: ignore[misc]
    """What an executor makes its processes with."""

    Process = _Process


CONTEXT = _Context()


def process(target: Callable[..., object], *args: Any) -> Any:
    """A process, not yet started, that ends with this one at the latest."""
    return _Process(target=target, args=args, daemon=True)


_STATED: set[str] = set()
"""What runs of this process have said that their tasks import: a server that takes another's place imports it too."""


def serve(modules: Collection[str] = ()) -> None:
    """Start the server, unless it runs. It imports while this process goes on, and forks when that is done.

    Built-in plug-ins and large libraries that this process has imported are needed by its tasks, too. Other plug-ins
    are left to the tasks: they may start threads, which a fork would lose.

    Parameters
    ----------
    modules : collection of str
        What it imports besides. A module that it can't import is left to the tasks.
    """
    _STATED.update(modules)
    if not POSSIBLE:
        return
    from multiprocessing import forkserver

    needed = [name for name in sys.modules if name in _HEAVY or built_in(name)]
    _FORK.set_forkserver_preload([*NEEDED, *needed, *sorted(_STATED)])
    with held_back(), _environment({**ONE_THREAD, SERVER: "yes"}):
        forkserver.ensure_running()


def built_in(module: str) -> bool:
    """Whether a module belongs to a built-in plug-in: importing it starts no threads, which a fork would lose."""
    return module.startswith(_OWN)


def start(begin: Callable[[], None]) -> None:
    """Start a process of the server by this method of it, if need be by another server: the first may have been killed.

    Raises
    ------
    OSError, EOFError
        When one server after the other ends at once.
    """
    for _ in range(_SERVERS - 1):
        serve()
        try:
            begin()
        except (OSError, EOFError):
            time.sleep(_MOMENT)  # until the system tells that the server has ended
        else:
            return
    serve()
    begin()


@lru_cache(maxsize=1)
def await_server() -> None:
    """Wait until the server has imported everything. Ctrl-C ends this wait, unlike the start of a process."""
    if POSSIBLE:
        first = _FORK.Process(target=int)
        with _without_script():
            start(first.start)
        first.join()


@atexit.register
def _end_unused() -> None:
    """End a server that nobody has waited for: a command that ends with an error has no use for what it imports.

    It would hold the command's output open for seconds. One that has imported everything ends by itself.
    """
    from multiprocessing import forkserver

    server = getattr(forkserver._forkserver, "_forkserver_pid", None)
    if server is not None and not await_server.cache_info().currsize:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGTERM)


def _begin(environment: Mapping[str, str], target: Callable[..., object], args: tuple[Any, ...]) -> None:
    """Become a process of its own: those forked from one server would all draw the same numbers from numpy's generator.

    Python's own generator is seeded anew by every fork, and torch's starts from the same seed in every process.
    """
    os.environ.clear()
    os.environ.update(environment)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    gc.freeze()  # what the server has imported stays: the garbage collector need not look through it
    gc.enable()
    target(*args)


@contextmanager
def _without_script() -> Iterator[None]:
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
