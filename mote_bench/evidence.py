"""What the thief sees: the only place that turns what the harness holds into an attacker's evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, Key, Knowledge, SamePerson, Scheme, Shadow, Template
from mote_bench.toolkit import revocable

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Database:
    """The records of one enrolment of the target people, and the keys that they keep elsewhere."""

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None

    def rows(self, index: Index) -> Database:
        """The records that ``index`` names, in its order."""
        keys = None if self.keys is None else tuple(self.keys[row] for row in index)
        return Database(tuple(self.templates[row] for row in index), keys)


@dataclass(frozen=True, eq=False)
class Holdings:
    """All that the harness holds of one scheme; row i of both databases is target person i.

    ``second`` is empty where the data have no second photo of a person.
    """

    scheme: Scheme
    first: Database
    second: Database
    shadow: Shadow


@dataclass(frozen=True, eq=False)
class Theft:
    """One attacker's evidence, and what only the harness knows: who its records are.

    Attributes
    ----------
    evidence : Evidence
        All that the attack is given.
    people : (n,) int
        The target person behind each stolen record.
    others : (k,) int
        The target person behind each record of the second database.
    """

    evidence: Evidence
    people: Index
    others: Index


def levels(scheme: Scheme) -> tuple[Knowledge, ...]:
    """The knowledge levels that differ for a scheme: without keys there is none to steal."""
    return tuple(level for level in Knowledge if level is not Knowledge.STOLEN_KEY or revocable(scheme))


def steal(
    holdings: Holdings,
    question: object,
    knowledge: Knowledge,
    *,
    public: Faces,
    people: Sequence[int] | Index,
    rng: np.random.Generator,
) -> Theft:
    """The evidence of one attacker.

    Parameters
    ----------
    question : WhichClass, WhichFace or SamePerson
        Only :class:`SamePerson` is given the second database.
    public : Faces
        The background: public faces with labels.
    people : (n,) int
        The target people whose records are stolen.
    rng : numpy.random.Generator
        Deals the records in a random order, a different one for each database, so that order says nothing.
    """
    stolen = rng.permutation(np.asarray(people, dtype=np.intp))
    first = holdings.first.rows(stolen)
    linking = isinstance(question, SamePerson)
    others = rng.permutation(np.asarray(people, dtype=np.intp)) if linking else np.empty(0, dtype=np.intp)
    second = holdings.second.rows(others)
    evidence = Evidence(knowledge=knowledge, templates=first.templates, others=second.templates)
    if knowledge is not Knowledge.BYTES_ONLY:
        evidence = replace(evidence, scheme=holdings.scheme, public=public, shadow=holdings.shadow)
    if knowledge is Knowledge.STOLEN_KEY:
        evidence = replace(evidence, keys=first.keys, other_keys=second.keys if linking else None)
    return Theft(evidence, stolen, others)
