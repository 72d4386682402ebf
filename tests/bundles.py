"""Tampering with bundles as somebody would who knows the format."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def resigned(table: dict[str, Any]) -> str:
    """A bundle's text with its checksum made anew: anybody can do that."""
    rest = {key: value for key, value in table.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return json.dumps({**rest, "sha256": hashlib.sha256(text.encode()).hexdigest()})
