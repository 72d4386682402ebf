"""The attack that shows templates what no camera would: probes that reach branches of a scorer which faces don't."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Key, Knowledge, Reads, Scheme, Template
from mote_bench.questions import WhichClass
from mote_bench.toolkit import Answers, unit

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, known_labels, presented, views
from .from_bytes import linear_or_trees

_FACES = 32
_LOUD, _QUIET = 1e3, 1e-3


class ResponsesToOddProbes:
    """Train on the answers of the attacker's own templates to odd probes, answer for the stolen ones.

    The thief holds the records and a running copy of the system, enrols labelled people of their own and wants each
    victim's class; success is a balanced accuracy above chance. A system that answers faces guardedly may still have
    branches that no face reaches: a shortcut for empty input, a clamp, a leftover of debugging. So every template is
    shown single dimensions, both ways, the mean face and its opposite, opposites of faces, faces far too long or too
    short, only the signs of faces, all ones, and nothing at all. A kind that the system refuses is left out. What
    boundary values are to a test suite (Myers, The Art of Software Testing, 1979, chapter 4), these are to a scorer.
    One odd answer among hundreds is for trees, many weak ones for a logistic regression; both are tried.
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
        keys, own = presented(evidence, rng)
        faces = public.embeddings[choose_probes(public, rng, most=_FACES)]
        kinds = list(_kinds(faces, public.embeddings.mean(axis=0)))
        stolen = _answered(evidence.scheme, evidence.templates, keys, kinds)
        mine = _answered(evidence.scheme, shadow.templates, own, kinds)
        both = [(left, right) for left, right in zip(stolen, mine, strict=True) if left.shape[1] and right.shape[1]]
        if not both:
            raise ValueError("the scheme refuses or answers NaN to every odd probe")
        odd, known = (np.hstack(side) for side in zip(*both, strict=True))
        answers = Answers(odd, odd[:0], known)
        seen = [Examples(v.shadow[labelled], labels, v.stolen, len(question.classes)) for v in views(answers)]
        examples, fit = linear_or_trees(seen, int(rng.integers(2**31)))
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))


def _kinds(faces: FloatArray, mean: FloatArray) -> Iterator[FloatArray]:
    """Odd probes (any, d) float32, a kind at a time: a system may refuse some of them."""
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
    """(n, probes) answers to each kind; without columns where the system raises or an answer isn't finite.

    All kinds are asked about at once, for which a scheme expands each key once, and one by one where that fails.
    """
    together = _finite(scheme, templates, keys, np.concatenate(kinds))
    if together.shape[1]:
        return np.split(together, np.cumsum([len(probes) for probes in kinds])[:-1], axis=1)
    return [_finite(scheme, templates, keys, probes) for probes in kinds]


def _finite(
    scheme: Scheme, templates: Sequence[Template], keys: Sequence[Key] | None, probes: FloatArray
) -> FloatArray:
    """(n, probes) answers; none where one of them isn't finite."""
    try:
        with np.errstate(all="ignore"):
            answers = np.asarray(scheme.score(templates, probes, keys=keys), dtype=np.float64)
    except Exception:  # a scheme may refuse what is no face, in whatever way
        return np.empty((len(templates), 0))
    return answers if np.isfinite(answers).all() else answers[:, :0]
