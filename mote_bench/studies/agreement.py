"""Whether two boards rank schemes alike, read from the folders of finished runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mote_bench.analysis.agreement import FEWEST, Pair, agreements
from mote_bench.analysis.recognisers import across
from mote_bench.analysis.standings import standings
from mote_bench.contracts import InputError
from mote_bench.records import store
from mote_bench.report.agreement import agreement_md, render
from mote_bench.report.recognisers import recognisers_md


def text_of(folders: Sequence[Path]) -> str:
    """The agreement of the boards of one folder, or of the one board each of two, as Markdown.

    Raises
    ------
    InputError
        When the folders hold no two boards that can be compared.
    """
    if len(folders) == 2:
        first, second = map(board, folders)
        return render(first[0], second[0], agreements(first, second))
    if len(folders) != 1:
        raise InputError(
            f"{len(folders)} folders; expected one or two: python -m mote_bench study agreement FOLDER [FOLDER]"
        )
    found = standings(store.read(folders[0]))
    text = "\n".join(filter(None, (agreement_md(found), recognisers_md(across(found)))))
    if not text:
        raise InputError(
            f"'{folders[0]}' holds {len(found)} boards ({_named(found)}); expected two of one protocol and seed, with "
            f"{FEWEST} common schemes or more that recognise their subjects"
        )
    return text


def board(folder: Path) -> Pair:
    """The one board of a folder, with its records.

    Raises
    ------
    InputError
        When the folder holds the records of no run, or of several.
    """
    found = standings(store.read(folder))
    if len(found) != 1:
        raise InputError(f"'{folder}' holds {len(found)} boards ({_named(found)}); expected one")
    return found[0]


def _named(found: Iterable[Pair]) -> str:
    return "; ".join(f"{one.protocol} on {one.data}" for one, _ in found) or "none"
