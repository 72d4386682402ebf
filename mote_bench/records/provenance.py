"""The provenance of a record: code, data, protocol, libraries and machine, each by version or checksum.

Code counts by layer. Included is the code that a cell's figures depend on: engine and metrics, scheme, attack and
question, each with its imports. Commands, reports and documentation are left out.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata

import numpy as np

import mote_bench
from mote_bench import registry
from mote_bench.contracts import ATTACK_READS, Cell, Dataset, Faces
from mote_bench.planning.device import kind_of
from mote_bench.planning.protocol import Protocol
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import DATA_NOTES, DEVICE, SPEC
from mote_bench.questions.harness import HARNESS
from mote_bench.questions.installed import entry_of, rules_of
from mote_bench.records.source_code import code_of
from mote_bench.toolkit import CPU

ENGINE = ("mote_bench.engine.runner", "mote_bench.planning.settings")
"""The engine's root modules: their imports reach all code that every cell's figures depend on."""
RECOGNISER = "recogniser"
"""The field that says what made the embeddings; there is none where that isn't known."""
SUBJECTS = "subjects_sha256"
"""The field that is the same for boards of the same target subjects, whatever embedded their images."""
SHADOW_SUBJECTS = "shadow_subjects"
"""The field that says how many shadow subjects an attacker held, as in ``50 of 200``; absent where it was all."""
KEY_REGIME = "key_regime"
"""The field that says how keys were dealt and what was known of them; absent in a run's records."""
KEY_SOURCE = "key_regime_source"
"""The field that holds the checksum of the code which makes what such an attacker holds."""
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost", "torch")

Provenance = dict[str, str]


def of_setting(setting: Setting) -> dict[Cell, Provenance]:
    """What the record of each cell of a run will say of its making, and what its attack states that it reads.

    The boards then need no plug-in.
    """
    made = of_cells(
        setting.plan.cells, setting.data, setting.protocol, bins=setting.bins, spec=setting.spec.in_record()
    )
    stated = {name: {ATTACK_READS: str(getattr(one, "reads", ""))} for name, one in setting.plan.attacks.items()}
    place = {} if setting.spec.device == CPU else {DEVICE: kind_of(setting.spec.device)}
    shown = _recogniser(setting.data) | _subjects(setting.split.target.references)
    return {cell: origin | stated.get(cell.attack, {}) | place | shown for cell, origin in made.items()}


def of_cells(
    cells: Iterable[Cell], data: Dataset, protocol: Protocol, *, bins: Mapping[str, tuple[float, ...]], spec: str
) -> dict[Cell, Provenance]:
    """The provenance of each cell's record; equal provenance of a cell means equal measurements."""
    shared = _shared() | {
        "data_sha256": data.checksum,
        "faces_sha256": faces_checksum(data.faces),
        "protocol_sha256": protocol.checksum,
        "bins": json.dumps({name: list(edges) for name, edges in bins.items()}, sort_keys=True),
        SPEC: spec,
    }
    if data.notes:
        shared[DATA_NOTES] = json.dumps(data.notes, ensure_ascii=False)
    return {
        cell: shared
        | _plugin("schemes", "scheme", cell.scheme)
        | _plugin("attacks", "attack", cell.attack)
        | _question(cell.question)
        for cell in cells
    }


def _recogniser(data: Dataset) -> Provenance:
    return {RECOGNISER: data.recogniser} if data.recogniser else {}


def _subjects(targets: Faces) -> Provenance:
    """A checksum of the names of all target subjects, which doesn't tell any single one; none without names."""
    if targets.identity is None:
        return {}
    names = sorted(set(targets.identity.tolist()))
    return {SUBJECTS: hashlib.sha256(json.dumps(names).encode()).hexdigest()}


def faces_checksum(faces: Faces) -> str:
    """SHA-256 of faces in memory, whatever the file's format: embeddings, identity, attributes and values, by name."""
    digest = hashlib.sha256()
    identity = [] if faces.identity is None else [("identity", faces.identity)]
    second = [] if faces.second is None else [("second", faces.second)]
    columns = [*identity, *second, *sorted(faces.attributes.items()), *sorted(faces.values.items())]
    for name, column in [("embeddings", faces.embeddings), *columns]:
        array = np.ascontiguousarray(column)
        digest.update(f"{name}\x00{array.dtype.str}{array.shape}\x00".encode() + array.tobytes())
    return digest.hexdigest()


@cache
def _shared() -> Provenance:
    versions = {library: metadata.version(library) for library in _LIBRARIES}
    return versions | {
        "mote_bench": mote_bench.__version__,
        "engine_source": code_of(*ENGINE).checksum,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "threads_per_task": "1",
    }


@cache
def _plugin(kind: str, role: str, name: str) -> Provenance:
    """A plug-in's distribution, code checksum and imported libraries; empty for the harness's own rows."""
    entry = next((entry for entry in registry.names(kind) if entry.name == name), None)
    if entry is None:
        return {}
    code = code_of(entry.module)
    more = [library for library in code.libraries if library.rpartition(" ")[0] not in _LIBRARIES]
    libraries = {f"{role}_libraries": ", ".join(more)} if more else {}
    return {f"{role}_by": f"{entry.distribution} {entry.version}", f"{role}_source": code.checksum, **libraries}


@cache
def _question(name: str) -> Provenance:
    """The distribution and code checksum of a cell's question; empty for the harness's own rows."""
    entry = None if name in HARNESS else entry_of(rules_of(name))
    return {} if entry is None else _plugin("questions", "question", entry.name)
