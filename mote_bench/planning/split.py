"""The identity-disjoint people sets of one run: background, shadow, selection and target subjects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, InputError
from mote_bench.planning.protocol import Protocol
from mote_bench.toolkit import stream

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Enrolled:
    """People to enrol, with their other photos.

    Attributes
    ----------
    references : Faces
        Row i is the enrolled photo of person i.
    seconds : Faces, optional
        Other photos of the same people in the same order, for a second enrolment; ``None`` without identities.
    probes : Faces, optional
        Photos that are compared with templates: row j shows person ``shown[j]``. ``None`` without identities.
    shown : (m,) int
        The person of each probe.
    numbers : (n,) int
        Pseudonymous subject ids, the same in every run on these data: the first row of the data that shows the person.
    """

    references: Faces
    seconds: Faces | None
    probes: Faces | None
    shown: Index
    numbers: Index


@dataclass(frozen=True, eq=False)
class Split:
    """The people sets of one run; no person is in two of them.

    Attributes
    ----------
    background : Faces
        The background set: public faces that schemes are fitted on.
    shadow : Enrolled
        The shadow subjects.
    selection : Enrolled
        The selection subjects, attacked like the target subjects.
    target : Enrolled
        The target subjects.
    calibration : Enrolled
        The calibration subjects, on whom thresholds are set. They are the shadow subjects, unless those come from
        another data set.
    public : Faces
        The attacker's public faces: the background set, unless they come from another data set.
    """

    background: Faces
    shadow: Enrolled
    selection: Enrolled
    target: Enrolled
    calibration: Enrolled
    public: Faces
    has_identity: bool

    @property
    def crossed(self) -> bool:
        """Whether the shadow and selection subjects and public faces come from another data set."""
        return self.public is not self.background


def crossed(own: Split, attackers: Split) -> Split:
    """The split ``own`` with shadow subjects, selection subjects and public faces from another data set.

    Raises
    ------
    InputError
        When the two have embeddings of different dimensions.
    """
    dimensions = [part.background.embeddings.shape[1] for part in (own, attackers)]
    if dimensions[0] != dimensions[1]:
        raise InputError(
            f"the attacker's data have {dimensions[1]} dimensions, the attacked data {dimensions[0]}; "
            "embed both with the same recogniser"
        )
    return replace(own, shadow=attackers.shadow, selection=attackers.selection, public=attackers.background)


def on_selection(made: Split, protocol: Protocol) -> Split:
    """The split for developing an attack: half of the selection subjects are attacked, the others select the attack.

    No target subject is used, so that nothing is fitted to those who are reported on later.

    Raises
    ------
    InputError
        When a half has fewer people than the protocol needs.
    """
    people = len(made.selection.references)
    least = max(protocol.target.least, protocol.selection.least)
    if people // 2 < least:
        raise InputError(
            f"--on selection: there are {people} selection subjects; expected at least {2 * least}, half of them to be "
            "attacked. Give more people, or leave --on out"
        )
    attacked, others = np.split(np.arange(people), [people // 2])
    return replace(made, target=among(made.selection, attacked), selection=among(made.selection, others))


def among(people: Enrolled, rows: Index) -> Enrolled:
    """Some of these people, in the order of ``rows``, with their other photos."""
    place = np.full(len(people.references), -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    seen = np.flatnonzero(place[people.shown] >= 0)
    return Enrolled(
        people.references.rows(rows),
        None if people.seconds is None else people.seconds.rows(rows),
        None if people.probes is None else people.probes.rows(seen),
        place[people.shown[seen]],
        people.numbers[rows],
    )


def split(faces: Faces, protocol: Protocol, *, seed: int, people: int | None = None) -> Split:
    """Split the people of a data set at random.

    Without identities every row counts as a person with one photo.

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
    selection = _deal(
        order, photos, least_target, _size(protocol.selection.people, protocol.selection.share, len(photos))
    )
    order = [person for person in order if person not in set(selection)]
    shadow = _deal(order, photos, least_shadow, _size(protocol.shadow.people, protocol.shadow.share, len(photos)))
    background = [person for person in order if person not in set(shadow)]
    for name, dealt, least, needs in (
        ("target", target, protocol.target.least, f", with {least_target} photos each"),
        ("selection", selection, protocol.selection.least, f", with {least_target} photos each"),
        ("shadow", shadow, protocol.shadow.least, f", with {least_shadow} photos each"),
        ("background", background, protocol.background.least, ""),
    ):
        if len(dealt) < least:
            raise InputError(
                f"too few people for the {name} set: {len(dealt)} of {len(photos)} people{needs}; expected at least "
                f"{least}. Give more people: {_fewest(protocol)} or more with enough photos are enough for "
                f"{protocol.name} (or leave out --people)"
            )
    public = faces.rows(_background_rows(background, photos, protocol))
    own = _enrolled(faces, shadow, photos, held_back=0, most=protocol.shadow.probes_most)
    seconds, most = protocol.target.second_references, protocol.target.probes_most
    made = Split(
        background=public,
        shadow=own,
        selection=_enrolled(faces, selection, photos, held_back=seconds, most=most),
        target=_enrolled(faces, target, photos, held_back=seconds, most=most),
        calibration=own,
        public=public,
        has_identity=faces.identity is not None,
    )
    _check_disjoint(made)
    return made


def sized(faces: Faces, *, enrolled: int, images: int, seed: int) -> Split:
    """A split with given numbers of enrolled people and background images, to measure costs that depend on both.

    Enrolled are the people with the fewest photos (two or more), so that most photos are left for the background.
    Half as many further people are calibration subjects. None are left for an attacker: ``shadow`` and ``selection``
    are the calibration subjects too.

    Raises
    ------
    InputError
        When the data have no identities, or too few people or photos.
    """
    if faces.identity is None:
        raise InputError("the data have no `identity`; expected one, as enrolled people are compared with their photos")
    if enrolled < 2 or images < 1:
        raise InputError(f"{enrolled} people to enrol and {images} background images; expected at least 2 and 1")
    photos = _photos(faces, None, seed)
    rng = stream(seed, "split", "sized")
    order = sorted(rng.permutation(len(photos)).tolist(), key=lambda person: len(photos[person]))
    able = [person for person in order if len(photos[person]) > 1]
    wanted = enrolled + enrolled // 2
    if len(able) < wanted:
        raise InputError(
            f"{enrolled} people asked for: {wanted} with two photos are needed, the data have {len(able)}; give fewer"
        )
    chosen = [able[place] for place in rng.permutation(wanted)]
    rest = rng.permutation([person for person in order if person not in set(chosen)])
    rows = np.concatenate([photos[person] for person in rest])[:images]
    if len(rows) < images:
        raise InputError(
            f"{images} background images asked for; beside {wanted} people the data have {len(rows)}; give fewer"
        )
    background = faces.rows(rows)
    target, calibration = (
        _enrolled(faces, few, photos, held_back=0, most=2) for few in (chosen[:enrolled], chosen[enrolled:])
    )
    return Split(background, calibration, calibration, target, calibration, background, has_identity=True)


def _photos(faces: Faces, people: int | None, seed: int) -> list[Index]:
    """The rows of each person, in random order; people are sorted by identity."""
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


def _size(people: int, share: float, population: int) -> int:
    return min(people, int(population * share))


def _deal(order: list[int], photos: list[Index], least: int, size: int) -> list[int]:
    return [person for person in order if len(photos[person]) >= least][:size]


def _fewest(protocol: Protocol) -> int:
    """The smallest number of people, all with enough photos, of which every set gets enough."""
    limits = [(part.people, part.share, part.least) for part in (protocol.target, protocol.selection, protocol.shadow)]

    def enough(people: int) -> bool:
        sizes = [_size(most, share, people) for most, share, _ in limits]
        served = all(size >= least for size, (_, _, least) in zip(sizes, limits, strict=True))
        return served and people - sum(sizes) >= protocol.background.least

    return next(filter(enough, count(1)))


def _background_rows(background: list[int], photos: list[Index], protocol: Protocol) -> Index:
    limits = protocol.background
    rows = np.concatenate([photos[person][: limits.images_per_person] for person in background])
    return rows[: limits.images]


def _enrolled(faces: Faces, people: list[int], photos: list[Index], *, held_back: int, most: int) -> Enrolled:
    """People to enrol: the first photo of each is the reference, the second one the second reference.

    With ``held_back`` = 0 the second reference is a probe too: an attacker may use a photo twice.
    """
    references = faces.rows(np.array([photos[person][0] for person in people]))
    numbers = np.array([photos[person].min() for person in people], dtype=np.intp)
    if faces.identity is None:
        return Enrolled(references, None, None, np.empty(0, dtype=np.intp), numbers)
    probes = [photos[person][1 + held_back : 1 + held_back + most] for person in people]
    second = faces.rows(np.array([photos[person][1] for person in people]))
    shown = np.repeat(np.arange(len(people)), [len(rows) for rows in probes])
    return Enrolled(references, second, faces.rows(np.concatenate(probes)), shown, numbers)


def _check_disjoint(made: Split) -> None:
    if not made.has_identity:
        return
    parts = [made.background, made.shadow.references, made.selection.references, made.target.references]
    names = [set(part.identity.tolist()) for part in parts if part.identity is not None]
    if len(set().union(*names)) < sum(map(len, names)):
        raise AssertionError("the people sets overlap; this is a defect of mote-bench, please report it")
