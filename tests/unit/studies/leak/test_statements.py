"""What parts say of a face, for schemes of all kinds of likelihoods."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench import registry
from mote_bench.contracts import HalfSpaces, Linear, NonLinear
from mote_bench.studies.leak.attackers import seen_of
from mote_bench.studies.leak.parts import Leak, Part
from mote_bench.toolkit import draw_keys
from populations import gaussian_faces

D = 16


def part_of(name: str, leak: str):
    """The whole templates of forty people and their keys, what is seen of the scheme, and what it says of the parts."""
    scheme = registry.load("schemes", name).fit(gaussian_faces(60, 2, dimension=D), seed=0)
    faces = gaussian_faces(40, 1, dimension=D, seed=1).embeddings
    keys = draw_keys(40, np.random.default_rng(0)) if scheme.revocable else None
    whole = scheme.enroll(faces, keys=keys, seeds=range(40))
    part = Part.learned(Leak.parse(leak), whole, seed=0)
    seen = seen_of(scheme, part)
    said = list(seen.likelihood(part.of(whole), keys=keys))  # type: ignore[attr-defined]
    return faces, list(scheme.likelihood(whole, keys=keys)), said, part


@pytest.mark.parametrize("leak", ["first-bytes=50", "first-values=8", "random-values=50"])
@pytest.mark.parametrize("name", ["cosine", "cosine-binary", "biohash", "leace"])
def test_half_of_a_template_decides_half_of_the_statements(name: str, leak: str) -> None:
    _, whole, said, part = part_of(name, leak)
    chosen = part.positions if "random" in leak else np.arange(8)
    for one, other in zip(said, whole, strict=True):
        if isinstance(one, HalfSpaces) and isinstance(other, HalfSpaces):
            assert np.array_equal(one.normals, other.normals[chosen])
            assert np.array_equal(one.offsets, other.offsets[chosen])
        else:
            assert isinstance(one, Linear | NonLinear)
            assert isinstance(other, Linear | NonLinear)
            assert np.array_equal(one.values, other.values[chosen])
            assert one.spread == other.spread


def test_the_function_of_a_part_gives_its_values_alone() -> None:
    import torch

    faces, _, said, _ = part_of("leace", "first-values=4")
    [one, *_] = said
    assert isinstance(one, NonLinear)
    assert np.allclose(one.function(torch.tensor(faces[:1])).numpy(), one.values, atol=1e-5)


def test_all_of_it_says_all_and_nothing_says_nothing() -> None:
    _, whole, said, _ = part_of("cosine-binary", "first-bytes=100")
    assert all(np.array_equal(one.normals, other.normals) for one, other in zip(said, whole, strict=True))
    _, _, said, _ = part_of("cosine", "first-bytes=0")
    assert {len(one.values) for one in said} == {0}


def test_rounded_values_lie_within_their_steps() -> None:
    """Of two bits there are four steps; the values stand in the middle, with the spread of even numbers in a step."""
    _, whole, said, part = part_of("cosine", "rounded-values=2")
    step = (part.high - part.low) / 4
    for one, other in zip(said, whole, strict=True):
        inside = (other.values > part.low) & (other.values < part.high)
        assert np.abs(one.values - other.values)[inside].max() <= step / 2 + 1e-6
        assert one.spread == pytest.approx(step / 12**0.5, rel=1e-3)


def test_bits_that_are_rounded_to_a_bit_say_all() -> None:
    _, whole, said, _ = part_of("cosine-binary", "rounded-values=1")
    assert all(np.array_equal(one.normals, other.normals) for one, other in zip(said, whole, strict=True))


def test_a_likelihood_that_is_no_list_of_statements_is_refused() -> None:
    with pytest.raises(ValueError, match="no list of statements"):
        part_of("mlp-hash", "first-bytes=50")
