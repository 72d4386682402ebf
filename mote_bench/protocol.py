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

DEFAULT = "people-1"
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
class Protocol:
    """One benchmark version.

    Attributes
    ----------
    checksum : str
        SHA-256 of the TOML file, in every record.
    fmr : tuple of str
        False-match rates at which thresholds are set, as written on the boards ("1e-3").
    people_per_class : int
        The least number of people for a class to be asked about.
    """

    name: str
    checksum: str
    target: TargetSet
    shadow: ShadowSet
    background: BackgroundSet
    fmr: tuple[str, ...]
    fairness_fmr: str
    fairness_alpha: float
    people_per_class: int
    bins: Mapping[str, tuple[float, ...]]
    people_per_task: int


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
        shadow=ShadowSet(**table["shadow"]),
        background=BackgroundSet(**table["background"]),
        fmr=tuple(table["thresholds"]["fmr"]),
        fairness_fmr=table["fairness"]["fmr"],
        fairness_alpha=table["fairness"]["alpha"],
        people_per_class=table["attributes"]["people_per_class"],
        bins={name: tuple(edges) for name, edges in table["attributes"]["bins"].items()},
        people_per_task=table["run"]["people_per_task"],
    )
