"""The CKKS templates of CipherFace, in its own packing, parameters and format."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import device, unit

from . import seal_library, tenseal_vector
from .ckks import encoded, slots_of
from .encrypted_scheme import EncryptedScheme, Enroller, System, power_of_two
from .min_max import mapped_back

if TYPE_CHECKING:
    import torch

_DEGREE, _PRIMES, _SCALE = 8192, (60, 40, 40, 60), 2.0**40
"""CipherFace's mode ``defensive`` at 128 bits of security."""


class CipherFace(EncryptedScheme):
    """CipherFace's fully homomorphic setting (serengil/cipherface 0.0.2, class ``CipherFace``; arXiv 2503.05850).

    As there, a template is the text (base64) of ``tenseal.ckks_vector(context, embedding).serialize()``: the embedding
    in slots, repeated until these are full, at degree 8,192 with primes of 60, 40, 40 and 60 bits and the scale 2^40.
    With ``cosine`` embeddings are first mapped from the data's range to [0, 1] (min-max) and scaled to length one. With
    ``euclidean`` they are encrypted as they are, and a distance is the sum of squared differences. The cloud holds
    templates and the public key. On premises, the secret key decrypts the distance, and the decision is made there.

    What differs: embeddings come with length one here, so the constants of its min-max (the range of FaceNet's
    unscaled embeddings) are replaced by the background's range. CipherFace encrypts the probe too and sums slots by
    rotations. Here the probe is plain, and the sum of slots is read from the lowest coefficient of one product. The
    decrypted number is the same to 1e-5. ``score`` is one less the cosine distance, or minus the squared distance.
    The encryption's randomness comes from the subject's seed. Attackers are as for
    :class:`~mote_baselines.encrypted.bfv.BFV`: the distance leaves the system with all its digits.

    Parameters
    ----------
    distance : str
        ``cosine`` or ``euclidean``.
    """

    def __init__(self, *, distance: str = "cosine") -> None:
        if distance not in ("cosine", "euclidean"):
            raise ValueError(f"distance={distance!r}; expected 'cosine' or 'euclidean'")
        self._distance = distance
        super().__init__(Slots(_DEGREE), grows=False)

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the keys, and find the range of the background's values."""
        dimension = background.embeddings.shape[1]
        self.arithmetic = Slots(max(_DEGREE, 2 * power_of_two(dimension)))
        super().fit(background, seed=seed)
        ends = (float(background.embeddings.min()), float(background.embeddings.max()))
        public = self._enroller
        self._enroller = self._cipherface = CipherFaceEnroller(
            public.arithmetic, public.public_key, public.dimension, ends if self._distance == "cosine" else None
        )
        self._check()
        return self

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: one less the decrypted cosine distance, or minus the decrypted squared distance."""
        system, vectors = self._system, self._cipherface.normalised(probes)
        shown = self.arithmetic.plaintexts(system.context, np.pad(vectors, ((0, 0), (0, self._unused))))
        scores = np.empty((len(templates), len(vectors)), dtype=np.float32)
        for row, template in enumerate(templates):
            ciphertext = self._transformed(row, template)
            opened = [system.decrypted_product(ciphertext, plaintext) for plaintext in shown]
            # The lowest coefficient is the mean of all slots, and only the first d slots of a probe aren't zero.
            means = self.arithmetic.coefficients(system, opened, [0], products=True)[:, 0]
            scores[row] = means * (self.arithmetic.degree // 2)
        return scores if self._distance == "cosine" else -(2 - 2 * scores)

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the embeddings, decrypted, and mapped back from [0, 1]."""
        return mapped_back(self._decrypted(templates), self._cipherface.low).astype(np.float32)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) scores with the decrypted templates, differentiable."""
        import torch

        stored = torch.from_numpy(unit(self._decrypted(templates)).astype(np.float32)).to(device())[:, None]
        low, cosine = self._cipherface.low, self._distance == "cosine"

        def scores(probes: torch.Tensor) -> torch.Tensor:
            faces = torch.nn.functional.normalize(probes, dim=-1)
            products = (torch.nn.functional.normalize(faces - low, dim=-1) * stored).sum(-1)
            return products if cosine else 2 * products - 2

        return scores

    def _decrypted(self, templates: Sequence[Template]) -> FloatArray:
        """(n, d) float64: what was encrypted."""
        system, at = self._system, range(self.arithmetic.degree)
        rows = np.empty((len(templates), self._cipherface.dimension))
        for row, template in enumerate(templates):
            plaintext = system.decrypted(self._ciphertext(row, template))
            read = self.arithmetic.coefficients(system, [plaintext], at, products=False)
            rows[row] = slots_of(read)[0, : rows.shape[1]].real
        return rows

    @property
    def _unused(self) -> int:
        return self.arithmetic.degree // 2 - self._cipherface.dimension

    def _try(self, dimension: int) -> None:
        """Nothing: the range isn't known yet. :meth:`fit` checks afterwards."""

    def _check(self) -> None:
        """ValueError where a face's score against itself is wrong by more than 0.1."""
        face = unit(np.random.default_rng(0).standard_normal((1, self._cipherface.dimension)))
        best = 1.0 if self._distance == "cosine" else 0.0
        score = float(self.score(self.enroll(face, keys=None, seeds=[0]), face, keys=None)[0, 0])
        if abs(score - best) > 0.1:
            raise ValueError(f"a face scores {score:.2f} against itself; expected {best:g}")

    def _ciphertext(self, row: int, template: Template) -> Any:
        try:
            ciphertext = tenseal_vector.unwrapped(base64.b64decode(template, validate=True))
        except binascii.Error:
            raise ValueError(f"template {row} is no base64 text; expected a template of CipherFace") from None
        except ValueError as error:
            raise ValueError(f"template {row} is {error}; expected a template of CipherFace") from None
        return super()._ciphertext(row, ciphertext)


@dataclass(frozen=True)
class CipherFaceEnroller(Enroller):
    """The public part: it normalises, encrypts and writes as CipherFace does.

    Attributes
    ----------
    ends : (float, float), optional
        The range that is mapped to [0, 1]; ``None`` for the Euclidean distance.
    """

    ends: tuple[float, float] | None = None

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One text per row of ``references`` (n, d)."""
        made = super().enroll(self.normalised(references), keys=keys, seeds=seeds)
        messages = [tenseal_vector.wrapped(ciphertext, self.dimension, _SCALE) for ciphertext in made]
        return [base64.b64encode(message) for message in messages]

    def laid(self, vectors: FloatArray) -> FloatArray:
        """(n, degree / 2): the vectors (n, d) in slots, repeated until these are full."""
        slots = self.arithmetic.degree // 2
        return np.tile(vectors, (1, -(-slots // self.dimension)))[:, :slots]

    def normalised(self, faces: FloatArray) -> FloatArray:
        """(n, d) float64 what is encrypted. A value beyond the range widens it for its own face, as in CipherFace."""
        vectors = unit(np.asarray(faces, dtype=np.float64))
        if self.ends is None:
            return vectors
        low = np.minimum(self.ends[0], vectors.min(axis=1, keepdims=True))
        high = np.maximum(self.ends[1], vectors.max(axis=1, keepdims=True))
        return unit((vectors - low) / (high - low))

    @property
    def low(self) -> float:
        """What is mapped to 0."""
        return 0.0 if self.ends is None else self.ends[0]


@dataclass(frozen=True)
class Slots:
    """Real numbers in slots; rows shorter than the slots are given padded with zeros, and templates repeated."""

    degree: int
    ntt_form = True

    def of_degree(self, degree: int) -> Slots:
        return replace(self, degree=degree)

    def parameters(self) -> Any:
        """CipherFace's: CKKS with primes of 60, 40, 40 and 60 bits, the last for keys."""
        seal = seal_library.library()
        made = seal_library.parameters_of("CKKS", self.degree)
        made.set_coeff_modulus(seal.CoeffModulus.Create(self.degree, list(_PRIMES)))
        return made

    def plaintexts(self, context: Any, polynomials: FloatArray, *, products: bool = False) -> list[Any]:
        """A plaintext per row of slots (n, degree / 2)."""
        return encoded(context, polynomials, _SCALE**2 if products else _SCALE)

    def coefficients(self, system: System, opened: Sequence[Any], at: Sequence[int], *, products: bool) -> FloatArray:
        """Coefficients divided by the scale, which SEAL keeps beside them; it knows that of a product."""
        return np.asarray(system.whole_numbers(opened, at) / opened[0].scale, dtype=np.float64)


def cosine() -> CipherFace:
    """CipherFace with its cosine distance."""
    return CipherFace(distance="cosine")


def euclidean() -> CipherFace:
    """CipherFace with its Euclidean distance, which is its default."""
    return CipherFace(distance="euclidean")
