"""Dictionary attacks: share of subjects whose templates match one of a few faces (master faces, wolves)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Measurement

from .intervals import wilson
from .measured import Measured

GALLERIES = (10, 100, 1000)
"""Gallery sizes at which a dictionary's first face is evaluated."""


def measure_dictionary(opened: Mapping[str, npt.NDArray[np.bool_]]) -> Measured:
    """Shares of subjects whose template accepts a dictionary's first face, or any of its first ten; higher is worse.

    Parameters
    ----------
    opened : mapping of FMR -> (n people, faces) bool
        Whether each template accepts each face at the system's threshold for this FMR.

    Returns
    -------
    Measured
        ``opened_by_1_at_fmr_X`` and ``opened_by_10_at_fmr_X`` with Wilson intervals over subjects. Chance is the share
        matched by as many independent non-mated faces, 1 - (1 - X)^k. A dictionary attack beats it by choosing its
        faces (Bontrager et al., "DeepMasterPrints", BTAS 2018, arXiv 1705.07386; Shmelkin, Wolf & Friedlander, arXiv
        2108.01077). With fewer than ten faces the second metric uses all of them.
        ``opens_one_of_N_at_fmr_X``: 1 - (1 - p)^N, where p is the first face's share: the probability that the face is
        accepted by a template in a gallery of N subjects. Its interval is that of p, mapped by the same formula.
        Details hold the share for each number of faces.

    Raises
    ------
    ValueError
        Without subjects, faces or rates.
    """
    if not opened or any(table.ndim != 2 or 0 in table.shape for table in opened.values()):
        raise ValueError("no subjects, faces or rates; expected a (people, faces) table for one FMR or more")
    measurements, curves, influence = [], {}, {}
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
            influence[one.name] = (hit - hit.mean()) / len(hit)
        measurements += [_in_gallery(size, fmr, by[:, 0]) for size in GALLERIES]
    return Measured(tuple(measurements), {"opened_by_the_first": curves}, influence)


def _in_gallery(size: int, fmr: str, hit: npt.NDArray[np.bool_]) -> Measurement:
    shares = (float(hit.mean()), *wilson(float(hit.sum()), len(hit)), float(fmr))
    value, low, high, chance = (1 - (1 - share) ** size for share in shares)
    return Measurement("opens_one_of", value, low, high, len(hit), chance=chance, at=fmr, group=(str(size),))
