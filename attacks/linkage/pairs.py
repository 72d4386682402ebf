"""Attacks that learn from pairs of the attacker's own records whether two records are mated."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads, Shadow
from mote_bench.questions import SamePerson
from mote_bench.toolkit import ask, numbers, unit

from .._shared.classifiers import Examples, rotated
from .._shared.pooling import at_scales
from .._shared.probing import choose_probes, granted, ranked

_AXES = 100
_FOLDS = 3
_NON_MATED = 4  # non-mated pairs for each mated pair
_RIDGE = 0.1  # of a covariance, in mean variances
_PENALTY = 0.1  # of the logistic regression, as the inverse of its ridge

Index = npt.NDArray[np.intp]
Linker = Callable[[FloatArray, FloatArray], FloatArray]
"""Similarity of the rows of two tables: (n, p) and (m, p) to (n, m)."""


class PairsOfBytes:
    """Learn from pairs of the attacker's own records which bytes agree in mated records.

    The attacker enrols the shadow subjects twice, from another photo under another key. Plain correlation gives all
    values equal weight; this attack learns weights. Three linkers are compared on left-out subjects. The first is the
    plain cosine. The second is the cosine after whitening by the differences between mated records, each axis weighted
    by the variance between subjects (as in probabilistic discriminant analysis, Prince & Elder, ICCV 2007). The third
    is a logistic regression on products and distances of the values in their principal axes. Each is tried at every
    scale of long records and, where the scheme has ``readings``, on these.
    """

    question = SamePerson
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64."""
        _, shadow = granted(evidence)
        parts = (shadow.templates, shadow.second_templates, evidence.templates, evidence.others)
        templates = [template for part in parts for template in part]
        read = getattr(evidence.scheme, "readings", None)
        tables = [numbers(templates), *([] if read is None else map(np.asarray, read(templates)))]
        ends = np.cumsum([len(part) for part in parts])[:-1]
        quartets = [_Quartet(*np.split(scaled, ends)) for table in tables for scaled in at_scales(table)]
        return _linked(quartets, rng)


class PairsOfResponses:
    """Learn from pairs of the attacker's own records which responses agree in mated records.

    As :class:`PairsOfBytes`, on the responses to public faces, as they are and by rank.
    """

    question = SamePerson
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: SamePerson, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, n others) float64."""
        public, shadow = granted(evidence)
        faces = public.embeddings[choose_probes(public, rng)]
        again = Shadow(shadow.references, shadow.second_templates, shadow.second_keys)
        # The same generator twice: where the attacker presents a key of their own, all records get the same one.
        second = ask(replace(evidence, shadow=again, templates=(), others=()), faces, copy.deepcopy(rng))
        first = ask(evidence, faces, rng)
        return _linked(
            [
                _Quartet(view.shadow, other.shadow, view.stolen, view.others)
                for view, other in ((first, second), (ranked(first), ranked(second)))
            ],
            rng,
        )


@dataclass(frozen=True, eq=False)
class _Quartet:
    """One table of values: the shadow subjects enrolled once and again (n, p), and the two stolen databases."""

    first: FloatArray
    second: FloatArray
    stolen: FloatArray
    others: FloatArray

    def in_axes(self) -> _Quartet:
        """The same in at most 100 principal axes of the attacker's records, rows centred and standardised."""
        own = np.vstack([self.first, self.second]).astype(np.float64)
        theirs = np.vstack([self.stolen, self.others]).astype(np.float64)
        turned = rotated(Examples(own, np.zeros(len(own), dtype=np.int64), theirs, 1))
        _, values, axes = np.linalg.svd(turned.known, full_matrices=False)
        axes = axes[: min(_AXES, int((values > 1e-6 * values.max(initial=0)).sum()))]
        mine, stolen = np.split(turned.known @ axes.T, 2), np.split(turned.unknown @ axes.T, [len(self.stolen)])
        return _Quartet(mine[0], mine[1], stolen[0], stolen[1])


def _linked(quartets: Sequence[_Quartet], rng: np.random.Generator) -> FloatArray:
    """Similarity of the stolen databases, by the table and the linker that link left-out subjects best."""
    n = len(quartets[0].first)
    if not n or len(quartets[0].second) != n:
        raise ValueError(
            "learning to link needs shadow subjects who are enrolled twice; "
            f"given {n} templates and {len(quartets[0].second)} second templates"
        )
    fold, seed = rng.permutation(n) % _FOLDS, int(rng.integers(2**31))
    turned = [one for one in map(_Quartet.in_axes, quartets) if one.first.shape[1]]
    if not turned:  # all templates are equal
        return np.zeros((len(quartets[0].stolen), len(quartets[0].others)))
    best, reached = (turned[0], _plain), -1.0
    for quartet in turned:
        for learn in (_plain, _whitened, _weighed):
            share = float(
                np.mean([_mated_above_non_mated(quartet, fold == held, learn, seed) for held in range(_FOLDS)])
            )
            if share > reached:
                best, reached = (quartet, learn), share
    quartet, learn = best
    return np.asarray(learn(quartet.first, quartet.second, seed)(quartet.stolen, quartet.others), dtype=np.float64)


def _mated_above_non_mated(
    quartet: _Quartet, held: npt.NDArray[np.bool_], learn: Callable[..., Linker], seed: int
) -> float:
    """The share of non-mated pairs less similar than a left-out subject's mated pair; ties count half."""
    return mated_above(
        learn(quartet.first[~held], quartet.second[~held], seed)(quartet.first[held], quartet.second[held])
    )


def mated_above(likeness: FloatArray) -> float:
    """The share of non-mated pairs less similar than the mated pair of their row; ties count half.

    ``likeness`` (n, n) holds the mated pairs on its diagonal.
    """
    own = np.diag(likeness)[:, None]
    beaten = (likeness < own) + 0.5 * (likeness == own)
    return float((beaten.sum() - 0.5 * len(own)) / (likeness.size - len(own)))


def _plain(first: FloatArray, second: FloatArray, seed: int) -> Linker:
    return _cosine


def _cosine(left: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(unit(left) @ unit(right).T)


def _whitened(first: FloatArray, second: FloatArray, seed: int) -> Linker:
    """The cosine in whitened axes: mated records differ equally in each, weighted by the variance between subjects.

    The variance within a subject is 1/2 in every axis. Of the whole variance t of an axis, t - 1/2 is between subjects,
    so the product of two records' values gets the weight (t - 1/2) / t.
    """
    differences = first - second
    within = differences.T @ differences / len(differences)
    within += _RIDGE * (np.trace(within) / len(within) or 1.0) * np.eye(len(within))
    values, axes = np.linalg.eigh(within)
    turn = axes / np.sqrt(values)
    records = np.vstack([first, second]) @ turn
    whole, main = np.linalg.eigh(records.T @ records / len(records))
    turn = turn @ main * np.sqrt(np.maximum(whole - 0.5, 0) / np.maximum(whole, 0.5))
    return lambda left, right: _cosine(left @ turn, right @ turn)


def _weighed(first: FloatArray, second: FloatArray, seed: int) -> Linker:
    """A logistic regression on the products and the distances of two records' values."""
    from sklearn.linear_model import LogisticRegression

    n, rng = len(first), np.random.default_rng(seed)
    rows = np.tile(np.arange(n), 1 + _NON_MATED)
    columns = np.concatenate([np.arange(n), *((np.arange(n) + rng.integers(1, n)) % n for _ in range(_NON_MATED))])
    spread = np.vstack([first, second]).std(axis=0) + 1e-12
    left, right = first[rows] / spread, second[columns] / spread
    model = LogisticRegression(C=_PENALTY, class_weight="balanced", max_iter=300)
    model.fit(np.hstack([left * right, np.abs(left - right)]), rows == columns)
    products, distances = np.split(model.coef_[0], 2)

    def linker(one: FloatArray, other: FloatArray) -> FloatArray:
        one, other = one / spread, other / spread
        far = np.stack([np.abs(row - other) @ distances for row in one])
        return np.asarray((one * products) @ other.T + far)

    return linker
