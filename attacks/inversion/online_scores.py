"""Attacks without a stolen record that use scores of the running system."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Oracle, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .._shared.equal_scores import drawn_where_equal
from .._shared.online_access import OfShadow, OfTargets, oracle_of, reconstructed_targets
from .._shared.prior import Displacements, Prior
from .._shared.probing import granted

_DIRECTIONS = 1.8  # of a round of climbing, in square roots of the dimension; each taken forwards and backwards
_START_SHARE = 0.25  # of the budget, to find a face to start from
_RADIUS = 0.4  # of a round's probes, in standard deviations of the prior
_RATE = 0.6  # how far a round moves, in the same
_MOMENTUM = 0.7


def solved_from_scores(evidence: Evidence, rng: np.random.Generator) -> FloatArray:
    """(n, d) float64 unit rows: all subjects behind the oracle; see :class:`LeastSquaresFromScores`."""
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
    best = np.asarray(candidates[reached.argmax(axis=1), np.arange(oracle.people)])
    return drawn_where_equal(best, scores, lambda: Prior.of(public.embeddings), rng)


EQUATIONS = OfTargets("equations", solved_from_scores)
EQUATIONS_OF_SHADOW = OfShadow("shadow equations", solved_from_scores, Access.SCORES)


class LeastSquaresFromScores:
    """Solve for the embedding behind a score that rises linearly, with two queries per dimension.

    The attacker claims to be each target subject in turn. However the template is protected, by encryption for
    instance, a score that equals a cosine is one linear equation in the embedding. Probes on either side of the mean
    face, along orthonormal directions, give 2 d - 3 such equations. They are solved by least squares in three ways: for
    cosines of embeddings, for cosines of differences from the mean face, and for differences between opposite probes
    alone. The last cancels every part of the score that is even in the probe. The remaining three queries choose the
    solution with the highest score. Subjects with equal scores get a face drawn from a prior. For encrypted systems,
    Frontiers in Imaging 4 (2025), 1476377 shows that full recovery needs hardly more scores than dimensions.
    """

    question = WhichFace
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES
    prepares = (EQUATIONS,)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        return reconstructed_targets(evidence, EQUATIONS, rng)


def _solved(inputs: FloatArray, scores: FloatArray) -> FloatArray:
    """(n, d) unit rows w of the least-squares fits ``w . input + constant`` to each subject's scores (n, m)."""
    columns = np.column_stack([inputs, np.ones(len(inputs))])
    return unit(np.linalg.lstsq(columns, scores.T, rcond=None)[0][:-1].T)


class HillClimbFromScores:
    """Climb the score in small steps in the coordinates of a prior.

    Nothing is assumed about the score. Hill climbing as in Galbally, McCool, Fierrez, Marcel & Ortega-Garcia, "On the
    vulnerability of face verification systems to hill-climbing attacks", Pattern Recognition 43 (2010) 1027-1038. The
    steps are those of a natural evolution strategy (Wierstra et al., JMLR 15 (2014) 949-980) in the coordinates of a
    Gaussian fitted to public embeddings. It starts from the best face of a quarter of the budget. Each round queries
    faces on both sides of the present one and follows the ranks of their scores, with momentum.
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
        # The same directions for every subject: a reconstruction must not depend on the subject's row.
        noises = (rng.standard_normal((directions, len(prior.mean))) for _ in range(rounds))
        both = (np.concatenate([noise, -noise]) for noise in noises)
        steps = [Displacements(ways, _RADIUS * prior.offsets(ways)) for ways in both]
        # One subject after the other: the system expands the presented key once.
        places = [_climbed(oracle, person, prior, at, steps) for person, at in enumerate(starts)]
        return prior.faces(np.stack(places)).astype(np.float64)


def _climbed(
    oracle: Oracle, person: int, prior: Prior, place: FloatArray, rounds: Sequence[Displacements]
) -> FloatArray:
    """(d,) coordinates at which one subject's climb ends."""
    speed, step, farthest = np.zeros_like(place), _RATE * np.sqrt(len(place)) / 4, 1.5 * np.sqrt(len(place))
    for steps in rounds:
        speed = _MOMENTUM * speed + (1 - _MOMENTUM) * unit(_slope(oracle, person, prior, place, steps))
        place = place + step * speed
        place *= min(1, farthest / np.linalg.norm(place))
    return place


def _slope(oracle: Oracle, person: int, prior: Prior, at: FloatArray, around: Displacements) -> FloatArray:
    """(d,) the direction in which the ranks of one subject's scores rise."""
    from scipy.stats import rankdata

    ranks = rankdata(oracle.ask(prior.displaced(at, around.offsets), person))
    return np.asarray((ranks - ranks.mean()) @ around.z)
