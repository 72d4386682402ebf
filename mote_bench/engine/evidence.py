"""Builds an attacker's evidence from enrolled schemes. No other module does, so none else can leak the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import OWN, Access, Evidence, Knowledge, Prepared, Records, Shadow, Threat
from mote_bench.planning.threats import granted
from mote_bench.questions import Question
from mote_bench.questions.staging import Database, EnrolledScheme, Index, Scene, Staged, VerificationTargets
from mote_bench.toolkit import QueryOracle, draw_keys, revocable

FIRST, SECOND, NO_DATABASE = "first", "second", ""
"""The databases that a preparation may run on, with those named by :func:`renewed`."""

Used = npt.NDArray[np.int64]


def renewed(number: int) -> str:
    """The name of the database of the subjects' ``number``-th further templates, from 1."""
    return f"renewed {number}"


def steal(
    enrolled: EnrolledScheme,
    question: Question,
    threat: Threat,
    *,
    scene: Scene,
    rng: np.random.Generator,
    used: Used | None = None,
) -> Staged:
    """The evidence of one attacker, with the truth about it.

    Parameters
    ----------
    question : Question
        States whether the attacker gets the templates and a second database, and adds its own evidence.
    rng : numpy.random.Generator
        Shuffles the templates, each database in its own order, so that the order holds no information.
    used : (subjects,) int, optional
        Queries that the attack's preparations have made of each subject.
    """
    stolen = rng.permutation(np.asarray(scene.people, dtype=np.intp))
    linking = question.second_database
    others = rng.permutation(np.asarray(scene.people, dtype=np.intp)) if linking else np.empty(0, dtype=np.intp)
    first, second = enrolled.first.rows(stolen), enrolled.second.rows(others)
    evidence = Evidence(knowledge=threat.knowledge)
    if threat.access is not Access.RECORD:
        before = None if used is None else used[stolen]
        evidence = replace(evidence, oracle=_oracle(enrolled, first, threat, scene, rng, before))
    elif question.gives_records:
        evidence = replace(evidence, templates=first.templates, others=second.templates)
    evidence = _knowing(evidence, enrolled, threat, scene, enrolled.shadow if linking else _once(enrolled.shadow))
    if _with_keys(threat):
        evidence = replace(evidence, keys=first.keys, other_keys=second.keys if linking else None)
    if threat.records > 1:
        evidence = replace(evidence, renewed=_renewed(enrolled, stolen, threat))
    return question.dealt(Staged(evidence, stolen, others), scene, rng)


def steal_database(
    enrolled: EnrolledScheme, database: str, threat: Threat, *, scene: Scene, rng: np.random.Generator
) -> tuple[Evidence, Index]:
    """The evidence of an attacker who asks nothing yet, for a preparation.

    Parameters
    ----------
    database : str
        ``first``, ``second``, a name given by :func:`renewed`, or empty for no templates. With online access the oracle
        is over the first one.

    Returns
    -------
    Evidence
        One database with all its subjects, in random order, or the oracle over them.
    (n,) int
        The subject of each row.
    """
    databases = {FIRST: enrolled.first, SECOND: enrolled.second}
    databases |= {renewed(number): one for number, one in enumerate(enrolled.renewed, 1)}
    if threat.access is not Access.RECORD:
        database = FIRST
    whole = databases[database] if database else enrolled.first
    rows = rng.permutation(len(whole.templates)) if database else np.empty(0, dtype=np.intp)
    again = database not in (FIRST, SECOND, NO_DATABASE)
    people = np.array(enrolled.renewed_people, dtype=np.intp)[rows] if again else rows
    there = ~np.isin(people, enrolled.refused)
    rows, people = rows[there], people[there]
    stolen, evidence = whole.rows(rows), Evidence(knowledge=threat.knowledge)
    if threat.access is Access.RECORD:
        evidence = replace(evidence, templates=stolen.templates, keys=stolen.keys if _with_keys(threat) else None)
    else:
        evidence = replace(evidence, oracle=_oracle(enrolled, stolen, threat, scene, rng, None))
    return _knowing(evidence, enrolled, threat, scene, _once(enrolled.shadow)), people


def databases(question: Question, threat: Threat) -> tuple[str, ...]:
    """The names of the databases that an attacker holds; with online access, of the one behind the oracle."""
    if threat.access is not Access.RECORD:
        return (FIRST,)
    if not question.gives_records:
        return ()
    second = (SECOND,) if question.second_database else ()
    return (FIRST, *map(renewed, range(1, threat.records)), *second)


def handed(staged: Staged, made: Iterable[tuple[str, str, Prepared, Index]]) -> Staged:
    """The evidence with what was prepared of each of its databases, in the order of its templates.

    Parameters
    ----------
    made : iterable of (database, name, Prepared, (n,) int)
        With the subject of each row. What was prepared of no database stands beside that of the first.
    """
    found: dict[str, dict[str, Prepared]] = {}
    for database, name, prepared, subjects in made:
        people = staged.others if database == SECOND else staged.people
        given = prepared if database == NO_DATABASE else _in_order(prepared, subjects, people)
        found.setdefault(database or FIRST, {})[name] = given
    evidence = staged.evidence
    more = tuple(replace(one, prepared=found.get(renewed(k), {})) for k, one in enumerate(evidence.renewed, 1))
    own, other = found.get(FIRST, {}), found.get(SECOND, {})
    return replace(staged, evidence=replace(evidence, prepared=own, other_prepared=other, renewed=more))


def _in_order(prepared: Prepared, subjects: Index, people: Index) -> Prepared:
    """What was prepared of ``subjects`` (n,), a row each, for some of them (m,), in their order."""
    place = np.full(int(subjects.max(initial=-1)) + 1, -1, dtype=np.intp)
    place[subjects] = np.arange(len(subjects))
    return prepared.rows(place[people])


def verification_targets(
    enrolled: EnrolledScheme, question: Question, threat: Threat, *, stolen: Staged, rng: np.random.Generator
) -> VerificationTargets | None:
    """The templates that reconstructed embeddings are verified against.

    ``None`` if the answer holds no embeddings, or if no threshold could be set.
    """
    if not question.presents or not enrolled.thresholds:
        return None
    first = _presentable(enrolled, enrolled.first.rows(stolen.people), threat, rng)
    wants_second = any(one.second for one in question.presents.values()) and enrolled.second.templates
    second = _presentable(enrolled, enrolled.second.rows(stolen.people), threat, rng) if wants_second else None
    places, records = np.arange(len(stolen.people)), {}
    for name, one in question.presents.items():
        database = second if one.second else first
        if database is not None:
            records[name] = database.rows(np.roll(places, one.moved)) if one.moved else database
    return VerificationTargets(enrolled.scheme, records)


def _presentable(enrolled: EnrolledScheme, records: Database, threat: Threat, rng: np.random.Generator) -> Database:
    """The templates with the keys that this attacker presents: a key of their own if they hold no subject's key."""
    if revocable(enrolled.scheme) and threat.knowledge in (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM):
        return Database(records.templates, draw_keys(1, rng) * len(records.templates))
    return records


def _knowing(evidence: Evidence, enrolled: EnrolledScheme, threat: Threat, scene: Scene, shadow: Shadow) -> Evidence:
    """The evidence with what the knowledge level grants beside the templates."""
    if threat.knowledge is Knowledge.BYTES_ONLY:
        return evidence
    scheme = granted(enrolled.scheme, threat.knowledge)
    return replace(evidence, scheme=scheme, public=scene.public, shadow=shadow)


def _with_keys(threat: Threat) -> bool:
    """Whether the evidence holds keys. With online access a stolen key is presented by the oracle instead."""
    return threat.knowledge in (Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE) and threat.access is Access.RECORD


def _oracle(
    enrolled: EnrolledScheme,
    records: Database,
    threat: Threat,
    scene: Scene,
    rng: np.random.Generator,
    used: Used | None,
) -> QueryOracle:
    claimed = _presentable(enrolled, records, threat, rng)
    threshold = operating_threshold(enrolled.thresholds, scene.operating_fmr)
    return QueryOracle(
        enrolled.scheme,
        claimed.templates,
        keys=claimed.keys,
        access=threat.access,
        threshold=threshold,
        budget=scene.budget,
        used=used,
    )


def operating_threshold(thresholds: Mapping[str, float], fmr: str) -> float | None:
    """The threshold at this false match rate, or at the next larger one for which a threshold could be set.

    A scheme that decides has its own, whatever the rate.
    """
    if OWN in thresholds:
        return thresholds[OWN]
    allowed = [rate for rate in thresholds if float(rate) >= float(fmr or 0)]
    return thresholds[min(allowed, key=float)] if allowed else None


def _once(shadow: Shadow) -> Shadow:
    return Shadow(shadow.references, shadow.templates, shadow.keys, shadow.seconds)


def _renewed(enrolled: EnrolledScheme, stolen: Index, threat: Threat) -> tuple[Records, ...]:
    """The further templates of each attacked subject, in the order of the stolen ones."""
    place = {person: row for row, person in enumerate(enrolled.renewed_people)}
    rows = np.array([place[int(person)] for person in stolen], dtype=np.intp)
    columns = [database.rows(rows) for database in enrolled.renewed[: threat.records - 1]]
    return tuple(Records(one.templates, one.keys if _with_keys(threat) else None) for one in columns)
