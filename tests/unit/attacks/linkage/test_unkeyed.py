"""Attacks over ``solve_without_keys``, on a scheme that stores the face or its mirror image, as a key says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mote_attacks.inversion.unkeyed import UnkeyedInversion
from mote_attacks.linkage.unkeyed import CompareUnkeyed
from mote_attacks.photo.unkeyed import PhotoNearestToEstimate
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Evidence, Faces, FloatArray, Knowledge, Shadow, Template
from mote_bench.questions import SamePerson, WhichFace, WhichPhoto
from mote_bench.toolkit import on_sphere, unit
from populations import gaussian_faces


class Mirrored(Cosine):
    """Stores a face, or for every other seed its mirror image through the mean; its own attack can't tell which."""

    def fit(self, background: Faces, *, seed: int) -> Any:
        self.mean = background.embeddings.mean(axis=0, dtype=np.float64)
        return super().fit(background, seed=seed)

    def enroll(self, references: FloatArray, *, keys: object, seeds: Sequence[int]) -> list[Template]:
        away = unit(references - self.mean) * np.where(np.array(seeds) % 2, -1.0, 1.0)[:, None]
        return super().enroll(on_sphere(self.mean, away), keys=None, seeds=seeds)


def evidence_of(scheme: Cosine) -> Evidence:
    """Twenty target subjects, row i of both databases and of the candidates one of them; sixty shadow subjects."""
    faces = gaussian_faces(160, 2, dimension=16)
    scheme.fit(faces.rows(np.arange(160)), seed=0)

    def enrolled(rows: Any, seed: int) -> tuple[Template, ...]:
        seeds = np.random.default_rng(seed).integers(100, size=len(rows)).tolist()
        return tuple(scheme.enroll(faces.embeddings[rows], keys=None, seeds=seeds))

    targets, mine = np.arange(160, 200, 2), np.arange(200, 320, 2)
    shadow = Shadow(
        faces.rows(mine), enrolled(mine, 1), None, faces.rows(mine + 1), enrolled(mine + 1, 2), second_keys=None
    )
    candidates = np.stack([faces.embeddings[targets + 1], faces.embeddings[targets]], axis=1)
    return Evidence(
        Knowledge.ALGORITHM,
        templates=enrolled(targets, 3),
        others=enrolled(targets + 1, 4),
        scheme=scheme,
        public=faces.rows(np.arange(160)),
        shadow=shadow,
        candidates=candidates,
    )


@pytest.mark.parametrize("scheme", [Cosine, Mirrored])
def test_mated_templates_are_found_whatever_the_sign(scheme: type[Cosine]) -> None:
    likeness = CompareUnkeyed().answer(SamePerson(), evidence_of(scheme()), np.random.default_rng(0))
    assert likeness.shape == (20, 20)
    assert (likeness.argmax(axis=1) == np.arange(20)).mean() > 0.9


@pytest.mark.parametrize("scheme", [Cosine, Mirrored])
def test_the_enrolled_photo_is_found_whatever_the_sign(scheme: type[Cosine]) -> None:
    answer = PhotoNearestToEstimate().answer(WhichPhoto(2), evidence_of(scheme()), np.random.default_rng(0))
    assert answer.shape == (20, 2)
    assert (answer.argmax(axis=1) == 1).all()


def test_a_reconstruction_is_the_schemes_estimate() -> None:
    evidence = evidence_of(Cosine())
    answer = UnkeyedInversion().answer(WhichFace(16), evidence, np.random.default_rng(0))
    stored = np.array([np.frombuffer(template, "<f4") for template in evidence.templates])
    assert answer == pytest.approx(stored, abs=1e-5)


def test_shadow_subjects_who_are_enrolled_once_teach_no_linking() -> None:
    evidence = evidence_of(Cosine())
    assert evidence.shadow is not None
    once = replace(evidence, shadow=replace(evidence.shadow, seconds=None, second_templates=()))
    with pytest.raises(ValueError, match="given 60 templates and 0 second templates"):
        CompareUnkeyed().answer(SamePerson(), once, np.random.default_rng(0))
