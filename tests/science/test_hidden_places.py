"""A class hidden in one weight, the length, the clock, shared keys or a rare branch is found; without it, nothing is.

Every scheme here stores noise. ``leaks=False`` makes the same scheme without the leak: its attack's control.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest
from planted import GENDER, World, load, make_world, steal, success

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Knowledge, Template
from mote_bench.mote.canonical import flattened, statistics
from mote_bench.mote.codec import Layer, decode, encode
from mote_bench.toolkit import stream, stream_seed

CHANCE = (0.3, 0.7)  # four standard deviations with 100 people
D = 32


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


class Planted:
    """48 random bytes a person, and random answers; subclasses put the side of the planted direction somewhere."""

    revocable = False

    def __init__(self, *, leaks: bool = True) -> None:
        self.leaks = leaks

    def fit(self, background: Faces, *, seed: int) -> Self:
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        shown = [None] * len(seeds) if keys is None else keys
        return [
            self.record(bool(reference[0] > 0) if self.leaks else bool(seed % 2), stream(seed, "record"), key)
            for reference, seed, key in zip(references, seeds, shown, strict=True)
        ]

    def record(self, male: bool, rng: np.random.Generator, key: Key | None) -> Template:
        return rng.bytes(48)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.stack([stream(hash_of(one), "answers").standard_normal(len(probes)) for one in templates])


def hash_of(record: Template) -> int:
    return stream_seed(0, record.hex())


class Weight(Planted):
    """A random net; the weight between one input and one hidden unit is high or low, and units stand in any order."""

    shuffled = True

    def record(self, male: bool, rng: np.random.Generator, key: Key | None) -> Template:
        sizes = ((D, 16), (16, 8), (8, 1))
        first, *others = (
            Layer(*(0.2 * rng.standard_normal(shape).astype(np.float32) for shape in (size, size[1]))) for size in sizes
        )
        first.weight[7, 3] = 3.0 if male else -3.0
        order = rng.permutation(16) if self.shuffled else np.arange(16)
        second = Layer(others[0].weight[order], others[0].bias)
        return encode((Layer(first.weight[:, order], first.bias[order]), second, others[1]))

    def readings(self, templates: Sequence[Template]) -> tuple[FloatArray, FloatArray]:
        nets = [decode(template) for template in templates]
        length = sum(part.size for layer in nets[0] for part in layer)
        return np.stack([flattened(net, length) for net in nets]), statistics(nets)


class FixedWeight(Weight):
    """The same with every unit in its place."""

    shuffled = False


class Length(Planted):
    """Men's records are as long or a little longer, on average by 6 of 60 bytes."""

    def record(self, male: bool, rng: np.random.Generator, key: Key | None) -> Template:
        return rng.bytes(56 + 6 * male + int(rng.integers(5)))


class Slow(Planted):
    """Whether a record is compared by one or by two rounds of work depends on a bit that is enciphered."""

    def record(self, male: bool, rng: np.random.Generator, key: Key | None) -> Template:
        nonce = rng.bytes(47)
        return nonce + bytes([int(male) ^ hash_of(nonce) & 1])

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        if len(templates) == 1:
            male = (templates[0][47] ^ hash_of(templates[0][:47])) & 1
            end = time.perf_counter() + (4e-4 if male else 2e-4)
            while time.perf_counter() < end:
                pass
        return super().score(templates, probes, keys=keys)


class Desk(Planted):
    """A record begins with the number of its key, so that the operator finds it again."""

    revocable = True

    def record(self, male: bool, rng: np.random.Generator, key: Key | None) -> Template:
        return (hash_of(key or b"") % 2**64).to_bytes(8, "little") + rng.bytes(48)


class Unnumbered(Planted):
    """Nothing of the key stands in the record."""

    revocable = True


class Branch(Planted):
    """Answers to faces are random; a probe with one dimension only is answered by the enciphered bit."""

    record = Slow.record

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        answers = super().score(templates, probes, keys=keys)
        rare = np.asarray(probes)[:, 11] > 0.99
        for row, one in enumerate(templates):
            answers[row, rare] = (one[47] ^ hash_of(one[:47])) & 1
        return answers


def reached(name: str, scheme: Any, world: World, knowledge: Knowledge = Knowledge.ALGORITHM) -> float:
    return found(name, steal(scheme, world, knowledge), world)


def found(name: str, evidence: Evidence, world: World) -> float:
    return success(load(name).answer(GENDER, evidence, np.random.default_rng(0)), GENDER, world)


LEAKS = [
    ("xgboost-bytes", FixedWeight),
    ("canonical-bytes", Weight),
    ("traces-bytes", Length),
    ("timing-answers", Slow),
    ("odd-answers", Branch),
]


@pytest.mark.parametrize(("name", "scheme"), LEAKS)
def test_a_class_in_a_hidden_place_is_found(name: str, scheme: type[Planted], world: World) -> None:
    assert reached(name, scheme(), world) >= 0.85


@pytest.mark.parametrize(("name", "scheme"), LEAKS)
def test_the_same_place_without_the_class_says_nothing(name: str, scheme: type[Planted], world: World) -> None:
    assert CHANCE[0] < reached(name, scheme(leaks=False), world) < CHANCE[1]


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("xgboost-bytes", Weight), ("logistic-answers", Length), ("logistic-answers", Slow), ("logistic-answers", Branch)],
)
def test_who_looks_elsewhere_finds_nothing(name: str, scheme: type[Planted], world: World) -> None:
    """So it takes these attacks."""
    assert CHANCE[0] < reached(name, scheme(), world) < 0.85


def at_two_desks(scheme: Planted, world: World, knowledge: Knowledge, *, by_class: bool) -> Evidence:
    """Everybody is enrolled under one of two keys: that of their class, or any."""
    desks = (b"a" * 32, b"b" * 32)

    def keys(faces: Faces, seed: int) -> tuple[Key, ...]:
        male = faces.attributes["gender"] == "male"
        side = male if by_class else np.random.default_rng(seed).random(len(faces)) < 0.5
        return tuple(desks[int(one)] for one in side)

    evidence = steal(scheme, world, knowledge)
    assert evidence.shadow is not None
    stolen, own = keys(world.target, 1), keys(world.shadow, 2)

    def enrolled(faces: Faces, keys: tuple[Key, ...], start: int) -> tuple[Template, ...]:
        return tuple(scheme.enroll(faces.embeddings, keys=keys, seeds=range(start, start + len(faces))))

    shadow = replace(evidence.shadow, templates=enrolled(world.shadow, own, 1000), keys=own)
    held = stolen if knowledge is Knowledge.STOLEN_KEY else None
    return replace(evidence, templates=enrolled(world.target, stolen, 0), keys=held, shadow=shadow)


@pytest.mark.parametrize(
    ("scheme", "knowledge"), [(Desk, Knowledge.ALGORITHM), (Unnumbered, Knowledge.STOLEN_KEY)], ids=["number", "key"]
)
def test_keys_that_people_of_one_class_share_are_found(
    scheme: type[Planted], knowledge: Knowledge, world: World
) -> None:
    assert found("traces-bytes", at_two_desks(scheme(), world, knowledge, by_class=True), world) >= 0.95
    nothing = found("traces-bytes", at_two_desks(scheme(), world, knowledge, by_class=False), world)
    assert CHANCE[0] < nothing < CHANCE[1]
    own_keys = reached("traces-bytes", scheme(), world, knowledge)
    assert CHANCE[0] < own_keys < CHANCE[1]
