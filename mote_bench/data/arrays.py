"""Arrays read from an npz or npy file, as data only: nothing in the file can run."""

from __future__ import annotations

import hashlib
import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError

Arrays = dict[str, npt.NDArray[np.generic]]

_MOST_BYTES = 16 * 2**30
_MOST_HEADER = 10_000
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_HOW_TO_SAVE = "save it with numpy.savez(file, embeddings=..., identity=...)"


def read_npz(path: Path) -> Arrays:
    """Every array of an npz file, without pickle.

    Raises
    ------
    InputError
        When the file is no npz archive, is damaged, would unpack to more than 16 GiB, or holds pickled objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > _MOST_BYTES:
                raise InputError(f"'{path}' unpacks to {unpacked / 2**30:.0f} GiB; expected at most 16 GiB")
            for member in archive.infolist():
                _check_promise(archive, member)
        with np.load(path, allow_pickle=False) as stored:
            return {name: _plain(path, name, stored[name]) for name in stored.files}
    except zipfile.BadZipFile:
        raise InputError(f"'{path}' is not an npz archive, or is damaged; {_HOW_TO_SAVE}") from None
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error.strerror or error}") from None
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy's own parser of headers know a dozen between them
        raise _unreadable(path, "npz", error) from None


def read_npy(path: Path) -> Arrays:
    """The one array of an npy file, which is taken for the embeddings.

    Raises
    ------
    InputError
        When the file is no npy file, is damaged or over 16 GiB, or holds pickled objects.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"'{path}' has {path.stat().st_size / 2**30:.0f} GiB; expected at most 16 GiB")
        with path.open("rb") as stream:
            _check_header(stream, path.name, path.stat().st_size)
        return {"embeddings": _plain(path, "embeddings", np.load(path, allow_pickle=False))}
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error.strerror or error}") from None
    except InputError:
        raise
    except Exception as error:
        raise _unreadable(path, "npy", error) from None


def _unreadable(path: Path, kind: str, error: Exception) -> InputError:
    if "Object arrays" in str(error) or "pickle" in str(error):
        return InputError(
            f"'{path}' holds pickled Python objects, which could run code when loaded and are refused; "
            "save text columns as numpy strings: array.astype(str)"
        )
    return InputError(f"'{path}' can't be read as {kind} ({error}); {_HOW_TO_SAVE}")


def _check_promise(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    with archive.open(member) as stream:
        _check_header(stream, member.filename, member.file_size)


def _check_header(stream: IO[bytes], name: str, size: int) -> None:
    """Refuse a header that promises more than the array's file holds, before numpy makes room for it."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"'{name}' has npy version {version}")
    shape, _, dtype = _HEADERS[version](stream, max_header_size=_MOST_HEADER)
    held = size - stream.tell()
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"'{name}' promises {shape} of {dtype} and holds {held} bytes")


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; of a folder, that of its files' names and checksums."""
    if path.is_dir():
        files = sorted(found for found in path.rglob("*") if found.is_file())
        lines = [f"{found.relative_to(path).as_posix()} {checksum(found)}\n" for found in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(path: Path, name: str, array: object) -> npt.NDArray[np.generic]:
    if not isinstance(array, np.ndarray):
        raise InputError(f"'{name}' in '{path}' is not a numpy array; {_HOW_TO_SAVE}")
    return array
