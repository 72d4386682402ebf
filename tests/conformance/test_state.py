"""A state that holds the background faces is noted, whatever holds them; one that holds what was learned is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mote_bench import registry
from mote_bench.cli.commands.check import _line
from mote_bench.conformance.findings import generated_faces
from mote_bench.conformance.state import faces_held
from mote_bench.testing import check_scheme

BACKGROUND = generated_faces(people=40, photos=2, dimension=16)
X = BACKGROUND.embeddings
MEAN = X.mean(axis=0)


class State:
    def __init__(self, held: Any) -> None:
        self.held = held


class Secretive(State):
    def public(self) -> State:
        return State(None)


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (State(X), 80),
        (State({"deep": [(X[:10].astype(np.float16),)]}), 10),
        (State(X.T.astype(np.float64)), 80),
        (State(X - MEAN), 80),
        (State(((X - MEAN) / np.linalg.norm(X - MEAN, axis=1, keepdims=True))[:7]), 7),
        (State(State(torch.from_numpy(X[:5].copy()))), 5),
        (State(None), 0),
        (State(np.cov(X.T)), 0),
        (State(np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0]), 0),
        (State(np.full((4, 16), np.nan)), 0),
        (Secretive(X), 0),
    ],
)
def test_faces_are_found_wherever_they_are(state: State, due: int) -> None:
    assert faces_held(state, BACKGROUND) == due


@pytest.mark.parametrize(
    ("name", "due"), [("mote", 80), ("memoriser", 80), ("cosine", 0), ("leace", 0), ("biohash", 0), ("mote-linear", 0)]
)
def test_what_the_built_in_schemes_hold(name: str, due: int) -> None:
    assert faces_held(registry.load("schemes", name).fit(BACKGROUND, seed=0), BACKGROUND) == due


def test_check_prints_the_note_and_passes() -> None:
    found = {one.check: one for one in check_scheme(registry.factory("schemes", "memoriser"))}["pickles"]
    assert found.ok
    first, second = _line(found).split("\n")
    assert first == "ok      pickles"
    assert second.strip().startswith("note: the fitted state holds ")


def test_a_scheme_that_holds_no_face_has_no_note() -> None:
    found = {one.check: one for one in check_scheme(registry.factory("schemes", "cosine"))}["pickles"]
    assert (found.ok, found.note, _line(found)) == (True, "", "ok      pickles")
