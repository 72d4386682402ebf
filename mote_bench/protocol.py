"""The settings of one benchmark version: set sizes, thresholds and bins, read from protocols/*.toml."""

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
    """How many people are enrolled and attacked, and what each must bring."""

    people: int
    share: float
    least: int
    second_references: int
    probes_least: int
    probes_most: int


@dataclass(frozen=True)
class RehearsalSet:
    """How many people of the attacker's own are stolen from as the target people are, to choose attacks by."""

    people: int
    share: float
    least: int


@dataclass(frozen=True)
class ShadowSet:
    """How many people the attacker owns."""

    people: int
    share: float
    least: int
    probes_most: int


@dataclass(frozen=True)
class BackgroundSet:
    """How many public faces a scheme may be fitted on."""

    least: int
    images_per_person: int
    images: int


@dataclass(frozen=True)
class RecordCounts:
    """At how many records of a person attacks on several are run, and on how many people."""

    counts: tuple[int, ...]
    target_people: int
    rehearsal_people: int


@dataclass(frozen=True)
class Queries:
    """How many queries the running system allows for each person, in multiples of the dimension."""

    scores: int
    decisions: int


@dataclass(frozen=True)
class Protocol:
    """One benchmark version.

    Attributes
    ----------
    checksum : str
        SHA-256 of the TOML file, in every record.
    fmr : tuple of str
        False-match rates at which thresholds are set, as written on the boards ("1e-3").
    operating_fmr : str
        The rate at which a system lets people in, for attacks that see decisions only.
    people_per_class : int
        The least number of people for a class to be asked about.
    wolf_faces : int
        Faces in the dictionary of an attack that has no record.
    photos : int
        Candidate photos of each person, of which one was enrolled.
    member_candidates : int
        At most so many faces of which the attacker must say whether a scheme was fitted on them.
    seconds_per_attack : float
        An attack that takes longer is stopped.
    default_schemes : tuple of str
        What ``--schemes default`` runs besides the controls.
    default_attacks : tuple of str
        What ``--attacks default`` runs; empty for all there are.
    """

    name: str
    checksum: str
    target: TargetSet
    rehearsal: RehearsalSet
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
    """The published protocols."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load(name: str = DEFAULT) -> Protocol:
    """One protocol by name.

    Raises
    ------
    InputError
        On an unknown name, with the nearest ones.
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
        rehearsal=RehearsalSet(**table["rehearsal"]),
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
