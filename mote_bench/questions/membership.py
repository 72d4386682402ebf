"""Membership inference: is each candidate in the background set that the scheme was fitted on?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Shadow
from mote_bench.metrics.measured import Measured

from .base import Exam, Offer, Question, Risk, Strictest
from .edges import rank_edge
from .staging import Case, Database, Index, Scene, Staged

if TYPE_CHECKING:
    from mote_bench.planning.protocol import Protocol
    from mote_bench.planning.split import Split


@dataclass(frozen=True)
class WasMember(Question):
    """Is each candidate in the background set that the scheme was fitted on? Answer: (m candidates, 1) float."""

    id: ClassVar[str] = "member"
    asks: ClassVar[str] = "membership in the background set"
    order: ClassVar[int] = 8
    ceiling: ClassVar[str] = "memoriser"
    """Not ``cosine``: it isn't fitted on the background, so no attack can succeed on it."""
    risk: ClassVar[Risk | None] = Risk.INFER
    breaks_by: ClassVar[str] = "auc"

    @classmethod
    def reading(cls, strictest: Strictest) -> tuple[str, tuple[str, ...]]:
        return "auc", ()

    @classmethod
    def offered(cls, split: Split, protocol: Protocol) -> Offer:
        """Offered only if the attacker's public faces are the background set that the scheme was fitted on."""
        return Offer() if split.crossed else Offer((cls(),))

    def dealt(self, staged: Staged, scene: Scene, rng: np.random.Generator) -> Staged:
        """Adds candidates: one photo each of members and non-members; the attacker knows the other half of both.

        Candidate members have two photos or more, as shadow subjects do. Otherwise the number of photos, a sign of
        fame, would distinguish members from non-members.
        """
        shadow = staged.evidence.shadow
        if shadow is None or scene.public.identity is None:
            raise ValueError(
                "membership inference needs shadow subjects and a background set with identities; expected knowledge "
                "'algorithm' or above, and data with `identity`"
            )
        names, first, images = np.unique(scene.public.identity, return_index=True, return_counts=True)
        repeated = rng.permutation(np.flatnonzero(images > 1))
        non_members = rng.permutation(len(shadow.references))
        size = min(len(repeated) // 2, len(non_members) // 2, scene.candidates // 2)
        members_in_question, known = repeated[:size], np.sort(non_members[size:])
        candidates = np.concatenate(
            [scene.public.embeddings[first[members_in_question]], shadow.references.embeddings[non_members[:size]]]
        )
        public = scene.public.rows(np.flatnonzero(~np.isin(scene.public.identity, names[members_in_question])))
        order = rng.permutation(2 * size)
        evidence = replace(staged.evidence, public=public, shadow=_some(shadow, known), candidates=candidates[order])
        return replace(staged, evidence=evidence, truth=np.repeat([1, 0], size)[order])

    def shape(self, evidence: Evidence) -> tuple[int, int]:
        return 0 if evidence.candidates is None else len(evidence.candidates), 1

    def measure(self, case: Case, rng: np.random.Generator) -> Measured:
        """Score one half of the candidates for the target subjects, the other for the selection subjects."""
        from mote_bench.metrics.membership import measure_membership

        truth = case.staged.truth
        half = np.arange(len(truth)) % 2 == (case.panel.start > 0)
        return measure_membership(case.attacked.answer[half], truth[half] == 1, rng)

    @classmethod
    def example(cls, target: Faces, shadow: Faces) -> Self:
        return cls()

    def edge(self, answer: FloatArray, exam: Exam) -> float:
        return rank_edge(answer.T, exam.staged.truth[None])

    def follows(self, answer: FloatArray, rows: Index, columns: Index) -> FloatArray | None:
        return None  # the answer is about candidates, not about stolen templates


def _some(shadow: Shadow, rows: Index) -> Shadow:
    own = Database(shadow.templates, shadow.keys).rows(rows)
    return Shadow(shadow.references.rows(rows), own.templates, own.keys)
