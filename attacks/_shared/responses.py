"""The responses of templates to the same public faces: prepared once, and what many attacks start from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Prepared
from mote_bench.toolkit import Answers, ask, with_preparations

from .probing import choose_probes, granted

_SCORES = "scores"


@dataclass(frozen=True)
class ResponsesOfTemplates:
    """The comparison scores (n, probes) of the stolen templates against at most 1,000 public faces."""

    name: str = "responses"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``scores`` per template."""
        _, shadow = granted(evidence)
        alone = replace(evidence, shadow=replace(shadow, templates=(), keys=shadow.keys and ()))
        return Prepared({_SCORES: ask(alone, _probes(evidence, rng), rng).stolen})


@dataclass(frozen=True)
class ResponsesOfShadow:
    """The comparison scores (m, probes) of the shadow subjects' templates against the same faces."""

    name: str = "shadow responses"
    per_database: bool = False

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``scores``, in common."""
        alone = replace(evidence, templates=(), keys=evidence.keys and ())
        return Prepared(common={_SCORES: ask(alone, _probes(evidence, rng), rng).shadow})


RESPONSES = (ResponsesOfTemplates(), ResponsesOfShadow())
"""For the ``prepares`` of attacks that call :func:`responses` or :func:`responses_of_each`."""


def responses(evidence: Evidence, rng: np.random.Generator) -> Answers:
    """The responses of the stolen templates, of the second database, and of the shadow subjects' templates."""
    [first], others, shadow = responses_of_each(replace(evidence, renewed=()), rng)
    return Answers(first, others, shadow)


def responses_of_each(
    evidence: Evidence, rng: np.random.Generator
) -> tuple[tuple[FloatArray, ...], FloatArray, FloatArray]:
    """As :func:`responses`, with those of each template per subject (n, probes) in place of the first one's."""
    own, shadow = RESPONSES
    done = with_preparations(evidence, RESPONSES, rng)
    first = done.prepared[own.name].per_template[_SCORES]
    more = (one.prepared[own.name].per_template[_SCORES] for one in done.renewed)
    others = done.other_prepared[own.name].per_template[_SCORES] if evidence.others else first[:0]
    return (first, *more), others, done.prepared[shadow.name].common[_SCORES]


def _probes(evidence: Evidence, rng: np.random.Generator) -> FloatArray:
    public, _ = granted(evidence)
    return public.embeddings[choose_probes(public, rng)]
