"""What the file of a cell's record is called, and the short id by which a line of a packed file is found."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict

from mote_bench.contracts import Cell


def record_name(cell: Cell) -> str:
    """Readable, and unique by a hash of the cell."""
    words = "_".join(map(_word, asdict(cell).values()))
    return f"{words}_{short_id(cell)}.json"


def packed_name(cell: Cell) -> str:
    """The packed file of a cell's record, in the folder of records: ``people-2_lfw-dlib_0/mote.jsonl``.

    Names that differ only in characters that a file's name doesn't keep share a file; each line says its cell in full.
    """
    board = "_".join(map(_word, (cell.protocol, cell.data, cell.seed)))
    return f"{board}/{_word(cell.scheme)}.jsonl"


def short_id(cell: Cell) -> str:
    """Eight hexadecimal digits of a hash of the cell: the same for every record of it, whatever its figures."""
    text = json.dumps(asdict(cell), sort_keys=True, allow_nan=False, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _word(value: object) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", str(value).lower())[:40]
