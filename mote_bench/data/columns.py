"""How an array of labels or numbers becomes the classes of a soft attribute."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError

UNKNOWN = ""
"""The label of a row whose class isn't known; such rows are left out of questions on the attribute."""

_MISSING = frozenset({"", "nan", "none", "null", "na", "n/a", "unknown", "?"})

Labels = npt.NDArray[np.str_]
Bins = Mapping[str, Sequence[float]]


def classes(name: str, column: npt.NDArray[np.generic], bins: Bins) -> Labels:
    """(n,) labels: text as it stands, numbers binned at ``bins[name]`` (bins don't apply to text).

    Raises
    ------
    InputError
        On numbers without bins, on a type that is neither, and on edges that don't rise.
    """
    if column.dtype.kind in "US":
        text = column.astype(str)
        return np.where(np.isin(np.char.lower(np.char.strip(text)), list(_MISSING)), UNKNOWN, text)
    if column.dtype.kind == "b":
        return np.where(column, "yes", "no")
    if name in bins:
        return binned(name, column, bins[name])
    raise InputError(
        f"'{name}' holds numbers ({column.dtype}) and no class edges are known; add --bins {name}=EDGE,..."
    )


def binned(name: str, column: npt.NDArray[np.generic], edges: Sequence[float]) -> Labels:
    """(n,) labels such as "under 18", "18-34", "35-49", "50+"; NaN becomes unknown. An edge opens its bin."""
    if not edges or list(edges) != sorted(set(edges)) or not np.isfinite(edges).all():
        raise InputError(
            f"the bins of '{name}' are {list(edges)}; expected finite edges in rising order, as in 18,35,50"
        )
    if column.dtype.kind not in "iufb":
        raise InputError(f"'{name}' holds {column.dtype}, not numbers; leave out --bins {name}=...")
    values = column.astype(np.float64)
    labels = np.array(bin_names(edges))[np.searchsorted(edges, values, side="right")]
    return np.where(np.isnan(values), UNKNOWN, labels)


def bin_names(edges: Sequence[float]) -> list[str]:
    """The classes that edges make, lowest first."""
    whole = all(float(edge).is_integer() for edge in edges)
    middle = [f"{low:g}-{high - 1:g}" if whole else f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
    return [f"under {edges[0]:g}", *middle, f"{edges[-1]:g}+"]
