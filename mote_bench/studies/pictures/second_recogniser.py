"""Reconstructed pictures compared by a second recogniser, for which they weren't made."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Embedder, FloatArray, InputError, Measurement
from mote_bench.embedders.pipeline import Recogniser
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.faces import census, population
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.toolkit import unit

Picture = tuple[int, int]
"""Person and image of the built-in population."""


@dataclass(frozen=True)
class Stored:
    """Where the population's pictures come from: rendered, or read from a folder that ``faces`` wrote."""

    seed: int
    folder: Path | None = None

    def picture(self, which: Picture) -> npt.NDArray[np.uint8]:
        """(height, width, 3) RGB, as it was embedded: out of its JPEG file."""
        from PIL import Image

        path = None if self.folder is None else self.folder / population.name_of(*which)
        if path is not None and path.is_file():
            content = path.read_bytes()
        else:
            content = population.picture(population.Recipe(0, 0, self.seed), *which)
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@dataclass(frozen=True, eq=False)
class Second:
    """The second recogniser, its embeddings of the population, and its threshold.

    Attributes
    ----------
    recogniser : Recogniser
    mean : (d,) float
        Mean of the background embeddings, at which all are centred.
    public : (n, d) float
        Centred unit embeddings of background images.
    photos : tuple of (k, d) float
        The same of each target subject's images other than the enrolled one; k may be 0.
    threshold : float
        Threshold at the false match rate, set on the background images.
    eer : Measurement
        Its equal error rate on the background images.
    """

    recogniser: Recogniser
    mean: FloatArray
    public: FloatArray
    photos: tuple[FloatArray, ...]
    threshold: float
    eer: Measurement


@dataclass(frozen=True, eq=False)
class Compared:
    """By the second recogniser: (v,) share of each subject's and of background images that accept the picture."""

    by_photos: FloatArray
    wolf: FloatArray


def made(
    recogniser: Recogniser,
    photos: Sequence[Sequence[Picture]],
    public: Sequence[Picture],
    *,
    fmr: float,
    stored: Stored,
    jobs: int,
) -> Second:
    """Embed the pictures of the population that are needed.

    Parameters
    ----------
    photos : sequence of sequence of (person, image)
        Of each target subject.
    public : sequence of (person, image)
        Of background subjects.

    Raises
    ------
    InputError
        When the recogniser can't be made, finds no face in most pictures, or there are too few for the rate.
    """
    recogniser.make()
    wanted = list(dict.fromkeys([*public, *(one for some in photos for one in some)]))
    tasks = (workers.Task(one, _embedded, (recogniser, stored, one)) for one in wanted)
    found = {one: outcome.value for one, outcome in workers.run(tasks, jobs=jobs) if outcome.error is None}
    seen = [one for one in public if found.get(one) is not None]
    if len(seen) < max(2, len(public) // 2):
        raise InputError(f"--second {recogniser.name} found a face in {len(seen)} of {len(public)} pictures")
    every = unit(np.array([found[one] for one in seen]))
    mean = every.mean(axis=0)
    centred, who = unit(every - mean), np.array([person for person, _ in seen])
    threshold = threshold_at_fmr((centred @ centred.T)[who[:, None] != who], fmr)
    theirs = tuple(
        np.array([unit(unit(found[one][None]) - mean)[0] for one in some if found.get(one) is not None]).reshape(
            -1, len(mean)
        )
        for some in photos
    )
    eer = census.measured(centred, who.astype(str), {})["eer"]
    return Second(recogniser, mean, centred, theirs, float(threshold), eer)


def compared(second: Second, pictures: Sequence[npt.NDArray[np.uint8]]) -> Compared:
    """The second recogniser's figures of one reconstructed picture a subject; no face found is no match."""
    answers = [_embedder(second.recogniser).embed([picture])[0] for picture in pictures]
    by_photos, wolf = np.zeros(len(pictures)), np.zeros(len(pictures))
    for target, (answer, photos) in enumerate(zip(answers, second.photos, strict=True)):
        if answer is not None:
            shown = unit(unit(np.asarray(answer.embedding, np.float64)[None]) - second.mean)[0]
            wolf[target] = np.mean(second.public @ shown >= second.threshold)
            by_photos[target] = np.mean(photos @ shown >= second.threshold) if len(photos) else 0.0
    return Compared(by_photos, wolf)


@cache
def _embedder(recogniser: Recogniser) -> Embedder:
    return recogniser.make()


def _embedded(recogniser: Recogniser, stored: Stored, which: Picture) -> Outcome:
    def work() -> FloatArray | None:
        (answer,) = _embedder(recogniser).embed([stored.picture(which)])
        return None if answer is None else np.asarray(answer.embedding, np.float64)

    return guarded(work)
