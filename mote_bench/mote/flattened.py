"""MOTE hardened in appearance: nets that answer all strangers alike."""

from __future__ import annotations

from dataclasses import replace

from mote_bench.mote.objective import Flat
from mote_bench.mote.scheme import MOTE

_DROPOUT, _EPOCHS = 0.3, 8
"""With MOTE's own 0.5 for 20 epochs a fifth of the people are no longer recognised by a net that is to be flat."""


class FlattenedMOTE(MOTE):
    """MOTE trained on squared loss plus the variance of its answers to the background.

    A defence that only masks, as Athalye, Carlini & Wagner, "Obfuscated Gradients Give a False Sense of Security",
    ICML 2018 (arXiv 1802.00420) call it: answers to public faces and gradients from them then say little, while a
    search among faces that nobody has still finds the owner. The suite keeps it as a test of its own attacks: whoever
    counts answers to public faces alone would call it private.

    Parameters
    ----------
    variance : float
        How much the variance weighs; all else is :class:`~mote_bench.mote.scheme.MOTE`'s default.
    """

    def __init__(self, *, variance: float = 3.0) -> None:
        super().__init__(dropout=_DROPOUT, epochs=_EPOCHS, patience=_EPOCHS)
        self.recipe = replace(self.recipe, objective=Flat(variance))
