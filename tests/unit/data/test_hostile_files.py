"""Data files made to harm: bombs, headers that lie, pickles, paths and links. Each ends in one clear error."""

from __future__ import annotations

import contextlib
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mote_bench.contracts import InputError
from mote_bench.data import npz

GOOD = {
    "embeddings": np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32),
    "identity": np.repeat(["a", "b", "c"], 2),
    "gender": np.repeat(["f", "m", "f"], 2),
}


def member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(shape: str, descr: str = "<f4") -> bytes:
    """The head of an npy file that promises this shape and holds nothing."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        header("(1000000000000, 512)"),
        header("(-1, 512)"),
        header("(99999999999999999999999999, 512)"),
        header("(4, 4)", descr="|O"),
        header("__import__('os').abort()"),
        header("(" * 5000),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{",
        b"\x93NUMPY\x09\x00",
        b"",
    ],
    ids=["huge", "negative", "overflowing", "objects", "code", "nested", "header-of-2-GiB", "version", "empty"],
)
def test_headers_that_lie(tmp_path, content):
    path = archive(tmp_path / "faces.npz", {"embeddings.npy": content})
    tracemalloc.start()
    with pytest.raises(InputError, match=r"faces\.npz"):
        npz.load(path, bins={})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 64 * 2**20


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    """17 GiB of zeros, as the archive's own index says, in a file of a few kilobytes."""
    path = archive(tmp_path / "bomb.npz", {"embeddings.npy": b"\0" * 2**20})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 2**32 - 2)  # nearly 4 GiB each
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bomb\.npz"):
        npz.load(path, bins={})


def test_many_members_that_unpack_to_too_much(tmp_path, monkeypatch):
    from mote_bench.data import arrays

    monkeypatch.setattr(arrays, "_MOST_BYTES", 2**16)
    path = archive(tmp_path / "bomb.npz", {f"{k}.npy": b"\0" * 2**15 for k in range(3)})
    with pytest.raises(InputError, match="unpacks to"):
        npz.load(path, bins={})


def test_names_in_an_archive_are_no_paths(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    members = {f"{name}.npy": member(array) for name, array in GOOD.items()}
    path = archive(inside / "faces.npz", members | {"../../outside.npy": member(GOOD["gender"])})
    data = npz.load(path, bins={})
    assert "../../outside" in data.faces.attributes  # a column with an odd name, and no file
    assert [found.name for found in tmp_path.rglob("*")] == ["inside", "faces.npz"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_are_read_or_refused(tmp_path, data):
    """Mutated archives: read as data, or an InputError; nothing else."""
    stream = io.BytesIO()
    np.savez(stream, **GOOD)
    whole = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                whole[at] = data.draw(st.integers(0, 255))
            case 1:
                del whole[at : at + data.draw(st.integers(1, 40))]
            case 2:
                whole[at:at] = data.draw(st.binary(min_size=1, max_size=40))
            case 3:
                whole[at : at + 4] = data.draw(st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x80\0\0\0"]))
        if not whole:
            break
    path = tmp_path / "faces.npz"
    path.write_bytes(whole)
    with contextlib.suppress(InputError):
        npz.load(path, bins={})
