"""File names of records, and the short id that identifies a record in a packed file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mote_bench.contracts import Cell

BOARDS = Path("boards")
"""The default output folder of a run."""

_OF_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\.")
"""Names of devices: Windows has no such files, whatever their ending."""


def record_name(cell: Cell) -> str:
    """The file name of a cell's record: the cell's fields, made unique by a hash of them."""
    words = "_".join(map(_word, asdict(cell).values()))
    return f"{words}_{short_id(cell)}.json"


def packed_name(cell: Cell) -> str:
    """The path of a cell's packed file in the folder of records: ``people-2_lfw-dlib_0/mote.jsonl``.

    Names that differ only in characters left out of file names share a file. Each line holds its cell in full.
    """
    board = "_".join(map(_word, (cell.protocol, cell.data, cell.seed)))
    name = f"{_word(cell.scheme)}.jsonl"
    return f"{board}/{'_' if _OF_WINDOWS.match(name) else ''}{name}"


def short_id(cell: Cell) -> str:
    """Eight hexadecimal digits of a hash of the cell. They don't depend on the record's figures."""
    text = json.dumps(asdict(cell), sort_keys=True, allow_nan=False, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _word(value: object) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", str(value).lower())[:40]
