"""Many inner products in one product of polynomials: how vectors are laid out as coefficients.

With a template as ``x(X) = sum_i x_i X^i`` and probes as ``y(X) = sum_k sum_i y_ki X^(kd - i)``, the coefficient of
``X^(kd)`` in ``x(X) y(X) mod X^N + 1`` is the inner product of the template with probe k: two powers ``i - j`` of one
probe meet there only where ``i = j``, and those of other probes are at least ``d`` away. So one multiplication gives
``N / d`` scores, and no rotation of slots is needed (Yasuda et al., "Packed homomorphic encryption based on ideal
lattices and its application to biometrics", CD-ARES 2013, section 3).
"""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import FloatArray


def probes_per_polynomial(degree: int, dimension: int) -> int:
    """How many inner products one product of polynomials holds."""
    return degree // dimension


def places(degree: int, dimension: int) -> list[int]:
    """Which coefficients of the product are the inner products, in the order of the probes."""
    return [k * dimension for k in range(probes_per_polynomial(degree, dimension))]


def packed(probes: FloatArray, degree: int) -> FloatArray:
    """(polynomials, degree): the probes (m, d) as coefficients; ``X^-i`` is ``-X^(degree - i)``."""
    m, d = probes.shape
    each = probes_per_polynomial(degree, d)
    polynomials = np.zeros((-(-m // each), degree), dtype=probes.dtype)
    # Probe k, backwards, ends at the power kd: all but the first d - 1 values lie at powers of zero and above.
    laid = np.zeros((len(polynomials) * each, d), dtype=probes.dtype)
    laid[:m] = probes[:, ::-1]
    laid = laid.reshape(len(polynomials), each * d)
    polynomials[:, : each * d - (d - 1)] = laid[:, d - 1 :]
    polynomials[:, degree - (d - 1) :] = -laid[:, : d - 1]
    return polynomials
