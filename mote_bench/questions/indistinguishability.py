"""Indistinguishability: is a template of the one or of the other of two known faces, under a fresh key?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, FloatArray, Scheme, Template
from mote_bench.metrics.measured import Measured
from mote_bench.toolkit import all_enrolled, draw_keys, revocable, stream, stream_seed

from .base import Exam, Offer, Question, Risk, Strictest
from .edges import rank_edge
from .staging import Case, Index, Scene, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Split

TARGET_PAIRS, SELECTION_PAIRS = 20, 8
"""Largest numbers of pairs of target and of selection subjects."""
MOST_TESTED = 1000
"""Templates of each face that an attacker may ask for."""


class TemplateChallenger:
    """Enrols one of a pair's two faces at a time, under a fresh key; a :class:`~mote_bench.contracts.Challenger`.

    Each template has a random stream of its own. So it depends on its place alone, not on how many are asked for at
    once. Like the oracle this guards against mistakes, not against intent: Python can't hide the truth from code of
    the same process.

    Parameters
    ----------
    faces : (pairs, 2, d) float
    truth : (pairs, m) int
        Which of its pair's faces each template is of.
    seed : int
        Of all keys and all randomness.
    """

    def __init__(self, scheme: Scheme, faces: FloatArray, truth: Index, *, seed: int) -> None:
        self.pairs, self.budget = truth.shape
        self.__scheme, self.__faces, self.__truth, self.__seed = scheme, faces, truth, seed
        self.__used = np.zeros(self.pairs, dtype=np.int64)

    @property
    def used(self) -> npt.NDArray[np.int64]:
        """(pairs,) number of templates given of each pair."""
        return self.__used.copy()

    def ask(self, pair: int, n: int) -> list[Template]:
        """The next ``n`` templates of a pair; ValueError when the budget doesn't allow so many."""
        first = int(self.__used[pair])
        places = range(first, first + n)
        if n < 0 or places.stop > self.budget:
            raise ValueError(f"{places.stop} templates of one pair of faces; the budget is {self.budget} per pair")
        keys = None
        if revocable(self.__scheme):
            keys = [draw_keys(1, stream(self.__seed, "key", pair, place))[0] for place in places]
        seeds = [stream_seed(self.__seed, "enroll", pair, place) for place in places]
        self.__used[pair] = places.stop
        faces = self.__faces[pair][self.__truth[pair, first : first + n]]
        return list(all_enrolled(self.__scheme.enroll(faces, keys=keys, seeds=seeds)))


@dataclass(frozen=True)
class WhichOfTwoFaces(Question):
    """Which of two known faces is each template of, made under a key of its own? Answer: (pairs, templates) float.

    Higher = likelier the second face; the attacker decides for it above 0. The attacker knows both faces and the
    algorithm, enrols them under keys of its own as often as it likes, and asks ``evidence.challenger`` for templates.
    As many are of the one face as of the other. Columns of templates that it didn't ask for don't count.

    The faces are the enrolled photos of two target subjects, or of two selection subjects. All pairs are disjoint, so
    that the interval is over independent pairs.

    Attributes
    ----------
    targets, others : int
        Numbers of target and of selection subjects.
    """

    targets: int
    others: int

    id: ClassVar[str] = "ind"
    asks: ClassVar[str] = "two faces distinguished under fresh keys"
    order: ClassVar[int] = 10
    gives_records: ClassVar[bool] = False
    risk: ClassVar[Risk | None] = Risk.LINK
    stands_alone: ClassVar[bool] = True
    breaks_by: ClassVar[str] = "auc"

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        return "auc", ("advantage",)

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        return Offer((cls(len(split.target.references), len(split.selection.references)),))

    def candidates(self, split: Split) -> FloatArray:
        """The enrolled photo of each subject."""
        parts = (split.target, split.selection)
        return np.concatenate([part.references.embeddings[:, None] for part in parts])

    def dealt(self, staged: Staged, scene: Scene, rng: np.random.Generator) -> Staged:
        """Adds pairs of faces, and a challenger with templates of them; the truth is whose each template is."""
        if scene.photos is None or staged.evidence.scheme is None:
            raise ValueError(
                "distinguishing two faces needs their photos and a scheme to enrol them; expected (n subjects, photos, "
                "d) and knowledge 'algorithm' or above"
            )
        pairs = self._pairs(rng)
        pairs = pairs[np.isin(pairs, scene.people).all(axis=1)]  # others can't be enrolled
        # Of each two templates in a row one is of either face: so any even number of them is balanced.
        couples = rng.permuted(np.tile(np.arange(2), (len(pairs) * MOST_TESTED, 1)), axis=1)
        truth = couples.reshape(len(pairs), 2 * MOST_TESTED)
        faces = scene.photos[pairs, 0]
        challenger = TemplateChallenger(staged.evidence.scheme, faces, truth, seed=int(rng.integers(2**63)))
        evidence = replace(staged.evidence, candidates=faces, challenger=challenger)
        return replace(staged, evidence=evidence, people=pairs[:, 0], truth=truth)

    def _pairs(self, rng: np.random.Generator) -> Index:
        """(pairs, 2) rows of subjects; target and selection pairs take turns, so that the first few hold both."""
        drawn, place = [], []
        for start, people, most in ((0, self.targets, TARGET_PAIRS), (self.targets, self.others, SELECTION_PAIRS)):
            number = min(people // 2, most)
            drawn.append(start + rng.permutation(people)[: 2 * number].reshape(number, 2))
            place.append((np.arange(number) + 0.5) / max(number, 1))
        return np.asarray(np.concatenate(drawn)[np.argsort(np.concatenate(place), kind="stable")], dtype=np.intp)

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return (0, 0) if evidence.challenger is None else (evidence.challenger.pairs, evidence.challenger.budget)

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        """Score the pairs of the panel's subjects."""
        from mote_bench.metrics.indistinguishability import measure_pairs

        given = case.attacked.queries
        tested = np.full(len(case.rows), case.answer.shape[1]) if given is None else given[case.rows]
        return case.with_people(measure_pairs(case.answer, case.staged.truth[case.rows], tested))

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        return cls(len(target), 0)

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        return rank_edge(answer, exam.staged.truth)

    def follows(self, answer: FloatArray, rows: Index, columns: Index) -> FloatArray | None:
        return None  # the answer is about the challenger's templates, not about stolen ones
