"""MOTE hardened in appearance only: nets with nearly equal responses to all non-mated faces."""

from __future__ import annotations

from dataclasses import replace

from mote_bench.mote.objective import Flat
from mote_bench.mote.scheme import MOTE

_DROPOUT, _EPOCHS = 0.3, 8
"""With MOTE's own 0.5 for 20 epochs a flattened net rejects a fifth of the subjects."""


class FlattenedMOTE(MOTE):
    """MOTE trained on squared loss plus the variance of its responses to the background.

    This defence only masks gradients (Athalye, Carlini & Wagner, "Obfuscated Gradients Give a False Sense of Security",
    ICML 2018, arXiv 1802.00420). Responses to public faces, and gradients at them, then hold little information. A
    search among samples of a prior still finds the subject. The suite keeps the scheme as a test of its own attacks:
    an evaluation by responses to public faces alone would call it private.

    Parameters
    ----------
    variance : float
        How much the variance weighs; all else is :class:`~mote_bench.mote.scheme.MOTE`'s default.
    """

    def __init__(self, *, variance: float = 3.0) -> None:
        super().__init__(dropout=_DROPOUT, epochs=_EPOCHS, patience=_EPOCHS)
        self.recipe = replace(self.recipe, objective=Flat(variance))
