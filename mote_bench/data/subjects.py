"""Who is who: the subject of each row of a file, and where the names look wrong."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError
from mote_bench.data.columns import Array, Labels, decoded
from mote_bench.data.missing import is_nobody, is_nothing

IDENTITY = "identity"
_LIKE_IDENTITY = re.compile(
    r"(identit(y|ies)|labels?|ids?|names?|persons?|people|subjects?|who|targets?|class(es)?|celebrit(y|ies)|individuals?|"
    r"users?|index|y|pid|uid)((id|ids|name|names|number|no|label|labels)?)"
)
_FEWEST_PEOPLE = 20
_ONE_PERSON = 0.1
_NEARLY = 0.9


def names_of(path: Path, column: str, stored: Array) -> tuple[Labels, npt.NDArray[np.bool_]]:
    """The names of a column of text or whole numbers without blanks around them, (n,), and where there is none, (n,).

    Raises
    ------
    InputError
        On a column that names nobody.
    """
    if stored.dtype.kind in "SU":
        names: Labels = np.char.strip(decoded(column, stored))
    elif stored.dtype.kind in "iu":
        names = stored.astype(str)
    elif stored.dtype.kind in "fO" and _are_names(stored):
        names = np.array([_name(one) for one in stored.tolist()], dtype=str)
    else:
        raise InputError(f"'{column}' in '{path}' holds {_told(stored)}; expected a name or whole number per row")
    found, place = np.unique(names, return_inverse=True)
    return names, np.array([is_nobody(str(name)) for name in found], bool)[place.reshape(-1)]


def check_named(path: Path, column: str, names: Labels, nobody: npt.NDArray[np.bool_]) -> None:
    """Refuse rows without a subject: they would all be one person.

    Raises
    ------
    InputError
        Says in how many rows which word stands.
    """
    if not nobody.any():
        return
    counts = Counter(names[nobody].tolist()).most_common()
    told = ", ".join(f"{word or 'empty'}: {count}" for word, count in counts[:5])
    words = ",".join(word for word, _ in counts if word)
    raise InputError(
        f"'{column}' in '{path}' is empty in {int(nobody.sum())} rows of {len(names)} ({told}); expected a subject in "
        f"each. Name them, or leave these rows out: --missing {shlex.quote(f'{column}={words}')}"
    )


def doubts(column: str, names: Labels, embeddings: FloatArray) -> Iterator[str]:
    """Notes on names that look wrong."""
    found, counts = np.unique(names, return_counts=True)
    rows = len(names)
    if len(found) >= _FEWEST_PEOPLE and len(found) > _NEARLY * rows:
        yield (
            f"'{column}' names {len(found)} subjects in {rows} rows: nearly every row is a subject of its own. If "
            "these are the names of pictures, name the subjects instead"
        )
    most = int(counts.argmax())
    if len(found) >= _FEWEST_PEOPLE and counts[most] >= _ONE_PERSON * rows:
        # Notes are published with the records, so this one names no subject.
        row = int(np.flatnonzero(names == found[most])[0])
        yield (
            f"one subject has {counts[most]} of {rows} rows, the first of them row {row}. If its name means that "
            f"nobody is named, leave these rows out: --missing {shlex.quote(f'{column}=NAME')}"
        )
    elif "NA" in found:
        yield (
            f"'NA' is the subject of {counts[found.tolist().index('NA')]} rows. If it means that nobody is named, "
            f"leave these rows out: --missing {shlex.quote(f'{column}=NA')}"
        )
    if apart := _spelled_twice(found.tolist()):
        yield (
            f"{apart} names in '{column}' differ in their Unicode form only and count as two subjects each; write them "
            "alike: unicodedata.normalize('NFC', name)"
        )
    if shared := _shared_rows(names, embeddings):
        yield (
            f"{shared} rows have the same embedding as a row of another subject; the same picture stands under two "
            "names"
        )


def lost(columns: Mapping[str, Array], rows: int) -> str:
    """The note on a file that doesn't say who is who, with the columns that may."""
    like = {name: count for name, array in columns.items() if (count := _people(name, array, rows))}
    told = "; ".join(
        f"'{name}' looks like it ({count} values): --identity {shlex.quote(name)}" for name, count in like.items()
    )
    return (
        f"NO IDENTITY: the data have no column 'identity', so each of their {rows} rows is taken for another subject. "
        "If a subject has several rows, attacks read higher than they are" + (f". {told}" if told else "")
    )


def looks_like_identity(name: str, array: Array) -> bool:
    """Whether a column may say who is who, by its name and values."""
    return bool(_people(name, array, len(array)))


def _people(name: str, array: Array, rows: int) -> int:
    """The number of subjects a column may name; 0 where it can't be the subjects'."""
    if array.ndim != 1 or array.dtype.kind not in "SUiuO" or len(array) != rows:
        return 0
    values = len({str(one) for one in array.tolist()})
    plain = re.sub(r"[\W_]+", "", name.lower())
    named = bool(_LIKE_IDENTITY.fullmatch(plain)) and values >= _FEWEST_PEOPLE
    crowd = array.dtype.kind in "SUO" and values > 2 * _FEWEST_PEOPLE and values <= _NEARLY * rows
    return values if named or crowd else 0


def _are_names(stored: Array) -> bool:
    return all(
        is_nothing(one)
        or isinstance(one, str | bytes)
        or (isinstance(one, int) and not isinstance(one, bool))
        or (isinstance(one, float) and one.is_integer())
        for one in stored.tolist()
    )


def _name(one: Any) -> str:
    if is_nothing(one):
        return ""
    if isinstance(one, bytes):
        return one.decode("utf-8", "replace").strip()
    return str(int(one)) if isinstance(one, float) else str(one).strip()


def _told(stored: Array) -> str:
    if stored.dtype.kind != "O":
        return str(stored.dtype)
    return ", ".join(sorted({type(one).__name__ for one in stored.tolist()}))


def _spelled_twice(names: list[str]) -> int:
    forms = Counter(unicodedata.normalize("NFC", name) for name in names)
    return sum(count > 1 for count in forms.values())


def _shared_rows(names: Labels, embeddings: FloatArray) -> int:
    """The rows whose embedding another subject has too."""
    first: dict[int, str] = {}
    rows = zip(names.tolist(), embeddings, strict=True)
    return sum(first.setdefault(hash(row.tobytes()), name) != name for name, row in rows)
