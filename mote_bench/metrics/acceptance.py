"""Whether the running system itself lets a reconstruction in, and what finding it cost in queries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .intervals import wilson

PRESENTED_TO = {"same": "accepted", "renewed": "accepted_after_renewal", "another": "accepted_by_another"}
"""The metric of each record that a reconstruction is presented to."""


def measure_acceptance(scores: Mapping[str, FloatArray], thresholds: Mapping[str, float]) -> tuple[Measurement, ...]:
    """Shares of reconstructions that the system accepts at its own thresholds.

    Parameters
    ----------
    scores : mapping of str -> (n,) float
        What the system scores for reconstruction i against ``same`` (the attacked record of person i), ``renewed`` (the
        same person enrolled from another photo under another key) and ``another`` (somebody else's record).
    thresholds : mapping of FMR -> float

    Returns
    -------
    tuple of Measurement
        ``accepted_at_fmr_X``, ``accepted_after_renewal_at_fmr_X`` and ``accepted_by_another_at_fmr_X`` with Wilson
        intervals over people. The last one is what a face that opens everything would score in the first two.
    """
    return tuple(
        _share(PRESENTED_TO[name], values >= threshold, fmr)
        for fmr, threshold in thresholds.items()
        for name, values in scores.items()
    )


def measure_queries(queries: npt.NDArray[np.int64]) -> tuple[Measurement, ...]:
    """``queries_per_person``: the mean; its limits are the fewest and the most for one person, no sampling interval."""
    mean, least, most = float(queries.mean()), float(queries.min()), float(queries.max())
    return (Measurement("queries_per_person", mean, least, most, len(queries)),)


def _share(metric: str, accepted: npt.NDArray[np.bool_], fmr: str) -> Measurement:
    low, high = wilson(float(accepted.sum()), len(accepted))
    return Measurement(metric, float(accepted.mean()), low, high, len(accepted), at=fmr)
