"""People with planted attributes, what an attacker sees of them, and how good an answer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mote_bench import registry
from mote_bench.contracts import Access, Attack, Evidence, Faces, FloatArray, Key, Knowledge, Scheme, Shadow, Template
from mote_bench.questions import SamePerson, WhichClass, WhichFace
from mote_bench.toolkit import class_index, draw_keys, revocable, unit
from populations import gaussian_faces

GENDER = WhichClass("gender", ("female", "male"))
ALL_ATTACKS = [one.name for one in registry.names("attacks") if one.target.startswith("mote_attacks.")]


@dataclass(frozen=True, eq=False)
class World:
    """Identity-disjoint people; ``seconds`` and ``shadow_seconds`` are other photos of target and shadow people."""

    public: Faces
    shadow: Faces
    target: Faces
    seconds: Faces
    shadow_seconds: Faces | None = None


def make_world(seed: int = 0, *, public: int = 300, shadow: int = 150, target: int = 100, **generated: Any) -> World:
    """Of each person two photos."""
    faces = gaussian_faces(public + shadow + target, 2, seed=seed, **generated)
    first = 2 * np.arange(public + shadow + target)
    targets = first[public + shadow :]
    return World(
        public=faces.rows(np.arange(2 * public)),
        shadow=faces.rows(first[public : public + shadow]),
        target=faces.rows(targets),
        seconds=faces.rows(targets + 1),
        shadow_seconds=faces.rows(first[public : public + shadow] + 1),
    )


def load(name: str) -> Any:
    return registry.load("attacks", name)


def holds_one_record(name: str) -> bool:
    """Whether the attack reads one stolen record of each person, and asks what this world has an answer to."""
    attack = load(name)
    of_records = getattr(attack, "access", Access.RECORD) is Access.RECORD and not getattr(attack, "several", False)
    return of_records and attack.question in (WhichClass, WhichFace, SamePerson) and not _needs_more(attack)


def _needs_more(attack: Attack) -> bool:
    """Whether it needs a method that ``cosine`` and ``biohash`` don't have."""
    return not set(getattr(attack, "needs", ())) <= {"score", "reconstruct", "surrogate", "readings", "likelihood"}


ATTACKS = [name for name in ALL_ATTACKS if holds_one_record(name)]


def question_of(attack: Attack, world: World) -> Any:
    dimension = world.target.embeddings.shape[1]
    return {WhichClass: GENDER, WhichFace: WhichFace(dimension), SamePerson: SamePerson()}[attack.question]


def levels(attack: Attack, scheme: Scheme) -> list[Knowledge]:
    return [level for level in attack.knowledge if level is not Knowledge.STOLEN_KEY or revocable(scheme)]


def steal(scheme: Scheme, world: World, knowledge: Knowledge, *, seed: int = 0) -> Evidence:
    """Row i of both databases is target person i."""
    rng = np.random.default_rng([seed, 17])
    scheme.fit(world.public, seed=seed)

    def enrolled(faces: Faces) -> tuple[tuple[Template, ...], tuple[Key, ...] | None]:
        keys = draw_keys(len(faces), rng) if revocable(scheme) else None
        seeds = [int(s) for s in rng.integers(2**31, size=len(faces))]
        return tuple(scheme.enroll(faces.embeddings, keys=keys, seeds=seeds)), keys

    (stolen, keys), (others, other_keys), mine = enrolled(world.target), enrolled(world.seconds), enrolled(world.shadow)
    if knowledge is Knowledge.BYTES_ONLY:
        return Evidence(knowledge, stolen, others)
    if knowledge is not Knowledge.STOLEN_KEY:
        keys = other_keys = None
    again = (world.shadow_seconds, *enrolled(world.shadow_seconds)) if world.shadow_seconds is not None else ()
    shadow = Shadow(world.shadow, *mine, *again)
    return Evidence(knowledge, stolen, others, keys, other_keys, scheme, world.public, shadow)


def success(answer: FloatArray, question: Any, world: World) -> float:
    """Balanced accuracy (chance 1/2), centred cosine less that with other people (chance 0) or 1 - EER (chance 1/2)."""
    assert np.isfinite(answer).all()
    if isinstance(question, WhichClass):
        truth = class_index(world.target.attributes[question.attribute], question.classes)
        assert answer.shape == (len(truth), len(question.classes))
        return balanced_accuracy(answer, truth)
    if isinstance(question, WhichFace):
        assert answer.shape == world.target.embeddings.shape
        mean = world.public.embeddings.mean(axis=0)
        cosines = unit(unit(answer) - mean) @ unit(world.target.embeddings - mean).T
        return float(np.diag(cosines).mean() - cosines[~np.eye(len(cosines), dtype=bool)].mean())
    assert answer.shape == (len(world.target), len(world.seconds))
    return 1 - equal_error_rate(answer)


def balanced_accuracy(answer: FloatArray, truth: Sequence[int] | FloatArray) -> float:
    right = answer.argmax(axis=1) == truth
    return float(np.mean([right[np.asarray(truth) == c].mean() for c in np.unique(truth)]))


def equal_error_rate(answer: FloatArray) -> float:
    mated = np.eye(len(answer), dtype=bool)
    genuine, impostor = np.sort(answer[mated]), np.sort(answer[~mated])
    cuts = np.sort(answer, axis=None)
    missed = np.searchsorted(genuine, cuts) / len(genuine)
    false = 1 - np.searchsorted(impostor, cuts) / len(impostor)
    nearest = np.abs(missed - false).argmin()
    return float((missed[nearest] + false[nearest]) / 2)
