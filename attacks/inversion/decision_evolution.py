"""The attack without a stolen record that evolves a face by accept/reject decisions of the running system."""

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
_ACCEPTED_SHARE = 0.2  # the share of accepted mutations at which the step stays the same
_RATE = 0.2  # how far the first generation's centre moves, falling to zero with the last
_MOMENTUM = 0.7


class EvolutionFromDecisions:
    """Move an accepted face to where its mutations are accepted most often.

    Access and budget are those of ``online_decisions.BoundaryFromDecisions``, and so is the start: a face that is
    accepted by chance. Each generation presents mutations on both sides of the present face, drawn wider in directions
    in which public embeddings differ more. The share of accepted mutations stands in for the hidden score. Its natural
    gradient is the mean of the accepted mutations minus the mean of the rejected ones. The step grows while more than a
    fifth of a generation is accepted and shrinks otherwise. So the face drifts from the boundary to the middle of the
    accepted region.

    Bisection (``BoundaryFromDecisions``) is exact where the score falls equally in all directions. Evolution gives no
    single decision much weight, which tolerates quantised or randomised scores. Dong et al., "Efficient decision-based
    black-box adversarial attacks on face recognition", CVPR 2019 (arXiv 1904.04433), draw mutations from an adapted
    covariance and keep any that is accepted and nearer to a given face. This attacker has no face to be near to. So the
    share of accepted mutations is followed instead, as in the label-only attack of Ilyas et al., "Black-box adversarial
    attacks with limited queries and information", ICML 2018 (arXiv 1804.08598), by a natural evolution strategy
    (Wierstra et al., JMLR 15 (2014) 949-980). A target subject without an accepted face gets one of the faces that were
    tried.
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
        # As many mutations as dimensions, and the same ones for every subject: a reconstruction must not depend on the
        # subject's row.
        rounds = oracle.budget // (2 * half)
        noises = [rng.standard_normal((half, len(shape))) @ shape for _ in range(rounds)]
        for person in np.flatnonzero(opened):
            generations = noises[: int(oracle.left[person]) // (2 * half)]
            found[person] = _evolved(oracle, int(person), found[person], generations)
        return found


def _shape(prior: Prior) -> FloatArray:
    """(d, d): transforms isotropic mutations into those of a covariance halfway (in the logarithm) to the prior's.

    The accepted region is isotropic about the enrolled face where the scheme compares angles. Errors of the first face
    follow the covariance of faces. The shape is halfway between both.
    """
    variances, directions = np.linalg.eigh(prior.axes @ prior.axes.T)
    return np.asarray((variances * variances.mean()) ** 0.25 * directions).T


def _evolved(oracle: Oracle, person: int, face: FloatArray, noises: Sequence[FloatArray]) -> FloatArray:
    """(d,) the unit ``face`` (d,) after one generation for each of ``noises`` (mutations / 2, d)."""
    step, speed = _FIRST_STEP, np.zeros_like(face)
    for generation, noise in enumerate(noises):
        mutations = np.concatenate([noise, -noise])
        accepted = oracle.ask(face + step * mutations, person)
        share = accepted.mean()
        step *= np.exp(share - _ACCEPTED_SHARE)
        if 0 < share < 1:
            slope = (accepted - share) @ mutations / (len(mutations) * np.sqrt(share * (1 - share)))
            speed = _MOMENTUM * speed + (1 - _MOMENTUM) * slope
            rate = _RATE * (1 - generation / len(noises))
            face = unit(face + rate * step * np.sqrt(len(face)) * speed)
    return face
