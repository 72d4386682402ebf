"""Builds an attacker's evidence from enrolled schemes. No other module does, so none else can leak the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mote_bench.contracts import Access, Evidence, Knowledge, Records, Shadow, Threat
from mote_bench.planning.threats import granted
from mote_bench.questions import Question
from mote_bench.questions.staging import Database, EnrolledScheme, Index, Scene, Staged, VerificationTargets
from mote_bench.toolkit import QueryOracle, draw_keys, revocable


def steal(
    enrolled: EnrolledScheme, question: Question, threat: Threat, *, scene: Scene, rng: np.random.Generator
) -> Staged:
    """The evidence of one attacker, with the truth about it.

    Parameters
    ----------
    question : Question
        States whether the attacker gets the templates and a second database, and adds its own evidence.
    rng : numpy.random.Generator
        Shuffles the templates, each database in its own order, so that the order holds no information.
    """
    stolen = rng.permutation(np.asarray(scene.people, dtype=np.intp))
    linking = question.second_database
    others = rng.permutation(np.asarray(scene.people, dtype=np.intp)) if linking else np.empty(0, dtype=np.intp)
    first, second = enrolled.first.rows(stolen), enrolled.second.rows(others)
    evidence = Evidence(knowledge=threat.knowledge)
    if threat.access is not Access.RECORD:
        evidence = replace(evidence, oracle=_oracle(enrolled, first, threat, scene, rng))
    elif question.gives_records:
        evidence = replace(evidence, templates=first.templates, others=second.templates)
    if threat.knowledge is not Knowledge.BYTES_ONLY:
        shadow = enrolled.shadow if linking else _once_enrolled(enrolled.shadow)
        scheme = granted(enrolled.scheme, threat.knowledge)
        evidence = replace(evidence, scheme=scheme, public=scene.public, shadow=shadow)
    if _with_keys(threat):
        evidence = replace(evidence, keys=first.keys, other_keys=second.keys if linking else None)
    if threat.records > 1:
        evidence = replace(evidence, renewed=_renewed(enrolled, stolen, threat))
    return question.dealt(Staged(evidence, stolen, others), scene, rng)


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


def _with_keys(threat: Threat) -> bool:
    """Whether the evidence holds keys. With online access a stolen key is presented by the oracle instead."""
    return threat.knowledge in (Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE) and threat.access is Access.RECORD


def _oracle(
    enrolled: EnrolledScheme, records: Database, threat: Threat, scene: Scene, rng: np.random.Generator
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
    )


def operating_threshold(thresholds: Mapping[str, float], fmr: str) -> float | None:
    """The threshold at this false match rate, or at the next larger one for which a threshold could be set."""
    allowed = [rate for rate in thresholds if float(rate) >= float(fmr or 0)]
    return thresholds[min(allowed, key=float)] if allowed else None


def _once_enrolled(shadow: Shadow) -> Shadow:
    return Shadow(shadow.references, shadow.templates, shadow.keys, shadow.seconds)


def _renewed(enrolled: EnrolledScheme, stolen: Index, threat: Threat) -> tuple[Records, ...]:
    """The further templates of each attacked subject, in the order of the stolen ones."""
    place = {person: row for row, person in enumerate(enrolled.renewed_people)}
    rows = np.array([place[int(person)] for person in stolen], dtype=np.intp)
    columns = [database.rows(rows) for database in enrolled.renewed[: threat.records - 1]]
    return tuple(Records(one.templates, one.keys if _with_keys(threat) else None) for one in columns)
