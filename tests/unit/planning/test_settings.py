"""From a spec to data and plan: fresh, and of a run that is made again, whose data must be the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mote_bench.contracts import InputError
from mote_bench.data import npz
from mote_bench.data.arrays import checksum
from mote_bench.planning import settings
from mote_bench.planning.spec import RunSpec
from mote_bench.records import provenance
from populations import gaussian_faces


def saved(path: Path, people: int = 200, seed: int = 0) -> Path:
    faces = gaussian_faces(people, 4, dimension=16, seed=seed)
    height = np.repeat(np.random.default_rng(seed).normal(170, 10, people), 4)
    np.savez(
        path, embeddings=faces.embeddings, identity=faces.identity, gender=faces.attributes["gender"], height=height
    )
    return path


@pytest.fixture
def asked(tmp_path: Path) -> RunSpec:
    own, other = saved(tmp_path / "own.npz"), saved(tmp_path / "other.npz", 300, seed=1)
    return RunSpec(str(own), "biohash", "vote-answers", "height,verify", bins={"height": (165.0, 175.0)}, people=190,
                   attributes="gender,height", attacker_data=str(other), protocol="quick-1", seed=1)  # fmt: skip


def test_a_spec_gets_labels_files_and_checksums(asked: RunSpec, tmp_path: Path) -> None:
    made = settings.make(asked)
    own, other = tmp_path / "own.npz", tmp_path / "other.npz"
    assert (made.spec.data, made.spec.data_file, made.spec.data_sha256) == ("own", str(own), checksum(own))
    theirs = (made.spec.attacker_data, made.spec.attacker_file, made.spec.attacker_sha256)
    assert theirs == ("other", str(other), checksum(other))
    assert {cell.data for cell in made.plan.cells} == {"own@190 from other"}
    assert (made.seed, {cell.seed for cell in made.plan.cells}) == (1, {1})
    assert {one["spec"] for one in provenance.of_setting(made).values()} == {made.spec.in_record()}


def test_a_run_made_again_has_the_same_cells_whatever_its_files_are_called(asked: RunSpec, tmp_path: Path) -> None:
    made = settings.make(asked)
    assert settings.make(made.spec).plan.cells == made.plan.cells
    moved = [(tmp_path / name).rename(tmp_path / f"moved-{name}") for name in ("own.npz", "other.npz")]
    again = settings.make(replace(made.spec, data_file=str(moved[0]), attacker_file=str(moved[1])))
    assert again.plan.cells == made.plan.cells
    assert provenance.of_setting(again) == provenance.of_setting(made)
    assert again.bins == made.bins
    assert np.array_equal(again.split.target.numbers, made.split.target.numbers)


@pytest.mark.parametrize(("side", "option"), [("data", "--data"), ("attacker", "--attacker-data")])
def test_the_data_of_a_run_that_are_not_here_are_named(asked: RunSpec, tmp_path: Path, side: str, option: str) -> None:
    spec = settings.make(asked).spec
    file = saved(tmp_path / "third.npz", 210, seed=2)
    wanted = spec.data_sha256 if side == "data" else spec.attacker_sha256
    ends = re.escape(f"give the file with SHA-256 {wanted}: {option} FILE") + "$"
    parts: dict[str, dict[str, str | None]] = {
        r"were read from a file; ": {f"{side}_file": None},
        r"aren't at 'gone\.npz': there is no such file; ": {f"{side}_file": "gone.npz"},
        r"third\.npz' isn't the data of the run .* checksums differ .*; ": {f"{side}_file": str(file)},
        r"'synthetic' isn't the data of the run .*; ": {f"{side}_file": "synthetic"},
    }
    for message, change in parts.items():
        with pytest.raises(InputError, match=message + ends):
            settings.make(replace(spec, **change))  # type: ignore[arg-type]


def second(path: Path, like: Path) -> Path:
    """The images of a file by another recogniser: turned, with noise, in 20 dimensions."""
    stored, rng = dict(np.load(like)), np.random.default_rng(9)
    turn = np.linalg.qr(rng.standard_normal((20, 16)))[0]
    stored["embeddings"] = stored["embeddings"] @ turn.T + 0.02 * rng.standard_normal((len(stored["identity"]), 20))
    np.savez(path, **stored)
    return path


def test_a_second_recognisers_file_stands_in_the_spec_and_beside_the_faces(asked: RunSpec, tmp_path: Path) -> None:
    seen = second(tmp_path / "seen.npz", tmp_path / "own.npz")
    made, alone = settings.make(replace(asked, second_recogniser=str(seen))), settings.make(asked)
    told = (made.spec.second_recogniser, made.spec.second_file, made.spec.second_sha256)
    assert told == ("seen", str(seen), checksum(seen))
    assert made.plan.cells == alone.plan.cells
    assert provenance.of_setting(made) != provenance.of_setting(alone)
    for people in (made.split.target, made.split.calibration):
        found = people.references.second
        assert found is not None
        assert found.shape == (len(people.references), 20)
    assert made.data.notes[-1] == "a second recogniser's embeddings of the images: seen"
    own, theirs = (npz.load(path, bins={}).faces.embeddings for path in (tmp_path / "own.npz", seen))
    shown = made.split.target.references
    (row,) = np.flatnonzero((own == shown.embeddings[0]).all(axis=1))
    np.testing.assert_allclose(shown.second[0], theirs[row], atol=1e-6)
    moved = seen.rename(tmp_path / "moved.npz")
    again = settings.make(replace(made.spec, second_file=str(moved)))
    assert provenance.of_setting(again) == provenance.of_setting(made)
    with pytest.raises(InputError, match=r"give the file with SHA-256 [0-9a-f]{64}: --second-recogniser FILE"):
        settings.make(replace(made.spec, second_file=str(tmp_path / "own.npz")))


def test_a_second_recogniser_is_of_the_same_images(asked: RunSpec, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"--second-recogniser .*other\.npz: 1200 rows for 800 images; expected the same"
    ):
        settings.make(replace(asked, second_recogniser=str(tmp_path / "other.npz")))


def test_a_data_set_by_its_name_stays_one() -> None:
    spec = settings.make(RunSpec(schemes="cosine", questions="verify", people=400)).spec
    assert (spec.data, spec.data_file) == ("synthetic", None)
    assert spec.data_sha256
    assert settings.make(spec).spec == spec


def test_a_label_is_never_read_as_a_path(tmp_path: Path) -> None:
    file = saved(tmp_path / "own.npz")
    with pytest.raises(InputError, match="were read from a file; give the file"):
        settings.make(RunSpec(str(file), protocol="quick-1", data_sha256=checksum(file)))


def test_data_and_people_are_the_labels_of_the_boards(tmp_path: Path) -> None:
    file = str(saved(tmp_path / "own.npz"))
    asked = RunSpec(file, "cosine", "vote-answers", "verify", protocol="quick-1")
    assert {cell.data for cell in settings.make(asked).plan.cells} == {"own"}
    assert {cell.data for cell in settings.make(replace(asked, people=190)).plan.cells} == {"own@190"}


def test_a_run_on_selection_subjects_sees_no_target_subject_and_says_so(tmp_path: Path) -> None:
    file = str(saved(tmp_path / "own.npz", people=480))
    asked = RunSpec(file, "cosine", "vote-answers", "verify", protocol="quick-1")
    whole, part = settings.make(asked), settings.make(replace(asked, on="selection"))
    assert {cell.data for cell in part.plan.cells} == {"own, selection subjects"}
    assert part.data.notes[-1].startswith("half of the selection subjects are attacked")
    target = set(whole.split.target.numbers)
    assert set(part.split.target.numbers) <= set(whole.split.selection.numbers)
    assert not target & {*part.split.target.numbers, *part.split.selection.numbers, *part.split.shadow.numbers}
    with pytest.raises(InputError, match="--on everybody: expected target or selection"):
        settings.make(replace(asked, on="everybody"))


def test_the_attackers_people_bring_their_faces_notes_and_checksum(asked: RunSpec, tmp_path: Path) -> None:
    made, alone = settings.make(asked), settings.make(replace(asked, attacker_data=None))
    own, other = checksum(tmp_path / "own.npz"), checksum(tmp_path / "other.npz")
    assert made.data.checksum == f"{own} {other}"
    assert alone.data.checksum == own
    assert len(made.data.notes) >= len(alone.data.notes)
    assert made.split.crossed
    assert not alone.split.crossed
    theirs, ours = gaussian_faces(300, 4, dimension=16, seed=1), gaussian_faces(200, 4, dimension=16)
    shown = made.split.shadow.references.embeddings
    assert {row.tobytes() for row in shown} <= {row.tobytes() for row in theirs.embeddings}
    target = made.split.target.references.embeddings
    assert {row.tobytes() for row in target} <= {row.tobytes() for row in ours.embeddings}
    np.testing.assert_array_equal(target, alone.split.target.references.embeddings)
    # --attributes chooses among the attacked data's; the attacker's are those that both have.
    assert sorted(made.split.shadow.references.attributes) == ["gender", "height"]


def test_the_attackers_labels_are_those_that_the_attacked_have_too(asked: RunSpec) -> None:
    made = settings.make(replace(asked, attributes="gender", bins={}, questions="gender"))
    shown = made.split.shadow.references
    assert (list(shown.attributes), list(shown.values)) == (["gender"], [])


def table(path: Path, people: int, seed: int, dimensions: str, **more: np.ndarray) -> Path:
    """Faces as a CSV file, with more columns, each a value for every person."""
    faces = gaussian_faces(people, 4, dimension=16, seed=seed)
    columns = {f"{dimensions}{at}": faces.embeddings[:, at] for at in range(16)}
    columns |= {name: np.repeat(held, 4) for name, held in more.items()}
    pd.DataFrame(columns).assign(gender=faces.attributes["gender"]).to_csv(path, index=False)
    return path


def test_options_of_columns_reach_all_data_of_a_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ages = [np.where(np.arange(n) % 3, rng.integers(20, 70, n), -1) for n in (200, 300)]
    own = table(tmp_path / "own.csv", 200, 0, "feat_", labels=np.arange(200), age=ages[0])
    # The attacker's file has the usual names, and columns of its own that could serve as nothing.
    others = {"identity": np.arange(300), "age": ages[1], "file": np.array([f"{one}.jpg" for one in range(300)])}
    other = table(tmp_path / "other.csv", 300, 1, "embedding_", **others)
    asked = RunSpec(str(own), "cosine", "knn-bytes", "gender", attributes="gender,age", attacker_data=str(other),
                    protocol="quick-1", missing={"age": ("-1",)}, identity="labels",
                    embedding_columns="feat_*")  # fmt: skip
    made = settings.make(asked)
    for people in (made.split.target, made.split.shadow):
        assert people.probes is not None
        assert list(people.references.values) == ["age"]
        assert np.isnan(people.references.values["age"]).any()
        assert np.nanmin(people.references.values["age"]) >= 20
    assert settings.make(made.spec).plan.cells == made.plan.cells
    assert [note for note in made.data.notes if "'age' is unknown in 400 of 1200 rows (-1: 400)" in note]
    assert [note for note in made.data.notes if note.startswith("the attacker's data: 'age' is unknown in 400 of")]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["male", "Male", "female"],
            "labels of 'gender' in '.*' hold 'Male' and 'male', which are one name in figures",
        ),
        (["a b", "a-b"], r"hold 'a b' and 'a-b', which are one name in figures \(a_b\)"),
        (
            ["-", "?!", "x"],
            r"has labels without a letter or digit \(-,\?!\); if they mean unknown: --missing 'gender=-,\?!'",
        ),
    ],
)
def test_labels_that_figures_cant_tell_apart_are_refused_at_once(
    tmp_path: Path, labels: list[str], message: str
) -> None:
    """fairlearn#1155 and #1698 and healthcareai-py#355 are of this kind: two encodings of one group."""
    faces = gaussian_faces(200, 4, dimension=16)
    gender = np.array(labels)[np.arange(len(faces)) % len(labels)]
    np.savez(tmp_path / "a.npz", embeddings=faces.embeddings, identity=faces.identity, gender=gender)
    asked = RunSpec(str(tmp_path / "a.npz"), "cosine", "knn-bytes", "verify", protocol="quick-1")
    with pytest.raises(InputError, match=message):
        settings.make(asked)
    if "?!" in labels:
        with pytest.raises(InputError, match="'gender' has 1 class"):
            settings.make(replace(asked, missing={"gender": ("-", "?!")}))


def test_columns_that_are_one_name_in_figures(tmp_path: Path) -> None:
    faces = gaussian_faces(200, 4, dimension=16)
    gender = faces.attributes["gender"]
    np.savez(tmp_path / "a.npz", **{"embeddings": faces.embeddings, "hair colour": gender, "hair_colour": gender})
    with pytest.raises(InputError, match=r"columns of '.*' hold 'hair colour' and 'hair_colour', .*; rename one"):
        settings.make(RunSpec(str(tmp_path / "a.npz"), "cosine", "knn-bytes", "all", protocol="quick-1"))


@pytest.mark.parametrize("name", ["link", "verify", "gender_value"])
def test_columns_that_have_the_name_of_a_question(tmp_path: Path, name: str) -> None:
    faces = gaussian_faces(200, 4, dimension=16)
    gender = faces.attributes["gender"]
    height = np.repeat(np.random.default_rng(0).normal(170, 10, 200), 4)
    columns = {"identity": faces.identity, name: gender} | ({"gender": height} if name == "gender_value" else {})
    np.savez(tmp_path / "a.npz", embeddings=faces.embeddings, **columns)
    asked = RunSpec(str(tmp_path / "a.npz"), "cosine", "knn-bytes", "verify", attributes=f"{name},gender"
                    if len(columns) == 3 else name, protocol="quick-1")  # fmt: skip
    with pytest.raises(InputError, match=f"two questions would be named '{name}'"):
        settings.make(asked)


@pytest.mark.parametrize("option", ["missing", "identity", "embedding_columns"])
def test_columns_of_a_named_data_set_are_fixed(option: str) -> None:
    value = {"gender": ("x",)} if option == "missing" else "x"
    with pytest.raises(InputError, match=f"--{option.replace('_', '-')}: the columns of 'synthetic' are fixed"):
        settings.make(RunSpec(**{option: value}))  # type: ignore[arg-type]


def test_records_say_which_attack_reads_what(asked: RunSpec) -> None:
    made = settings.make(replace(asked, questions="height"))
    told = {cell.attack: origin.get("attack_reads") for cell, origin in provenance.of_setting(made).items()}
    assert told == {"vote-answers": "responses"}
    verify = settings.make(replace(asked, questions="verify"))
    assert {origin.get("attack_reads") for origin in provenance.of_setting(verify).values()} == {None}


def test_bins_of_the_run_come_after_the_protocols(asked: RunSpec) -> None:
    made = settings.make(asked)
    assert made.bins["height"] == (165.0, 175.0)
    assert made.bins["age"] == made.protocol.bins["age"]
    assert made.spec.bins == {"height": (165.0, 175.0)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"bins": {"weight": (60.0,)}},
            r"--bins weight=\.\.\.: no column 'weight' is used from '.*own\.npz'; it has: ",
        ),
        ({"bins": {"gender": (1.0,)}}, r"--bins gender=\.\.\.: 'gender' in '.*own\.npz' holds classes, not numbers"),
        (
            {"data": "synthetic", "attributes": "beauty"},
            "data set 'synthetic' has no attribute 'beauty'; it has: gender",
        ),
        ({"data": "synthetic", "bins": {"age": (30.0,)}}, "the bins of 'synthetic' are fixed in the data card"),
        ({"data": "nowhere"}, "No dataset is named 'nowhere'"),
    ],
)
def test_what_the_user_named_and_is_not_there(asked: RunSpec, change: dict[str, object], message: str) -> None:
    plain = replace(asked, attributes=None, bins={}, attacker_data=None, people=None)
    with pytest.raises(InputError, match=message):
        settings.make(replace(plain, **change))  # type: ignore[arg-type]


def test_a_folder_without_embeddings_is_no_unknown_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    with pytest.raises(InputError, match="'photos': it is a folder without Parquet files"):
        settings.make(RunSpec("photos"))


def test_the_attacked_data_are_nobody_elses(asked: RunSpec) -> None:
    with pytest.raises(InputError, match=r"--attacker-data .*own\.npz is the attacked data itself; expected other"):
        settings.make(replace(asked, attacker_data=asked.data))


def test_one_data_set_at_a_time_and_a_broken_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(kind: str, name: str) -> None:
        raise settings.registry.PluginError(f"dataset '{name}' can't be loaded")

    monkeypatch.setattr(settings.registry, "select", lambda kind, wanted: wanted.split(","))
    monkeypatch.setattr(settings.registry, "load", broken)
    with pytest.raises(InputError, match="--data a,b names 2 data sets; expected one of: a, b"):
        settings.make(RunSpec("a,b"))
    with pytest.raises(InputError, match="dataset 'a' can't be loaded"):
        settings.make(RunSpec("a"))


def test_attributes_of_a_named_data_set_are_chosen() -> None:
    made = settings.make(RunSpec(schemes="cosine", questions="gender,age_value", attributes="gender,age", people=400))
    assert list(made.data.faces.attributes) == ["gender", "age"]
    assert list(made.data.faces.values) == ["age"]


def test_the_recogniser_is_the_cards_or_the_users(tmp_path: Path) -> None:
    """Never the file's name: records of equal target subjects say so, whatever the file is called."""
    faces = gaussian_faces(200, 4, dimension=16)
    arrays = {"embeddings": faces.embeddings, "identity": faces.identity}
    np.savez(tmp_path / "dlib.npz", **arrays)
    np.savez(tmp_path / "b.npz", **arrays, card=np.array('{"recogniser": "a net\\n, 16-d"}'))

    def told(data: str, recogniser: str | None = None) -> tuple[str | None, str]:
        asked = RunSpec(data, "cosine", "knn-bytes", "verify", protocol="quick-1", recogniser=recogniser)
        made = settings.make(asked)
        assert settings.make(made.spec).data.recogniser == made.data.recogniser
        ((by, subjects),) = {
            (one.get("recogniser"), one["subjects_sha256"]) for one in provenance.of_setting(made).values()
        }
        return by, subjects

    own = str(tmp_path / "dlib.npz")
    unknown, named, card = told(own), told(own, "MobileFaceNet"), told(str(tmp_path / "b.npz"))
    assert [unknown[0], named[0], card[0]] == [None, "MobileFaceNet", "a net, 16-d"]
    assert unknown[1] == named[1] == card[1]
    built_in = told("synthetic")
    assert built_in[0] == "dlib"
    assert built_in[1] != named[1]
    with pytest.raises(InputError, match=r"--recogniser x: the embeddings of '.*b\.npz' are by a net, 16-d; leave"):
        told(str(tmp_path / "b.npz"), "x")
    with pytest.raises(InputError, match=r"the embeddings of 'synthetic' are by dlib; .* faces, then embed"):
        told("synthetic", "mobilefacenet")
