"""Sets the scene of one cell: whose records are stolen, what is asked of them, and where answers are presented."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Access, Cell, Threat
from mote_bench.evidence import doors, steal
from mote_bench.questions import Question
from mote_bench.questions.staging import Doors, Holdings, Index, Scene, Theft
from mote_bench.settings import Setting
from mote_bench.toolkit import stream


def theft(setting: Setting, cell: Cell, holdings: Holdings, seed: int) -> tuple[Theft, Doors | None]:
    """The evidence of a cell's attack, and where the harness presents the faces it answers with.

    Raises
    ------
    ValueError
        When the cell can't be staged: decisions without a threshold.
    """
    question, threat = setting.plan.questions[cell.question], Threat.parse(cell.knowledge)
    queries = setting.protocol.queries
    allowed = {Access.SCORES: queries.scores, Access.DECISIONS: queries.decisions, Access.RECORD: 0}
    scene = Scene(
        public=setting.split.public,
        people=_attacked(setting, question, holdings, threat),
        photos=question.candidates(setting.split),
        candidates=setting.protocol.member_candidates,
        budget=allowed[threat.access] * setting.split.public.embeddings.shape[1],
        operating_fmr=setting.protocol.operating_fmr,
    )
    rng = stream(seed)
    stolen = steal(holdings, question, threat, scene=scene, rng=rng)
    return stolen, doors(holdings, question, threat, stolen=stolen, rng=rng)


def _attacked(setting: Setting, question: Question, holdings: Holdings, threat: Threat) -> Index:
    """Everybody of target and rehearsal whose answer is known and of whom there are enough records."""
    parts = (setting.split.target, setting.split.rehearsal)
    known = np.concatenate([question.answerable(part.references) for part in parts])
    if threat.records > 1:
        known &= np.isin(np.arange(len(known)), holdings.renewed_people)
    return np.flatnonzero(known)
