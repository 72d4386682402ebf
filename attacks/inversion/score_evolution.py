"""The attack without a stolen record that evolves faces by scores of the running system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichFace

from .._shared.online_access import oracle_of
from .._shared.prior import Prior
from .._shared.probing import granted

_START_SHARE = 0.25  # of the budget, to find faces to start from
_OFFSPRING = 48
_STEP = 0.5  # of the first generation, in standard deviations of the prior


class EvolutionFromScores:
    """Climb the score by an evolution strategy that adapts its step and the scale of every coordinate.

    Access and budget are those of ``online_scores.HillClimbFromScores``. The separable CMA-ES (Ros & Hansen, "A Simple
    Modification in CMA-ES Achieving Linear Time and Space Complexity", PPSN X, 2008; constants of Hansen's tutorial,
    arXiv 1604.00772) searches in the coordinates of a Gaussian fitted to public embeddings. Only the order of scores
    counts. It starts at the mean of the best faces of a quarter of the budget; these faces are the same for every
    subject.
    """

    question = WhichFace
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        prior, oracle = Prior.of(public.embeddings), oracle_of(evidence)
        strategy = _Strategy.of(len(prior.mean))
        z = rng.standard_normal((max(int(_START_SHARE * oracle.budget), len(strategy.weights)), strategy.dimension))
        best = np.argsort(-oracle.ask(prior.faces(z)), axis=1, kind="stable")[:, : len(strategy.weights)]
        # A mean of samples lies near the prior's mean; the factor gives it the distance of a sample.
        place = np.sqrt(strategy.mass) * np.einsum("k,nkd->nd", strategy.weights, z[best])
        state = _State.at(place)
        for _ in range(int(oracle.left.min()) // _OFFSPRING):
            # The same draws for every subject: a reconstruction must not depend on the subject's row.
            drawn = np.sqrt(state.scale)[:, None] * rng.standard_normal((_OFFSPRING, strategy.dimension))
            proposed = state.place[:, None] + state.step[:, None, None] * drawn
            answers = np.stack([oracle.ask(prior.faces(faces), person) for person, faces in enumerate(proposed)])
            order = np.argsort(-answers, axis=1, kind="stable")[:, : len(strategy.weights)]
            state = strategy.next(state, np.take_along_axis(drawn, order[:, :, None], axis=1))
        return prior.faces(state.place).astype(np.float64)


@dataclass(frozen=True, eq=False)
class _State:
    """Of each subject (n, d): search mean, variance of each coordinate, and two evolution paths; (n,) the step."""

    place: FloatArray
    scale: FloatArray
    step_path: FloatArray
    scale_path: FloatArray
    step: FloatArray

    @classmethod
    def at(cls, place: FloatArray) -> _State:
        nowhere = np.zeros_like(place)
        return cls(place, np.ones_like(place), nowhere, nowhere, np.full(len(place), _STEP))


@dataclass(frozen=True, eq=False)
class _Strategy:
    """The constants of Hansen's tutorial, tables 1 and 2; ``mass`` is the effective number of parents."""

    dimension: int
    weights: FloatArray
    mass: float

    @classmethod
    def of(cls, dimension: int) -> _Strategy:
        """The better half become parents; weights fall with the logarithm of the rank."""
        raw = np.log(_OFFSPRING / 2 + 0.5) - np.log(np.arange(1, _OFFSPRING // 2 + 1))
        weights = raw / raw.sum()
        return cls(dimension, weights, float(1 / (weights**2).sum()))

    def next(self, state: _State, moves: FloatArray) -> _State:
        """The state after a generation with parents at ``moves`` (n, parents, d), in steps; equations 24 to 30."""
        d, mass = self.dimension, self.mass
        rate = (mass + 2) / (d + mass + 5)
        damping = 1 + 2 * max(0.0, np.sqrt((mass - 1) / (d + 1)) - 1) + rate
        slow = (4 + mass / d) / (d + 4 + 2 * mass / d)
        # The separable strategy learns d numbers instead of d (d + 1) / 2, and so (d + 2) / 3 times as fast.
        faster = (d + 2) / 3
        one = faster * 2 / ((d + 1.3) ** 2 + mass)
        many = min(1 - one, faster * 2 * (mass - 2 + 1 / mass) / ((d + 2) ** 2 + mass))
        move = np.einsum("k,nkd->nd", self.weights, moves)
        step_path = (1 - rate) * state.step_path + np.sqrt(rate * (2 - rate) * mass) * move / np.sqrt(state.scale)
        scale_path = (1 - slow) * state.scale_path + np.sqrt(slow * (2 - slow) * mass) * move
        squares = np.einsum("k,nkd->nd", self.weights, moves**2)
        expected = np.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d**2))
        lengthened = rate / damping * (np.linalg.norm(step_path, axis=1) / expected - 1)
        return _State(
            place=state.place + state.step[:, None] * move,
            scale=(1 - one - many) * state.scale + one * scale_path**2 + many * squares,
            step_path=step_path,
            scale_path=scale_path,
            step=state.step * np.exp(np.minimum(1, lengthened)),
        )
