"""The attack of someone without a record who lets a face evolve by who is let in at the running system."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Oracle, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit

from .._shared.online_access import oracle_of
from .._shared.prior import Prior
from .._shared.probing import granted
from .online_decisions import first_accepted

_START_SHARE = 0.75  # of the budget, to find a face to start from
_FIRST_STEP = 0.3  # of the mutations, in standard deviations of :func:`_shape`
_LET_IN = 0.2  # the share of a generation that the step is adapted to
_RATE = 0.2  # how far the first generation's centre moves, falling to zero with the last
_MOMENTUM = 0.7


class EvolutionFromDecisions:
    """Move an accepted face to where its mutations are let in most often.

    The thief stands where ``online_decisions.BoundaryFromDecisions`` does: no record, no score, as many queries, and
    wants the enrolled face; success is an embedding that the system takes for the person, on another photo too. It
    starts as ``BoundaryFromDecisions`` does, from a face that is let in by chance. A generation presents mutations on
    both sides of the present face, drawn wider where public embeddings differ more; the share of them that is let in
    stands for the score which nobody shows, and its natural gradient is the mean of those let in less the mean of those
    refused. The step grows while more than a fifth of a generation is let in and shrinks otherwise, so that the face
    drifts from the boundary to the middle of what is accepted.

    Bisection (``BoundaryFromDecisions``) is exact where a score falls evenly to all sides; here no single answer counts
    for much, which forgives scores in steps or random ones. Evolution against face recognition by decisions: Dong et
    al., "Efficient decision-based black-box adversarial attacks on face recognition", CVPR 2019 (arXiv 1904.04433),
    which draws mutations from an adapted covariance and keeps any that is accepted and nearer to a given face; a thief
    has no face to be near to, so the share let in is followed instead, as in the label-only attack of Ilyas et al.,
    "Black-box adversarial attacks with limited queries and information", ICML 2018 (arXiv 1804.08598), by a natural
    evolution strategy (Wierstra et al., JMLR 15 (2014) 949-980). Whoever isn't opened is answered by the first face
    that was tried.
    """

    question = WhichFace
    reads = Reads.DECISIONS
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        prior, oracle = Prior.of(public.embeddings), oracle_of(evidence)
        found, opened = first_accepted(evidence, prior, round(_START_SHARE * oracle.budget), rng)
        shape, half = _shape(prior), (len(prior.mean) + 1) // 2
        # As many mutations as dimensions, and the same ones for everybody: an answer must not depend on a person's
        # place among the claimed.
        rounds = oracle.budget // (2 * half)
        noises = [rng.standard_normal((half, len(shape))) @ shape for _ in range(rounds)]
        for person in np.flatnonzero(opened):
            generations = noises[: int(oracle.left[person]) // (2 * half)]
            found[person] = _evolved(oracle, int(person), found[person], generations)
        return found


def _shape(prior: Prior) -> FloatArray:
    """(d, d): what turns even mutations into those of a covariance halfway, in the logarithm, from even to the prior's.

    What is accepted is even about the enrolled face where the scheme compares angles, and errors of the first face lie
    where faces differ.
    """
    variances, directions = np.linalg.eigh(prior.axes @ prior.axes.T)
    return np.asarray((variances * variances.mean()) ** 0.25 * directions).T


def _evolved(oracle: Oracle, person: int, face: FloatArray, noises: Sequence[FloatArray]) -> FloatArray:
    """(d,) the unit ``face`` (d,) after a generation for each of ``noises`` (mutations / 2, d)."""
    step, speed = _FIRST_STEP, np.zeros_like(face)
    for generation, noise in enumerate(noises):
        mutations = np.concatenate([noise, -noise])
        accepted = oracle.ask(face + step * mutations, person)
        share = accepted.mean()
        step *= np.exp(share - _LET_IN)
        if 0 < share < 1:
            slope = (accepted - share) @ mutations / (len(mutations) * np.sqrt(share * (1 - share)))
            speed = _MOMENTUM * speed + (1 - _MOMENTUM) * slope
            rate = _RATE * (1 - generation / len(noises))
            face = unit(face + rate * step * np.sqrt(len(face)) * speed)
    return face
