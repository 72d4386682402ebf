"""From a stolen template to a picture: decoded, then searched among rendered heads for one that it accepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench import registry
from mote_bench.contracts import FloatArray, Key, Scheme, Template
from mote_bench.faces import head as heads
from mote_bench.faces import render, shot
from mote_bench.faces.decoder import Decoder, face
from mote_bench.toolkit import stream, unit

ROUNDS, EACH, KEPT = 6, 10, 3
"""Rounds, pictures a round, and how many of them the next round is drawn around."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Stolen:
    """One record in the thief's hands, with the key they hold for it: the person's, or one of their own."""

    scheme: Scheme
    template: Template
    key: Key | None
    decodable: bool
    """Whether the thief holds what the scheme's closed form needs."""


@dataclass(frozen=True, eq=False)
class Rebuilt:
    """The picture, its unit embedding, and the template's answer to it under the thief's key."""

    picture: Pixels
    embedding: FloatArray
    score: float


def searched(stolen: Stolen, decoder: Decoder, *, seed: int) -> Rebuilt:
    """Decode what the record gives away, then move the head's parameters uphill in the template's answers.

    A cross-entropy search: each round draws heads around the mean of the best of the last, in the directions in which
    the decoder errs most (Rubinstein, "The cross-entropy method", 1999).
    """
    rng = stream(seed, "pixels")
    start = _start(stolen, decoder)
    mean, spread = np.zeros(len(decoder.axes)), np.ones(len(decoder.axes))
    found: list[tuple[float, FloatArray, Pixels, FloatArray]] = []
    for number in range(ROUNDS):
        draws = mean + spread * rng.standard_normal((EACH, len(mean)))
        if number == 0:
            draws[0] = 0  # what was decoded, as it is
        found += [one for place in draws if (one := _tried(stolen, decoder, start, place)) is not None]
        found.sort(key=lambda one: -one[0])
        if found:
            best = np.array([one[1] for one in found[:KEPT]])
            mean, spread = best.mean(axis=0), np.maximum(0.8 * spread, 0.3)
        else:  # no picture shows a face to the recogniser: nearer to the average head
            start = (start + decoder.centre) / 2
    if not found:
        raise ValueError("the recogniser found no face in any picture of the search")
    score, _, picture, embedding = found[0]
    return Rebuilt(picture, embedding, score)


def _start(stolen: Stolen, decoder: Decoder) -> FloatArray:
    """The head that the record's closed form decodes to; the average one where it has none or the key is missing.

    The closed form of a vector is the embedding; that of a classifier is a direction which the covariance of faces
    turns into one. Which of the two it is, the template says itself: it prefers the picture of one.
    """
    if not stolen.decodable:
        return decoder.centre
    keys = None if stolen.key is None else [stolen.key]
    scheme: Any = stolen.scheme
    told = np.asarray(scheme.reconstruct([stolen.template], keys=keys)[0], np.float64)
    way = told / np.linalg.norm(told) - decoder.mean
    person = decoder.covariance @ way
    candidates = decoder.parameters(np.stack([told, decoder.mean + person * decoder.longest / np.linalg.norm(person)]))
    nowhere = np.zeros(len(decoder.axes))
    made = [_tried(stolen, decoder, start, nowhere) for start in candidates]
    answers = [-np.inf if one is None else one[0] for one in made]
    return np.asarray(candidates[int(np.argmax(answers))])


def _tried(
    stolen: Stolen, decoder: Decoder, start: FloatArray, place: FloatArray
) -> tuple[float, FloatArray, Pixels, FloatArray] | None:
    who = face(decoder, start + place @ decoder.axes)
    picture = render.rendered(heads.load(), who, shot.draw(who, 0, 0, difficulty=0))
    (seen,) = _recogniser().embed([picture])
    if seen is None:
        return None
    embedding = unit(np.asarray(seen.embedding, np.float64)[None])
    keys = None if stolen.key is None else [stolen.key]
    answer = stolen.scheme.score([stolen.template], embedding.astype(np.float32), keys=keys)
    return float(np.asarray(answer)[0, 0]), place, picture, embedding[0]


@cache
def _recogniser() -> Any:
    return registry.load("embedders", "dlib")
