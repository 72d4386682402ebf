"""Reconstruction from few accept/reject decisions of the running system, and from few rejections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, Evidence, Faces, FloatArray, Knowledge, Limits, Oracle, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit

from .._shared.acceptance_link import Link
from .._shared.half_space_filter import HalfSpaceFilter
from .._shared.online_access import oracle_of
from .._shared.prior import Prior
from .._shared.probing import granted

_MOST_QUERIES = 256
_MOST_AXES = 128
"""Of the posterior: the cost of an update grows with their square."""
_CANDIDATES, _SAMPLED, _CROWD = 400, 800, 1000
_START_SHARE = 0.75
"""Share of the queries with which the attacker looks for a first accepted face at most."""
_SHRUNK = (0.5, 0.75, 1.0)
"""Shares of a public face's deviation from the mean that first faces keep: many faces are near those near the mean."""
_BLUR = 0.25
"""Least width of the link in the choice of first faces, in standard deviations of the products: the public faces are a
sample, and the enrolled face is none of them."""
_AT_ONCE, _FIRST_AT_ONCE = 8, 16
_ANGLES = np.linspace(0.04, 1.5, 24)
_SAFEST = 0.97
"""The highest probability of acceptance that the attacker asks for where rejections are counted."""


class PosteriorFromFewDecisions:
    """Present likely faces until one is accepted, then the faces whose decision says most of the enrolled one.

    The first faces are public ones, lie between these and their mean, or are drawn from a Gaussian. They are presented
    in the order of a prior, which is the crowd of public faces itself: each is the one most probably accepted, given
    that all before it were rejected. After the first acceptance a Gaussian posterior is kept
    (:class:`~mote_attacks._shared.half_space_filter.HalfSpaceFilter`). Each further probe is turned from the expected
    face in a direction that is still uncertain, by the angle at which half of such probes are accepted. That
    decision has the most entropy. Where the system locks the account after fewer rejections than half of the queries,
    the angle is smaller, so that the rejections last as long as the queries. At most 256 queries are made.

    How a decision depends on probe and embedding is learned on shadow subjects (:class:`Link`). The system's threshold
    is not known to the attacker: the posterior is joint with its difference from the guessed one. That decisions
    give away embeddings is known of encrypted systems (arXiv 2601.17620). Adaptive half-space queries are those of
    version-space bisection (Seung, Opper & Sompolinsky, "Query by committee", COLT 1992). A subject without an accepted
    face gets the face that would have been presented next.
    """

    question = WhichFace
    reads = Reads.DECISIONS
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS
    budgets = (16, 32, 64, 128)
    limits = tuple(Limits(rejections=rejections) for rejections in (10, 100))
    only_when_named = True  # each decision is followed by an update in turn: about a minute of CPU a scheme

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        oracle, prior = oracle_of(evidence), Prior.of(public.embeddings)
        link, queries = Link.learned(evidence, rng), min(oracle.budget, _MOST_QUERIES)
        most = round(_START_SHARE * queries) if oracle.rejections is None else min(queries, oracle.rejections)
        faces = _first_faces(public, prior, link, most + 1, rng)
        space, turns = _Space.of(prior, link), rng.standard_normal((queries, min(_MOST_AXES, len(prior.mean))))
        found = np.empty((oracle.people, len(prior.mean)))
        for person in range(oracle.people):
            # The same faces and directions for every subject: a row must not depend on its place.
            found[person] = _searched(_Session(oracle, person, queries), faces, space, turns)
        return found


@dataclass(frozen=True, eq=False)
class _Session:
    """The queries that one subject's account allows; ``queries`` are made at most."""

    oracle: Oracle
    person: int
    queries: int

    @property
    def left(self) -> int:
        """Queries that may still be made; 0 where the account is locked."""
        return max(int(self.oracle.left[self.person]) - self.oracle.budget + self.queries, 0)

    def ask(self, probes: FloatArray) -> npt.NDArray[np.bool_]:
        """(k,) decisions on the first k of the probes (m, d): all, unless the account is locked before."""
        if self.oracle.rejections is None:
            return self.oracle.ask(probes, self.person) > 0
        decisions = []
        for probe in probes:
            if not self.left:
                break
            decisions.append(bool(self.oracle.ask(probe[None], self.person)[0]))
        return np.array(decisions, dtype=bool)


@dataclass(frozen=True, eq=False)
class _Space:
    """The leading principal axes of public faces, in which the posterior is kept, and the error of the guessed bound.

    Attributes
    ----------
    axes : (r, d) float64
    covariance : (r + 1, r + 1) float64
        The last coordinate is by how much the system's bound exceeds the link's.
    width : float
        The link's, widened by what the left-out axes add to a product.
    """

    link: Link
    axes: FloatArray
    covariance: FloatArray
    width: float

    @classmethod
    def of(cls, prior: Prior, link: Link) -> _Space:
        variances, axes = np.linalg.eigh(prior.axes @ prior.axes.T)
        kept = np.argsort(-variances, kind="stable")[:_MOST_AXES]
        left_out = max(float(variances.sum() - variances[kept].sum()), 0.0) / len(variances)
        covariance = np.diag(np.append(variances[kept], link.doubt**2))
        return cls(link, axes[:, kept].T, covariance, float(np.hypot(link.width, np.sqrt(left_out))))

    def expected(self, belief: HalfSpaceFilter) -> FloatArray:
        """(d,) the unit expected face."""
        return np.asarray(unit(self.link.mean + belief.mean[:-1] @ self.axes))

    def coordinates(self, directions: FloatArray) -> FloatArray:
        """(m, r + 1) what the belief is multiplied by for the directions h (m, d)."""
        return np.column_stack([directions @ self.axes.T, -np.ones(len(directions))])

    def probes(self, belief: HalfSpaceFilter, turns: FloatArray, wanted: float) -> FloatArray:
        """(m, d) unit probes in uncertain directions, each accepted with a probability near ``wanted``."""
        face = self.expected(belief)
        sideways: FloatArray = (turns @ belief.covariance[:-1, :-1]) @ self.axes
        sideways = unit(sideways - (sideways @ face)[:, None] * face)
        best = np.abs(self._chances(belief, face, sideways) - wanted).argmin(axis=1)
        angle = _ANGLES[best][:, None]
        return np.asarray(np.cos(angle) * face + np.sin(angle) * sideways)

    def _chances(self, belief: HalfSpaceFilter, face: FloatArray, sideways: FloatArray) -> FloatArray:
        """(m, angles) probability that ``face`` (d,), turned towards each of ``sideways`` (m, d), is accepted.

        A turned face is a sum of three vectors, so products with them are enough for all angles.
        """
        mean, cos, sin = self.link.mean, np.cos(_ANGLES), np.sin(_ANGLES)
        covariance, shared, at_mean = belief.covariance[:-1, :-1], belief.covariance[:-1, -1], belief.mean[:-1]
        less = 1.0 if self.link.centred else 0.0
        fixed = np.stack([face, mean]) @ self.axes.T
        turned = sideways @ self.axes.T
        fixed_along, turned_along = fixed @ covariance, turned @ covariance
        (ff, fm), (_, mm) = fixed_along @ fixed.T
        sf, sm = (turned_along @ fixed.T).T[:, :, None]
        ss = (turned_along * turned).sum(axis=1)[:, None]
        variance = cos**2 * ff + sin**2 * ss + less * mm + 2 * cos * sin * sf - 2 * less * (cos * fm + sin * sm)

        def along(vector: FloatArray) -> FloatArray:
            parts = cos * float(fixed[0] @ vector) + sin * (turned @ vector)[:, None] - less * float(fixed[1] @ vector)
            return np.asarray(parts)

        along_mean = cos * (face @ mean) + sin * (sideways @ mean)[:, None]
        length = np.sqrt(np.maximum(1 - less * (2 * along_mean - mean @ mean), 1e-12))
        bound = self.link.bound - (1 - less) * along_mean
        of_bound = belief.covariance[-1, -1] - 2 * along(shared) / length
        spread = np.sqrt(np.maximum(variance / length**2 + of_bound, 0) + self.width**2)
        return _normal((along(at_mean) / length - bound - belief.mean[-1]) / spread)


def _first_faces(public: Faces, prior: Prior, link: Link, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, d) unit faces, or all there are; each is the most probably accepted one after those before it."""
    crowd, drawn = (rng.permutation(len(public))[:most] for most in (_CROWD, _CANDIDATES))
    deviations = public.embeddings.astype(np.float64) - link.mean
    near_public = [link.mean + share * deviations[drawn] for share in _SHRUNK]
    faces = unit(np.concatenate([*near_public, prior.sample(_SAMPLED, rng).astype(np.float64)]))
    directions = link.directions(faces)
    products = deviations[crowd] @ directions.T
    width = max(link.width, _BLUR * float(products.std()))
    rejected = np.subtract(1.0, _normal((products - link.bounds(directions)) / width))
    # A face says nothing about itself, nor about further photos of its own subject.
    of_public = np.tile(drawn, len(_SHRUNK))
    rejected[:, : len(of_public)][_same(public, crowd, of_public)] = 1.0
    log_rejected = np.log(np.maximum(rejected, 1e-12)).astype(np.float32)
    accepted, remaining = (1 - rejected).astype(np.float32), np.zeros(len(crowd), dtype=np.float32)
    order, fresh = [], np.ones(len(faces), dtype=bool)
    for _ in range(min(count, len(faces))):
        weights = np.exp(remaining - remaining.max())
        order.append(int(np.where(fresh, weights @ accepted, -1).argmax()))
        fresh[order[-1]] = False
        remaining += log_rejected[:, order[-1]]
    return faces[order]


def _same(public: Faces, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """(rows, columns) whether two public faces are of one subject, or the same face."""
    who = np.arange(len(public)) if public.identity is None else public.identity
    return np.asarray(who[rows][:, None] == who[columns][None, :])


def _searched(session: _Session, faces: FloatArray, space: _Space, turns: FloatArray) -> FloatArray:
    """(d,) the expected face of one subject."""
    tried, decisions = _until_accepted(session, faces)
    if not decisions.any():
        return np.asarray(faces[min(len(decisions), len(faces) - 1)])
    belief = HalfSpaceFilter(space.covariance)
    _take_in(belief, space, tried, decisions)
    made = 0
    while (left := session.left) > 0:
        batch = turns[made : made + min(_AT_ONCE, left)]
        probes = space.probes(belief, batch, _wanted(session))
        decisions = session.ask(probes)
        _take_in(belief, space, probes[: len(decisions)], decisions)
        made += len(batch)
    return space.expected(belief)


def _until_accepted(session: _Session, faces: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """The faces (k, d) that were presented, and their decisions (k,)."""
    at_once = _FIRST_AT_ONCE if session.oracle.rejections is None else 1
    decisions = np.empty(0, dtype=bool)
    most = len(faces) - 1  # the last is the result where none is accepted
    while not decisions.any() and session.left and len(decisions) < most:
        batch = faces[len(decisions) : min(len(decisions) + min(at_once, session.left), most)]
        decisions = np.concatenate([decisions, session.ask(batch)])
    return faces[: len(decisions)], decisions


def _take_in(belief: HalfSpaceFilter, space: _Space, probes: FloatArray, decisions: npt.NDArray[np.bool_]) -> None:
    # Acceptances first: after them a rejection says more.
    order = np.argsort(~decisions, kind="stable")
    directions = space.link.directions(probes[order])
    for h, bound, accepted in zip(
        space.coordinates(directions), space.link.bounds(directions), decisions[order], strict=True
    ):
        belief.see(h, float(bound), space.width, accepted=bool(accepted))


def _wanted(session: _Session) -> float:
    """The probability of acceptance at which the rejections that lock the account last as long as the queries."""
    if session.oracle.rejections is None:
        return 0.5
    return float(np.clip(1 - session.oracle.rejections / max(session.queries, 1), 0.5, _SAFEST))


def _normal(at: FloatArray) -> npt.NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(ndtr(at), dtype=np.float64)
