"""LFW's View 2: ten folds of 300 equal and 300 unequal pairs, the usual check of a recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError
from mote_bench.data.pictures import lists

Pair = tuple[str, str]
Folds = list[list[tuple[Pair, bool]]]


@dataclass(frozen=True)
class Accuracy:
    """Share of pairs classified correctly, each fold by the best threshold of the others; and its standard error."""

    mean: float
    standard_error: float
    pairs: int
    unseen: int
    """Pairs with a picture without an embedding: rejected, as a running system would."""


def folds(pairs: Path) -> Folds:
    """The pairs of ``pairs.txt`` (names ``Person/Person_0001.jpg``), fold by fold, with whether they are mated.

    Raises
    ------
    InputError
        When a line is neither ``name i j`` nor ``name i name j``, or there are others than the first line promises.
    """
    header, *lines = lists.words(pairs) or [[]]
    try:
        count, half = (int(word) for word in header)
        read = [_pair(line) for line in lines]
        if len(read) != 2 * half * count:
            raise ValueError(f"{len(read)} pairs where its first line promises {2 * half * count}")
        if count < 2 or half < 1:
            raise ValueError(f"{count} folds of {half} pairs; expected 2 folds or more")
    except ValueError as error:
        raise InputError(f"'{pairs}' is no pairs.txt of LFW ({error}); take the file of the data set") from None
    return [read[start : start + 2 * half] for start in range(0, len(read), 2 * half)]


def accuracy(found: Mapping[str, FloatArray], made: Folds) -> Accuracy:
    """Accuracy of the cosines of ``found`` (picture's name -> (d,) embedding) on the pairs."""
    scores = [np.array([_cosine(found, pair) for pair, _ in fold]) for fold in made]
    truth = [np.array([same for _, same in fold]) for fold in made]
    right = []
    for left_out in range(len(made)):
        others = [fold for fold in range(len(made)) if fold != left_out]
        threshold = _best(np.concatenate([scores[fold] for fold in others]), np.concatenate([truth[k] for k in others]))
        right.append(((scores[left_out] >= threshold) == truth[left_out]).mean())
    unseen = sum(int(np.isneginf(fold).sum()) for fold in scores)
    error = float(np.std(right, ddof=1) / np.sqrt(len(right)))
    return Accuracy(float(np.mean(right)), error, sum(map(len, made)), unseen)


def _pair(parts: list[str]) -> tuple[Pair, bool]:
    if len(parts) == 3:
        name, first, second = parts
        return (_picture(name, first), _picture(name, second)), True
    if len(parts) != 4:
        raise ValueError(f"a line of {len(parts)} words: '{' '.join(parts)[:60]}'")
    name, first, other, second = parts
    return (_picture(name, first), _picture(other, second)), False


def _picture(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"


def _cosine(found: Mapping[str, FloatArray], pair: Pair) -> float:
    if not all(name in found for name in pair):
        return -np.inf
    first, second = (found[name].astype(np.float64) for name in pair)
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _best(scores: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]) -> float:
    """The threshold that classifies most pairs correctly: scores at or above it count as mated."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    gained = np.cumsum(np.where(same[order], 1, -1))
    last = np.append(ranked[1:] != ranked[:-1], True)  # no threshold between equal scores
    place = int(np.argmax(np.where(last, gained, -len(ranked))))
    following = ranked[place + 1] if place + 1 < len(ranked) and np.isfinite(ranked[place + 1]) else ranked[place]
    return float((ranked[place] + following) / 2)
