"""Enrolled public faces are used where they help, under fresh keys, and within a bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pytest
from mote_attacks._shared.public_enrolments import affordable, enrolled_public
from mote_attacks.attributes.from_public_enrolments import ClassifierOnPublicEnrolments
from mote_attacks.inversion.from_public_enrolments import DecoderOnPublicEnrolments
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.controls.noise import Noise
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Knowledge, Scheme, Shadow, Template
from mote_bench.metrics.attributes import balanced_accuracy
from mote_bench.questions import WhichClass, WhichFace
from mote_bench.toolkit import draw_keys, revocable, unit

GENDER, D = WhichClass("gender", ("female", "male")), 8
PUBLIC, SHADOW, STOLEN = 500, 60, 200


def ringed(n: int, seed: int) -> Faces:
    """The class is the length of a face's first half against its second: no linear classifier finds it."""
    faces = unit(np.random.default_rng(seed).standard_normal((n, D)))
    outer = np.linalg.norm(faces[:, : D // 2], axis=1) > np.linalg.norm(faces[:, D // 2 :], axis=1)
    return Faces(faces, attributes={"gender": np.where(outer, "male", "female")})


class Misled(Cosine):
    """What it was fitted on it enrols with both halves exchanged: a public face looks like one of the other class."""

    def fit(self, background: Faces, *, seed: int) -> Self:
        self.seen = {row.tobytes() for row in background.embeddings}
        super().fit(background, seed=seed)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        known = np.array([row.tobytes() in self.seen for row in references])
        shown = np.where(known[:, None], np.roll(references, D // 2, axis=1), references).astype(np.float32)
        return super().enroll(shown, keys=keys, seeds=seeds)


def stolen(scheme: Scheme, public: Faces) -> tuple[Evidence, Faces]:
    shadow, attacked, rng = ringed(SHADOW, 1), ringed(STOLEN, 2), np.random.default_rng(3)
    made = scheme.fit(public, seed=0)

    def enrolled(faces: Faces) -> tuple[tuple[Template, ...], tuple[Key, ...] | None]:
        keys = draw_keys(len(faces), rng) if revocable(made) else None
        seeds = [int(one) for one in rng.integers(2**62, size=len(faces))]
        return tuple(made.enroll(faces.embeddings, keys=keys, seeds=seeds)), keys

    templates, _ = enrolled(attacked)
    own = Shadow(shadow, *enrolled(shadow))
    return Evidence(Knowledge.ALGORITHM, templates, scheme=made, public=public, shadow=own), attacked


def reached(scheme: Scheme, public: Faces) -> float:
    evidence, attacked = stolen(scheme, public)
    answer = ClassifierOnPublicEnrolments().answer(GENDER, evidence, np.random.default_rng(4))
    return balanced_accuracy(answer, (attacked.attributes["gender"] == "male").astype(np.intp))


def test_many_public_faces_show_a_curved_border_that_few_shadow_subjects_do_not() -> None:
    many, none = ringed(PUBLIC, 0), Faces(ringed(PUBLIC, 0).embeddings)
    assert reached(Cosine(), many) > max(0.9, reached(Cosine(), none) + 0.05)


def test_public_faces_that_mislead_are_left_out() -> None:
    """All of them look like the other class; learned from, they would give less than chance."""
    many, none = ringed(PUBLIC, 0), Faces(ringed(PUBLIC, 0).embeddings)
    assert reached(Misled(), many) == pytest.approx(reached(Misled(), none), abs=0.05)


@pytest.mark.parametrize("scheme", [Noise(), BioHash()])
def test_templates_that_hold_nothing_stand_at_chance(scheme: Scheme) -> None:
    """0.5 within three standard errors of 200 subjects; without the key BioHash holds nothing either."""
    assert abs(reached(scheme, ringed(300, 0)) - 0.5) < 3 * np.sqrt(0.25 / STOLEN)


def test_a_decoder_finds_the_face_and_finds_nothing_under_unknown_keys() -> None:
    found = {}
    for scheme in (Cosine(), BioHash()):
        evidence, attacked = stolen(scheme, ringed(300, 0))
        answer = DecoderOnPublicEnrolments().answer(WhichFace(D), evidence, np.random.default_rng(4))
        found[type(scheme)] = float((unit(answer) * attacked.embeddings).sum(axis=1).mean())
    assert found[Cosine] > 0.9
    assert abs(found[BioHash]) < 3 / np.sqrt(D * STOLEN)


@pytest.mark.parametrize(("values", "due"), [(1, 3000), (1398, 3000), (4096, 1024), (13982, 300), (75000, 300)])
def test_the_number_of_public_faces_follows_the_size_of_a_template(values: int, due: int) -> None:
    assert affordable(values) == due


def test_public_faces_are_enrolled_under_fresh_keys() -> None:
    """No key of the shadow subjects is used, and no two templates share one."""
    used: list[Key] = []

    class Seen(BioHash):
        def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
            used.extend(keys or ())
            return super().enroll(references, keys=keys, seeds=seeds)

    evidence, _ = stolen(Seen(), ringed(50, 0))
    faces, made = enrolled_public(evidence, np.random.default_rng(0))
    assert (len(faces), len(made)) == (50, 50)
    assert len(set(used)) == len(used) == STOLEN + SHADOW + 50


def test_templates_of_unequal_length_come_back_as_they_were() -> None:
    class Uneven(Cosine):
        def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
            return [bytes(1 + seed % 5) for seed in seeds]

    evidence, _ = stolen(Uneven(), ringed(40, 0))
    _, made = enrolled_public(evidence, np.random.default_rng(0))
    assert {len(one) for one in made} == {1, 2, 3, 4, 5}
