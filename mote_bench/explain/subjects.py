"""The subjects explained, and their templates' scores: mated and non-mated probes, in units above the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mote_bench import registry
from mote_bench.contracts import Faces, FloatArray, InputError
from mote_bench.explain.attribution import Answer
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.toolkit import all_enrolled, draw_keys, needs_identity, revocable, stream

FMRS = (1e-2, 3e-2, 0.1, 0.3)
"""The threshold is set at the first of these FMRs that the number of impostor scores supports."""
PROBES = ("own", "another's")
"""Column 0 of the probes is another photo of the subject, column 1 a photo of another subject."""


@dataclass(frozen=True, eq=False)
class Subjects:
    """Subjects to explain, none of them in the background.

    Attributes
    ----------
    references : (n, d) float32
    probes : (n, 2, d) float32
        Another photo of the subject, and one of the next subject.
    background : Faces
        What schemes are fitted on.
    impostors : (m, d) float32
        Photos of other subjects, which set the threshold.
    """

    references: FloatArray
    probes: FloatArray
    background: Faces
    impostors: FloatArray


def answers(name: str, subjects: Subjects, *, seed: int = 0) -> tuple[Answer, float]:
    """The score function of a scheme's templates, in units above its threshold, and the threshold's FMR.

    One unit is the standard deviation of a template's impostor scores, so that schemes with scores of other scales can
    be compared; above 0 is accepted. Where the scheme has keys, each subject's key is presented to its own template.

    Raises
    ------
    InputError
        Where the scheme gives no gradients (it has no ``surrogate``), or needs identities that the background lacks.
    """
    scheme: Any = registry.load("schemes", name)
    if not hasattr(scheme, "surrogate"):
        raise InputError(f"'{name}' can't be explained: it has no differentiable `surrogate`; try cosine or mote")
    if needs_identity(scheme) and subjects.background.identity is None:
        raise InputError(f"'{name}' needs the identities of the background; give data with `identity`")
    scheme.fit(subjects.background, seed=seed)
    count = len(subjects.references)
    keys = draw_keys(count, stream(seed, "explain", "keys")) if revocable(scheme) else None
    templates = all_enrolled(scheme.enroll(subjects.references, keys=keys, seeds=range(count)))
    scores = np.asarray(scheme.score(templates, subjects.impostors, keys=keys), dtype=np.float64)
    fmr = next((rate for rate in FMRS if scores.size * rate >= 10), FMRS[-1])
    threshold, spread = threshold_at_fmr(scores.ravel(), fmr), scores.std(axis=1, keepdims=True)
    unit = torch.from_numpy(np.where(spread > 0, spread, 1.0).astype(np.float32))
    surrogate = scheme.surrogate(templates, keys=keys)

    def answer(probes: Tensor) -> Tensor:
        made: Tensor = (surrogate(probes) - threshold) / unit
        return made

    return answer, fmr


def paired(genuine: FloatArray) -> FloatArray:
    """(n, 2, ...): each subject's own probe beside the next subject's."""
    if len(genuine) < 2:
        raise InputError(f"{len(genuine)} people to explain; expected at least 2, so that there is an impostor")
    return np.stack([genuine, np.roll(genuine, -1, axis=0)], axis=1)


def of_split(parts: Any, people: int) -> Subjects:
    """The first ``people`` target subjects of a split with identities."""
    target, others = parts.target, parts.calibration
    if target.probes is None or others.probes is None:
        raise InputError(
            "explaining needs another photo of each subject, and the data has no identities: give data with `identity`"
        )
    few = min(people, len(target.references))
    first = [int(np.flatnonzero(target.shown == person)[0]) for person in range(few)]
    return Subjects(
        references=target.references.embeddings[:few],
        probes=paired(target.probes.embeddings[first]),
        background=parts.background,
        impostors=others.probes.embeddings,
    )
