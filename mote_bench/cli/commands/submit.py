"""`submit`: one scheme's records as a bundle for a pull request."""

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
    scheme: Annotated[str, typer.Option(help="The scheme's name in the run.")],
    by: Annotated[str, typer.Option(help="Author and affiliation, shown on the boards.")],
    out: Annotated[Path, typer.Option(help="The run's folder.")] = BOARDS,
    protocol: Annotated[str | None, typer.Option(help="The run's protocol, if the folder holds several.")] = None,
    data: Annotated[str | None, typer.Option(help="The run's data set, if the folder holds several.")] = None,
    seed: Annotated[int | None, typer.Option(help="The run's seed, if the folder holds several.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="The bundle's file. Default: a new one in bundles/ of the folder.")
    ] = None,
) -> None:
    """Write all records of a scheme into one checked file, with versions, checksums, machine and git commit."""
    from mote_bench.records import bundle, store

    own = [record for record in store.read(out) if record.cell.scheme == scheme]
    if not own:
        raise InputError(
            f"no records of scheme '{scheme}' in '{out}'; run it first: python -m mote_bench run --schemes {scheme}"
        )
    check_target(to)
    records = chosen(own, protocol=protocol, data=data, seed=seed)
    write(bundle.make(bundle.SCHEME, records, by=by, home=Path.cwd()), out, to)


def check_target(to: Path | None) -> None:
    """Refuse a bundle's file that can't be written, before a run is made for it."""
    from mote_bench.records import store

    if to is not None:
        if to.is_dir():
            raise InputError(f"--to {to}: a folder; expected the bundle's file, as in --to {to / 'bundle.json'}")
        store.check_place(to.parent, cells=0)


def write(made: Bundle, out: Path, to: Path | None) -> None:
    """Write a bundle, and print its path and the next commands."""
    from mote_bench import files
    from mote_bench.records import bundle

    path = to or out / bundle.BUNDLES / made.name
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, bundle.to_text(made))
    print(f"{path}: {len(made.records)} records by {made.by}. Check it: python -m mote_bench verify {path}")
    print("To publish it: add the file to leaderboards/bundles/ of mote-bench in a pull request")
