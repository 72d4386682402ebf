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
    Prepared,
    Scheme,
    Template,
)
from mote_bench.toolkit import revocable, stream, unit, with_preparations

from .annealed import sampled
from .face_model import FaceModel
from .half_spaces import cut
from .probing import choose_probes, granted, needed

_MOST_TO_TUNE_ON = 100
_SHRUNK = 0.5
_GUESSES, _JITTER = 20, 1e-9
_LEAST_VARIANCE = 1e-4
"""Of an axis, relative to the prior's: a template that holds the embedding itself leaves nothing."""


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Gaussian posteriors of the coordinates z of a :class:`FaceModel`, one per template.

    Attributes
    ----------
    mean : (n, r) float64
    covariance : (n, r, r) float64
    """

    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def product(cls, several: Sequence[Self]) -> Self:
        """The posteriors given several templates of each subject, made of one photo independently of each other.

        The prior counts once: the likelihoods are what the precisions hold beyond it.
        """
        first, *others = [one.natural() for one in several]
        one = np.eye(several[0].mean.shape[1])
        precision = first[0] + sum(p - one for p, _ in others)
        covariance = np.linalg.inv(precision)
        return cls(_times(covariance, first[1] + sum(h for _, h in others)), covariance)

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
    (:func:`half_spaces.cut`). Any other likelihood is sampled (:func:`annealed.sampled`). A template that decides by
    itself, and then says more (``unlock``), is shown guesses first (:func:`unlocked`). Where a template depends on a
    key that isn't stolen, its likelihood isn't known: the posterior is then the prior, and its mean is drawn from it.
    """

    name: str = "posterior"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``mean`` and ``covariance`` per template, single precision."""
        public, _ = granted(evidence)
        model, seed = FaceModel.of(public), int(rng.integers(2**31))
        if _lacks_keys(evidence):
            found = _uninformed(evidence.templates, model)
        else:
            found = _of_templates(evidence, evidence.templates, evidence.keys, model, seed)
        return Prepared({"mean": found.mean.astype(np.float32), "covariance": found.covariance.astype(np.float32)})


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


def beliefs(likelihoods: Iterable[Likelihood], model: FaceModel, *, seed: int = 0) -> Beliefs:
    """The posterior of each template. Where it is sampled, all templates have the same random numbers."""
    found = [_of_one(likelihood, model, seed) for likelihood in likelihoods]
    n, r = len(found), model.axes.shape[1]
    mean, covariance = zip(*found, strict=True) if found else ((), ())
    return Beliefs(np.reshape(mean, (n, r)), np.reshape(covariance, (n, r, r)))


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
    return Beliefs(mean, covariance)


def _of_templates(
    evidence: Evidence, templates: Sequence[Template], keys: Sequence[Key] | None, model: FaceModel, seed: int
) -> Beliefs:
    """The posterior of each template under its key."""
    found = beliefs(needed(evidence, "likelihood")(templates, keys=keys), model, seed=seed)
    scheme, (public, _) = evidence.scheme, granted(evidence)
    if scheme is None or not (hasattr(scheme, "unlock") and hasattr(scheme, "score")) or not len(templates):
        return found
    faces = public.embeddings[choose_probes(public, stream(seed, "guesses"))]
    return unlocked(scheme, templates, keys, found=found, model=model, public=faces)


def _of_one(likelihood: Likelihood, model: FaceModel, seed: int) -> tuple[FloatArray, FloatArray]:
    if isinstance(likelihood, HalfSpaces):
        return _of_half_spaces(likelihood, model)
    if isinstance(likelihood, Linear):
        return _of_values(likelihood, model)
    return _of_samples(sampled(likelihood, model, seed))


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
    return Beliefs(*(made.per_template[name].astype(np.float64) for name in ("mean", "covariance")))


def _times(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    return np.asarray((matrices @ vectors[..., None])[..., 0])
