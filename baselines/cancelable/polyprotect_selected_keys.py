"""PolyProtect with key selection: coefficients and exponents under which the subject's template isn't inverted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import stream

from .._shared.centring import directions
from .._shared.float_vectors import read_vectors
from .._shared.keys import rows_of_each
from .polyprotect_tried_keys import PolyProtectTriedKeys

if TYPE_CHECKING:
    import torch


class PolyProtectSelectedKeys(PolyProtectTriedKeys):
    """PolyProtect, with keys rejected under which the new template can be inverted.

    Hahn, Maceiras & Marcel, "A deeper dive into the irreversibility of PolyProtect" (arXiv 2605.03857). At enrolment a
    pair of coefficients and exponents is drawn, and the subject's own template under it is inverted by a numerical
    solver. The pair is rejected where what is found matches the face at a threshold whose false match rate is 20 %.

    A key here is the root of a sequence of such pairs. The template ends in the number of the pair that was kept: the
    first that isn't rejected, or the one whose inversion is least like the face. Pairs that are kept have a small
    coefficient of exponent 1, so that squares outweigh the linear term and hide signs.

    Parameters
    ----------
    overlap, terms, largest, centre
        As of :class:`~mote_baselines.cancelable.polyprotect.PolyProtect`.
    rate : float
        The false match rate of the threshold from which a key is rejected.
    attempts : int
        How many pairs are tried at most. Few of them aren't rejected.
    """

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face, the distribution of values, and the threshold."""
        super().fit(background, seed=seed)
        self._inverter = self._inverter_of(background, seed)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """As of PolyProtect, and four bytes more per template: the number of the pair, a float32."""
        rows_of_each(keys, len(references))
        own = list(keys or ())
        chosen = self._selected(references, own, seeds)
        drawn = [_of_number(key, int(number)) for key, number in zip(own, chosen, strict=True)]
        plain = super().enroll(references, keys=drawn, seeds=seeds)
        numbers = chosen.astype("<f4")
        return [template + number.tobytes() for template, number in zip(plain, numbers, strict=True)]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 cosines in [-1, 1]."""
        plain, drawn = self._opened(templates, keys)
        return super().score(plain, probes, keys=drawn)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k): the score itself."""
        plain, drawn = self._opened(templates, keys)
        return super().surrogate(plain, keys=drawn)

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d) float64 unit rows: the faces that are likeliest whatever the keys."""
        values, _ = self._read(templates)
        return super().solve_without_keys([row.tobytes() for row in values.astype("<f4")], prior=prior, rng=rng)

    def _selected(self, references: FloatArray, keys: Sequence[Key], seeds: Sequence[int]) -> npt.NDArray[np.intp]:
        """(n,) the number of each subject's pair."""
        faces = directions(references, self._origin).astype(np.float64)
        chosen, least = np.zeros(len(faces), dtype=np.intp), np.full(len(faces), np.inf)
        rejected = np.arange(len(faces))
        for number in range(self.attempts):
            drawn = [_of_number(keys[int(row)], number) for row in rejected]
            own = [seeds[int(row)] for row in rejected]
            tried = read_vectors(super().enroll(references[rejected], keys=drawn, seeds=own), self.length)
            starts = np.array([self._inverter.drawn(stream(seed, "start", number)) for seed in own])
            secrets = [self.secret(key) for key in drawn]
            alike = self._inverter.cosines(tried, secrets, faces[rejected], starts)
            better = alike < least[rejected]
            chosen[rejected[better]], least[rejected[better]] = number, alike[better]
            rejected = rejected[alike >= self._inverter.threshold]
            if not len(rejected):
                break
        return chosen

    def _opened(self, templates: Sequence[Template], keys: Sequence[Key] | None) -> tuple[list[Template], list[Key]]:
        """The templates without their numbers, and the keys that their pairs are drawn with."""
        rows_of_each(keys, len(templates))
        values, numbers = self._read(templates)
        drawn = [_of_number(key, int(number)) for key, number in zip(keys or (), numbers, strict=True)]
        return [row.tobytes() for row in values.astype("<f4")], drawn

    def _read(self, templates: Sequence[Template]) -> tuple[FloatArray, FloatArray]:
        """(n, length) values and (n,) numbers; ValueError on a wrong length or number."""
        read = read_vectors(templates, self.length + 1)
        numbers = read[:, -1]
        if not np.isin(numbers, np.arange(self.attempts)).all():
            raise ValueError(
                f"a template names a pair that doesn't exist; expected a number from 0 to {self.attempts - 1}"
            )
        return read[:, :-1], numbers


def _of_number(key: Key, number: int) -> Key:
    """The key that the pair of this number is drawn with; the first is that of PolyProtect itself."""
    return key if number == 0 else hashlib.sha256(key + number.to_bytes(4, "little")).digest()
