"""The attributes that a scheme suppresses, as one-hot columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Faces, FloatArray, InputError


def columns_to_hide(background: Faces, attributes: Sequence[str] | None) -> dict[str, FloatArray]:
    """(n, classes) one-hot columns of each attribute; rows of unknown class are zero.

    Parameters
    ----------
    attributes : sequence of str, optional
        By default all that the background has.

    Raises
    ------
    InputError
        When the background lacks an attribute, or has none with two classes.
    """
    wanted = list(background.attributes) if attributes is None else list(attributes)
    missing = [name for name in wanted if name not in background.attributes]
    if missing:
        raise InputError(f"the background has no attribute {', '.join(missing)}; it has {list(background.attributes)}.")
    tables = {}
    for name in wanted:
        labels = background.attributes[name]
        classes = np.unique(labels[labels != ""])
        if len(classes) > 1:
            tables[name] = (labels[:, None] == classes).astype(np.float64)
    if not tables:
        raise InputError(
            "this scheme suppresses attributes, and the background has none with two classes: give data with labels."
        )
    return tables
