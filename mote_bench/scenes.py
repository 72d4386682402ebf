"""Sets the scene of one cell: whose records are stolen, what is asked of them, and where answers are presented."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    Access,
    Cell,
    FloatArray,
    HowMuch,
    Knowledge,
    Question,
    Threat,
    WhichClass,
    WhichFace,
    WhichKeyface,
    WhichPhoto,
)
from mote_bench.evidence import Database, Holdings, Scene, Theft, steal
from mote_bench.settings import Setting
from mote_bench.split import Enrolled
from mote_bench.tasks import Doors
from mote_bench.toolkit import class_index, draw_keys, revocable, stream

Index = npt.NDArray[np.intp]


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
        people=_victims(setting, question, holdings, threat),
        photos=_photos(setting) if isinstance(question, WhichPhoto) else None,
        candidates=setting.protocol.member_candidates,
        budget=allowed[threat.access] * setting.split.public.embeddings.shape[1],
        operating_fmr=setting.protocol.operating_fmr,
    )
    rng = stream(seed)
    stolen = steal(holdings, question, threat, scene=scene, rng=rng)
    return stolen, _doors(question, threat, holdings, stolen, rng)


def _victims(setting: Setting, question: Question, holdings: Holdings, threat: Threat) -> Index:
    """Everybody of target and rehearsal whose answer is known and of whom there are enough records."""
    references = [part.references for part in (setting.split.target, setting.split.rehearsal)]
    known = np.ones(sum(map(len, references)), dtype=bool)
    if isinstance(question, WhichClass):
        columns = [part.attributes[question.attribute] for part in references]
        known = class_index(np.concatenate(columns), question.classes) >= 0
    if isinstance(question, HowMuch):
        known = np.isfinite(np.concatenate([part.values[question.attribute] for part in references]))
    if threat.records > 1:
        known &= np.isin(np.arange(len(known)), holdings.renewed_people)
    return np.flatnonzero(known)


def _photos(setting: Setting) -> FloatArray:
    """(victims, photos, d): each victim's enrolled photo, the second one, and probes."""
    return np.concatenate(
        [_photos_of(part, setting.protocol.photos) for part in (setting.split.target, setting.split.rehearsal)]
    )


def _photos_of(people: Enrolled, photos: int) -> FloatArray:
    assert people.seconds is not None
    assert people.probes is not None
    others = [
        people.probes.embeddings[people.shown == person][: photos - 2] for person in range(len(people.references))
    ]
    columns = [people.references.embeddings[:, None], people.seconds.embeddings[:, None], np.stack(others)]
    return np.concatenate(columns, axis=1)


def _doors(
    question: Question, threat: Threat, holdings: Holdings, stolen: Theft, rng: np.random.Generator
) -> Doors | None:
    """A thief without the keys presents one of their own."""
    if not isinstance(question, WhichFace | WhichKeyface) or not holdings.thresholds:
        return None
    keyless = revocable(holdings.scheme) and threat.knowledge in (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM)

    def presented(records: Database) -> Database:
        return Database(records.templates, draw_keys(1, rng) * len(records.templates) if keyless else records.keys)

    first = presented(holdings.first.rows(stolen.people))
    if isinstance(question, WhichKeyface):
        return Doors(holdings.scheme, {"all": first})
    records = {"same": first, "another": first.rows(np.roll(np.arange(len(stolen.people)), 1))}
    if holdings.second.templates:
        records["renewed"] = presented(holdings.second.rows(stolen.people))
    return Doors(holdings.scheme, records)
