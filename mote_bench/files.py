"""Files that are never seen half written, folders that one run holds at a time, and JSON without NaN."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mote_bench.basics import InputError

PART = ".part-"
"""How the names of files begin that are being written."""
_LOCK = ".lock"


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new one, never a part."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write, which replaces ``path`` when the block ends without an error and is deleted otherwise.

    Only their owner can read ``private`` files.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=PART)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o600 if private else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock an output folder, as two runs in one folder would overwrite each other's boards.

    The lock is the system's, on an open file: it is released when its process ends, however that ends.

    Raises
    ------
    InputError
        When another run holds the lock.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"another run writes to '{folder}'; wait for it, or give another folder: --out DIR") from None
    try:
        yield
    finally:
        lock.release()


def parsed(text: str) -> Any:
    """The data in a JSON text without NaN and infinity.

    Raises
    ------
    ValueError
        On anything else.
    """

    def refused(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    return json.loads(text, parse_constant=refused)
