"""What attacks with online access share: the oracle they are given, and a guess of the threshold behind decisions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Key, Oracle, Scheme, Template

_FALSE_MATCHES = 1e-3  # at which the attacker guesses that the system works


def oracle_of(evidence: Evidence) -> Oracle:
    """The running system; ValueError where the thief isn't at its door."""
    if evidence.oracle is None:
        raise ValueError("this attack asks the running system, and the evidence holds none")
    return evidence.oracle


def guessed_threshold(
    scheme: Scheme, templates: Sequence[Template], keys: Sequence[Key] | None, strangers: FloatArray
) -> float:
    """Where a system would let in one in a thousand of the ``strangers`` (m, d)."""
    return float(np.quantile(scheme.score(templates, strangers, keys=keys), 1 - _FALSE_MATCHES))
