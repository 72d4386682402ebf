"""Normalised scores by hand, and what they are for: even false match rates."""

from __future__ import annotations

import numpy as np
import pytest
from mote_baselines.fairness.score_norm import CosineFair, CosineZNorm
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Faces
from populations import gaussian_faces


def test_z_norm_by_hand():
    """In the plane around the origin: a template along x; impostors at 0, 90, 180 and 270 degrees score 1, 0, -1, 0."""
    impostors = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    scheme = CosineZNorm().fit(Faces(impostors), seed=0)
    (template,) = scheme.enroll(np.array([[1.0, 0, 0]]), keys=None, seeds=[0])
    answers = scheme.score([template], np.array([[1.0, 0, 0], [0, 1.0, 0]]), keys=None)
    np.testing.assert_allclose(answers, [[1 / np.sqrt(0.5), 0]], atol=1e-6)


def crowded(people=400):
    """Half of the people lie close together: their impostors score high."""
    faces = gaussian_faces(people, 4, dimension=24, spread=0.5)
    crowd = np.repeat(np.arange(people) % 2 == 0, 4)
    moved = faces.embeddings * np.where(crowd[:, None], 0.55, 1.0)
    moved[crowd, 2] += 0.8
    return Faces(moved, faces.identity, {"crowd": np.where(crowd, "yes", "no")}), crowd


@pytest.mark.parametrize("make", [CosineZNorm, CosineFair])
def test_false_match_rates_are_more_even(make):
    people, crowd = crowded()
    background, rest = people.rows(np.arange(800)), people.rows(np.arange(800, 1600))
    uneven = []
    for scheme in (Cosine().fit(background, seed=0), make().fit(background, seed=0)):
        templates = scheme.enroll(rest.embeddings[::4], keys=None, seeds=range(200))
        scores = scheme.score(templates, rest.embeddings[1::4], keys=None)
        non_mated = ~np.eye(200, dtype=bool)
        accepted = (scores >= np.quantile(scores[non_mated], 0.98)) & non_mated
        inside = crowd[800::4]
        rates = [accepted[np.ix_(group, group)].mean() for group in (inside, ~inside)]
        uneven.append(abs(rates[0] - rates[1]))
    assert uneven[1] < 0.75 * uneven[0]


def test_local_thresholds_by_hand():
    """One cluster: local and global threshold are the same, and the score is the cosine around the mean face."""
    people, _ = crowded(60)
    scheme = CosineFair(clusters=1).fit(people, seed=0)
    templates = scheme.enroll(people.embeddings[:3], keys=None, seeds=range(3))
    plain = people.embeddings - people.embeddings.mean(axis=0)
    plain /= np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(
        scheme.score(templates, people.embeddings[:9], keys=None), plain[:3] @ plain[:9].T, atol=2e-3
    )
