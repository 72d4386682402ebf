"""The checks of an embedder against its contract; the entry point is :mod:`mote_bench.testing`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.conformance.findings import Check
from mote_bench.contracts import Embedded, Embedder, FloatArray
from mote_bench.data.pictures.reading import read
from mote_bench.metrics.verification import eer

Pixels = npt.NDArray[np.uint8]
_PEOPLE, _PHOTOS = 3, 2
_ABOUT = ("recogniser", "weights_sha256", "alignment")
_CLOSE = 1e-4
_MOST_ERRORS = 0.1
"""Of three people who are that different none is mistaken; with landmarks interchanged every third one is."""


def portraits() -> list[Pixels]:
    """Two rendered portraits each of three artificial people, person by person; (224, 224, 3) uint8 each."""
    folder = Path(__file__).parent / "portraits"
    return [read(folder / f"{person}-{photo}.jpg") for person in range(_PEOPLE) for photo in range(_PHOTOS)]


@dataclass(frozen=True, eq=False)
class Trial:
    """An embedder under test; it is made when a check first needs it."""

    make: Callable[[], Embedder]

    @cached_property
    def made(self) -> Embedder:
        return self.make()

    @cached_property
    def pictures(self) -> list[Pixels]:
        return portraits()

    @cached_property
    def answers(self) -> Sequence[Embedded | None]:
        return self.made.embed(self.pictures)

    @cached_property
    def embeddings(self) -> FloatArray:
        """(pictures, d) unit rows."""
        rows = np.array([answer.embedding for answer in self.answers if answer is not None], np.float64)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _methods(trial: Trial) -> str | None:
    missing = [name for name in ("embed", "about") if not callable(getattr(trial.made, name, None))]
    return f"no method {missing[0]}" if missing else None


def _answers(trial: Trial) -> str | None:
    if len(trial.answers) != len(trial.pictures):
        return f"{len(trial.answers)} answers for {len(trial.pictures)} pictures"
    lengths = set()
    for number, answer in enumerate(trial.answers):
        if not isinstance(answer, Embedded):
            return f"{type(answer).__name__} for picture {number}"
        shape = np.shape(answer.embedding)
        lengths.add(shape)
        if len(shape) != 1 or len(lengths) > 1:
            return f"an embedding of shape {shape} for picture {number}"
        if not np.isfinite(answer.embedding).all() or not np.any(answer.embedding):
            return f"an embedding of picture {number} that is zero or not finite"
    return None


def _no_face(trial: Trial) -> str | None:
    (answer,) = trial.made.embed([np.full((160, 200, 3), 110, np.uint8)])
    return None if answer is None else "a face in a grey picture without one"


def _odd_pictures(trial: Trial) -> str | None:
    odd = [(1, 1), (3, 900), (900, 3), (40, 40)]
    answers = trial.made.embed([np.zeros((*shape, 3), np.uint8) for shape in odd])
    found = [shape for shape, answer in zip(odd, answers, strict=True) if answer is not None]
    return f"a face in a black picture of {found[0]} pixels" if found else None


def _again(trial: Trial) -> str | None:
    return _differ(trial, trial.made.embed(trial.pictures), "the same pictures again")


def _alone(trial: Trial) -> str | None:
    answers = [answer for picture in trial.pictures[::-1] for answer in trial.made.embed([picture])][::-1]
    return _differ(trial, answers, "pictures one by one, in another order")


def _differ(trial: Trial, answers: Sequence[Embedded | None], what: str) -> str | None:
    for number, (one, other) in enumerate(zip(trial.answers, answers, strict=True)):
        if one is None or other is None:
            return f"{what}: no face in picture {number} now"
        gap = np.abs(np.asarray(one.embedding, np.float64) - other.embedding).max() / np.abs(one.embedding).max()
        if gap > _CLOSE:
            return f"{what}: the embedding of picture {number} differs by {gap:.1e} of its largest value"
    return None


def _untouched(trial: Trial) -> str | None:
    given = [picture.copy() for picture in trial.pictures]
    trial.made.embed(given)
    changed = [k for k, picture in enumerate(given) if not np.array_equal(picture, trial.pictures[k])]
    return f"picture {changed[0]} was changed" if changed else None


def _recognises(trial: Trial) -> str | None:
    alike = trial.embeddings @ trial.embeddings.T
    person = np.repeat(np.arange(_PEOPLE), _PHOTOS)
    same = (person[:, None] == person) & ~np.eye(len(person), dtype=bool)
    own, others = alike[same], alike[person[:, None] != person]
    error = eer(own, others)
    if error <= _MOST_ERRORS:
        return None
    return (
        f"an equal error rate of {error:.2f}; mean cosine {own.mean():.3f} between photos of one person, "
        f"{others.mean():.3f} of two"
    )


def _about(trial: Trial) -> str | None:
    about = trial.made.about()
    if not isinstance(about, Mapping) or not all(isinstance(word, str) for pair in about.items() for word in pair):
        return f"{about!r:.200}"
    missing = [name for name in _ABOUT if not about.get(name)]
    return f"nothing on '{missing[0]}'" if missing else None


CHECKS = (
    Check("has_its_methods", _methods, "methods embed and about", "see mote_bench.contracts.Embedder", needed=True),
    Check(
        "embeds_faces",
        _answers,
        "an Embedded with a finite vector of one length for each of six portraits",
        "give one answer per picture, in their order; None only where there is no face",
        needed=True,
    ),
    Check("says_when_there_is_no_face", _no_face, "None for a picture without a face", "trust the detector"),
    Check("takes_any_size", _odd_pictures, "None for tiny and narrow black pictures", "guard the detector"),
    Check("answers_the_same_again", _again, "equal embeddings each time", "switch dropout off; seed what is random"),
    Check(
        "answers_the_same_alone",
        _alone,
        "equal embeddings whatever stands beside a picture",
        "use running statistics instead of batch statistics; keep no state between calls",
    ),
    Check("leaves_pictures_alone", _untouched, "pictures as they were", "copy before you write"),
    Check(
        "recognises",
        _recognises,
        f"photos of one person more alike than of two, an equal error rate of at most {_MOST_ERRORS}",
        "check the order of channels, the range of pixels and the alignment that the network was trained with",
    ),
    Check(
        "says_what_it_is",
        _about,
        f"text on {', '.join(_ABOUT)}",
        "name the model, the SHA-256 of its file and how faces are aligned: results can't be reproduced without them",
    ),
)
