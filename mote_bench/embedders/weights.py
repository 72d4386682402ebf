"""Finds the weights of a recogniser and their checksum."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from mote_bench.contracts import InputError
from mote_bench.data.arrays import checksum


def torch_cache() -> Path:
    """``$TORCH_HOME/checkpoints``, where torch and facenet-pytorch keep what they download."""
    default = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(os.environ.get("TORCH_HOME", default)).expanduser() / "checkpoints"


def existing(path: Path, *, how: str) -> Path:
    """The file, or an :class:`InputError` that says how to get it."""
    if not path.is_file():
        raise InputError(f"no weights at '{path}'. {how}")
    return path


@cache
def sha256(path: Path) -> str:
    """SHA-256 of a weights file, hexadecimal; read once per process."""
    return checksum(path)
