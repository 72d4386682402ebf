"""BioHash with its keys stolen gives away what theory says, and without them nothing."""

from __future__ import annotations

import numpy as np
import pytest
from mote_attacks.attributes import from_bytes
from mote_baselines.cancelable.biohash import BioHash
from planted import GENDER, World, load, make_world, question_of, steal, success

from mote_bench.contracts import Faces, Knowledge
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit

CHANCE = (0.3, 0.7)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def _gaussian(n: int, dimension: int) -> Faces:
    return Faces(np.random.default_rng([n, dimension]).standard_normal((n, dimension)))


@pytest.mark.parametrize(("bits", "dimension"), [(32, 64), (64, 64), (64, 128)])
def test_closed_form_reaches_the_theoretical_cosine(bits: int, dimension: int) -> None:
    """E|g| = sqrt(2 / pi) per bit, of m bits, over the root of d: sqrt(2 m / (pi d)); 0.564, 0.798 and 0.564."""
    world = World(*(_gaussian(n, dimension) for n in (50, 40, 200, 201)))
    evidence = steal(BioHash(bits=bits), world, Knowledge.STOLEN_KEY)
    answer = load("closed-form-bytes").answer(WhichFace(dimension), evidence, np.random.default_rng(0))
    cosine = (unit(answer) * world.target.embeddings).sum(axis=1).mean()
    assert cosine == pytest.approx(np.sqrt(2 * bits / (np.pi * dimension)), abs=0.02)


@pytest.mark.parametrize("name", ["closed-form-bytes", "ridge-answers", "gradient-answers"])
def test_inversion_needs_the_keys(name: str, world: World) -> None:
    attack, question = load(name), WhichFace(32)
    with_keys, without = (
        success(attack.answer(question, steal(BioHash(), world, level), np.random.default_rng(0)), question, world)
        for level in (Knowledge.STOLEN_KEY, Knowledge.ALGORITHM)
    )
    assert with_keys >= 0.5
    assert abs(without) < 4 / np.sqrt(32 * 100)


@pytest.mark.parametrize("name", ["logistic-bytes", "vote-answers", "logistic-answers", "logistic-inverted"])
def test_attributes_need_the_keys(name: str, world: World) -> None:
    attack = load(name)
    with_keys, without = (
        success(attack.answer(GENDER, steal(BioHash(), world, level), np.random.default_rng(0)), GENDER, world)
        for level in (Knowledge.STOLEN_KEY, Knowledge.ALGORITHM)
    )
    assert with_keys >= 0.8
    assert CHANCE[0] < without < CHANCE[1]


def test_calibrated_bytes_need_the_keys(world: World) -> None:
    attack = from_bytes.calibrated()
    with_keys, without = (
        success(attack.answer(GENDER, steal(BioHash(), world, level), np.random.default_rng(0)), GENDER, world)
        for level in (Knowledge.STOLEN_KEY, Knowledge.ALGORITHM)
    )
    assert with_keys >= 0.8
    assert CHANCE[0] < without < CHANCE[1]


@pytest.mark.parametrize("name", ["compare-answers", "compare-inverted"])
def test_linking_needs_the_keys(name: str, world: World) -> None:
    attack = load(name)
    question = question_of(attack, world)
    with_keys, without = (
        success(attack.answer(question, steal(BioHash(), world, level), np.random.default_rng(0)), question, world)
        for level in (Knowledge.STOLEN_KEY, Knowledge.ALGORITHM)
    )
    assert with_keys >= 0.7
    assert CHANCE[0] < without < CHANCE[1]
