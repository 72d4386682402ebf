"""Reconstruction from few scores of the running system: queries along the axes in which faces differ most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Limits, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit

from .._shared.equal_scores import drawn_where_equal
from .._shared.online_access import keys_of_shadow, oracle_of
from .._shared.prior import Prior
from .._shared.probing import granted
from .._shared.ridge import fit_ridge

_MOST_SHADOW = 300
_NOISES = (0.05, 0.1, 0.2, 0.5)
"""Standard deviations of noise that a system may add to its scores, in gaps between genuine and impostor scores."""
_BUDGETS = (8, 16, 25, 40, 64, 128, 256)
_LIMITS = tuple(
    replace(one, queries=queries)
    for one in (*(Limits(digits=digits) for digits in (1, 2, 3, 4)), *(Limits(noise=share) for share in _NOISES))
    for queries in (16, 64, 256, None)
)
_MOST_QUERIES = 1024
"""Queries that are made at most where scores have an error: each probe is also scored on the shadow subjects."""
_LEAST_NOISE = 1e-4
"""Least standard deviation of the noise, as a share of that of the scores. Scores may be rounded."""


class PosteriorFromFewScores:
    """Query faces along the leading principal axes of public faces, and compute the expected embedding.

    The queries are one batch that depends on no score. The first axes say most, so the first few queries do. Shadow
    subjects show how a score rises with the inner product of probe and embedding, and how exactly. With a Gaussian
    prior fitted to public faces this gives the posterior mean in closed form (Bishop, Pattern Recognition and Machine
    Learning, 2006, eq. 2.116). Where scores are no linear function, a ridge regression from the shadow subjects' scores
    to their embeddings may serve better. The one that reconstructs shadow subjects better is used. An attacker who
    can't score with a copy of the system takes scores to be cosines. Where the system rounds its scores or adds noise
    to them, the attacker does the same to the shadow subjects' scores, and the likelihood has the error's variance.
    Queries beyond the number of axes then have directions that are drawn from the prior. Subjects with equal scores
    can't be distinguished, as where a yes-or-no scheme rejects every query: for each a face is drawn from the prior.
    """

    question = WhichFace
    reads = Reads.SCORES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.SCORES
    budgets = _BUDGETS
    limits = _LIMITS

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, shadow = granted(evidence)
        oracle, prior = oracle_of(evidence), Prior.of(public.embeddings)
        variance, axes = np.linalg.eigh(prior.axes @ prior.axes.T)
        leading = axes[:, np.argsort(-variance, kind="stable")[: int(oracle.left.min())]]
        probes = on_sphere(prior.mean, leading.T)
        if oracle.released.spread:  # where a score has an error, each further query says something
            count = max(min(int(oracle.left.min()), _MOST_QUERIES) - len(probes), 0)
            more = rng.standard_normal((count, len(axes))) @ prior.axes.T
            probes = np.concatenate([probes, on_sphere(prior.mean, unit(more))])
        rows = rng.permutation(len(shadow.references))[:_MOST_SHADOW].astype(np.intp)
        own, released = _own_scores(evidence, probes, rows, rng), oracle.released
        scores = oracle.ask(probes)
        known = shadow.references.embeddings[rows].astype(np.float64)
        line = _Line.fitted(known @ probes.T, own) if len(own) else _Line(0.0, 1.0, _LEAST_NOISE)
        line = line.with_error(released.spread)
        own = released.of(own, rng)
        posterior = line.posterior(prior, probes)
        estimate = posterior(scores)
        if len(own):
            learned = fit_ridge(own, known - prior.mean)
            if learned.agreement > _agreement(posterior(own), known - prior.mean):
                estimate = learned.predict(scores)
        return drawn_where_equal(on_sphere(prior.mean, unit(estimate)), scores, lambda: prior, rng)


@dataclass(frozen=True)
class _Line:
    """A score is ``offset + slope * (probe . embedding)`` plus Gaussian noise."""

    offset: float
    slope: float
    noise: float

    @classmethod
    def fitted(cls, products: FloatArray, scores: FloatArray) -> Self:
        """The line through inner products (n, m) and the scores of the same pairs (n, m)."""
        x, y = products - products.mean(), scores - scores.mean()
        slope = float((x * y).sum() / max((x * x).sum(), 1e-300))
        noise = float(np.sqrt(np.mean((y - slope * x) ** 2)))
        least = max(_LEAST_NOISE * float(scores.std()), 1e-100)  # where all scores are equal, the line says nothing
        return cls(float(scores.mean() - slope * products.mean()), slope, max(noise, least))

    def with_error(self, spread: float) -> Self:
        """The same line where each score has a further error of this standard deviation."""
        return replace(self, noise=float(np.hypot(self.noise, spread))) if spread else self

    def posterior(self, prior: Prior, probes: FloatArray) -> Callable[[FloatArray], FloatArray]:
        """From scores (n, m) of the probes (m, d) to (n, d) expected deviations from the prior's mean."""
        seen = self.slope * (probes @ prior.axes)
        gain = prior.axes @ np.linalg.solve(seen @ seen.T + self.noise**2 * np.eye(len(probes)), seen).T
        expected = self.slope * (probes @ prior.mean)
        return lambda scores: np.asarray((scores - self.offset - expected) @ gain.T)


def _own_scores(
    evidence: Evidence, probes: FloatArray, rows: npt.NDArray[np.intp], rng: np.random.Generator
) -> FloatArray:
    """(k, m) scores of the shadow subjects ``rows``; (0, m) where the attacker can't score."""
    _, shadow = granted(evidence)
    scheme = evidence.scheme
    if not hasattr(scheme, "score"):
        return np.empty((0, len(probes)))
    assert scheme is not None
    keys = keys_of_shadow(evidence, rows, rng)
    scores = scheme.score([shadow.templates[row] for row in rows], probes.astype(np.float32), keys=keys)
    return np.asarray(scores, dtype=np.float64)


def _agreement(estimates: FloatArray, truth: FloatArray) -> float:
    """Mean cosine of estimated and true deviations, as :func:`fit_ridge` measures it."""
    centre = truth.mean(axis=0)
    return float((unit(estimates - centre) * unit(truth - centre)).sum(axis=1).mean())
