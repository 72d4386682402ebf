"""What attacks with online access share: the oracle, a guess of the threshold, and reconstructions prepared once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, Evidence, FloatArray, Key, Knowledge, Oracle, Prepared, Template
from mote_bench.toolkit import QueryOracle, draw_keys, with_preparations

from .probing import best_labelled, choose_probes, granted

Invert = Callable[[Evidence, np.random.Generator], FloatArray]
"""Reconstructs the (n, d) embeddings of all subjects behind an oracle."""

_PEOPLE_TO_LEARN_FROM = 100
_FACES, _PEOPLE = "faces", "people"
FALSE_MATCHES = 1e-3  # the operating point that the attacker assumes


def oracle_of(evidence: Evidence) -> Oracle:
    """The oracle of the running system; ValueError where the evidence grants no online access."""
    if evidence.oracle is None:
        raise ValueError(
            "this attack queries the running system, and the evidence grants no online access (evidence.oracle is None)"
        )
    return evidence.oracle


def keys_of_shadow(evidence: Evidence, people: npt.NDArray[np.intp], rng: np.random.Generator) -> list[Key] | None:
    """The keys to present to these shadow subjects' templates, as the running system gets them of this attacker.

    Without stolen keys that is one key of the attacker's own.
    """
    _, shadow = granted(evidence)
    if shadow.keys is None:
        return None
    if evidence.knowledge is Knowledge.ALGORITHM:
        return [*draw_keys(1, rng)] * len(people)
    return [shadow.keys[row] for row in people]


def guessed_threshold(
    evidence: Evidence, templates: Sequence[Template], keys: Sequence[Key] | None, rng: np.random.Generator
) -> float:
    """The threshold at which a copy of the system accepts one in a thousand public faces, against these templates."""
    public, _ = granted(evidence)
    assert evidence.scheme is not None
    scores = evidence.scheme.score(templates, public.embeddings[choose_probes(public, rng)], keys=keys)
    return float(np.quantile(scores, 1 - FALSE_MATCHES))


@dataclass(frozen=True)
class OfTargets:
    """Reconstructions of the target subjects, by queries to the running system."""

    name: str
    invert: Invert
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``faces`` per subject."""
        return Prepared({_FACES: self.invert(evidence, rng)})


@dataclass(frozen=True)
class OfShadow:
    """Reconstructions of at most 100 shadow subjects, enrolled in the attacker's own copy of the system.

    The copy has the budget and the access of the running system. There are none where the attacker can't score.
    """

    name: str
    invert: Invert
    access: Access
    per_database: bool = False

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``faces`` and the shadow subjects' rows ``people``, in common."""
        public, shadow = granted(evidence)
        if not hasattr(evidence.scheme, "score"):
            return Prepared(common={_FACES: public.embeddings[:0].astype(np.float64), _PEOPLE: np.empty(0, np.intp)})
        people = best_labelled(shadow.references, _PEOPLE_TO_LEARN_FROM, rng)
        copied = _copied_system(evidence, people, self.access, rng)
        return Prepared(common={_FACES: self.invert(copied, rng), _PEOPLE: people})


@dataclass(frozen=True)
class Reconstructed:
    """Reconstructions (n, d) of the target subjects, and (k, d) of the shadow subjects ``people`` (k,)."""

    targets: FloatArray
    shadow: FloatArray
    people: npt.NDArray[np.intp]


def reconstructed(
    evidence: Evidence, preparations: tuple[OfTargets, OfShadow], rng: np.random.Generator
) -> Reconstructed:
    """What these two preparations give."""
    done = with_preparations(evidence, preparations, rng).prepared
    targets, shadow = (done[one.name] for one in preparations)
    return Reconstructed(targets.per_template[_FACES], shadow.common[_FACES], shadow.common[_PEOPLE])


def reconstructed_targets(evidence: Evidence, preparation: OfTargets, rng: np.random.Generator) -> FloatArray:
    """(n, d) reconstructions of the target subjects."""
    done = with_preparations(evidence, (preparation,), rng).prepared
    return np.asarray(done[preparation.name].per_template[_FACES])


def _copied_system(
    evidence: Evidence, people: npt.NDArray[np.intp], access: Access, rng: np.random.Generator
) -> Evidence:
    """The same evidence for shadow subjects, behind an oracle of the attacker's own with the same budget."""
    _, shadow = granted(evidence)
    scheme, oracle = evidence.scheme, oracle_of(evidence)
    assert scheme is not None
    templates = [shadow.templates[row] for row in people]
    keys = keys_of_shadow(evidence, people, rng)
    threshold = guessed_threshold(evidence, templates, keys, rng)
    oracle_of_shadow = QueryOracle(
        scheme, templates, keys=keys, access=access, threshold=threshold, budget=oracle.budget
    )
    return replace(evidence, oracle=oracle_of_shadow)
