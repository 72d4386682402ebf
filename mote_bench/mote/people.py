"""The identities of a background and their numbers of images, which every MOTE learns from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, InputError

LEAST_PEOPLE = 20
"""Least number of background subjects: with fewer a net learns nothing about impostors."""

LEAST_REPEATED = 10
"""Least number of subjects with two or more images for the density of a group."""


def people_of(background: Faces) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(images,) the subject of each image, 0..subjects-1, and (subjects,) the number of images of each."""
    if background.identity is None:
        raise InputError(
            "the background has no identities; MOTE learns from them how images of one person differ: "
            "give Faces(..., identity=...), or take a dataset with identities."
        )
    _, person, count = np.unique(background.identity, return_inverse=True, return_counts=True)
    if len(count) < LEAST_PEOPLE:
        raise InputError(
            f"the background shows {len(count)} people; MOTE needs at least {LEAST_PEOPLE}: "
            "move people from the other sets to the background."
        )
    if (count > 1).sum() < LEAST_REPEATED:
        raise InputError(
            f"{(count > 1).sum()} of {len(count)} background people have two or more images; MOTE needs at least "
            f"{LEAST_REPEATED} to learn how images of one person differ: add images of the same people."
        )
    return person, count
