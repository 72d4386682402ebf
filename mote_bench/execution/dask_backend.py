"""Runs tasks on a Dask cluster: a local one, or an existing one by its address. Outcomes are the same."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import mote_bench
from mote_bench.contracts import InputError
from mote_bench.records.source_code import folder_checksum

PROCESSES, LOCAL = "processes", "dask"
_SECONDS = 20
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

    def __init__(self, client: Any, where: str) -> None:
        self._where = where
        self._seen = time.monotonic()
        self._use(client)

    def _use(self, client: Any) -> None:
        self._client = client
        self.executor: Executor = client.get_executor(pure=False)

    @property
    def slots(self) -> int:
        """Number of tasks that can run at once now; workers may come and go."""
        return max(1, self._threads())

    def _threads(self) -> int:
        """Threads of all workers; 0 also while the scheduler doesn't answer."""
        with suppress(OSError, AttributeError, RuntimeError):  # a client that is closing has no scheduler, or no pool
            found = self._client.sync(self._client.scheduler.ncores, callback_timeout=_SECONDS)
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


def check_backend(backend: str) -> None:
    """Check the option ``--backend``.

    Raises
    ------
    InputError
        On values other than ``processes``, ``dask`` or an address.
    """
    if backend not in (PROCESSES, LOCAL) and "://" not in backend:
        raise InputError(f"--backend {backend}: expected {PROCESSES}, {LOCAL}, or tcp://HOST:PORT of a scheduler")


@contextmanager
def placed(backend: str, jobs: int) -> Iterator[tuple[int, Cluster | None]]:
    """Where tasks run: a number of processes, and a cluster or ``None``."""
    if backend == PROCESSES:
        yield jobs, None
    else:
        with connected(backend, jobs=jobs) as made:
            yield jobs, made


@contextmanager
def connected(backend: str, *, jobs: int) -> Iterator[Cluster]:
    """A cluster for as long as the block runs.

    Parameters
    ----------
    backend : str
        ``dask`` for a local cluster of ``jobs`` workers with one thread each, or the address of a scheduler, such as
        ``tcp://10.0.0.5:8786``.

    Raises
    ------
    InputError
        When Dask isn't installed, no scheduler answers at the address, or a worker has another version of mote-bench,
        as its figures could differ.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            f"--backend {backend}: Dask isn't installed. Install it: pip install 'mote-bench[dask]'"
        ) from None
    dask: Any = distributed  # its classes have no types
    logging.getLogger("distributed").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Sending large graph", module="distributed")
    if backend == LOCAL:
        from mote_bench.execution.local_cluster import LocalCluster

        with closing(LocalCluster(jobs)) as local:
            yield local
        return
    try:
        client = dask.Client(backend, timeout=_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--backend {backend}: no Dask scheduler answers there ({error})") from None
    with client:
        _check_versions(client, backend)
        yield Cluster(client, f"at {backend}")


def lost(error: BaseException) -> bool:
    """Whether a task's error means that its worker died, or that the scheduler forgot it."""
    if isinstance(error, CancelledError):
        return True
    with suppress(ImportError):
        from distributed.scheduler import KilledWorker

        return isinstance(error, KilledWorker)
    return False


def _check_versions(client: Any, backend: str) -> None:
    own, theirs = _version(), client.run(_version)
    if not theirs:
        raise InputError(f"--backend {backend}: the cluster has no workers")
    for address, found in theirs.items():
        if found != own:
            raise InputError(f"--backend {backend}: worker {address} has mote-bench {found}, here is {own}")


def _version() -> str:
    return f"{mote_bench.__version__} (source {folder_checksum(Path(mote_bench.__file__).parent)})"
