"""Strongest attacks with fewer shadow subjects: which are run again, and when they are still rising."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mote_bench.analysis.standings import standings
from mote_bench.analysis.strength import (
    FALLING,
    FLAT,
    RISING,
    UNCHANGED,
    UNKNOWN,
    cells_to_repeat,
    strengths,
    to_publish,
)
from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import CEILING, FLOOR, Cell, Measurement, Record, Status
from mote_bench.records import schemas, store
from mote_bench.records.fewer_shadow import folder_of, read_with_fewer
from mote_bench.report.boards import rendered
from mote_bench.report.strength import Studied, strength_md, summary


def attacked(scheme: str, attack: str, value: float, *, metric: str = "balanced_accuracy", **more: object) -> Record:
    question = "link" if metric == "eer" else "gender"
    cell = Cell("people-2", "faces", scheme, attack, question, str(more.pop("knowledge", "algorithm")), 0)
    one = Measurement(metric, value, value - 0.03, value + 0.03, 100, 0.5, 0.5, 0.99)
    people = list(range(8))
    influence = {"influence": {"people": people, metric: [0.01 * (-1) ** k for k in people]}}
    return Record(cell, Status.OK, (one,), details=influence, rehearsal=(one,), **more)  # type: ignore[arg-type]


def verified(scheme: str) -> Record:
    cell = Cell("people-2", "faces", scheme, "zero-effort", "verify", "none", 0)
    return Record(cell, Status.OK, (Measurement("eer", 0.02, 0.01, 0.03, 100),))


BOARD = [
    *(verified(scheme) for scheme in (CEILING, FLOOR, "mote")),
    *(attacked(scheme, "vote-answers", value) for scheme, value in ((CEILING, 0.95), (FLOOR, 0.5), ("mote", 0.9))),
    *(attacked(scheme, "logistic-bytes", 0.6) for scheme in (CEILING, FLOOR, "mote")),
]


def fewer(count: int, scheme: str, value: float, **more: object) -> Record:
    return attacked(scheme, "vote-answers", value, provenance={"shadow_subjects": f"{count} of 200"}, **more)


def studied(weaker: dict[int, list[Record]]):
    ((board, _),) = standings(BOARD)
    return {one.row: one for one in strengths(board, weaker)}


def test_the_strongest_attacks_are_run_again_with_both_controls():
    ((board, _),) = standings([*BOARD, attacked("leace", "canonical-bytes", 0.7, knowledge="bytes_only")])
    found = {(cell.scheme, cell.attack) for cell in cells_to_repeat(board)}
    assert found == {(scheme, "vote-answers") for scheme in (CEILING, FLOOR, "mote")}


@pytest.mark.parametrize(
    ("before", "verdict"),
    [(0.8, RISING), (0.9, UNCHANGED), (0.97, FALLING)],
)
def test_the_verdict_is_that_of_the_last_two_points(before, verdict):
    """The two figures have the same influences: but for their values they move together, and the interval is narrow."""
    weaker = {50: [fewer(50, "mote", before if verdict == UNCHANGED else 0.7)], 100: [fewer(100, "mote", before)]}
    one = studied(weaker)["mote"]
    assert [(count, point.value) for count, point in one.points] == [
        (50, weaker[50][0].measurements[0].value),
        (100, before),
        (200, 0.9),
    ]
    assert one.verdict == verdict
    assert one.gain is not None
    assert one.gain[0] == pytest.approx(0.9 - before)
    assert one.gain[1] <= one.gain[0] <= one.gain[2]


def test_figures_of_other_subjects_need_a_wider_difference():
    """Intervals of +-0.03 that share no subject: a gain of 0.03 isn't shown, one of 0.06 is."""
    verdicts = []
    for before in (0.87, 0.84):
        apart = fewer(100, "mote", before)
        moved = {"people": [20, 21], "balanced_accuracy": [0.1, -0.1]}
        verdicts.append(studied({100: [replace(apart, details={"influence": moved})]})["mote"].verdict)
    assert verdicts == [FLAT, RISING]


def test_a_point_that_failed_says_so():
    broken = replace(fewer(100, "mote", 0.8), status=Status.FAILED, measurements=())
    one = studied({100: [broken], 50: [fewer(50, "mote", 0.7)]})["mote"]
    assert one.verdict == UNKNOWN
    assert [count for count, _ in one.points] == [50, 200]


def test_records_that_do_not_say_of_how_many_are_left_out():
    assert studied({100: [attacked("mote", "vote-answers", 0.8)]}) == {}
    assert studied({}) == {}


def test_the_folders_are_read_by_their_number_and_what_the_records_state(tmp_path):
    for count, stated in ((50, 50), (100, 25)):
        store.prepare(folder_of(tmp_path, count))
        store.write(folder_of(tmp_path, count), fewer(stated, "mote", 0.8))
    (tmp_path / "strength" / "notes").mkdir()
    found = read_with_fewer(tmp_path)
    assert {count: len(records) for count, records in found.items()} == {50: 1}
    assert read_with_fewer(tmp_path / "elsewhere") == {}


def test_what_is_published_gives_the_same_verdicts_in_fewer_bytes():
    """Of each point the headline stays, and at the largest number the influences; attacks of no row go."""
    full = {
        count: [replace(one, rehearsal=one.measurements) for one in (*lines, fewer(count, FLOOR, 0.5))]
        for count, lines in {
            50: [fewer(50, "mote", 0.7), fewer(50, CEILING, 0.9)],
            100: [fewer(100, "mote", 0.8), attacked("mote", "logistic-bytes", 0.6)],
        }.items()
    }
    ((board, _),) = standings(BOARD)
    short = to_publish([board], full)
    assert strengths(board, short) == strengths(board, full)
    assert {count: {one.cell.scheme for one in found} for count, found in short.items()} == {
        50: {"mote", CEILING},
        100: {"mote"},
    }
    held = {(count, one.cell.scheme): (bool(one.details), one.rehearsal) for count, own in short.items() for one in own}
    assert held == {(50, "mote"): (False, ()), (50, CEILING): (True, ()), (100, "mote"): (True, ())}
    assert to_publish([board], short) == short


def test_every_board_shows_the_verdict():
    weaker = {50: [fewer(50, "mote", 0.7)], 100: [fewer(100, "mote", 0.8)]}
    files = rendered(threat_matrices(BOARD), weaker=weaker)
    assert "shadow subjects: still rising" in files["leaderboard.html"]
    assert files["leaderboard.html"].count('id="b1-strength"') == 1
    table = json.loads(files["leaderboard.json"])
    schemas.check(table, "leaderboard", "leaderboard.json")
    [entry] = table["boards"][0]["strength"]
    assert (entry["row"], entry["verdict"], [point["shadow_subjects"] for point in entry["points"]]) == (
        "mote",
        RISING,
        [50, 100, 200],
    )
    ((board, _),) = standings(BOARD)
    assert files["strength.md"] == strength_md([(board, Studied(strengths(board, weaker)))])
    assert summary(strengths(board, weaker)) == "Of 1 rows: 1 still rising"
    without = rendered(threat_matrices(BOARD))
    assert "strength.md" not in without
    assert "strength" not in json.loads(without["leaderboard.json"])["boards"][0]
