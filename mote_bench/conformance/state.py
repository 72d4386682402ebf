"""What the state of a fitted scheme holds of the background set: the faces themselves, or only what was learned."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray
from mote_bench.toolkit import unit

_NEAR = 2e-3
"""Largest distance of a stored row from a face of length one: that of half precision and of float32 sums."""
_ROWS_AT_ONCE = 4096


def faces_held(fitted: object, background: Faces) -> int:
    """How many background faces the public state of a fitted scheme holds, as they are or seen from their mean.

    The state is what a copy of the object carries: all arrays and tensors in it are searched, those with a face in each
    row and those with a face in each column. Of a scheme with secrets of its own only the public part is searched.
    Faces that are scaled by column, rotated, quantised or encrypted are not recognised.
    """
    withheld = getattr(fitted, "public", None)
    arrays = _arrays(withheld() if callable(withheld) else fitted)
    forms = _forms(background.embeddings.astype(np.float64))
    found = np.zeros(len(background), dtype=bool)
    for array in arrays:
        for rows in (array, array.T):
            if rows.shape[1] == background.embeddings.shape[1]:
                found |= np.any([_held(form, rows) for form in forms], axis=0)
    return int(found.sum())


def _forms(faces: FloatArray) -> list[FloatArray]:
    centred = faces - faces.mean(axis=0)
    return [faces, centred, unit(centred)]


def _held(faces: FloatArray, rows: FloatArray) -> npt.NDArray[np.bool_]:
    """(n,) whether some row of ``rows`` (m, d) is the face (n, d)."""
    held = np.zeros(len(faces), dtype=bool)
    lengths = (faces**2).sum(axis=1)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE].astype(np.float64)
        some = some[np.isfinite(some).all(axis=1)]
        squared = lengths[:, None] + (some**2).sum(axis=1) - 2 * faces @ some.T
        held |= (squared <= _NEAR**2).any(axis=1)
    return held


def _arrays(state: object) -> list[FloatArray]:
    """All tables of real numbers that a copy of the object would carry."""
    import cloudpickle  # what the worker processes use

    seen: list[Any] = []

    class Collector(cloudpickle.Pickler):  # type: ignore[misc]
        def persistent_id(self, part: Any) -> None:
            if isinstance(part, np.ndarray) or hasattr(part, "detach"):
                seen.append(part)

    Collector(io.BytesIO()).dump(state)
    whole = (np.asarray(part.detach().cpu() if hasattr(part, "detach") else part) for part in seen)
    return [table for table in whole if table.ndim == 2 and table.dtype.kind == "f"]
