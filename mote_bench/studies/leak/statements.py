"""What a part of a template says of the enrolled face: the statements of the whole's likelihood that the part decides.

A likelihood is a list of statements: half-spaces, or values with noise. Which of them a part decides is tried out. The
part is completed to whole templates by the rest of other templates; what is the same for all is said by the part. No
knowledge of the format is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, HalfSpaces, Key, Likelihood, Linear, NonLinear, Scheme, Template
from mote_bench.toolkit import KEY_BYTES, revocable

from .parts import Part

_ANY_KEY = bytes(KEY_BYTES)

Which = npt.NDArray[np.bool_]


def decided(scheme: Scheme, part: Part) -> Which:
    """(statements,) whether the part decides each statement.

    Raises
    ------
    ValueError
        When the likelihood is no list of statements, or templates can't be completed.
    """
    [own] = part.of(part.examples[:1])
    whole = part.completions(own)
    keys = [_ANY_KEY] * len(whole) if revocable(scheme) else None
    said = [_table(one) for one in _likelihoods(scheme, whole, keys)]
    if len({one.shape for one in said}) != 1:
        raise ValueError("templates of this scheme differ in what they make statements about")
    return np.asarray((np.stack(said) == said[0]).all(axis=(0, 2)))


def said(
    scheme: Scheme, part: Part, which: Which, templates: Sequence[Template], keys: Sequence[Key] | None
) -> Iterator[Likelihood]:
    """What each part in ``templates`` says, under its key."""
    ends = [part.completed(templates, end=end) for end in part.ends]
    for alternatives in zip(*(_likelihoods(scheme, one, keys) for one in ends), strict=True):
        yield _between([_only(one, which) for one in alternatives])


def _likelihoods(scheme: Scheme, templates: Sequence[Template], keys: Sequence[Key] | None) -> Iterator[Likelihood]:
    yield from scheme.likelihood(templates, keys=keys)  # type: ignore[attr-defined]


def _table(one: Likelihood) -> FloatArray:
    """(statements, any) numbers that a statement consists of, without a function's own."""
    if isinstance(one, HalfSpaces):
        return np.column_stack([one.normals, one.offsets])
    if isinstance(one, Linear):
        return np.column_stack([one.matrix, one.values])
    if isinstance(one, NonLinear):
        return np.asarray(one.values)[:, None]
    raise ValueError("the likelihood of this scheme is no list of statements, so a part's isn't known")


def _only(one: Likelihood, which: Which) -> Likelihood:
    if isinstance(one, HalfSpaces):
        return HalfSpaces(one.normals[which], one.offsets[which])
    if isinstance(one, Linear):
        return Linear(one.matrix[which], one.values[which], one.spread)
    assert isinstance(one, NonLinear)
    function = one.function
    return NonLinear(lambda faces: function(faces)[:, which], one.values[which], one.spread)


def _between(ends: Sequence[Likelihood]) -> Likelihood:
    """Values that lie anywhere between those of two likelihoods, as after rounding: their middle, with a spread."""
    first, last = ends[0], ends[-1]
    if len(ends) == 1 or isinstance(first, HalfSpaces) or isinstance(last, HalfSpaces):
        return first
    assert isinstance(first, Linear | NonLinear)
    assert isinstance(last, Linear | NonLinear)
    apart = float(np.sqrt(np.mean((last.values - first.values) ** 2) / 12)) if len(first.values) else 0.0
    spread = float(np.hypot(first.spread, apart))
    return replace(first, values=(first.values + last.values) / 2, spread=spread)
