"""Arrays read from an npz file, as data only: nothing in the file can run."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError

Arrays = dict[str, npt.NDArray[np.generic]]

_MOST_BYTES = 16 * 2**30
_HOW_TO_SAVE = "save it with numpy.savez(file, embeddings=..., identity=...)"


def read_npz(path: Path) -> Arrays:
    """Every array of an npz file, without pickle.

    Raises
    ------
    InputError
        When the file is missing, is no npz archive, is damaged, would unpack to more than 16 GiB, or holds pickled
        objects.
    """
    if not path.is_file():
        raise InputError(
            f"no file at '{path}'; expected an .npz file (`python -m mote_bench list` names built-in data)"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > _MOST_BYTES:
            raise InputError(f"'{path}' unpacks to {unpacked / 2**30:.0f} GiB; expected at most 16 GiB")
        with np.load(path, allow_pickle=False) as stored:
            return {name: _plain(path, name, stored[name]) for name in stored.files}
    except zipfile.BadZipFile:
        raise InputError(f"'{path}' is not an npz archive, or is damaged; {_HOW_TO_SAVE}") from None
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error.strerror or error}") from None
    except (ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError, zlib.error) as error:
        if "Object arrays" in str(error) or "pickle" in str(error):
            raise InputError(
                f"'{path}' holds pickled Python objects, which could run code when loaded and are refused; "
                "save text columns as numpy strings: array.astype(str)"
            ) from None
        raise InputError(f"'{path}' can't be read as npz ({error}); {_HOW_TO_SAVE}") from None


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(path: Path, name: str, array: object) -> npt.NDArray[np.generic]:
    if not isinstance(array, np.ndarray):
        raise InputError(f"'{name}' in '{path}' is not a numpy array; {_HOW_TO_SAVE}")
    return array
