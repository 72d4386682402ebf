"""How far a run is: a bar on a terminal, a line each tenth elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int, str], None]
"""Called with the number of finished tasks, the number of all tasks, and the last task's description."""


@contextmanager
def shown(quiet: bool, of: str = "tasks") -> Iterator[Progress]:
    """A callback that shows progress for as long as the block runs: how many ``of`` what are done."""
    if quiet or sys.stderr is None:  # None: a program without streams, such as under pythonw
        yield lambda done, total, what: None
    elif sys.stderr.isatty():
        with _bar(of) as progress:
            yield progress
    else:
        yield _lines(of)


@contextmanager
def _bar(of: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    count = (MofNCompleteColumn(), TextColumn(of))
    columns = (BarColumn(), *count, TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


def _lines(of: str) -> Progress:
    start, last = time.monotonic(), -1

    def line(done: int, total: int, what: str) -> None:
        nonlocal last
        tenth = 10 * done // max(total, 1)
        if tenth != last:
            last = tenth
            print(f"[{time.monotonic() - start:5.0f} s] {done}/{total} {of}; {what}", file=sys.stderr, flush=True)

    return line
