"""Files of a challenge hold what was put in, and nothing that could run or lie about its size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.challenge.files import (
    check_new,
    faces_in,
    npz,
    of_faces,
    packed,
    read_part,
    sha256,
    unpacked,
    write_folder,
)
from mote_bench.contracts import InputError
from populations import aged_faces

RECORDS = st.lists(st.binary(max_size=40), max_size=8)


@given(records=RECORDS)
def test_templates_are_read_as_they_were(records):
    assert unpacked(packed("templates", records), "templates") == tuple(records)
    assert unpacked(packed("keys", None), "keys") is None


@given(records=RECORDS, lengths=st.lists(st.integers(-(2**62), 2**62), max_size=8))
def test_lengths_that_lie_are_refused(records, lengths):
    held = {**packed("templates", records), "templates_lengths": np.array(lengths, dtype=np.int64)}
    if sum(lengths) == sum(map(len, records)) and min(lengths, default=0) >= 0:
        assert b"".join(unpacked(held, "templates")) == b"".join(records)
    else:
        with pytest.raises(ValueError, match="bytes for lengths"):
            unpacked(held, "templates")


def test_faces_are_read_as_they_were(tmp_path):
    faces = aged_faces(5, 2)
    content = npz({**of_faces("public", faces), **of_faces("other", None)})
    (tmp_path / "faces.npz").write_bytes(content)
    held = read_part(tmp_path / "faces.npz", sha256(content))
    found = faces_in(held, "public")
    assert (found.identity == faces.identity).all()
    assert (found.attributes["age"] == faces.attributes["age"]).all()
    assert (found.values["age"] == faces.values["age"]).all()
    assert np.allclose(found.embeddings, faces.embeddings)
    assert faces_in(held, "other") is None


def test_nothing_is_pickled():
    with pytest.raises(ValueError, match="only a pickle could hold: names"):
        npz({"names": np.array([None])})


def test_a_folder_is_written_whole_or_not_at_all(tmp_path):
    write_folder(tmp_path / "new", {"a": b"1", "inner/b": b"2"})
    assert (tmp_path / "new/inner/b").read_bytes() == b"2"
    with pytest.raises(InputError, match="isn't empty; nothing is written over: --out with a new folder"):
        check_new(tmp_path / "new", "--out")
    with pytest.raises(TypeError):
        write_folder(tmp_path / "half", {"a": b"1", "b": None})
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
