"""A Dask cluster of this machine: a scheduler in this process, and workers that it starts, replaces and ends itself.

Dask's own local cluster leaves that to a supervisor for each worker. One that gives up, or that never hears of its
worker's end, leaves the run waiting for good. Here a worker is a process that lives or doesn't.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import Any

from mote_bench.execution import forking
from mote_bench.execution.cluster import Cluster, WorkersLost

_STARTS = 3
"""How often a worker is started anew, in a row, that ends before it has joined."""
_CLOSING = 5.0
"""Seconds that the scheduler may take to close; its workers are gone by then."""


class LocalCluster(Cluster):
    """A cluster with ``jobs`` workers of one thread each, that ends with the run."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._lost_starts = 0
        self._open = ExitStack()
        super().__init__(self._started(), "on this machine")

    def _started(self) -> Any:
        import dask.config

        distributed = _distributed()
        # A worker that dies takes its task with it: whether to try again is decided in one place for all backends.
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            local = distributed.LocalCluster(n_workers=0, dashboard_address=None, silence_logs=logging.CRITICAL)
        self._open.callback(_closed, local)
        client = distributed.Client(local)
        self._open.callback(_closed, client)
        self._address = local.scheduler_address
        self._workers = [_Worker(self._address) for _ in range(self._jobs)]
        self._open.callback(self._end_workers)
        return client

    @property
    def slots(self) -> int:
        """Number of workers; one that has died is replaced."""
        return self._jobs

    def ready(self) -> None:
        """As :meth:`watch`."""
        self.watch()

    def watch(self) -> None:
        """Replace the workers that have died.

        Raises
        ------
        WorkersLost
            When workers end as soon as they start.
        """
        super().ready()
        for place, worker in enumerate(self._workers):
            if worker.joined():
                self._lost_starts = 0
            if worker.process.is_alive():
                continue
            if not worker.joined():
                self._lost_starts += 1
            if self._lost_starts > _STARTS * self._jobs:
                raise WorkersLost(
                    f"the workers of the Dask cluster end as soon as they start (exit code {worker.process.exitcode}), "
                    "so tasks would wait for good"
                )
            self._workers[place] = _Worker(self._address)

    def renew(self) -> None:
        """End the workers and start new ones, in a new cluster."""
        self.close()
        self._use(self._started())

    def close(self) -> None:
        """End the workers."""
        self._open.close()

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(_CLOSING)


class _Worker:
    """A process that serves a scheduler."""

    def __init__(self, address: str) -> None:
        self._news, pen = multiprocessing.Pipe(duplex=False)
        self._joined = False
        self.process = forking.process(_serve, address, pen)
        self.process.start()
        pen.close()

    def joined(self) -> bool:
        """Whether the worker has ever joined its scheduler."""
        with suppress(EOFError, OSError):
            while not self._joined and self._news.poll():
                self._joined = self._news.recv()
        return self._joined


def _closed(what: Any) -> None:
    """Close a client or a scheduler, which may not answer any more."""
    with suppress(OSError, asyncio.TimeoutError):
        what.close(timeout=_CLOSING)


def _serve(address: str, news: Connection) -> None:
    """Work for a scheduler until the run ends this process, or has ended itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    _distributed()  # before the next line, as its import sets its own level
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    asyncio.run(_work(address, news))


async def _work(address: str, news: Connection) -> None:
    distributed = _distributed()
    # No memory limit: above one, Dask pauses a worker, and its tasks would wait for good.
    async with distributed.Worker(address, nthreads=1, memory_limit=0, dashboard_address=":0") as worker:
        news.send(True)
        await worker.finished()


def _end_with_the_run() -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
    os._exit(1)


def _distributed() -> Any:
    """The package, imported when it is used, as Dask is an extra; its classes have no types."""
    import distributed

    return distributed
