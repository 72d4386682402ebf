"""`audit`: a report of a few pages about one scheme on one data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mote_bench.basics import InputError
from mote_bench.cli.commands.gate import chosen

EPILOG = "Example: python -m mote_bench audit boards --scheme mote --out mote.html; print it to PDF from a browser."


def audit(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or of boards; it holds records/.")],
    scheme: Annotated[str, typer.Option(help="The scheme that the report is about.")],
    out: Annotated[Path, typer.Option(help="The .html file to write; a file of this name is replaced.")],
    data: Annotated[str | None, typer.Option(help="The data set, if the folder holds several.")] = None,
    protocol: Annotated[str | None, typer.Option(help="The protocol, if the folder holds several.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed, if the folder holds several.")] = None,
) -> None:
    """Write a report for an audit: keys, attackers, clauses of standards, and the record behind each figure."""
    from mote_bench import files
    from mote_bench.analysis import audit as analysis
    from mote_bench.records import store
    from mote_bench.records.published import records_of
    from mote_bench.report.audit_report import audit_html

    if out.suffix.lower() != ".html" or out.is_dir() or not out.parent.is_dir():
        raise InputError(f"--out {out}: expected an .html file in a folder that exists, as in --out {scheme}.html")
    home = folder.parent if folder.name == store.RECORDS else folder
    records = records_of(home, published=False)
    if not records:
        raise store.no_records(home)
    made = analysis.audit(chosen(records, protocol=protocol, data=data, seed=seed, scheme=scheme), scheme)
    page = audit_html(made)
    try:
        files.write_text(out, page)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"can't write '{out}' ({reason}); give another file: --out FILE.html") from None
    print(f"written to '{out}' ({len(made.records)} records). Print it to PDF from a browser")
