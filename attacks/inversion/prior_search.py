"""Attacks that reconstruct from the faces a template scores highest: public ones, sampled ones, or by a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray, Key, Knowledge, Prepared, Reads, Scheme, Template
from mote_bench.questions import WhichFace
from mote_bench.toolkit import on_sphere, unit, with_preparations

from .._shared.equal_scores import drawn_where_equal
from .._shared.prior import Displacements, Prior
from .._shared.probing import best_labelled, choose_probes, granted, keys_to_present

_SAMPLES = 20_000
_MOST_KEPT = 200
_SHARES = (3, 5, 10, 20, 50, 100, 200)  # how many of the best faces are averaged
_POWERS = (0.0, 0.5, 1.0)  # of the prior's inverse covariance, by which an average is multiplied
_TILE = 1000
_SCORES_AT_ONCE = 1 << 22  # that are held and sorted
_PEOPLE_TO_TUNE_ON = 60

_FIRST_SAMPLES = 20_000
_ELITE = 20
_ROUNDS = 12
_PROPOSALS = 400
_SPREAD = 0.6  # of the proposals, in standard deviations of the prior
_NARROWING = 0.93  # of the spread, in each round
_STEP = 0.7  # towards the mean of the elite
_PEOPLE_TO_SEARCH = 150  # shadow subjects, to stop by and to learn from

Index = npt.NDArray[np.intp]


class MeanOfTopPublicFaces:
    """The mean of the public faces that a template scores highest.

    Faces with high scores resemble the target subject. Their plain mean is biased towards the directions in which faces
    vary most. A power of the inverse covariance corrects it; the power and the number of faces are chosen on shadow
    subjects. After the top-n reading of Osorio-Roig et al., "An Attack on Facial Soft-biometric Privacy Enhancement",
    TBIOM 2022 (arXiv 2111.12405), with embeddings instead of labels. For each template that rejects all public faces,
    as one of a yes-or-no scheme may, a face is drawn.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        return _averaged(evidence, public.embeddings[choose_probes(public, rng)], rng)


class MeanOfTopSampledFaces:
    """The mean of the faces that a template scores highest, among 20,000 samples of a prior.

    As :class:`MeanOfTopPublicFaces`, with draws from a Gaussian fitted to the public faces. A template that was trained
    to give all public faces like scores still scores faces near its subject higher, and only samples come near enough.
    No gradient, no label and no scale of the scores is needed.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, _ = granted(evidence)
        return _averaged(evidence, Prior.of(public.embeddings).sample(_SAMPLES, rng), rng)


@dataclass(frozen=True)
class Search:
    """Searches the prior for every stolen template, and for those of at most 150 shadow subjects."""

    name: str = "search"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``estimate`` per template; ``shadow`` estimates and the shadow subjects' rows ``tried``, in common."""
        estimates, tried = _searched(evidence, rng)
        stolen, shadow = np.split(estimates, [len(evidence.templates)])
        return Prepared({"estimate": stolen}, {"shadow": shadow, "tried": tried})


class PriorSearch:
    """Search a prior for the face that a template scores highest.

    The cross-entropy method (Rubinstein, Methodology and Computing in Applied Probability 1, 1999) in the coordinates
    of a Gaussian fitted to public embeddings: propose faces around a centre, move it to the mean of the twenty with the
    highest scores, narrow, repeat. Only the order of scores counts. Means over an elite tolerate scores that are
    randomised, saturated or flat, where a gradient has no direction. A search that is too long leads away from the
    subject to faces with still higher scores. So it stops at the round that reconstructs the shadow subjects best. The
    search is a :class:`Search`: it is run once for all attacks that start from it.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = (Search(),)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        found = searched(evidence, rng)
        return on_sphere(found.mean, found.stolen)


@dataclass(frozen=True, eq=False)
class _System:
    """The stolen templates, then those of the shadow subjects ``tried``, with the keys that are presented."""

    scheme: Scheme
    templates: Sequence[Template]
    keys: Sequence[Key] | None
    tried: Index

    @classmethod
    def of(cls, evidence: Evidence, tried: Index, rng: np.random.Generator) -> _System:
        _, shadow = granted(evidence)
        assert evidence.scheme is not None
        keys, own = keys_to_present(evidence, rng)
        templates = [*evidence.templates, *(shadow.templates[row] for row in tried)]
        shown = None if keys is None or own is None else [*keys, *(own[row] for row in tried)]
        return cls(evidence.scheme, templates, shown, tried)

    def score(self, rows: slice, faces: FloatArray) -> FloatArray:
        """(rows, m) scores of some templates against ``faces`` (m, d)."""
        keys = None if self.keys is None else self.keys[rows]
        return np.asarray(self.scheme.score(self.templates[rows], faces, keys=keys))


def _averaged(evidence: Evidence, faces: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n, d): means of the best of ``faces`` (m, d); their number is the one that reconstructs shadow subjects best."""
    public, shadow = granted(evidence)
    prior = Prior.of(public.embeddings)
    system = _System.of(evidence, rng.permutation(len(shadow.templates))[:_PEOPLE_TO_TUNE_ON], rng)
    best, scores = _best(system, faces, most=min(_MOST_KEPT, len(faces)))
    own = unit(shadow.references.embeddings[system.tried] - prior.mean)
    values, vectors = np.linalg.eigh(prior.axes @ prior.axes.T)
    offsets = np.asarray(faces - prior.mean)
    chosen: FloatArray = np.empty(0)
    agreement = -np.inf
    for share in (share for share in _SHARES if share <= best.shape[1]):
        mean = np.stack([offsets[row[:share]].mean(axis=0) for row in best])
        for power in _POWERS:
            estimate = unit(((mean @ vectors) * values**-power) @ vectors.T)
            agrees = float((estimate[-len(own) :] * own).sum(axis=1).mean())
            if agrees > agreement:
                chosen, agreement = estimate[: len(evidence.templates)], agrees
    seen = np.hstack([best, scores])[: len(chosen)]
    return drawn_where_equal(on_sphere(prior.mean, chosen), seen, lambda: prior, rng)


def _best(system: _System, faces: FloatArray, *, most: int) -> tuple[Index, FloatArray]:
    """(n, most) row numbers of the faces with the highest scores, best first, and their scores.

    Faces are presented in tiles. Where each template has a key of its own they are not: a scheme then expands it once.
    """
    own_keys = system.keys is not None and len(set(system.keys)) > 1
    tile, step = len(faces) if own_keys else _TILE, max(1, _SCORES_AT_ONCE // len(faces))
    kept: list[Index] = []
    values: list[FloatArray] = []
    for start in range(0, len(system.templates), step):
        rows = slice(start, start + step)
        shown = (faces[first : first + tile] for first in range(0, len(faces), tile))
        answers = np.hstack([system.score(rows, some) for some in shown])
        first = np.argsort(-answers, axis=1, kind="stable")[:, :most]
        kept.append(first)
        values.append(np.take_along_axis(answers, first, 1))
    return np.concatenate(kept), np.concatenate(values)


@dataclass(frozen=True, eq=False)
class Found:
    """Unit estimates of ``embedding - mean`` of the target subjects and of the shadow subjects ``tried``."""

    stolen: FloatArray
    shadow: FloatArray
    tried: Index
    mean: FloatArray


def searched(evidence: Evidence, rng: np.random.Generator) -> Found:
    """The result of :class:`Search`, run now where the harness hasn't."""
    public, _ = granted(evidence)
    found = with_preparations(evidence, (Search(),), rng).prepared[Search().name]
    return Found(
        found.per_template["estimate"],
        found.common["shadow"],
        found.common["tried"],
        public.embeddings.mean(axis=0, dtype=np.float64),
    )


def _searched(evidence: Evidence, rng: np.random.Generator) -> tuple[FloatArray, Index]:
    """Unit estimates of ``embedding - mean`` of all stolen templates, then of the shadow subjects; these' rows."""
    public, shadow = granted(evidence)
    prior = Prior.of(public.embeddings)
    system = _System.of(evidence, best_labelled(shadow.references, _PEOPLE_TO_SEARCH, rng), rng)
    z = rng.standard_normal((_FIRST_SAMPLES, len(prior.mean)))
    best = _best(system, prior.faces(z), most=_ELITE)
    start = np.stack([_weights(value) @ z[row] for row, value in zip(*best, strict=True)])
    # The same noise for every template: an estimate must not depend on its template's row.
    spreads = np.cumprod([_SPREAD, *[_NARROWING] * (_ROUNDS - 1)])
    noises = [spread * rng.standard_normal((_PROPOSALS, len(prior.mean))) for spread in spreads]
    # One template after the other: a scheme expands its key once.
    steps = [Displacements(noise, prior.offsets(noise)) for noise in noises]
    rounds = np.stack([_path(system, row, prior, one, steps) for row, one in enumerate(start)], axis=1)
    own = unit(shadow.references.embeddings[system.tried] - prior.mean)
    return _best_round([unit(prior.faces(one).astype(np.float64) - prior.mean) for one in rounds], own), system.tried


def _best_round(rounds: Sequence[FloatArray], own: FloatArray) -> FloatArray:
    """The estimates (n, d), out of those of each round, whose last rows are most like the shadow subjects' ``own``.

    Their mirror images count as the faces. Where a scheme doesn't distinguish the two, half of the searches end at the
    mirror image, and signed cosines cancel.
    """
    return max(rounds, key=lambda estimate: float(np.abs((estimate[-len(own) :] * own).sum(axis=1)).mean()))


def _path(system: _System, row: int, prior: Prior, centre: FloatArray, steps: Sequence[Displacements]) -> FloatArray:
    """(rounds + 1, d) centres; each is the one before, moved towards the mean of the highest-scoring proposals."""
    centres = [centre]
    for step in steps:
        [answers] = system.score(slice(row, row + 1), prior.displaced(centres[-1], step.offsets))
        best = np.argsort(-answers, kind="stable")[:_ELITE]
        proposed = centres[-1] + step.z[best]
        centres.append((1 - _STEP) * centres[-1] + _STEP * _weights(answers[best]) @ proposed)
    return np.stack(centres)


def _weights(answers: FloatArray) -> FloatArray:
    """(k,) weights of the best scores ``answers`` (k,), best first: by how much they exceed the last; equal for ties.

    Where few faces reach a template's narrow peak, the others of the elite lie outside of it.
    """
    beyond = np.asarray(answers, dtype=np.float64) - answers[-1]
    return np.asarray((beyond + 1e-9) / (beyond + 1e-9).sum())
