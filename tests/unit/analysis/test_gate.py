"""Verdicts on runs written by hand: what is worse, what is lost, what a limit says, and what can't be compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mote_bench.analysis.gate import BETTER, SAME, UNMEASURED, WORSE, Comparison, Gate, compare
from mote_bench.analysis.limits import Limits, limited, parse
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.report import gate_report

PEOPLE = 200
ORIGIN = {"protocol_sha256": "a", "data_sha256": "b", "bins": "{}", "mote_bench": "0.1.0"}


def written(scheme: str, attack: str, question: str, metric: str, value: float, **more: Any) -> Record:
    """A record whose figure has the interval value +- 0.03 and an influence that depends on the people alone."""
    half, status = more.pop("half", 0.03), more.pop("status", Status.OK)
    knowledge = "none" if attack in ("zero-effort", "none") else "algorithm"
    one = Measurement(metric, value, value - half, value + half, PEOPLE)
    pulls = [(1.0 if person % 2 else -1.0) for person in range(PEOPLE)]
    details = {"influence": {"people": list(range(PEOPLE)), metric: pulls}} if more.pop("paired", True) else {}
    cell = Cell("quick-1", "people", scheme, attack, question, knowledge, more.pop("seed", 0))
    measurements = () if status in (Status.FAILED, Status.TIMED_OUT) else (one,)
    return Record(cell, status, measurements, details, {}, ORIGIN | more, rehearsal=measurements)


def run(gender: float = 0.70, link: float = 0.30, eer: float = 0.02, size: float = 512, **more: Any) -> list[Record]:
    return [
        written("mine", "logistic-bytes", "gender", "balanced_accuracy", gender - 0.1, **more),
        written("mine", "vote-answers", "gender", "balanced_accuracy", gender, **more),
        written("mine", "compare-bytes", "link", "eer", link, **more),
        written("mine", "zero-effort", "verify", "eer", eer, half=0.005, **more),
        written("mine", "none", "cost", "bytes_per_template", size, half=0, **more),
    ]


def gated(now: list[Record], before: list[Record] | None = None, **more: Any) -> Gate:
    return compare(run() if before is None else before, now, schemes=["mine"], **more)


def verdict(gate: Gate, question: str) -> str:
    return next(one.verdict for one in gate.comparisons if one.place.question == question)


def test_the_same_run_is_the_same() -> None:
    gate = gated(run())
    assert {one.verdict for one in gate.comparisons} == {SAME}
    assert gate.failures == ()


@pytest.mark.parametrize(
    ("change", "question", "expected"),
    [
        ({"gender": 0.80}, "gender", WORSE),
        ({"gender": 0.60}, "gender", BETTER),
        ({"gender": 0.715}, "gender", SAME),  # within the tolerance, however sure
        ({"link": 0.20}, "link", WORSE),  # a lower EER links better
        ({"link": 0.40}, "link", BETTER),
        ({"eer": 0.06}, "verify", WORSE),
        ({"size": 520}, "cost", WORSE),
        ({"size": 400}, "cost", BETTER),
        ({"size": 515}, "cost", SAME),  # within a hundredth
    ],
)
def test_what_became_worse_or_better(change: dict[str, float], question: str, expected: str) -> None:
    gate = gated(run(**change))
    assert verdict(gate, question) == expected
    assert [one.place.question for one in gate.failures] == ([question] if expected == WORSE else [])
    assert all(one.verdict == SAME for one in gate.comparisons if one.place.question != question)


def test_unpaired_runs_need_a_larger_change() -> None:
    before, now = run(paired=False), run(gender=0.78, paired=False)
    assert verdict(gated(now, before), "gender") == SAME
    assert verdict(gated(run(gender=0.78)), "gender") == WORSE


def test_what_would_be_found_is_found() -> None:
    paired = gated(run(paired=False), run(paired=False))
    would = next(one.detectable for one in paired.comparisons if one.place.question == "gender")
    assert would is not None
    assert verdict(gated(run(gender=0.70 + would, paired=False), run(paired=False)), "gender") == WORSE


def test_another_attack_may_have_become_the_strongest() -> None:
    now = [one for one in run() if one.cell.attack != "logistic-bytes"]
    now.append(written("mine", "logistic-bytes", "gender", "balanced_accuracy", 0.9))
    (worse,) = gated(now).failures
    assert (worse.before and worse.before.attack, worse.now.attack) == ("vote-answers", "logistic-bytes")


def test_a_figure_that_is_gone_fails_the_gate() -> None:
    now = [one for one in run() if one.cell.question != "gender"]
    now += [
        written("mine", name, "gender", "balanced_accuracy", 0, status=Status.FAILED)
        for name in ("logistic-bytes", "vote-answers")
    ]
    (lost,) = gated(now).failures
    assert (lost.verdict, lost.why) == (UNMEASURED, "now: 2 of 2 attacks failed")
    assert gated(now, fail_on=[WORSE]).failures == ()


def test_a_figure_that_its_record_lacks_is_said_to_be_missing_there() -> None:
    """A record that was made without an error says "ok", which explains nothing."""
    older = [replace(one, measurements=()) if one.cell.question == "verify" else one for one in run()]
    (missing,) = (one for one in gated(run(), older).comparisons if one.place.question == "verify")
    assert (missing.verdict, missing.why) == (UNMEASURED, "before: not in this record")


def test_a_figure_that_never_was_is_said_but_does_not_fail() -> None:
    missing = [one for one in run() if one.cell.question != "link"]
    unmeasured = [*missing, written("mine", "compare-bytes", "link", "eer", 0.3, status=Status.UNMEASURED)]
    gate = gated(unmeasured, unmeasured)
    assert verdict(gate, "link") == UNMEASURED
    assert gate.failures == ()


def test_several_figures_share_the_false_alarms() -> None:
    alone = [one for one in run(paired=False) if one.cell.question == "gender"]
    one = gated(alone, alone).comparisons[0]
    many = next(found for found in gated(run(paired=False), run(paired=False)).comparisons if found.place == one.place)
    assert one.high is not None
    assert many.high is not None
    assert many.high > one.high


@pytest.mark.parametrize("part", ["protocol_sha256", "data_sha256", "bins"])
def test_runs_of_other_data_are_not_compared(part: str) -> None:
    with pytest.raises(InputError, match="by checksum"):
        gated(run(**{part: "other"}))


def test_two_boards_are_not_compared() -> None:
    with pytest.raises(InputError, match="holds 2 boards"):
        gated([*run(), *run(seed=1)])


def test_other_seeds_are_compared() -> None:
    assert gated(run(seed=1)).failures == ()


def test_another_machine_is_said() -> None:
    assert gated(run(mote_bench="0.2.0")).notes == (
        "the two runs differ in more than the scheme: mote bench 0.1.0 -> 0.2.0",
    )


def test_another_device_is_said() -> None:
    assert gated(run(device="cuda")).notes == ("the two runs differ in more than the scheme: device cpu -> cuda",)


def test_limits() -> None:
    found = limited(Limits({"gender": 0.6, "eer": 0.05}, {"link": 0.1}), run(), schemes=["mine"])
    assert [one.verdict for one in found] == ["over the limit", "within the limit", "within the limit"]
    assert found[0].why == "limit: at most 0.6"
    (near,) = limited(Limits({"gender": 0.69}), run(), schemes=["mine"])
    assert near.why.endswith("inconclusive: the 95 % interval contains the limit, use more subjects")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits({"link": 0.4}), "--min link=NUMBER"),
        (Limits(least={"gender": 0.4}), "--max gender=NUMBER"),
        (Limits({"beauty": 0.4}), "which has no figure of 'mine'; expected a question"),
    ],
)
def test_limits_that_bound_nothing(limits: Limits, message: str) -> None:
    with pytest.raises(InputError, match=message):
        limited(limits, run(), schemes=["mine"])


def test_a_limit_on_what_failed_is_not_held() -> None:
    failed = [replace(one, status=Status.FAILED, measurements=(), rehearsal=()) for one in run()]
    (one,) = limited(Limits({"gender": 0.6}), [*failed, *run()[2:]], schemes=["mine"])
    assert (one.verdict, one.lost) == (UNMEASURED, True)


@pytest.mark.parametrize("option", ["gender", "gender=", "gender=much", "=", "gender=0,6"])
def test_limits_are_numbers(option: str) -> None:
    with pytest.raises(InputError, match="expected NAME=NUMBER"):
        parse([option], "--max")


def figure(gate: Gate, question: str) -> Comparison:
    return next(one for one in gate.comparisons if one.place.question == question)


def of(records: list[Record], *questions: str) -> list[Record]:
    return [one for one in records if one.cell.question in questions]


@pytest.mark.parametrize(("size", "expected"), [(505, SAME), (506, WORSE), (495, SAME), (494, BETTER)])
def test_bytes_are_counted_to_a_hundredth(size: float, expected: str) -> None:
    one = figure(gated(run(size=size), run(size=500)), "cost")
    assert (one.verdict, one.low, one.high, one.detectable) == (expected, size - 500, size - 500, 5)


@pytest.mark.parametrize(
    ("questions", "z"),
    [(("gender",), 2.326348), (("gender", "link"), 2.575829), (("gender", "link", "verify", "cost"), 2.807034)],
)
def test_bounds_by_hand(questions: tuple[str, ...], z: float) -> None:
    """Of 1, 2 and 4 figures each may be wrong once in 100, 200 and 400. Both intervals reach 0.03 to either side."""
    before, now = of(run(paired=False), *questions), of(run(gender=0.78, paired=False), *questions)
    one = figure(gated(now, before), "gender")
    half = 0.03 * 2**0.5 / 1.959964 * z
    assert (one.low, one.high) == pytest.approx((0.08 - half, 0.08 + half), abs=1e-6)
    assert one.paired == 0
    assert one.detectable == pytest.approx(0.02 + half / z * (z + 1.281552), abs=1e-6)


def test_a_figure_that_is_only_in_one_run_takes_no_share_of_the_false_alarms() -> None:
    before, now = run(paired=False), of(run(gender=0.78, paired=False), "gender", "verify", "cost")
    half = 0.03 * 2**0.5 / 1.959964 * 2.713052  # of 3 figures once in 300
    assert figure(gated(now, before), "gender").low == pytest.approx(0.08 - half, abs=1e-6)


def test_equal_runs_of_the_same_people_would_show_whatever_is_over_the_tolerance() -> None:
    for tolerance in (0.02, 0.1):
        one = figure(gated(run(), tolerance=tolerance), "gender")
        assert (one.paired, one.low, one.high) == pytest.approx((1, 0, 0), abs=1e-9)
        assert one.detectable == pytest.approx(tolerance)
    assert verdict(gated(run(gender=0.79), tolerance=0.1), "gender") == SAME
    assert verdict(gated(run(gender=0.61), tolerance=0.1), "gender") == SAME
    assert verdict(gated(run(gender=0.715), tolerance=0.01), "gender") == WORSE


def test_what_is_measured_for_the_first_time_is_said_but_does_not_fail() -> None:
    before = [*of(run(), "gender", "verify", "cost"),
              written("mine", "compare-bytes", "link", "eer", 0.3, status=Status.FAILED)]  # fmt: skip
    gate = gated(run(), before)
    found = figure(gate, "link")
    assert (found.verdict, found.lost, found.why) == (UNMEASURED, False, "before: 1 of 1 attacks failed")
    assert gate.failures == ()


def test_nothing_measured_at_all() -> None:
    failed = [replace(one, status=Status.FAILED, measurements=(), rehearsal=()) for one in of(run(), "gender")]
    gate = gated(failed, failed)
    assert {(one.verdict, one.lost) for one in gate.comparisons} == {(UNMEASURED, False)}
    assert gate.failures == ()


def test_equal_surroundings_are_not_mentioned_and_several_changes_are_told_together() -> None:
    assert gated(run()).notes == ()
    (note,) = gated(run(mote_bench="0.2.0", engine_source="c")).notes
    assert note.endswith(": mote bench 0.1.0 -> 0.2.0, engine source None -> c")


def test_runs_without_records_or_of_another_protocol_are_not_compared() -> None:
    with pytest.raises(InputError, match=r"the new run holds 0 boards \(no record\)"):
        gated([])
    with pytest.raises(InputError, match=r"the baseline holds 0 boards \(no record\)"):
        gated(run(), [])
    with pytest.raises(InputError, match=r"holds 2 boards \(quick-1, people, seed 0; quick-1, people, seed 1\)"):
        gated(run(), [*run(), *run(seed=1)])
    other = [replace(one, cell=replace(one.cell, protocol="people-1")) for one in run()]
    with pytest.raises(InputError, match="of protocol quick-1, the new run of people-1"):
        gated(other)


HOSTILE = "<b>|`x`]]>\x1b[31m"


def hostile() -> Gate:
    now = [replace(one, cell=replace(one.cell, scheme=HOSTILE)) for one in run(gender=0.9)]
    before = [replace(one, cell=replace(one.cell, scheme=HOSTILE)) for one in run()]
    return compare(before, now, schemes=[HOSTILE])


def test_junit_counts_cases_and_failures() -> None:
    suite = ElementTree.fromstring(gate_report.junit(hostile()))
    assert suite.attrib == {"name": "mote-bench gate", "tests": "4", "failures": "1", "skipped": "0"}
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith("worse: before 0.700")


@pytest.mark.parametrize("render", [gate_report.plain, gate_report.markdown, gate_report.junit])
def test_names_are_inert(render: Callable[[Gate], str]) -> None:
    text = render(hostile())
    assert "\x1b" not in text
    assert render is gate_report.plain or "<b>" not in text


def test_json_holds_every_comparison() -> None:
    found = json.loads(gate_report.as_json(hostile()))
    assert found["failed"] is True
    assert [row["fails"] for row in found["comparisons"]].count(True) == 1
    assert {row["verdict"] for row in found["comparisons"]} == {"worse", "same"}


def test_markdown_folds_what_is_well() -> None:
    text = gate_report.markdown(hostile())
    head, _, folded = text.partition("<details>")
    assert "gate: failed" in head
    assert "| worse" in head
    assert "3 other comparisons" in folded


def test_comparisons_name_their_row() -> None:
    one: Comparison = gated(run()).comparisons[0]
    assert one.row == "mine"


def test_paths_are_folders_of_records(tmp_path: Path) -> None:
    from mote_bench.cli.commands.gate import _records

    with pytest.raises(InputError, match="make a baseline"):
        _records(tmp_path)


def test_of_a_built_in_threshold_both_rates_are_compared() -> None:
    def decided(fnmr: float, fmr: float) -> list[Record]:
        [verify] = [one for one in run() if one.cell.question == "verify"]
        point = tuple(
            Measurement(metric, value, value - 0.005, value + 0.005, PEOPLE, at="own")
            for metric, value in (("fnmr", fnmr), ("fmr_reached", fmr))
        )
        others = [one for one in run() if one.cell.question != "verify"]
        return [*others, replace(verify, measurements=point)]

    found = gated(decided(0.1, 0.1), decided(0.1, 0.01))
    verdicts = {one.place.metric: one.verdict for one in found.comparisons if one.place.question == "verify"}
    assert verdicts == {"fnmr_at_fmr_own": SAME, "fmr_reached_at_fmr_own": WORSE}
