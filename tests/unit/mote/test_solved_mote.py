"""Nets that are solved layer by layer: MOTE's bytes, without training."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.mote.codec import Layer, decode, widths
from mote_bench.mote.recipe import Crowd, positives
from mote_bench.mote.solved import SolvedMOTE, Whitened, _Within
from mote_bench.toolkit import unit
from populations import gaussian_faces

BACKGROUND = gaussian_faces(150, 3, dimension=24, spread=0.5)
PEOPLE = gaussian_faces(20, 2, dimension=24, spread=0.5, seed=1).embeddings


@pytest.fixture(scope="module")
def scheme() -> SolvedMOTE:
    return SolvedMOTE().fit(BACKGROUND, seed=0)


def test_it_recognises_its_people_with_nets_of_motes_shape(scheme: SolvedMOTE) -> None:
    templates = scheme.enroll(PEOPLE[::2], seeds=range(20))
    assert {widths(decode(one)) for one in templates} == {(24, 128, 64, 16, 1)}
    scores = scheme.score(templates, PEOPLE[1::2])
    assert (scores.argmax(axis=1) == np.arange(20)).mean() >= 0.95


def test_similar_negatives_get_0_and_the_persons_draws_1(scheme: SolvedMOTE) -> None:
    template = scheme.enroll(PEOPLE[:1], seeds=[3])
    few = Crowd(scheme._training.faces[:400], scheme._training.spread)
    halves = dict.fromkeys(scheme.groups, 0.5)
    draws = positives(PEOPLE[0], few, shares=halves, rng=np.random.default_rng(0))
    assert scheme.score(template, draws).mean() == pytest.approx(1, abs=0.2)
    negatives = np.sort(scheme.score(template, scheme._training.faces)[0])
    assert negatives[-12:].mean() == pytest.approx(0, abs=0.1)


def test_nobodys_net_depends_on_the_neighbours(scheme: SolvedMOTE) -> None:
    together = scheme.enroll(PEOPLE[:6], seeds=range(6))
    assert scheme.enroll(PEOPLE[4:5], seeds=[4]) == together[4:5]
    assert scheme.enroll(PEOPLE[4:5], seeds=[5]) != together[4:5]


def test_two_enrolments_share_no_direction(scheme: SolvedMOTE) -> None:
    """Units are drawn by the seed: one photo enrolled twice has no unit in common."""
    first, second = (decode(one)[0].weight.T for one in scheme.enroll(PEOPLE[[0, 0]], seeds=[0, 1]))
    assert np.abs(unit(first) @ unit(second).T).max() < 0.99999


def test_whitening_is_undone() -> None:
    """The first layer answers faces as they are the way the solved one answers whitened faces."""
    faces = BACKGROUND.embeddings
    whitened = Whitened.of(faces, 1.0)
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((24, 5)).astype(np.float32)
    layer = Layer(weight, rng.standard_normal(5).astype(np.float32))
    plain = whitened.undone(layer)
    assert PEOPLE @ plain.weight + plain.bias == pytest.approx(
        whitened.of_faces(PEOPLE) @ layer.weight + layer.bias, abs=1e-3
    )
    ridge = np.trace(np.cov(faces.T)) / 24
    assert whitened.whiten.T @ (np.cov(faces.T) + ridge * np.eye(24)) @ whitened.whiten == pytest.approx(
        np.eye(24), abs=1e-3
    )


def test_woodbury_is_the_plain_solve() -> None:
    rng = np.random.default_rng(0)
    own, right = (rng.standard_normal(shape).astype(np.float32) for shape in ((9, 24), (24, 3)))
    plain = np.linalg.solve(np.eye(24) + np.cov(own.T, bias=True), right)
    assert _Within.of(own).solve(right) == pytest.approx(plain, abs=1e-4)


def test_gradients_and_closed_form_are_motes(scheme: SolvedMOTE) -> None:
    templates = scheme.enroll(PEOPLE[::2], seeds=range(20))
    mean = BACKGROUND.embeddings.mean(axis=0)
    towards = unit(scheme.reconstruct(templates) - mean)
    assert (towards * unit(PEOPLE[::2] - mean)).sum(axis=1).mean() > 0.5


def test_a_ridge_that_cannot_be() -> None:
    with pytest.raises(InputError, match="above 0"):
        SolvedMOTE(ridge=0)
