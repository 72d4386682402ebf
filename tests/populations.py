"""Generated people for tests."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Faces


def gaussian_faces(people: int, images: int, *, dimension: int = 32, seed: int = 0, spread: float = 0.35) -> Faces:
    """People drawn around two gender centres, each with ``images`` noisy photos; age and gender are planted."""
    rng = np.random.default_rng(seed)
    gender, old = rng.integers(0, 2, people), rng.integers(0, 2, people)
    centres = rng.standard_normal((people, dimension))
    centres[:, 0] += np.where(gender == 1, 3.0, -3.0)
    centres[:, 1] += np.where(old == 1, 2.0, -2.0)
    photos = np.repeat(centres, images, axis=0) + spread * rng.standard_normal((people * images, dimension))
    identity = np.repeat([f"p{person:04d}" for person in range(people)], images)
    attributes = {
        "gender": np.repeat(np.where(gender == 1, "male", "female"), images),
        "age": np.repeat(np.where(old == 1, "old", "young"), images),
    }
    return Faces(photos, identity, attributes)


def aged_faces(people: int, images: int, seed: int = 0) -> Faces:
    """People whose age, in years, is planted in one direction of their faces."""
    faces = gaussian_faces(people, images, dimension=24, seed=seed)
    age = np.random.default_rng(seed).uniform(20, 80, people).repeat(images)
    rows = faces.embeddings.copy()
    rows[:, 2] += (age - 50) / 60
    return Faces(rows, faces.identity, {"age": np.where(age < 50, "under 50", "50+")}, {"age": age})
