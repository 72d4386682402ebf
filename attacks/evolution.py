"""The attack of someone without a record who lets faces evolve under the scores of the running system."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, WhichFace

from .prior import Prior
from .probing import granted
from .score_queries import oracle_of

_START_SHARE = 0.25  # of the budget, to find faces to start from
_OFFSPRING = 48
_STEP = 0.5  # of the first generation, in standard deviations of the prior


class Evolve:
    """Climb the score by an evolution strategy that adapts its step and the scale of every coordinate.

    The thief stands where ``score_queries.Climb`` does: no record, the running system's scores, as many queries, and
    wants the enrolled face; success is an embedding that the system takes for the person. The separable CMA-ES (Ros &
    Hansen, "A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity", PPSN X, 2008; Hansen's
    tutorial, arXiv 1604.00772, for its constants) in the coordinates of a Gaussian fitted to public embeddings. Only
    the order of scores counts. Its first mean is that of the best faces of a quarter of the queries, which are the
    same for everybody.
    """

    question = WhichFace
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        prior, oracle = Prior.of(public.embeddings), oracle_of(evidence)
        n, d = oracle.people, len(prior.mean)
        weights = _weights(_OFFSPRING)
        parents, mass = len(weights), 1 / (weights**2).sum()
        z = rng.standard_normal((max(int(_START_SHARE * oracle.budget), parents), d))
        best = np.argsort(-oracle.ask(prior.faces(z)), axis=1, kind="stable")[:, :parents]
        place = np.einsum("k,nkd->nd", weights, z[best])
        # Means of several likely faces are near the mean face; as far out as faces are, at the same mixture.
        place *= np.sqrt(mass)
        step, scale = np.full(n, _STEP), np.ones((n, d))
        path, track = np.zeros((n, d)), np.zeros((n, d))
        damping_rate = (mass + 2) / (d + mass + 5)
        damping = 1 + 2 * max(0.0, np.sqrt((mass - 1) / (d + 1)) - 1) + damping_rate
        rank = (4 + mass / d) / (d + 4 + 2 * mass / d)
        # The separable strategy learns d numbers instead of d (d + 1) / 2, and so (d + 2) / 3 times as fast.
        one = (d + 2) / 3 * 2 / ((d + 1.3) ** 2 + mass)
        many = min(1 - one, (d + 2) / 3 * 2 * (mass - 2 + 1 / mass) / ((d + 2) ** 2 + mass))
        expected = np.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d**2))
        for _ in range(int(oracle.left.min()) // _OFFSPRING):
            # The same draws for everybody: an answer must not depend on a person's place among the claimed.
            noise = rng.standard_normal((_OFFSPRING, d))
            drawn = np.sqrt(scale)[:, None] * noise
            answers = np.stack([oracle.ask(prior.faces(place[i] + step[i] * drawn[i]), i) for i in range(n)])
            chosen = np.argsort(-answers, axis=1, kind="stable")[:, :parents]
            moves = np.take_along_axis(drawn, chosen[:, :, None], axis=1)
            move = np.einsum("k,nkd->nd", weights, moves)
            place = place + step[:, None] * move
            path = (1 - damping_rate) * path + np.sqrt(damping_rate * (2 - damping_rate) * mass) * move / np.sqrt(scale)
            track = (1 - rank) * track + np.sqrt(rank * (2 - rank) * mass) * move
            scale = (1 - one - many) * scale + one * track**2 + many * np.einsum("k,nkd->nd", weights, moves**2)
            length = np.linalg.norm(path, axis=1)
            step = step * np.exp(np.minimum(1, damping_rate / damping * (length / expected - 1)))
        return prior.faces(place).astype(np.float64)


def _weights(offspring: int) -> FloatArray:
    """Of the better half, falling with the logarithm of the rank; they sum to one."""
    rank = np.arange(1, offspring // 2 + 1)
    raw = np.log(offspring / 2 + 0.5) - np.log(rank)
    return np.asarray(raw / raw.sum())
