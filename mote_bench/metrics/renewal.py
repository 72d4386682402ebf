"""Renewability: how often a template accepts its subject under another key, and the number of usable keys."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Measurement

from .intervals import clustered_wilson
from .measured import Measured

Accepted = npt.NDArray[np.bool_]


def measure_renewal(accepted: Mapping[str, Accepted], person: npt.NDArray[np.intp]) -> Measured:
    """Share of mated probes that templates accept under fresh keys (lower is better), and the usable keys.

    Parameters
    ----------
    accepted : mapping of FMR -> (trials,) bool
        Whether a template accepted a mated probe under a key that it wasn't made with, at the system's threshold.
    person : (trials,) int
        The subject of each trial.

    Returns
    -------
    Measured
        ``other_key_accepted_at_fmr_X``: the share accepted, with an interval over subjects. A revocable scheme rejects
        such probes as often as non-mated ones (renewability, ISO/IEC 24745:2022, 6.3).
        ``usable_keys_at_fmr_X``: one over that share, the number of keys that can be drawn for one subject until one
        is expected to be accepted for another key's template. It is at most the number of trials: read that value as
        "at least".

    Raises
    ------
    ValueError
        Without trials.
    """
    if not len(person):
        raise ValueError("no trials under other keys; expected one or more per subject")
    people, place = np.unique(person, return_inverse=True)
    trials = np.asarray(np.bincount(place), dtype=np.float64)
    measurements = []
    for fmr, opened in accepted.items():
        hits = np.asarray(np.bincount(place, weights=opened), dtype=np.float64)
        share = float(opened.mean())
        low, high = clustered_wilson(hits, trials)
        measurements.append(Measurement("other_key_accepted", share, low, high, len(people), at=fmr))
        value, least, most = (1 / max(rate, 1 / len(person)) for rate in (share, high, low))
        measurements.append(Measurement("usable_keys", value, least, most, len(people), at=fmr))
    return Measured(tuple(measurements), {"other_key_trials": len(person)})
