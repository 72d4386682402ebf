"""From a user's words to all that a run's figures depend on: data, split, protocol and plan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mote_bench import plan, protocol, registry
from mote_bench.contracts import Dataset, InputError
from mote_bench.data import npz
from mote_bench.data.columns import UNKNOWN, bin_names
from mote_bench.plan import Plan
from mote_bench.protocol import Protocol
from mote_bench.split import Split, crossed, split

Bins = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Asked:
    """A run as the user words it.

    Attributes
    ----------
    data : str
        A data set's name or the path of an npz, CSV or Parquet file.
    schemes, attacks, questions : str
        Comma lists of names, or "all"; of schemes and attacks also "default", the protocol's choice.
    attributes : str, optional
        Comma list of columns; by default all that can serve.
    bins : tuple of str
        ``NAME=EDGE,EDGE,...`` for numeric columns.
    people : int, optional
        Use a random subset of this many people.
    attacker_data : str, optional
        Where the attacker's own people and public faces come from; by default from ``data``, other people.
    """

    data: str = "synthetic"
    schemes: str = "default"
    attacks: str = "default"
    questions: str = "all"
    attributes: str | None = None
    bins: tuple[str, ...] = ()
    people: int | None = None
    attacker_data: str | None = None
    seed: int = 0
    protocol: str = protocol.DEFAULT


@dataclass(frozen=True, eq=False)
class Setting:
    """All that a run's figures depend on, besides the code."""

    data: Dataset
    split: Split
    protocol: Protocol
    plan: Plan
    seed: int
    bins: Bins


def make(asked: Asked) -> Setting:
    """Load the data, split its people and plan the cells.

    Raises
    ------
    InputError
        On anything the user named that doesn't exist or can't serve.
    """
    version = protocol.load(asked.protocol)
    own_bins = dict(map(_edges, asked.bins))
    bins = dict(version.bins) | own_bins
    dataset = _dataset(asked.data, bins, None if asked.attributes is None else _names(asked.attributes))
    _check_used(own_bins, dataset, asked.data)
    parts = split(dataset.faces, version, seed=asked.seed, people=asked.people)
    name = dataset.name if asked.people is None else f"{dataset.name}@{asked.people}"
    if asked.attacker_data is not None:
        theirs = _other(asked.attacker_data, bins, dataset)
        parts = crossed(parts, split(theirs.faces, version, seed=asked.seed))
        name, checksum = f"{name} from {theirs.name}", f"{dataset.checksum} {theirs.checksum}"
        dataset = replace(dataset, checksum=checksum, notes=(*dataset.notes, *theirs.notes))
    choice = plan.Choice(asked.schemes, asked.attacks, asked.questions)
    cells = plan.make(choice, parts, version, data=name, seed=asked.seed)
    return Setting(dataset, parts, version, cells, asked.seed, bins)


def _dataset(data: str, bins: Bins, attributes: list[str] | None) -> Dataset:
    if _is_path(data):
        return npz.load(Path(data), bins=bins, attributes=attributes)
    names = registry.select("datasets", data)
    if len(names) != 1:
        raise InputError(f"--data {data} names {len(names)} data sets; expected one of: {', '.join(names)}")
    try:
        dataset: Dataset = registry.load("datasets", names[0])
    except registry.PluginError as error:
        raise InputError(str(error)) from None
    return dataset if attributes is None else _with_attributes(dataset, attributes)


def _other(data: str, bins: Bins, attacked: Dataset) -> Dataset:
    """The attacker's data, with the attributes that the attacked people have too."""
    dataset = _dataset(data, bins, None)
    if dataset.checksum == attacked.checksum:
        raise InputError(f"--attacker-data {data} is the attacked data itself; expected other people")
    shared = {*dataset.faces.attributes, *dataset.faces.values} & {*attacked.faces.attributes, *attacked.faces.values}
    return _with_attributes(dataset, sorted(shared))


def _is_path(data: str) -> bool:
    return data.endswith((".npz", ".csv", ".parquet")) or os.sep in data or Path(data).is_file()


def _with_attributes(dataset: Dataset, attributes: list[str]) -> Dataset:
    faces = dataset.faces
    known = list(dict.fromkeys([*faces.attributes, *faces.values]))
    for name in attributes:
        if name not in known:
            raise InputError(f"data set '{dataset.name}' has no attribute '{name}'; it has: {', '.join(known)}")
    labels = {name: column for name, column in faces.attributes.items() if name in attributes}
    values = {name: column for name, column in faces.values.items() if name in attributes}
    return replace(dataset, faces=replace(faces, attributes=labels, values=values))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _edges(option: str) -> tuple[str, tuple[float, ...]]:
    name, _, edges = option.partition("=")
    try:
        if name.strip():
            return name.strip(), tuple(float(edge) for edge in edges.split(","))
        raise ValueError("no name")
    except ValueError:
        raise InputError(f"--bins {option}: expected NAME=EDGE,EDGE,... as in --bins age=18,35,50") from None


def _check_used(bins: Bins, dataset: Dataset, data: str) -> None:
    known = dataset.faces.attributes
    for name, edges in bins.items():
        if name not in known:
            raise InputError(f"--bins {name}=...: no column '{name}' is used from '{data}'; it has: {', '.join(known)}")
        if not _is_path(data):
            raise InputError(f"--bins {name}=...: the bins of '{data}' stand on its card and can't be changed")
        if not set(known[name].tolist()) <= {UNKNOWN, *bin_names(edges)}:
            raise InputError(f"--bins {name}=...: '{name}' in '{data}' holds text, not numbers, and is used as it is")
