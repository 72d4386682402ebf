"""What a layout finds in a folder: pictures, their subjects and attributes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


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
    """The pictures of a folder, sorted by name; ``layout`` says how the folder was read."""

    folder: Path
    layout: str
    pictures: tuple[Picture, ...]
    skipped: tuple[Skipped, ...] = ()


def files(folder: Path) -> Iterator[str]:
    """Names of the picture files below a folder, sorted; hidden ones are left out."""
    from mote_bench.data.pictures.reading import is_picture  # here, as it brings numpy with it

    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(where).relative_to(folder)
        yield from (
            (below / name).as_posix() for name in sorted(names) if not name.startswith(".") and is_picture(Path(name))
        )


def inside(folder: Path, name: str) -> bool:
    """Whether a file lies below the folder, also once links and ``..`` are followed."""
    return (folder / name).resolve().is_relative_to(folder.resolve())
