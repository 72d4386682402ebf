"""How many multiplications and additions model templates take, and how long one matrix product of as many takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np

from mote_bench.mote import solved
from mote_bench.mote.closed_form import ClosedFormMOTE
from mote_bench.mote.scheme import MOTE

_SIDE = 1024


def one_product(operations: float) -> float:
    """Seconds that so many multiplications and additions take in one square product of float32: the machine's limit."""
    one = np.ones((_SIDE, _SIDE), dtype=np.float32)
    return median(lambda: one @ one) / (2 * _SIDE**3) * operations


def median(work: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the processor, the middle of a few runs."""
    seconds = []
    for _ in range(rounds):
        start = process_time()
        work()
        seconds.append(process_time() - start)
    return float(np.median(seconds))


def scoring(scheme: Any, templates: int, probes: int, dimension: int) -> float:
    """Of scoring all templates against all probes."""
    pairs = 2.0 * templates * probes
    if isinstance(scheme, ClosedFormMOTE):
        width = scheme.width(dimension)
        # The whitening goes into each template's weights, the shared units are each probe's.
        return (
            pairs * (width or dimension)
            + 2.0 * templates * (width or dimension) ** 2
            + 2.0 * probes * dimension * width
        )
    if isinstance(scheme, MOTE):
        return pairs * weights((dimension, *scheme.recipe.hidden, 1))
    return pairs * dimension


def enrolment(scheme: Any, background: int, validation: int, dimension: int) -> float:
    """Of enrolling one person; of a net that is trained, of one epoch of it. Draws and sums aren't counted.

    Parameters
    ----------
    background, validation : int
        Number of background faces that a net is trained on, and of those by which training stops.
    """
    if isinstance(scheme, ClosedFormMOTE):
        width, draws = scheme.width(dimension), scheme.positives
        shared = dimension * width + width**2 if width else dimension**2
        return 2.0 * draws * (shared + (draws + 3) * (width or dimension))
    if isinstance(scheme, solved.SolvedMOTE):
        return _solving((dimension, *scheme.recipe.hidden, 1), background)
    if isinstance(scheme, MOTE):
        sizes = (dimension, *scheme.recipe.hidden, 1)
        # Answers, slopes of the weights, and slopes of the units, which the first layer's inputs don't need.
        step = 3 * weights(sizes) - sizes[0] * sizes[1]
        return 2.0 * (1.5 * background * step + 1.5 * validation * weights(sizes))
    return 2.0 * dimension


def _solving(sizes: Sequence[int], background: int) -> float:
    """As :meth:`SolvedMOTE._solved` goes: the rows are a subject's draws and the chosen background faces."""
    dimension, first = sizes[0], sizes[1]
    draws, negatives = solved.POSITIVES, min(solved.HARD + solved.ANY, background)
    rows = draws + negatives
    total = draws * dimension**2 + draws**2 * dimension + background * dimension  # whitening, inner, who is alike
    total += first * negatives * dimension + 2 * draws * first * dimension  # parts of the background, solved
    total += dimension**2 * first  # the first layer for faces that aren't whitened
    for inputs, outputs, above in zip(sizes, sizes[1:], sizes[2:], strict=False):
        total += rows * inputs * outputs + above * negatives * outputs  # units of all rows, parts of the background
        total += rows * outputs**2 + outputs**3 // 3 + above * outputs**2  # their spread, solved with
    return 2.0 * total


def weights(sizes: Sequence[int]) -> int:
    """Of a net with these widths, biases aside."""
    return sum(inputs * outputs for inputs, outputs in pairwise(sizes))
