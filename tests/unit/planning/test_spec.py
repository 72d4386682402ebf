"""What makes a run: read back whole, of records what their cells depend on, of old records what can be known."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mote_bench import files
from mote_bench.contracts import Cell, InputError, Record, Status
from mote_bench.planning.protocol import load
from mote_bench.planning.spec import SPEC, RunSpec, bins_of, is_path, missing_of, names
from mote_bench.records.runs import RUNS, add_run, add_times, read_runs

words = st.text(max_size=12)
edges = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4).map(tuple)
specs = st.builds(
    RunSpec,
    data=words,
    schemes=words,
    attacks=words,
    questions=words,
    attributes=st.none() | words,
    bins=st.dictionaries(words, edges, max_size=3),
    people=st.none() | st.integers(),
    attacker_data=st.none() | words,
    seed=st.integers(),
    protocol=words,
    data_file=st.none() | words,
    attacker_file=st.none() | words,
    data_sha256=st.none() | words,
    attacker_sha256=st.none() | words,
    missing=st.dictionaries(words, st.lists(words, max_size=3).map(tuple), max_size=2),
    identity=st.none() | words,
    embedding_columns=st.none() | words,
    recogniser=st.none() | words,
    second_recogniser=st.none() | words,
    second_file=st.none() | words,
    second_sha256=st.none() | words,
    device=words,
    on=words,
)
MADE = RunSpec(
    "age",
    "mote",
    "knn-bytes",
    "gender",
    attributes="gender,age",
    bins={"age": (30.0, 50.0)},
    people=300,
    attacker_data="other",
    seed=3,
    protocol="quick-1",
    data_file="mine/age.npz",
    attacker_file="theirs/other.npz",
    data_sha256="a" * 64,
    attacker_sha256="b" * 64,
    missing={"age": ("-1", "999"), "glasses": ()},
    identity="labels",
    embedding_columns="feat_*",
    recogniser="dlib",
    second_recogniser="seen",
    second_file="mine/seen.npz",
    second_sha256="c" * 64,
    device="cuda:1",
    on="selection",
)


def record(data: str, scheme: str = "mote", attack: str = "knn-bytes", **provenance: str) -> Record:
    cell = Cell("quick-1", data, scheme, attack, "gender", "algorithm", 3)
    return Record(cell, Status.OK, provenance={"data_sha256": "a" * 64} | provenance)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # many fields to draw
@given(spec=specs)
def test_a_table_gives_the_spec_back(spec: RunSpec) -> None:
    assert RunSpec.from_table(json.loads(json.dumps(spec.to_table())), "here") == spec


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec=specs)
def test_a_record_gives_back_what_its_cell_depends_on(spec: RunSpec) -> None:
    spec = replace(spec, data_sha256=spec.data_sha256 or "")
    found = RunSpec.of([record("whatever @ it from says", spec=spec.in_record())])
    chosen = {"schemes": "mote", "attacks": "knn-bytes", "questions": "gender", "device": "cpu"}
    assert found == replace(spec, data_file=None, attacker_file=None, second_file=None, **chosen)


def test_records_say_nothing_of_paths_and_of_what_was_run_beside_them() -> None:
    said = json.loads(MADE.in_record())
    assert said.keys() == MADE.to_table().keys() - {
        "schemes", "attacks", "questions", "data_file", "attacker_file", "second_file", "device",
    }  # fmt: skip
    assert replace(MADE, schemes="all", attacks="all", questions="all").in_record() == MADE.in_record()


@pytest.mark.parametrize(
    "change",
    [
        {"data": "b"},
        {"data_sha256": "c"},
        {"protocol": "people-2"},
        {"attributes": None},
        {"bins": {}},
        {"people": 299},
        {"attacker_data": None},
        {"attacker_sha256": "c"},
        {"second_recogniser": None},
        {"second_sha256": "d"},
        {"seed": 4},
        {"missing": {}},
        {"identity": None},
        {"embedding_columns": None},
        {"on": "target"},
    ],
)
def test_each_part_that_a_cell_depends_on_makes_other_records(change: dict[str, object]) -> None:
    assert replace(MADE, **change).in_record() != MADE.in_record()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "checksums", "expected"),
    [
        ("lfw", "a", ("lfw", None, None)),
        ("lfw@300", "a", ("lfw", 300, None)),
        ("lfw from synthetic", "a b", ("lfw", None, "synthetic")),
        ("lfw@300 from synthetic", "a b", ("lfw", 300, "synthetic")),
        ("photos from home", "a", ("photos from home", None, None)),  # one checksum: a file of that name
        ("me@home", "a", ("me@home", None, None)),
        ("@300", "a", ("@300", None, None)),
    ],
)
def test_first_edition_names_are_read(data: str, checksums: str, expected: tuple[str, int | None, str | None]) -> None:
    found = RunSpec.of([record(data, data_sha256=checksums)])
    assert (found.data, found.people, found.attacker_data) == expected
    assert [found.data_sha256, found.attacker_sha256] == [*checksums.split(" "), None][:2]
    assert (found.seed, found.protocol, found.attributes) == (3, "quick-1", None)


def test_first_edition_bins_are_those_besides_the_protocols() -> None:
    published = {name: list(edges) for name, edges in load("quick-1").bins.items()}
    assert "age" in published
    assert RunSpec.of([record("lfw", bins=json.dumps(published))]).bins == {}
    own = json.dumps(published | {"age": [30, 50], "height": [165.5]})
    assert RunSpec.of([record("lfw", bins=own)]).bins == {"age": (30.0, 50.0), "height": (165.5,)}


def test_records_of_one_board_name_their_schemes_attacks_and_questions_but_no_controls() -> None:
    told = MADE.in_record()
    made = [record("x", scheme, attack, spec=told) for scheme in ("biohash", "mote", "cosine", "noise", "memoriser")
            for attack in ("zero-effort", "none", "vote-answers", "knn-bytes")]  # fmt: skip
    found = RunSpec.of(made)
    assert (found.schemes, found.attacks, found.questions) == ("biohash,mote", "knn-bytes,vote-answers", "gender")


def test_records_with_a_spec_go_before_those_without() -> None:
    assert RunSpec.of([record("lfw"), record("lfw", "biohash", spec=MADE.in_record())]).people == 300


def test_records_of_runs_with_other_options_are_no_run() -> None:
    mixed = [record("x", spec=MADE.in_record()), record("x", spec=replace(MADE, bins={}, people=1).in_record())]
    with pytest.raises(InputError, match=r"differ in bins, people; expected one run.*--out DIR"):
        RunSpec.of(mixed)


def test_the_folder_knows_where_the_run_read_its_data() -> None:
    other = replace(MADE, people=200, data_file="elsewhere.npz")
    found = RunSpec.of([record("x", spec=MADE.in_record())], [other, MADE, other])
    assert (found.data_file, found.attacker_file) == ("mine/age.npz", "theirs/other.npz")
    assert RunSpec.of([record("x", spec=MADE.in_record())], [other]).data_file is None


def test_a_record_names_no_file_of_this_machine_and_a_checksum_is_always_due() -> None:
    told = json.dumps({"data": "/etc/passwd", "data_file": "/etc/passwd", "attacker_file": "/etc/passwd"})
    found = RunSpec.of([record("x", spec=told)])
    assert (found.data_file, found.attacker_file, found.data_sha256) == (None, None, "")


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "null", '{"data": 1}', '{"people": true}', '{"people": "3"}', '{"bins": []}', '{"beauty": 1}',
     '{"bins": {"age": 3}}', '{"missing": []}', '{"missing": {"age": "-1"}}',
     '{"missing": {"age": [1]}}', '{"identity": 1}', '{"bins": {"age": ["x"]}}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no spec of a run"):
        RunSpec.of([record("x", spec=text)])


@pytest.mark.parametrize("bins", ["", "[]", '{"age": 1}', "{" * 9])
def test_damaged_first_edition_bins_are_refused(bins: str) -> None:
    with pytest.raises(InputError, match="no spec of a run"):
        RunSpec.of([record("lfw", bins=bins)])


def test_a_folder_keeps_its_runs_once_each_and_the_newest_last(tmp_path: Path) -> None:
    assert read_runs(tmp_path) == []
    for one in (MADE, RunSpec(), MADE):
        add_run(tmp_path, one)
    assert read_runs(tmp_path) == [RunSpec(), MADE]
    add_times(tmp_path, {"seconds": 12.5, "workers": 2, "idle_share": 0.25})
    assert read_runs(tmp_path) == [RunSpec(), MADE]
    assert json.loads((tmp_path / RUNS).read_text())["took"] == {"seconds": 12.5, "workers": 2, "idle_share": 0.25}
    before = (tmp_path / RUNS).read_bytes()
    add_run(tmp_path, MADE)  # the same command again, which has nothing to run
    assert (tmp_path / RUNS).read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other", "runs": []}', '{"format": NaN}'])
def test_a_damaged_list_of_runs_is_refused(text: str, tmp_path: Path) -> None:
    files.write_text(tmp_path / RUNS, text)
    with pytest.raises(InputError, match=r"run\.json' is no list of runs .*move it away"):
        read_runs(tmp_path)


def test_the_command_makes_the_run_again() -> None:
    spaced = replace(
        MADE, data_file="my faces.npz", bins={"age": (30.0, 50.25)}, attacker_data=None, attacker_file=None,
        missing={}, identity=None, embedding_columns=None, recogniser=None, second_recogniser=None, second_file=None,
    )  # fmt: skip
    assert spaced.command() == (
        "python -m mote_bench run --data 'my faces.npz' --protocol quick-1 --seed 3 --schemes mote --attacks knn-bytes "
        "--questions gender --device cuda:1 --on selection --attributes gender,age --people 300 --bins age=30,50.25"
    )
    columns = "--missing age=-1,999 --missing glasses= --identity labels --embedding-columns 'feat_*' --recogniser dlib"
    assert MADE.data_options().endswith(f"{columns} --attacker-data theirs/other.npz --second-recogniser mine/seen.npz")
    assert RunSpec().data_options() == ""


def test_words_of_options() -> None:
    assert names(" a, b ,,c") == ["a", "b", "c"]
    assert bins_of(["age=18,35", " height =1.5"]) == {"age": (18.0, 35.0), "height": (1.5,)}
    paths = ("a.npz", "a.csv", "A.CSV.GZ", "a.h5", "a/b", "lfw")
    assert [is_path(one) for one in paths] == [True, True, True, True, True, False]
    assert missing_of(["age=-1, 999", " hat =", "age=0"]) == {"age": ("-1", "999", "0"), "hat": ()}


@pytest.mark.parametrize("option", ["age", "age=", "=1", "age=x", ""])
def test_bins_that_are_none(option: str) -> None:
    with pytest.raises(InputError, match="expected NAME=EDGE"):
        bins_of([option])


def test_records_of_earlier_versions_say_nothing_of_columns() -> None:
    plain = replace(MADE, missing={}, identity=None, embedding_columns=None, recogniser=None, on="target")
    said = json.loads(plain.in_record()).keys()
    assert not {"missing", "identity", "embedding_columns", "recogniser", "on"} & said
    assert RunSpec.of([record("x", spec=plain.in_record())]).missing == {}


def test_the_specs_place_in_a_record() -> None:
    assert SPEC == "spec"  # published records say so


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        MADE.seed = 4  # type: ignore[misc]
