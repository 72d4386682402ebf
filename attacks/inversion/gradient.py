"""The attack that ascends the gradient of a template's score, under a prior of faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Key, Knowledge, Reads, Template
from mote_bench.questions import WhichFace
from mote_bench.toolkit import CPU, device, on_device, unit, without_compiler

from .._shared.probing import granted, keys_to_present, needed

if TYPE_CHECKING:
    import torch

_STEPS = 100
_LONGEST_STEP = 0.15  # Adam's, in standard deviations of the prior; falls to zero along a cosine
_STARTS = 4
_SPREAD_OF_STARTS = 0.7
_PRIOR_STRENGTHS = (0.0001, 0.001, 0.01, 0.03, 0.1)
_PEOPLE_TO_TUNE_ON = 30
_FACES_TO_SCALE_ON = 64


class GradientInversion:
    """Maximise the score by its gradient with respect to the probe, under a Gaussian prior.

    Model inversion after Fredrikson, Jha & Ristenpart, "Model Inversion Attacks that Exploit Confidence Information and
    Basic Countermeasures", CCS 2015. A probe is ``unit(mean + z @ axes)``, with mean and axes of a PCA of public
    embeddings. Adam maximises ``score / spread - strength |z|^2 / 2``, where the spread is that of the template's
    scores over public faces. Without the prior, the gradient of small nets leads to probes that resemble no face (on
    MOTE, a centred cosine of 0 instead of 0.9). The prior's strength is the one that reconstructs the shadow subjects
    best. The scheme's ``surrogate`` stands in for scores that have no gradient. It is climbed on the run's device, or
    on the CPU where the surrogate can't compute there.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("surrogate",)
    libraries = ("torch",)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows.

        Raises
        ------
        RuntimeError
            When the surrogate has no gradient or no objective rose: a failure of the attack, not a strength of the
            scheme.
        """
        public, shadow = granted(evidence)
        prior = _learn_prior(public.embeddings)
        starts = _SPREAD_OF_STARTS * rng.standard_normal((_STARTS, len(prior.axes)))
        faces = public.embeddings[rng.permutation(len(public))[:_FACES_TO_SCALE_ON]]
        keys, shadow_keys = keys_to_present(evidence, rng)
        tried = rng.permutation(len(shadow.templates))[:_PEOPLE_TO_TUNE_ON]
        surrogate = needed(evidence, "surrogate")
        own = _placed_score(
            surrogate,
            [shadow.templates[i] for i in tried],
            None if shadow_keys is None else [shadow_keys[i] for i in tried],
            faces,
        )
        strengths = np.array(_PRIOR_STRENGTHS)
        found, _ = _climb(own, len(tried), prior, np.repeat(starts[:1], len(strengths), axis=0), strengths)
        true = unit(shadow.references.embeddings[tried] - prior.mean)
        agreement = np.einsum("nkd,nd->k", unit(found - prior.mean), true)
        strength = np.full(_STARTS, strengths[np.argmax(agreement)])
        score = _placed_score(surrogate, evidence.templates, keys, faces)
        found, objective = _climb(score, len(evidence.templates), prior, starts, strength)
        return np.asarray(found[np.arange(len(found)), objective.argmax(axis=1)])


@dataclass(frozen=True, eq=False)
class _Prior:
    """A prior of faces: ``mean + z @ axes`` with z standard normal; axes (r, d) carry their standard deviations."""

    mean: FloatArray
    axes: FloatArray


@dataclass(frozen=True, eq=False)
class _Score:
    """Differentiable: probes (n, k, d) on a device -> (n, k), of unit spread over public faces."""

    of: Callable[[torch.Tensor], torch.Tensor]
    device: str


def _learn_prior(embeddings: FloatArray) -> _Prior:
    mean = embeddings.mean(axis=0, dtype=np.float64)
    _, lengths, axes = np.linalg.svd(embeddings - mean, full_matrices=False)
    spread = lengths / np.sqrt(len(embeddings))
    kept = spread > 1e-4 * spread[0]
    return _Prior(mean, axes[kept] * spread[kept, None])


def _placed_score(
    surrogate: Callable[..., Any], templates: Sequence[Template], keys: Sequence[Key] | None, faces: FloatArray
) -> _Score:
    """On the run's device, or on the CPU if the surrogate keeps tensors there or takes more than the device has."""
    if device() != CPU:
        with suppress(RuntimeError, TypeError):  # torch's errors; one of the surrogate's own comes again below
            return _scaled_score(surrogate, templates, keys, faces)
    with on_device(CPU):
        return _scaled_score(surrogate, templates, keys, faces)


def _scaled_score(
    surrogate: Callable[..., Any], templates: Sequence[Template], keys: Sequence[Key] | None, faces: FloatArray
) -> _Score:
    import torch

    with torch.no_grad():
        shown = torch.tensor(faces, dtype=torch.float32).to(device()).expand(len(templates), -1, -1)
        answer = surrogate(templates, keys=keys)
        spread = answer(shown).std(dim=1, keepdim=True)
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    return _Score(lambda probes: answer(probes) / spread, device())


def _climb(
    score: _Score, n: int, prior: _Prior, starts: FloatArray, strength: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Unit probes (n, k, d) reached by each of ``n`` templates from ``starts`` (k, r), and their objectives (n, k).

    ``strength`` (k,) is the prior's for each start.
    """
    import torch

    parts = (prior.mean, prior.axes, strength, starts)
    mean, axes, penalty, start = (torch.tensor(part, dtype=torch.float32).to(score.device) for part in parts)
    z = start.repeat(n, 1, 1).requires_grad_(True)
    adam = without_compiler(torch.optim.Adam)([z], lr=_LONGEST_STEP)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, _STEPS)

    def probes() -> torch.Tensor:
        return torch.nn.functional.normalize(mean + z @ axes, dim=-1)

    def objective() -> torch.Tensor:
        return score.of(probes()) - penalty / 2 * (z**2).sum(dim=-1)

    with torch.enable_grad():
        _require_gradient(score.of(probes()), z)
        before = objective().detach()
        for _ in range(_STEPS):
            z.grad = torch.autograd.grad(-objective().sum(), z)[0]
            adam.step()
            schedule.step()
    with torch.no_grad():
        after, reached = objective(), probes()
    if not bool((after > before).any()):
        raise RuntimeError(
            f"the optimiser did not move: in {_STEPS} steps the objective rose for none of {n} templates"
        )
    return reached.cpu().numpy().astype(np.float64), after.cpu().numpy()


def _require_gradient(scores: torch.Tensor, z: torch.Tensor) -> None:
    import torch

    gradient = torch.autograd.grad(scores.sum(), z, allow_unused=True)[0] if scores.requires_grad else None
    if gradient is None or not bool((gradient != 0).any()):
        raise RuntimeError(
            "the optimiser did not move: the scheme's surrogate has no gradient with respect to the probes; "
            "return a differentiable stand-in for the score"
        )
