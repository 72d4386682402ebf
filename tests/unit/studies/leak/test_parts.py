"""What leaks of templates, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.studies.leak.parts import Kind, Leak, Part
from mote_bench.toolkit import numbers


def floats(*rows: list[float]) -> list[bytes]:
    return [np.array(row, dtype="<f4").tobytes() for row in rows]


def leaked(text: str, templates: list[bytes], *, seed: int = 0) -> tuple[list[list[float]], float]:
    """What leaks of each as numbers, and the share."""
    part = Part.learned(Leak.parse(text), templates, seed=seed)
    return [np.frombuffer(one, dtype="<f4").tolist() for one in part.of(templates)], part.share


SOME = floats([0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 0, 3])


@pytest.mark.parametrize(
    ("text", "first", "share"),
    [
        ("first-bytes=50", [0, 1], 0.5),
        ("first-bytes=0", [], 0),
        ("first-bytes=100", [0, 1, 2, 3], 1),
        ("first-values=3", [0, 1, 2], 0.75),
        ("first-values=99", [0, 1, 2, 3], 1),
        ("random-values=100", [0, 1, 2, 3], 1),
        ("random-values=0", [], 0),
        ("rounded-values=1", [0, 0, 1, 1], 1 / 32),  # from 0 to 3: below 1.5 or not
        ("rounded-values=2", [0, 1, 2, 3], 2 / 32),
        ("rounded-values=0", [0, 0, 0, 0], 0),
    ],
)
def test_parts_by_hand(text: str, first: list[float], share: float) -> None:
    found, told = leaked(text, SOME)
    assert found[0] == first
    assert told == pytest.approx(share)


def test_bytes_leak_as_they_are_stored_and_whole_values_too() -> None:
    whole = Part.learned(Leak(Kind.FIRST_BYTES, 100), SOME, seed=0)
    assert whole.of(SOME) == Part.learned(Leak(Kind.RANDOM_VALUES, 100), SOME, seed=0).of(SOME) == SOME
    assert Part.learned(Leak(Kind.FIRST_BYTES, 50), SOME, seed=0).of([b"abcd", b"xy"]) == [b"ab", b"x"]


def test_random_positions_are_the_same_for_all_and_grow_with_the_amount() -> None:
    templates = [row.tobytes() for row in np.arange(80, dtype="<f4").reshape(2, 40)]
    (few, low), (more, high) = leaked("random-values=25", templates), leaked("random-values=50", templates)
    assert (len(few[0]), len(more[0]), low, high) == (10, 20, 0.25, 0.5)
    assert set(few[0]) < set(more[0])
    assert [value + 40 for value in few[0]] == few[1]
    assert leaked("random-values=25", templates, seed=1)[0] != few


def test_bits_are_values_that_no_rounding_changes() -> None:
    rng = np.random.default_rng(0)
    templates = [rng.bytes(6) for _ in range(80)]
    bits = numbers(templates).tolist()
    for text, share in (("rounded-values=1", 1), ("first-values=48", 1)):
        found, told = leaked(text, templates)
        assert (found, told) == (bits, share)
    assert leaked("first-values=12", templates)[1] == 0.25


def test_a_template_is_read_like_the_examples_whatever_its_length() -> None:
    part = Part.learned(Leak(Kind.FIRST_VALUES, 2), [*floats([1, 2, 3]), *floats([1, 2])], seed=0)
    (alone,), (beside, _) = part.of(floats([5, 6])), part.of([*floats([5, 6]), *floats([1, 2, 3, 4, 5])])
    assert alone == beside == floats([5, 6])[0]


def test_nothing_to_round_is_no_error() -> None:
    assert leaked("rounded-values=2", floats([1, 1], [1, 1]))[0] == [[0, 0], [0, 0]]


@pytest.mark.parametrize("text", ["", "half", "first-bytes", "first-bytes=101", "first-bytes=-1", "rounded-values=17"])
def test_other_leaks_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match=r"--leaks .*expected a kind and an amount.*as in first-bytes=50"):
        Leak.parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("first-values=1", "the first value"),
        ("first-values=16", "the first 16 values"),
        ("rounded-values=1", "all values, 1 bit of each"),
        ("rounded-values=4", "all values, 4 bits of each"),
        ("random-values=25", "25 % of the values, at random positions"),
    ],
)
def test_leaks_in_words(text: str, said: str) -> None:
    assert (str(Leak.parse(text)), Leak.parse(text).name) == (said, text)
