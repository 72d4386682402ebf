"""Faces are validated when made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mote_bench.contracts import Faces, InputError


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 8), st.integers(1, 6)),
        elements=st.floats(-1e3, 1e3, width=32).filter(lambda x: abs(x) > 1e-3),
    )
)
def test_rows_have_length_one(embeddings):
    made = Faces(embeddings)
    assert made.embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(made.embeddings, axis=1), 1, atol=1e-5)


def test_a_tiny_row_is_not_zero():
    np.testing.assert_allclose(Faces(np.full((1, 4), 1e-30)).embeddings, 0.5)


@pytest.mark.parametrize(
    ("embeddings", "message"),
    [
        (np.ones(5), "shape"),
        (np.ones((5, 0)), "shape"),
        (np.array([[1.0, np.nan], [1, 1]]), r"1 of 2 rows \(0\)"),
        (np.array([[1.0, 1], [np.inf, 1]]), "NaN or infinity"),
        (np.array([[1.0, 1], [0, 0]]), "zero"),
    ],
)
def test_unusable_rows_are_refused(embeddings, message):
    with pytest.raises(InputError, match=message):
        Faces(embeddings)


def test_lengths_that_disagree_are_refused():
    with pytest.raises(InputError, match="'identity' has shape"):
        Faces(np.ones((3, 2)), np.array(["a", "b"]))
    with pytest.raises(InputError, match="'gender' has shape"):
        Faces(np.ones((3, 2)), None, {"gender": np.array(["a"])})


def test_arrays_are_read_only_and_not_shared():
    source = np.ones((3, 2), dtype=np.float32)
    made = Faces(source)
    source[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        made.embeddings[0] = 1
    np.testing.assert_allclose(made.embeddings[0], 0.5**0.5)


def test_rows_keeps_columns_aligned():
    made = Faces(np.eye(3), np.array(["a", "b", "c"]), {"x": np.array(["1", "2", "3"])}).rows(np.array([2, 0]))
    assert made.identity.tolist() == ["c", "a"]
    assert made.attributes["x"].tolist() == ["3", "1"]
    np.testing.assert_array_equal(made.embeddings, np.eye(3)[[2, 0]])
