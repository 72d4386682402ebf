"""The workers' work in this process, one task after the other: tests of what is around it need no workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mote_bench.execution import workers


def one_after_the_other(
    tasks: Iterable[workers.Task], *, jobs: int, cluster: object = None
) -> Iterator[tuple[Any, Any]]:
    """Stands in for :func:`mote_bench.execution.workers.run`."""
    for task in tasks:
        yield task.key, task.function(*task.arguments)
