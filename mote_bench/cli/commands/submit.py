"""`submit`: one scheme's records as a bundle, ready for a pull request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import InputError
from mote_bench.cli.commands.gate import chosen
from mote_bench.records.naming import BOARDS

if TYPE_CHECKING:
    from mote_bench.records.bundle import Bundle

EPILOG = "Example: python -m mote_bench submit --scheme my-scheme --by 'Jane Doe, Example University'"


def submit(
    scheme: Annotated[str, typer.Option(help="The scheme, as in the run.")],
    by: Annotated[str, typer.Option(help="Who submits it; will stand on the boards.")],
    out: Annotated[Path, typer.Option(help="The folder of the run.")] = BOARDS,
    protocol: Annotated[str | None, typer.Option(help="Where the folder holds several runs.")] = None,
    data: Annotated[str | None, typer.Option(help="Where the folder holds several runs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Where the folder holds several runs.")] = None,
    to: Annotated[Path | None, typer.Option(help="The bundle's file. Default: bundles/ in the folder.")] = None,
) -> None:
    """Write every record of a scheme as one checked file, with versions, checksums, machine and git commit."""
    from mote_bench.records import bundle, store

    own = [record for record in store.read(out) if record.cell.scheme == scheme]
    if not own:
        raise InputError(f"no records of '{scheme}' in '{out}'; make them: python -m mote_bench run --schemes {scheme}")
    records = chosen(own, protocol=protocol, data=data, seed=seed)
    write(bundle.make(bundle.SCHEME, records, by=by, home=Path.cwd()), out, to)


def write(made: Bundle, out: Path, to: Path | None) -> None:
    """Write a bundle and say where, and what to do with it."""
    from mote_bench import files
    from mote_bench.records import bundle

    path = to or out / bundle.BUNDLES / made.name
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, bundle.to_text(made))
    print(f"{path}: {len(made.records)} records by {made.by}. Check it: python -m mote_bench verify {path}")
    print("For the boards: add the file to leaderboards/bundles/ of mote-bench in a pull request")
