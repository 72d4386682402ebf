"""Acceptance of reconstructions by the running system, and the number of online queries spent."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .intervals import wilson

PRESENTED_TO = {"same": "accepted", "renewed": "accepted_after_renewal", "another": "accepted_by_another"}
"""The metric for each template that a reconstruction is verified against."""


def measure_acceptance(scores: Mapping[str, FloatArray], thresholds: Mapping[str, float]) -> tuple[Measurement, ...]:
    """Shares of reconstructions that the running system accepts at its own thresholds; higher is worse.

    Parameters
    ----------
    scores : mapping of str -> (n,) float
        Comparison scores of reconstruction i with three templates: ``same`` (the attacked template of subject i),
        ``renewed`` (the same subject enrolled from another photo under another key) and ``another`` (another
        subject's).
    thresholds : mapping of FMR -> float

    Returns
    -------
    tuple of Measurement
        ``accepted_at_fmr_X``, ``accepted_after_renewal_at_fmr_X`` and ``accepted_by_another_at_fmr_X`` with Wilson
        intervals over subjects. The last one is the share of the first two that is not specific to the subject.
    """
    return tuple(
        _share(PRESENTED_TO[name], values >= threshold, fmr)
        for fmr, threshold in thresholds.items()
        for name, values in scores.items()
    )


def measure_queries(queries: npt.NDArray[np.int64]) -> tuple[Measurement, ...]:
    """Mean number of online queries per subject, ``queries_per_person``; limits are the minimum and the maximum."""
    mean, least, most = float(queries.mean()), float(queries.min()), float(queries.max())
    return (Measurement("queries_per_person", mean, least, most, len(queries)),)


def _share(metric: str, accepted: npt.NDArray[np.bool_], fmr: str) -> Measurement:
    low, high = wilson(float(accepted.sum()), len(accepted))
    return Measurement(metric, float(accepted.mean()), low, high, len(accepted), at=fmr)
