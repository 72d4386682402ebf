"""The option ``--backend``: processes, a Dask cluster of this machine, or an existing one by its address."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import mote_bench
from mote_bench.contracts import InputError
from mote_bench.execution.cluster import ANSWER, Cluster
from mote_bench.execution.local_cluster import LocalCluster
from mote_bench.records.source_code import folder_checksum

PROCESSES, LOCAL = "processes", "dask"


def check_backend(backend: str) -> None:
    """Check the option ``--backend``.

    Raises
    ------
    InputError
        On values other than ``processes``, ``dask`` or an address.
    """
    if backend not in (PROCESSES, LOCAL) and not is_address(backend):
        raise InputError(f"--backend {backend}: expected {PROCESSES}, {LOCAL}, or tcp://HOST:PORT of a scheduler")


def is_address(backend: str) -> bool:
    """Whether the tasks run on a cluster elsewhere, given by its scheduler's address."""
    return "://" in backend


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
        with closing(LocalCluster(jobs)) as local:
            yield local
        return
    try:
        client = dask.Client(backend, timeout=ANSWER)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--backend {backend}: no Dask scheduler answers there ({error})") from None
    with client:
        _check_versions(client, backend)
        yield Cluster(client, f"at {backend}")


def _check_versions(client: Any, backend: str) -> None:
    own, theirs = _version(), client.run(_version)
    if not theirs:
        raise InputError(f"--backend {backend}: the cluster has no workers")
    for address, found in theirs.items():
        if found != own:
            raise InputError(f"--backend {backend}: worker {address} has mote-bench {found}, here is {own}")


def _version() -> str:
    return f"{mote_bench.__version__} (source {folder_checksum(Path(mote_bench.__file__).parent)})"
