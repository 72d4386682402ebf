"""Signs of gradient masking in a scheme's scores: random, tied, two-valued or flat scores hide nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray

from .verification import Scores

_RANDOM = 1e-3
_TIED = 0.5
_FLAT = 30.0


@dataclass(frozen=True)
class Diagnosis:
    """Properties of a scheme's scores that mask gradients, after the checks of AutoAttack.

    Croce & Hein, "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks",
    ICML 2020 (arXiv 2003.01690); Athalye, Carlini & Wagner, ICML 2018 (arXiv 1802.00420).

    Attributes
    ----------
    randomness : float
        Root mean square difference of two scores of the same comparison, in standard deviations of all scores.
    tied : float
        Share of impostor scores that equal the lowest or the highest impostor score of their template.
    values : int
        Number of distinct scores.
    flatness : float
        Median genuine minus median impostor score, in standard deviations of a template's impostor scores; median over
        templates. It is some 3 to 10 for scores that vary with similarity, and hundreds for constant impostor scores.
    """

    randomness: float
    tied: float
    values: int
    flatness: float

    @property
    def names(self) -> tuple[str, ...]:
        """The properties found: ``randomised``, ``two-valued``, ``saturated``, ``flat``."""
        rules = {
            "randomised": self.randomness > _RANDOM,
            "two-valued": self.values == 2,
            "saturated": self.values > 2 and self.tied > _TIED,
            "flat": self.values > 2 and self.flatness > _FLAT,
        }
        return tuple(name for name, holds in rules.items() if holds)


def diagnose(scores: Scores, first: FloatArray, again: FloatArray) -> Diagnosis:
    """Diagnose a scheme's scores.

    Parameters
    ----------
    scores : Scores
        Genuine and impostor scores.
    first, again : (k, m) float
        Scores of the same templates and probes, computed twice.
    """
    values = np.asarray(scores.values, dtype=np.float64)
    genuine = scores.enrolled[:, None] == scores.shown[None, :]
    non_mated = np.where(genuine, np.nan, values)
    spread = float(values.std()) or 1.0
    extremes = (np.nanmin(non_mated, axis=1, keepdims=True), np.nanmax(non_mated, axis=1, keepdims=True))
    at_extremes = (non_mated == extremes[0]) | (non_mated == extremes[1])
    # One impostor score is always the lowest and one the highest: these two don't count as ties.
    counts = np.maximum((~genuine).sum(axis=1) - 2, 1)
    tied = np.maximum(at_extremes.sum(axis=1) - 2, 0) / counts
    deviation = np.nanstd(non_mated, axis=1)
    own = np.array([np.median(row[mine]) if mine.any() else np.nan for row, mine in zip(values, genuine, strict=True)])
    gap = own - np.nanmedian(non_mated, axis=1)
    moving = (deviation > 0) & np.isfinite(gap)
    return Diagnosis(
        randomness=float(np.sqrt(np.mean((np.asarray(first) - np.asarray(again)) ** 2)) / spread),
        tied=float(np.mean(tied)),
        values=len(np.unique(values)),
        flatness=float(np.median(gap[moving] / deviation[moving])) if moving.any() else 0.0,
    )
