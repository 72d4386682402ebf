"""Records of a run under way: written once floor and ceiling are settled, each beside the right controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mote_bench.contracts import Cell, Measurement, Record, Status
from mote_bench.engine.ledger import Ledger
from mote_bench.engine.time_left import COMPARE, ENROLL, FIT, Work
from mote_bench.records import store

SCHEMES = ("noise", "cosine", "mote")


def cell(scheme: str, attack: str = "knn-bytes", question: str = "gender", knowledge: str = "algorithm") -> Cell:
    return Cell("quick-1", "people", scheme, attack, question, knowledge, 0)


def record(of: Cell, value: float, metric: str = "balanced_accuracy") -> Record:
    return Record(of, Status.OK, (Measurement(metric, value, value - 0.05, value + 0.05, 40, chance=0.5),))


def ledger(folder: Path, cells: Sequence[Cell], kept: Sequence[Record] = ()) -> Ledger:
    store.prepare(folder)
    origins = {one: {"scheme": one.scheme} for one in cells}
    told: list[tuple[int, int, str]] = []
    made = Ledger(folder, cells, origins, lambda *said: told.append(said), {one.cell: one for one in kept})
    made.told = told  # type: ignore[attr-defined]
    return made


def written(folder: Path) -> dict[str, Record]:
    return {one.cell.scheme: one for one in store.read(folder)}


def test_a_record_waits_for_its_controls_and_is_then_written_with_them(tmp_path: Path) -> None:
    cells = [cell(scheme) for scheme in SCHEMES]
    made = ledger(tmp_path, cells)
    made.add(record(cells[2], 0.7))
    made.add(record(cells[0], 0.5))
    assert written(tmp_path) == made.records == {}
    assert made.pending() == [cells[1]]
    made.add(record(cells[1], 0.9))
    assert made.pending() == []
    found = written(tmp_path)
    assert found == {one.cell.scheme: one for one in made.records.values()}
    for scheme, value in zip(SCHEMES, (0.5, 0.9, 0.7), strict=True):
        [figure] = found[scheme].measurements
        assert (figure.value, figure.floor, figure.ceiling) == (value, 0.5, 0.9)
        assert found[scheme].provenance == {"scheme": scheme}
        assert found[scheme].status is Status.OK


def test_controls_of_an_earlier_run_count(tmp_path: Path) -> None:
    cells = [cell(scheme) for scheme in SCHEMES]
    made = ledger(tmp_path, cells, [record(cells[0], 0.5), record(cells[1], 0.9)])
    assert made.pending() == [cells[2]]
    made.add(record(cells[2], 0.7))
    [figure] = written(tmp_path)["mote"].measurements
    assert (figure.floor, figure.ceiling) == (0.5, 0.9)


def test_a_control_that_is_not_in_the_run_is_not_waited_for(tmp_path: Path) -> None:
    made = ledger(tmp_path, [cell("mote")])
    made.add(record(cell("mote"), 0.7))
    assert written(tmp_path)["mote"].status is Status.UNMEASURED


@pytest.mark.parametrize(
    ("knowledge", "theirs"),
    [
        ("bytes_only", "bytes_only"),
        ("stolen_key", "algorithm"),
        ("full_disclosure", "algorithm"),
        ("stolen_key (2 records)", "algorithm (2 records)"),
        ("stolen_key (scores only)", "algorithm (scores only)"),
    ],
)
def test_controls_stand_in_with_the_strongest_knowledge_that_they_have(
    tmp_path: Path, knowledge: str, theirs: str
) -> None:
    controls = [cell("noise", knowledge=theirs), cell("cosine", knowledge=theirs)]
    others = [cell(one.scheme, knowledge="bytes_only (3 records)") for one in controls]
    own = cell("mote", knowledge=knowledge)
    kept = [record(controls[0], 0.5), record(controls[1], 0.9), *(record(one, 0.1) for one in others)]
    made = ledger(tmp_path, [*controls, *others, own], kept)
    made.add(record(own, 0.7))
    [figure] = made.records[own].measurements
    assert (figure.floor, figure.ceiling) == (0.5, 0.9)


def test_verification_with_a_stolen_key_is_held_against_controls_without_one(tmp_path: Path) -> None:
    controls = [cell(scheme, "zero-effort", "verify", "none") for scheme in SCHEMES[:2]]
    own = cell("biohash", "zero-effort", "verify", "stolen_key")
    made = ledger(tmp_path, [*controls, own], [record(controls[0], 0.5, "eer"), record(controls[1], 0.01, "eer")])
    made.add(record(own, 0.2, "eer"))
    [figure] = made.records[own].measurements
    assert (figure.floor, figure.ceiling, made.records[own].status) == (0.5, 0.01, Status.OK)


def test_cost_has_no_knowledge_to_translate(tmp_path: Path) -> None:
    cells = [cell(scheme, "none", "cost", "none") for scheme in SCHEMES]
    made = ledger(tmp_path, cells)
    for one in cells:
        made.add(record(one, 4.0, "bytes_per_template"))
    assert {one.status for one in made.records.values()} == {Status.OK}


def test_the_ceiling_is_that_of_the_question(tmp_path: Path) -> None:
    cells = [cell(scheme, "score-member", "member") for scheme in ("noise", "memoriser", "cosine", "mote")]
    made = ledger(tmp_path, cells)
    for one, value in zip(cells, (0.5, 0.95, 0.52, 0.6), strict=True):
        made.add(record(one, value, "auc"))
    [figure] = made.records[cells[3]].measurements
    assert (figure.floor, figure.ceiling, made.records[cells[3]].status) == (0.5, 0.95, Status.OK)


def test_a_failure_is_recorded_with_its_reason_without_the_secrets_in_it(tmp_path: Path) -> None:
    made = ledger(tmp_path, [cell("noise")])
    error = "ValueError: no key b'very secret'"
    made.fail(cell("noise"), error, seconds=2.5, status=Status.TIMED_OUT)
    found = made.records[cell("noise")]
    assert (found.status, found.cost) == (Status.TIMED_OUT, {"seconds": 2.5})
    assert found.error == "ValueError: no key b'...'"
    made = ledger(tmp_path, [cell("noise")])
    made.fail(cell("noise"), "no")
    assert (made.records[cell("noise")].status, made.records[cell("noise")].cost) == (Status.FAILED, {"seconds": 0.0})


def test_progress_counts_tasks(tmp_path: Path) -> None:
    made = ledger(tmp_path, [cell("noise")])
    tasks = [Work(FIT, "noise"), Work(ENROLL, "noise", people=3), Work(COMPARE, "noise", "none")]
    made.expect(tasks, {"noise"})
    made.tick(tasks[0], 1.0, "fit")
    made.tick(tasks[1], 1.0, "enrol")
    early = "estimating the time left; "
    assert made.told == [(0, 3, "starting"), (1, 3, f"{early}fit"), (2, 3, f"{early}enrol")]  # type: ignore[attr-defined]


def test_pending_keeps_the_plans_order(tmp_path: Path) -> None:
    cells = [cell(scheme) for scheme in ("mote", "noise", "cosine")]
    made = ledger(tmp_path, cells, [replace(record(cells[1], 0.5))])
    assert made.pending() == [cells[0], cells[2]]
