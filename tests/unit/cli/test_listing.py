"""Listing what is installed, of everything and of one kind."""

from __future__ import annotations

import json

import pytest

from mote_bench import registry
from mote_bench.cli import listing
from mote_bench.contracts import InputError
from mote_bench.questions.installed import entry_of, installed

KINDS = (*registry.KINDS, "layouts", "metrics")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_listed_alone_as_it_is_among_all(kind):
    assert listing.text(kind).startswith(kind)
    assert listing.text(kind).splitlines()[0] in listing.text()
    assert json.loads(listing.as_json(kind)) == {kind: json.loads(listing.as_json())[kind]}


def test_without_a_kind_all_are_listed():
    assert list(json.loads(listing.as_json())) == list(KINDS)
    assert "biohash" in listing.text("schemes")
    assert "biohash" not in listing.text("attacks").split()


def test_an_unknown_kind_is_refused_with_those_there_are():
    kinds = "schemes, attacks, questions, embedders, datasets, layouts"
    with pytest.raises(InputError, match=f"list scheme: expected one of {kinds}"):
        listing.text("scheme")


def test_questions_are_listed_with_the_id_by_which_runs_name_them():
    rows = {line.split()[0]: line for line in listing.text("questions").splitlines()[2:]}
    ids = {entry_of(kind).name: kind.id or kind.ids for kind in installed()}
    assert rows.keys() == ids.keys()
    assert all(rows[name].endswith(f"  {told}") for name, told in ids.items())
    assert ids["membership"] == "member"
    assert {one["name"]: one["id"] for one in json.loads(listing.as_json("questions"))["questions"]} == ids


def test_a_question_whose_source_cannot_be_read_is_listed_without_an_id():
    missing = registry.Entry("mine", "questions", "no_such_module_at_all:Mine", "mine", "1")
    assert listing._id_of(missing) == ""
