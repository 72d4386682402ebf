"""Whether a scheme's answers hamper attacks without hiding anything: random, tied, two-valued or flat scores."""

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
    """What a scorer is like, after the checks of AutoAttack for defences that only look strong.

    Croce & Hein, "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks",
    ICML 2020 (arXiv 2003.01690); Athalye, Carlini & Wagner, ICML 2018 (arXiv 1802.00420).

    Attributes
    ----------
    randomness : float
        How far two answers to the same question are apart, root mean square, in standard deviations of all answers.
    tied : float
        The share of answers to strangers that equal the lowest or the highest answer of their template.
    values : int
        How many different answers there are.
    flatness : float
        How far genuine answers stand above strangers', in standard deviations of a template's answers to strangers
        (medians over templates): some 3 to 10 where answers vary with likeness; hundreds where all strangers are
        answered alike.
    """

    randomness: float
    tied: float
    values: int
    flatness: float

    @property
    def names(self) -> tuple[str, ...]:
        """What attacks must reckon with: ``randomised``, ``two-valued``, ``saturated``, ``flat``."""
        rules = {
            "randomised": self.randomness > _RANDOM,
            "two-valued": self.values == 2,
            "saturated": self.values > 2 and self.tied > _TIED,
            "flat": self.values > 2 and self.flatness > _FLAT,
        }
        return tuple(name for name, holds in rules.items() if holds)


def diagnose(scores: Scores, first: FloatArray, again: FloatArray) -> Diagnosis:
    """Judge a scorer by its answers.

    Parameters
    ----------
    scores : Scores
        Answers to genuine and impostor probes.
    first, again : (k, m) float
        Two answers to the same templates and probes.
    """
    values = np.asarray(scores.values, dtype=np.float64)
    genuine = scores.owner[:, None] == scores.shown[None, :]
    strangers = np.where(genuine, np.nan, values)
    spread = float(values.std()) or 1.0
    extremes = (np.nanmin(strangers, axis=1, keepdims=True), np.nanmax(strangers, axis=1, keepdims=True))
    at_extremes = (strangers == extremes[0]) | (strangers == extremes[1])
    # Somebody is always the lowest and somebody the highest.
    counts = np.maximum((~genuine).sum(axis=1) - 2, 1)
    tied = np.maximum(at_extremes.sum(axis=1) - 2, 0) / counts
    deviation = np.nanstd(strangers, axis=1)
    own = np.array([np.median(row[mine]) if mine.any() else np.nan for row, mine in zip(values, genuine, strict=True)])
    gap = own - np.nanmedian(strangers, axis=1)
    moving = (deviation > 0) & np.isfinite(gap)
    return Diagnosis(
        randomness=float(np.sqrt(np.mean((np.asarray(first) - np.asarray(again)) ** 2)) / spread),
        tied=float(np.mean(tied)),
        values=len(np.unique(values)),
        flatness=float(np.median(gap[moving] / deviation[moving])) if moving.any() else 0.0,
    )
