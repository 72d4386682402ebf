"""The identity-disjoint people sets of one run: background, shadow and target with its held-back photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, InputError
from mote_bench.protocol import Protocol
from mote_bench.toolkit import stream

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Enrolled:
    """People to enrol and the photos of them that are held back.

    Row i of ``references`` is person i. ``seconds`` are other photos of the same people in the same order, for a
    second enrolment; ``probes[j]`` shows person ``shown[j]``. Without identities both are ``None``.
    """

    references: Faces
    seconds: Faces | None
    probes: Faces | None
    shown: Index


@dataclass(frozen=True, eq=False)
class Split:
    """Four people sets, none of them sharing a person."""

    background: Faces
    shadow: Enrolled
    target: Enrolled
    has_identity: bool


def split(faces: Faces, protocol: Protocol, *, seed: int, people: int | None = None) -> Split:
    """Deal the people of a data set.

    Without identities every row counts as a person of one photo.

    Parameters
    ----------
    people : int, optional
        Use a random subset of this many people.

    Raises
    ------
    InputError
        When there are too few people, or too few with enough photos.
    """
    photos = _photos(faces, people, seed)
    target_photos = 1 + protocol.target.second_references + protocol.target.probes_least
    least_target, least_shadow = (target_photos, 2) if faces.identity is not None else (1, 1)
    rng = stream(seed, "split", protocol.name)
    order = [int(person) for person in rng.permutation(len(photos))]
    target = _deal(order, photos, least_target, _size(protocol.target.people, protocol.target.share, len(photos)))
    order = [person for person in order if person not in set(target)]
    shadow = _deal(order, photos, least_shadow, _size(protocol.shadow.people, protocol.shadow.share, len(photos)))
    background = [person for person in order if person not in set(shadow)]
    _check("target", target, protocol.target.least, f"of {len(photos)} people, with {least_target} photos each")
    _check("shadow", shadow, protocol.shadow.least, f"of {len(photos)} people, with {least_shadow} photos each")
    _check("background", background, protocol.background.least, f"of {len(photos)} people")
    made = Split(
        background=faces.rows(_background_rows(background, photos, protocol)),
        shadow=_enrolled(faces, shadow, photos, seconds=0, most=protocol.shadow.probes_most),
        target=_enrolled(
            faces, target, photos, seconds=protocol.target.second_references, most=protocol.target.probes_most
        ),
        has_identity=faces.identity is not None,
    )
    _check_disjoint(made)
    return made


def _photos(faces: Faces, people: int | None, seed: int) -> list[Index]:
    """Each person's rows, in a random order of photos; people in the order of their names."""
    rng = stream(seed, "people")
    if faces.identity is None:
        groups = list(np.arange(len(faces))[:, None])
    else:
        rows = np.argsort(faces.identity, kind="stable")
        starts = np.flatnonzero(np.r_[True, faces.identity[rows][1:] != faces.identity[rows][:-1]])
        groups = [rng.permutation(group) for group in np.split(rows, starts[1:])]
    if people is None:
        return groups
    if not 0 < people <= len(groups):
        raise InputError(f"--people {people}: the data holds {len(groups)} people; give 1 to {len(groups)}")
    return [groups[index] for index in np.sort(rng.permutation(len(groups))[:people])]


def _size(asked: int, share: float, population: int) -> int:
    return min(asked, int(population * share))


def _deal(order: list[int], photos: list[Index], least: int, size: int) -> list[int]:
    return [person for person in order if len(photos[person]) >= least][:size]


def _check(name: str, people: list[int], least: int, where: str) -> None:
    if len(people) < least:
        raise InputError(
            f"too few people for the {name} set: {len(people)} {where}; expected at least {least}. "
            "Give more people (or leave out --people)"
        )


def _background_rows(background: list[int], photos: list[Index], protocol: Protocol) -> Index:
    limits = protocol.background
    rows = np.concatenate([photos[person][: limits.images_per_person] for person in background])
    return rows[: limits.images]


def _enrolled(faces: Faces, people: list[int], photos: list[Index], *, seconds: int, most: int) -> Enrolled:
    references = faces.rows(np.array([photos[person][0] for person in people]))
    if faces.identity is None:
        return Enrolled(references, None, None, np.empty(0, dtype=np.intp))
    probes = [photos[person][1 + seconds : 1 + seconds + most] for person in people]
    second = faces.rows(np.array([photos[person][1] for person in people])) if seconds else None
    shown = np.repeat(np.arange(len(people)), [len(rows) for rows in probes])
    return Enrolled(references, second, faces.rows(np.concatenate(probes)), shown)


def _check_disjoint(made: Split) -> None:
    if not made.has_identity:
        return
    sets = [made.background.identity, made.shadow.references.identity, made.target.references.identity]
    names = [set(identity.tolist()) for identity in sets if identity is not None]
    if names[0] & names[1] or names[0] & names[2] or names[1] & names[2]:
        raise AssertionError("the people sets overlap; this is a defect of mote-bench, please report it")
