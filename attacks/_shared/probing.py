"""Which public faces an attack presents to the templates, and how it scales the responses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Shadow
from mote_bench.questions import WhichClass
from mote_bench.toolkit import Answers, class_index, draw_keys, revocable

MOST_PROBES = 1000
_FARTHEST = 10.0  # standard deviations; a probe with nearly equal shadow responses must not outweigh all others


def granted(evidence: Evidence) -> tuple[Faces, Shadow]:
    """The public faces and the shadow subjects; ValueError where the knowledge level grants none."""
    if evidence.public is None or evidence.shadow is None:
        raise ValueError(f"knowledge '{evidence.knowledge}' grants no public faces and no shadow subjects")
    return evidence.public, evidence.shadow


def needed(evidence: Evidence, method: str) -> Callable[..., Any]:
    """An optional method of the scheme that the attack's ``needs`` names: the harness runs it on no scheme without."""
    found: Callable[..., Any] = getattr(evidence.scheme, method)
    return found


def keys_to_present(evidence: Evidence, rng: np.random.Generator) -> tuple[Sequence[Key] | None, Sequence[Key] | None]:
    """The keys to present to the stolen and the shadow templates; one of the attacker's own where none are stolen."""
    _, shadow = granted(evidence)
    if evidence.keys is not None or evidence.scheme is None or not revocable(evidence.scheme):
        return evidence.keys, shadow.keys
    own = draw_keys(1, rng)
    return own * len(evidence.templates), own * len(shadow.templates)


def rows_of_each_key(keys: Sequence[Key]) -> dict[Key, list[int]]:
    """Each distinct key, in order of first appearance, with the rows it belongs to."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows


def labels_of(faces: Faces, question: WhichClass) -> npt.NDArray[np.int64]:
    """(n,) class of each face, -1 where it is unknown or not in the question; ValueError where all are -1."""
    column = faces.attributes.get(question.attribute)
    labels = np.empty(0, dtype=np.int64) if column is None else class_index(column, question.classes)
    if not (labels >= 0).any():
        raise ValueError(
            f"none of the attacker's {len(faces)} faces has a '{question.attribute}' among {question.classes}; "
            "ask for an attribute of the data, or label its background and shadow subjects"
        )
    return labels


def known_labels(faces: Faces, question: WhichClass) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The classes of those faces whose class is known, and their row numbers."""
    labels = labels_of(faces, question)
    rows = np.flatnonzero(labels >= 0)
    return labels[rows], rows


def best_labelled(faces: Faces, most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Row numbers of at most ``most`` subjects: those with most attributes known, at random among equals."""
    known = np.zeros(len(faces), dtype=np.intp)
    for column in faces.attributes.values():
        known += column != ""
    for numbers in faces.values.values():
        known += np.isfinite(numbers)
    order = rng.permutation(len(faces))
    return np.asarray(order[np.argsort(-known[order], kind="stable")][:most])


def choose_probes(
    public: Faces,
    rng: np.random.Generator,
    *,
    labels: npt.NDArray[np.int64] | None = None,
    most: int = MOST_PROBES,
) -> npt.NDArray[np.int64]:
    """Row numbers of at most ``most`` public faces, in random order.

    New subjects come before further images of the same subject. With ``labels`` (n,), every class gets an equal quota,
    which a rare class may not fill, and rows labelled -1 are left out.
    """
    order = rng.permutation(len(public))
    if public.identity is not None:
        order = order[np.argsort(_times_seen(public.identity[order]), kind="stable")]
    if labels is None:
        return np.asarray(rng.permutation(order[:most]))
    classes = np.unique(labels[labels >= 0])
    chosen = [order[labels[order] == c][: most // len(classes)] for c in classes]
    # Shuffled again, because ties between responses are broken by position.
    return np.asarray(rng.permutation(np.concatenate([*chosen, np.empty(0, dtype=np.int64)]).astype(np.int64)))


def standardised(answers: Answers) -> Answers:
    """Each probe's responses, centred and scaled by the shadow templates' responses to it; (n, probes) float64 each."""
    shadow = np.asarray(answers.shadow, dtype=np.float64)
    mean, spread = shadow.mean(axis=0), shadow.std(axis=0)
    spread[spread == 0] = 1

    def scaled(values: FloatArray) -> FloatArray:
        return np.asarray(np.clip((values - mean) / spread, -_FARTHEST, _FARTHEST))

    return Answers(scaled(answers.stolen), scaled(answers.others), scaled(answers.shadow))


def ranked(answers: Answers) -> Answers:
    """The normal scores of each template's responses among themselves, ties averaged.

    They are the same for every increasing function of the responses. A scheme that squashes its scores (a probability
    near 0 or 1 instead of a logit) hides the linear relation to the embedding from a regression, but not the order.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    def scored(values: FloatArray) -> FloatArray:
        if not len(values):
            return np.empty(values.shape)
        return np.asarray(ndtri((rankdata(values, axis=1) - 0.5) / values.shape[1]))

    return Answers(scored(answers.stolen), scored(answers.others), scored(answers.shadow))


def scaled_and_ranked(answers: Answers) -> tuple[Answers, Answers]:
    """The responses standardised, as they are and by rank; an attack keeps what predicts shadow subjects better."""
    return standardised(answers), standardised(ranked(answers))


def _times_seen(identity: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """(n,) how many earlier rows show the same subject."""
    _, person = np.unique(identity, return_inverse=True)
    grouped = np.argsort(person, kind="stable")
    starts = np.searchsorted(person[grouped], person[grouped])
    seen = np.empty(len(identity), dtype=np.int64)
    seen[grouped] = np.arange(len(identity)) - starts
    return seen
