"""Files that are never seen half written, folders that one run holds at a time, and JSON without NaN."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from mote_bench.contracts import InputError

PART = ".part-"
"""How the names of files begin that are being written."""
_LOCK = ".lock"


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never a part."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes the place of ``path`` once the block has ended well, and else leaves no trace.

    ``private`` files are their owner's alone.
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
    """Hold an output folder: two runs in one would overwrite each other's boards.

    The system's lock on an open file, which ends with its process however that ends.

    Raises
    ------
    InputError
        While another run holds it.
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
    """The data in a JSON text, which holds no NaN and no infinity.

    Raises
    ------
    ValueError
        On anything else.
    """

    def refused(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    return json.loads(text, parse_constant=refused)
