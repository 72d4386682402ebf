"""Whether two vaults lock nearly the same set, and by which elements the sets differ, without opening either."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from .reed_solomon import Numbers, PrimeField, reduced, shortest_recurrences


def differences(
    vaults: Numbers, other: Numbers, places: Numbers, free: int, field: PrimeField
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The elements of one vault's set that each of n vaults lacks, for vaults of one degree over the same places.

    Merkle & Tams, "Security of the improved fuzzy vault scheme in the presence of record multiplicity" (arXiv
    1312.5225). With secrets of degree below k, sets A and B of t elements each, and differences D = A - B, E = B - A,
    ``chi_E V - chi_D W`` has a degree below ``|E| + k``. So V / W, as a series in 1/x, begins as the fraction chi_D /
    chi_E does. The paper finds the fraction by the extended Euclidean algorithm on V and W. The shortest recurrence of
    the series is the same, and is computed for many pairs at once. Found where the sets share at least (t + k) / 2.

    Parameters
    ----------
    vaults : (n, t + 1) int
        Monic polynomials.
    other : (t + 1,) int
        The vault W.
    places : (N,) int
        All elements that a set can have, none of them zero.
    free : int
        k.

    Returns
    -------
    lacking : (n, N) bool
        E as rows of ``places``.
    related : (n,) bool
        Whether the sets are found to share so many; otherwise the row of ``lacking`` means nothing.
    """
    t = vaults.shape[1] - 1
    most = (t - free) // 2
    series = _quotients(vaults[:, ::-1], other[::-1], 2 * most + 1, field)
    connections, lengths = shortest_recurrences(series[1:], field)
    at = reduced(field.powers(field.inverse[places], most + 1) @ connections, field.size) == 0
    return at.T, (lengths <= most) & (at.sum(axis=0) == lengths)


def _quotients(numerators: Numbers, denominator: Numbers, count: int, field: PrimeField) -> FloatArray:
    """(count, n): the first coefficients of series (n, ...) divided by one that begins with 1."""
    found = np.zeros((count, len(numerators)))
    for place in range(count):
        used = min(place, len(denominator) - 1)
        past = found[place - used : place][::-1]
        own = numerators[:, place] if place < numerators.shape[1] else 0
        found[place] = reduced(own - denominator[1 : used + 1].astype(np.float64) @ past, field.size)
    return found
