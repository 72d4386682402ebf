"""The net shapes released with MOTE besides the paper's: one entry point each."""

from __future__ import annotations

from dataclasses import replace

from mote_bench.mote.scheme import MOTE


def small() -> MOTE:
    """d-64-16-1: a third of the paper's bytes at 128 dimensions."""
    return MOTE(hidden=(64, 16))


def wide() -> MOTE:
    """d-256-128-1, two wide layers, trained with batch normalisation; a template holds layers that include it."""
    scheme = MOTE(hidden=(256, 128))
    scheme.recipe = replace(scheme.recipe, batch_norm=True)
    return scheme


def random_widths() -> MOTE:
    """Every hidden width drawn within 10 of the paper's, against attacks that read weights by their position."""
    return MOTE(random_widths=True)
