"""Embeddings of the same images by two recognisers, read from two files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mote_bench.contracts import Dataset, Faces, InputError


def joined(first: Dataset, second: Dataset, option: str) -> Dataset:
    """The first data set with the second one's embeddings beside its own, as :attr:`Faces.second`.

    Parameters
    ----------
    second : Dataset
        Row i shows the image of row i of ``first``.
    option : str
        The option that named ``second``, with its value, for messages.

    Raises
    ------
    InputError
        When the rows can't be those of the same images: another number of them, other subjects, or other attributes.
        Also when the first data set has a second recogniser's embeddings already, or both hold the same embeddings.
    """
    if first.faces.second is not None:
        raise InputError(f"{option}: '{first.name}' holds embeddings_2 already; expected one second recogniser")
    apart = _difference(first.faces, second.faces)
    if apart:
        raise InputError(
            f"{option}: {apart}; expected the same images in the same order as in '{first.name}': embed the same "
            "pictures by both recognisers"
        )
    if np.array_equal(first.faces.embeddings, second.faces.embeddings):
        raise InputError(f"{option}: the embeddings are those of '{first.name}'; expected another recogniser's")
    by = second.recogniser or second.name
    faces = replace(first.faces, second=second.faces.embeddings)
    return replace(first, faces=faces, notes=(*first.notes, f"a second recogniser's embeddings of the images: {by}"))


def _difference(one: Faces, other: Faces) -> str:
    """What shows that two files can't hold the same images row by row; empty if nothing does."""
    if len(one) != len(other):
        return f"{len(other)} rows for {len(one)} images"
    if (one.identity is None) != (other.identity is None):
        return "only one of the files names its subjects"
    if one.identity is not None and other.identity is not None:
        rows = np.flatnonzero(one.identity != other.identity)
        if len(rows):
            return f"another subject in row {rows[0]} and {len(rows) - 1} more"
    for name in sorted(one.attributes.keys() & other.attributes.keys()):
        rows = np.flatnonzero(one.attributes[name] != other.attributes[name])
        if len(rows):
            return f"another '{name}' in row {rows[0]} and {len(rows) - 1} more"
    shared = sorted(one.values.keys() & other.values.keys())
    odd = [name for name in shared if not np.array_equal(one.values[name], other.values[name], equal_nan=True)]
    return f"other numbers of '{odd[0]}'" if odd else ""
