"""Finds the weights of a recogniser and their checksum, and reads them as tensors only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mote_bench.basics import first_line
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


@dataclass(frozen=True)
class Published:
    """A recogniser's file that others publish, which the user fetches.

    Attributes
    ----------
    what : str
        Name and version, as a card says it.
    licence : str
        By its publisher's own words.
    sha256 : str
        Of the file, hexadecimal.
    fetch : str
        The command that fetches it.
    path : str
        Where it then lies.
    """

    what: str
    licence: str
    sha256: str
    fetch: str
    path: str

    @property
    def how(self) -> str:
        """What to do to get it."""
        return f"mote-bench downloads nothing. Fetch it: {self.fetch} -- then give it: --weights {self.path}"

    def at(self, path: Path | None) -> Path:
        """The file that the user gives.

        Raises
        ------
        InputError
            Where there is none, or another one, by its checksum.
        """
        if path is None:
            raise InputError(f"the weights of {self.what} aren't given. {self.how}")
        found = existing(path, how=self.how)
        if sha256(found) != self.sha256:
            raise InputError(
                f"'{path}' isn't the file of {self.what}: its SHA-256 is {sha256(found)}, expected {self.sha256}. "
                f"{self.how}"
            )
        return found

    def about(self) -> dict[str, str]:
        """What a card says of it."""
        return {"recogniser": self.what, "licence": self.licence, "weights_sha256": self.sha256}


@cache
def sha256(path: Path) -> str:
    """SHA-256 of a weights file, hexadecimal; read once per process."""
    return checksum(path)


def into(net: Any, path: Path, *, expected: str, without: str | None = None) -> Any:
    """The torch network with the weights of a file, which are read as tensors only: a pickle in the file can't run.

    Parameters
    ----------
    net : torch.nn.Module
    path : Path
        A state dictionary, as ``torch.save`` writes it.
    expected : str
        What the file should hold, for the message.
    without : str, optional
        The prefix of tensors to leave out, such as those of a classifier.

    Raises
    ------
    InputError
        Where the file holds something else than tensors, or those of another network.
    """
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"'{path}' can't be read as tensors ({first_line(error)}); expected {expected}") from None
    if not isinstance(state, dict):
        raise InputError(f"'{path}' holds {type(state).__name__}; expected {expected}")
    try:
        net.load_state_dict(
            {name: one for name, one in state.items() if without is None or not name.startswith(without)}
        )
    except (RuntimeError, AttributeError, TypeError) as error:
        raise InputError(f"'{path}' doesn't fit ({first_line(error)}); expected {expected}") from None
    return net
