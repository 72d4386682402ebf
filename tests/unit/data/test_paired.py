"""The same images by two recognisers: what shows that two files hold other images is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mote_bench.contracts import Dataset, Faces, InputError
from mote_bench.data.paired import joined
from mote_bench.toolkit import unit

RNG = np.random.default_rng(0)
ONE = Faces(
    RNG.standard_normal((4, 3)),
    np.array(["a", "a", "b", "c"]),
    {"gender": np.array(["f", "f", "m", "f"])},
    {"age": np.array([20.0, 21.0, np.nan, 60.0])},
)
TWO = replace(ONE, embeddings=RNG.standard_normal((4, 5)))


def data(faces: Faces, name: str = "one") -> Dataset:
    return Dataset(name, faces, "0" * 64)


def test_each_image_gets_both_embeddings() -> None:
    found = joined(data(ONE), data(TWO, "two"), "--second-recogniser two.npz")
    assert found.faces.second is not None
    np.testing.assert_allclose(found.faces.second, unit(TWO.embeddings), atol=1e-6)
    np.testing.assert_array_equal(found.faces.embeddings, ONE.embeddings)
    assert (found.name, found.checksum, found.notes[-1][-5:]) == ("one", "0" * 64, ": two")


def test_columns_that_only_one_file_has_say_nothing() -> None:
    bare = replace(TWO, attributes={}, values={})
    assert joined(data(ONE), data(bare), "--second-recogniser two.npz").faces.second is not None


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (TWO.rows(np.arange(3)), "3 rows for 4 images"),
        (replace(TWO, identity=None), "only one of the files names its subjects"),
        (replace(TWO, identity=np.array(["a", "b", "b", "d"])), "another subject in row 1 and 1 more"),
        (replace(TWO, attributes={"gender": np.array(["f", "f", "m", "m"])}), "another 'gender' in row 3 and 0 more"),
        (replace(TWO, values={"age": np.array([20.0, 21.0, 5.0, 60.0])}), "other numbers of 'age'"),
        (ONE, "the embeddings are those of 'one'; expected another recogniser's"),
    ],
)
def test_other_images_are_refused(other: Faces, message: str) -> None:
    with pytest.raises(InputError, match=f"--second-recogniser two.npz: {message}"):
        joined(data(ONE), data(other, "two"), "--second-recogniser two.npz")


def test_one_second_recogniser_is_enough() -> None:
    both = replace(ONE, second=TWO.embeddings)
    with pytest.raises(InputError, match="'one' holds embeddings_2 already; expected one second recogniser"):
        joined(data(both), data(TWO, "two"), "--second-recogniser two.npz")
