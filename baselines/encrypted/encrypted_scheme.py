"""The base of schemes whose template is a ciphertext of the embedding, and whose score is decrypted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import device, unit

from . import seal_library
from .coefficient_packing import packed, places

if TYPE_CHECKING:
    import torch

_TILE = 1024
"""Polynomials of probes that are held at once, and what is decrypted of them: 16 MB each at degree 2,048."""

_LARGEST_ERROR = 0.1
_KEPT = 512
"""Ciphertexts cached in transformed form, because probes are presented one by one: 16 MB at degree 2,048."""


class Arithmetic(Protocol):
    """How numbers are encoded as plaintexts and decoded: BFV's or CKKS's. Picklable and without secrets."""

    @property
    def degree(self) -> int:
        """The number of coefficients of a polynomial."""
        ...

    @property
    def ntt_form(self) -> bool:
        """Whether fresh ciphertexts are in the number-theoretic transform's form."""
        ...

    def of_degree(self, degree: int) -> Arithmetic:
        """The same encoding at another degree."""
        ...

    def parameters(self) -> Any:
        """SEAL's encryption parameters."""
        ...

    def plaintexts(self, context: Any, polynomials: FloatArray, *, products: bool = False) -> list[Any]:
        """A plaintext per row of coefficients; with ``products`` at the scale of products, to subtract from these."""
        ...

    def coefficients(self, system: System, opened: Sequence[Any], at: Sequence[int], *, products: bool) -> FloatArray:
        """(n, places) of decrypted templates or, with ``products``, of templates' products with probes."""
        ...


@dataclass(frozen=True)
class Enroller:
    """The public part of an encrypted system: it can enrol, but neither decrypt nor score.

    It holds the public key and no seed or secret.
    """

    arithmetic: Arithmetic
    public_key: bytes
    dimension: int
    revocable = False

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One ciphertext per row of ``references`` (n, d), its randomness drawn from the subject's seed."""
        seal, parameters = seal_library.library(), self.arithmetic.parameters()
        rows = self.laid(unit(np.asarray(references, dtype=np.float64)))
        templates = []
        with seal_library.passage() as path:
            for row, seed in zip(rows, seeds, strict=True):
                context = seal_library.context(parameters, seed=seed, purpose="enrolment")
                key = seal_library.loaded(seal.PublicKey, context, self.public_key, path)
                [plaintext] = self.arithmetic.plaintexts(context, row[None])
                ciphertext = seal.Ciphertext()
                seal.Encryptor(context, key).encrypt(plaintext, ciphertext)
                templates.append(seal_library.saved(ciphertext, path))
        return templates

    def laid(self, vectors: FloatArray) -> FloatArray:
        """(n, degree): the unit vectors (n, d) as the lowest coefficients."""
        return np.pad(vectors, ((0, 0), (0, self.arithmetic.degree - self.dimension)))


def power_of_two(number: int) -> int:
    """The least power of two that is as large as a positive number."""
    return 1 << (number - 1).bit_length()


class EncryptedScheme:
    """Templates encrypted under the system's public key, scores decrypted with its secret key.

    Subclasses give the arithmetic. With ``grows``, embeddings of more dimensions than its degree are encrypted at the
    least degree that holds them. The secret key is kept as the seed it is made from, and never leaves by
    :meth:`public`.
    """

    revocable = False
    needs_identity = False

    def __init__(self, arithmetic: Arithmetic, *, grows: bool) -> None:
        seal_library.library()
        self.arithmetic = self._least = arithmetic
        self._grows = grows

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the system's pair of keys; nothing is learned from faces."""
        dimension = background.embeddings.shape[1]
        if self._grows:
            self.arithmetic = self._least.of_degree(max(self._least.degree, power_of_two(dimension)))
        if dimension > self.arithmetic.degree:
            raise ValueError(
                f"{dimension} dimensions don't fit into a polynomial of degree {self.arithmetic.degree}; "
                "choose a larger degree"
            )
        self._seed = seed
        vars(self).pop("_system", None)
        parameters = self.arithmetic.parameters()
        key = seal_library.public_key(parameters, seal_library.secret_key(parameters, seed), seed)
        self._enroller = Enroller(self.arithmetic, key, dimension)
        self._try(dimension)
        return self

    def public(self) -> Enroller:
        """The system without its secret key: it enrols but can't score."""
        return self._enroller

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One ciphertext per row of ``references`` (n, d)."""
        return self._enroller.enroll(references, keys=keys, seeds=seeds)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines: multiplied by plain probes under encryption, then decrypted."""
        return self.decrypted_products(templates, unit(np.asarray(probes, dtype=np.float64)))

    def decrypted_products(
        self, templates: Sequence[Template], vectors: FloatArray, less: FloatArray | None = None
    ) -> FloatArray:
        """(n, m) float32 inner products of embeddings with ``vectors`` (m, d), less (m,) numbers, as decrypted.

        Both are computed under encryption.
        """
        system, d = self._system, self._enroller.dimension
        at = places(self.arithmetic.degree, d)
        polynomials = packed(vectors, self.arithmetic.degree)
        subtracted = None if less is None else self._at_places(less, at)
        scores = np.empty((len(templates), len(polynomials) * len(at)), dtype=np.float32)
        for first in range(0, len(polynomials), _TILE):
            tile = self.arithmetic.plaintexts(system.context, polynomials[first : first + _TILE])
            for plaintext in tile:
                system.transform_plain(plaintext)
            constants: list[Any] = [None] * len(tile)
            if subtracted is not None:
                some = subtracted[first : first + _TILE]
                constants = self.arithmetic.plaintexts(system.context, some, products=True)
            for row, template in enumerate(templates):
                ciphertext = self._transformed(row, template)
                pairs = zip(tile, constants, strict=True)
                opened = [system.decrypted_product(ciphertext, plaintext, less=one) for plaintext, one in pairs]
                read = self.arithmetic.coefficients(system, opened, at, products=True)
                scores[row, first * len(at) : (first + len(tile)) * len(at)] = read.reshape(-1)
        return scores[:, : len(vectors)]

    def _at_places(self, numbers: FloatArray, at: Sequence[int]) -> FloatArray:
        """(polynomials, degree): the numbers (m,) as the coefficients that are inner products."""
        laid = np.zeros((-(-len(numbers) // len(at)), len(at)))
        laid.flat[: len(numbers)] = numbers
        polynomials = np.zeros((len(laid), self.arithmetic.degree))
        polynomials[:, at] = laid
        return polynomials

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the embeddings, decrypted."""
        system, at = self._system, range(self._enroller.dimension)
        rows = np.empty((len(templates), len(at)))
        for row, template in enumerate(templates):
            plaintext = system.decrypted(self._ciphertext(row, template))
            rows[row] = self.arithmetic.coefficients(system, [plaintext], at, products=False)[0]
        return unit(rows).astype(np.float32)

    def solve(
        self,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        prior: FloatArray,
        rng: np.random.Generator,
    ) -> FloatArray:
        """(n, d) float32: as :meth:`reconstruct`; with the secret key nothing is left to solve."""
        return self.reconstruct(templates, keys=None)

    def _try(self, dimension: int) -> None:
        """ValueError where the parameters' noise or overflow makes scores wrong by more than 0.1."""
        face = unit(np.ones((1, dimension)))
        shown = np.repeat(face, len(places(self.arithmetic.degree, dimension)), axis=0)
        scores = self.score(self.enroll(face, keys=None, seeds=[0]), shown, keys=None)
        if np.abs(scores - 1).max() > _LARGEST_ERROR:
            raise ValueError(
                f"with these parameters a face scores {scores.flat[0]:.2f} against itself; expected 1: "
                "choose a smaller scale, or a larger degree"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_system"}

    @cached_property
    def _system(self) -> System:
        return System(self.arithmetic, self._seed)

    def _transformed(self, row: int, template: Template) -> Any:
        """The template as a ciphertext that can be multiplied by transformed plaintexts."""
        system = self._system
        if template not in system.kept:
            ciphertext = self._ciphertext(row, template)
            system.transform(ciphertext)
            if len(system.kept) >= _KEPT:
                system.kept.pop(next(iter(system.kept)))
            system.kept[template] = ciphertext
        return system.kept[template]

    def _ciphertext(self, row: int, template: Template) -> Any:
        system = self._system
        try:
            with seal_library.passage() as path:
                read = seal_library.loaded(system.seal.Ciphertext, system.context, template, path)
        except ValueError as error:
            raise ValueError(f"template {row} is {error}; expected a ciphertext of this system") from None
        fresh = read.size() == 2 and read.parms_id() == system.context.first_parms_id()
        if not fresh or read.is_ntt_form() != self.arithmetic.ntt_form or read.is_transparent():
            raise ValueError(
                f"template {row} isn't a ciphertext as enrolled; expected a fresh ciphertext of this system"
            )
        return read


class EncryptedCosine(EncryptedScheme):
    """An encrypted scheme whose scores are cosines."""

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) cosines with the decrypted templates, differentiable."""
        import torch

        stored = torch.from_numpy(self.reconstruct(templates, keys=None)).to(device())[:, None]
        return lambda probes: (torch.nn.functional.normalize(probes, dim=-1) * stored).sum(-1)


class System:
    """The running system: SEAL's objects with the secret key, made anew in each process."""

    def __init__(self, arithmetic: Arithmetic, seed: int) -> None:
        parameters = arithmetic.parameters()
        self.seal = seal_library.library()
        self.context = seal_library.context(parameters, seed=seed, purpose="running")
        self.kept: dict[Template, Any] = {}
        self._decrypts_transformed = arithmetic.ntt_form
        self._secret_key = seal_library.secret_key(parameters, seed)
        self._evaluator = self.seal.Evaluator(self.context)
        self._decryptor = self.seal.Decryptor(self.context, self._secret_key)

    def transform_plain(self, plaintext: Any) -> None:
        """Into the number-theoretic transform's form, in which products are taken value by value."""
        if not plaintext.is_ntt_form():
            self._evaluator.transform_to_ntt_inplace(plaintext, self.context.first_parms_id())

    def transform(self, ciphertext: Any) -> None:
        """As :meth:`transform_plain`."""
        if not ciphertext.is_ntt_form():
            self._evaluator.transform_to_ntt_inplace(ciphertext)

    def decrypted_product(self, ciphertext: Any, plaintext: Any, *, less: Any = None) -> Any:
        """The decrypted product of a template and a polynomial of probes, both transformed, ``less`` a plaintext."""
        product = self.seal.Ciphertext()
        self._evaluator.multiply_plain(ciphertext, plaintext, product)
        if not self._decrypts_transformed:
            self._evaluator.transform_from_ntt_inplace(product)
        if less is not None:
            self._evaluator.sub_plain_inplace(product, less)
        return self.decrypted(product)

    def decrypted(self, ciphertext: Any) -> Any:
        """The plaintext of a ciphertext in the form of a fresh one."""
        plaintext = self.seal.Plaintext()
        self._decryptor.decrypt(ciphertext, plaintext)
        return plaintext

    def whole_numbers(self, opened: Sequence[Any], at: Sequence[int]) -> npt.NDArray[np.object_]:
        """(n, places) coefficients of decrypted polynomials in the transform's form, as whole numbers about zero.

        SEAL transforms no plaintext back, only ciphertexts. So each polynomial is added to an encryption of zero, whose
        own coefficients are then subtracted.
        """
        primes = [prime.value() for prime in self.context.first_context_data().parms().coeff_modulus()]
        modulus = prod(primes)
        # Chinese remainders: the number of remainders r_i modulo p_i is the sum of r_i w_i.
        weights = [modulus // prime * pow(modulus // prime, -1, prime) for prime in primes]
        degree, zero, back = self.context.first_context_data().parms().poly_modulus_degree(), *self._zero
        read = [degree * prime + place for place in at for prime in range(len(primes))]
        values = np.empty((len(opened), len(read)), dtype=object)
        for row, plaintext in zip(values, opened, strict=True):
            zero.scale, both = plaintext.scale, self.seal.Ciphertext()
            self._evaluator.add_plain(zero, plaintext, both)
            self._evaluator.transform_from_ntt_inplace(both)
            row[:] = _numbers(both, read)
        values -= np.array(_numbers(back, read), dtype=object)
        whole = values.reshape(len(opened), len(at), len(primes)) @ np.array(weights, dtype=object) % modulus
        return np.asarray(np.where(whole > modulus // 2, whole - modulus, whole))

    @cached_property
    def _zero(self) -> tuple[Any, Any]:
        """An encryption of zero in the transform's form, and transformed back."""
        zero, back = self.seal.Ciphertext(), self.seal.Ciphertext()
        self.seal.Encryptor(self.context, self._secret_key).encrypt_zero_symmetric(zero)
        self._evaluator.transform_from_ntt(zero, back)
        return zero, back


def _numbers(ciphertext: Any, read: Sequence[int]) -> list[int]:
    """Some numbers of a ciphertext: prime by prime the coefficients of its first polynomial, then of its second.

    SEAL's array is a view, so it must not outlive the ciphertext.
    """
    return list(map(ciphertext.dyn_array().at, read))
