"""Loads everything that a run's figures depend on, from the user's options: data, split, protocol and plan."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from mote_bench import registry
from mote_bench.contracts import Cell, Dataset, InputError
from mote_bench.data import npz, paired
from mote_bench.data.arrays import checksum
from mote_bench.data.columns import UNKNOWN, bin_names
from mote_bench.data.options import ColumnOptions
from mote_bench.metrics.names import snake_case
from mote_bench.planning import plan, protocol
from mote_bench.planning.device import check_device, device_here
from mote_bench.planning.plan import Plan, Plugins
from mote_bench.planning.protocol import Protocol
from mote_bench.planning.spec import SELECTION, TARGET, Bins, RunSpec, is_path, names
from mote_bench.planning.split import Split, crossed, on_selection, split

_OTHERS = "python -m mote_bench faces, then embed (docs/from-pictures.md)"


@dataclass(frozen=True, eq=False)
class Setting:
    """Everything that a run's figures depend on, besides the code.

    Attributes
    ----------
    spec : RunSpec
        The run's options, with the labels and checksums of its data.
    bins : mapping of name -> edges
        The protocol's bins and those given with ``--bins``.
    """

    data: Dataset
    split: Split
    protocol: Protocol
    plan: Plan
    spec: RunSpec
    bins: Bins

    @property
    def seed(self) -> int:
        return self.spec.seed

    def with_cells(self, cells: Iterable[Cell]) -> Self:
        """The same, of whose plan these cells are run."""
        return replace(self, plan=replace(self.plan, cells=tuple(cells)))


def make(given: RunSpec, *, loaded: Callable[[RunSpec, Plugins], None] | None = None) -> Setting:
    """Load the plug-ins and the data, split its people and plan the cells.

    Parameters
    ----------
    loaded : callable, optional
        Called with the options and the plug-ins before the data are read, which can take longer than all else.

    Raises
    ------
    InputError
        On names that don't exist or can't be used, and, for a run that is repeated, on other data than that run's.
    """
    check_device(given.device)
    if given.on not in (TARGET, SELECTION):
        raise InputError(f"--on {given.on}: expected {TARGET} or {SELECTION}")
    version = protocol.load(given.protocol)
    plugins = plan.plugins(given, version)
    if loaded is not None:
        loaded(given, plugins)
    dataset, spec, reading = _attacked(given, version)
    parts = split(dataset.faces, version, seed=given.seed, people=given.people)
    name = dataset.name if given.people is None else f"{dataset.name}@{given.people}"
    if given.attacker_data is not None:
        attackers = _Source("--attacker-data", given.attacker_data, given.attacker_file, given.attacker_sha256)
        theirs = _other(attackers, reading, dataset)
        _check_labels(theirs, attackers.place)
        label, file = attackers.told(theirs)
        spec = replace(spec, attacker_data=label, attacker_file=file, attacker_sha256=theirs.checksum)
        parts = crossed(parts, split(theirs.faces, version, seed=given.seed))
        name = f"{name} from {theirs.name}"
        both = f"{dataset.checksum} {theirs.checksum}"
        notes = (*dataset.notes, *(f"the attacker's data: {note}" for note in theirs.notes))
        dataset = replace(dataset, checksum=both, notes=notes)
    if given.on == SELECTION:
        parts = on_selection(parts, version)
        name = f"{name}, selection subjects"
        note = "half of the selection subjects are attacked, for developing; no target subject is seen"
        dataset = replace(dataset, notes=(*dataset.notes, note))
    made = plan.make(spec, plugins, parts, version, data=name)
    return Setting(dataset, parts, version, made, spec, reading.bins)


def attacked_data(given: RunSpec, version: Protocol) -> tuple[Dataset, RunSpec]:
    """The data that the options name, read and checked, and the options with their label and checksum.

    Raises
    ------
    InputError
        As :func:`make`.
    """
    dataset, spec, _ = _attacked(given, version)
    return dataset, spec


def _attacked(given: RunSpec, version: Protocol) -> tuple[Dataset, RunSpec, _Reading]:
    bins = dict(version.bins) | dict(given.bins)
    columns = ColumnOptions(given.missing, given.identity, given.embedding_columns)
    attacked = _Source("--data", given.data, given.data_file, given.data_sha256)
    reading = _Reading(bins, None if given.attributes is None else names(given.attributes), columns)
    dataset = _by(given.recogniser, attacked.load(reading), attacked.place)
    _check_used(given.bins, dataset, attacked.place)
    _check_labels(dataset, attacked.place)
    label, file = attacked.told(dataset)
    spec = replace(given, data=label, data_file=file, data_sha256=dataset.checksum)
    return (*_seen_by_a_second(dataset, spec, reading), reading)


def on_device(setting: Setting, say: Callable[[str], None], *, elsewhere: bool = False) -> Setting:
    """The setting on a device that is there: the asked one, or the CPU, of which ``say`` is told in one line.

    Parameters
    ----------
    elsewhere : bool
        The tasks run on other machines, whose devices aren't seen from here: a task whose machine has none fails.
    """
    device = setting.spec.device if elsewhere else device_here(setting.spec.device, say)
    return replace(setting, spec=replace(setting.spec, device=device))


def _by(recogniser: str | None, dataset: Dataset, place: str) -> Dataset:
    """The data with the recogniser that the user names, where they don't say it themselves."""
    if recogniser is None or recogniser == dataset.recogniser:
        return dataset
    if not dataset.recogniser:
        return replace(dataset, recogniser=recogniser)
    wanted = "leave the option out" if is_path(place) else f"those by another one: {_OTHERS}"
    raise InputError(f"--recogniser {recogniser}: the embeddings of '{place}' are by {dataset.recogniser}; {wanted}")


@dataclass(frozen=True)
class _Reading:
    """How the columns of the data are read."""

    bins: Bins
    attributes: list[str] | None
    columns: ColumnOptions


@dataclass(frozen=True)
class _Source:
    """The source of the data: as the user gives it or, for a run that is repeated, with label and checksum."""

    option: str
    data: str
    file: str | None
    sha256: str | None

    @property
    def place(self) -> str:
        """The path to read, or the data set's name."""
        return self.file or self.data

    def load(self, reading: _Reading) -> Dataset:
        """The data. For a run that is repeated they must have the same checksum, and keep their label."""
        if self.sha256 is None:
            return _dataset(self.place, reading)
        known = {entry.name for entry in registry.names("datasets")}
        if self.file is None and self.data not in known:
            raise InputError(f"the run's data '{self.data}' were read from a file; {self._wanted}")
        if self.file is not None and self.file not in known and not Path(self.file).exists():
            raise InputError(
                f"the run's data '{self.data}' aren't at '{self.file}': there is no such file; {self._wanted}"
            )
        # Before anything else: other data may not even have the run's columns.
        whole = _Reading(reading.bins, None, ColumnOptions())
        here = checksum(Path(self.place)) if is_path(self.place) else _dataset(self.place, whole).checksum
        if here != self.sha256:
            raise InputError(
                f"'{self.place}' isn't the data of the run ('{self.data}'): their checksums differ ({here[:16]} here); "
                f"{self._wanted}"
            )
        dataset = _dataset(self.place, reading)
        return dataset if self.file is None else replace(dataset, name=self.data)

    def told(self, dataset: Dataset) -> tuple[str, str | None]:
        """Label and file of the data, for the run's spec."""
        if self.sha256 is not None:
            return self.data, self.file
        return (dataset.name, self.data) if is_path(self.data) else (self.data, None)

    @property
    def _wanted(self) -> str:
        return f"give the file with SHA-256 {self.sha256}: {self.option} FILE"


def _dataset(data: str, reading: _Reading) -> Dataset:
    columns = reading.columns
    if is_path(data):
        return npz.load(Path(data), bins=reading.bins, attributes=reading.attributes, options=columns)
    given = {"missing": columns.missing, "identity": columns.identity, "embedding-columns": columns.embeddings}
    for option, value in given.items():
        if value and columns.strict:
            raise InputError(f"--{option}: the columns of '{data}' are fixed in its data card; leave the option out")
    if Path(data).is_dir() and data not in {entry.name for entry in registry.names("datasets")}:
        return npz.load(Path(data), bins=reading.bins)  # says what a folder of embeddings would hold
    found = registry.select("datasets", data)
    if len(found) != 1:
        raise InputError(f"--data {data} names {len(found)} data sets; expected one of: {', '.join(found)}")
    try:
        dataset: Dataset = registry.load("datasets", found[0])
    except registry.PluginError as error:
        raise InputError(str(error)) from None
    return dataset if reading.attributes is None else _with_attributes(dataset, reading)


def _other(source: _Source, reading: _Reading, attacked: Dataset) -> Dataset:
    """The attacker's data, with the attributes that the attacked data have too; other columns aren't read."""
    wanted = list(dict.fromkeys([*attacked.faces.attributes, *attacked.faces.values]))
    dataset = source.load(_Reading(reading.bins, wanted, replace(reading.columns, strict=False)))
    if dataset.checksum == attacked.checksum:
        raise InputError(f"--attacker-data {source.place} is the attacked data itself; expected other people")
    return dataset


def _seen_by_a_second(attacked: Dataset, spec: RunSpec, reading: _Reading) -> tuple[Dataset, RunSpec]:
    """The attacked data with a second recogniser's embeddings of the same images, if the options name them."""
    if spec.second_recogniser is None:
        return attacked, spec
    source = _Source("--second-recogniser", spec.second_recogniser, spec.second_file, spec.second_sha256)
    columns = [*attacked.faces.attributes, *attacked.faces.values]
    dataset = source.load(_Reading(reading.bins, columns, replace(reading.columns, strict=False)))
    label, file = source.told(dataset)
    told = replace(spec, second_recogniser=label, second_file=file, second_sha256=dataset.checksum)
    return paired.joined(attacked, dataset, f"--second-recogniser {source.place}"), told


def _with_attributes(dataset: Dataset, reading: _Reading) -> Dataset:
    """A named data set with some of its attributes."""
    faces, wanted = dataset.faces, reading.attributes or []
    known = list(dict.fromkeys([*faces.attributes, *faces.values]))
    for name in wanted if reading.columns.strict else ():
        if name not in known:
            raise InputError(f"data set '{dataset.name}' has no attribute '{name}'; it has: {', '.join(known)}")
    labels = {name: column for name, column in faces.attributes.items() if name in wanted}
    values = {name: column for name, column in faces.values.items() if name in wanted}
    return replace(dataset, faces=replace(faces, attributes=labels, values=values))


def _check_labels(dataset: Dataset, data: str) -> None:
    """Refuse values that names of metrics can't distinguish, before anything is computed."""
    faces = dataset.faces
    _check_apart(f"columns of '{data}'", list(dict.fromkeys([*faces.attributes, *faces.values])), "rename one")
    for name, labels in faces.attributes.items():
        found = sorted(set(labels.tolist()) - {UNKNOWN})
        odd = ",".join(label for label in found if not snake_case(label))
        if odd:
            raise InputError(
                f"'{name}' in '{data}' has labels without a letter or digit ({odd}); if they mean unknown: "
                f"--missing {shlex.quote(f'{name}={odd}')}"
            )
        _check_apart(f"labels of '{name}' in '{data}'", found, "write them alike in the file")


def _check_apart(what: str, found: list[str], way: str) -> None:
    seen: dict[str, str] = {}
    for label in found:
        other = seen.setdefault(snake_case(label), label)
        if other != label:
            raise InputError(
                f"the {what} hold '{other}' and '{label}', which are one name in figures ({snake_case(label)}); {way}"
            )


def _check_used(bins: Bins, dataset: Dataset, data: str) -> None:
    known = dataset.faces.attributes
    for name, edges in bins.items():
        if name not in known:
            raise InputError(
                f"--bins {name}=...: no column '{name}' is used from '{data}'; it has: {', '.join(known) or 'none'}"
            )
        if not is_path(data):
            raise InputError(f"--bins {name}=...: the bins of '{data}' are fixed in the data card")
        if not set(known[name].tolist()) <= {UNKNOWN, *bin_names(edges)}:
            raise InputError(
                f"--bins {name}=...: '{name}' in '{data}' holds classes, not numbers, and is used as it is; leave the "
                "option out"
            )
