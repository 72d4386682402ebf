"""Shared by the studies of model templates: their data, and the files that they write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mote_bench.contracts import InputError
from mote_bench.files import write_text
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec


@dataclass(frozen=True)
class StudyData:
    """The data of a study.

    Attributes
    ----------
    data : str
        A data set's name or a file.
    people : int, optional
        The size of a random subset; None takes all subjects.
    """

    data: str = "synthetic"
    people: int | None = None

    @property
    def name(self) -> str:
        """The data's name in the study's files and titles."""
        return Path(self.data).stem


def setting_of(study: StudyData, attribute: str | None = None) -> Setting:
    """The data, split by the protocol.

    Raises
    ------
    InputError
        When the data can't be read or split, or lack the attribute.
    """
    made = settings.make(RunSpec(data=study.data, people=study.people, schemes="cosine", questions="verify"))
    known = made.split.background.attributes
    if attribute is not None and attribute not in known:
        raise InputError(f"'{study.data}' has no attribute '{attribute}'; it has: {', '.join(known)}")
    return made


def write(files: Mapping[str, str], out: Path) -> None:
    """Write each text to its file in the folder, which is made where there is none."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_text(out / name, text)
