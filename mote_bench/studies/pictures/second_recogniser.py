"""A second recogniser's word on rebuilt pictures: one that fools only the recogniser it was made for shows no face."""

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
    """Where the population's pictures are: rendered anew, or read where ``faces`` has left them in a folder."""

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
    """What the second recogniser knows of the population, and where it accepts.

    Attributes
    ----------
    recogniser : Recogniser
    mean : (d,) float
        Of the strangers' embeddings, which all are centred by.
    strangers : (n, d) float
        Centred unit embeddings.
    photos : tuple of (k, d) float
        The same of each victim's pictures other than the enrolled one; k may be 0.
    threshold : float
        At the false-match rate, among strangers.
    eer : Measurement
        Its equal error rate on the strangers' pictures: how good a judge it is.
    """

    recogniser: Recogniser
    mean: FloatArray
    strangers: FloatArray
    photos: tuple[FloatArray, ...]
    threshold: float
    eer: Measurement


@dataclass(frozen=True, eq=False)
class Verdict:
    """By the second recogniser: (v,) share of each victim's photos and of strangers' that accept the picture."""

    by_photos: FloatArray
    by_strangers: FloatArray


def made(
    recogniser: Recogniser,
    photos: Sequence[Sequence[Picture]],
    strangers: Sequence[Picture],
    *,
    fmr: float,
    stored: Stored,
    jobs: int,
) -> Second:
    """Embed the pictures of the population that are needed.

    Parameters
    ----------
    photos : sequence of sequence of (person, image)
        Of each victim.
    strangers : sequence of (person, image)

    Raises
    ------
    InputError
        When the recogniser can't be made, finds no face in most pictures, or there are too few for the rate.
    """
    recogniser.make()
    wanted = list(dict.fromkeys([*strangers, *(one for some in photos for one in some)]))
    tasks = (workers.Task(one, _embedded, (recogniser, stored, one)) for one in wanted)
    found = {one: outcome.value for one, outcome in workers.run(tasks, jobs=jobs) if outcome.error is None}
    seen = [one for one in strangers if found.get(one) is not None]
    if len(seen) < max(2, len(strangers) // 2):
        raise InputError(f"--second {recogniser.name} found a face in {len(seen)} of {len(strangers)} pictures")
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


def judged(second: Second, pictures: Sequence[npt.NDArray[np.uint8]]) -> Verdict:
    """What the second recogniser says of one rebuilt picture a victim; no face found is no match."""
    answers = [_embedder(second.recogniser).embed([picture])[0] for picture in pictures]
    by_photos, by_strangers = np.zeros(len(pictures)), np.zeros(len(pictures))
    for victim, (answer, photos) in enumerate(zip(answers, second.photos, strict=True)):
        if answer is not None:
            shown = unit(unit(np.asarray(answer.embedding, np.float64)[None]) - second.mean)[0]
            by_strangers[victim] = np.mean(second.strangers @ shown >= second.threshold)
            by_photos[victim] = np.mean(photos @ shown >= second.threshold) if len(photos) else 0.0
    return Verdict(by_photos, by_strangers)


@cache
def _embedder(recogniser: Recogniser) -> Embedder:
    return recogniser.make()


def _embedded(recogniser: Recogniser, stored: Stored, which: Picture) -> Outcome:
    def work() -> FloatArray | None:
        (answer,) = _embedder(recogniser).embed([stored.picture(which)])
        return None if answer is None else np.asarray(answer.embedding, np.float64)

    return guarded(work)
