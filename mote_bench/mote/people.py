"""Whom a background shows, and how often: what every MOTE learns from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, InputError

LEAST_PEOPLE = 20
"""Fewer background people than this teach a net nothing about strangers."""

LEAST_REPEATED = 10
"""How many people with two or more images a density, and so a group, is fitted on at least."""


def people_of(background: Faces) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(images,) whom each image shows, 0..people-1, and (people,) how many images there are of each."""
    if background.identity is None:
        raise InputError(
            "the background doesn't say who it shows; MOTE learns from it how images of one person differ: "
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
