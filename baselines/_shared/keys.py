"""What a subject's secret key determines: a random generator, what is drawn from it, and the rows that share it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Key

Arrays = TypeVar("Arrays", bound=tuple[npt.NDArray[np.generic], ...])


class Expansions:
    """Arrays that keys were expanded to, kept while they fit into a number of bytes.

    Probes are presented to one template after the other, again and again: a search asks the same subject a few hundred
    times in a row, an evolution all subjects in turn. Where not all keys fit, the one to go is drawn at random: with
    all in turn, the least recently used one would always be the next to be needed, and nothing would ever be found.

    What is kept never changes a result: it depends on its name alone. Each process has expansions of its own.

    Parameters
    ----------
    most_bytes : int
        An expansion that is larger than this is made each time.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.bytes = most_bytes, 0
        self._kept: dict[Hashable, Any] = {}
        self._names: list[Hashable] = []
        self._drawn = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, name: Hashable, make: Callable[[], Arrays]) -> Arrays:
        """The arrays of this name, made where they aren't kept; read-only."""
        if name in self._kept:
            found: Arrays = self._kept[name]
            return found
        made = make()
        for array in made:
            array.setflags(write=False)
        self._keep(name, made)
        return made

    def _keep(self, name: Hashable, arrays: tuple[npt.NDArray[np.generic], ...]) -> None:
        size = _size(arrays)
        if size > self.most_bytes:
            return
        while self.bytes + size > self.most_bytes:
            place = int(self._drawn.integers(len(self._names)))
            self._names[place], last = self._names[-1], self._names[place]
            self._names.pop()
            self.bytes -= _size(self._kept.pop(last))
        self._kept[name] = arrays
        self._names.append(name)
        self.bytes += size


def _size(arrays: tuple[npt.NDArray[np.generic], ...]) -> int:
    return sum(array.nbytes for array in arrays)


EXPANSIONS = Expansions(256 << 20)
"""Of all schemes of a process: 200 keys of MLP-Hash, or 100 of IoM, for 128 dimensions."""


def rng_of(key: Key, *names: object) -> np.random.Generator:
    """A generator that depends on the key and the names alone.

    Parameters
    ----------
    key : bytes
        All of its bytes count.
    *names : object
        What the draw is for, such as ``"layer", 2``; other names give an independent generator of the same key.
    """
    words = np.frombuffer(key, dtype=np.uint8)
    if not names:
        return np.random.default_rng(words)
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    purpose = tuple(np.frombuffer(digest, dtype="<u4").tolist())
    return np.random.default_rng(np.random.SeedSequence(words, spawn_key=purpose))


def rows_of_each(keys: Sequence[Key] | None, n: int) -> dict[Key, npt.NDArray[np.intp]]:
    """Each distinct key, in order of first appearance, with the rows it belongs to.

    Raises
    ------
    ValueError
        Where there are no keys, or not one for each of the ``n`` templates.
    """
    if keys is None or len(keys) != n:
        raise ValueError(f"{0 if keys is None else len(keys)} keys for {n} templates; expected one each")
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(members, dtype=np.intp) for key, members in rows.items()}
