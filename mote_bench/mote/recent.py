"""What was worked out lately, kept within a number of bytes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Values by what they were worked out from; the longest unused go first. Copies and pickles begin empty.

    For values that are the same whenever they are worked out, so that only the time depends on what is kept.

    Parameters
    ----------
    most : int
        Bytes of all that is kept; a larger value isn't.
    size : callable
        Bytes of a value.
    """

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self._most, self._size, self._taken = most, size, 0
        self._kept: dict[Hashable, Value] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Recent[Value]], tuple[int, Callable[[Value], int]]]:
        return type(self), (self._most, self._size)

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable) -> Value | None:
        """What is kept under ``key``."""
        with self._lock:
            if (value := self._kept.pop(key, None)) is not None:
                self._kept[key] = value
            return value

    def keep(self, key: Hashable, value: Value) -> Value:
        """``value``, kept under ``key`` from now on."""
        if self._size(value) > self._most:
            return value
        with self._lock:
            if (old := self._kept.pop(key, None)) is not None:
                self._taken -= self._size(old)
            self._kept[key] = value
            self._taken += self._size(value)
            while self._taken > self._most:
                self._taken -= self._size(self._kept.pop(next(iter(self._kept))))
        return value

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What is kept under ``key``; what ``make`` gives, where there is nothing."""
        found = self.find(key)
        return self.keep(key, make()) if found is None else found
