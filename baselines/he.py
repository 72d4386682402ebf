"""Homomorphic encryption: the server multiplies encrypted embeddings with probes and can read neither them nor the score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import unit

from . import seal

if TYPE_CHECKING:
    import torch

_TILE = 4096
_LEAST_DEGREE = 2048


@dataclass(frozen=True)
class Form(ABC):
    """How embeddings become polynomials of degree below N, so that one product of two holds N // d inner products.

    The template is ``x_{d-1} + x_{d-2} X + ... + x_0 X^{d-1}`` and ``N // d`` probes stand one after the other in
    ``y_0 + y_1 X + ...``; coefficient ``d - 1 + j d`` of the product is ``<x, y_j>`` (Yasuda, Shimoyama, Kogure,
    Yokoyama & Koshiba, "Packed homomorphic encryption based on ideal lattices and its application to biometrics",
    CD-ARES 2013, section 3). No slot is ever rotated, so there are no rotation keys, and a small N will do.

    Attributes
    ----------
    dimension : int
        d, of the embeddings.
    degree : int
        N, of the polynomials.
    """

    dimension: int
    degree: int

    @property
    def probes(self) -> int:
        """How many probes one polynomial holds."""
        return self.degree // self.dimension

    @property
    def places(self) -> npt.NDArray[np.intp]:
        """Where the product holds the score of each probe of a full polynomial."""
        return np.arange(1, self.probes + 1) * self.dimension - 1

    @abstractmethod
    def context(self, *names: object) -> Any:
        """A SEAL context seeded by the names."""

    @abstractmethod
    def template(self, context: Any, vector: FloatArray) -> Any:
        """(d,) as a plaintext to encrypt."""

    @abstractmethod
    def factor(self, context: Any, vectors: FloatArray) -> Any:
        """(k, d) with k <= N // d as a plaintext to multiply with; ``None`` where it would be zero."""

    @abstractmethod
    def stored(self, context: Any, ciphertext: Any) -> Any:
        """A ciphertext as it was loaded, made ready to be multiplied."""

    @abstractmethod
    def product(self, context: Any, stored: Any, factor: Any) -> Any:
        """The encrypted scores of one template and one polynomial of probes."""

    @abstractmethod
    def read(
        self, plaintexts: Sequence[Any], places: npt.NDArray[np.intp], context: Any, *, factors: int
    ) -> FloatArray:
        """(n, places) float64 coefficients of decrypted products of this many numbers each."""


@dataclass(frozen=True)
class Integers(Form):
    """BFV: whole numbers modulo t. A unit vector is rounded to multiples of 1/2048."""

    scale = 2048

    @property
    def modulus(self) -> int:
        """t, a power of two. |<x, y>| <= (scale + sqrt(d) / 2)^2 by Cauchy-Schwarz, and so can't overflow.

        Rounding lengthens a vector by sqrt(d) / 2 at most. The coefficients that nobody reads may wrap.
        """
        longest = self.scale + self.dimension**0.5 / 2
        return 1 << int(np.ceil(np.log2(2 * longest**2)))

    def context(self, *names: object) -> Any:
        return seal.context("BFV", degree=self.degree, plain_modulus=self.modulus, seed=seal.words(*names))

    def template(self, context: Any, vector: FloatArray) -> Any:
        return self._plain(self._whole(vector[::-1]))

    def factor(self, context: Any, vectors: FloatArray) -> Any:
        whole = self._whole(vectors.ravel())
        if not whole.any():
            return None
        plain = self._plain(whole)
        _evaluator(context).transform_to_ntt_inplace(plain, context.first_parms_id())
        return plain

    def stored(self, context: Any, ciphertext: Any) -> Any:
        _evaluator(context).transform_to_ntt_inplace(ciphertext)
        return ciphertext

    def product(self, context: Any, stored: Any, factor: Any) -> Any:
        evaluator, product = _evaluator(context), seal.api().Ciphertext()
        evaluator.multiply_plain(stored, factor, product)
        evaluator.transform_from_ntt_inplace(product)
        return product

    def read(
        self, plaintexts: Sequence[Any], places: npt.NDArray[np.intp], context: Any, *, factors: int
    ) -> FloatArray:
        # A plaintext ends at its last coefficient that isn't zero.
        rows = [
            [plain[place] if place < plain.coeff_count() else 0 for place in places.tolist()] for plain in plaintexts
        ]
        values = np.array(rows, dtype=np.int64).reshape(len(plaintexts), len(places))
        return np.where(values >= self.modulus // 2, values - self.modulus, values) / float(self.scale) ** factors

    def _whole(self, numbers: FloatArray) -> npt.NDArray[np.int64]:
        return np.rint(self.scale * numbers).astype(np.int64)

    def _plain(self, whole: npt.NDArray[np.int64]) -> Any:
        terms = [f"{value:X}x^{power}" for power, value in enumerate((whole % self.modulus).tolist()) if value]
        return seal.api().Plaintext(" + ".join(reversed(terms)) or "0")
