"""Public faces that the attacker enrols with the attacked scheme, as many as are affordable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, Faces, Prepared, Template
from mote_bench.toolkit import draw_keys, enrolled_rows, numbers, revocable, with_preparations

from .probing import choose_probes, granted

MOST_ROWS, LEAST_ROWS = 3000, 300
"""Largest number of public faces that are enrolled, and the number that is enrolled of the longest templates too."""
MOST_VALUES = 1 << 22
"""Largest number of values (faces times values of a template) beyond :data:`LEAST_ROWS`."""


def affordable(values: int) -> int:
    """How many public faces are enrolled where a template holds this many values.

    3,000 up to 1,398 values, 1,024 at 4,096 values, and 300 from 13,982 values on.
    """
    return int(np.clip(MOST_VALUES // max(values, 1), LEAST_ROWS, MOST_ROWS))


@dataclass(frozen=True)
class PublicEnrolments:
    """Templates of public faces, each under a fresh key where there are keys; new subjects before further images.

    An attacker who knows the algorithm can enrol any face. The background set is public and labelled, and no other
    subject is in it. Most schemes are fitted on it, so its templates may be distributed differently: erased attributes
    are exactly uncorrelated with them, and a net trained on a face rejects that face. Attacks therefore validate on
    shadow subjects whether these templates help.
    """

    name: str = "public enrolments"
    per_database: bool = False

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """``chosen`` (k,) rows of the public faces, their templates as ``raw`` bytes (k, longest), and ``lengths``."""
        public, shadow = granted(evidence)
        assert evidence.scheme is not None
        most = affordable(numbers(shadow.templates[:2]).shape[1])
        chosen = choose_probes(public, rng, most=most)
        keys = draw_keys(len(chosen), rng) if revocable(evidence.scheme) else None
        seeds = [int(seed) for seed in rng.integers(2**63, size=len(chosen))]
        made = evidence.scheme.enroll(public.embeddings[chosen], keys=keys, seeds=seeds)
        there = enrolled_rows(made)  # a scheme may not be able to enrol some faces
        chosen, made = chosen[there], [made[row] for row in there]
        lengths = np.array([len(one) for one in made], dtype=np.int64)
        raw = np.zeros((len(made), int(lengths.max(initial=0))), dtype=np.uint8)
        for row, one in zip(raw, made, strict=True):
            row[: len(one)] = np.frombuffer(one, dtype=np.uint8)
        return Prepared(common={"chosen": chosen, "raw": raw, "lengths": lengths})


PUBLIC = (PublicEnrolments(),)
"""For the ``prepares`` of attacks that call :func:`enrolled_public`."""


def enrolled_public(evidence: Evidence, rng: np.random.Generator) -> tuple[Faces, list[Template]]:
    """The public faces that were enrolled, and their templates."""
    public, _ = granted(evidence)
    found = with_preparations(evidence, PUBLIC, rng).prepared[PublicEnrolments.name].common
    chosen: npt.NDArray[np.int64] = found["chosen"]
    made = [row[:length].tobytes() for row, length in zip(found["raw"], found["lengths"], strict=True)]
    return public.rows(chosen), made
