"""How a column of a user's file becomes the classes or numbers of a soft attribute; what counts as missing."""

from __future__ import annotations

import datetime
import itertools
import numbers
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError
from mote_bench.data.missing import MISSING, is_nothing

UNKNOWN = ""
"""The label of a row whose class isn't known; such rows are left out of questions on the attribute."""

LONGEST_LABEL = 64
"""Characters of the longest name of a class."""

TEXT, NUMBERS, TRUTHS = "text", "numbers", "true or false"
"""The kinds of columns that can serve as attributes. Any other kind says what the column holds, such as ``dates``."""

EMPTY, NOT_A_NUMBER = "empty", "NaN"
"""How missing entries without a word of their own are counted."""

Labels = npt.NDArray[np.str_]
Array = npt.NDArray[Any]
Bins = Mapping[str, Sequence[float]]
_TRUE, _FALSE = "true", "false"
_OLDEST = 120


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a file, with what is missing in it.

    Attributes
    ----------
    name : str
    kind : str
        :data:`TEXT`, :data:`NUMBERS`, :data:`TRUTHS`, or what else the column holds.
    values : (n,) array
        Text without blanks around it, empty where missing; float64, NaN where missing; or bool. Columns of other kinds
        keep what they hold.
    known : (n,) bool
        Where an entry isn't missing.
    missing : mapping of word -> count
        The rows without an entry, by the word or number that stands there.
    """

    name: str
    kind: str
    values: Array
    known: npt.NDArray[np.bool_]
    missing: Mapping[str, int]


def column(name: str, array: Array, words: Sequence[str] | None = None, *, untyped: bool = False) -> Column:
    """Read one column; the rule is the same for every kind of file.

    Parameters
    ----------
    array : (n,) array
        Text, bytes (UTF-8), numbers, booleans, or Python objects, ``None`` and NaN among them.
    words : sequence of str, optional
        What means missing in this column, besides blanks, None and NaN. By default :data:`MISSING`. In a column of
        numbers they are added to it, in a column of text they replace it.
    untyped : bool
        Read text that consists of numbers, or of true and false, as such: a CSV file knows no types.

    Raises
    ------
    InputError
        On bytes that are no UTF-8.
    """
    if array.dtype.kind == "O":
        return _of_objects(name, array, words, untyped=untyped)
    if array.dtype.kind == "S":
        return _of_text(name, decoded(name, array), words, untyped=untyped)
    if array.dtype.kind == "U":
        return _of_text(name, array, words, untyped=untyped)
    everywhere = np.ones(len(array), bool)
    if array.dtype.kind == "b":
        return Column(name, TRUTHS, array, everywhere, {})
    if array.dtype.kind in "iuf":
        return _of_numbers(name, array.astype(np.float64), words, {})
    what = "dates" if array.dtype.kind in "Mm" else str(array.dtype)
    return Column(name, what, array, everywhere, {})


def decoded(name: str, array: Array) -> Labels:
    """Bytes as text, in UTF-8; other arrays of text as they are."""
    try:
        return np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array.astype(str)
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{name}' holds bytes that are no text in UTF-8 ({error}); save it as text: "
            "numpy.char.decode(array, 'latin-1')"
        ) from None


def _of_objects(name: str, array: Array, words: Sequence[str] | None, *, untyped: bool) -> Column:
    """Python objects, as pandas gives nullable columns and columns of mixed types."""
    nothing = np.array([is_nothing(one) for one in array], bool)
    held = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in array[~nothing]]
    empty = {EMPTY: int(nothing.sum())} if nothing.any() else {}
    if held and all(isinstance(one, bool | np.bool_) for one in held):
        values = np.zeros(len(array), bool)
        values[~nothing] = held
        return Column(name, TRUTHS, values, ~nothing, empty)
    if all(isinstance(one, numbers.Real | Decimal) and not isinstance(one, bool) for one in held):
        found = np.full(len(array), np.nan)
        found[~nothing] = np.array([float(one) for one in held])
        return _of_numbers(name, found, words, empty)
    if any(isinstance(one, datetime.date | datetime.time | datetime.timedelta | np.datetime64) for one in held):
        return Column(name, "dates", array, ~nothing, empty)
    if any(isinstance(one, Mapping | Sequence | np.ndarray) and not isinstance(one, str) for one in held):
        return Column(name, "lists or records", array, ~nothing, empty)
    text = np.full(len(array), "", object)
    text[~nothing] = [str(one) for one in held]
    return _of_text(name, text.astype(str), words, untyped=untyped)


def _of_text(name: str, array: Labels, words: Sequence[str] | None, *, untyped: bool) -> Column:
    text = np.char.strip(array).astype(array.dtype)
    lower = np.char.lower(text)
    own = {word.strip().lower() for word in words or ()}
    by_default = ~np.isin(lower, list(MISSING | own))
    if untyped and by_default.any():
        spoken = np.isin(lower[by_default], [_TRUE, _FALSE])
        if spoken.all():
            return Column(name, TRUTHS, lower == _TRUE, by_default, _counted(text[~by_default]))
        if (found := _parsed(text, by_default)) is not None:
            return _of_numbers(name, found, words, _counted(text[~by_default]))
    known = by_default if words is None else ~np.isin(lower, list(own | {""}))
    kind = "lists or records" if untyped and _nested(text[known]) else TEXT
    return Column(name, kind, np.where(known, text, UNKNOWN), known, _counted(text[~known]))


def as_numbers(one: Column, words: Sequence[str] | None = None) -> Column | None:
    """A column of text as one of numbers, where every known entry is a number; otherwise ``None``."""
    if one.kind == NUMBERS:
        return one
    if one.kind != TEXT or not one.known.any():
        return None
    lower = np.char.lower(one.values)
    known = one.known & ~np.isin(lower, list(MISSING))
    found = _parsed(one.values, known)
    if found is None:
        return None
    more = _counted(one.values[one.known & ~known])
    return _of_numbers(one.name, found, words, Counter(one.missing) + Counter(more))


def _parsed(text: Labels, known: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
    """Text as numbers, NaN where not known; ``None`` if an entry is none. Parsed as pandas parses a CSV file."""
    import pandas as pd

    try:
        float(next(iter(text[known]), ""))  # most columns of text are known by their first entry
        held = pd.to_numeric(pd.Series(text[known], dtype=object)).to_numpy()
    except (ValueError, TypeError, OverflowError):
        return None
    if held.dtype.kind not in "iuf":
        return None
    made = np.full(len(text), np.nan)
    made[known] = held
    return made


def _of_numbers(
    name: str, values: npt.NDArray[np.float64], words: Sequence[str] | None, missing: Mapping[str, int]
) -> Column:
    counts = Counter(missing)
    counted = sum(counts.values())
    if more := int(np.isnan(values).sum()) - counted:
        counts[NOT_A_NUMBER] += more
    for word, number in _numbers_in(words or ()):
        found = values == number
        if found.any():
            counts[word] += int(found.sum())
            values = np.where(found, np.nan, values)
    return Column(name, NUMBERS, values, ~np.isnan(values), dict(counts))


def _numbers_in(words: Sequence[str]) -> list[tuple[str, float]]:
    found = []
    for word in words:
        try:
            found.append((word.strip(), float(word)))
        except ValueError:
            continue
    return found


def _counted(missing: Labels) -> dict[str, int]:
    return dict(Counter(word or EMPTY for word in missing.tolist()))


def _nested(text: Labels) -> bool:
    """Whether every entry is a list or record written out, as in DeepFace's column ``facial_area``."""
    return bool(len(text)) and all(one[:1] + one[-1:] in ("{}", "[]") for one in text.tolist())


def classes(one: Column, bins: Bins) -> Labels:
    """(n,) labels: text as it stands, truths as yes and no, numbers binned at ``bins[name]``.

    Bins don't apply to text, unless all that is known of it are numbers.

    Raises
    ------
    InputError
        On numbers without bins, on a kind that has no classes, and on edges that don't rise.
    """
    if one.kind == TRUTHS:
        return np.where(one.known, np.where(one.values, "yes", "no"), UNKNOWN)
    if one.kind == TEXT:
        return one.values
    if one.kind != NUMBERS:
        raise InputError(f"'{one.name}' holds {one.kind}, which have no classes")
    if one.name in bins:
        return binned(one.name, one.values, bins[one.name])
    raise InputError(f"'{one.name}' holds numbers and no class edges are known; add --bins {one.name}=EDGE,...")


def binned(name: str, values: npt.NDArray[np.float64], edges: Sequence[float]) -> Labels:
    """(n,) labels such as "under 18", "18-34", "35-49", "50+"; NaN becomes unknown. An edge opens its bin."""
    if not edges or list(edges) != sorted(set(edges)) or not np.isfinite(edges).all():
        raise InputError(
            f"the bins of '{name}' are {list(edges)}; expected finite edges in rising order, as in 18,35,50"
        )
    labels = np.array(bin_names(edges))[np.searchsorted(edges, values, side="right")]
    return np.where(np.isnan(values), UNKNOWN, labels)


def bin_names(edges: Sequence[float]) -> list[str]:
    """The classes that edges make, lowest first."""
    whole = all(float(edge).is_integer() for edge in edges)
    middle = [f"{low:g}-{high - 1:g}" if whole else f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
    return [f"under {edges[0]:g}", *middle, f"{edges[-1]:g}+"]


def check_ages(one: Column) -> None:
    """Refuse ages that nobody has, such as -1 or 999 where an age isn't known.

    Raises
    ------
    InputError
        When a column of numbers named ``age`` holds a number outside of 0 to 120.
    """
    if one.name.strip().lower() != "age" or one.kind != NUMBERS:
        return
    values = one.values[one.known]
    odd = np.unique(values[(values < 0) | (values > _OLDEST)])
    if len(odd):
        rows = int(np.isin(one.values, odd).sum())
        few = ",".join(f"{age:g}" for age in odd[:3])
        raise InputError(
            f"'{one.name}' is outside of 0 to {_OLDEST} years in {rows} of {len(one.values)} rows "
            f"({few}{',...' if len(odd) > 3 else ''}); if that means unknown: --missing {one.name}={few}. Otherwise "
            f"rename the column, or leave it out: --attributes NAME,..."
        )


def unknown_note(one: Column) -> str:
    """How many rows have no label and by which word; empty if all have one."""
    rows = sum(one.missing.values())
    if not rows:
        return ""
    words = sorted(one.missing, key=lambda word: (-one.missing[word], word))
    told = ", ".join(f"{word}: {one.missing[word]}" for word in words[:5]) + (", ..." if len(words) > 5 else "")
    note = f"'{one.name}' is unknown in {rows} of {len(one.known)} rows ({told})"
    kept = [word for word in words if word not in (EMPTY, NOT_A_NUMBER)]
    if one.kind == TEXT and kept:
        note += f"; to keep '{kept[0]}' as a class: --missing {one.name}={','.join(kept[1:])}"
    return note
