"""Which attack is the worst, which rows share a rank, and what is said where nothing was measured."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.analysis.standings import BROKEN, RECOGNISES, UNKNOWN, UNSHOWN, standings
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status


def board_of(records):
    [(board, _)] = standings(records)
    return board


def rows_of(records):
    return {row.name: row for row in board_of(records).rows}


def question(row, name):
    return next(worst for worst in row.questions if worst.question == name)


def test_the_strongest_attack_over_attacks_stands_for_a_question(records):
    worst = question(rows_of(records)["mote"], "gender")
    assert (worst.attack, worst.headline.value, worst.headline.name) == ("vote-answers", 0.993, "balanced_accuracy")
    assert worst.naive.value == 0.500
    assert (worst.headline.floor, worst.headline.ceiling) == (0.51, 0.991)


def test_linking_is_worst_where_its_eer_is_lowest(records):
    worst = question(rows_of(records)["mote"], "link")
    assert (worst.attack, worst.headline.value, worst.naive.value) == ("compare-answers", 0.154, 0.394)


def test_a_success_that_wolves_share_is_no_reconstruction(records):
    # mean-answers: success 0.96, wolf 0.955, gain 0.005; ridge-answers: 0.90 - 0.0018 = 0.8982.
    worst = question(rows_of(records)["mote"], "reconstruct")
    assert worst.attack == "ridge-answers"
    assert worst.headline.name == "success_gain_at_fmr_1e-3"
    assert worst.headline.value == pytest.approx(0.8982)
    assert [one.name for one in worst.beside] == [
        "type_2_success_at_fmr_1e-3",
        "wolf_rate_at_fmr_1e-3",
        "centred_cosine",
    ]


def test_keyed_schemes_have_a_row_per_key_state(records):
    rows = rows_of(records)
    secret, stolen = question(rows["biohash"], "gender"), question(rows["biohash, key stolen"], "gender")
    assert (secret.attack, secret.headline.value) == ("logistic-bytes", 0.51)
    assert (stolen.attack, stolen.knowledge, stolen.headline.value) == ("logistic-inverted", "stolen_key", 0.985)
    assert (rows["biohash"].eer.measurement.value, rows["biohash, key stolen"].eer.measurement.value) == (0.002, 0.12)


def test_an_attacker_with_the_key_may_ignore_it(records):
    # No attack on age was made with the key: the attacker still has those without.
    stolen = question(rows_of(records)["biohash, key stolen"], "age")
    assert (stolen.attack, stolen.knowledge) == ("logistic-bytes", "algorithm")


@pytest.mark.parametrize(
    ("statuses", "status", "word"),
    [
        ([Status.UNMEASURED, Status.UNMEASURED], "unmeasured", "2 not measured"),
        ([Status.FAILED, Status.UNMEASURED], "failed", "1 failed, 1 not measured"),
        ([Status.FAILED], "failed", "1 failed"),
    ],
)
def test_without_a_measured_attack_there_is_no_number_and_no_rank(make_record, statuses, status, word):
    at_chance = Measurement("balanced_accuracy", 0.5, 0.45, 0.55, 100)
    records = [
        make_record("mote", f"a{place}-bytes", "gender", at_chance, status=one) for place, one in enumerate(statuses)
    ]
    verify = make_record("mote", "zero-effort", "verify", Measurement("eer", 0.01, 0.0, 0.02, 100), knowledge="none")
    worst = question(rows_of([*records, verify])["mote"], "gender")
    assert (worst.status, worst.word, worst.headline, worst.rank) == (status, word, None, None)


def test_what_nobody_asked_is_said(records, hostile):
    assert question(rows_of(records)[hostile], "age").word == "not run"
    assert question(rows_of(records)[hostile], "link").word == "2 failed"


def test_a_row_that_met_fewer_attacks_than_the_ceiling_says_so(records):
    complete = rows_of(records)["mote"].notes
    fewer = [one for one in records if (one.cell.scheme, one.cell.attack) != ("mote", "vote-answers")]
    everything = {(one.cell.question, one.cell.attack) for one in records if one.cell.scheme == "cosine"}
    attacks = len({each for each in everything if each[0] not in ("verify", "fairness", "cost")})
    spared = f"evaluated with {attacks - 3} of {attacks} attacks; the others do not apply or were not run"
    assert not any(note.startswith("evaluated with ") for note in complete)
    assert spared in rows_of(fewer)["mote"].notes


def test_failed_and_unmeasured_attacks_are_counted(records):
    rows, board = rows_of(records), board_of(records)
    assert rows["biohash, key stolen"].notes == ("1 attack failed", "1 attack not measured")
    assert (board.failed, board.unmeasured, board.records) == (3, 5, len(records))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.00, 0.02, RECOGNISES),
        (0.20, 0.40, RECOGNISES),
        (0.25, 0.45, RECOGNISES),
        (0.26, 0.40, BROKEN),
        (0.45, 0.55, BROKEN),
        (0.10, 0.50, UNSHOWN),
    ],
)
def test_verdict_on_recognition_follows_the_eer_interval(make_record, low, high, verdict):
    one = Measurement("eer", (low + high) / 2, low, high, 50)
    row = rows_of([make_record("x", "zero-effort", "verify", one, knowledge="none")])["x"]
    assert row.recognition == verdict
    assert any("does not recognise" in note for note in row.notes) == (verdict == BROKEN)


def test_without_verification_recognition_is_unknown_and_nothing_is_ranked(make_record):
    row = rows_of([make_record("x", "a-bytes", "gender", Measurement("balanced_accuracy", 0.5, 0.4, 0.6, 50))])["x"]
    assert row.recognition == UNKNOWN
    assert question(row, "gender").rank is None


def ranked(intervals):
    """Rank and sharing per scheme whose balanced accuracy has these intervals."""
    records = []
    for place, (low, high) in enumerate(intervals):
        cell = Cell("p", "d", f"s{place}", "a-bytes", "gender", "algorithm", 0)
        eer = Measurement("eer", 0.01, 0.0, 0.02, 100)
        one = Measurement("balanced_accuracy", (low + high) / 2, low, high, 100)
        verify = replace(cell, attack="zero-effort", question="verify", knowledge="none")
        records += [Record(cell, Status.OK, (one,)), Record(verify, Status.OK, (eer,))]
    rows = rows_of(records)
    return [question(rows[f"s{place}"], "gender").place for place in range(len(intervals))]


def test_a_rank_counts_rows_that_leak_less_with_intervals_apart():
    # 0 meets 1 and 1 meets 2; 2 lies above 0 alone, and 3 above all of them.
    assert ranked([(0.50, 0.55), (0.54, 0.60), (0.59, 0.65), (0.80, 0.90)]) == ["1=", "1=", "2", "4"]
    assert ranked([(0.90, 0.95), (0.50, 0.60)]) == ["2", "1"]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=7))
def test_ranks_never_contradict_disjoint_intervals(drawn):
    intervals = [(start / 100, (start + width) / 100) for start, width in drawn]
    places = ranked(intervals)
    numbers = [int(place.rstrip("=")) for place in places]
    assert min(numbers) == 1
    for (_, high), number in zip(intervals, numbers, strict=True):
        for (other_low, _), other in zip(intervals, numbers, strict=True):
            if high < other_low:
                assert number < other
    assert [place.endswith("=") for place in places] == [numbers.count(number) > 1 for number in numbers]


def test_controls_and_broken_schemes_are_not_ranked(records):
    board = board_of(records)
    unranked = {row.name for row in board.rows if all(worst.rank is None for worst in row.questions)}
    assert {"cosine", "noise", "coin"} <= unranked
    assert [row.name for row in board.rows][:2] == ["cosine", "noise"]
    assert [row.name for row in board.rows][-1] == "coin"


def test_protocols_data_sets_and_seeds_never_share_a_board(make_records):
    records = (
        make_records("mote")
        + make_records("mote", seed=1)
        + make_records("mote", data="other")
        + make_records("mote", protocol="people-2")
    )
    found = [(board.protocol, board.data, board.seed, len(board.rows)) for board, _ in standings(records)]
    assert found == [("people-1", "other", 0, 1), ("people-1", "people", 0, 1), ("people-1", "people", 1, 1),
                     ("people-2", "people", 0, 1)]  # fmt: skip


def test_order_of_records_makes_no_difference(records):
    shuffled = list(records)
    random.Random(5).shuffle(shuffled)
    assert board_of(shuffled) == board_of(records)
    assert board_of([*records, records[0]]) == board_of(records)


def test_two_records_of_one_cell_are_refused(records):
    with pytest.raises(InputError, match="two different records"):
        standings([*records, replace(records[0], error="changed")])


def test_few_people_fall_back_to_the_threshold_that_exists(records):
    def keep(one):
        return "1e-3" not in one.name

    few = [replace(one, measurements=tuple(filter(keep, one.measurements))) for one in records]
    board = board_of(few)
    assert board.fmr == "1e-2"
    assert next(one.headline for one in board.readings if one.question == "reconstruct") == "success_gain_at_fmr_1e-2"


def test_without_any_threshold_reconstruction_is_read_as_likeness(records):
    few = [replace(one, measurements=tuple(m for m in one.measurements if "_at_fmr_" not in m.name)) for one in records]
    board = board_of(few)
    reading = next(one for one in board.readings if one.question == "reconstruct")
    assert (board.fmr, reading.headline) == ("", "cosine_gain")
    assert all(row.fnmr.word == "not in this record" for row in board.rows)


def test_times_are_compared_with_cosine_on_the_same_platform_only(records, hostile):
    rows = rows_of(records)
    assert rows["mote"].cost.ratio == pytest.approx(0.43 / 4e-6)
    assert rows["cosine"].cost.ratio == 1.0
    assert rows[hostile].cost.ratio is None
    placed = [
        replace(one, provenance={**one.provenance, "device": "cuda"}) if one.cell.scheme == "mote" else one
        for one in records
    ]
    assert rows_of(placed)["mote"].cost.ratio is None


def test_fairness_stands_beside_each_attribute(records):
    row = rows_of(records)["mote"]
    assert [(one.attribute, one.garbe.measurement.value) for one in row.fairness] == [("age", 0.18), ("gender", 0.18)]


def of_a_point(records, *, fnmr=0.2, fmr=0.004):
    """The records, with one operating point in place of the recognition of mote."""
    point = tuple(
        Measurement(metric, value, value / 2, value * 2, 320, at="own")
        for metric, value in (("fnmr", fnmr), ("fmr_reached", fmr), ("plain_fnmr", 0.05), ("plain_fmr_reached", 0.005))
    )
    rank = Measurement("rank_1", 0.9, 0.8, 1.0, 320)
    mine = ("mote", "verify")
    return [
        replace(one, measurements=(rank, *point)) if (one.cell.scheme, one.cell.question) == mine else one
        for one in records
    ]


def test_a_scheme_with_a_built_in_threshold_is_shown_as_a_point_and_ranked(records):
    row = rows_of(of_a_point(records))["mote"]
    assert (row.recognition, row.ranked) == (RECOGNISES, True)
    assert (row.eer.word, row.fnmr.word) == ("own threshold", "own threshold")
    assert row.notes[0] == (
        "built-in threshold: FNMR 0.200 [0.100, 0.400] at its own FMR 0.004 [0.002, 0.008]; "
        "plain vectors: FNMR 0.050 [0.025, 0.100] at FMR 0.005 [0.0025, 0.010]"
    )


def test_a_built_in_threshold_that_rejects_nearly_everybody_recognises_nobody(records):
    assert rows_of(of_a_point(records, fnmr=1.0))["mote"].recognition == BROKEN
