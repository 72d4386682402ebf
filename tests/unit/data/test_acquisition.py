"""Pictures without an embedding: what a card says of them, and how a run reads it again."""

import json

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.data import acquisition, npz
from mote_bench.data.options import ColumnOptions
from mote_bench.data.pictures.album import Picture


def picture(subject, number, gender="f", age=30.0):
    return Picture(f"{subject}/{number}.png", subject, {"gender": gender}, {"age": age})


EMBEDDED = [picture(f"s{k}", n, "fm"[k % 2], 20.0 + k) for k in range(20) for n in range(3)]
FAILED = [picture("s0", 3, "f", 20.0), picture("lost", 0, "m", 70.0), picture("lost", 1, "", float("nan"))]


def stored(folder, card, rows=None, **more):
    kept = EMBEDDED[:rows]
    arrays = {
        "embeddings": np.random.default_rng(0).standard_normal((len(kept), 8)).astype(np.float32),
        "identity": np.array([one.identity for one in kept]),
        "gender": np.array([one.labels["gender"] for one in kept]),
        "age": np.array([one.numbers["age"] for one in kept], np.float32),
        "card": np.array(json.dumps(card)),
    }
    np.savez(folder / "faces.npz", **(arrays | more))
    return folder / "faces.npz"


def card(**changed):
    return {"acquisition": acquisition.described(EMBEDDED, FAILED) | changed}


def test_what_the_card_says() -> None:
    told = acquisition.described(EMBEDDED, FAILED)
    assert told == {
        "embedded": 60,
        "failed": 3,
        "identity": ["s0", "lost", "lost"],
        "labels": {"gender": ["f", "m", ""]},
        "numbers": {"age": [20.0, 70.0, None]},
    }
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert "identity" not in acquisition.described(EMBEDDED, [Picture("who.png")])


def test_a_run_reads_it_with_the_classes_of_its_bins(tmp_path) -> None:
    data = npz.load(stored(tmp_path, card()), bins={"age": (30, 60)})
    found = data.acquisition
    assert found is not None
    assert (len(found.failed), found.failed.sum()) == (63, 3)
    assert found.identity[-3:].tolist() == ["s0", "lost", "lost"]
    assert found.attributes["gender"][-3:].tolist() == ["f", "m", ""]
    assert found.attributes["age"][-3:].tolist() == ["under 30", "60+", ""]
    assert np.array_equal(found.attributes["age"][:60], data.faces.attributes["age"])
    assert (
        "failure to acquire: 3 of 63 pictures gave no embedding; "
        "failure to enrol: 1 of 21 subjects have no picture with one" in data.notes
    )
    assert not any("lost" in note for note in data.notes)  # notes are published: they name no subject


def test_no_failure_is_known_to_be_none(tmp_path) -> None:
    none = {"acquisition": acquisition.described(EMBEDDED, [])}
    data = npz.load(stored(tmp_path, none), bins={"age": (30,)})
    assert data.acquisition is not None
    assert data.acquisition.failed.sum() == 0
    assert set(data.acquisition.attributes) == {"gender", "age"}


@pytest.mark.parametrize("old", [{"skipped": "3"}, {}, [], "text", {"acquisition": None}])
def test_a_card_without_it_is_not_known(tmp_path, old) -> None:
    data = npz.load(stored(tmp_path, old), bins={})
    assert data.acquisition is None
    assert not any("acquire" in note for note in data.notes)


def test_a_file_with_other_rows_than_its_card_is_not_known(tmp_path) -> None:
    data = npz.load(stored(tmp_path, card(), rows=51), bins={})
    assert data.acquisition is None
    assert "the file has 51 rows and its card is of 60: failure to acquire or enrol isn't known" in data.notes


def test_subjects_left_out_by_the_user_are_left_out_of_both(tmp_path) -> None:
    options = ColumnOptions(missing={"identity": ("lost", "s1")})
    found = npz.load(stored(tmp_path, card()), bins={}, options=options).acquisition
    assert found is not None
    assert (len(found.failed), found.failed.sum()) == (58, 1)
    assert "lost" not in found.identity


def test_subjects_by_another_column_are_named_where_the_card_has_it(tmp_path) -> None:
    told = card(labels={"gender": ["f", "m", ""], "who": ["x0", "y", "y"]})
    path = stored(tmp_path, told, who=np.array([f"x{k // 3}" for k in range(60)]))
    found = npz.load(path, bins={}, options=ColumnOptions(identity="who")).acquisition
    assert found is not None
    assert found.identity[-3:].tolist() == ["x0", "y", "y"]
    without = npz.load(
        stored(tmp_path, card(), who=np.array(["x", "y"] * 30)), bins={}, options=ColumnOptions(identity="who")
    )
    assert without.acquisition is not None
    assert without.acquisition.identity is None
    assert any("failure to enrol isn't known" in note for note in without.notes)


def test_an_attribute_that_the_card_lacks_is_left_out(tmp_path) -> None:
    found = npz.load(stored(tmp_path, card(labels={})), bins={"age": (30,)}).acquisition
    assert found is not None
    assert set(found.attributes) == {"age"}
    odd = npz.load(stored(tmp_path, card(labels={}, numbers={"gender": [1.0, 2.0, None]})), bins={}).acquisition
    assert odd is not None
    assert "gender" not in odd.attributes


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"embedded": -1}, "-1 pictures"),
        ({"failed": "3"}, "'3' pictures"),
        ({"failed": 4}, "'gender' has 3 values of 4 pictures"),
        ({"labels": {"gender": [1, 2, 3]}}, "'gender' isn't text"),
        ({"labels": {"gender": ["f", "m", "\x1b[2J"]}}, "isn't printable"),
        ({"labels": {"gender": ["f", "m", 65 * "x"]}}, "over 64 characters"),
        ({"labels": 5}, "can't be read"),
        ({"numbers": {"age": ["old", 1, 2]}}, "'age' isn't numbers"),
        ({"numbers": {"age": 1}}, "can't be read"),
        ({"identity": ["a"]}, "'identity' has 1 values"),
    ],
)
def test_a_card_in_another_form_is_refused(tmp_path, changed, said) -> None:
    with pytest.raises(InputError) as refused:
        npz.load(stored(tmp_path, card(**changed)), bins={})
    assert said in str(refused.value)
    assert "expected the form that `embed` writes" in str(refused.value)
    assert "python -m mote_bench embed" in str(refused.value)
