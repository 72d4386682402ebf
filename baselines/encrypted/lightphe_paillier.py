"""The templates of deepface's ``represent`` with a LightPHE cryptosystem: each value encrypted by itself (Paillier)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, InputError, Key, Template
from mote_bench.toolkit import Recent, device, stream_seed, unit

from .min_max import mapped_back

if TYPE_CHECKING:
    import torch

_REMEMBERED = 16 << 20
"""Bytes of decrypted templates that are remembered, 4,096 of 512 dimensions: a decryption takes about a second."""


def library() -> Any:
    """The module ``lightphe``.

    Raises
    ------
    InputError
        Where LightPHE isn't installed.
    """
    try:
        import lightphe
    except ImportError:
        raise InputError(
            "LightPHE isn't installed, and its templates need it. Install it: pip install 'mote-bench[phe]'"
        ) from None
    return lightphe


class LightPHEPaillier:
    """deepface's encrypted embeddings (``DeepFace.represent(cryptosystem=LightPHE("Paillier", precision=19))``).

    As there (serengil/deepface, modules/encryption.py; serengil/LightPHE 0.0.27), an embedding is mapped to [0, 1] with
    values beyond the range cut off, scaled to length one, and encrypted value by value, as whole numbers of 19 decimal
    digits. The cloud multiplies ciphertexts by a plain probe and adds them (``encrypted @ probe``). On premises the
    secret key decrypts this inner product. Keys have 1,024 bits, LightPHE's default: less than today's 112 bits of
    security.

    **A value of exactly 0 isn't encrypted anew**: LightPHE uses one ciphertext of zero for all of them. So an attacker
    who reads a template sees which values are 0. After the mapping these are the values that were cut off; of an
    embedding with many zeros (VGG-Face) they would be its pattern. ``readings`` gives the equal ciphertexts.

    What differs: deepface's constants for the range belong to unscaled embeddings, so the range is the background's.
    The template is the ciphertexts as whole numbers, one after the other, and not a pickle; the encrypted divisor,
    which is the same for all values, comes first. Paillier is exact, so ``score`` decrypts each template once and
    multiplies in the clear: the same numbers as decrypting each product, and thousands of times as fast. Primes and
    randomness come from seeds.

    Attackers are as for :class:`~mote_baselines.encrypted.bfv.BFV`.

    Parameters
    ----------
    key_bits : int
        Bits of the modulus.
    precision : int
        Decimal digits of the encrypted values.
    """

    revocable = False
    needs_identity = False
    slow_to_try = True
    only_when_named = True  # seconds of CPU per enrolment

    def __init__(self, *, key_bits: int = 1024, precision: int = 19) -> None:
        library()
        if key_bits < 256 or key_bits % 16:
            raise ValueError(f"key_bits={key_bits}; expected a multiple of 16, from 256")
        # A product has twice the digits, and an inner product of unit vectors is at most 1.
        if precision < 1 or 10 ** (2 * precision) * 4 >= 2 ** (key_bits - 2):
            raise ValueError(f"precision={precision}; expected digits from 1 whose products fit {key_bits} bits")
        self._key_bits, self._precision = key_bits, precision

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the primes, and find the range of the background's values."""
        drawn, half = random.Random(stream_seed(seed, "lightphe", "primes")), self._key_bits // 2
        p, q = (_prime(drawn, half) for _ in range(2))
        while q == p:
            q = _prime(drawn, half)
        self._phi = (p - 1) * (q - 1)
        low, high = float(background.embeddings.min()), float(background.embeddings.max())
        dimension = background.embeddings.shape[1]
        self._enroller = PaillierEnroller(p * q, self._key_bits, self._precision, dimension, (low, high))
        self._opened: Recent[FloatArray] = Recent(_REMEMBERED, _bytes_of)
        return self

    def public(self) -> PaillierEnroller:
        """The system without its secret key: it enrols but can't score."""
        return self._enroller

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One list of ciphertexts per row of ``references`` (n, d)."""
        return self._enroller.enroll(references, keys=keys, seeds=seeds)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 inner products of what was encrypted with the probes, mapped alike."""
        return (self._decrypted(templates) @ self._enroller.normalised(probes).T).astype(np.float32)

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the embeddings, decrypted, and mapped back from [0, 1]."""
        return mapped_back(self._decrypted(templates), self._enroller.ends[0]).astype(np.float32)

    def readings(self, templates: Sequence[Template]) -> Sequence[FloatArray]:
        """(d, 1) of each template: 1 where the ciphertext is that of a further value, otherwise 0."""
        return self._enroller.readings(templates)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) scores with the decrypted templates, differentiable; nothing is cut off."""
        import torch

        stored = torch.from_numpy(self._decrypted(templates).astype(np.float32)).to(device())[:, None]
        low = self._enroller.ends[0]

        def scores(probes: torch.Tensor) -> torch.Tensor:
            faces = torch.nn.functional.normalize(probes, dim=-1)
            return (torch.nn.functional.normalize(faces - low, dim=-1) * stored).sum(-1)

        return scores

    def _decrypted(self, templates: Sequence[Template]) -> FloatArray:
        """(n, d) float64: what was encrypted, by LightPHE's decryption."""
        enroller = self._enroller
        keys = {"public_key": enroller.public_key, "private_key": {"phi": self._phi}}
        decrypt = library().LightPHE("Paillier", keys=keys, precision=self._precision).cs.decrypt

        def opened(row: int, template: Template) -> FloatArray:
            divisor, *dividends = enroller.numbers(row, template)
            by = decrypt(divisor)
            if by != 10**self._precision:
                raise ValueError(f"template {row} is encrypted under another key; expected one of this system")
            # As Python divides whole numbers: rounded once.
            return np.array([decrypt(one) / by for one in dividends])

        rows = [self._opened.get(one, partial(opened, row, one)) for row, one in enumerate(templates)]
        return np.array(rows).reshape(len(templates), enroller.dimension)


@dataclass(frozen=True)
class PaillierEnroller:
    """The public part: it normalises and encrypts as deepface and LightPHE do.

    Attributes
    ----------
    n : int
        The public key.
    ends : (float, float)
        The range that is mapped to [0, 1].
    """

    n: int
    key_bits: int
    precision: int
    dimension: int
    ends: tuple[float, float]
    revocable = False

    @property
    def public_key(self) -> dict[str, int]:
        """As LightPHE keeps it."""
        return {"n": self.n, "g": self.n + 1}

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One list of ciphertexts per row of ``references`` (n, d), its randomness drawn from the subject's seed."""
        phe, size = library(), self.key_bits // 4
        system = phe.LightPHE("Paillier", keys={"public_key": self.public_key}, precision=self.precision).cs
        templates = []
        for row, seed in zip(self.normalised(references).tolist(), seeds, strict=True):
            with _drawing(stream_seed(seed, "lightphe")):
                zero, divisor = system.encrypt(plaintext=0), system.encrypt(plaintext=10**self.precision)
                # LightPHE does this in worker processes, whose random numbers can't be seeded.
                made = [phe.encrypt_float(one, divisor, system, self.precision, zero) for one in row]
            numbers = [divisor, *(one.abs_dividend for one in made)]
            templates.append(b"".join(number.to_bytes(size, "big") for number in numbers))
        return templates

    def normalised(self, faces: FloatArray) -> FloatArray:
        """(n, d) float64: mapped to [0, 1] with values beyond the range cut off, and scaled to length one."""
        low, high = self.ends
        return unit((np.clip(unit(np.asarray(faces, dtype=np.float64)), low, high) - low) / (high - low))

    def readings(self, templates: Sequence[Template]) -> Sequence[FloatArray]:
        """As :meth:`LightPHEPaillier.readings`: no key is needed to compare ciphertexts."""
        found = []
        for row, template in enumerate(templates):
            values = self.numbers(row, template)[1:]
            repeated = {one for one in values if values.count(one) > 1}
            found.append(np.array([[float(one in repeated)] for one in values]))
        return found

    def numbers(self, row: int, template: Template) -> list[int]:
        """The ciphertexts: the divisor's, then one of each value.

        Raises
        ------
        ValueError
            On other bytes.
        """
        size = self.key_bits // 4
        read = [int.from_bytes(template[at : at + size], "big") for at in range(0, len(template), size)]
        if len(template) != size * (self.dimension + 1) or not all(0 < one < self.n**2 for one in read):
            raise ValueError(
                f"template {row} is {len(template)} bytes; expected {self.dimension + 1} ciphertexts of {size} bytes"
            )
        return read


def _bytes_of(row: FloatArray) -> int:
    return row.nbytes


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Within the block the module ``random``, from which LightPHE draws, starts from the seed; then it is as before."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _prime(drawn: random.Random, bits: int) -> int:
    """A random prime of so many bits."""
    import sympy

    while True:
        found = int(sympy.nextprime(drawn.getrandbits(bits) | 1 << (bits - 1)))
        if found.bit_length() == bits:
            return found
