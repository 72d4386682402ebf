"""Orders over all boards: what differs between two of them is read from their records, and each pair is said once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from six_schemes import SCHEMES, UP, board_of

from mote_bench.analysis import agreement
from mote_bench.analysis.orders import (
    ATTACKERS,
    NOT_STATED,
    OPTIONS,
    POPULATIONS,
    RECOGNISERS,
    SEEDS,
    orders,
    verdicts,
)
from mote_bench.analysis.standings import Worst, standings
from mote_bench.contracts import Cell, Measurement, Record, Status
from mote_bench.records import schemas
from mote_bench.report import boards
from mote_bench.report.orders import lines, orders_md, summary

DOWN = UP | {name: UP[other] for name, other in zip(SCHEMES, SCHEMES[::-1], strict=True)}


def by(net: str, subjects: str, file: str) -> dict[str, str]:
    return {"recogniser": net, "subjects_sha256": subjects, "data_sha256": file}


PLAIN = board_of("a", **by("first net", "these", "A"))
OTHER_NET = board_of("b", **by("second net", "these", "B"))
OTHER_PEOPLE = board_of("c", DOWN, **by("first net", "others", "C"))
OTHER_SEED = board_of("a", seed=1, **by("first net", "more of these", "A"))
ALL = [*PLAIN, *OTHER_NET, *OTHER_PEOPLE, *OTHER_SEED]


def ways(records: list[Record]) -> list[tuple[str, int, str, int, tuple[str, ...]]]:
    found = orders(standings(records))
    return [(one.first.data, one.first.seed, one.second.data, one.second.seed, one.differs) for one in found]


def test_pairs_that_differ_in_one_way_are_compared_and_no_others_where_those_join_all():
    assert ways(ALL) == [
        ("a", 0, "a", 1, (SEEDS,)),
        ("a", 0, "b", 0, (RECOGNISERS,)),
        ("a", 0, "c", 0, (POPULATIONS,)),
    ]


def test_boards_that_nothing_joins_are_compared_although_they_differ_in_two_ways():
    assert ways([*OTHER_NET, *OTHER_PEOPLE]) == [("b", 0, "c", 0, (RECOGNISERS, POPULATIONS))]


@pytest.mark.parametrize(
    ("second", "differs"),
    [
        pytest.param(board_of("b"), (NOT_STATED, POPULATIONS), id="nothing is stated"),
        pytest.param(board_of("b", **by("first net", "these", "A B")), (OPTIONS,), id="the same file by another name"),
        pytest.param(
            board_of("b", spec='{"attacker_data": "c"}', **by("first net", "these", "A B")),
            (ATTACKERS,),
            id="an attacker from elsewhere",
        ),
    ],
)
def test_what_differs(second, differs):
    assert [way[-1] for way in ways([*PLAIN, *second])] == [differs]


def test_boards_of_two_protocols_are_never_compared():
    other = [replace(one, cell=replace(one.cell, protocol="quick-1")) for one in OTHER_NET]
    assert orders(standings([*PLAIN, *other])) == []


def test_two_files_of_the_same_people_are_one_population_at_every_seed():
    """Target subjects differ by seed; that ``a`` and ``b`` show the same people is known from seed 0."""
    later = board_of("b", seed=1, **by("second net", "more of these", "B"))
    found = ways([*PLAIN, *OTHER_NET, *later])
    assert ("b", 0, "b", 1, (SEEDS,)) in found
    assert not any(POPULATIONS in way[-1] for way in found)


def test_figures_and_verdicts_by_hand():
    """The order is the same by another recogniser and with another seed, and reversed on other people."""
    found = orders(standings(ALL))
    by_way = {one.what: one.found[0] for one in found}
    assert {way: one.spearman for way, one in by_way.items()} == pytest.approx(
        {"seed": 1, "recogniser": 1, "population": -1}
    )
    assert by_way["population"].apart == 15
    assert by_way["population"].alike == 0
    assert by_way["population"].turned[0] == ("biohash", "mote")
    assert {one.differs: one.verdict for one in verdicts(found)} == {
        "seed": by_way["seed"].verdict,
        "recogniser": by_way["recogniser"].verdict,
        "population": "no",
    }
    titles, [row] = summary(found)
    assert titles == ["property", "other seed", "other recogniser", "other population"]
    assert row[0] == "Gender: balanced accuracy"
    assert row[3] == "no; 0 of 15 distinguished pairs in the same order"
    [line] = [line for line in lines(found) if line[1] == "population"]
    assert line[2] == "a, c"
    assert line[6] == "0 of 15"
    assert line[7].endswith("; 9 more")


def test_every_file_says_it_and_a_single_board_says_nothing():
    files = boards.render(ALL)
    assert files["orders.md"] == orders_md(orders(standings(ALL)))
    assert files["leaderboard.html"].count('id="orders"') == 1
    table = json.loads(files["leaderboard.json"])
    schemas.check(table, "leaderboard", "leaderboard.json")
    assert {tuple(one["differs"]) for one in table["orders"]} == {(SEEDS,), (RECOGNISERS,), (POPULATIONS,)}
    alone = boards.render(PLAIN)
    assert "orders.md" not in alone
    assert "orders" not in json.loads(alone["leaderboard.json"])
    assert 'id="orders"' not in alone["leaderboard.html"]


def test_subjects_of_two_seeds_move_both_boards_together():
    """The same influences of the same subjects on two boards of one data set: each draw moves both alike."""
    one = Measurement("balanced_accuracy", 0.7, 0.65, 0.75, 100)
    details = {"influence": {"people": [3, 5, 9], "balanced_accuracy": [0.02, -0.03, 0.01]}}
    rows, records = [], []
    for seed, data in ((0, "a"), (1, "a"), (0, "b")):
        cell = Cell("people-2", data, "mote", "vote-answers", "gender", "algorithm", seed)
        records.append([Record(cell, Status.OK, (one,), details=details, file=f"records/{data}{seed}")])
        rows.append([Worst("gender", "ok", headline=one, record=f"records/{data}{seed}")])
    together = agreement._both_redrawn(rows[:2], records[:2], "gender")
    np.testing.assert_allclose(together[0], together[1])
    apart = agreement._both_redrawn([rows[0], rows[2]], [records[0], records[2]], "gender")
    assert abs(np.corrcoef(apart[0][:, 0], apart[1][:, 0])[0, 1]) < 0.1
