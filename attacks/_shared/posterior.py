"""The posterior of each enrolled embedding, by the template's likelihood and a model of public faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    Evidence,
    FloatArray,
    HalfSpaces,
    Key,
    Likelihood,
    Linear,
    NonLinear,
    Prepared,
    Scheme,
    Smooth,
    Template,
)
from mote_bench.toolkit import on_sphere, revocable, stream, unit, with_preparations

from .annealed import sampled
from .face_model import FaceModel
from .gauss_newton import solved
from .half_spaces import cut
from .mirror import folded, is_symmetric
from .probing import choose_probes, granted, needed
from .sides import Sides

_MOST_TO_TUNE_ON = 100
_SHRUNK = 0.5
_GUESSES, _JITTER = 20, 1e-9
_SURE = 30.0
"""Log odds of a side where a template says it, and the largest of a classifier."""
_LEAST_VARIANCE = 1e-4
"""Of an axis, relative to the prior's: a template that holds the embedding itself leaves nothing."""


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Gaussian posteriors of the coordinates z of a :class:`FaceModel`, one per template.

    Attributes
    ----------
    mean : (n, r) float64
    covariance : (n, r, r) float64
    odds : (n,) float64, optional
        Where templates don't distinguish a face from its mirror image: the log odds of ``mean`` against ``-mean``, 0 or
        more. ``None`` where all templates distinguish them.
    """

    mean: FloatArray
    covariance: FloatArray
    odds: FloatArray | None = None

    @classmethod
    def product(cls, several: Sequence[Self]) -> Self:
        """The posteriors given several templates of each subject, made of one photo independently of each other.

        The prior counts once: the likelihoods are what the precisions hold beyond it. Means that may be mirror images
        are first turned to the side of the first; the odds of all are of one face, so they are averaged.
        """
        several = [one.beside(several[0].mean) for one in several]
        first, *others = [one.natural() for one in several]
        one = np.eye(several[0].mean.shape[1])
        precision = first[0] + sum(p - one for p, _ in others)
        covariance = np.linalg.inv(precision)
        mean = _times(covariance, first[1] + sum(h for _, h in others))
        odds = [each.odds for each in several if each.odds is not None]
        return cls(mean, covariance, np.mean(odds, axis=0) if odds else None).likelier()

    @property
    def probability(self) -> FloatArray:
        """(n,) of ``mean`` against ``-mean``; 1 where templates distinguish them."""
        return np.ones(len(self.mean)) if self.odds is None else np.asarray(1 / (1 + np.exp(-self.odds)))

    @property
    def expectation(self) -> FloatArray:
        """(n, r) posterior means of z: those of both mirror images, by their probabilities."""
        return self.mean if self.odds is None else (2 * self.probability - 1)[:, None] * self.mean

    def turned(self, rows: npt.NDArray[np.bool_]) -> Self:
        """With the mirror images of some rows."""
        if self.odds is None:
            return self
        sign = np.where(rows, -1.0, 1.0)
        return type(self)(sign[:, None] * self.mean, self.covariance, sign * self.odds)

    def beside(self, mean: FloatArray) -> Self:
        """With those of two mirror images that are nearer to ``mean`` (n, r)."""
        return self.turned((self.mean * mean).sum(axis=1) < 0)

    def likelier(self) -> Self:
        """With the likelier of two mirror images."""
        return self if self.odds is None else self.turned(self.odds < 0)

    def natural(self) -> tuple[FloatArray, FloatArray]:
        """(n, r, r) precisions, not below the prior's, and (n, r) information vectors: precisions times means."""
        value, vector = np.linalg.eigh(self.covariance)
        value = np.clip(value, _LEAST_VARIANCE, 1.0)
        precision = np.asarray((vector / value[:, None]) @ vector.transpose(0, 2, 1))
        return precision, _times(precision, self.mean)


@dataclass(frozen=True)
class Posterior:
    """Computes the :class:`Beliefs` of all stolen templates.

    Values that are linear in the face give a Gaussian. For half-spaces the Gaussian is that of expectation propagation
    (:func:`half_spaces.cut`). Values that are a smooth function of the face give samples about those faces that explain
    them (:func:`gauss_newton.solved`). Any other likelihood is sampled (:func:`annealed.sampled`). Some don't
    distinguish a face from its mirror image, as seen from the mean face: a classifier of public faces then weighs the
    two. A template that decides by itself, and then says more (``unlock``), is shown guesses first (:func:`unlocked`).
    Where a template depends on a key that isn't stolen, its likelihood isn't known: the posterior is then the prior,
    and its mean is drawn from it.
    """

    name: str = "posterior"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``mean`` and ``covariance`` per template, single precision; ``odds`` where mirror images are as likely."""
        public, _ = granted(evidence)
        model, seed = FaceModel.of(public), int(rng.integers(2**31))
        if _lacks_keys(evidence):
            found = _uninformed(evidence.templates, model)
        else:
            found = _of_templates(evidence, evidence.templates, evidence.keys, model, seed)
        made = {"mean": found.mean, "covariance": found.covariance} | (
            {} if found.odds is None else {"odds": found.odds}
        )
        return Prepared({name: table.astype(np.float32) for name, table in made.items()})


@dataclass(frozen=True)
class PosteriorOfShadow:
    """The posterior means of at most 100 shadow subjects, to tune on; of none where keys are needed and not stolen."""

    name: str = "shadow posterior"
    per_database: bool = False

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``mean`` and the shadow subjects' rows ``tried``, in common."""
        public, shadow = granted(evidence)
        most, seed = 0 if _lacks_keys(evidence) else _MOST_TO_TUNE_ON, int(rng.integers(2**31))
        tried = rng.permutation(len(shadow.templates))[:most]
        keys = None if shadow.keys is None else [shadow.keys[row] for row in tried]
        templates = [shadow.templates[row] for row in tried]
        found = _of_templates(evidence, templates, keys, FaceModel.of(public), seed)
        return Prepared(common={"mean": found.mean, "tried": tried})


POSTERIOR = (Posterior(),)
"""For the ``prepares`` of attacks that call :func:`posteriors`."""
OF_SHADOW = (PosteriorOfShadow(),)
"""For the ``prepares`` of attacks that call :func:`shadow_means`."""


def posteriors(evidence: Evidence, rng: np.random.Generator) -> tuple[FaceModel, list[Beliefs], Beliefs | None]:
    """The model of faces, the beliefs about each template per subject, and about the second database, if any."""
    public, _ = granted(evidence)
    done = with_preparations(evidence, POSTERIOR, rng)
    records = [done.prepared, *(one.prepared for one in done.renewed)]
    others = _read(done.other_prepared[Posterior.name]) if evidence.others else None
    return FaceModel.of(public), [_read(one[Posterior.name]) for one in records], others


def shadow_means(evidence: Evidence, rng: np.random.Generator) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """The posterior means (k, r) of some shadow subjects, and their rows."""
    found = with_preparations(evidence, OF_SHADOW, rng).prepared[PosteriorOfShadow.name].common
    return found["mean"], found["tried"]


def beliefs(
    likelihoods: Iterable[Likelihood], model: FaceModel, *, seed: int = 0, public: FloatArray | None = None
) -> Beliefs:
    """The posterior of each template. Where it is sampled, all templates have the same random numbers.

    ``public`` (m, d) are embeddings by which mirror images are distinguished; without them both are equally probable.
    """
    found = [_of_one(likelihood, model, seed) for likelihood in likelihoods]
    n, r = len(found), model.axes.shape[1]
    mean, covariance, alike = zip(*found, strict=True) if found else ((), (), ())
    made = Beliefs(np.reshape(mean, (n, r)), np.reshape(covariance, (n, r, r)))
    return _sided(made, np.array(alike, dtype=bool), model, public) if any(alike) else made


def _sided(found: Beliefs, alike: npt.NDArray[np.bool_], model: FaceModel, public: FloatArray | None) -> Beliefs:
    """The likelier side of each template whose likelihood is ``alike`` (n,) on both."""
    directions = unit(found.mean @ model.axes.T)
    odds = np.zeros(len(alike)) if public is None else Sides.of(model, public).log_odds(directions)
    odds = np.where(alike, np.clip(odds, -_SURE, _SURE), _SURE)
    # A mirror image lies on the sphere of embeddings too: it is nearer to the mean face, or further away.
    here, there = (model.coordinates(on_sphere(model.mean, side * directions)) for side in (1, -1))
    longer = np.linalg.norm(there, axis=1) / np.linalg.norm(here, axis=1)
    mean = found.mean * np.where(odds < 0, -longer, 1.0)[:, None]
    return Beliefs(mean, found.covariance, np.abs(odds))


def unlocked(
    scheme: Scheme,
    templates: Sequence[Template],
    keys: Sequence[Key] | None,
    *,
    found: Beliefs,
    model: FaceModel,
    public: FloatArray,
) -> Beliefs:
    """The posteriors with what each template says once one of the attacker's guesses is accepted.

    The first guesses are the mean of the template's own posterior and draws from it. Then come their mirror images: a
    code that holds the complement of each word doesn't distinguish the two. The last guesses are the public faces, some
    of which may match. Decoding by a prior and false accepts are the attacks on biometric cryptosystems (Scheirer &
    Boult, BSYM 2007). A template that accepts none keeps its posterior.
    """
    noise = np.random.default_rng(0).standard_normal((_GUESSES, found.mean.shape[1]))
    guesses = np.zeros((len(templates), len(public[0])), dtype=np.float32)
    for row, (mean, covariance) in enumerate(zip(found.mean, found.covariance, strict=True)):
        drawn = np.vstack([mean, mean + noise @ np.linalg.cholesky(covariance + _JITTER * np.eye(len(mean))).T])
        faces = [unit(model.mean + z @ model.axes.T).astype(np.float32) for z in (drawn, -drawn)]
        shown = np.vstack([*faces, public])
        scores = scheme.score([templates[row]], shown, keys=None if keys is None else [keys[row]])[0]
        guesses[row] = shown[int(np.argmax(scores))]  # the first of those that are accepted
    said = list(scheme.unlock(templates, guesses, keys=keys))  # type: ignore[attr-defined]
    rows = [row for row, one in enumerate(said) if one is not None]
    better = beliefs([said[row] for row in rows], model)
    mean, covariance = found.mean.copy(), found.covariance.copy()
    mean[rows], covariance[rows] = better.mean, better.covariance
    odds = None if found.odds is None else np.where(np.isin(np.arange(len(mean)), rows), _SURE, found.odds)
    return Beliefs(mean, covariance, odds)


def _of_templates(
    evidence: Evidence, templates: Sequence[Template], keys: Sequence[Key] | None, model: FaceModel, seed: int
) -> Beliefs:
    """The posterior of each template under its key."""
    scheme, (public, _) = evidence.scheme, granted(evidence)
    # In an order that doesn't depend on the seed, so that mirror images are distinguished alike in both databases.
    shown = public.embeddings[choose_probes(public, stream(0, "sides"), most=len(public))]
    likelihoods = needed(evidence, "likelihood")(templates, keys=keys)
    found = beliefs(likelihoods, model, seed=seed, public=shown)
    if scheme is None or not (hasattr(scheme, "unlock") and hasattr(scheme, "score")) or not len(templates):
        return found
    faces = public.embeddings[choose_probes(public, stream(seed, "guesses"))]
    return unlocked(scheme, templates, keys, found=found, model=model, public=faces)


def _of_one(likelihood: Likelihood, model: FaceModel, seed: int) -> tuple[FloatArray, FloatArray, bool]:
    """Mean, covariance, and whether mirror images of the face are as likely."""
    if isinstance(likelihood, HalfSpaces):
        return *_of_half_spaces(likelihood, model), False
    if isinstance(likelihood, Linear):
        return *_of_values(likelihood, model), False
    if isinstance(likelihood, NonLinear):
        return *_of_curved(*solved(likelihood, model, seed)), False
    return _of_smooth(likelihood, model, seed)


def _of_smooth(likelihood: Smooth, model: FaceModel, seed: int) -> tuple[FloatArray, FloatArray, bool]:
    samples = sampled(likelihood, model, seed)
    if not is_symmetric(likelihood, model, samples):
        return *_of_samples(samples), False
    return *_of_samples(folded(samples)), True


def _of_curved(samples: FloatArray, near: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance; the latter is half that of samples, and half that near one of them."""
    mean, covariance = _of_samples(samples)
    return mean, (covariance + near) / 2


def _of_samples(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance; samples are few and correlated, so the latter is shrunk towards equal variances."""
    covariance, variance = np.cov(samples.T), samples.var(axis=0).mean()
    return samples.mean(axis=0), _SHRUNK * covariance + (1 - _SHRUNK) * variance * np.eye(len(covariance))


def _of_half_spaces(likelihood: HalfSpaces, model: FaceModel) -> tuple[FloatArray, FloatArray]:
    normals = np.asarray(likelihood.normals, dtype=np.float64)
    return cut(normals @ model.axes, likelihood.offsets - normals @ model.mean)


def _of_values(likelihood: Linear, model: FaceModel) -> tuple[FloatArray, FloatArray]:
    matrix = np.asarray(likelihood.matrix, dtype=np.float64)
    seen, miss = matrix @ model.axes / likelihood.spread, (likelihood.values - matrix @ model.mean) / likelihood.spread
    covariance = np.linalg.inv(np.eye(seen.shape[1]) + seen.T @ seen)
    return covariance @ (seen.T @ miss), covariance


def _lacks_keys(evidence: Evidence) -> bool:
    return evidence.scheme is not None and revocable(evidence.scheme) and evidence.keys is None


def _uninformed(templates: Sequence[Template], model: FaceModel) -> Beliefs:
    """The prior, with a draw from it as each mean: one answer for all templates would count as a failed attack."""
    r = model.axes.shape[1]
    draws = [stream(0, "no key", one.hex()).standard_normal(r) for one in templates]
    return Beliefs(np.reshape(draws, (len(templates), r)), np.tile(np.eye(r), (len(templates), 1, 1)))


def _read(made: Prepared) -> Beliefs:
    return Beliefs(**{name: table.astype(np.float64) for name, table in made.per_template.items()})


def _times(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    return np.asarray((matrices @ vectors[..., None])[..., 0])
