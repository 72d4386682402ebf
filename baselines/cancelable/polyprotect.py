"""PolyProtect: overlapping polynomials of neighbouring coordinates; the key chooses their terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import device, on_sphere, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.float_vectors import read_vectors
from .._shared.keys import rng_of, rows_of_each
from .polyprotect_unkeyed import Windows, faces_without_keys

if TYPE_CHECKING:
    import torch


_FACES_AT_ONCE = 1024


class PolyProtect:
    """Polynomials of overlapping windows of coordinates, with secret terms (PolyProtect).

    Hahn & Marcel, "Towards Protecting Face Embeddings in Mobile Face Verification Scenarios", IEEE TBIOM 4 (2022),
    arXiv 2110.00434.

    ``P_j = c_1 v_s^e_1 + ... + c_m v_(s+m-1)^e_m`` for windows of m coordinates of the face that start m - o apart, the
    last one filled up with zeros (equation 2). A subject's key draws m distinct non-zero integers c in [-50, 50] and an
    order e of the exponents 1 to m. The score is the cosine of two such vectors. The face is scaled to length one
    first; with coordinates well below one, high powers hardly count, and each window shows mostly the coordinate of its
    exponent 1.

    Parameters
    ----------
    overlap : int
        o, 0 to m - 1.
    terms : int
        m, the paper's 5.
    largest : int
        Of the coefficients, the paper's 50.
    centre : bool
        Take v from the background's mean face. Not in the paper.
    """

    revocable = True
    needs_identity = False

    def __init__(self, *, overlap: int = 4, terms: int = 5, largest: int = 50, centre: bool = True) -> None:
        if not 0 <= overlap < terms or 2 * largest < terms:
            raise ValueError(
                f"overlap={overlap}, terms={terms}, largest={largest}; expected an overlap below the number of terms, "
                "and as many coefficients to choose from as terms"
            )
        self.overlap = overlap
        self.terms = terms
        self.largest = largest
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face, and fix the windows."""
        self._origin = start(background, centre=self.centre)
        step, dimension = self.terms - self.overlap, len(self._origin)
        self.length = max(1, -(-(dimension - self.overlap) // step))
        self._padded = (self.length - 1) * step + self.terms
        self._starts = step * np.arange(self.length)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 ceil((d - o) / (m - o)) bytes per row: 508 values of 512 dimensions at overlap 4."""
        powers, templates = self._powers(directions(references, self._origin)), [b""] * len(references)
        for key, rows in rows_of_each(keys, len(references)).items():
            values = self._values(powers[:, rows], self.secret(key)).astype("<f4")
            for row, own in zip(rows, values, strict=True):
                templates[row] = own.tobytes()
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines in [-1, 1]."""
        stored, faces = unit(read_vectors(templates, self.length)), directions(probes, self._origin)
        secrets = [(self.secret(key), rows) for key, rows in rows_of_each(keys, len(templates)).items()]
        scores = np.empty((len(templates), len(faces)), dtype=np.float32)
        for first in range(0, len(faces), _FACES_AT_ONCE):
            some = slice(first, first + _FACES_AT_ONCE)
            powers = self._powers(faces[some])
            for secret, rows in secrets:
                scores[rows, some] = stored[rows] @ unit(self._values(powers, secret)).T
        return scores

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k): the score itself, which is differentiable."""
        import torch

        stored = torch.from_numpy(unit(read_vectors(templates, self.length))).to(device())
        drawn = [self.secret(key) for key in keys or ()]
        coefficients = torch.tensor(np.array([one for one, _ in drawn]), dtype=torch.float32, device=device())
        exponents = torch.tensor(np.array([one for _, one in drawn]), device=device())
        places = torch.tensor(self._starts[:, None] + np.arange(self.terms), device=device())

        def answer(probes: torch.Tensor) -> torch.Tensor:
            faces = torch_directions(probes, self._origin)
            faces = torch.nn.functional.pad(faces, (0, max(0, self._padded - faces.shape[-1])))
            windows = faces[..., places]
            powers = windows ** exponents[:, None, None]
            values = (powers * coefficients[:, None, None]).sum(-1)
            return torch.nn.functional.cosine_similarity(values, stored[:, None], dim=-1)

        return answer

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d) float64 unit rows: the faces that are likeliest whatever the keys (:mod:`.polyprotect_unkeyed`)."""
        windows = Windows(self.terms, self.largest, self._starts)
        public = directions(prior.embeddings, self._origin)
        found = faces_without_keys(read_vectors(templates, self.length), windows, public, rng)
        return on_sphere(self._origin.astype(np.float64), found)

    def secret(self, key: Key) -> tuple[FloatArray, FloatArray]:
        """(m,) coefficients and (m,) exponents of a key."""
        rng = rng_of(key)
        choices = np.concatenate([np.arange(-self.largest, 0), np.arange(1, self.largest + 1)])
        return rng.choice(choices, self.terms, replace=False).astype(np.float64), rng.permutation(self.terms) + 1.0

    def _powers(self, faces: FloatArray) -> FloatArray:
        """(m, n, padded) float32: the filled-up directions to the powers 1 to m, computed once for all keys."""
        powers = np.zeros((self.terms, len(faces), max(self._padded, faces.shape[1])), dtype=np.float32)
        powers[0, :, : faces.shape[1]] = faces
        for power in range(1, self.terms):
            np.multiply(powers[power - 1], powers[0], out=powers[power])
        return powers

    def _values(self, powers: FloatArray, secret: tuple[FloatArray, FloatArray]) -> FloatArray:
        """(n, length) float32 polynomials of faces whose powers (m, n, padded) are given."""
        step, values = self.terms - self.overlap, np.zeros((powers.shape[1], self.length), dtype=np.float32)
        for place, (coefficient, exponent) in enumerate(zip(*secret, strict=True)):
            window = slice(place, place + step * (self.length - 1) + 1, step)
            values += np.float32(coefficient) * powers[int(exponent) - 1][:, window]
        return values
