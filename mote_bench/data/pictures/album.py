"""What a layout finds in a folder: pictures, their subjects and attributes."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mote_bench.data.missing import MISSING, is_nobody


@dataclass(frozen=True)
class Picture:
    """One file.

    Attributes
    ----------
    name : str
        Its path below the folder, with forward slashes.
    identity : str, optional
        Its subject.
    labels, numbers : mapping of attribute -> class or value
        ``""`` and NaN where unknown.
    """

    name: str
    identity: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A file that isn't used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Album:
    """The pictures of a folder, sorted by name.

    Attributes
    ----------
    folder : Path
    layout : str
        How it was read.
    pictures : tuple of Picture
    skipped : tuple of Skipped
    notes : tuple of str
        What looks wrong with the subjects' names.
    """

    folder: Path
    layout: str
    pictures: tuple[Picture, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


def known(text: str | None) -> str:
    """A class without blanks around it and in one Unicode form (NFC); empty where nothing is known."""
    stripped = _plain(text)
    return "" if stripped.lower() in MISSING else stripped


def named(text: str | None) -> str:
    """A subject's name as :func:`known` writes it; empty where nobody is named."""
    stripped = _plain(text)
    return "" if is_nobody(stripped) else stripped


def _plain(text: str | None) -> str:
    return unicodedata.normalize("NFC", (text or "").strip())


def files(folder: Path) -> Iterator[str]:
    """Names of the picture files below a folder, sorted; hidden ones are left out."""
    from mote_bench.data.pictures.reading import is_picture  # here, as it brings numpy with it

    return (name for name in _all(folder) if is_picture(Path(name)))


def others(folder: Path) -> Iterator[Skipped]:
    """Files below a folder that are pictures, and that aren't read for their format or for want of a suffix."""
    from mote_bench.data.pictures.reading import is_picture, passed_over

    for name in _all(folder):
        reason = None if is_picture(Path(name)) else passed_over(folder / name)
        if reason is not None:
            yield Skipped(name, reason)


def encodable(name: str) -> bool:
    """Whether a file's name is text: on most systems it may be any bytes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _all(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(where).relative_to(folder)
        yield from ((below / name).as_posix() for name in sorted(names) if not name.startswith("."))


def inside(folder: Path, name: str) -> bool:
    """Whether a file lies below the folder, also once links and ``..`` are followed."""
    return (folder / name).resolve().is_relative_to(folder.resolve())
