"""Deletion and insertion of answers that are known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mote_bench.explain.faithfulness import Curves, curves, faithfulness

WEIGHTS = torch.tensor([4.0, 2.0, 1.0, 1.0])


def linear(probes: torch.Tensor) -> torch.Tensor:
    return probes @ WEIGHTS


def test_curves_of_a_linear_answer() -> None:
    """Whole 8, blank 0; the parts go as 4, 2, 1, 1."""
    found = curves(linear, torch.ones(1, 1, 4), torch.zeros(4), WEIGHTS[None, None], points=5)
    assert found.deletion[0, 0].tolist() == [8, 4, 2, 1, 0]
    assert found.insertion[0, 0].tolist() == [0, 4, 6, 7, 8]
    # Areas by trapezoids: 11 / 4 and 21 / 4; (5.25 - 2.75) / 8.
    assert faithfulness(found)[0] == pytest.approx(2.5 / 8)


def test_the_reverse_order_is_as_wrong_as_the_order_is_right() -> None:
    found = curves(linear, torch.ones(1, 1, 4), torch.zeros(4), -WEIGHTS[None, None], points=5)
    assert faithfulness(found)[0] == pytest.approx(-2.5 / 8)


def test_a_refusal_is_explained_by_what_pulls_down() -> None:
    """A probe that is answered lower than a blank one: the sign turns, the score stays."""
    found = curves(linear, -torch.ones(1, 1, 4), torch.zeros(4), -WEIGHTS[None, None], points=5)
    assert found.insertion[0, 0].tolist() == [0, -4, -6, -7, -8]
    assert faithfulness(found)[0] == pytest.approx(2.5 / 8)


def test_a_random_order_says_nothing() -> None:
    rng = np.random.default_rng(0)
    order = torch.from_numpy(rng.random((400, 1, 4)).astype(np.float32))
    value, (low, high) = faithfulness(curves(linear, torch.ones(400, 1, 4), torch.zeros(4), order, points=5))
    assert low < 0 < high
    assert abs(value) < 0.05


def test_of_pictures_a_part_is_a_pixel_in_all_channels() -> None:
    pictures = torch.ones(1, 1, 3, 2, 2)
    importance = torch.tensor([[[[3.0, 2.0], [1.0, 0.0]]]])
    found = curves(lambda x: x[..., 0, 0].sum(dim=-1), pictures, torch.zeros(3, 2, 2), importance, points=5)
    assert found.deletion[0, 0].tolist() == [3, 0, 0, 0, 0]


def test_nothing_to_explain() -> None:
    flat = Curves(np.ones((3, 1, 5)), np.ones((3, 1, 5)))
    assert faithfulness(flat) == (0.0, (0.0, 0.0))
