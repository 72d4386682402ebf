"""Builds one cell's evidence, and the templates that its reconstructions are verified against."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Access, Cell, FloatArray, Threat
from mote_bench.engine.evidence import Used, steal, verification_targets
from mote_bench.planning.settings import Setting
from mote_bench.questions import Question
from mote_bench.questions.staging import EnrolledScheme, Index, Scene, Staged, VerificationTargets
from mote_bench.toolkit import stream


def stage(
    setting: Setting, cell: Cell, enrolled: EnrolledScheme, seed: int, *, used: Used | None = None
) -> tuple[Staged, VerificationTargets | None]:
    """The evidence of a cell's attack, and the templates that its reconstructions are verified against.

    Parameters
    ----------
    used : (subjects,) int, optional
        Online queries that the attack's preparations have made of each subject.

    Raises
    ------
    ValueError
        When the evidence can't be built, such as access to decisions without a threshold.
    """
    question, threat = setting.plan.questions[cell.question], Threat.parse(cell.knowledge)
    rng, photos = stream(seed), question.candidates(setting.split)
    there = scene(setting, threat, people=_attacked(setting, question, enrolled, threat), photos=photos)
    stolen = steal(enrolled.leaked or enrolled, question, threat, scene=there, rng=rng, used=used)
    return stolen, verification_targets(enrolled, question, threat, stolen=stolen, rng=rng)


def scene(
    setting: Setting, threat: Threat, *, people: Index | tuple[int, ...] = (), photos: FloatArray | None = None
) -> Scene:
    """The setting of an attack under this threat; without people and photos, that of a preparation."""
    queries = setting.protocol.queries
    allowed = {Access.SCORES: queries.scores, Access.DECISIONS: queries.decisions, Access.RECORD: 0}
    return Scene(
        public=setting.split.public,
        people=people,
        photos=photos,
        candidates=setting.protocol.member_candidates,
        budget=allowed[threat.access] * setting.split.public.embeddings.shape[1],
        operating_fmr=setting.protocol.operating_fmr,
    )


def _attacked(setting: Setting, question: Question, enrolled: EnrolledScheme, threat: Threat) -> Index:
    """The target and selection subjects whose true answer is known whom the scheme enrolled often enough."""
    parts = (setting.split.target, setting.split.selection)
    known = np.concatenate([question.answerable(part.references) for part in parts])
    if threat.records > 1:
        known &= np.isin(np.arange(len(known)), enrolled.renewed_people)
    known[list(enrolled.refused)] = False
    return np.flatnonzero(known)
