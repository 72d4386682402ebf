"""The records published with mote-bench, which boards show beside a run's own on request, marked as published."""

from __future__ import annotations

import ntpath
import posixpath
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath, PureWindowsPath
from urllib.parse import quote

from mote_bench.contracts import InputError, Record
from mote_bench.records import bundle, store
from mote_bench.records.boards import board_of

FOLDER = Path(__file__).resolve().parents[2] / "leaderboards"
"""The folder of the published boards in a checkout."""
PUBLISHED = "published"
"""The provenance field that marks a record as published, not made by the run whose boards show it."""


def records_of(out: Path, *, published: bool) -> list[Record]:
    """The records for a folder's boards: its own, its bundles', and with ``published`` the published ones.

    Raises
    ------
    InputError
        When a record or a bundle is damaged, or published records are requested and missing.
    """
    own = store.read(out)
    made = [_unmarked(one) for one in own + bundle.submitted(out, own)]
    return made + (beside(own, made, read(out)) if published else [])


def check() -> None:
    """Check that published records exist.

    Raises
    ------
    InputError
        When this installation has none.
    """
    if not (FOLDER / store.RECORDS).is_dir():
        raise InputError(
            f"no published records in '{FOLDER}'; they come with a checkout of mote-bench, not with an installed "
            "package. Leave out --published, or install the checkout: pip install -e ."
        )


def read(out: Path) -> list[Record]:
    """The published records, with links relative to the boards in ``out``.

    Raises
    ------
    InputError
        As :func:`check`, and when one is damaged.
    """
    check()
    return read_beside(FOLDER, out)


def read_beside(folder: Path, out: Path) -> list[Record]:
    """The records of another folder and of its bundles, with links relative to the boards in ``out``.

    Raises
    ------
    InputError
        When one is damaged, or the folder holds none.
    """
    way = address(folder.absolute(), out.absolute())
    own = store.read(folder)
    if not own:
        raise InputError(f"no records in '{folder / store.RECORDS}'; expected the folder of a run")
    return [replace(_unmarked(one), file=f"{way}/{one.file}") for one in own + bundle.submitted(folder, own)]


def address(folder: PurePath, start: PurePath) -> str:
    """The address of an absolute folder, relative to another; whole where Windows has them on two drives.

    Examples
    --------
    >>> address(PureWindowsPath("C:/a b/c"), PureWindowsPath("C:/a b/d"))
    '../c'
    >>> address(PureWindowsPath("C:/a b/c"), PureWindowsPath("D:/d"))
    'file:///C:/a%20b/c'
    """
    flavour = ntpath if isinstance(folder, PureWindowsPath) else posixpath
    try:
        return quote(type(folder)(flavour.relpath(folder, start)).as_posix())
    except ValueError:
        return folder.as_uri()


def beside(own: Sequence[Record], made: Sequence[Record], published: Sequence[Record]) -> list[Record]:
    """The published records that can be shown beside a run's, marked as published.

    They have the same data, protocol, bins (by checksum) and seed, and are of other schemes than the run's. So no row
    mixes both.

    Parameters
    ----------
    own : sequence of Record
        The run's records.
    made : sequence of Record
        The run's and the bundles' records: an attack submitted against a published scheme is shown in that row.
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
    """A scheme's records from a folder or, if it has none, the published ones.

    Raises
    ------
    InputError
        When there are neither.
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
    """A record without the published mark, which a submitted record could contain."""
    return replace(record, provenance={key: value for key, value in record.provenance.items() if key != PUBLISHED})


def _board(record: Record) -> tuple[object, ...]:
    checksums = (record.provenance.get(part) for part in ("data_sha256", "protocol_sha256", "bins"))
    return (*board_of(record.cell), *checksums)
