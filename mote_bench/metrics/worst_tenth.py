"""The tail of the subjects: what the worst tenth of them lose, where a mean over all hides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

from .intervals import centred_interval
from .measured import Measured
from .verification import Scores

FNMR = "worst_tenth_fnmr"
_REPLICATES = 300


def in_worst_tenth(losses: FloatArray) -> FloatArray:
    """(..., P) how much each subject counts to the tenth with the highest losses: 1, 0, or a share where losses tie.

    The tenth is rounded up to whole subjects, and the shares add up to it.
    """
    losses = np.asarray(losses, dtype=float)
    people = losses.shape[-1]
    size = -(-people // 10)
    cut = np.partition(losses, people - size, axis=-1)[..., [people - size]]
    above, at = losses > cut, losses == cut
    left = size - above.sum(axis=-1, keepdims=True)
    return np.asarray(above + at * left / at.sum(axis=-1, keepdims=True))


def worst_tenth(losses: FloatArray) -> FloatArray:
    """(...,) mean loss of the tenth of the subjects (..., P) who lose most."""
    share = in_worst_tenth(losses)
    return np.asarray((share * losses).sum(axis=-1) / share.sum(axis=-1))


def measure_worst_tenth(
    scores: Scores,
    thresholds: Mapping[str, float],
    groups: Mapping[str, npt.NDArray[np.str_]],
    rng: np.random.Generator,
) -> Measured:
    """FNMR of the worst tenth of the subjects at each threshold, and who they are by group.

    The tenth is chosen by the errors themselves, so it is high by chance alone: with three probes of each subject, a
    few have several errors. ``chance`` is its mean if the same number of errors falls on trials at random. The interval
    is a bootstrap over subjects, centred because resampling adds to the choice by chance.

    Returns
    -------
    Measured
        ``worst_tenth_fnmr_at_fmr_X``. Details hold, for the strictest threshold, the tenth's subjects per group and the
        subjects of each group; where errors tie, a subject counts in part.
    """
    if not thresholds:
        return Measured(())
    row, column = np.nonzero(scores.mated)
    claimants, place = np.unique(scores.enrolled[row], return_inverse=True)
    trials, genuine = np.bincount(place), scores.values[row, column]
    measurements, losses = [], np.zeros(len(claimants))
    for name, threshold in thresholds.items():
        missed = genuine < threshold
        losses = np.bincount(place, missed) / trials
        value = float(worst_tenth(losses))
        again = worst_tenth(losses[rng.integers(len(losses), size=(_REPLICATES, len(losses)))])
        low, high = centred_interval(value, again)
        by_chance = _by_chance(missed, place, trials, rng)
        measurements.append(
            Measurement(FNMR, value, max(0.0, low), min(1.0, high), n=len(losses), chance=by_chance, at=name)
        )
    details = {"worst_tenth": {"at": list(thresholds)[-1], "groups": composition(losses, claimants, groups)}}
    return Measured(tuple(measurements), details)


def composition(
    losses: FloatArray, people: npt.NDArray[np.integer], groups: Mapping[str, npt.NDArray[np.str_]]
) -> dict[str, Any]:
    """Per attribute and group: the subjects in the worst tenth, and all subjects ``people`` (P,) of the group."""
    share = in_worst_tenth(losses)
    return {
        attribute: {
            str(label): [round(float(share[own == label].sum()), 2), int((own == label).sum())]
            for label in np.unique(own)
        }
        for attribute, labels in groups.items()
        for own in (np.asarray(labels).astype(str)[people],)
    }


def _by_chance(
    missed: npt.NDArray[np.bool_], place: npt.NDArray[np.intp], trials: npt.NDArray[np.intp], rng: np.random.Generator
) -> float:
    """The expected figure if the errors fall on trials at random."""
    drawn = rng.permuted(np.tile(missed, (_REPLICATES, 1)), axis=1)
    losses = np.stack([np.bincount(place, one) for one in drawn]) / trials
    return float(worst_tenth(losses).mean())
