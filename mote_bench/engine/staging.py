"""Builds one cell's evidence, and the templates that its reconstructions are verified against."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Access, Cell, Threat
from mote_bench.engine.evidence import steal, verification_targets
from mote_bench.planning.settings import Setting
from mote_bench.questions import Question
from mote_bench.questions.staging import EnrolledScheme, Index, Scene, Staged, VerificationTargets
from mote_bench.toolkit import stream


def stage(
    setting: Setting, cell: Cell, enrolled: EnrolledScheme, seed: int
) -> tuple[Staged, VerificationTargets | None]:
    """The evidence of a cell's attack, and the templates that its reconstructions are verified against.

    Raises
    ------
    ValueError
        When the evidence can't be built, such as access to decisions without a threshold.
    """
    question, threat = setting.plan.questions[cell.question], Threat.parse(cell.knowledge)
    queries = setting.protocol.queries
    allowed = {Access.SCORES: queries.scores, Access.DECISIONS: queries.decisions, Access.RECORD: 0}
    scene = Scene(
        public=setting.split.public,
        people=_attacked(setting, question, enrolled, threat),
        photos=question.candidates(setting.split),
        candidates=setting.protocol.member_candidates,
        budget=allowed[threat.access] * setting.split.public.embeddings.shape[1],
        operating_fmr=setting.protocol.operating_fmr,
    )
    rng = stream(seed)
    stolen = steal(enrolled, question, threat, scene=scene, rng=rng)
    return stolen, verification_targets(enrolled, question, threat, stolen=stolen, rng=rng)


def _attacked(setting: Setting, question: Question, enrolled: EnrolledScheme, threat: Threat) -> Index:
    """The target and selection subjects whose true answer is known and who have enough templates."""
    parts = (setting.split.target, setting.split.selection)
    known = np.concatenate([question.answerable(part.references) for part in parts])
    if threat.records > 1:
        known &= np.isin(np.arange(len(known)), enrolled.renewed_people)
    return np.flatnonzero(known)
