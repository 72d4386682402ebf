"""What a subject's secret key determines: a random generator, what is drawn from it, and the rows that share it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Key
from mote_bench.toolkit import Recent

Arrays = TypeVar("Arrays", bound=tuple[npt.NDArray[np.generic], ...])


class Expansions(Recent[tuple[npt.NDArray[np.generic], ...]]):
    """Arrays that keys were expanded to. Each process has expansions of its own."""

    def get(self, key: Hashable, make: Callable[[], Arrays]) -> Arrays:
        """The arrays of this name, made where they aren't kept; read-only."""

        def fixed() -> Arrays:
            made = make()
            for array in made:
                array.setflags(write=False)
            return made

        found: Any = super().get(key, fixed)
        return found  # type: ignore[no-any-return]


def size_of_all(arrays: tuple[npt.NDArray[np.generic], ...]) -> int:
    """Bytes of these arrays."""
    return sum(array.nbytes for array in arrays)


EXPANSIONS = Expansions(256 << 20, size_of_all)
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
