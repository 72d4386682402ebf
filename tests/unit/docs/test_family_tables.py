"""Tables of all schemes: cells by hand from few records, and what stands where a record holds nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mote_bench.contracts import NOISE_LEVELS, Measurement

SCHEMES = ("biohash", "cosine", "ironmask", "mote", "noise")
DLIB, OTHER = "lfw_dlib", "lfw_mobilefacenet"


@pytest.fixture
def tables() -> Any:
    import family_tables

    return family_tables


@pytest.fixture
def published(tables, publish, few_records) -> Any:
    return tables.Published(publish(few_records))


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a table's rows by their first."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {line[0]: line[1:] for line in lines}


def with_verified(records, scheme: str, *more: Measurement, knowledge: str = "none") -> list:
    """The records, with measurements added to the verification of a scheme on the first board."""
    cell = (DLIB, scheme, "verify", knowledge)
    return [
        replace(one, measurements=(*one.measurements, *more))
        if (one.cell.data, one.cell.scheme, one.cell.question, one.cell.knowledge) == cell
        else one
        for one in records
    ]


def test_a_schemes_recognition_by_hand(tables, published) -> None:
    """An FNMR of 6 x 0.02, in records of 200 subjects; 430 ms against 4 microseconds."""
    row = rows(tables.recognition(DLIB, published, SCHEMES))["`mote`"]
    assert row == [
        "0.120 [0.090, 0.150]",
        "0.0012 [0.0008, 0.0016]",
        "–",
        "–",
        "430 ms [387 ms, 516 ms]; 107,500×",
    ]


def test_a_scheme_with_keys_stands_with_its_keys_stolen(tables, publish, few_records) -> None:
    """Also where the record of stolen keys has a bound only, and the one of kept keys a figure."""
    kept = Measurement("false_accept_bits", 3.0, 2.0, 4.0, 100, at="1e-3", group=("prior",))
    bound = Measurement("least_false_accept_bits", 20.0, 20.0, 20.0, 4, at="1e-3", group=("prior",))
    records = with_verified(few_records, "biohash", kept)
    records = with_verified(records, "biohash", bound, knowledge="stolen_key")
    row = rows(tables.recognition(DLIB, tables.Published(publish(records)), SCHEMES))["`biohash`"]
    assert row[0] == "0.720 [0.690, 0.750]"
    assert row[2] == "≥ 20.0, n = 4"


def test_a_scheme_that_decides_stands_at_its_own_point(tables, publish, few_records) -> None:
    own = [
        Measurement("fnmr", 0.25, 0.2, 0.3, 200, at="own"),
        Measurement("fmr_reached", 0.002, 0.001, 0.003, 200, at="own"),
        Measurement("false_accept_bits", 9.25, 8.5, 10.0, 100, at="own", group=("public",)),
    ]
    published = tables.Published(publish(with_verified(few_records, "mote", *own)))
    row = rows(tables.recognition(DLIB, published, SCHEMES))["`mote`"]
    assert row[:4] == ["0.250 [0.200, 0.300] own", "0.002 [0.001, 0.003]", "–", "9.2 [8.5, 10.0], n = 100"]
    assert rows(tables.across(published, SCHEMES))["`mote`"][0] == "25 % own"


def test_attackers_are_those_of_the_threat_matrix(tables, published) -> None:
    found = rows(tables.attackers(DLIB, published, SCHEMES))
    matrix = published.threats(DLIB)
    assert found["scheme"] == [one.title for one in tables.ATTACKERS]
    keys = matrix["biohash"]["keys"]
    assert f"`{keys['attack']}`" in found["`biohash`"][2]
    assert found["`biohash`"][2].startswith(f"{round(100 * keys['share'])} % [")
    assert found["`mote`"][2:4] == ["no keys", "no system secrets"]


def test_what_was_not_run_says_so(tables, published) -> None:
    """On one recogniser, and on none."""
    for text in (tables.recognition(OTHER, published, SCHEMES), tables.attackers(OTHER, published, SCHEMES)):
        assert rows(text)["`mote`"][0] == "not run"
        assert set(rows(text)["`mote`"][1:]) == {""}
    across = rows(tables.across(published, SCHEMES))
    assert across["scheme"][:2] == ["FNMR (dlib)", "FNMR (MobileFaceNet)"]
    assert across["`mote`"][:2] == ["12 %", "not run"]
    assert across["`ironmask`"][:2] == ["not run", "not run"]
    assert tables.boards_held(published, SCHEMES).splitlines() == [
        "- dlib, 128-d: 4 of 5 schemes.",
        "- MobileFaceNet, 192-d: 2 of 5 schemes.",
        "- faceplugin, 512-d: none of 5 schemes.",
        "- Not run on any of them: `ironmask`.",
    ]


def test_families_stand_in_their_order(tables, published) -> None:
    names = list(rows(tables.recognition(DLIB, published, SCHEMES)))[2:]
    assert names == [
        "**controls**",
        "`noise`",
        "**plain vectors**",
        "`cosine`",
        "**cancelable schemes**",
        "`biohash`",
        "**cryptosystems**",
        "`ironmask`",
        "**model templates (MOTE)**",
        "`mote`",
    ]


def test_each_recogniser_with_a_board_has_two_tables(tables, published) -> None:
    text = tables.by_recogniser(published, SCHEMES)
    heads = [line for line in text.splitlines() if line.startswith("###")]
    assert [head.split(":")[0] for head in heads] == ["### dlib, 128-d"] * 2 + ["### MobileFaceNet, 192-d"] * 2
    assert text.count("n = 200 subjects where a cell states no other number.") == 4
    assert text.count("Enrolment was timed on 200 subjects.") == 2


def test_other_protocols_are_left_out(tables, publish, make_records) -> None:
    published = tables.Published(publish(make_records("cosine", "noise", data=DLIB, protocol="people-1")))
    assert published.boards == published.results == published.recognisers == {}


def test_every_scheme_is_shown_but_levels_of_noise(tables) -> None:
    shown = set(tables.shipped())
    assert {"cosine", "noise", "fuzzy-vault", "lightphe-paillier", "mote"} <= shown
    assert not shown & {*NOISE_LEVELS, "memoriser"}
