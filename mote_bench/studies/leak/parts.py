"""Parts of stored templates that have leaked: which bytes, values or bits of each, the same for all subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError, Template
from mote_bench.toolkit import numbers, stream

Positions = npt.NDArray[np.intp]

_EXAMPLES = 64
_RESTS = 32
_ENDS = (0.025, 0.975)


class Kind(StrEnum):
    """The kinds of leaks. Values are those that an attacker reads in the bytes (``toolkit.numbers``)."""

    FIRST_BYTES = "first-bytes"
    """The beginning of each template; the amount is a percentage of its bytes."""
    FIRST_VALUES = "first-values"
    """The first values, as in a log; the amount is their number."""
    RANDOM_VALUES = "random-values"
    """Values at random positions, the same for all subjects; the amount is a percentage of the positions."""
    ROUNDED_VALUES = "rounded-values"
    """All values, rounded; the amount is the number of bits that are left of each."""


_MOST = {
    Kind.FIRST_BYTES: 100,
    Kind.FIRST_VALUES: 10**6,
    Kind.RANDOM_VALUES: 100,
    Kind.ROUNDED_VALUES: 16,
}
_UNITS = {
    Kind.FIRST_BYTES: "{} % of the bytes, from the first",
    Kind.FIRST_VALUES: "the first {} values",
    Kind.RANDOM_VALUES: "{} % of the values, at random positions",
    Kind.ROUNDED_VALUES: "all values, {} bits of each",
}


class Reading(IntEnum):
    """How values lie in the bytes: the number of bits that one takes."""

    FLOATS = 32
    BYTES = 8
    BITS = 1


@dataclass(frozen=True)
class Leak:
    """A kind of leak and its amount, in the kind's unit."""

    kind: Kind
    amount: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The leak named ``KIND=AMOUNT``.

        Raises
        ------
        InputError
            On another text, and on an amount that the kind doesn't allow.
        """
        kind, _, amount = text.strip().partition("=")
        if kind not in list(Kind) or not amount.isdecimal() or not int(amount) <= _MOST[Kind(kind)]:
            ranges = ", ".join(f"{one}=0 to {most}" for one, most in _MOST.items())
            raise InputError(f"--leaks {text}: expected a kind and an amount, of {ranges}; as in first-bytes=50")
        return cls(Kind(kind), int(amount))

    @property
    def name(self) -> str:
        """``first-bytes=50``."""
        return f"{self.kind}={self.amount}"

    def __str__(self) -> str:
        return _UNITS[self.kind].format(self.amount).replace(" 1 values", " value").replace(" 1 bits", " 1 bit")


@dataclass(frozen=True, eq=False)
class Part:
    """A leak from the templates of one scheme: which positions, or the steps of the rounding.

    Attributes
    ----------
    examples : tuple of bytes
        Templates of this scheme, beside which others are read: all get the same reading.
    positions : (k,) int
        The values that leak.
    low, high : float
        What is rounded lies between them; values beyond are cut off.
    """

    leak: Leak
    examples: tuple[Template, ...]
    positions: Positions
    low: float
    high: float

    @classmethod
    def learned(cls, leak: Leak, templates: Sequence[Template], *, seed: int) -> Self:
        """The leak from a scheme with templates such as these, which need not be the leaked ones.

        Random positions depend on the seed and the number of values; those of a smaller amount are among those of a
        larger one. Values are rounded in equal steps between the 2.5 % and the 97.5 % quantile of all values.
        """
        examples = tuple(templates[:_EXAMPLES])
        values = numbers(examples)
        count = values.shape[1]
        positions = np.arange(count)
        if leak.kind is Kind.FIRST_VALUES:
            positions = positions[: leak.amount]
        if leak.kind is Kind.RANDOM_VALUES:
            order = stream(seed, "leak", "positions").permutation(count)
            positions = np.sort(order[: round(leak.amount * count / 100)])
        low, high = np.quantile(values, _ENDS) if values.size else (0.0, 0.0)
        if low == high and values.size:  # such as nearly all bits unset
            low, high = values.min(), values.max()
        return cls(leak, examples, positions, float(low), float(high))

    @property
    def share(self) -> float:
        """Of the examples' bits, the share that leaks."""
        whole = float(np.mean([8 * len(one) for one in self.examples]))
        if self.leak.kind is Kind.FIRST_BYTES:
            return self.leak.amount / 100
        count: int = numbers(self.examples).shape[1]
        if self.leak.kind is Kind.ROUNDED_VALUES:
            return min(1.0, self.leak.amount * count / whole)
        return len(self.positions) / count

    def of(self, templates: Sequence[Template]) -> list[Template]:
        """What leaks of each template: its first bytes, or values as little-endian float32."""
        if self.leak.kind is Kind.FIRST_BYTES:
            return [one[: round(self.leak.amount * len(one) / 100)] for one in templates]
        # Longer templates would move the columns of a table with templates of unequal length.
        longest = max(map(len, self.examples))
        values = numbers([*self.examples, *(one[:longest] for one in templates)])[len(self.examples) :]
        if self.leak.kind is Kind.ROUNDED_VALUES:
            values = self._rounded(values)
        return [row.tobytes() for row in values[:, self.positions].astype("<f4")]

    @property
    def ends(self) -> tuple[float, ...]:
        """The places within a step where rounded values can lie: its two ends; of bits the middle stands for both."""
        return (0.0, 1.0) if self.leak.kind is Kind.ROUNDED_VALUES and self._reading is Reading.FLOATS else (0.5,)

    def completed(self, parts: Sequence[Template], *, end: float = 0.5) -> list[Template]:
        """A whole template of each part; the rest is the first example's, and rounded values lie at ``end`` of a step.

        Raises
        ------
        ValueError
            Where templates are of unequal length.
        """
        return [self._with_rest(one, self.examples[0], end) for one in parts]

    def completions(self, part: Template) -> list[Template]:
        """Whole templates that hold this part, with the rests of examples and, of bits, the opposite of one."""
        rests = [*self.examples[: _RESTS + 1]]
        if self._reading is Reading.BITS:
            bits = np.array([np.frombuffer(one, dtype=np.uint8) for one in self.examples])
            varying = np.bitwise_or.reduce(bits ^ bits[0], axis=0)  # not those of a header
            rests.append((bits[0] ^ varying).tobytes())
        return [self._with_rest(part, rest, 0.5) for rest in rests]

    def _with_rest(self, part: Template, rest: Template, end: float) -> Template:
        if self.leak.kind is Kind.FIRST_BYTES:
            return part + rest[len(part) :]
        row = numbers([*self.examples, rest])[-1].copy()
        known = np.frombuffer(part, dtype="<f4")
        if self.leak.kind is Kind.ROUNDED_VALUES:
            known = self.low + (known + end) * (self.high - self.low) / 2**self.leak.amount
        row[self.positions] = known
        if self._reading is Reading.FLOATS:
            return bytes(row.astype("<f4").tobytes())
        bits = self._reading is Reading.BITS
        return bytes((np.packbits(row > 0.5) if bits else np.clip(np.rint(row), 0, 255).astype(np.uint8)).tobytes())

    @cached_property
    def _reading(self) -> Reading:
        """How values lie in the bytes."""
        lengths, values = {len(one) for one in self.examples}, numbers(self.examples).shape[1]
        found = [one for one in Reading if {values * one} == {8 * length for length in lengths}]
        if not found:
            raise ValueError("templates of unequal length can't be completed from their parts")
        return found[0]

    def _rounded(self, values: FloatArray) -> FloatArray:
        """The number of each value's step, from 0."""
        if self.low == self.high or not self.leak.amount:
            return np.zeros_like(values)
        steps = 2**self.leak.amount
        place = np.floor((values - self.low) / (self.high - self.low) * steps)
        return np.asarray(np.clip(place, 0, steps - 1))
