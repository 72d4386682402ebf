"""The attack with out-of-distribution probes: they reach branches of a scorer that faces don't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Key, Knowledge, Reads, Scheme, Template
from mote_bench.questions import WhichClass
from mote_bench.toolkit import Answers, unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, keys_to_present, known_labels, scaled_and_ranked
from .from_bytes import linear_or_trees

_FACES = 32
_LOUD, _QUIET = 1e3, 1e-3


class ResponsesToOddProbes:
    """Train a classifier on the responses of the attacker's own templates to out-of-distribution probes.

    A scorer that protects its responses to faces may still have branches that no face reaches: a shortcut for empty
    input, a clamp, code left from debugging. So every template gets single dimensions of either sign, the mean face and
    its opposite, opposites of faces, faces far too long or too short, signs of faces, all ones, and zeros. A kind of
    probe that the scheme refuses is left out. The probes play the part of boundary values in a test suite (Myers, The
    Art of Software Testing, 1979, chapter 4). Trees find one informative response among hundreds, a logistic regression
    many weak ones; both are tried.
    """

    question = WhichClass
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        assert evidence.scheme is not None
        labels, labelled = known_labels(shadow.references, question)
        keys, own = keys_to_present(evidence, rng)
        faces = public.embeddings[choose_probes(public, rng, most=_FACES)]
        kinds = list(_kinds(faces, public.embeddings.mean(axis=0)))
        stolen = _answered(evidence.scheme, evidence.templates, keys, kinds)
        mine = _answered(evidence.scheme, shadow.templates, own, kinds)
        both = [(left, right) for left, right in zip(stolen, mine, strict=True) if left.shape[1] and right.shape[1]]
        if not both:
            raise ValueError(
                "the scheme raises or returns NaN for every odd probe, so there are no responses to learn from"
            )
        odd, known = (np.hstack(side) for side in zip(*both, strict=True))
        answers = Answers(odd, odd[:0], known)
        seen = [
            Examples(v.shadow[labelled], labels, v.stolen, len(question.classes)) for v in scaled_and_ranked(answers)
        ]
        examples, fit = linear_or_trees(seen, int(rng.integers(2**31)))
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))


def _kinds(faces: FloatArray, mean: FloatArray) -> Iterator[FloatArray]:
    """Odd probes (any, d) float32, one kind at a time: a scheme may refuse some kinds."""
    dimension = len(mean)
    axes = np.eye(dimension, dtype=np.float32)
    yield axes
    yield -axes
    yield np.stack([unit(mean), -unit(mean)]).astype(np.float32)
    yield -faces
    yield unit(np.sign(faces)).astype(np.float32)
    ones = np.full((1, dimension), dimension**-0.5, dtype=np.float32)
    yield np.concatenate([ones, -ones])
    yield (_LOUD * faces).astype(np.float32)
    yield (_QUIET * faces).astype(np.float32)
    yield np.zeros((1, dimension), dtype=np.float32)


def _answered(
    scheme: Scheme, templates: Sequence[Template], keys: Sequence[Key] | None, kinds: Sequence[FloatArray]
) -> list[FloatArray]:
    """(n, probes) responses to each kind of probe; no columns where the scheme raises or a response isn't finite.

    All kinds are presented at once, so that a scheme expands each key once; kind by kind where that fails.
    """
    together = _finite(scheme, templates, keys, np.concatenate(kinds))
    if together.shape[1]:
        return np.split(together, np.cumsum([len(probes) for probes in kinds])[:-1], axis=1)
    return [_finite(scheme, templates, keys, probes) for probes in kinds]


def _finite(
    scheme: Scheme, templates: Sequence[Template], keys: Sequence[Key] | None, probes: FloatArray
) -> FloatArray:
    """(n, probes) responses; no columns where one of them isn't finite."""
    try:
        with np.errstate(all="ignore"):
            answers = np.asarray(scheme.score(templates, probes, keys=keys), dtype=np.float64)
    except Exception:  # a scheme may refuse such probes by any exception
        return np.empty((len(templates), 0))
    return answers if np.isfinite(answers).all() else answers[:, :0]
