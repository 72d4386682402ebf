"""Protocols: the fixed settings of a benchmark version (set sizes, thresholds, bins), from protocols/*.toml."""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mote_bench.contracts import InputError

DEFAULT = "people-2"
_FOLDER = Path(__file__).parent / "protocols"


@dataclass(frozen=True)
class TargetSet:
    """Size of the target set, and the number of photos that each target subject must have."""

    people: int
    share: float
    least: int
    second_references: int
    probes_least: int
    probes_most: int


@dataclass(frozen=True)
class SelectionSet:
    """Size of the selection set: people attacked like the targets, used only to choose the strongest attack."""

    people: int
    share: float
    least: int


@dataclass(frozen=True)
class ShadowSet:
    """Size of the shadow set: the attacker's own labelled people."""

    people: int
    share: float
    least: int
    probes_most: int


@dataclass(frozen=True)
class BackgroundSet:
    """Size of the background set: public faces that a scheme is fitted on."""

    least: int
    images_per_person: int
    images: int


@dataclass(frozen=True)
class RecordCounts:
    """Numbers of templates per subject for attacks on several templates, and numbers of subjects."""

    counts: tuple[int, ...]
    target_people: int
    rehearsal_people: int


@dataclass(frozen=True)
class Queries:
    """Query budget per subject with online access, in multiples of the embedding dimension."""

    scores: int
    decisions: int


@dataclass(frozen=True)
class Protocol:
    """One benchmark version.

    Attributes
    ----------
    checksum : str
        SHA-256 of the TOML file; every record holds it.
    fmr : tuple of str
        False match rates at which thresholds are set, as written on the boards ("1e-3").
    operating_fmr : str
        The false match rate at which the running system decides, for attacks that see decisions only.
    people_per_class : int
        Least number of people per class of an attribute.
    wolf_faces : int
        Number of faces in a dictionary attack.
    photos : int
        Number of candidate photos per subject, one of which was enrolled.
    member_candidates : int
        Largest number of candidates for membership inference.
    seconds_per_attack : float
        Time budget of an attack; after it the attack is stopped.
    default_schemes : tuple of str
        Schemes that ``--schemes default`` runs besides the controls.
    default_attacks : tuple of str
        Attacks that ``--attacks default`` runs; empty for all.
    """

    name: str
    checksum: str
    target: TargetSet
    selection: SelectionSet
    shadow: ShadowSet
    background: BackgroundSet
    fmr: tuple[str, ...]
    operating_fmr: str
    fairness_fmr: str
    fairness_alpha: float
    people_per_class: int
    bins: Mapping[str, tuple[float, ...]]
    records: RecordCounts
    queries: Queries
    wolf_faces: int
    photos: int
    member_candidates: int
    people_per_task: int
    seconds_per_attack: float
    default_schemes: tuple[str, ...]
    default_attacks: tuple[str, ...]


def names() -> list[str]:
    """The names of all protocols, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load(name: str = DEFAULT) -> Protocol:
    """The protocol with this name.

    Raises
    ------
    InputError
        On an unknown name; the message suggests similar ones.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names()) or names()
        raise InputError(f"no protocol '{name}'; did you mean {' or '.join(near)}?")
    raw = (_FOLDER / f"{name}.toml").read_bytes()
    return _protocol(tomllib.loads(raw.decode()), hashlib.sha256(raw).hexdigest())


def _protocol(table: dict[str, Any], checksum: str) -> Protocol:
    return Protocol(
        name=table["name"],
        checksum=checksum,
        target=TargetSet(**table["target"]),
        selection=SelectionSet(**table["rehearsal"]),
        shadow=ShadowSet(**table["shadow"]),
        background=BackgroundSet(**table["background"]),
        fmr=tuple(table["thresholds"]["fmr"]),
        operating_fmr=table["thresholds"]["operating_fmr"],
        fairness_fmr=table["fairness"]["fmr"],
        fairness_alpha=table["fairness"]["alpha"],
        people_per_class=table["attributes"]["people_per_class"],
        bins={name: tuple(edges) for name, edges in table["attributes"]["bins"].items()},
        records=RecordCounts(**table["records"] | {"counts": tuple(table["records"]["counts"])}),
        queries=Queries(**table["queries"]),
        wolf_faces=table["wolf"]["faces"],
        photos=table["membership"]["photos"],
        member_candidates=table["membership"]["candidates"],
        people_per_task=table["run"]["people_per_task"],
        seconds_per_attack=table["run"]["seconds_per_attack"],
        default_schemes=tuple(table["schemes"]["default"]),
        default_attacks=tuple(table.get("attacks", {}).get("default", ())),
    )
