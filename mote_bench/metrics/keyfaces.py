"""How many people's templates a few faces open: wolves, masterprints, dictionaries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Measurement

from .intervals import wilson
from .measured import Measured

GALLERIES = (10, 100, 1000)
"""Sizes of the galleries in which a dictionary's first face is tried."""


def measure_keyfaces(opened: Mapping[str, npt.NDArray[np.bool_]]) -> Measured:
    """Shares of people who are opened by the first face of a dictionary, and by any of the first ten.

    Parameters
    ----------
    opened : mapping of FMR -> (n people, faces) bool
        Which template accepts which face at the system's threshold for this FMR.

    Returns
    -------
    Measured
        ``opened_by_1_at_fmr_X`` and ``opened_by_10_at_fmr_X`` with Wilson intervals over people. Chance is what as
        many strangers who try independently open, 1 - (1 - X)^k: a dictionary attack beats it by choosing its faces
        (Bontrager et al., "DeepMasterPrints", BTAS 2018, arXiv 1705.07386; Shmelkin, Wolf & Friedlander, arXiv
        2108.01077). With fewer than ten faces the second counts all there are.
        ``opens_one_of_N_at_fmr_X``: 1 - (1 - p)^N, p being the first face's share: the chance that it opens somebody
        in a gallery of N people like these. Its interval is that of p, seen through the same formula. Details hold the
        share opened by each number of faces.

    Raises
    ------
    ValueError
        Without people, faces or rates.
    """
    if not opened or any(table.ndim != 2 or 0 in table.shape for table in opened.values()):
        raise ValueError("expected, for one rate or more, a table of people by faces")
    measurements, curves, pulls = [], {}, {}
    for fmr, table in opened.items():
        by = np.maximum.accumulate(table.astype(bool), axis=1)
        curves[fmr] = by.mean(axis=0).tolist()
        for k in (1, 10):
            hit = by[:, min(k, by.shape[1]) - 1]
            low, high = wilson(float(hit.sum()), len(hit))
            chance = 1 - (1 - float(fmr)) ** min(k, by.shape[1])
            share = float(hit.mean())
            one = Measurement("opened_by", share, low, high, len(hit), chance=chance, at=fmr, group=(str(k),))
            measurements.append(one)
            pulls[one.name] = (hit - hit.mean()) / len(hit)
        measurements += [_in_gallery(size, fmr, by[:, 0]) for size in GALLERIES]
    return Measured(tuple(measurements), {"opened_by_the_first": curves}, pulls)


def _in_gallery(size: int, fmr: str, hit: npt.NDArray[np.bool_]) -> Measurement:
    shares = (float(hit.mean()), *wilson(float(hit.sum()), len(hit)), float(fmr))
    value, low, high, chance = (1 - (1 - share) ** size for share in shares)
    return Measurement("opens_one_of", value, low, high, len(hit), chance=chance, at=fmr, group=(str(size),))
