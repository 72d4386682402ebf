"""A user's file is read as data only, and what is wrong with it is said by name."""

import zipfile

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.data import npz

AGE = {"age": (18, 35, 50)}


def saved(tmp_path, **arrays):
    path = tmp_path / "faces.npz"
    np.savez(path, **arrays)
    return path


def test_columns_become_classes(tmp_path):
    path = saved(
        tmp_path,
        embeddings=np.eye(6),
        identity=np.array([1, 1, 2, 2, 3, 3]),
        age=np.array([5, 18, 34.9, 35, 50, np.nan]),
        gender=np.array(["f", "m", "f", "m", "unknown", "f"]),
        yaw=np.arange(6.0),
        glasses=np.array([True, False] * 3),
    )
    data = npz.load(path, bins=AGE)
    assert data.name == "faces"
    assert data.faces.identity.tolist() == list("112233")
    assert data.faces.attributes["age"].tolist() == ["under 18", "18-34", "18-34", "35-49", "50+", ""]
    assert data.faces.attributes["gender"].tolist() == ["f", "m", "f", "m", "", "f"]
    assert data.faces.attributes["glasses"].tolist() == ["yes", "no"] * 3
    assert "yaw" not in data.faces.attributes
    assert "--bins yaw" in data.notes[0]
    assert (
        npz.load(path, bins=AGE | {"yaw": (2.5,)}).faces.attributes["yaw"].tolist() == ["under 2.5"] * 3 + ["2.5+"] * 3
    )


def test_chosen_columns_only(tmp_path):
    path = saved(tmp_path, embeddings=np.eye(2), gender=np.array(["f", "m"]), camera=np.array(["a", "a"]))
    assert list(npz.load(path, bins={}, attributes=["gender"]).faces.attributes) == ["gender"]
    with pytest.raises(InputError, match="no column 'sex'"):
        npz.load(path, bins={}, attributes=["sex"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"vectors": np.eye(3)}, "no array 'embeddings'"),
        ({"embeddings": np.array(["a"])}, "expected real numbers"),
        ({"embeddings": np.eye(3)[0]}, "shape"),
        ({"embeddings": np.eye(3) * np.nan}, "NaN"),
        ({"embeddings": np.zeros((3, 2))}, "zero"),
        ({"embeddings": np.eye(3), "identity": np.array([1, 2])}, "'identity' has shape"),
        ({"embeddings": np.eye(3), "identity": np.array([1.5, 2, 3])}, "'identity'"),
        ({"embeddings": np.eye(3), "gender": np.array(["f", "f", "f"])}, "1 class"),
        ({"embeddings": np.eye(3), "gender": np.array(["f", "m"])}, "'gender' has shape"),
        ({"embeddings": np.eye(99), "photo": np.array([f"{i}.jpg" for i in range(99)])}, "99 classes"),
        ({"embeddings": np.eye(2), "gender": np.array(["f", "m\x1b[2J"])}, "printable"),
    ],
)
def test_arrays_at_fault_are_named(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message):
        npz.load(saved(tmp_path, **arrays), bins=AGE)


def test_pickled_objects_are_refused(tmp_path):
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(ran), "w"))

    path = saved(tmp_path, embeddings=np.eye(2), gender=np.array([Evil(), Evil()], dtype=object))
    with pytest.raises(InputError, match="pickled"):
        npz.load(path, bins={})
    assert not ran.exists()


def test_files_that_are_no_archive(tmp_path):
    text = tmp_path / "faces.npz"
    text.write_text("embeddings: 1, 2, 3")
    with pytest.raises(InputError, match="not an npz archive"):
        npz.load(text, bins={})
    with pytest.raises(InputError, match="no file at"):
        npz.load(tmp_path / "absent.npz", bins={})
    with pytest.raises(InputError, match="no file at"):
        npz.load(tmp_path, bins={})


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.97])
def test_a_cut_off_archive(tmp_path, keep):
    path = saved(tmp_path, embeddings=np.random.default_rng(0).standard_normal((50, 8)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError):
        npz.load(path, bins={})


def test_a_flipped_byte_is_noticed(tmp_path):
    path = saved(tmp_path, embeddings=np.random.default_rng(0).standard_normal((50, 8)))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(InputError):
        npz.load(path, bins={})


def test_a_zip_with_something_else_in_it(tmp_path):
    path = tmp_path / "faces.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("embeddings.npy", "not an array")
    with pytest.raises(InputError):
        npz.load(path, bins={})


@pytest.mark.parametrize("edges", [(), (3, 2), (1, 1), (float("nan"),)])
def test_edges_must_rise(tmp_path, edges):
    path = saved(tmp_path, embeddings=np.eye(4), age=np.arange(4))
    with pytest.raises(InputError, match="rising order"):
        npz.load(path, bins={"age": edges})
