"""A user's own embeddings: one file (npz, npy, CSV, Parquet) with embeddings, `identity` and any further columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mote_bench.contracts import Acquisition, Dataset, Faces, FloatArray, InputError
from mote_bench.data import acquisition, containers, subjects
from mote_bench.data.arrays import Arrays, checksum
from mote_bench.data.columns import (
    LONGEST_LABEL,
    NUMBERS,
    TEXT,
    TRUTHS,
    UNKNOWN,
    Array,
    Bins,
    Column,
    Labels,
    as_numbers,
    check_ages,
    classes,
    column,
    unknown_note,
)
from mote_bench.data.options import ColumnOptions

MOST_CLASSES = 50
_NO_COLUMNS = ("embeddings", "embeddings_2", "identity", "path", "faces", "card")
SECOND = "second_"
"""Before what a file's card says of the recogniser of ``embeddings_2``."""


def load(
    path: Path,
    *,
    bins: Bins,
    attributes: Sequence[str] | None = None,
    name: str | None = None,
    options: ColumnOptions | None = None,
) -> Dataset:
    """Read and check one file.

    Parameters
    ----------
    path : Path
        A file as :func:`mote_bench.data.containers.read` takes it, with embeddings (n, d), optionally ``identity``
        (n,), ``embeddings_2`` (n, d2) of the same images by another recogniser, and any further columns (n,).
    bins : mapping of name -> edges
        Where numeric columns are cut into classes.
    attributes : sequence of str, optional
        The columns to use; by default every text column and every numeric one that has bins. A numeric column is
        inferred as a number, and as classes where it has bins.
    name : str, optional
        The label of the data on the boards; by default the file's name without its suffix.
    options : ColumnOptions, optional
        Which columns hold what, where their names don't say, and what means missing in them.

    Raises
    ------
    InputError
        Names the array and what was expected of it.
    """
    options = options or ColumnOptions()
    stored = containers.read(path, options)
    arrays = {key: _flat(key, array) for key, array in stored.arrays.items()}
    for key in ("embeddings", "embeddings_2"):
        if key in arrays and arrays[key].dtype.kind not in "fiu":
            raise InputError(f"'{key}' in '{path}' holds {arrays[key].dtype}; expected real numbers, (n, d)")
    file = _File(path, options, stored.untyped, bins, _identity_column(arrays, options, path), chosen=attributes)
    _check_options(file, arrays)
    rows = len(np.atleast_1d(arrays["embeddings"]))
    arrays, names, told = _with_subjects(file, arrays)
    found = _attributes(file, arrays)
    embeddings, second = arrays["embeddings"], arrays.get("embeddings_2")
    try:
        faces = Faces(embeddings, names, found.labels, found.values, second)  # type: ignore[arg-type]
    except InputError as error:
        raise InputError(f"'{path}': {error}") from None
    told += [] if names is None else subjects.doubts(file.identity, names, faces.embeddings)
    acquired, counted = _acquisition(file, arrays, names, found, rows)
    notes = (*_origin(arrays), *counted, *told, *found.left_out, *found.unknown)
    return Dataset(name or containers.label_of(path), faces, checksum(path), notes, _made_by(arrays), acquired)


@dataclass(frozen=True, eq=False)
class _File:
    """One file, and all that says how it is read."""

    path: Path
    options: ColumnOptions
    untyped: bool
    bins: Bins
    identity: str
    chosen: Sequence[str] | None

    def words(self, name: str) -> tuple[str, ...] | None:
        """What the user says that means missing in a column."""
        return self.options.missing.get(name)


@dataclass(eq=False)
class _Found:
    """The classes and numbers of each column that has any, and notes on what is left out and what is missing."""

    labels: dict[str, Labels] = field(default_factory=dict)
    values: dict[str, FloatArray] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def _flat(name: str, array: Array) -> Array:
    """A column (n, 1) as (n,)."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 and name not in _NO_COLUMNS[:2] else array


def _identity_column(arrays: Arrays, options: ColumnOptions, path: Path) -> str:
    wanted = options.identity
    if wanted is None or (wanted not in arrays and not options.strict):
        return subjects.IDENTITY
    if wanted not in arrays:
        raise InputError(f"--identity {wanted}: '{path}' has no such column; it has: {', '.join(arrays) or 'none'}")
    return wanted


def _check_options(file: _File, arrays: Arrays) -> None:
    """Refuse ``--missing`` of a column that the file lacks."""
    known = [name for name in arrays if name not in ("embeddings", "embeddings_2", "card")]
    for name, words in file.options.missing.items() if file.options.strict else ():
        if name not in known:
            raise InputError(
                f"--missing {name}={','.join(words)}: '{file.path}' has no column '{name}'; it has: "
                f"{', '.join(known) or 'none'}"
            )


def _with_subjects(file: _File, arrays: Arrays) -> tuple[Arrays, Labels | None, list[str]]:
    """The arrays without rows that name nobody, where the user leaves these out, the names, and notes on them."""
    stored, rows = arrays.get(file.identity), len(np.atleast_1d(arrays["embeddings"]))
    if stored is None:
        return arrays, None, [subjects.lost({name: arrays[name] for name in _columns(arrays)}, rows)]
    if stored.shape != (rows,):
        raise InputError(
            f"'{file.path}': '{file.identity}' has shape {stored.shape}; expected ({rows},), one value per embedding."
        )
    names, nobody = subjects.names_of(file.path, file.identity, stored)
    words = file.words(file.identity)
    if words is None:
        subjects.check_named(file.path, file.identity, names, nobody)
        return arrays, names, []
    nobody = nobody | np.isin(names, [word.strip() for word in words])
    if not nobody.any():
        return arrays, names, []
    kept = {name: array[~nobody] if array.shape[:1] == (rows,) else array for name, array in arrays.items()}
    return kept, names[~nobody], [f"{int(nobody.sum())} of {rows} rows name no subject in '{file.identity}': left out"]


def _attributes(file: _File, arrays: Arrays) -> _Found:
    """The classes and numbers of the columns that serve as attributes."""
    found = _Found()
    for name in _wanted(file, arrays):
        if arrays[name].ndim != 1:
            if file.chosen is not None:
                raise InputError(
                    f"'{name}' in '{file.path}' has shape {arrays[name].shape}; expected one value per row"
                )
            found.left_out.append(f"'{name}' has shape {arrays[name].shape} and is no column of labels: left out")
            continue
        one = column(name, arrays[name], file.words(name), untyped=file.untyped)
        if one.kind == TEXT and name in file.bins:
            one = as_numbers(one, file.words(name)) or one
        why = _left_out(file, one, arrays)
        if why:
            found.left_out.append(why)
            continue
        check_ages(one)
        if one.kind == NUMBERS:
            found.values[name] = _finite(one)
        if one.kind != NUMBERS or name in file.bins:
            found.labels[name] = classes(one, file.bins)
            _check_classes(name, found.labels[name])
        found.unknown += filter(None, [unknown_note(one)])
    return found


def _wanted(file: _File, arrays: Arrays) -> list[str]:
    known = [name for name in _columns(arrays) if name != file.identity]
    if file.chosen is None:
        return known
    if file.options.strict:
        for name in file.chosen:
            if name not in known:
                raise InputError(f"'{file.path}' has no column '{name}'; it has: {', '.join(known) or 'none'}")
    return [name for name in file.chosen if name in known]


def _left_out(file: _File, one: Column, arrays: Arrays) -> str:
    """Why a column doesn't serve as an attribute, unless the user has chosen it; empty if it does.

    Raises
    ------
    InputError
        When the user has chosen a column that can't.
    """
    usable = one.kind in (TEXT, NUMBERS, TRUTHS)
    if file.chosen is not None:
        if not usable:
            raise InputError(
                f"'{one.name}' in '{file.path}' holds {one.kind}; expected text, numbers or true and false. Leave it "
                "out of --attributes"
            )
        return ""
    if not usable:
        return f"'{one.name}' holds {one.kind}: left out"
    many = one.kind == TEXT and len(np.unique(one.values[one.known])) > MOST_CLASSES
    unbinned = one.kind == NUMBERS and one.name not in file.bins
    if (many or unbinned) and file.identity not in arrays and subjects.looks_like_identity(one.name, arrays[one.name]):
        return f"'{one.name}' is no attribute if it names the subjects: left out"
    if unbinned:
        return (
            f"'{one.name}' holds numbers without class edges: left out (add --bins {one.name}=EDGE,... to infer "
            f"classes, or --attributes {one.name} to infer the number)"
        )
    if many and one.name == "index":
        return "the table's index has a word of its own for nearly every row: left out"
    return ""


def _origin(arrays: Arrays) -> tuple[str, ...]:
    """How ``mote-bench embed`` made the file, as its card says."""
    try:
        about = json.loads(str(arrays["card"]))
        skipped = int(about["skipped"])
        second = "embeddings_2" in arrays and f"{SECOND}recogniser" in about
        also = f"; embeddings_2 by {_recogniser(about, SECOND)}" if second else ""
        return (f"embedded by {_recogniser(about)}{also}; {skipped} pictures were skipped",)
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()


def _acquisition(
    file: _File, arrays: Arrays, names: Labels | None, found: _Found, rows: int
) -> tuple[Acquisition | None, list[str]]:
    """The pictures behind the file, also those that gave no embedding, with a note; ``None`` where it isn't known."""
    failed = acquisition.read(file.path, arrays["card"]) if "card" in arrays else None
    if failed is None:
        return None, []
    if failed.embedded != rows:
        return None, [
            f"the file has {rows} rows and its card is of {failed.embedded}: failure to acquire or enrol isn't known"
        ]
    columns = {name: arrays[name] for name in (*found.labels, "embeddings")}
    used = acquisition.Used(
        file.path, file.identity, names, columns, found.labels, bins=file.bins, missing=file.options.missing
    )
    made = acquisition.joined(failed, used)
    return made, [acquisition.note(made)]


def _made_by(arrays: Arrays) -> str:
    """The recogniser of the embeddings, as the file's card says; empty where it doesn't."""
    try:
        return _one_line(json.loads(str(arrays["card"]))["recogniser"])
    except (KeyError, ValueError, TypeError, RecursionError):
        return ""


def _recogniser(about: Mapping[str, object], prefix: str = "") -> str:
    told = [about[prefix + name] for name in ("recogniser", "weights_sha256", "alignment")]
    model, weights, alignment = map(_one_line, told)
    return f"{model} (weights {weights[:16]}; {alignment})"


def _one_line(text: object) -> str:
    return "".join(c for c in str(text) if c.isprintable())[:160]


def _columns(arrays: Arrays) -> list[str]:
    return [name for name in arrays if name not in _NO_COLUMNS]


def _finite(one: Column) -> FloatArray:
    if np.isinf(one.values).any():
        raise InputError(
            f"'{one.name}' holds {int(np.isinf(one.values).sum())} infinite numbers; expected finite ones or NaN"
        )
    return one.values


def _check_classes(name: str, labels: Labels) -> None:
    found = sorted(set(labels.tolist()) - {UNKNOWN})
    if len(found) < 2:
        raise InputError(
            f"'{name}' has {len(found)} class ({', '.join(found) or 'all unknown'}); an attribute needs two or more. "
            "Name the columns to use: --attributes NAME,..."
        )
    if len(found) > MOST_CLASSES:
        raise InputError(
            f"'{name}' has {len(found)} classes ({', '.join(found[:3])}, ...); expected at most {MOST_CLASSES}. "
            "If it is no soft attribute, name the columns to use: --attributes NAME,..."
        )
    if not all(label.isprintable() and len(label) <= LONGEST_LABEL for label in found):
        raise InputError(
            f"'{name}' has a label that isn't printable or is over {LONGEST_LABEL} characters; expected short "
            "printable names"
        )
