"""What a user may say of a stored run besides its records: where its data are, and nothing that makes another run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mote_bench.cli.commands.again import Given, again, label_fits
from mote_bench.contracts import Cell, InputError, Record, Status
from mote_bench.data.arrays import checksum
from mote_bench.planning.spec import RunSpec
from mote_bench.records.runs import add_run

MADE = RunSpec("age", bins={"age": (30.0, 50.0)}, people=300, attributes="gender", protocol="quick-1",
               data_sha256="a" * 64, attacker_data="other", attacker_sha256="b" * 64)  # fmt: skip


def record(spec: RunSpec | None = MADE, data: str = "age@300 from other", sha256: str = "a b") -> Record:
    told = {} if spec is None else {"spec": spec.in_record()}
    cell = Cell("quick-1", data, "mote", "knn-bytes", "gender", "algorithm", 0)
    return Record(cell, Status.OK, provenance={"data_sha256": sha256} | told)


def test_everything_comes_from_the_records() -> None:
    made = again([record()], Given())
    assert replace(made, schemes="default", attacks="default", questions="all") == MADE
    assert (made.schemes, made.attacks, made.questions) == ("mote", "knn-bytes", "gender")


def test_the_folders_paths_are_taken_and_the_users_go_before_them(tmp_path: Path) -> None:
    add_run(tmp_path, replace(MADE, data_file="there.npz", attacker_file="theirs.npz"))
    made = again([record()], Given(), home=tmp_path)
    assert (made.data_file, made.attacker_file) == ("there.npz", "theirs.npz")
    made = again([record()], Given(data="here.npz", attacker_data="a/b.npz"), home=tmp_path)
    assert (made.data, made.data_file, made.attacker_file) == ("age", "here.npz", "a/b.npz")


@pytest.mark.parametrize("name", ["age", "age@300 from other"])
def test_the_runs_own_names_name_no_file(name: str) -> None:
    assert again([record()], Given(data=name, attacker_data="other")) == again([record()], Given())


def test_other_bins_are_refused_and_the_same_are_not() -> None:
    assert again([record()], Given(bins=("age=30,50",))).bins == MADE.bins
    for option in ("age=30,51", "height=3"):
        with pytest.raises(InputError, match=rf"--bins {option}: the run has other bins.*--bins age=30,50"):
            again([record()], Given(bins=("age=30,50", option)))


def test_columns_are_read_as_the_run_has_read_them() -> None:
    spec = replace(MADE, missing={"age": ("-1", "999")}, identity="labels", embedding_columns="feat_*")
    same = Given(missing=("age=-1,999",), identity="labels", embedding_columns="feat_*")
    for given in (same, Given()):
        made = again([record(spec)], given)
        assert (made.missing, made.identity, made.embedding_columns) == (spec.missing, "labels", "feat_*")
    others = {
        "missing": Given(missing=("age=-1",)),
        "identity": Given(identity="id"),
        "embedding-columns": Given(embedding_columns="v*"),
    }
    for option, other in others.items():
        message = rf"--{option}: the run has read its data in another way.*--missing age=-1,999 --identity labels"
        with pytest.raises(InputError, match=message):
            again([record(spec)], other)


def test_the_device_is_the_users_to_say() -> None:
    told = [again([record(replace(MADE, device="mps"))], given).device for given in (Given(), Given(device="cuda:1"))]
    assert told == ["cpu", "cuda:1"]


def test_an_attacker_of_the_same_data_gets_no_other() -> None:
    same = replace(MADE, attacker_data=None, attacker_sha256=None)
    with pytest.raises(InputError, match="held other people of the same data; leave the option out"):
        again([record(same)], Given(attacker_data="other.npz"))


def test_the_second_recognisers_file_may_have_moved_and_none_may_be_added() -> None:
    with pytest.raises(InputError, match=r"--second-recogniser seen\.npz: the run has none; leave the option out"):
        again([record()], Given(second_recogniser="seen.npz"))
    two = replace(MADE, second_recogniser="seen", second_sha256="c" * 64)
    assert again([record(two)], Given(second_recogniser="a/b.npz")).second_file == "a/b.npz"
    assert again([record(two)], Given(second_recogniser="seen")) == again([record(two)], Given())
    assert again([record(two)], Given()).second_recogniser == "seen"


def test_other_attributes_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    assert again([record()], Given(attributes=" gender ")).attributes == "gender"
    assert capsys.readouterr().err == ""
    assert again([record()], Given(attributes="gender,age")).attributes == "gender,age"
    assert "--attributes gender,age, where the run has gender:" in capsys.readouterr().err


def test_attributes_of_a_first_edition_run_are_the_users_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert again([record(None)], Given(attributes="gender")).attributes == "gender"
    assert capsys.readouterr().err == ""


def test_data_fit_by_label_file_name_or_checksum(tmp_path: Path) -> None:
    file, renamed = tmp_path / "age.npz", tmp_path / "renamed.npz"
    for path in (file, renamed):
        path.write_bytes(b"faces")
    (tmp_path / "other.npz").write_bytes(b"other faces")
    one = record(replace(MADE, data_sha256=checksum(file)))
    fits = {name: label_fits(name, one) for name in ("age", "age@300 from other", "ag", "synthetic")}
    assert fits == {"age": True, "age@300 from other": True, "ag": False, "synthetic": False}
    assert label_fits(str(file), one)
    assert label_fits(str(renamed), one)
    assert not label_fits(str(tmp_path / "other.npz"), one)
    assert not label_fits(str(tmp_path / "nowhere.npz"), one)
