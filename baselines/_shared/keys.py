"""What a subject's secret key determines: a random generator, and the rows that share the key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Key


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
