"""The strongest attack is chosen once: what the board shows is what the gate compares and the charts draw."""

from __future__ import annotations

import pytest

from mote_bench.analysis.figures import Place, find_figure, scope
from mote_bench.analysis.selection import choose
from mote_bench.analysis.standings import standings


def test_board_and_gate_show_the_record_that_was_chosen(records):
    (board, mine), *_ = standings(records)
    of = scope(mine)
    for row in board.rows:
        for reading, worst in zip(board.readings, row.questions, strict=True):
            chosen = choose(mine, row.scheme, reading, key=row.key).strongest
            assert worst.chosen is chosen
            assert (
                find_figure(mine, Place(row.scheme, row.key, reading.question, reading.headline), of).record is chosen
            )
            assert worst.attack == (chosen.cell.attack if chosen else "")


@pytest.mark.parametrize(
    ("key", "strongest", "open_to"),
    [
        ("secret", "logistic-bytes", {"logistic-bytes", "mlp-bytes", "vote-answers"}),
        ("stolen", "logistic-inverted", {"logistic-bytes", "mlp-bytes", "vote-answers", "logistic-inverted"}),
    ],
)
def test_a_choice_holds_every_attack_that_is_open_to_the_attacker(records, key, strongest, open_to):
    board, mine = standings(records)[0]
    gender = next(reading for reading in board.readings if reading.question == "gender")
    choice = choose(mine, "biohash", gender, key=key)
    assert choice.strongest.cell.attack == strongest
    assert {record.cell.attack for record in choice.attacks} == open_to
