"""`external`: a stronger attack on a published scheme, as a bundle with its author's name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mote_bench.basics import CPU, InputError
from mote_bench.cli.commands import again as run_again
from mote_bench.cli.commands.gate import chosen
from mote_bench.cli.commands.submit import check_target, write
from mote_bench.records.naming import BOARDS

EPILOG = "Example: python -m mote_bench external --scheme mote --attack my-attack --by 'Jane Doe'"


def external(  # noqa: PLR0913 - typer makes an option of each argument
    scheme: Annotated[str, typer.Option(help="The published scheme.")],
    attack: Annotated[str, typer.Option(help="The attack's name; it is installed as a plug-in.")],
    by: Annotated[str, typer.Option(help="Author and affiliation, shown on the boards.")],
    out: Annotated[
        Path, typer.Option(help="A folder of runs. If it lacks the scheme, its published run is attacked.")
    ] = BOARDS,
    protocol: Annotated[str | None, typer.Option(help="The run's protocol, if there are several.")] = None,
    data: Annotated[str | None, typer.Option(help="The data set's name, or the published data's file.")] = None,
    attributes: run_again.Attributes = None,
    bins: run_again.Bins = None,
    missing: run_again.Missing = None,
    identity: run_again.Identity = None,
    embedding_columns: run_again.EmbeddingColumns = None,
    attacker_data: run_again.AttackerData = None,
    second_recogniser: run_again.SecondRecogniser = None,
    device: run_again.Device = CPU,
    seed: Annotated[int | None, typer.Option(help="The run's seed, if there are several.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="The bundle's file. Default: a new one in bundles/ of the folder.")
    ] = None,
) -> None:
    """Run an attack on a published scheme, with the options of its published run, and write its records as a bundle."""
    from mote_bench import registry
    from mote_bench.cli.commands.verify import rerun
    from mote_bench.records import bundle, store
    from mote_bench.records.published import rows_of

    registry.find("attacks", attack)
    check_target(to)
    rows = chosen(rows_of(scheme, out), protocol=protocol, data=data, seed=seed)
    if any(record.cell.attack == attack for record in rows):
        raise InputError(
            f"attack '{attack}' is already part of the run of '{scheme}'; expected a new one: "
            "register it under another name"
        )
    given = run_again.Given(
        data, attributes, tuple(bins or ()), attacker_data, tuple(missing or ()), identity, embedding_columns, device,
        second_recogniser,
    )  # fmt: skip
    spec = replace(run_again.again(rows, given, home=out), schemes=scheme, attacks=attack)
    made = [record for record in rerun(spec, jobs=jobs) if (record.cell.scheme, record.cell.attack) == (scheme, attack)]
    write(bundle.make(bundle.ATTACK, made, by=by, home=Path.cwd()), out, to)
    own = any(record.cell.scheme == scheme for record in store.read(out))
    print(f"Show it: python -m mote_bench board --out {out}{'' if own else ' --published'}")
