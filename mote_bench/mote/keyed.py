"""Cancelable MOTE: every subject's embedding space is rotated by a secret key before training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mote_bench.contracts import FloatArray, Key, Template
from mote_bench.mote.codec import Layer, decode, encode
from mote_bench.mote.scheme import MOTE
from mote_bench.toolkit import stream


class KeyedMOTE(MOTE):
    """A cancelable MOTE with two factors: the face and a 32-byte key.

    The key draws a rotation R of the embedding space (a random orthogonal matrix, as in BioHash: Teoh, Goh and Ngo,
    IEEE TPAMI 28(12), 2006) about the background's mean face m. A subject's net compares rotated faces only. An
    attacker without the keys holds nets of unknown spaces. They can still use what no rotation changes: the layers
    above the first, and the angles between the first layer's units. With the keys the scheme is MOTE again, as its
    stolen-key row shows. A lost key is replaced, and the old template holds no information on the new key.

    A net trained on rotated faces equals the rotated net of the original faces, since
    (m + (x - m)R)R'W + b' = xW + b with b' = b + mW - mR'W. So nets are rotated after MOTE's batched training. The
    rotation is about the mean face, because recognisers put all faces to one side of the origin. A face rotated about
    the origin by another key would lie where no training face is, and a net's response there is arbitrary.
    """

    revocable = True

    def enroll(  # type: ignore[override]
        self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]
    ) -> list[Template]:
        """A net per row of ``references`` (n, d), rotated by ``keys[i]``.

        Raises
        ------
        ValueError
            When there isn't a key for each reference.
        """
        _each(keys, len(references))
        templates = super().enroll(references, keys=None, seeds=seeds)
        mean = self._background_mean()
        for turn, rows in _turns(keys, len(templates), references.shape[1]):
            for row in rows:
                templates[row] = _turned(templates[row], turn.T, mean)
        return templates

    def score(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None = None
    ) -> FloatArray:
        """(n, m) float32 logits of net i at probe j rotated by ``keys[i]``."""
        scores = np.empty((len(templates), len(probes)), dtype=np.float32)
        mean = self._background_mean()
        for turn, rows in _turns(keys, len(templates), np.shape(probes)[1]):
            shown = (mean + (np.asarray(probes) - mean) @ turn).astype(np.float32)
            scores[rows] = super().score([templates[row] for row in rows], shown)
        return scores

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None
    ) -> Callable[[Tensor], Tensor]:
        """As :meth:`MOTE.surrogate`, of probes that are rotated by the presented keys."""
        return super().surrogate(self._turned_back(templates, keys))

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None) -> FloatArray:
        """(n, d) float32: as :meth:`MOTE.reconstruct`, rotated back by the presented keys."""
        return super().reconstruct(self._turned_back(templates, keys))

    def _turned_back(self, templates: Sequence[Template], keys: Sequence[Key] | None) -> list[Template]:
        plain, mean = list(templates), self._background_mean()
        for turn, rows in _turns(keys, len(plain), len(mean)):
            for row in rows:
                plain[row] = _turned(plain[row], turn, mean)
        return plain


def _turned(template: Template, matrix: FloatArray, mean: FloatArray) -> Template:
    """The net whose first layer's weights (d, units) are multiplied by ``matrix`` (d, d) from the left.

    Its response to ``mean`` (d,) doesn't change.
    """
    first, *others = decode(template)
    if len(first.weight) != len(matrix):
        raise ValueError(f"a template takes embeddings of {len(first.weight)} dimensions; expected {len(matrix)}")
    weight = first.weight.astype(np.float64)
    turned = matrix.astype(np.float64) @ weight
    bias = first.bias + mean @ (weight - turned)
    return encode((Layer(turned.astype(np.float32), bias.astype(np.float32)), *others))


def _turns(keys: Sequence[Key] | None, n: int, dimension: int) -> Iterator[tuple[FloatArray, npt.NDArray[np.intp]]]:
    """Each distinct key's rotation (d, d), with the rows it belongs to."""
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(_each(keys, n)):
        rows.setdefault(key, []).append(row)
    for key, members in rows.items():
        gaussian = stream(int.from_bytes(key, "little"), "mote", "turn").standard_normal((dimension, dimension))
        turn, triangle = np.linalg.qr(gaussian)
        yield turn * np.sign(np.diag(triangle)), np.array(members, dtype=np.intp)


def _each(keys: Sequence[Key] | None, n: int) -> Sequence[Key]:
    if keys is None or len(keys) != n:
        raise ValueError(f"{0 if keys is None else len(keys)} keys for {n} templates; expected one each")
    return keys
