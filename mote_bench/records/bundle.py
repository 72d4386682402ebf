"""Bundles: the records of one scheme, or of one attack on a published scheme, submitted for the boards."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from mote_bench import registry
from mote_bench.contracts import CEILING, FLOOR, Cell, InputError, Measurement, Record
from mote_bench.planning import protocol
from mote_bench.questions.harness import NO_ATTACK, ZERO_EFFORT
from mote_bench.questions.installed import ceilings, describe
from mote_bench.records import schemas
from mote_bench.records.boards import board_of

FORMAT = "mote-bench-bundle-1"
Kind = Literal["scheme", "attack"]
SCHEME: Kind = "scheme"
ATTACK: Kind = "attack"
BUNDLES = "bundles"
"""The subfolder for bundles in a folder of boards."""
FOUND_BY = "submitted_by"
"""The provenance field that names a record's submitter."""


@dataclass(frozen=True)
class Bundle:
    """The content of a bundle's file.

    Attributes
    ----------
    kind : {"scheme", "attack"}
        A scheme with all attacks on it, or an attack on a published scheme.
    by : str
        The submitter's name.
    git : str, optional
        Commit of the submitter's working folder, followed by ``+`` if it has uncommitted changes.
    machine : mapping of str -> str
    records : tuple of Record
        Records of one board: one protocol, data set and seed.
    """

    kind: Kind
    by: str
    git: str | None
    machine: Mapping[str, str]
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """A file name: ``lfw_people-2_0_my-scheme.json``."""
        cell = self.records[0].cell
        parts = (
            cell.data,
            cell.protocol,
            str(cell.seed),
            cell.scheme,
            *((cell.attack,) if self.kind == ATTACK else ()),
        )
        return "_".join("".join(c if c.isalnum() or c in ".-" else "-" for c in part) for part in parts) + ".json"


def make(kind: Kind, records: Sequence[Record], *, by: str, home: Path) -> Bundle:
    """A bundle of these records.

    Parameters
    ----------
    home : Path
        The submitter's working folder, for its git commit.

    Raises
    ------
    InputError
        When the records aren't of one scheme on one board, or fail the checks of :func:`from_text`.
    """
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
    }
    made = Bundle(kind, by.strip(), _git(home), machine, tuple(records))
    _check(made, "the records")
    return made


def to_text(bundle: Bundle) -> str:
    """A bundle as JSON, one line per record; equal bundles give equal bytes."""
    table = _table(bundle)
    records = ",\n".join(
        json.dumps(one, sort_keys=True, allow_nan=False, ensure_ascii=False) for one in table["records"]
    )
    rest = json.dumps(
        {**table, "records": None, "sha256": _sha256(table)}, sort_keys=True, ensure_ascii=False, indent=1
    )
    return rest.replace('"records": null', '"records": [\n' + records + "\n]") + "\n"


def from_text(text: str, source: str) -> Bundle:
    """The bundle in a JSON text.

    Raises
    ------
    InputError
        On text that isn't JSON of the bundle's schema, a wrong checksum, impossible figures, invalid plug-in names, an
        unknown or changed protocol, and records of controls (every run makes its own).
    """
    from mote_bench import files
    from mote_bench.records import store

    try:
        table = files.parsed(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{source}' is no bundle: {error}") from None
    schemas.check(table, "bundle", source)
    claimed = table.pop("sha256")
    if _sha256(table) != claimed:
        raise InputError(
            f"'{source}' was changed since it was made: its checksum doesn't fit. Ask for the original file"
        )
    records = tuple(store.record_of(one, source) for one in table["records"])
    bundle = Bundle(table["kind"], table["by"], table["git"], table["machine"], records)
    _check(bundle, source)
    return bundle


def signed(bundle: Bundle) -> list[Record]:
    """The records, each with the submitter's name in its provenance."""
    return [replace(one, provenance={**one.provenance, FOUND_BY: bundle.by}) for one in bundle.records]


def _table(bundle: Bundle) -> dict[str, Any]:
    from mote_bench.records import store

    records = [{**store.as_table(one), "status": str(one.status)} for one in bundle.records]
    return {
        "format": FORMAT,
        "kind": bundle.kind,
        "by": bundle.by,
        "git": bundle.git,
        "machine": dict(bundle.machine),
        "records": records,
    }


def _sha256(table: Mapping[str, Any]) -> str:
    text = json.dumps(table, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _check(bundle: Bundle, source: str) -> None:
    boards = sorted({board_of(one.cell) for one in bundle.records})
    schemes = sorted({one.cell.scheme for one in bundle.records})
    attacks = sorted({one.cell.attack for one in bundle.records} - {NO_ATTACK, ZERO_EFFORT})
    if not bundle.by or not bundle.by.isprintable():
        raise InputError(f"{source}: who submits it must be named, in printable characters: --by 'NAME'")
    if len(boards) != 1 or len(schemes) != 1:
        raise InputError(f"{source}: {len(boards)} boards and {len(schemes)} schemes; expected one of each")
    if bundle.kind == ATTACK and len(attacks) != 1:
        raise InputError(f"{source}: {len(attacks)} attacks; expected one")
    if len({one.cell for one in bundle.records}) < len(bundle.records):
        raise InputError(f"{source}: the same cell twice")
    if schemes[0] in {FLOOR, CEILING, *ceilings()}:
        raise InputError(f"{source}: '{schemes[0]}' is a control; every run makes its own")
    for name in (*schemes, *attacks):
        if not registry.acceptable(name):
            raise InputError(f"{source}: '{name[:80]}' is no name of a plug-in: a-z, 0-9, dot and dash, at most 64")
    _check_protocol(bundle, source)
    for record in bundle.records:
        _check_figures(record, source)


def _check_protocol(bundle: Bundle, source: str) -> None:
    version = protocol.load(bundle.records[0].cell.protocol)
    for record in bundle.records:
        if record.provenance.get("protocol_sha256") != version.checksum:
            raise InputError(
                f"{source}: made with another version of protocol {version.name}; run it again with this one"
            )


def _check_figures(record: Record, source: str) -> None:
    for one in (*record.measurements, *record.rehearsal):
        where = f"{source}: {record.cell.attack}, {record.cell.question}: {one.name[:80]}"
        describe(one.name, record.cell.question)
        if not all(math.isfinite(value) for value in (one.value, one.low, one.high)):
            raise InputError(f"{where}: not a finite number")
        if not _orderly(one):
            raise InputError(f"{where}: {one.value:g} outside its interval [{one.low:g}, {one.high:g}]")


def _orderly(one: Measurement) -> bool:
    slack = 1e-9 * max(1.0, abs(one.value))
    return one.low - slack <= one.value <= one.high + slack


def _git(home: Path) -> str | None:
    """Commit of a working folder; ``None`` without git or outside of a repository."""

    def told(*words: str) -> str | None:
        try:
            made = subprocess.run(
                ("git", "-C", str(home), *words), capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return made.stdout.strip() if made.returncode == 0 else None

    commit = told("rev-parse", "HEAD")
    return None if commit is None else commit + ("+" if told("status", "--porcelain", "-uno") else "")


def submitted(folder: Path, own: Sequence[Record]) -> list[Record]:
    """The records of every bundle in ``folder``/bundles, without cells that are in ``own``.

    Raises
    ------
    InputError
        When a file is no bundle, or two bundles hold the same cell.
    """
    found: dict[Cell, Record] = {}
    held = {one.cell for one in own}
    for path in sorted((folder / BUNDLES).glob("*.json")):
        for record in signed(from_text(path.read_text(encoding="utf-8", errors="replace"), str(path))):
            if record.cell in found:
                raise InputError(f"'{path}': another bundle holds {record.cell.attack} on {record.cell.scheme} already")
            if record.cell not in held:
                found[record.cell] = replace(record, file=f"{BUNDLES}/{quote(path.name)}")
    return list(found.values())
