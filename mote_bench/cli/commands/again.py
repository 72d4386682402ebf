"""A stored run made again: its spec from its records, and what the user says of it on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import CPU, InputError

if TYPE_CHECKING:
    from mote_bench.contracts import Record
    from mote_bench.planning.spec import RunSpec

Attributes = Annotated[
    str | None, typer.Option(help="Columns used as attributes. Default: the run's, where its records say so.")
]
Bins = Annotated[
    list[str] | None, typer.Option(help="Bins of the run, where its records don't say so; others are refused.")
]
Missing = Annotated[
    list[str] | None, typer.Option(help="What means unknown in a column of the run's data; anything else is refused.")
]
Identity = Annotated[
    str | None, typer.Option(help="The column that names the subjects of the run's data; another is refused.")
]
EmbeddingColumns = Annotated[
    str | None, typer.Option(help="The columns of the embeddings of the run's data; others are refused.")
]
AttackerData = Annotated[
    str | None, typer.Option(help="The file of the attacker's data, where it isn't where the run read it.")
]
SecondRecogniser = Annotated[
    str | None,
    typer.Option(help="The file of the second recogniser's embeddings, where it isn't where the run read it."),
]
Device = Annotated[
    str, typer.Option(help="Where torch computes: cpu, cuda, cuda:N or mps. Figures agree up to rounding.")
]
"""The options of every command that repeats a stored run."""


@dataclass(frozen=True)
class Given:
    """Where the data of a stored run are here, and what its records may not say; options as the user gave them."""

    data: str | None = None
    attributes: str | None = None
    bins: tuple[str, ...] = ()
    attacker_data: str | None = None
    missing: tuple[str, ...] = ()
    identity: str | None = None
    embedding_columns: str | None = None
    device: str = CPU
    second_recogniser: str | None = None


def again(records: Sequence[Record], given: Given, *, home: Path | None = None) -> RunSpec:
    """The spec that makes the run of these records again.

    Parameters
    ----------
    records : sequence of Record
        One board's.
    home : Path, optional
        Their folder, which knows where the run read its data.

    Raises
    ------
    InputError
        Where the user's options would make another run.
    """
    from mote_bench.planning.spec import RunSpec, is_path
    from mote_bench.records.runs import read_runs

    made = replace(RunSpec.of(records, () if home is None else read_runs(home)), device=given.device)
    labels = (made.data, records[0].cell.data)
    if given.data is not None and (is_path(given.data) or given.data not in labels):
        made = replace(made, data_file=given.data)
    if given.attacker_data is not None:
        if made.attacker_data is None:
            raise InputError(
                f"--attacker-data {given.attacker_data}: the attacker of the run held other people of the same data; "
                "leave the option out, or make a run with it: python -m mote_bench run --attacker-data DATA --out DIR"
            )
        if is_path(given.attacker_data) or given.attacker_data != made.attacker_data:
            made = replace(made, attacker_file=given.attacker_data)
    made = _with_second(made, given.second_recogniser)
    _check_bins(given.bins, made)
    _check_columns(given, made)
    return made if given.attributes is None else _with_attributes(made, given.attributes, records)


def _with_second(made: RunSpec, place: str | None) -> RunSpec:
    """The spec with the place of the second recogniser's embeddings, as the user gives it."""
    from mote_bench.planning.spec import is_path

    if place is None:
        return made
    if made.second_recogniser is None:
        raise InputError(
            f"--second-recogniser {place}: the run has none; leave the option out, or make a run with it: "
            "python -m mote_bench run --second-recogniser FILE --out DIR"
        )
    return replace(made, second_file=place) if is_path(place) or place != made.second_recogniser else made


def said(line: str) -> None:
    """Print one line beside a command's result."""
    print(line, file=sys.stderr, flush=True)


def label_fits(data: str, record: Record) -> bool:
    """Whether ``data``, as a user names it, are those of a record: by name, by file name or by checksum."""
    from mote_bench.data.arrays import checksum
    from mote_bench.data.containers import label_of
    from mote_bench.planning.spec import RunSpec, is_path

    made = RunSpec.of([record])
    if data in (made.data, record.cell.data):
        return True
    path = Path(data)
    return is_path(data) and (label_of(path) == made.data or (path.exists() and checksum(path) == made.data_sha256))


def _check_bins(options: Sequence[str], made: RunSpec) -> None:
    from mote_bench.planning.spec import bins_of

    for option in options:
        ((name, edges),) = bins_of([option]).items()
        if made.bins.get(name) != edges:
            raise InputError(
                f"--bins {option}: the run has other bins, and figures of other classes are never compared; leave the "
                f"option out. The run is: {made.command()}"
            )


def _check_columns(given: Given, made: RunSpec) -> None:
    """Refuse to read the columns of the run's data in another way."""
    from mote_bench.planning.spec import missing_of

    words = missing_of(given.missing)
    agrees = {
        "missing": all(made.missing.get(name) == held for name, held in words.items()),
        "identity": given.identity in (None, made.identity),
        "embedding-columns": given.embedding_columns in (None, made.embedding_columns),
    }
    for option, agreed in agrees.items():
        if not agreed:
            raise InputError(
                f"--{option}: the run has read its data in another way, and figures of other data are never compared; "
                f"leave the option out. The run is: {made.command()}"
            )


def _with_attributes(made: RunSpec, attributes: str, records: Sequence[Record]) -> RunSpec:
    from mote_bench.planning.spec import SPEC, names

    wanted = ",".join(names(attributes))
    if wanted != made.attributes and any(SPEC in one.provenance for one in records):
        before = "every column that can serve" if made.attributes is None else made.attributes
        told = f"note: --attributes {wanted}, where the run has {before}: questions and fairness may differ"
        print(told, file=sys.stderr)
    return replace(made, attributes=wanted)
