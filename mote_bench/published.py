"""The records that come with mote-bench, shown beside a run's own where that is asked for, each marked as published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from mote_bench import bundle, store
from mote_bench.contracts import InputError, Record

FOLDER = Path(__file__).resolve().parents[1] / "leaderboards"
"""Where the published boards stand in a checkout."""
PUBLISHED = "published"
"""The part of a record's provenance that marks it as published, not made by the run whose boards show it."""


def records_of(out: Path, *, published: bool) -> list[Record]:
    """The records that the boards of a folder are made from: its own, its bundles', and if asked the published ones.

    Raises
    ------
    InputError
        When a record or a bundle is damaged, or published records are asked for and aren't there.
    """
    own = store.read(out)
    made = [_unmarked(one) for one in own + bundle.submitted(out, own)]
    return made + (beside(own, made, read(out)) if published else [])


def check() -> None:
    """Look whether there are published records.

    Raises
    ------
    InputError
        When this installation came without them.
    """
    if not (FOLDER / store.RECORDS).is_dir():
        raise InputError(
            f"no published records in '{FOLDER}'; they come with a checkout of mote-bench, not with an installed "
            "package. Leave out --published, or install the checkout: pip install -e ."
        )


def read(out: Path) -> list[Record]:
    """The published records, their links as seen from the boards in ``out``.

    Raises
    ------
    InputError
        As :func:`check`, and when one is damaged.
    """
    check()
    way = quote(Path(os.path.relpath(FOLDER, out)).as_posix())
    own = store.read(FOLDER)
    return [replace(one, file=f"{way}/{one.file}") for one in own + bundle.submitted(FOLDER, own)]


def beside(own: Sequence[Record], made: Sequence[Record], published: Sequence[Record]) -> list[Record]:
    """The published records that may stand beside a run's, marked.

    Only those of the same data, protocol, bins and seed, by checksum; and of no scheme that the run itself made, so
    that no row is of both.

    Parameters
    ----------
    own : sequence of Record
        The run's.
    made : sequence of Record
        These and those of bundles: an attack that was filed against a published row stands on that row.
    """
    boards = set(map(_board, made))
    rows = {(_board(one), one.cell.scheme) for one in own}
    cells = {one.cell for one in made}
    return [
        replace(one, provenance={**one.provenance, PUBLISHED: "with mote-bench"})
        for one in published
        if _board(one) in boards and (_board(one), one.cell.scheme) not in rows and one.cell not in cells
    ]


def rows_of(scheme: str, out: Path) -> list[Record]:
    """A scheme's records: those of a folder, or else the published ones.

    Raises
    ------
    InputError
        When neither has any.
    """
    held = [one for one in store.read(out) if one.cell.scheme == scheme]
    held = held or [one for one in read(out) if one.cell.scheme == scheme]
    if not held:
        raise InputError(
            f"no records of '{scheme}' in '{out}', and none were published; make them: python -m mote_bench run "
            f"--schemes {scheme} --out {out}"
        )
    return held


def _unmarked(record: Record) -> Record:
    """A record without the mark, which a submitted one could bring along."""
    return replace(record, provenance={key: value for key, value in record.provenance.items() if key != PUBLISHED})


def _board(record: Record) -> tuple[object, ...]:
    cell = record.cell
    checksums = (record.provenance.get(part) for part in ("data_sha256", "protocol_sha256", "bins"))
    return (cell.protocol, cell.data, cell.seed, *checksums)
