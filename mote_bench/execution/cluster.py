"""A Dask cluster that runs tasks, and how a run sees that its workers are lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from typing import Any

ANSWER = 20
"""Seconds that a scheduler may take to answer."""
_WITHOUT_WORKERS = 60.0
"""Seconds for which an existing cluster may be without workers; they may be on their way."""


class WorkersLost(ConnectionError):
    """No worker is left that could run the tasks."""


class Cluster:
    """A connected cluster.

    Parameters
    ----------
    client : distributed.Client
    where : str
        Where the cluster is, for messages.

    Attributes
    ----------
    executor : Executor
        Runs tasks.
    """

    executor: Executor

    def __init__(self, client: Any, where: str) -> None:
        self._where = where
        self._seen = time.monotonic()
        self._use(client)

    def _use(self, client: Any) -> None:
        self._client = client
        self.executor = _Tasks(client)

    @property
    def slots(self) -> int:
        """Number of tasks that can run at once now; workers may come and go."""
        return max(1, self._threads())

    def _threads(self) -> int:
        """Threads of all workers; 0 also while the scheduler doesn't answer."""
        with suppress(OSError, AttributeError, RuntimeError):  # a client that is closing has no scheduler, or no pool
            found = self._client.sync(self._client.scheduler.ncores, callback_timeout=ANSWER)
            return int(sum(found.values()))
        return 0

    def watch(self) -> None:
        """Look after the workers; to be called once in a while as long as tasks are awaited.

        A worker that is there may take any time: attacks have a limit of their own.

        Raises
        ------
        WorkersLost
            When the scheduler is gone, or no worker has been there for a minute.
        """
        self.ready()
        if self._threads():
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > _WITHOUT_WORKERS:
            raise WorkersLost(f"the Dask cluster {self._where} has lost all its workers; start some")

    def ready(self) -> None:
        """To be called before a task is submitted.

        Raises
        ------
        WorkersLost
            When the scheduler is gone.
        """
        if self._client.status == "closed":
            raise WorkersLost(f"the scheduler of the Dask cluster {self._where} doesn't answer any more; start it")

    def renew(self) -> None:
        """Nothing: others may use an existing cluster's workers too, so they stay."""


class _Tasks(Executor):
    """Runs functions on a cluster, and is told of every end.

    With Dask's own executor the run waits for good if a worker finishes and dies before the outcome is fetched from it,
    and if it dies of sending the outcome.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        promised: Future[Any] = Future()
        remote = self._client.submit(_packed, function, *arguments, pure=False, **named)
        self._client.loop.add_callback(self._fetch, remote, promised)
        return promised

    async def _fetch(self, remote: Any, promised: Future[Any]) -> None:
        from distributed.protocol.pickle import loads

        try:
            [outcome] = await self._client.gather([remote], asynchronous=True)
            promised.set_result(loads(outcome))  # type: ignore[no-untyped-call]
        except BaseException as error:  # whatever it is, the run waits for it
            promised.set_exception(error)


def _packed(function: Callable[..., Any], *arguments: Any, **named: Any) -> bytes:
    """The outcome as bytes: if packing it kills the worker, it dies at this task, and Dask doesn't try for ever."""
    from distributed.protocol.pickle import dumps

    packed: bytes = dumps(function(*arguments, **named))  # type: ignore[no-untyped-call]
    return packed


def lost(error: BaseException) -> bool:
    """Whether a task's error means that its worker died, or that the scheduler forgot it or is gone."""
    if isinstance(error, CancelledError):
        return True
    with suppress(ImportError):
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        return isinstance(error, KilledWorker | CommClosedError)
    return False
