"""The attack that links templates by embeddings which are reconstructed without any key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import SamePerson
from mote_bench.toolkit import unit

from .._shared.probing import granted
from .._shared.two_covariance import TwoCovariance
from .._shared.unkeyed import ESTIMATES, NEEDS, estimated, solved
from .pairs import mated_above

_SHRINKS = (0.05, 0.2, 0.5)
_FOLDS = 3

Linker = Callable[[FloatArray, FloatArray], FloatArray]
"""Similarity of the rows of two tables: (n, d) and (m, d) to (n, m)."""
Learn = Callable[[FloatArray, FloatArray, FloatArray], Linker]
"""Makes a linker of two estimates (n, d) of each shadow subject and of public faces (m, d)."""


class CompareUnkeyed:
    """Reconstruct the embeddings behind both databases without any key, and compare them.

    The comparison is the cosine, or the log likelihood ratio of a two-covariance model that is fitted to the shadow
    subjects' estimates of two enrolments and to public faces. Each is also tried with the better of both signs of an
    estimate, as some constructions don't tell a face from its mirror image. What links left-out shadow subjects best is
    kept.
    """

    question = SamePerson
    reads = Reads.CLOSED_FORM
    knowledge = (Knowledge.ALGORITHM,)
    needs = NEEDS
    prepares = ESTIMATES

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64."""
        public, shadow = granted(evidence)
        estimate = estimated(evidence, rng)
        again = solved(evidence, shadow.second_templates, rng)
        if not len(again) or len(again) != len(estimate.shadow):
            raise ValueError(
                "learning to link needs shadow subjects who are enrolled twice; "
                f"given {len(estimate.shadow)} templates and {len(again)} second templates"
            )
        faces = unit(public.embeddings - estimate.mean)
        fold = rng.permutation(len(again)) % _FOLDS

        def left_out(learn: Learn) -> float:
            held_out = [(fold != k, fold == k) for k in np.unique(fold)]
            links = [(learn(estimate.shadow[known], again[known], faces), held) for known, held in held_out]
            return float(np.mean([mated_above(link(estimate.shadow[held], again[held])) for link, held in links]))

        learn = max(_linkers(), key=left_out)
        return learn(estimate.shadow, again, faces)(estimate.stolen, estimate.others)


def _linkers() -> Iterator[Learn]:
    """What is tried; the first of equals is kept."""
    plain: list[Learn] = [_cosine, *(partial(_ratio, shrink) for shrink in _SHRINKS)]
    yield from plain
    yield from (partial(_of_either_sign, learn) for learn in plain)


def _cosine(first: FloatArray, second: FloatArray, faces: FloatArray) -> Linker:
    return lambda left, right: left @ right.T


def _ratio(shrink: float, first: FloatArray, second: FloatArray, faces: FloatArray) -> Linker:
    return TwoCovariance.of((first, second), faces, shrink=shrink).log_ratio


def _of_either_sign(learn: Learn, first: FloatArray, second: FloatArray, faces: FloatArray) -> Linker:
    turned = np.where((first * second).sum(axis=1, keepdims=True) < 0, -second, second)
    link = learn(first, turned, faces)
    return lambda left, right: np.maximum(link(left, right), link(-left, right))
