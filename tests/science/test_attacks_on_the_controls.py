"""Every attack breaks the template that hides nothing and stands at chance on the template that holds nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mote_baselines.controls.noise import Noise
from mote_baselines.plain.cosine import Cosine
from planted import ATTACKS, GENDER, World, levels, load, make_world, question_of, steal, success

from mote_bench.contracts import Faces, Knowledge
from mote_bench.questions import WhichClass, WhichFace

SEEDS = 5


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def test_the_attacks_are_registered() -> None:
    assert len(ATTACKS) >= 12


@pytest.mark.parametrize("name", ATTACKS)
def test_breaks_cosine(name: str, world: World) -> None:
    attack, scheme = load(name), Cosine()
    question = question_of(attack, world)
    for level in levels(attack, scheme):
        answer = attack.answer(question, steal(scheme, world, level), np.random.default_rng(0))
        assert success(answer, question, world) >= {WhichClass: 0.9, WhichFace: 0.9}.get(type(question), 0.95)


SLOW = ("canonical-bytes", "odd-answers", "timing-answers", "net-bytes", "net-answers")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in ATTACKS])
def test_stands_at_chance_on_noise(name: str) -> None:
    attack, reached = load(name), []
    for seed in range(SEEDS):
        world = make_world(seed, public=120, shadow=80)
        question = question_of(attack, world)
        evidence = steal(Noise(), world, attack.knowledge[0], seed=seed)
        reached.append(success(attack.answer(question, evidence, np.random.default_rng(seed)), question, world))
    # Standard deviation of one world's figure with 100 people: rates sqrt(.25 / 100), cosines 1 / sqrt(32 * 100).
    chance, deviation = (0.0, 0.018) if isinstance(question, WhichFace) else (0.5, 0.05)
    assert abs(np.mean(reached) - chance) < 4 * deviation / SEEDS**0.5


def _lfw(folder: Path) -> World:
    stored = np.load(folder / "lfw_dlib.npz")
    faces = Faces(stored["embeddings"], stored["identity"], {"gender": stored["gender"]})
    _, first = np.unique(faces.identity, return_index=True)
    people = np.random.default_rng(0).permutation(first)
    return World(
        public=faces.rows(people[300:1300]),
        shadow=faces.rows(people[100:300]),
        target=faces.rows(people[:100]),
        seconds=faces.rows(people[:100]),
    )


@pytest.mark.parametrize("name", ["logistic-bytes", "logistic-answers", "logistic-inverted"])
def test_gender_of_real_faces_from_their_embeddings(name: str, shared_data: Path) -> None:
    world = _lfw(shared_data)
    answer = load(name).answer(GENDER, steal(Cosine(), world, Knowledge.ALGORITHM), np.random.default_rng(0))
    assert success(answer, GENDER, world) >= 0.95
