"""Runs tasks on a Dask cluster: a local one, or an existing one by its address. Outcomes are the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import mote_bench
from mote_bench.contracts import InputError
from mote_bench.records.source_code import folder_checksum

PROCESSES, LOCAL = "processes", "dask"
_SECONDS = 20
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class Cluster:
    """A connected cluster.

    Attributes
    ----------
    executor : Executor
        Runs tasks; Dask itself retries a task on another worker if its worker dies.
    """

    def __init__(self, client: Any) -> None:
        self._use(client)

    def _use(self, client: Any) -> None:
        self._client = client
        self.executor: Executor = client.get_executor(pure=False)

    @property
    def slots(self) -> int:
        """Number of tasks that can run at once now; workers may come and go."""
        return max(1, int(sum(self._client.nthreads().values())))

    def renew(self) -> None:
        """Nothing: others may use an existing cluster's workers too, so they stay."""


class _LocalCluster(Cluster):
    """A cluster of this machine, with ``jobs`` workers of one thread each, that ends with the run."""

    def __init__(self, dask: Any, jobs: int) -> None:
        self._dask, self._jobs = dask, jobs
        self._open = ExitStack()
        super().__init__(self._started())

    def _started(self) -> Any:
        local = self._dask.LocalCluster(
            n_workers=self._jobs,
            threads_per_worker=1,
            dashboard_address=None,
            env=_ONE_THREAD,
            # Tasks return their errors; workers' log messages while the scheduler closes have no use.
            silence_logs=logging.CRITICAL,
        )
        return self._open.enter_context(self._dask.Client(self._open.enter_context(local)))

    def renew(self) -> None:
        """End the workers and start new ones, in a new cluster.

        Dask's own ``restart`` waits for the old cluster's supervisors, which on a busy machine may never report again.
        """
        self.close()
        self._use(self._started())

    def close(self) -> None:
        """End the workers."""
        self._open.close()


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
        with closing(_LocalCluster(dask, jobs)) as local:
            yield local
        return
    try:
        client = dask.Client(backend, timeout=_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--backend {backend}: no Dask scheduler answers there ({error})") from None
    with client:
        _check_versions(client, backend)
        yield Cluster(client)


def lost(error: BaseException) -> bool:
    """Whether a task's error means that its worker died."""
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
