"""The runs that were made in a folder: ``run.json`` beside its records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mote_bench import files
from mote_bench.contracts import InputError
from mote_bench.planning.spec import RunSpec

RUNS, FORMAT = "run.json", "mote-bench-runs-1"
"""Where the runs of a folder stand, and in which form."""


def read_runs(folder: Path) -> list[RunSpec]:
    """The runs that were made in a folder, the newest last; none if the folder has no such list.

    Raises
    ------
    InputError
        When the list can't be read.
    """
    return _read(folder)[0]


def add_run(folder: Path, run: RunSpec) -> None:
    """Add a run to its folder's list, as the newest; equal runs are listed once."""
    runs, took = _read(folder)
    _write(folder, [*runs, run], took)


def add_times(folder: Path, took: Mapping[str, Any]) -> None:
    """Say what the newest run took that had anything to run."""
    _write(folder, _read(folder)[0], took)


def _read(folder: Path) -> tuple[list[RunSpec], Mapping[str, Any] | None]:
    path = folder / RUNS
    if not path.is_file():
        return [], None
    try:
        table = files.parsed(path.read_text(encoding="utf-8", errors="replace"))
        if table["format"] != FORMAT:
            raise ValueError(f"its format is {table['format']!r:.40}, expected {FORMAT}")
        return [RunSpec.from_table(one, str(path)) for one in table["runs"]], table.get("took")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"'{path}' is no list of runs ({error}); move it away and run again") from None


def _write(folder: Path, runs: Iterable[RunSpec], took: Mapping[str, Any] | None) -> None:
    lines = [json.dumps(one.to_table(), ensure_ascii=False) for one in runs]
    kept = ",\n".join(reversed(dict.fromkeys(reversed(lines))))
    more = "" if took is None else f', "took": {json.dumps(took)}'
    files.write_text(folder / RUNS, f'{{"format": "{FORMAT}", "runs": [\n{kept}\n]{more}}}\n')
