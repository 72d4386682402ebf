"""List decoding of Reed-Solomon codes: all polynomials that agree with enough of the given points."""

from __future__ import annotations

from math import comb

import numpy as np

from mote_bench.contracts import FloatArray

from .reed_solomon import Numbers, PrimeField, reduced

_MOST = 6
"""Of the multiplicities that are tried: their cost rises with the fourth power."""


def list_decoded(places: Numbers, values: Numbers, *, free: int, agreement: int, field: PrimeField) -> list[Numbers]:
    """Polynomials of degree below ``free`` that take at least ``agreement`` of the values at the places.

    Guruswami & Sudan, IEEE Trans. Inf. Theory 45 (1999): a polynomial Q(x, y) that vanishes at every point, so and so
    often, has such a polynomial f as a root y = f(x). It exists where agreement^2 > n (free - 1). Q is found point by
    point (Koetter; McEliece, IPN Progress Report 42-153, 2003), its roots coefficient by coefficient (Roth &
    Ruckenstein, IEEE Trans. Inf. Theory 46, 2000).

    Parameters
    ----------
    places, values : (n,) int
        The points. Places may occur more than once.

    Returns
    -------
    list of (free,) int
        Empty also where the agreement is too small for multiplicities of at most 6.
    """
    times = multiplicity(len(places), free, agreement)
    if times is None:
        return []
    curve = _interpolated(places, values, max(free - 1, 1), times, times * agreement - 1, field)
    found = [root for root in _roots(curve, free, field) if _agrees(root, places, values, field) >= agreement]
    return list({tuple(root): root for root in found}.values())


def multiplicity(n: int, free: int, agreement: int) -> int | None:
    """How often the curve has to pass each of n points, at least; ``None`` where more than 6 times, or never enough."""
    weight = max(free - 1, 1)
    for times in range(1, _MOST + 1):
        most = times * agreement
        terms = sum(most - weight * power for power in range((most - 1) // weight + 1))
        if terms > n * times * (times + 1) // 2:
            return times
    return None


def _agrees(polynomial: Numbers, places: Numbers, values: Numbers, field: PrimeField) -> int:
    return int((field.values(polynomial[None], places)[0] == values).sum())


def _interpolated(
    places: Numbers, values: Numbers, weight: int, times: int, degree: int, field: PrimeField
) -> FloatArray:
    """(powers of y, powers of x): a polynomial that vanishes ``times`` times at each point.

    Its weighted degree, of x plus ``weight`` times that of y, is at most ``degree``. Of several polynomials the one of
    the least degree is kept through each condition by a factor, and the others by a multiple of it.
    """
    count, p = degree // weight + 1, field.size
    kept = np.zeros((count, count, degree + 1))
    kept[np.arange(count), np.arange(count), 0] = 1
    degrees = weight * np.arange(count)
    in_x, in_y = _binomials(degree + 1, times, p), _binomials(count, times, p)
    of_x, of_y = field.powers(places, degree + 1), field.powers(values, count)
    for x, x_powers, y_powers in zip(places, of_x, of_y, strict=True):
        for a in range(times):
            row = reduced(in_x[a] * _later(x_powers, a), p)
            for b in range(times - a):
                column = reduced(in_y[b] * _later(y_powers, b), p)
                off = reduced(reduced(kept @ row, p) @ column, p)
                _impose(kept, degrees, off, int(x), field)
    return np.asarray(kept[int(np.argmin(degrees))])


def _impose(kept: FloatArray, degrees: Numbers, off: FloatArray, x: int, field: PrimeField) -> None:
    """Change the polynomials in place so that they fulfil a condition by which they are ``off``."""
    not_yet = np.flatnonzero(off)
    if not len(not_yet):
        return
    first, p = not_yet[np.argmin(degrees[not_yet])], field.size
    others = not_yet[not_yet != first]
    shares = reduced(off[others] * field.inverse[int(off[first])], p)
    kept[others] = reduced(kept[others] - shares[:, None, None] * kept[first], p)
    shifted = np.zeros_like(kept[first])
    shifted[:, 1:] = kept[first, :, :-1]  # a degree above the limit is cut off: such a polynomial is never the least
    kept[first] = reduced(shifted - x * kept[first], p)
    degrees[first] += 1


def _binomials(count: int, times: int, p: int) -> FloatArray:
    """(times, count): n over a, modulo p."""
    return np.array([[comb(n, a) % p for n in range(count)] for a in range(times)], dtype=np.float64)


def _later(powers: FloatArray, by: int) -> FloatArray:
    """The power n - by at place n, and zero before."""
    return np.concatenate([np.zeros(by), powers[: len(powers) - by]])


def _roots(curve: FloatArray, free: int, field: PrimeField) -> list[Numbers]:
    """Polynomials f of degree below ``free`` for which Q(x, f(x)) may be zero: all roots, and few others."""
    found: list[Numbers] = []
    started: list[tuple[FloatArray, list[int]]] = [(curve, [])]
    powers = field.powers(np.arange(field.size), len(curve))
    while started:
        rest, known = started.pop()
        if len(known) == free:
            found.append(np.array(known, dtype=np.intp))
            continue
        filled = np.flatnonzero(rest.any(axis=0))
        if not len(filled):  # all that is left of Q is known to be zero: so may be the rest of f
            found.append(np.array(known + [0] * (free - len(known)), dtype=np.intp))
            continue
        rest = rest[:, filled[0] :]
        for root in np.flatnonzero(reduced(powers @ rest[:, 0], field.size) == 0):
            started.append((_substituted(rest, int(root), field.size), [*known, int(root)]))
    return found


def _substituted(curve: FloatArray, root: int, p: int) -> FloatArray:
    """Q(x, x y + root), as far as the powers of x go."""
    count, size = curve.shape
    made = np.zeros_like(curve)
    for power in range(min(count, size)):
        row: FloatArray = np.zeros(size)
        for higher in range(power, count):
            share = comb(higher, power) * pow(root, higher - power, p) % p
            row = reduced(row + share * curve[higher], p)
        made[power, power:] = row[: size - power]
    return made
