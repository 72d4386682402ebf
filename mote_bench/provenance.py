"""Where a record comes from: code, data, protocol, libraries and machine, each by version or checksum."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import mote_bench
from mote_bench import registry
from mote_bench.contracts import Cell, Dataset
from mote_bench.protocol import Protocol

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost", "torch")

Provenance = dict[str, str]


def of_cells(
    cells: Iterable[Cell], data: Dataset, protocol: Protocol, *, bins: Mapping[str, tuple[float, ...]]
) -> dict[Cell, Provenance]:
    """What each cell's record will say of its making; equal provenance of a cell means equal measurements."""
    shared = _shared() | {
        "data_sha256": data.checksum,
        "protocol_sha256": protocol.checksum,
        "bins": json.dumps({name: list(edges) for name, edges in bins.items()}, sort_keys=True),
    }
    return {
        cell: shared | _plugin("schemes", "scheme", cell.scheme) | _plugin("attacks", "attack", cell.attack)
        for cell in cells
    }


@cache
def _shared() -> Provenance:
    versions = {library: metadata.version(library) for library in _LIBRARIES}
    return versions | {
        "mote_bench": mote_bench.__version__,
        "mote_bench_source": source_checksum(Path(mote_bench.__file__).parent),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "threads_per_task": "1",
    }


@cache
def _plugin(kind: str, role: str, name: str) -> Provenance:
    """Who ships a plug-in and a checksum of all the source of its package; empty for the harness's own rows."""
    entry = next((entry for entry in registry.names(kind) if entry.name == name), None)
    if entry is None:
        return {}
    source = registry.module_source(entry)
    checksum = "" if source is None else source_checksum(source.parent)
    return {f"{role}_by": f"{entry.distribution} {entry.version}", f"{role}_source": checksum}


def source_checksum(folder: Path) -> str:
    """One checksum of every Python and TOML file below a package's folder, by relative name and content."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in ("*.py", "*.toml") for path in folder.rglob(pattern)):
        digest.update(f"{path.relative_to(folder).as_posix()}\x00".encode() + path.read_bytes() + b"\x00")
    return digest.hexdigest()[:16]
