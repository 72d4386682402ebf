"""Whether a new key makes a new template: what an old one still accepts, and how many keys there are to use."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Measurement

from .intervals import clustered_wilson
from .measured import Measured

Accepted = npt.NDArray[np.bool_]


def measure_renewal(accepted: Mapping[str, Accepted], person: npt.NDArray[np.intp]) -> Measured:
    """Old templates, compared with their owners' own faces under fresh keys.

    Parameters
    ----------
    accepted : mapping of FMR -> (trials,) bool
        Whether a template accepted its owner's face under a key it wasn't made with, at the system's threshold.
    person : (trials,) int
        Whose trial each is.

    Returns
    -------
    Measured
        ``other_key_accepted_at_fmr_X``: the share accepted, with an interval over people. A scheme that can be revoked
        refuses, as often as it refuses strangers (renewability, ISO/IEC 24745:2022, 6.3).
        ``usable_keys_at_fmr_X``: one over that share, the number of keys that can be drawn for one person until one is
        expected to open what another made. Shares below one in all trials can't be told from none, so it is never
        above the number of trials: read such a value as "at least".

    Raises
    ------
    ValueError
        Without trials.
    """
    if not len(person):
        raise ValueError("no trials under other keys; expected one or more of each person")
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
