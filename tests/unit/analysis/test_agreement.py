"""Two boards are compared row by row: by hand, and never by their controls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mote_bench.analysis import agreement
from mote_bench.analysis.agreement import agreements
from mote_bench.analysis.standings import Worst
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.records import store
from mote_bench.report import boards
from mote_bench.report.agreement import render
from mote_bench.studies.agreement import board, text_of

SCHEMES = ("biohash", "mote", "nfr", "csn", "ive", "leace")


def record(data: str, scheme: str, question: str, metric: str, value: float, attack: str) -> Record:
    knowledge = "none" if attack == "zero-effort" else "algorithm"
    cell = Cell("people-2", data, scheme, attack, question, knowledge, 0)
    measured = Measurement(metric, value, value - 0.01, value + 0.01, 100, 0.5, 0.5, 0.99)
    return Record(cell, Status.OK, (measured,), rehearsal=(measured,))


def write(folder, data: str, values: dict[str, float]) -> None:
    store.prepare(folder)
    for scheme, value in values.items():
        store.write(folder, record(data, scheme, "verify", "eer", 0.02, "zero-effort"))
        store.write(folder, record(data, scheme, "gender", "balanced_accuracy", value, "vote-answers"))


def test_by_hand(tmp_path):
    """Two neighbours of six change places: 1 - 6 * 2 / (6 * 35) = 0.943."""
    up = {name: 0.5 + 0.05 * place for place, name in enumerate(SCHEMES)} | {"cosine": 0.99, "noise": 0.5}
    swapped = up | {"nfr": up["csn"], "csn": up["nfr"]}
    write(tmp_path / "a", "rendered", up)
    write(tmp_path / "b", "real", swapped)
    first, second = board(tmp_path / "a"), board(tmp_path / "b")
    (gender,) = agreements(first, second)
    assert set(gender.rows) == set(SCHEMES)
    assert gender.spearman == pytest.approx(1 - 6 * 2 / (6 * 35))
    text = render(first[0], second[0], [gender])
    assert "| gender     | balanced_accuracy | 6      | 0.943 [" in text
    assert "gender, rendered" in text


def test_too_few_rows_say_nothing(tmp_path):
    few = dict.fromkeys(SCHEMES[:3], 0.6)
    write(tmp_path / "a", "rendered", few)
    write(tmp_path / "b", "real", few)
    assert agreements(board(tmp_path / "a"), board(tmp_path / "b")) == []


def test_several_boards_are_refused(tmp_path):
    write(tmp_path / "a", "rendered", dict.fromkeys(SCHEMES, 0.6))
    one = record("real", "mote", "verify", "eer", 0.02, "zero-effort")
    store.write(tmp_path / "a", replace(one, cell=replace(one.cell, data="real")))
    with pytest.raises(InputError, match="holds 2 boards"):
        board(tmp_path / "a")


def influence(people, values):
    return {"influence": {"people": people, "balanced_accuracy": values}}


def test_rows_that_people_influence_together_are_ordered():
    """Two rows 0.01 apart with intervals of +-0.05: apart only if one person moves both."""
    one = Measurement("balanced_accuracy", 0.70, 0.65, 0.75, 100)
    other = replace(one, value=0.71, low=0.66, high=0.76)
    worst = [Worst("gender", "ok", headline=m, record=f"records/{k}") for k, m in enumerate((one, other))]
    together = [with_influence(k, [0.02, -0.03, 0.01]) for k in range(2)]
    alone = [with_influence(0, [0.02, -0.03, 0.01, 0, 0, 0]), with_influence(1, [0, 0, 0, 0.02, -0.03, 0.01])]
    for records, apart in ((together, True), (alone, False)):
        drawn = agreement._redrawn(worst, records, "gender")
        assert drawn.shape == (4000, 2)
        assert drawn[:, 0].std() == pytest.approx(0.05 / 1.96, rel=0.05)
        assert agreement._order(drawn).tolist() == ([-1] if apart else [0])


def with_influence(place, pulls):
    cell = Cell("people-2", "rendered", "mote", "vote-answers", "gender", "algorithm", 0)
    details = influence(list(range(len(pulls))), pulls)
    return Record(cell, Status.OK, (), details=details, file=f"records/{place}")


def test_correlations_of_draws_by_hand():
    first = np.array([[1.0, 2, 3], [1, 2, 3], [1, 1, 1]])
    second = np.array([[10.0, 20, 30], [30, 20, 10], [1, 2, 3]])
    np.testing.assert_allclose(agreement._correlations(first, second), [1, -1, 0])


def test_an_interval_by_hand():
    """Redraws from 0.6 to 0.8 of a value of 0.9 say that it may be 1: 2 x 0.9 - 0.6 is cut off there."""
    assert agreement._interval(0.9, np.linspace(0.6 - 0.2 / 38, 0.8 + 0.2 / 38, 4001)) == pytest.approx((0.6, 1.0))
    assert agreement._interval(0.1, np.array([0.0, 0.0, 0.05, 0.05])) == pytest.approx((0.0, 0.2))
    assert agreement._interval(float("nan"), np.array([-0.5, 0.5])) == pytest.approx((-0.475, 0.475))


@pytest.mark.parametrize("swapped", [[], [(2, 3), (9, 12)], [(0, 16), (1, 15), (2, 14), (3, 13)]])
def test_intervals_hold_the_order_of_endless_people(swapped):
    """Seventeen rows of 200 people, 200 times: the interval holds the true rank correlation in 93 % or more.

    The redraws' range alone held it in none of them where both orders are the same.
    """
    rng = np.random.default_rng(0)
    first = np.linspace(0.5, 0.98, 17)
    second = first.copy()
    for one, other in swapped:
        second[[one, other]] = second[[other, one]]
    true = agreement._correlation(np.array([first, second]).T)
    held = 0
    for _ in range(200):
        seen = [rng.binomial(200, rates) / 200 for rates in (first, second)]
        error = [np.sqrt(np.clip(rates * (1 - rates), 0.01, None) / 200) for rates in seen]
        drawn = [one + rng.standard_normal((400, 17)) * wide for one, wide in zip(seen, error, strict=True)]
        low, high = agreement._interval(agreement._correlation(np.array(seen).T), agreement._correlations(*drawn))
        held += low <= true <= high
    assert held >= 186


def test_a_folder_with_two_boards_gets_a_file_of_their_agreement(tmp_path):
    up = {name: 0.5 + 0.06 * place for place, name in enumerate(SCHEMES)}
    write(tmp_path / "a", "rendered", up)
    write(tmp_path / "a", "real", up)
    files = boards.render(store.read(tmp_path / "a"))
    assert "# Do real and rendered rank schemes the same?" in files["agreement.md"]
    assert "| 1.000 [" in files["agreement.md"]
    assert "15 of 15" in files["agreement.md"]
    write(tmp_path / "b", "rendered", up)
    assert "agreement.md" not in boards.render(store.read(tmp_path / "b"))


def test_all_alike_is_no_order(tmp_path):
    write(tmp_path / "a", "rendered", dict.fromkeys(SCHEMES, 0.7))
    write(tmp_path / "b", "real", dict.fromkeys(SCHEMES, 0.7))
    (gender,) = agreements(board(tmp_path / "a"), board(tmp_path / "b"))
    assert np.isnan(gender.spearman)
    assert gender.verdict != "yes"
    assert gender.apart == 0


def test_a_population_agrees_with_itself_as_far_as_its_intervals_allow(tmp_path):
    apart = {name: 0.5 + 0.08 * place for place, name in enumerate(SCHEMES)}
    write(tmp_path / "a", "apart", apart | {"cosine": 0.99, "noise": 0.5})
    write(tmp_path / "b", "alike", dict.fromkeys(SCHEMES, 0.7) | {"cosine": 0.99, "noise": 0.5})
    (gender,) = agreements(board(tmp_path / "a"), board(tmp_path / "b"))
    assert gender.itself[0] > 0.99
    assert abs(gender.itself[1]) < 0.05
    assert "| apart resampled   | alike resampled   |" in render(
        board(tmp_path / "a")[0], board(tmp_path / "b")[0], [gender]
    )


def test_rows_below_with_intervals_apart_by_hand():
    """Of three rows the last is above the first (intervals apart); of no other pair is the order known."""
    assert agreement._below(np.array([0, -1, 0]), 3).tolist() == [0, 0, 1]
    assert agreement._below(np.array([1, 1, -1]), 3).tolist() == [2, 0, 1]


def test_the_study_prints_what_the_board_writes(tmp_path):
    """Of one folder with two boards, and of two folders with one each."""
    up = {name: 0.5 + 0.06 * place for place, name in enumerate(SCHEMES)}
    for folder in ("a", "both"):
        write(tmp_path / folder, "real", up)
    for folder in ("b", "both"):
        write(tmp_path / folder, "rendered", up)
    text = text_of([tmp_path / "both"])
    assert text == boards.render(store.read(tmp_path / "both"))["agreement.md"]
    assert text_of([tmp_path / "a", tmp_path / "b"]) == text
