"""Cancelable MOTE: every subject's embedding space is rotated by a secret key before training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.mote.codec import Layer, Net, decode, encode
from mote_bench.mote.scheme import MOTE
from mote_bench.toolkit import Recent, orthonormal, stream

if TYPE_CHECKING:
    from torch import Tensor

_REMEMBERED_NETS, _REMEMBERED_TEMPLATES = 2**27, 2**27
"""Bytes of the nets that are kept for further keys, and of templates that are kept as nets of original faces."""


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

    def fit(self, background: Faces, *, seed: int) -> Self:
        """As :meth:`MOTE.fit`."""
        self._trained = Recent[list[Net]](_REMEMBERED_NETS, _bytes_of_nets)
        self._plain = Recent[Template](_REMEMBERED_TEMPLATES, len)
        return super().fit(background, seed=seed)

    def enroll(  # type: ignore[override]
        self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]
    ) -> list[Template]:
        """A net per row of ``references`` (n, d), rotated by ``keys[i]``.

        The nets don't depend on the keys: the same references and seeds are trained once for all keys.

        Raises
        ------
        ValueError
            When there isn't a key for each reference.
        """
        _each(keys, len(references))
        self._check_references(references, seeds)

        def trained() -> list[Net]:
            return [decode(template) for template in MOTE.enroll(self, references, seeds=seeds)]

        nets = self._trained.get((references.shape, references.tobytes(), *seeds), trained)
        templates, mean = [b""] * len(nets), self._background_mean()
        for turn, rows in _turns(keys, len(nets), references.shape[1]):
            for row in rows:
                templates[row] = encode(_turned(nets[row], turn.T, mean))
        return templates

    def score(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None = None
    ) -> FloatArray:
        """(n, m) float32 logits of net i at probe j rotated by ``keys[i]``.

        A key's nets are rotated back instead where they have fewer units in the first layer than there are probes.
        """
        probes, mean = np.asarray(probes), self._background_mean()
        scores = np.empty((len(templates), len(probes)), dtype=np.float32)
        back: list[int] = []
        for key, rows in _rows_of_each(keys, len(templates)).items():
            if len(rows) * self.recipe.hidden[0] <= len(probes):
                back += rows
            else:
                shown = (mean + (probes - mean) @ _turn(key, probes.shape[1])).astype(np.float32)
                scores[rows] = super().score([templates[row] for row in rows], shown)
        if back:
            scores[back] = super().score(self._turned_back(templates, keys, back), probes)
        return scores

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None
    ) -> Callable[[Tensor], Tensor]:
        """As :meth:`MOTE.surrogate`, of probes that are rotated by the presented keys."""
        return super().surrogate(self._turned_back(templates, keys))

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None) -> FloatArray:
        """(n, d) float32: as :meth:`MOTE.reconstruct`, rotated back by the presented keys."""
        return super().reconstruct(self._turned_back(templates, keys))

    def _turned_back(
        self, templates: Sequence[Template], keys: Sequence[Key] | None, rows: Sequence[int] | None = None
    ) -> list[Template]:
        """The nets of original faces behind some ``rows`` of the templates, or all of them."""
        keys, mean = _each(keys, len(templates)), self._background_mean()
        chosen = range(len(templates)) if rows is None else rows
        return [self._turned_once(templates[row], keys[row], row, mean) for row in chosen]

    def _turned_once(self, template: Template, key: Key, row: int, mean: FloatArray) -> Template:
        def turned() -> Template:
            return encode(_turned(self._net(template, row, len(mean)), _turn(key, len(mean)), mean))

        return self._plain.get((template, key), turned)


def _turned(net: Net, matrix: FloatArray, mean: FloatArray) -> Net:
    """The net whose first layer's weights (d, units) are multiplied by ``matrix`` (d, d) from the left.

    Its response to ``mean`` (d,) doesn't change.
    """
    first, *others = net
    weight = first.weight.astype(np.float64)
    turned = matrix @ weight
    bias = first.bias + mean @ (weight - turned)
    return (Layer(turned.astype(np.float32), bias.astype(np.float32)), *others)


def _turns(keys: Sequence[Key] | None, n: int, dimension: int) -> Iterator[tuple[FloatArray, list[int]]]:
    """Each distinct key's rotation (d, d) float64, with the rows it belongs to."""
    for key, rows in _rows_of_each(keys, n).items():
        yield _turn(key, dimension), rows


def _rows_of_each(keys: Sequence[Key] | None, n: int) -> dict[Key, list[int]]:
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(_each(keys, n)):
        rows.setdefault(key, []).append(row)
    return rows


@lru_cache(maxsize=32)
def _turn(key: Key, dimension: int) -> FloatArray:
    """The key's rotation (d, d) float64."""
    gaussian = stream(int.from_bytes(key, "little"), "mote", "turn").standard_normal((dimension, dimension))
    turn = orthonormal(gaussian)
    turn.setflags(write=False)
    return turn


def _bytes_of_nets(nets: list[Net]) -> int:
    return sum(part.nbytes for net in nets for layer in net for part in layer)


def _each(keys: Sequence[Key] | None, n: int) -> Sequence[Key]:
    if keys is None or len(keys) != n:
        raise ValueError(f"{0 if keys is None else len(keys)} keys for {n} templates; expected one each")
    return keys
