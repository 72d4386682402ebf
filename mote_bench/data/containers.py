"""Which kind of file holds a user's embeddings, how each is read, and how others are converted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mote_bench.contracts import InputError
from mote_bench.data import arrays, tables
from mote_bench.data.arrays import Arrays
from mote_bench.data.options import ColumnOptions

CSV = (".csv", ".tsv", *(f"{kind}{packed}" for kind in (".csv", ".tsv") for packed in (".gz", ".bz2", ".xz")))
READ = (".npz", ".npy", *CSV, *tables.PARQUET)
"""Suffixes of files that are read, in lower case."""
KINDS = "npz, npy, CSV or Parquet"

_HDF5, _PICKLE, _MAT, _JSON, _EXCEL, _FEATHER, _TORCH = (
    "HDF5", "a pickle", "a MATLAB file", "JSON", "an Excel file", "a Feather file", "a PyTorch file"
)  # fmt: skip
_OTHERS: Mapping[str, str] = {
    **dict.fromkeys((".h5", ".hdf5", ".hdf", ".he5"), _HDF5),
    **dict.fromkeys((".pkl", ".pickle", ".p", ".joblib"), _PICKLE),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), _JSON),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _EXCEL),
    **dict.fromkeys((".feather", ".arrow", ".ipc"), _FEATHER),
    **dict.fromkeys((".pt", ".pth"), _TORCH),
    ".mat": _MAT,
}
_MAGIC: Mapping[bytes, str] = {
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"MATLAB 5.0": _MAT,
    b"ARROW1": _FEATHER,
    b"PAR1": ".parquet",
    b"\x93NUMPY": ".npy",
    b"PK\x03\x04": ".npz",
    b"\x1f\x8b": ".csv.gz",
    **{b"\x80" + bytes([protocol]) + b"\x95"[: protocol > 3]: _PICKLE for protocol in range(2, 6)},
}
_CODE: Mapping[str, str] = {
    _HDF5: "import h5py, numpy; file = h5py.File({source}); numpy.savez({npz}, "
    "**{{name: one.asstr()[()].astype(str) if one.dtype.kind == \"O\" else one[()] for name, one in file.items()}})",
    _PICKLE: "import pandas; pandas.DataFrame(pandas.read_pickle({source})).to_parquet({parquet})",
    _MAT: "import numpy, scipy.io; numpy.savez({npz}, **{{name: one for name, one in scipy.io.loadmat({source}, "
    "squeeze_me=True).items() if name[:2] != \"__\"}})",
    _JSON: "import pandas; pandas.read_json({source}, lines={lines}, dtype=False, convert_dates=False)"
    ".to_parquet({parquet})",
    _EXCEL: "import pandas; pandas.read_excel({source}, dtype={{\"identity\": str}}, keep_default_na=False)"
    ".to_csv({csv}, index=False)",
    _FEATHER: "import pandas; pandas.read_feather({source}).to_parquet({parquet})",
    _TORCH: "import numpy, torch; numpy.save({npy}, torch.load({source}, weights_only=True).numpy())",
}  # fmt: skip
_BEFORE: Mapping[str, str] = {
    _PICKLE: ", which could run code when loaded, and is never opened. If you trust it and it holds a table,",
    _TORCH: ", which is never opened. If it holds one tensor,",
}


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file holds.

    Attributes
    ----------
    arrays : mapping of name -> array
        ``embeddings`` (n, d), where the file has them, and every other column; names have no blanks around them.
    untyped : bool
        Whether text may be numbers, as in a CSV file.
    """

    arrays: Arrays
    untyped: bool


def is_file_name(data: str) -> bool:
    """Whether a text names a file of embeddings rather than a data set: by its suffix."""
    return data.lower().endswith((*READ, *_OTHERS))


def label_of(path: Path) -> str:
    """The label of a file's data on the boards: its name without what says its kind."""
    packed = next((suffix for suffix in CSV if path.name.lower().endswith(suffix)), path.suffix)
    return path.name[: len(path.name) - len(packed)] or path.name


def read(path: Path, options: ColumnOptions) -> Stored:
    """Read a file of embeddings, or a folder of Parquet files.

    Raises
    ------
    InputError
        When there is none, when it can't be read, and of other kinds with the command that converts them.
    """
    if not path.exists():
        raise InputError(
            f"no file at '{path}'; expected embeddings in {KINDS} (`python -m mote_bench list` names built-in data)"
        )
    if path.is_dir() and not tables.parts_of(path):
        raise InputError(f"no file at '{path}': it is a folder without Parquet files; expected embeddings in {KINDS}")
    kind = ".parquet" if path.is_dir() else _kind(path)
    if kind in _CODE:
        raise InputError(_converted(path, kind))
    if kind == ".npz":
        return Stored(_named(path, arrays.read_npz(path), options), untyped=False)
    if kind == ".npy":
        return Stored(arrays.read_npy(path), untyped=False)
    table = tables.read_table(path, options, parquet=kind in tables.PARQUET)
    return Stored(table, untyped=kind in CSV)


def _kind(path: Path) -> str:
    """The suffix of a kind that is read, or the name of one that isn't; by content where the name doesn't say."""
    name = path.name.lower()
    said = next((suffix for suffix in sorted((*READ, *_OTHERS), key=len, reverse=True) if name.endswith(suffix)), "")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(f"'{path}' can't be read: {error.strerror or error}") from None
    held = next((kind for start, kind in _MAGIC.items() if head.startswith(start)), "")
    if said in _OTHERS:  # an Excel file is a zip archive, as an npz file is
        return held if held in _CODE else _OTHERS[said]
    if said or held:
        return held or said
    raise InputError(
        f"'{path}' is not an npz archive, nor of another kind that is read; expected embeddings in {KINDS}, with a "
        f"name that says which: {', '.join(READ[:3])}, .parquet"
    )


def _converted(path: Path, kind: str) -> str:
    made = {suffix: path.with_name(f"{label_of(path)}.{suffix}") for suffix in ("npz", "npy", "csv", "parquet")}
    code = _CODE[kind].format(
        source=tables.spelled(path),
        lines=path.suffix.lower() != ".json",
        **{suffix: tables.spelled(target) for suffix, target in made.items()},
    )
    before = _BEFORE.get(kind, "; expected npz, npy, CSV or Parquet. To convert it,")
    return f"'{path}' is {kind}{before} give this command: python -c {shlex.quote(code)}"


def _named(path: Path, stored: Arrays, options: ColumnOptions) -> Arrays:
    """The arrays of an npz file, with the embeddings under their own name."""
    made: Arrays = dict(zip(tables.named_once(path, list(stored)), stored.values(), strict=True))
    name = options.embeddings
    if name is not None and name in made:
        made = {"embeddings": made[name]} | {
            other: array for other, array in made.items() if other not in (name, "embeddings")
        }
    elif name is not None and (options.strict or "embeddings" not in made):
        raise InputError(
            f"--embedding-columns {name}: '{path}' has no such array (it has: {', '.join(made) or 'none'}); in an npz "
            "file give the name of the one that holds the embeddings"
        )
    if "embeddings" not in made:
        wide = [other for other, array in made.items() if array.ndim == 2 and array.dtype.kind in "fiu"]
        hint = f"; if '{wide[0]}' holds them: --embedding-columns {shlex.quote(wide[0])}" if wide else ""
        raise InputError(
            f"'{path}' has no array 'embeddings' (it has: {', '.join(made) or 'none'}); expected (n, d){hint}"
        )
    return made
