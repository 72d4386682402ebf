"""The runs that were made in a folder: ``run.json`` beside its records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

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
    path = folder / RUNS
    if not path.is_file():
        return []
    try:
        table = files.parsed(path.read_text(encoding="utf-8", errors="replace"))
        if table["format"] != FORMAT:
            raise ValueError(f"its format is {table['format']!r:.40}, expected {FORMAT}")
        return [RunSpec.from_table(one, str(path)) for one in table["runs"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"'{path}' is no list of runs ({error}); move it away and run again") from None


def add_run(folder: Path, run: RunSpec) -> None:
    """Add a run to its folder's list, as the newest; equal runs are listed once."""
    lines = [json.dumps(one.to_table(), ensure_ascii=False) for one in [*read_runs(folder), run]]
    _write(folder, list(reversed(dict.fromkeys(reversed(lines)))))


def add_times(folder: Path, times: Mapping[str, float]) -> None:
    """Add to the list how long its newest run took."""
    lines = [json.dumps(one.to_table(), ensure_ascii=False) for one in read_runs(folder)]
    _write(folder, lines, f', "newest": {json.dumps(dict(times))}')


def _write(folder: Path, lines: Iterable[str], more: str = "") -> None:
    kept = ",\n".join(lines)
    files.write_text(folder / RUNS, f'{{"format": "{FORMAT}", "runs": [\n{kept}\n]{more}}}\n')
