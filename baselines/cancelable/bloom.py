"""Bloom filter templates: which binary words occur in each block of a face's binary table, without their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import product
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Smooth, Template
from mote_bench.toolkit import device, on_sphere, unit

from .._shared.centring import directions, start, torch_directions
from .._shared.keys import rng_of, rows_of_each

if TYPE_CHECKING:
    import torch

Index = npt.NDArray[np.intp]
Bits = npt.NDArray[np.uint8]
Filters = npt.NDArray[np.unsignedinteger]
_FACES_AT_ONCE = 1024
"""Whose tables are compared at a time, so that what is worked out for them stays in the processor's cache."""
_LOGISTIC = 1.702
"""Scale at which a logistic distribution is nearest to the normal one; it takes a fifth of the time."""
_SOFTNESS = 0.5
"""Width of the surrogate's soft threshold, as a share of a coordinate's spread."""


class BloomFilter:
    """Bloom filters of the words in each block of a face's binary table.

    Gomez-Barrero, Rathgeb, Galbally, Busch & Fierrez, Information Sciences 370-371 (2016) 18-32.

    The face becomes a binary table. Its rows are shuffled by the key (the paper's structure-preserving feature
    re-arrangement). Every H rows then form a block, and each of a block's W columns is read as a number of H bits,
    which sets that bit in the block's filter of 2^H bits. The filters are the template: they store which words occur,
    but not in which column. Two templates differ in a block by ``|b1 xor b2| / (|b1| + |b2|)``, averaged over blocks;
    the score is one minus that. Without the key it is unknown which rows form a block. With the key, each filter still
    shows how often each of its rows was set (:meth:`reconstruct`).

    The paper's face table comes from thresholded Gabor-LBP histograms. An embedding has none. So each coordinate is
    quantised to equally likely levels, learned from the background, and written in unary (linearly separable subcode,
    Lim & Teoh, IEEE TPAMI 35 (2013) 300-313): 4 levels as 3 bits, whose Hamming distance is the difference in levels. A
    table row holds W neighbouring coordinates at one threshold. A short last row is repeated from the beginning of the
    table.

    Parameters
    ----------
    height : int
        H, bits of a word, 3 to 10. The paper's 4.
    width : int
        W, words of a block, 1 or more. The paper's 20 words would fill most of a filter: its table is over a
        hundred times larger than an embedding's.
    levels : int
        Of each coordinate, 2 or more.
    centre : bool
        Take the coordinates from the background's mean face. The thresholds are learned, so this changes little.
    """

    revocable = True

    def __init__(self, *, height: int = 4, width: int = 4, levels: int = 4, centre: bool = True) -> None:
        if not 3 <= height <= 10 or width < 1 or levels < 2:
            raise ValueError(
                f"height={height}, width={width}, levels={levels}; expected a height of 3 to 10, a width of 1 or more "
                "and 2 levels or more"
            )
        self.height = height
        self.width = width
        self.levels = levels
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and the cuts of each coordinate, and fix the size of the table."""
        self._origin = start(background, centre=self.centre)
        faces = directions(background.embeddings, self._origin)
        shares = np.arange(1, self.levels) / self.levels
        self._cuts = np.quantile(faces, shares, axis=0).astype(np.float32)
        self._spread = faces.std(axis=0) + np.float32(1e-6)
        self._blocks = -(-self._cuts.size // (self.height * self.width))
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of (blocks 2^H / 8) bytes per row of ``references`` (n, d).

        There are ceil(d (levels - 1) / (H W)) blocks: 96 with 192 bytes for 512 dimensions.
        """
        tables, templates = self._tables(references), [b""] * len(references)
        for order, rows in self._orders(keys, len(references)):
            filters = self._filters(tables[rows], order).transpose(2, 1, 0)
            for row, own in zip(rows, np.ascontiguousarray(filters), strict=True):
                templates[row] = own.tobytes()
        return templates

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: one minus the mean dissimilarity of the filters, in [0, 1]."""
        stored, tables = self._read(templates).view(self._format).transpose(0, 2, 1)[..., None], self._tables(probes)
        counted = _counts(stored.transpose(1, 0, 2, 3))
        answers = np.empty((len(templates), len(probes)), dtype=np.float32)
        for order, rows in self._orders(keys, len(templates)):
            for first in range(0, len(probes), _FACES_AT_ONCE):
                some = slice(first, first + _FACES_AT_ONCE)
                shown = self._filters(tables[some], order)
                filled = _counts(shown)
                for row in rows:
                    apart = _counts(shown ^ stored[row]) / (filled + counted[row])
                    answers[row, some] = 1 - np.ascontiguousarray(apart.T).mean(axis=1)
        return answers

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: each table row's share of set bits in its block's words, at its coordinates.

        A filter doesn't separate a row's W coordinates, so they share one estimate.
        """
        share = _share_of_words(self._read(templates), self.height)
        coordinates = np.zeros((len(templates), self._cuts.size))
        for order, rows in self._orders(keys, len(templates)):
            table = np.empty((len(rows), len(order)))
            table[:, order] = share[rows].reshape(len(rows), -1)
            coordinates[rows] = np.repeat(table, self.width, axis=1)[:, : self._cuts.size]
        levels = coordinates.reshape(-1, *self._cuts.shape).mean(axis=1) - 0.5
        middle = np.median(self._cuts, axis=0)
        return on_sphere(self._origin, unit(levels * self._spread * 2 + middle)).astype(np.float32)

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) mean chances that a word of the probe's table is set in its filter.

        Each bit is 1 with a chance that rises as its coordinate passes the cut. Takes 2^(H - 1) numbers per word of
        each probe.
        """
        import torch

        parts = (self._words(templates).astype(np.float32), self._cuts, self._spread * np.float32(_SOFTNESS))
        known, cuts, scale = (torch.from_numpy(part).to(device()) for part in parts)
        places = torch.from_numpy(self._places(len(templates), keys)).to(device())

        def answer(probes: torch.Tensor) -> torch.Tensor:
            faces = torch_directions(probes, self._origin)[:, :, None]
            chance = torch.sigmoid((faces - cuts) / scale).flatten(2)
            n, k = probes.shape[:2]
            found = chance.gather(2, places[:, None].expand(-1, k, -1))
            found = found.view(n, k, self._blocks, self.height, self.width)
            odds = known.view(n, 1, self._blocks, 1, -1)
            for bit in found.unbind(3):
                without, with_bit = odds.chunk(2, dim=-1)
                odds = without + (with_bit - without) * bit[..., None]
            return odds.mean((2, 3, 4))

        return answer

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Smooth]:
        """The probability that the columns of a block read the words of its filter, in whatever order."""
        import torch

        coded = (torch.from_numpy(_digits(self.height)), torch.tensor(self._cuts), torch.tensor(self._spread))
        for row, words in enumerate(self._words(templates)):
            places = torch.from_numpy(self._places(1, None if keys is None else keys[row : row + 1])[0])
            of_columns, not_there = _ways(words, self.width)
            # (blocks, words, columns, ways): whether a column reads a word. A product with it is faster than to gather.
            reads = of_columns.transpose(0, 2, 1)[:, None] == np.arange(2**self.height)[:, None, None]
            ways, barred = torch.from_numpy(reads.astype(np.float32)), torch.from_numpy(not_there)
            yield Smooth(partial(self._read_in_any_order, coded, places, ways, barred))

    def _read_in_any_order(
        self,
        coded: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        places: torch.Tensor,
        ways: torch.Tensor,
        barred: torch.Tensor,
        faces: torch.Tensor,
        width: float,
    ) -> torch.Tensor:
        """(k,) log probabilities of a template's filters, if logistic noise is added to each coordinate."""
        import torch

        digits, cuts, spread = coded
        beyond = (torch_directions(faces, self._origin)[:, None] - cuts) * (_LOGISTIC / (spread * width))
        bits = beyond.flatten(1).index_select(1, places).view(len(faces), self._blocks, self.height, self.width)
        one = torch.nn.functional.logsigmoid(bits)
        zero = one - bits
        # (k, blocks, words, columns): how probable it is that a column reads a word.
        word = torch.einsum("kbhc,vh->kbvc", one, digits) + torch.einsum("kbhc,vh->kbvc", zero, 1 - digits)
        of_ways = torch.einsum("kbvc,bvcw->kbw", word, ways) + barred
        return of_ways.logsumexp(-1).sum(-1)

    def _tables(self, faces: FloatArray) -> Bits:
        """(n, rows, W) bits: coordinate by coordinate at the lowest cut, then at the next, filled up from the top.

        In memory a bit of all faces is together.
        """
        coordinates = np.ascontiguousarray(directions(faces, self._origin).T)
        codes = (coordinates > self._cuts[:, :, None]).reshape(self._cuts.size, len(faces))
        bits = codes[self._filled()].view(np.uint8)
        return bits.reshape(self._blocks * self.height, self.width, len(faces)).transpose(2, 0, 1)

    def _filled(self) -> Index:
        """Which bit of the code stands at each place of the table."""
        return np.resize(np.arange(self._cuts.size, dtype=np.intp), self._blocks * self.height * self.width)

    def _orders(self, keys: Sequence[Key] | None, n: int) -> Iterator[tuple[Index, Index]]:
        """Each distinct key's order of the table's rows, with the templates it belongs to."""
        for key, rows in rows_of_each(keys, n).items():
            yield rng_of(key).permutation(self._blocks * self.height), rows

    def _places(self, n: int, keys: Sequence[Key] | None) -> Index:
        """(n, blocks H W) which bit of the code stands where once the rows are shuffled."""
        table = self._filled().reshape(-1, self.width)
        places = np.empty((n, table.size), dtype=np.intp)
        for order, rows in self._orders(keys, n):
            places[rows] = table[order].ravel()
        return places

    def _filters(self, tables: Bits, order: Index) -> Filters:
        """(integers of a filter, blocks, n) filters of tables (n, rows, W)."""
        shuffled = tables.transpose(1, 2, 0)[order]
        return bloom_filters(shuffled.reshape(self._blocks, self.height, self.width, len(tables)))

    @property
    def _format(self) -> str:
        return f"<u{min(8, 2**self.height // 8)}"

    def _read(self, templates: Sequence[Template]) -> Bits:
        """(n, blocks, 2^H / 8); ValueError on a wrong length and on filters that no W words can set."""
        shape = (self._blocks, 2**self.height // 8)
        for row, template in enumerate(templates):
            if len(template) != shape[0] * shape[1]:
                raise ValueError(
                    f"template {row} has {len(template)} bytes; expected {shape[0] * shape[1]} "
                    f"({self._blocks} filters of {2**self.height} bits)"
                )
        stored = np.frombuffer(b"".join(templates), dtype=np.uint8).reshape(-1, *shape)
        filled = np.bitwise_count(stored).sum(axis=2)
        if ((filled < 1) | (filled > self.width)).any():
            raise ValueError(f"a filter has {filled.min()} to {filled.max()} bits set; expected 1 to {self.width}")
        return stored

    def _words(self, templates: Sequence[Template]) -> Bits:
        """(n, blocks, 2^H) which words each filter holds."""
        return np.unpackbits(self._read(templates), axis=2)


def _ways(words: Bits, width: int) -> tuple[Index, npt.NDArray[np.float32]]:
    """(blocks, ways, W) each column's word, in all ways that set a filter (blocks, 2^H); -inf beyond the last.

    The second array, (blocks, ways), is to be added to the ways' log probabilities.
    """
    found = [np.flatnonzero(block)[_onto(int(block.sum()), width)] for block in words.astype(bool)]
    most = max(map(len, found))
    ways = np.stack([np.resize(own, (most, width)) for own in found])
    counts = np.array([len(own) for own in found])
    return ways, np.where(np.arange(most) < counts[:, None], 0, -np.inf).astype(np.float32)


@lru_cache(maxsize=64)
def _onto(words: int, width: int) -> Index:
    """(ways, W) all ways in which W columns read each of these words at least once."""
    ways = (way for way in product(range(words), repeat=width) if len(set(way)) == words)
    return np.array(list(ways), dtype=np.intp)


def bloom_filters(blocks: Bits) -> Filters:
    """(c, blocks, n) Bloom filters of blocks (blocks, H, W, n): bit v is set where a column reads v, top row first.

    A filter's 2^H bits are stored in the order of the packed bits of a byte, and read as c little-endian integers.
    """
    height = blocks.shape[1]
    words = blocks[:, 0].astype(np.uint8 if height <= 8 else np.uint16)
    for row in range(1, height):
        words = np.bitwise_or(np.left_shift(words, 1), blocks[:, row])
    return np.stack([np.bitwise_or.reduce(bits.take(words), axis=1) for bits in _bit_of_word(height)])


@lru_cache(maxsize=8)
def _bit_of_word(height: int) -> Filters:
    """(c, 2^H) filters in which one word is set."""
    filters = np.packbits(np.eye(2**height, dtype=np.uint8), axis=1)
    return np.ascontiguousarray(filters.view(f"<u{min(8, filters.shape[1])}").T)


def _share_of_words(filters: Bits, height: int) -> FloatArray:
    """(n, blocks, H): in what share of the words that a filter holds each row's bit is set."""
    words = np.unpackbits(filters, axis=2).astype(np.float32)
    return np.asarray(words @ _digits(height) / words.sum(axis=2, keepdims=True))


def _digits(height: int) -> npt.NDArray[np.float32]:
    """(2^H, H) the bits of each word, top row first."""
    return ((np.arange(2**height)[:, None] >> np.arange(height - 1, -1, -1)) & 1).astype(np.float32)


def _counts(filters: Filters) -> npt.NDArray[np.float32]:
    """(...) set bits of each filter (c, ...)."""
    counts = np.bitwise_count(filters)
    return np.asarray(counts[0] if len(counts) == 1 else counts.sum(axis=0), dtype=np.float32)
