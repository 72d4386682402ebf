"""`pack`: a run's records as few files, a line a record, as published boards keep them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

EPILOG = "Example: python -m mote_bench pack --out boards --to leaderboards"


def pack(
    out: Annotated[Path, typer.Option(help="The folder of the run.")],
    to: Annotated[
        Path | None,
        typer.Option(help="The folder of published boards that gets the records. Default: the run's own folder."),
    ] = None,
) -> None:
    """Publish a run's records: a file per data set and scheme, sorted, a line per record.

    Cells that were published before are replaced. A packed folder can be read, shown and gated against as before, but a
    run can't be resumed in it. What study strength found goes along, a file per data set.
    """
    from mote_bench.files import locked
    from mote_bench.records import store
    from mote_bench.studies import strength

    target = to or out
    with ExitStack() as held:
        for folder in {out.resolve(): out, target.resolve(): target}.values():
            if folder.is_dir():  # in one that isn't there nobody writes
                held.enter_context(locked(folder))
        studied = strength.publish(out, target)
        files = store.pack(out, target)
    where = target / store.RECORDS
    if studied:
        print(f"packed: {len(studied)} files with fewer shadow subjects in '{studied[0].parent}'")
    print(f"packed: {len(files)} files in '{where}'. Make the boards: python -m mote_bench board --out {target}")
