"""BFV: the embedding rounded to whole numbers and encrypted exactly; the inner product is taken under encryption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mote_bench.contracts import FloatArray

from . import seal_library
from .encrypted_scheme import EncryptedCosine, System

_MOST_BITS = 60
"""Of a plaintext modulus that SEAL takes."""


class BFV(EncryptedCosine):
    """Face matching under fully homomorphic encryption (Boddeti, BTAS 2018, arXiv 1805.00577), on whole numbers.

    The server holds ``E(round(s x))`` for the enrolled unit embedding x and multiplies it by ``round(s y)`` of a probe
    y; the key holder decrypts ``<round(s x), round(s y)> / s^2`` (Fan and Vercauteren, eprint 2012/144). Both are laid
    out as coefficients of a polynomial (``packed``), so that one product holds many scores and no rotation is needed.
    At the defaults the result is exact: it differs from the cosine only by rounding, by about ``0.4 / s``.

    An attacker who stole the server's data (``algorithm``) holds ciphertexts and the public key. They can enrol shadow
    subjects, but not score. An attacker with the secret key too (``full_disclosure``) decrypts every embedding. An
    attacker with online access (``scores only``) has neither, but gets scores as exact as those of the plain vector:
    encryption protects the template, not the scores. A key holder decrypts whole polynomials, whose other
    coefficients mix template and probe. A deployment masks these; here they don't leave ``score``. The encryption's
    randomness comes from the subject's seed, so that a run can be repeated; a deployment draws it from its operating
    system.

    Parameters
    ----------
    degree : int, optional
        N of the ring ``Z[X] / (X^N + 1)``, a power of two from 2,048 to 32,768; at least the embedding's dimension. By
        default 2,048, or the least that holds the embedding.
        The coefficient modulus is SEAL's for 128 bits of security at this degree: 54 bits at 2,048.
    scale : int
        s. ``(s + sqrt(d) / 2)^2`` must stay below half the plaintext modulus, or scores would wrap around.
    plain_bits : int
        The plaintext modulus is 2 to this power, at most 60.
    """

    def __init__(self, *, degree: int | None = None, scale: int = 1000, plain_bits: int = 22) -> None:
        grows = degree is None
        degree = seal_library.LEAST_DEGREE if degree is None else degree
        seal_library.modulus_bits(degree)  # raises on an unsupported degree
        if scale < 1 or plain_bits > _MOST_BITS or (scale + np.sqrt(degree) / 2) ** 2 >= 2 ** (plain_bits - 1):
            raise ValueError(
                f"scale={scale} with plain_bits={plain_bits}; expected (scale + sqrt(degree)/2)^2 < 2^(plain_bits-1), "
                f"a scale from 1, and plain_bits to {_MOST_BITS}"
            )
        super().__init__(WholeNumbers(degree, scale, plain_bits), grows=grows)


@dataclass(frozen=True)
class WholeNumbers:
    """Coefficients as whole numbers modulo ``2^plain_bits``, the upper half of which stands for negative ones."""

    degree: int
    scale: int
    plain_bits: int
    ntt_form = False

    def of_degree(self, degree: int) -> WholeNumbers:
        return replace(self, degree=degree)

    def parameters(self) -> Any:
        """BFV with SEAL's coefficient modulus of this degree."""
        made = seal_library.parameters_of("BFV", self.degree)
        made.set_plain_modulus(2**self.plain_bits)
        return made

    def plaintexts(self, context: Any, polynomials: FloatArray, *, products: bool = False) -> list[Any]:
        """A plaintext per row, rounded."""
        rows = (np.rint(self._scale(products) * polynomials).astype(np.int64) % 2**self.plain_bits).astype("<u8")
        with seal_library.passage() as path:
            return [seal_library.plaintext(context, row, path) for row in rows]

    def coefficients(self, system: System, opened: Sequence[Any], at: Sequence[int], *, products: bool) -> FloatArray:
        """Coefficients divided by s, or by s^2 in products."""
        modulus = 2**self.plain_bits
        values = np.array([_values(plaintext, at) for plaintext in opened], dtype=np.int64)
        signed = np.where(values >= modulus // 2, values - modulus, values)
        return signed / self._scale(products)

    def _scale(self, products: bool) -> int:
        return self.scale**2 if products else self.scale


def _values(plaintext: Any, at: Sequence[int]) -> list[int]:
    """Whole numbers as SEAL holds them; it keeps no zeros above the highest power."""
    known, read = plaintext.coeff_count(), plaintext.data
    return [read(place) if place < known else 0 for place in at]
