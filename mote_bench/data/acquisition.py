"""Pictures that gave no embedding: how a file's card describes them, and how a run reads them again.

They are described by subject and attributes, so that failure to enrol can be counted by group (ISO/IEC 19795-1). The
card holds no path of theirs; the list beside the file does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mote_bench.contracts import Acquisition, InputError
from mote_bench.data.columns import LONGEST_LABEL, TEXT, UNKNOWN, Array, Bins, Labels, as_numbers, classes, column
from mote_bench.data.pictures.album import Picture
from mote_bench.data.subjects import IDENTITY, names_of

CARD = "acquisition"
"""The field of a file's card that describes the pictures which gave no embedding."""
_AGAIN = "embed the pictures again: python -m mote_bench embed"


@dataclass(frozen=True, eq=False)
class Failed:
    """What a card says of the pictures that gave no embedding.

    Attributes
    ----------
    embedded : int
        How many pictures gave one; as many rows had the file when it was written.
    pictures : int
        How many gave none.
    columns : mapping of name -> (pictures,) array
        Their subjects (``identity``), classes (text, empty where unknown) and numbers (float32, NaN where unknown), by
        the names of the file's columns.
    """

    embedded: int
    pictures: int
    columns: Mapping[str, Array]


def described(embedded: Sequence[Picture], failed: Sequence[Picture]) -> dict[str, Any]:
    """The pictures that gave no embedding, as the card holds them: JSON-ready, a list per column.

    Subjects are left out where any picture has none: they would be too few.
    """
    every = [*embedded, *failed]
    labels = dict.fromkeys(name for one in every for name in one.labels)
    numbers = dict.fromkeys(name for one in every for name in one.numbers)
    told: dict[str, Any] = {
        "embedded": len(embedded),
        "failed": len(failed),
        "labels": {name: [one.labels.get(name, UNKNOWN) for one in failed] for name in labels},
        "numbers": {name: [_number(one.numbers.get(name)) for one in failed] for name in numbers},
    }
    if all(one.identity is not None for one in every):
        told[IDENTITY] = [one.identity for one in failed]
    return told


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def read(path: Path, card: object) -> Failed | None:
    """What the card of a file says of the pictures that gave no embedding; ``None`` where it doesn't.

    Raises
    ------
    InputError
        On a card that says it in another form than ``mote-bench embed`` writes.
    """
    try:
        about = json.loads(str(card))
    except (ValueError, RecursionError):
        return None
    told = about.get(CARD) if isinstance(about, dict) else None
    if told is None:
        return None
    try:
        return _checked(told)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"'{path}': the card describes the pictures without an embedding in a form that can't be read ({error}); "
            f"expected the form that `embed` writes. Fix it, or {_AGAIN}"
        ) from None


def _checked(told: Mapping[str, Any]) -> Failed:
    embedded, pictures = (told[name] for name in ("embedded", "failed"))
    for count in (embedded, pictures):
        if type(count) is not int or count < 0:
            raise ValueError(f"{count!r} pictures")
    columns: dict[str, Array] = {}
    texts = dict(told["labels"]) | ({IDENTITY: told[IDENTITY]} if IDENTITY in told else {})
    for name, held in texts.items():
        if not all(isinstance(one, str) for one in held):
            raise TypeError(f"'{name}' isn't text")
        if name != IDENTITY and not all(one.isprintable() and len(one) <= LONGEST_LABEL for one in held):
            raise ValueError(f"'{name}' has a label that isn't printable or is over {LONGEST_LABEL} characters")
        columns[name] = np.array(held, dtype=str)
    for name, held in dict(told["numbers"]).items():
        if not all(one is None or type(one) in (int, float) for one in held):
            raise TypeError(f"'{name}' isn't numbers")
        columns[name] = np.array([np.nan if one is None else one for one in held], dtype=np.float32)
    for name, array in columns.items():
        if len(array) != pictures:
            raise ValueError(f"'{name}' has {len(array)} values of {pictures} pictures")
    return Failed(embedded, pictures, columns)


@dataclass(frozen=True, eq=False)
class Used:
    """What a run uses of the file's rows.

    Attributes
    ----------
    path : Path
    identity : str
        The column that holds the subjects.
    names : (n,) str, optional
        The subjects of the rows that are used; ``None`` where there is no such column.
    columns : mapping of name -> (n,) array
        The stored columns of these rows.
    labels : mapping of attribute -> (n,) str
        Their classes.
    bins : mapping of name -> edges
        Where numeric columns are cut into classes.
    missing : mapping of name -> words
        What means missing in a column.
    """

    path: Path
    identity: str
    names: Labels | None
    columns: Mapping[str, Array]
    labels: Mapping[str, Labels]
    bins: Bins
    missing: Mapping[str, tuple[str, ...]]


def joined(failed: Failed, used: Used) -> Acquisition:
    """The used rows, and below them the pictures that gave no embedding, with classes by the same rules.

    An attribute that the card doesn't hold for the latter is left out.
    """
    rows = next((len(array) for array in used.columns.values()), 0)
    there = np.ones(failed.pictures, dtype=bool)
    names = None
    if used.names is not None and used.identity in failed.columns:
        theirs, nobody = names_of(used.path, used.identity, failed.columns[used.identity])
        there = ~nobody & ~np.isin(theirs, [word.strip() for word in used.missing.get(used.identity, ())])
        names = np.concatenate([used.names, theirs[there]])
    attributes = {}
    for name, labels in used.labels.items():
        if not there.any():
            attributes[name] = labels
        elif _alike(used.columns[name], failed.columns.get(name)):
            attributes[name] = np.concatenate([labels, _classes(name, used, failed.columns[name][there])])
    return Acquisition(np.r_[np.zeros(rows, dtype=bool), np.ones(int(there.sum()), dtype=bool)], names, attributes)


def _alike(used: Array, failed: Array | None) -> bool:
    """Whether both columns hold text, or both numbers."""
    return failed is not None and (used.dtype.kind == "U") == (failed.dtype.kind == "U") and used.dtype.kind in "Uiuf"


def _classes(name: str, used: Used, failed: Array) -> Labels:
    """The classes of the failed pictures, (k,): read with the used rows, as one column."""
    words = used.missing.get(name)
    one = column(name, np.concatenate([used.columns[name], failed]), words)
    if one.kind == TEXT and name in used.bins:
        one = as_numbers(one, words) or one
    return classes(one, used.bins)[-len(failed) :]


def note(acquisition: Acquisition) -> str:
    """How many pictures gave no embedding, and of how many subjects none did; no subject is named."""
    pictures = len(acquisition.failed)
    told = f"failure to acquire: {int(acquisition.failed.sum())} of {pictures} pictures gave no embedding"
    if acquisition.identity is None:
        return f"{told}; failure to enrol isn't known, as subjects have no names"
    people = len(set(acquisition.identity.tolist()))
    lost = people - len(set(acquisition.identity[~acquisition.failed].tolist()))
    return f"{told}; failure to enrol: {lost} of {people} subjects have no picture with one"
