"""What the file of a cell's record is called."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict

from mote_bench.contracts import Cell


def record_name(cell: Cell) -> str:
    """Readable, and unique by a hash of the cell."""
    values = asdict(cell)
    words = "_".join(re.sub(r"[^a-z0-9.-]+", "-", str(value).lower())[:40] for value in values.values())
    text = json.dumps(values, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return f"{words}_{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
