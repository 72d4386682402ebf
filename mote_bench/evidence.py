"""What the thief sees: the only place that turns what the harness holds into an attacker's evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    Access,
    Evidence,
    Faces,
    FloatArray,
    Key,
    Knowledge,
    Question,
    Records,
    SamePerson,
    Scheme,
    Shadow,
    Template,
    Threat,
    WasMember,
    WhichKeyface,
    WhichPhoto,
)
from mote_bench.door import Door
from mote_bench.toolkit import draw_keys, revocable

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Database:
    """The records of one enrolment of the victims, and the keys that they keep elsewhere."""

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None

    def rows(self, index: Index) -> Database:
        """Copies of the records that ``index`` names, made in its order.

        Copies, because objects lie in memory in the order in which they were made: whoever sorts records by address
        would have the order of enrolment, which is the same in every database.
        """
        keys = None if self.keys is None else tuple(_copied(self.keys[row]) for row in index)
        return Database(tuple(_copied(self.templates[row]) for row in index), keys)

    def __add__(self, other: Database) -> Database:
        keys = None if self.keys is None or other.keys is None else self.keys + other.keys
        return Database(self.templates + other.templates, keys)


def _copied(record: bytes) -> bytes:
    return bytes(bytearray(record))


@dataclass(frozen=True, eq=False)
class Holdings:
    """All that the harness holds of one scheme; row i of every database is victim i.

    Attributes
    ----------
    second : Database
        The victims enrolled from another photo; empty where the data have none.
    renewed : tuple of Database
        The victims ``renewed_people`` enrolled again and again from the first photo, under new keys.
    thresholds : mapping of FMR -> score
        Where the running system accepts, by the false-match rate among the attacker's people.
    """

    scheme: Scheme
    first: Database
    second: Database
    shadow: Shadow
    renewed: tuple[Database, ...] = ()
    renewed_people: tuple[int, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scene:
    """What is stolen from whom, besides the records themselves.

    Attributes
    ----------
    public : Faces
        Public faces with labels.
    people : sequence of int
        The victims whose records are stolen.
    photos : (n victims, photos, d) float, optional
        For :class:`WhichPhoto`: candidates for each victim, the enrolled photo first.
    candidates : int
        For :class:`WasMember`: at most so many faces are in question. The scheme was fitted on ``public``.
    budget : int
        How many queries of each person the running system allows.
    operating_fmr : str
        The false-match rate at which it lets people in.
    """

    public: Faces
    people: Sequence[int] | Index
    photos: FloatArray | None = None
    candidates: int = 0
    budget: int = 0
    operating_fmr: str = ""


@dataclass(frozen=True, eq=False)
class Theft:
    """One attacker's evidence, and what only the harness knows.

    Attributes
    ----------
    evidence : Evidence
        All that the attack is given.
    people : (n,) int
        The victim behind each stolen record.
    others : (k,) int
        The victim behind each record of the second database.
    truth : (n,) or (m,) int
        Which candidate photo is the enrolled one; whether each candidate was a member.
    """

    evidence: Evidence
    people: Index
    others: Index
    truth: Index = field(default_factory=lambda: np.empty(0, dtype=np.intp))


def levels(scheme: Scheme) -> tuple[Knowledge, ...]:
    """The knowledge levels that differ for a scheme: what has no key or secret has none to steal or disclose."""
    absent = set() if revocable(scheme) else {Knowledge.STOLEN_KEY}
    absent |= set() if hasattr(scheme, "public") else {Knowledge.FULL_DISCLOSURE}
    return tuple(level for level in Knowledge if level not in absent)


def granted(scheme: Scheme, knowledge: Knowledge) -> Scheme:
    """The scheme as the thief holds it: without the system's own secrets, unless they are disclosed."""
    if knowledge is Knowledge.FULL_DISCLOSURE or not hasattr(scheme, "public"):
        return scheme
    return cast(Scheme, scheme.public())


def steal(holdings: Holdings, question: Question, threat: Threat, *, scene: Scene, rng: np.random.Generator) -> Theft:
    """The evidence of one attacker.

    Parameters
    ----------
    question : Question
        Only :class:`SamePerson` is given the second database; :class:`WhichKeyface` is given no record at all.
    rng : numpy.random.Generator
        Deals the records in a random order, a different one for each database, so that order says nothing.
    """
    stolen = rng.permutation(np.asarray(scene.people, dtype=np.intp))
    linking = isinstance(question, SamePerson)
    others = rng.permutation(np.asarray(scene.people, dtype=np.intp)) if linking else np.empty(0, dtype=np.intp)
    first, second = holdings.first.rows(stolen), holdings.second.rows(others)
    evidence = Evidence(knowledge=threat.knowledge)
    if threat.access is not Access.RECORD:
        evidence = replace(evidence, oracle=_door(holdings, first, threat, scene, rng))
    elif not isinstance(question, WhichKeyface):
        evidence = replace(evidence, templates=first.templates, others=second.templates)
    if threat.knowledge is not Knowledge.BYTES_ONLY:
        shadow = holdings.shadow if linking else _once_enrolled(holdings.shadow)
        scheme = granted(holdings.scheme, threat.knowledge)
        evidence = replace(evidence, scheme=scheme, public=scene.public, shadow=shadow)
    if _with_keys(threat):
        evidence = replace(evidence, keys=first.keys, other_keys=second.keys if linking else None)
    if threat.records > 1:
        evidence = replace(evidence, renewed=_renewed(holdings, stolen, threat))
    if isinstance(question, WhichPhoto):
        return _with_photos(Theft(evidence, stolen, others), scene, rng)
    if isinstance(question, WasMember):
        return _with_candidates(Theft(evidence, stolen, others), scene, rng)
    return Theft(evidence, stolen, others)


def _with_keys(threat: Threat) -> bool:
    """At the door of the running system a stolen key is presented, not seen in use."""
    return threat.knowledge in (Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE) and threat.access is Access.RECORD


def _door(holdings: Holdings, victims: Database, threat: Threat, scene: Scene, rng: np.random.Generator) -> Door:
    keys = victims.keys
    if revocable(holdings.scheme) and threat.knowledge in (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM):
        keys = draw_keys(1, rng) * len(victims.templates)
    threshold = operating_threshold(holdings.thresholds, scene.operating_fmr)
    return Door(
        holdings.scheme, victims.templates, keys=keys, access=threat.access, threshold=threshold, budget=scene.budget
    )


def operating_threshold(thresholds: Mapping[str, float], fmr: str) -> float | None:
    """The threshold at this rate, or at the next larger one that could be set."""
    allowed = [rate for rate in thresholds if float(rate) >= float(fmr or 0)]
    return thresholds[min(allowed, key=float)] if allowed else None


def _once_enrolled(shadow: Shadow) -> Shadow:
    return Shadow(shadow.references, shadow.templates, shadow.keys, shadow.seconds)


def _renewed(holdings: Holdings, stolen: Index, threat: Threat) -> tuple[Records, ...]:
    """The further records of each stolen one, in the same order."""
    place = {person: row for row, person in enumerate(holdings.renewed_people)}
    rows = np.array([place[int(person)] for person in stolen], dtype=np.intp)
    columns = [database.rows(rows) for database in holdings.renewed[: threat.records - 1]]
    return tuple(Records(one.templates, one.keys if _with_keys(threat) else None) for one in columns)


def _with_photos(theft: Theft, scene: Scene, rng: np.random.Generator) -> Theft:
    if scene.photos is None:
        raise ValueError("there are no candidate photos to choose from")
    photos = scene.photos[theft.people]
    order = rng.permuted(np.tile(np.arange(photos.shape[1]), (len(photos), 1)), axis=1)
    shown = np.take_along_axis(photos, order[:, :, None], axis=1)
    return replace(theft, evidence=replace(theft.evidence, candidates=shown), truth=np.argmin(order, axis=1))


def _with_candidates(theft: Theft, scene: Scene, rng: np.random.Generator) -> Theft:
    """Half of the people of either kind are known to the attacker; of the others one photo each is in question.

    Members in question have two photos or more, as the attacker's own people do: were they people of one photo, fame
    would tell them apart.
    """
    shadow = theft.evidence.shadow
    if shadow is None or scene.public.identity is None:
        raise ValueError("membership needs an attacker with people of their own, and a background with identities")
    names, first, images = np.unique(scene.public.identity, return_index=True, return_counts=True)
    repeated = rng.permutation(np.flatnonzero(images > 1))
    strangers = rng.permutation(len(shadow.references))
    size = min(len(repeated) // 2, len(strangers) // 2, scene.candidates // 2)
    asked, known = repeated[:size], np.sort(strangers[size:])
    candidates = np.concatenate([scene.public.embeddings[first[asked]], shadow.references.embeddings[strangers[:size]]])
    public = scene.public.rows(np.flatnonzero(~np.isin(scene.public.identity, names[asked])))
    order = rng.permutation(2 * size)
    evidence = replace(theft.evidence, public=public, shadow=_some(shadow, known), candidates=candidates[order])
    return replace(theft, evidence=evidence, truth=np.repeat([1, 0], size)[order])


def _some(shadow: Shadow, rows: Index) -> Shadow:
    own = Database(shadow.templates, shadow.keys).rows(rows)
    return Shadow(shadow.references.rows(rows), own.templates, own.keys)
