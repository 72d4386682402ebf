"""Who is attacked in the study of several recognisers, and what the attacker holds of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import Faces, FloatArray, InputError
from mote_bench.planning import protocol, settings
from mote_bench.planning.spec import RunSpec
from mote_bench.toolkit import stream, unit

MOST_IMAGES = 6
"""Of one public subject; a few subjects have hundreds."""
_FEWEST = 40


@dataclass(frozen=True, eq=False)
class People:
    """The enrolled subjects and the attacker's public faces, no subject in both.

    Attributes
    ----------
    enrolled : Faces
        One image of each enrolled subject by the attacked recogniser; ``second`` is the same image by the attacker's.
    public : Faces
        Labelled public faces, by both.
    """

    enrolled: Faces
    public: Faces

    @property
    def own_public(self) -> FloatArray:
        """(m, d2) unit directions of the public faces from their mean, by the attacker's recogniser."""
        return unit(_second(self.public) - self._mean)

    @property
    def own_enrolled(self) -> FloatArray:
        """(n, d2) the same of the enrolled images. The attacker has those of the known subjects; the rest are truth."""
        return unit(_second(self.enrolled) - self._mean)

    @property
    def _mean(self) -> FloatArray:
        return np.asarray(_second(self.public).mean(axis=0))


def _second(faces: Faces) -> FloatArray:
    if faces.second is None:
        raise ValueError("the faces have no embeddings by a second recogniser; expected them")
    return faces.second.astype(np.float64)


def read(data: str, attacker: str, *, attributes: str | None = None, people: int | None = None) -> People:
    """The subjects of a file, halved at random into enrolled and public ones; the same images by both recognisers.

    Raises
    ------
    InputError
        When the files can't be read, don't hold the same images, or hold too few subjects.
    """
    spec = RunSpec(data, attributes=attributes, second_recogniser=attacker)
    try:
        dataset, _ = settings.attacked_data(spec, protocol.load())
    except InputError as error:  # it names the option of `run`
        raise InputError(str(error).replace("--second-recogniser", "--attacker-recogniser")) from None
    return halved(dataset.faces, people=people)


def halved(faces: Faces, *, people: int | None = None) -> People:
    """Half of the subjects enrolled with one image each; of the others up to six images are public.

    Raises
    ------
    InputError
        When there are too few subjects.
    """
    names = np.arange(len(faces)).astype(str) if faces.identity is None else faces.identity
    rng = stream(0, "recognisers", "people")
    rows = rng.permutation(len(faces))
    subjects, place = np.unique(names[rows], return_inverse=True)
    order = rng.permutation(len(subjects))[:people]
    if len(order) < _FEWEST or (people or 0) > len(subjects):
        wanted = f"{_FEWEST} or more" if people is None else f"{_FEWEST} to {len(subjects)}"
        raise InputError(f"{len(subjects)} subjects, {people or 'all'} asked for; expected {wanted}")
    images = [rows[place == subject] for subject in order]
    half = len(images) // 2
    enrolled = np.array([few[0] for few in images[:half]])
    public = np.concatenate([few[:MOST_IMAGES] for few in images[half:]])
    return People(faces.rows(enrolled), faces.rows(public))
