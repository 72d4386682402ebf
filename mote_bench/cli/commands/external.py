"""`external`: a stronger attack against a published row, filed with its author's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mote_bench.basics import InputError
from mote_bench.cli.commands.again import (
    ATTACKER_DATA,
    ATTRIBUTES,
    BINS,
    EMBEDDING_COLUMNS,
    IDENTITY,
    MISSING,
    Given,
    again,
)
from mote_bench.cli.commands.gate import chosen
from mote_bench.cli.commands.submit import write
from mote_bench.records.naming import BOARDS

EPILOG = "Example: python -m mote_bench external --scheme mote --attack my-attack --by 'Jane Doe'"


def external(  # noqa: PLR0913 - typer makes an option of each argument
    scheme: Annotated[str, typer.Option(help="The published scheme.")],
    attack: Annotated[str, typer.Option(help="The attack, installed as a plug-in.")],
    by: Annotated[str, typer.Option(help="Who found it; will stand on the boards.")],
    out: Annotated[
        Path, typer.Option(help="The folder of boards. Where it lacks the scheme, the published row is taken.")
    ] = BOARDS,
    protocol: Annotated[str | None, typer.Option(help="Where the folder holds several runs.")] = None,
    data: Annotated[str | None, typer.Option(help="The data set's name, or the published data's file.")] = None,
    attributes: Annotated[str | None, typer.Option(help=ATTRIBUTES)] = None,
    bins: Annotated[list[str] | None, typer.Option(help=BINS)] = None,
    missing: Annotated[list[str] | None, typer.Option(help=MISSING)] = None,
    identity: Annotated[str | None, typer.Option(help=IDENTITY)] = None,
    embedding_columns: Annotated[str | None, typer.Option(help=EMBEDDING_COLUMNS)] = None,
    attacker_data: Annotated[str | None, typer.Option(help=ATTACKER_DATA)] = None,
    seed: Annotated[int | None, typer.Option(help="Where the folder holds several runs.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    to: Annotated[Path | None, typer.Option(help="The bundle's file. Default: bundles/ in the folder.")] = None,
) -> None:
    """Run an attack on a published scheme as its published run was made, and file what it finds."""
    from mote_bench import registry
    from mote_bench.cli.commands.verify import rerun
    from mote_bench.records import bundle, store
    from mote_bench.records.published import rows_of

    registry.find("attacks", attack)
    rows = chosen(rows_of(scheme, out), protocol=protocol, data=data, seed=seed)
    if any(record.cell.attack == attack for record in rows):
        raise InputError(f"'{attack}' has been run on '{scheme}' already; a new attack needs a name of its own")
    given = Given(data, attributes, tuple(bins or ()), attacker_data, tuple(missing or ()), identity, embedding_columns)
    asked = replace(again(rows, given, home=out), schemes=scheme, attacks=attack)
    made = [
        record for record in rerun(asked, jobs=jobs) if (record.cell.scheme, record.cell.attack) == (scheme, attack)
    ]
    write(bundle.make(bundle.ATTACK, made, by=by, home=Path.cwd()), out, to)
    own = any(record.cell.scheme == scheme for record in store.read(out))
    print(f"Show it: python -m mote_bench board --out {out}{'' if own else ' --published'}")
