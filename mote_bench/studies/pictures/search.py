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
from mote_bench.studies.pictures.decoder import Decoder, face
from mote_bench.toolkit import stream, unit

ROUNDS, EACH, KEPT = 6, 10, 3
"""Rounds, pictures a round, and how many of them the next round is drawn around."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Stolen:
    """What the attacker has of one subject: the template with a key, or an embedding made with online access.

    Attributes
    ----------
    key : bytes, optional
        The key that is presented with the template: the subject's, or one of the attacker's own.
    decodable : bool
        Whether the attacker holds what the scheme's closed form needs.
    online : (d,) float, optional
        The embedding that an online attack made from scores or decisions. The template is then unknown, and pictures
        are compared with this embedding.
    rounds : int
        Rounds of the search; 0 takes the decoded face as it is.
    """

    scheme: Scheme
    template: Template
    key: Key | None
    decodable: bool
    online: FloatArray | None = None
    rounds: int = ROUNDS


@dataclass(frozen=True, eq=False)
class Reconstructed:
    """The picture, its unit embedding (zeros where no face is found in it), and the score that the search maximised."""

    picture: Pixels
    embedding: FloatArray
    score: float


def searched(stolen: Stolen, decoder: Decoder, *, seed: int) -> Reconstructed:
    """Decode what the template reveals, then move the head's parameters uphill in the template's responses.

    A cross-entropy search: each round draws heads around the mean of the best of the last, in the directions in which
    the decoder errs most (Rubinstein, "The cross-entropy method", 1999).
    """
    rng = stream(seed, "pixels")
    start = _start(stolen, decoder)
    mean, spread = np.zeros(len(decoder.axes)), np.ones(len(decoder.axes))
    found: list[tuple[float, FloatArray, Pixels, FloatArray]] = []
    for number in range(max(stolen.rounds, 1)):
        draws = mean + spread * rng.standard_normal((EACH if stolen.rounds else 1, len(mean)))
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
        return Reconstructed(_picture(decoder, start), np.zeros(len(decoder.mean)), -np.inf)
    score, _, picture, embedding = found[0]
    return Reconstructed(picture, embedding, score)


def _start(stolen: Stolen, decoder: Decoder) -> FloatArray:
    """The head that the template's closed form decodes to; the average one where it has none or the key is missing.

    The closed form of a vector is the embedding; that of a classifier is a direction which the covariance of faces
    turns into one. Which of the two it is, the template's responses show: the picture with the higher score is taken.
    """
    if stolen.online is not None:
        return np.asarray(decoder.parameters(stolen.online[None])[0])
    if not stolen.decodable:
        return decoder.centre
    keys = None if stolen.key is None else [stolen.key]
    scheme: Any = stolen.scheme
    decoded = np.asarray(scheme.reconstruct([stolen.template], keys=keys)[0], np.float64)
    way = decoded / np.linalg.norm(decoded) - decoder.mean
    person = decoder.covariance @ way
    candidates = decoder.parameters(
        np.stack([decoded, decoder.mean + person * decoder.longest / np.linalg.norm(person)])
    )
    nowhere = np.zeros(len(decoder.axes))
    made = [_tried(stolen, decoder, start, nowhere) for start in candidates]
    answers = [-np.inf if one is None else one[0] for one in made]
    return np.asarray(candidates[int(np.argmax(answers))])


def _tried(
    stolen: Stolen, decoder: Decoder, start: FloatArray, place: FloatArray
) -> tuple[float, FloatArray, Pixels, FloatArray] | None:
    picture = _picture(decoder, start + place @ decoder.axes)
    (seen,) = _recogniser().embed([picture])
    if seen is None:
        return None
    embedding = unit(np.asarray(seen.embedding, np.float64)[None])
    return _answer(stolen, decoder, embedding), place, picture, embedding[0]


def _answer(stolen: Stolen, decoder: Decoder, embedding: FloatArray) -> float:
    """The score of an embedding (1, d): the template's response, or its cosine to the online attack's embedding."""
    if stolen.online is not None:
        wanted, shown = (unit(one - decoder.mean) for one in (unit(stolen.online[None]), embedding))
        return float(wanted[0] @ shown[0])
    keys = None if stolen.key is None else [stolen.key]
    answer = stolen.scheme.score([stolen.template], embedding.astype(np.float32), keys=keys)
    return float(np.asarray(answer)[0, 0])


def _picture(decoder: Decoder, parameters: FloatArray) -> Pixels:
    who = face(decoder, parameters)
    return render.rendered(heads.load(), who, shot.draw(who, 0, 0, difficulty=0))


@cache
def _recogniser() -> Any:
    return registry.load("embedders", "dlib")
