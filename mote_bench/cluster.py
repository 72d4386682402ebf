"""Tasks on a Dask cluster, an existing one by its address or a local one: the same tasks, the same outcomes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import mote_bench
from mote_bench.contracts import InputError
from mote_bench.source_code import folder_checksum

PROCESSES, LOCAL = "processes", "dask"
_SECONDS = 20
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


class Cluster:
    """A connected cluster.

    Attributes
    ----------
    executor : Executor
        Takes tasks; one that lost its worker is tried elsewhere by Dask itself.
    """

    def __init__(self, client: Any, *, own: bool = False) -> None:
        self._client, self._own = client, own
        self.executor: Executor = client.get_executor(pure=False)

    @property
    def slots(self) -> int:
        """How many tasks run at once, now: workers may come and go."""
        return max(1, int(sum(self._client.nthreads().values())))

    def renew(self) -> None:
        """Start the workers anew where they are this run's own; others may be at work in them for somebody else."""
        if self._own:
            self._client.restart(wait_for_workers=True)


def check_backend(backend: str) -> None:
    """Hold what a user gave as ``backend`` against what there is.

    Raises
    ------
    InputError
        On anything but ``processes``, ``dask`` and an address.
    """
    if backend not in (PROCESSES, LOCAL) and "://" not in backend:
        raise InputError(f"--backend {backend}: expected {PROCESSES}, {LOCAL}, or tcp://HOST:PORT of a scheduler")


@contextmanager
def placed(backend: str, jobs: int) -> Iterator[tuple[int, Cluster | None]]:
    """Where tasks run: so many processes, or a cluster."""
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
        Where Dask isn't installed, nobody answers at the address, or a worker has another version of mote-bench: its
        figures would not be this one's.
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
        with (
            # Tasks bring their errors back; what workers log as their scheduler closes is nobody's concern.
            dask.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                dashboard_address=None,
                env=_ONE_THREAD,
                silence_logs=logging.CRITICAL,
            ) as local,
            dask.Client(local) as client,
        ):
            yield Cluster(client, own=True)
        return
    try:
        client = dask.Client(backend, timeout=_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--backend {backend}: no Dask scheduler answers there ({error})") from None
    with client:
        _check_versions(client, backend)
        yield Cluster(client)


def lost(error: BaseException) -> bool:
    """Whether a task's error says that its worker died."""
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
