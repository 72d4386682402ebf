"""Attacks of someone without a record, who presents probes to the running system and reads the scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Oracle, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .._shared.online_access import oracle_of
from .._shared.prior import Prior
from .._shared.probing import granted

_DIRECTIONS = 1.8  # of a round of climbing, in square roots of the dimension; each taken forwards and backwards
_START_SHARE = 0.25  # of the budget, to find a face to start from
_RADIUS = 0.4  # of a round's probes, in standard deviations of the prior
_RATE = 0.6  # how far a round moves, in the same
_MOMENTUM = 0.7


class LeastSquaresFromScores:
    """Solve for the embedding behind a score that rises linearly, with two queries per dimension.

    The thief has no record, only the running system, whose scores are shown; they claim to be each victim and want the
    enrolled face. Success is an embedding that the system takes for the person. However the record is protected,
    encrypted say, a score that equals a cosine is one linear equation in the embedding. Probes on either side of the
    mean face along orthonormal directions give 2 d - 3 such equations. They are solved by least squares for cosines of
    embeddings, for cosines of their differences from the mean face, and, where neither fits, by the differences of
    opposite probes alone, in which all that is even in the probe cancels out; the last three queries tell which
    solution the system scores highest. That full recovery needs hardly more scores than dimensions is shown for
    encrypted systems in Frontiers in Imaging 4 (2025), 1476377.
    """

    question = WhichFace
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        oracle = oracle_of(evidence)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        axes = np.linalg.qr(rng.standard_normal((len(mean), len(mean))))[0]
        pairs = len(axes) - 3
        probes = np.concatenate([on_sphere(mean, axes), on_sphere(mean, -axes[:pairs])])
        scores = oracle.ask(probes)
        differences = scores[:, :pairs] - scores[:, len(axes) :]
        candidates = np.stack(
            [
                _solved(probes, scores),
                on_sphere(mean, _solved(unit(probes - mean), scores)),
                on_sphere(mean, unit(differences @ axes[:pairs])),
            ]
        )
        reached = np.stack([oracle.ask(candidates[:, person], person) for person in range(oracle.people)])
        return np.asarray(candidates[reached.argmax(axis=1), np.arange(oracle.people)])


def _solved(inputs: FloatArray, scores: FloatArray) -> FloatArray:
    """(n, d) unit rows w of the least-squares fits ``w . input + constant`` to each person's scores (n, m)."""
    columns = np.column_stack([inputs, np.ones(len(inputs))])
    return unit(np.linalg.lstsq(columns, scores.T, rcond=None)[0][:-1].T)


class HillClimbFromScores:
    """Climb the score in small steps among likely faces.

    The thief is where :class:`LeastSquaresFromScores` stands, but trusts nothing of how scores arise: hill climbing as
    in Galbally, McCool, Fierrez, Marcel & Ortega-Garcia, "On the vulnerability of face verification systems to
    hill-climbing attacks", Pattern Recognition 43 (2010) 1027-1038. A natural evolution strategy (Wierstra et al., JMLR
    15 (2014) 949-980) in the coordinates of a Gaussian fitted to public embeddings, from the best of a quarter of the
    queries: each round asks for faces on both sides of the present one and follows the ranks of the answers, with
    momentum.
    """

    question = WhichFace
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        prior, oracle = Prior.of(public.embeddings), oracle_of(evidence)
        z = rng.standard_normal((int(_START_SHARE * oracle.budget), len(prior.mean)))
        starts = z[oracle.ask(prior.faces(z)).argmax(axis=1)]
        directions = round(_DIRECTIONS * np.sqrt(len(prior.mean)))
        rounds = int(oracle.left.min()) // (2 * directions)
        # The same directions for everybody: an answer must not depend on a person's place among the claimed.
        noises = [rng.standard_normal((directions, len(prior.mean))) for _ in range(rounds)]
        # One person after the other goes through all rounds: the system expands the presented key once.
        places = [_climbed(oracle, person, prior, at, noises) for person, at in enumerate(starts)]
        return prior.faces(np.stack(places)).astype(np.float64)


def _climbed(oracle: Oracle, person: int, prior: Prior, place: FloatArray, noises: Sequence[FloatArray]) -> FloatArray:
    """(d,) where one person's climb ends."""
    speed, step, farthest = np.zeros_like(place), _RATE * np.sqrt(len(place)) / 4, 1.5 * np.sqrt(len(place))
    for noise in noises:
        speed = _MOMENTUM * speed + (1 - _MOMENTUM) * unit(_slope(oracle, person, prior, place, noise))
        place = place + step * speed
        place *= min(1, farthest / np.linalg.norm(place))
    return place


def _slope(oracle: Oracle, person: int, prior: Prior, at: FloatArray, noise: FloatArray) -> FloatArray:
    """(d,) the direction in which the ranks of one person's scores rise."""
    from scipy.stats import rankdata

    steps = np.concatenate([noise, -noise])
    ranks = rankdata(oracle.ask(prior.faces(at + _RADIUS * steps), person))
    return np.asarray((ranks - ranks.mean()) @ steps)
