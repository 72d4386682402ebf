"""The files of a challenge: arrays of templates, keys and faces without pickle, checked before they are read."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, InputError
from mote_bench.data import arrays
from mote_bench.files import PART, parsed, replacing

PUBLIC, SECRET = "public", "secret"
"""The folders of a challenge: what attackers get, and what the organiser keeps."""
ON_AGREEMENT = "on-agreement"
"""The folder of what shows the background and shadow subjects, where it is given out on agreement only."""
MANIFEST, TRUTH, ANSWERS = "challenge.json", "secret.json", "answers.json"
"""The manifests of a public part, of a secret part, and of one attacker's answers."""
_MOST_JSON = 4_000_000
_AGAIN = "get it again from the organiser"

Arrays = Mapping[str, npt.NDArray[Any]]


def npz(held: Arrays) -> bytes:
    """An npz file of these arrays; equal arrays give equal bytes."""
    pickled = [name for name, array in held.items() if np.asarray(array).dtype.hasobject]
    if pickled:
        raise ValueError(f"arrays of Python objects, which only a pickle could hold: {', '.join(pickled)}")
    buffer = io.BytesIO()
    np.savez(buffer, **held)  # type: ignore[arg-type]  # no name of an array is allow_pickle
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def as_json(table: Mapping[str, Any]) -> bytes:
    """A table as indented JSON."""
    return (json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def check_new(folder: Path, option: str) -> None:
    """Refuse a folder that holds anything: nothing is ever written over.

    Raises
    ------
    InputError
        Then.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(f"'{folder}' exists and isn't empty; nothing is written over: {option} with a new folder")


def write_folder(folder: Path, content: Mapping[str, bytes], *, private: bool = False) -> None:
    """Write a folder in one step: others see all of it or nothing. Only its owner can read a ``private`` one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=PART))
    try:
        for name, held in content.items():
            (part / name).parent.mkdir(exist_ok=True)
            with replacing(part / name, private=private) as file:
                file.write(held)
        part.chmod(0o700 if private else 0o755)
        if folder.is_dir():
            folder.rmdir()  # an empty one, as check_new has seen
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def read_json(path: Path, what: str) -> tuple[dict[str, Any], str]:
    """The table in a JSON file, and the file's checksum.

    Parameters
    ----------
    what : str
        What is expected, for the message: ``the public part of a challenge``.

    Raises
    ------
    InputError
        When there is no such file, when it is too long, and when it holds no JSON object.
    """
    checked_file(path, what, _MOST_JSON)
    content = path.read_bytes()
    try:
        table = parsed(content.decode())
    except (ValueError, RecursionError):
        table = None
    if not isinstance(table, dict):
        raise InputError(f"'{path}' holds no JSON object; expected {what}")
    return table, sha256(content)


def checked_file(path: Path, what: str, most: int) -> None:
    """Refuse what is no plain file, such as a link out of the folder, and what is too large.

    Raises
    ------
    InputError
        Then.
    """
    if path.is_symlink():
        raise InputError(f"'{path}' is a link; expected a file of its own: {what}")
    if not path.is_file():
        raise InputError(f"no file at '{path}'; expected {what}")
    if path.stat().st_size > most:
        raise InputError(f"'{path}' has {path.stat().st_size:,} bytes; expected at most {most:,}: {what}")


def read_part(path: Path, expected: str | None) -> Arrays:
    """The arrays of one file of a challenge.

    Raises
    ------
    InputError
        When its checksum isn't ``expected``, and when it can't be read as arrays.
    """
    if path.is_symlink() or not path.is_file():
        raise InputError(f"no file at '{path}', which the challenge names; {_AGAIN}")
    found = arrays.checksum(path)
    if found != expected:
        raise InputError(f"'{path}' isn't the challenge's file: its SHA-256 is {found[:16]}..., not "
                         f"{str(expected)[:16]}...; {_AGAIN}")  # fmt: skip
    return arrays.read_npz(path)


def packed(name: str, records: Iterable[bytes] | None) -> Arrays:
    """Templates or keys as two arrays: their bytes in a row, and their lengths; none of them for ``None``."""
    if records is None:
        return {}
    held = list(records)
    content = np.frombuffer(b"".join(held), dtype=np.uint8)
    return {f"{name}_bytes": content, f"{name}_lengths": np.array([len(one) for one in held], dtype=np.int64)}


def unpacked(held: Arrays, name: str) -> tuple[bytes, ...] | None:
    """Templates or keys from :func:`packed`; ``None`` where there are none.

    Raises
    ------
    ValueError
        When bytes and lengths don't belong together.
    """
    if f"{name}_bytes" not in held:
        return None
    content, lengths = held[f"{name}_bytes"], held[f"{name}_lengths"]
    if content.dtype != np.uint8 or content.ndim != 1 or lengths.dtype != np.int64 or lengths.ndim != 1:
        raise ValueError(f"'{name}' holds {content.dtype} and {lengths.dtype}; expected uint8 and int64 in rows")
    if (lengths < 0).any() or (lengths > content.size).any() or int(lengths.sum()) != content.size:
        raise ValueError(f"'{name}' has {content.size} bytes for lengths of {int(lengths.sum())} in all")
    ends = np.cumsum(lengths)
    return tuple(content[end - length : end].tobytes() for end, length in zip(ends, lengths, strict=True))


def of_faces(name: str, faces: Faces | None) -> Arrays:
    """Faces as arrays: embeddings, and identity, attributes and values where they have any."""
    if faces is None:
        return {}
    held: dict[str, npt.NDArray[Any]] = {f"{name}_embeddings": faces.embeddings}
    if faces.identity is not None:
        held[f"{name}_identity"] = faces.identity
    held |= {f"{name}_attribute_{column}": labels for column, labels in faces.attributes.items()}
    return held | {f"{name}_value_{column}": numbers for column, numbers in faces.values.items()}


def faces_in(held: Arrays, name: str) -> Faces | None:
    """Faces from :func:`of_faces`; ``None`` where there are none."""
    if f"{name}_embeddings" not in held:
        return None

    def columns(kind: str) -> dict[str, npt.NDArray[Any]]:
        start = f"{name}_{kind}_"
        return {key.removeprefix(start): array for key, array in held.items() if key.startswith(start)}

    return Faces(held[f"{name}_embeddings"], held.get(f"{name}_identity"), columns("attribute"), columns("value"))
