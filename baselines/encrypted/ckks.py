"""CKKS: the embedding encrypted as approximate real numbers; the inner product is taken under encryption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from . import seal_library
from .encrypted_scheme import EncryptedCosine, System


class CKKS(EncryptedCosine):
    """Encrypted inner product on real numbers (Cheon, Kim, Kim and Song, ASIACRYPT 2017, eprint 2016/421).

    Attackers are as for :class:`~mote_baselines.encrypted.bfv.BFV`. CKKS encrypts ``round(D x)`` with the scale ``D =
    2^scale_bits``. The product with a probe has the scale ``D^2``, and the noise of encryption stays in the result:
    scores differ from the cosine by about 1e-5 at the defaults. Template and probes are laid out as coefficients
    (``packed``), not as slots. So one product holds many scores without any rotation. Rotations are what usually forces
    CKKS to a degree of 8,192 and templates of 330 kB.

    A decrypted score carries the noise of the ciphertext. Many scores with all their digits reveal the secret key (Li
    and Micciancio, EUROCRYPT 2021, eprint 2020/1533). They do so here. With one stolen template and N scores
    of unit vectors, in the single precision in which ``score`` returns them, an attacker computes the key and decrypts
    every template. Rounding only takes more scores: a template's noise is the same in all of them (docs/families.md). A
    deployment adds fresh noise to a score before it leaves, or lets decisions leave (``CKKSThreshold``).

    Parameters
    ----------
    degree : int, optional
        N of the ring ``Z[X] / (X^N + 1)``, a power of two from 2,048 to 32,768; at least the embedding's dimension. By
        default 2,048, or the least that holds the embedding.
        The coefficient modulus is SEAL's for 128 bits of security at this degree: 54 bits at 2,048.
    scale_bits : int
        Twice as many must stay below the modulus' bits, less one for the sign.
    """

    def __init__(self, *, degree: int | None = None, scale_bits: int = 26) -> None:
        grows = degree is None
        degree = seal_library.LEAST_DEGREE if degree is None else degree
        most = (seal_library.modulus_bits(degree) - 2) // 2
        if not 0 < scale_bits <= most:
            raise ValueError(f"scale_bits={scale_bits}; expected 1 to {most} at degree {degree}")
        super().__init__(RealNumbers(degree, scale_bits), grows=grows)


@dataclass(frozen=True)
class RealNumbers:
    """Coefficients as real numbers, given to SEAL as the polynomial's values at the roots of ``X^N + 1``.

    SEAL's encoder takes values ("slots") at the roots ``exp(i pi 3^j / N)`` and turns them into coefficients; these
    values are computed from the coefficients here, so that the encoder gives the coefficients back. What is decrypted
    isn't given to the encoder, which would work out every value: only the coefficients that are scores are read.
    """

    degree: int
    scale_bits: int
    ntt_form = True

    def of_degree(self, degree: int) -> RealNumbers:
        return replace(self, degree=degree)

    def parameters(self) -> Any:
        """CKKS with SEAL's coefficient modulus of this degree."""
        return seal_library.parameters_of("CKKS", self.degree)

    def plaintexts(self, context: Any, polynomials: FloatArray, *, products: bool = False) -> list[Any]:
        """A plaintext per row."""
        return encoded(context, slots_of(polynomials), (4.0 if products else 2.0) ** self.scale_bits)

    def coefficients(self, system: System, opened: Sequence[Any], at: Sequence[int], *, products: bool) -> FloatArray:
        """Coefficients divided by the scale, which SEAL keeps beside them; it knows that of a product."""
        return np.asarray(system.whole_numbers(opened, at) / opened[0].scale, dtype=np.float64)


def encoded(context: Any, slots: npt.NDArray[Any], scale: float) -> list[Any]:
    """A plaintext per row of slots (n, N / 2)."""
    seal = seal_library.library()
    encoder, made = seal.CKKSEncoder(context), []
    for row in slots:
        plaintext = seal.Plaintext()
        encoder.encode(row.tolist(), context.first_parms_id(), scale, plaintext)
        made.append(plaintext)
    return made


def slots_of(polynomials: FloatArray) -> npt.NDArray[np.complex128]:
    """(n, N / 2): the values of polynomials (n, N) at the roots ``exp(i pi 3^j / N)``."""
    degree = polynomials.shape[1]
    turned = polynomials * _turns(degree)
    return np.asarray((np.fft.ifft(turned, axis=1) * degree)[:, _odd_powers(degree)])


@lru_cache(maxsize=8)
def _odd_powers(degree: int) -> npt.NDArray[np.intp]:
    """(N / 2,): k such that the slot j is at the root ``exp(i pi (2 k + 1) / N)``, in SEAL's order."""
    powers = [pow(3, j, 2 * degree) for j in range(degree // 2)]
    return (np.array(powers, dtype=np.intp) - 1) // 2


@lru_cache(maxsize=8)
def _turns(degree: int) -> npt.NDArray[np.complex128]:
    """(N,) exp(i pi k / N): what moves the roots of ``X^N - 1`` to those of ``X^N + 1``."""
    return np.asarray(np.exp(1j * np.pi * np.arange(degree) / degree), dtype=np.complex128)
