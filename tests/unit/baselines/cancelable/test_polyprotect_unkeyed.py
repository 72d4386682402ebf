"""PolyProtect without its key: a planted example by hand, made-up faces at several parameters, each row by itself."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from mote_baselines._shared.centring import directions
from mote_baselines.cancelable.polyprotect import PolyProtect
from mote_baselines.cancelable.polyprotect_unkeyed import Windows, faces_without_keys

from mote_bench.contracts import Faces, FloatArray
from mote_bench.toolkit import draw_keys

DIMENSION = 64


@cache
def skewed_faces(n: int, seed: int = 0) -> Faces:
    """Faces that aren't their mirror images: most lie to one side of the mean, a few far to the other."""
    mixing = np.random.default_rng(7).standard_normal((DIMENSION, DIMENSION)) * 0.9 ** np.arange(DIMENSION)
    factors = np.random.default_rng(seed).standard_exponential((n, DIMENSION)) - 1
    return Faces(3 * np.ones(DIMENSION) + factors @ mixing.T)


def solved(scheme: PolyProtect, n: int) -> tuple[list[bytes], FloatArray, FloatArray]:
    """Templates, estimates and truth; directions as the scheme sees them."""
    public, enrolled = skewed_faces(400), skewed_faces(n, seed=1)
    scheme.fit(public, seed=0)
    keys = draw_keys(n, np.random.default_rng(2))
    templates = scheme.enroll(enrolled.embeddings, keys=keys, seeds=range(n))
    found = scheme.solve_without_keys(templates, prior=public, rng=np.random.default_rng(3))
    return templates, directions(found, scheme._origin), directions(enrolled.embeddings, scheme._origin)


@pytest.mark.parametrize("scale", [3.0, -20.0])
def test_a_shifted_scaled_face_of_two_terms_by_hand(scale: float) -> None:
    """c v_(j+1) + 4 v_j^2 gives v back, whatever c and its sign: its first coordinate from the square alone."""
    public = directions(skewed_faces(400).embeddings, skewed_faces(400).embeddings.mean(axis=0))
    [face] = directions(skewed_faces(1, seed=5).embeddings, skewed_faces(400).embeddings.mean(axis=0)).astype(float)
    values = scale * face[1:] + 4 * face[:-1] ** 2
    windows = Windows(terms=2, largest=50, starts=np.arange(DIMENSION - 1))
    [found] = faces_without_keys(values[None], windows, public, np.random.default_rng(0))
    assert found == pytest.approx(face, abs=0.01)


@pytest.mark.parametrize(
    ("scheme", "least"),
    [
        (PolyProtect(), 0.95),
        (PolyProtect(overlap=2, terms=3, centre=False), 0.95),
        (PolyProtect(overlap=2, terms=4, largest=20), 0.9),
        (PolyProtect(overlap=0, terms=1), 0.99),
        (PolyProtect(overlap=0), 0.6),
    ],
    ids=lambda value: f"{value.terms} terms, overlap {value.overlap}" if isinstance(value, PolyProtect) else "",
)
def test_faces_come_back_without_their_keys(scheme: PolyProtect, least: float) -> None:
    _, found, truth = solved(scheme, 16)
    cosines = (found * truth).sum(axis=1)
    assert np.median(np.abs(cosines)) > least
    assert (cosines > 0).mean() > 0.6


def test_an_estimate_depends_on_its_own_template_alone() -> None:
    scheme = PolyProtect(overlap=3)
    templates, _, _ = solved(scheme, 8)

    def estimates(some: list[bytes]) -> FloatArray:
        return scheme.solve_without_keys(some, prior=skewed_faces(400), rng=np.random.default_rng(3))

    together = estimates(templates)
    assert estimates(templates[::-1])[::-1] == pytest.approx(together, abs=1e-6)
    assert np.concatenate([estimates([one]) for one in templates[:3]]) == pytest.approx(together[:3], abs=1e-6)


def test_a_template_of_zeros_gets_finite_values() -> None:
    scheme = PolyProtect().fit(skewed_faces(400), seed=0)
    zeros = [bytes(4 * scheme.length)]
    assert np.isfinite(scheme.solve_without_keys(zeros, prior=skewed_faces(400), rng=np.random.default_rng(0))).all()
    assert scheme.solve_without_keys([], prior=skewed_faces(400), rng=np.random.default_rng(0)).shape == (0, DIMENSION)


def test_a_single_window_gets_finite_unit_rows() -> None:
    _, found, truth = solved(PolyProtect(overlap=0, terms=DIMENSION, largest=40), 3)
    assert found.shape == truth.shape
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
