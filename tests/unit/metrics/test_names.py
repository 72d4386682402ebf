"""Published names of metrics: what each says, that none changes when it is read, and that records hold them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mote_bench.contracts import Cell, InputError, Measurement, Record, Status, flat
from mote_bench.metrics.catalogue import METRICS, Metric, describe
from mote_bench.metrics.names import Name, from_json, parse, read, snake_case, to_json
from mote_bench.questions.installed import kind_of
from mote_bench.records import store

RESULTS = Path(__file__).parents[3] / "leaderboards" / "results.csv"
WORDS = st.from_regex(r"[a-z0-9]{1,8}(_[a-z0-9]{1,8}){0,2}", fullmatch=True)
RATES = st.sampled_from(("1e-1", "1e-2", "1e-3", "5e-4", "0.001"))

BY_HAND = (
    ("eer", Name("eer")),
    ("fnmr_at_fmr_1e-3", Name("fnmr", "1e-3")),
    ("fmr_reached_at_fmr_1e-2", Name("fmr_reached", "1e-2")),
    ("fnmr_gender_female_at_fmr_1e-2", Name("fnmr", "1e-2", ("gender", "female"))),
    ("fmr_age_18_34_at_fmr_1e-2", Name("fmr", "1e-2", ("age", "18_34"))),
    ("garbe_hair_colour_at_fmr_1e-2", Name("garbe", "1e-2", ("hair_colour",))),
    ("ser_age", Name("ser", None, ("age",))),
    ("rank_1", Name("rank_1")),
    ("rank_1_of_30", Name("rank_1_of", None, ("30",))),
    ("opened_by_10_at_fmr_1e-2", Name("opened_by", "1e-2", ("10",))),
    ("opens_one_of_1000_at_fmr_1e-4", Name("opens_one_of", "1e-4", ("1000",))),
    ("tpr_at_fpr_1e-2", Name("tpr_at_fpr", "1e-2")),
    ("type_2_success_at_fmr_1e-3", Name("type_2_success", "1e-3")),
    ("type_2_success_at_wolf_rate_1e-3", Name("type_2_success_at_wolf_rate", "1e-3")),
    ("second_recogniser_wolf_rate_at_fmr_1e-2", Name("second_recogniser_wolf_rate", "1e-2")),
    ("of_another_house_at_fmr_1e-2", Name("of_another_house", "1e-2")),
    ("of_another_house", Name("of_another_house")),
)


@pytest.mark.parametrize(("name", "fields"), BY_HAND)
def test_what_a_name_says(name: str, fields: Name) -> None:
    assert parse(name) == fields
    assert flat(*fields) == name


def test_a_known_attribute_of_several_words_is_told_from_its_group() -> None:
    name = flat("fnmr", "1e-2", ("hair_colour", "dark_red"))
    assert parse(name, ("hair", "hair_colour", "age")).group == ("hair_colour", "dark_red")
    assert parse(name).group == ("hair", "colour_dark_red")
    assert flat(*parse(name)) == name


def test_every_published_name_survives_reading() -> None:
    with RESULTS.open(encoding="utf-8", newline="") as file:
        asked = {(row["metric"], row["question"]) for row in csv.DictReader(file) if row["metric"]}
    assert len({name for name, _ in asked}) > 100
    for name, question in asked:
        fields, row = parse(name), describe(name, kind_of(question))
        assert flat(*fields) == name
        assert fields == read(name, row)
        assert fields.metric == row.metric
        assert (fields.at is None) == (row.at is None)
        assert "_at_fmr_" not in fields.metric


@st.composite
def figures(draw: st.DrawFn) -> tuple[Metric, Name]:
    """A family of the catalogue and the fields of one of its figures."""
    row = draw(st.sampled_from(METRICS))
    at = draw(RATES) if row.at and row.at.startswith("{") else row.at
    group = tuple(draw(WORDS) if part.startswith("{") else part for part in row.group)
    return row, Name(row.metric, at, group)


@given(figures())
def test_every_figure_of_the_catalogue_is_read_as_it_was_named(figure: tuple[Metric, Name]) -> None:
    row, fields = figure
    name = flat(*fields)
    assert read(name, row, fields.group[:1]) == fields
    assert parse(name, fields.group[:1]) == fields
    assert describe(name, None if row.questions[0] in ("attribute", "value") else row.questions[0]).metric == row.metric


@given(st.text() | st.lists(st.sampled_from(("fnmr", "at_fmr", "_", "1e-2", "garbe", "tpr_at_fpr"))).map("_".join))
def test_any_text_survives_reading(name: str) -> None:
    assert flat(*parse(name)) == name


def test_the_fields_of_each_family_are_those_of_its_own_name() -> None:
    for row in METRICS:
        assert read(row.name, row) == (row.metric, row.at, row.group)


def test_a_measurement_as_published() -> None:
    one = Measurement("fnmr", 0.1, 0.05, 0.2, 50, None, 1.0, 0.02, at="1e-2", group=("gender", "female"))
    assert one.name == "fnmr_gender_female_at_fmr_1e-2"
    table = to_json(one)
    assert table == {
        "metric": "fnmr_gender_female_at_fmr_1e-2",
        "value": 0.1,
        "low": 0.05,
        "high": 0.2,
        "n": 50,
        "chance": None,
        "floor": 1.0,
        "ceiling": 0.02,
    }
    assert from_json(table) == one


def test_columns_that_publish_no_figure_are_refused() -> None:
    with pytest.raises(TypeError, match="stand in its metric's name"):
        from_json({"metric": "fnmr", "value": 0.1, "low": 0.0, "high": 0.2, "n": 50, "at": "1e-2"})


@given(figures(), figures())
def test_a_record_comes_back_with_its_fields(one: tuple[Metric, Name], other: tuple[Metric, Name]) -> None:
    measured, on_selection = (
        Measurement(value=0.1, low=0.0, high=0.2, n=9, **name._asdict()) for _, name in (one, other)
    )
    groups = {name.group[0]: {} for row, name in (one, other) if row.group[:1] == ("{attribute}",)}
    # hair_colour_red is of hair or of hair_colour: where there are both, a flat name can't tell.
    assume(not any(first.startswith(f"{second}_") for first in groups for second in groups))
    cell = Cell("quick-1", "people", "mine", "zero-effort", "fairness", "none", 0)
    record = Record(cell, Status.OK, (measured,), {"groups": groups}, rehearsal=(on_selection,))
    text = store.to_text(record)
    assert store.from_text(text, "a file") == record
    held = json.loads(text)
    assert [held["measurements"][0]["metric"], held["rehearsal"][0]["metric"]] == [measured.name, on_selection.name]


def test_labels_of_groups_are_read_back_by_their_record() -> None:
    one = Measurement("fnmr", 0.1, 0.0, 0.2, 9, at="1e-2", group=(snake_case("Hair colour"), snake_case("Dark-Red")))
    cell = Cell("quick-1", "people", "mine", "zero-effort", "fairness", "none", 0)
    record = Record(cell, Status.OK, (one,), {"groups": {"Hair colour": {"Dark-Red": {"people": 9}}}})
    [read_back] = store.from_text(store.to_text(record), "a file").measurements
    assert read_back.group == ("hair_colour", "dark_red")


@pytest.mark.parametrize("details", [[], "text", {"groups": [1]}, {"groups": 3}])
def test_details_that_are_none_are_refused(details: object) -> None:
    cell = Cell("quick-1", "people", "mine", "none", "cost", "none", 0)
    table = store.as_table(Record(cell, Status.OK)) | {"status": "ok", "details": details}
    with pytest.raises(InputError, match="'a file' is no record of mote-bench"):
        store.record_of(table, "a file")
