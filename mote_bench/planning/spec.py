"""RunSpec: the options that define a run, kept in its folder and in its records."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from mote_bench.contracts import CEILING, FLOOR, InputError, Record
from mote_bench.data.containers import is_file_name
from mote_bench.data.options import Missing
from mote_bench.data.tables import parts_of
from mote_bench.planning import protocol
from mote_bench.questions.harness import NO_ATTACK, ZERO_EFFORT
from mote_bench.questions.installed import ceilings
from mote_bench.toolkit import CPU

Bins = Mapping[str, tuple[float, ...]]
SPEC = "spec"
"""The provenance field that holds the options which a record's cell depends on, as JSON."""
DEVICE = "device"
"""The provenance field that holds the kind of device which computed the record; there is none of the CPU."""
DATA_NOTES = "data_notes"
"""The provenance field that holds the notes on reading the data, as JSON; there is none without notes."""
_CHOICES = ("schemes", "attacks", "questions")
_FILES = ("data_file", "attacker_file", "second_file")
TARGET, SELECTION = "target", "selection"
"""Whom a run attacks: the target subjects, or, while somebody develops, a part of the selection subjects."""
_UNSAID: Mapping[str, Any] = {
    "missing": {},
    "identity": None,
    "embedding_columns": None,
    "recogniser": None,
    "second_recogniser": None,
    "second_sha256": None,
    "on": TARGET,
}
"""Options that records leave out where they aren't given: records of earlier versions don't hold them."""
_FIRST_EDITION = re.compile(r"(?P<data>.*?)(@(?P<people>[0-9]+))?( from (?P<attacker>.*))?", re.DOTALL)
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("data", *_CHOICES, "protocol"), (str,)),
    **dict.fromkeys(("attributes", "attacker_data", *_FILES), (str, type(None))),
    **dict.fromkeys(("data_sha256", "attacker_sha256", "identity", "embedding_columns"), (str, type(None))),
    **dict.fromkeys(("recogniser", "second_recogniser", "second_sha256"), (str, type(None))),
    **dict.fromkeys(("bins", "missing"), (dict,)),
    "people": (int, type(None)),
    "seed": (int,),
    **dict.fromkeys(("device", "on"), (str,)),
}


@dataclass(frozen=True)
class RunSpec:
    """The options of a run; once its data were read, also their labels and checksums.

    Attributes
    ----------
    data : str
        A data set's name or the path of a file of embeddings. Once ``data_sha256`` is set it is the data's
        label on the boards; no code parses it.
    schemes, attacks, questions : str
        Comma lists of names, or "all"; for schemes and attacks also "default", the protocol's choice. For schemes
        these words may stand in a list, and "noise-curve" stands for the levels of noise.
    attributes : str, optional
        Comma list of columns; by default all usable ones.
    bins : mapping of name -> edges
        Edges of the classes that numeric columns are cut into, besides the protocol's.
    people : int, optional
        Use a random subset of this many people.
    attacker_data : str, optional
        Source of shadow subjects, selection subjects and the attacker's public faces, given like ``data``. By default
        they are other people of ``data``.
    data_file, attacker_file, second_file : str, optional
        Path of the labelled data, as the user gave it. It is kept in the run's folder but not in records, which are
        published.
    data_sha256, attacker_sha256, second_sha256 : str, optional
        Checksums of the data; a repeated run needs data with the same checksums.
    missing : mapping of name -> words
        What means missing in a column of the data.
    identity : str, optional
        The column that names the subjects; by default ``identity``.
    embedding_columns : str, optional
        The columns that hold the embeddings, as a pattern; by default ``embedding_0``, ``embedding_1``, ...
    recogniser : str, optional
        What made the embeddings of ``data``, where these don't say.
    second_recogniser : str, optional
        Embeddings of the images of ``data`` by a second recogniser, given like ``data``: the same rows in the same
        order. Reconstructions and dictionaries are verified by it too.
    device : str
        Where torch computes: ``cpu``, ``cuda``, ``cuda:N`` or ``mps``. Figures agree up to rounding, so cells of all
        devices are the same cells. A record made on another device than the CPU says so in its provenance.
    on : str
        ``target``, or ``selection`` for a run that leaves the target subjects alone and attacks half of the selection
        subjects in their place.
    """

    data: str = "synthetic"
    schemes: str = "default"
    attacks: str = "default"
    questions: str = "all"
    attributes: str | None = None
    bins: Bins = field(default_factory=dict)
    people: int | None = None
    attacker_data: str | None = None
    seed: int = 0
    protocol: str = protocol.DEFAULT
    data_file: str | None = None
    attacker_file: str | None = None
    data_sha256: str | None = None
    attacker_sha256: str | None = None
    missing: Missing = field(default_factory=dict)
    identity: str | None = None
    embedding_columns: str | None = None
    recogniser: str | None = None
    second_recogniser: str | None = None
    second_file: str | None = None
    second_sha256: str | None = None
    device: str = CPU
    on: str = TARGET

    def to_table(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        bins = {name: list(edges) for name, edges in self.bins.items()}
        return asdict(self) | {"bins": bins, "missing": {name: list(words) for name, words in self.missing.items()}}

    @classmethod
    def from_table(cls, table: object, source: str) -> Self:
        """The spec in a table read from JSON; missing fields have their defaults.

        Raises
        ------
        InputError
            When the table is no spec; the message names ``source``.
        """
        if not isinstance(table, dict):
            raise InputError(f"'{source}' holds no spec of a run: expected an object, got {type(table).__name__}")
        for name, value in table.items():
            if name not in _TYPES or isinstance(value, bool) or not isinstance(value, _TYPES[name]):
                raise InputError(f"'{source}' holds no spec of a run: at {name[:80]}: {value!r:.80}")
        try:
            bins = {name: tuple(float(edge) for edge in edges) for name, edges in table.get("bins", {}).items()}
        except (TypeError, ValueError):
            raise InputError(f"'{source}' holds no spec of a run: at bins: {table['bins']!r:.80}") from None
        missing = {name: tuple(words) for name, words in table.get("missing", {}).items() if isinstance(words, list)}
        if len(missing) < len(table.get("missing", {})) or not all(
            isinstance(word, str) for words in missing.values() for word in words
        ):
            raise InputError(f"'{source}' holds no spec of a run: at missing: {table['missing']!r:.80}")
        return cls(**table | {"bins": bins, "missing": missing})

    def in_record(self) -> str:
        """The options that a cell depends on, as JSON: without the run's other cells, paths and device.

        What records of earlier versions don't hold is left out where it isn't given.
        """
        table = self.to_table()
        unsaid = [name for name, usual in _UNSAID.items() if table[name] == usual]
        left = (*_CHOICES, *_FILES, *unsaid, "device")
        kept = {name: value for name, value in table.items() if name not in left}
        return json.dumps(kept, sort_keys=True, ensure_ascii=False)

    @classmethod
    def of(cls, records: Sequence[Record], runs: Iterable[RunSpec] = ()) -> RunSpec:
        """The spec of the run that these records of one board come from.

        Parameters
        ----------
        records : sequence of Record
            At least one.
        runs : iterable of RunSpec
            The runs listed in the records' folder, for the paths of the data.

        Raises
        ------
        InputError
            When the records come from runs with different options, or hold an invalid spec.
        """
        stated = {one.provenance[SPEC] for one in records if SPEC in one.provenance}
        if len(stated) > 1:
            tables = [_stated(text).to_table() for text in sorted(stated)]
            apart = [name for name in tables[0] if any(table[name] != tables[0][name] for table in tables)]
            raise InputError(
                f"the records of '{records[0].cell.data}' come from runs that differ in {', '.join(apart)}; expected "
                "one run: give each a folder of its own: python -m mote_bench run --out DIR"
            )
        made = _stated(*stated) if stated else _first_edition(records[0])
        found = next((run for run in reversed([*runs]) if run.in_record() == made.in_record()), made)
        cells = [one.cell for one in records]
        return replace(
            made,
            schemes=_listed({cell.scheme for cell in cells} - {FLOOR, CEILING, *ceilings()}),
            attacks=_listed({cell.attack for cell in cells} - {NO_ATTACK, ZERO_EFFORT}),
            questions=_listed({cell.question for cell in cells}),
            data_file=found.data_file,
            attacker_file=found.attacker_file,
            second_file=found.second_file,
        )

    def data_options(self) -> str:
        """The options of the command ``run`` that select part of the data; empty if all of them are used."""
        words = {"attributes": self.attributes, "people": self.people}
        bins = (f"--bins {shlex.quote(f'{name}={_told(edges)}')}" for name, edges in self.bins.items())
        missing = (f"--missing {shlex.quote(f'{name}=' + ','.join(held))}" for name, held in self.missing.items())
        columns = {"identity": self.identity, "embedding-columns": self.embedding_columns}
        columns["recogniser"] = self.recogniser
        others = {
            "attacker-data": self.attacker_file or self.attacker_data,
            "second-recogniser": self.second_file or self.second_recogniser,
        }
        return " ".join([*options_of(words), *bins, *missing, *options_of(columns | others)])

    def command(self) -> str:
        """The command that repeats this run."""
        words = {"protocol": self.protocol, "seed": self.seed}
        words |= {choice: getattr(self, choice) for choice in _CHOICES}
        words |= {"device": None if self.device == CPU else self.device}
        words |= {"on": None if self.on == TARGET else self.on}
        told = " ".join(options_of({"data": self.data_file or self.data} | words))
        return f"python -m mote_bench run {told} {self.data_options()}".rstrip()


def device_of(provenance: Mapping[str, str]) -> str:
    """The kind of device that computed a record of this provenance."""
    return provenance.get(DEVICE, CPU)


def is_path(data: str) -> bool:
    """Whether ``data`` is a file's path rather than a data set's name."""
    path = Path(data)
    return is_file_name(data) or os.sep in data or path.is_file() or (path.is_dir() and bool(parts_of(path)))


def names(text: str) -> list[str]:
    """The names in a comma list."""
    return [name.strip() for name in text.split(",") if name.strip()]


def bins_of(options: Iterable[str]) -> Bins:
    """The bins in options of the form ``NAME=EDGE,EDGE,...``.

    Raises
    ------
    InputError
        On an option of another form.
    """
    return dict(map(_bin, options))


def _bin(option: str) -> tuple[str, tuple[float, ...]]:
    name, _, edges = option.partition("=")
    try:
        if name.strip():
            return name.strip(), tuple(float(edge) for edge in edges.split(","))
        raise ValueError("no name")
    except ValueError:
        raise InputError(f"--bins {option}: expected NAME=EDGE,EDGE,... as in --bins age=18,35,50") from None


def missing_of(options: Iterable[str]) -> Missing:
    """What means missing, of options of the form ``NAME=VALUE,VALUE,...``; no value leaves blanks alone to mean it.

    Raises
    ------
    InputError
        On an option of another form.
    """
    made: dict[str, tuple[str, ...]] = {}
    for option in options:
        name, found, words = option.partition("=")
        if not name.strip() or not found:
            raise InputError(f"--missing {option}: expected NAME=VALUE,VALUE,... as in --missing age=-1,999")
        made[name.strip()] = (*made.get(name.strip(), ()), *names(words))
    return made


def _stated(text: str) -> RunSpec:
    """The spec in a record. Records aren't trusted, so paths in it are dropped."""
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"a record's provenance holds no spec of a run: {text!r:.80}") from None
    made = RunSpec.from_table(table, "a record's provenance")
    return replace(made, data_file=None, attacker_file=None, second_file=None, data_sha256=made.data_sha256 or "")


def _first_edition(record: Record) -> RunSpec:
    """The spec of a run whose records hold none, as far as it can be inferred. Only this function parses data names.

    Such names read ``lfw``, ``lfw@300`` with --people, and ``... from other`` with --attacker-data. The value of
    --attributes is unknown. The records hold the run's bins together with the protocol's.
    """
    cell, checksums = record.cell, record.provenance.get("data_sha256", "").split(" ")
    found = _FIRST_EDITION.fullmatch(cell.data)
    parts = found.groupdict() if found and len(checksums) > 1 else {}
    if not parts:  # then " from " is part of the file's name
        data, _, count = cell.data.rpartition("@")
        parts = {"data": data, "people": count} if data and count.isdecimal() else {"data": cell.data}
    people, published = parts.get("people"), protocol.load(cell.protocol).bins
    made = _stated('{"bins": ' + record.provenance.get("bins", "{}") + "}")
    return replace(
        made,
        data=parts["data"] or "",
        bins={name: edges for name, edges in made.bins.items() if published.get(name) != edges},
        people=None if people is None else int(people),
        attacker_data=parts.get("attacker"),
        seed=cell.seed,
        protocol=cell.protocol,
        data_sha256=checksums[0],
        attacker_sha256=checksums[1] if len(checksums) > 1 else None,
    )


def _listed(found: Iterable[str]) -> str:
    return ",".join(sorted(found))


def options_of(words: Mapping[str, object]) -> list[str]:
    """The options of a command line, quoted for a shell; a word that is ``None`` gives none."""
    return [f"--{name} {shlex.quote(str(value))}" for name, value in words.items() if value is not None]


def _told(edges: Sequence[float]) -> str:
    return ",".join(repr(edge).removesuffix(".0") for edge in edges)
