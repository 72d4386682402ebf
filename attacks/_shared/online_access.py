"""What attacks with online access share: the oracle they are given, and a guess of the threshold behind decisions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Key, Oracle, Scheme, Template

_FALSE_MATCHES = 1e-3  # the operating point that the attacker assumes


def oracle_of(evidence: Evidence) -> Oracle:
    """The oracle of the running system; ValueError where the evidence grants no online access."""
    if evidence.oracle is None:
        raise ValueError(
            "this attack queries the running system, and the evidence grants no online access (evidence.oracle is None)"
        )
    return evidence.oracle


def guessed_threshold(
    scheme: Scheme, templates: Sequence[Template], keys: Sequence[Key] | None, impostors: FloatArray
) -> float:
    """The threshold at which one in a thousand of the impostor faces ``impostors`` (m, d) is accepted."""
    return float(np.quantile(scheme.score(templates, impostors, keys=keys), 1 - _FALSE_MATCHES))
