"""The slopes that training follows are those of the losses."""

import pytest
import torch

from mote_bench.mote.objective import CrossEntropy, Flat


@pytest.mark.parametrize("objective", [CrossEntropy(), Flat(3.0), Flat(0.0)])
@pytest.mark.parametrize("shared", [2, 5])
def test_slopes_are_those_of_the_losses(objective, shared):
    logit = torch.randn(3, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_(True)
    slopes = torch.autograd.grad(objective.losses(logit, shared).sum(), logit)[0]
    torch.testing.assert_close(objective.slopes(logit.detach().float(), shared).double(), slopes, atol=1e-6, rtol=1e-5)


def test_flat_by_hand():
    """Negatives 0 and -2 are each 1 from -1 with variance 2; the positive 0 is 1 from 1."""
    assert Flat(3.0).losses(torch.tensor([[0.0, -2.0, 0.0]]), 2).tolist() == [1 + 1 + 3 * 2]


def test_one_negative_has_no_variance():
    assert torch.isfinite(Flat(3.0).slopes(torch.tensor([[0.5, 1.0]]), 1)).all()
