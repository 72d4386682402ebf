"""Random streams depend on names alone; bytes are read as what they plausibly are."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mote_bench import toolkit
from mote_bench.contracts import InputError


def test_streams_depend_on_every_name_and_on_nothing_else():
    draws = {
        names: toolkit.stream(0, *names).integers(2**60)
        for names in [(), ("a",), ("a", "b"), ("ab",), ("b", "a"), ("a", 1)]
    }
    assert len(set(draws.values())) == len(draws)
    assert toolkit.stream(0, "a").integers(2**60) == draws["a",]
    assert toolkit.stream(1, "a").integers(2**60) != draws["a",]


def test_streams_do_not_depend_on_the_process():
    code = "from mote_bench.toolkit import stream_seed; print(stream_seed(7, 'x', 3))"
    seeds = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": h}, capture_output=True, text=True).stdout
        for h in "01"
    }
    assert seeds == {f"{toolkit.stream_seed(7, 'x', 3)}\n"}


def test_float_templates_are_read_as_floats():
    vectors = np.random.default_rng(0).standard_normal((5, 7)).astype("<f4")
    np.testing.assert_array_equal(toolkit.numbers([row.tobytes() for row in vectors]), vectors)


def test_short_codes_are_read_as_bits():
    np.testing.assert_array_equal(
        toolkit.numbers([b"\x80\xff", b"\x01\x00"]), [[1, *[0] * 7, *[1] * 8], [*[0] * 7, 1, *[0] * 8]]
    )


def test_long_codes_are_read_as_bytes():
    codes = [np.random.default_rng(i).bytes(4000) for i in range(3)]
    np.testing.assert_array_equal(toolkit.numbers(codes)[1], np.frombuffer(codes[1], dtype=np.uint8))


def test_unequal_lengths_become_a_column():
    table = toolkit.numbers([b"\xff", b"\xff\xff\xff"])
    assert table[:, -1].tolist() == [1, 3]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_any_bytes_give_a_finite_table(templates):
    table = toolkit.numbers(templates)
    assert len(table) == len(templates)
    assert np.isfinite(table).all()


@given(st.integers(1, 30), st.integers(0, 2**31))
def test_the_reading_of_a_template_does_not_depend_on_its_place(n, seed):
    rng = np.random.default_rng(seed)
    templates = [rng.bytes(16) for _ in range(n)]
    order = rng.permutation(n)
    np.testing.assert_array_equal(toolkit.numbers(templates)[order], toolkit.numbers([templates[i] for i in order]))


def test_class_index():
    assert toolkit.class_index(np.array(["b", "", "a"]), ("a", "b")).tolist() == [1, -1, 0]


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_orthonormal_columns_are_drawn_uniformly(precision):
    """The mean entry of Haar-distributed columns is 0, and the mean square 1 / n; QR alone has a negative diagonal."""
    rng, n, m, draws = np.random.default_rng(0), 6, 4, 2000
    bases = np.stack([toolkit.orthonormal(rng.standard_normal((n, m), dtype=precision)) for _ in range(draws)])
    assert bases.dtype == precision
    np.testing.assert_allclose(bases.transpose(0, 2, 1) @ bases, np.tile(np.eye(m), (draws, 1, 1)), atol=1e-5)
    assert np.abs(bases.mean(axis=0)).max() < 4.5 / np.sqrt(n * draws)
    np.testing.assert_allclose((bases**2).mean(axis=0), 1 / n, atol=0.03)


def test_orthonormal_columns_are_those_of_scipy():
    drawn = toolkit.orthonormal(np.random.RandomState(0).normal(size=(5, 5)))
    np.testing.assert_allclose(drawn, stats.ortho_group.rvs(5, random_state=np.random.RandomState(0)), atol=1e-12)


@pytest.mark.parametrize("kind", ["Adam", "AdamW", "SGD"])
def test_an_optimiser_without_the_compiler_takes_the_same_steps(kind, monkeypatch):
    import torch

    def trained(optimiser):
        weights = [torch.linspace(-1, 1, 12).requires_grad_(), torch.ones(3, 2, requires_grad=True)]
        steps = optimiser(weights, lr=0.1, weight_decay=0.01)
        for step in range(4):
            steps.zero_grad()
            ((weights[0] ** 2).sum() + (weights[1] ** 3).sum() + step).backward()
            steps.step()
        assert all(weight.requires_grad for weight in weights)
        return torch.cat([weight.detach().flatten() for weight in weights])

    theirs = getattr(torch.optim, kind)
    expected = trained(theirs)
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # importing it is an error now
    with pytest.raises(ModuleNotFoundError):
        trained(theirs)
    assert torch.equal(trained(toolkit.without_compiler(theirs)), expected)


def test_rows_of_those_whom_a_scheme_could_enrol():
    assert toolkit.enrolled_rows([b"a", b"", b"b", b""]).tolist() == [0, 2]
    assert toolkit.enrolled_rows([]).tolist() == []
    assert toolkit.all_enrolled([b"a", b"b"]) == [b"a", b"b"]
    with pytest.raises(InputError, match=r"could not enrol 2 of 4 subjects .* choose another scheme"):
        toolkit.all_enrolled([b"a", b"", b"b", b""])
