"""What attacks compute first of stolen templates: once for all questions, in each attack's order, budgets counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from mote_bench.contracts import Access, Cell, Dataset, Evidence, FloatArray, Knowledge, Prepared, Record, Status
from mote_bench.engine import runner
from mote_bench.execution import workers
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec
from mote_bench.questions import SamePerson, WhichClass, WhichFace
from mote_bench.records import store
from mote_bench.toolkit import with_preparations
from populations import gaussian_faces
from readings import value

LEVEL = "algorithm"


def marks(templates: tuple[bytes, ...]) -> FloatArray:
    """(n, 1) a number that only this template has."""
    return np.array([[int.from_bytes(one[:6], "little")] for one in templates], dtype=np.float64)


@dataclass(frozen=True)
class Marks:
    """Notes which template each row is about, and draws a number."""

    name: str = "marks"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        return Prepared({"mark": marks(evidence.templates)}, {"drawn": rng.random(1)})


@dataclass(frozen=True)
class Once:
    """What needs no stolen template."""

    name: str = "once"
    per_database: bool = False

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        assert not evidence.templates
        assert evidence.shadow is not None
        return Prepared(common={"shadow": marks(evidence.shadow.templates), "drawn": rng.random(1)})


class Classifies:
    question, knowledge = WhichClass, (Knowledge.ALGORITHM,)
    prepares: Any = (Marks(), Once())

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        np.testing.assert_array_equal(evidence.prepared["marks"].per_template["mark"], marks(evidence.templates))
        assert evidence.shadow is not None
        np.testing.assert_array_equal(evidence.prepared["once"].common["shadow"], marks(evidence.shadow.templates))
        # The same state of the generator for every preparation: two can present the same probes.
        assert evidence.prepared["marks"].common["drawn"] == evidence.prepared["once"].common["drawn"]
        return np.tile(evidence.prepared["once"].common["drawn"], (len(evidence.templates), len(question.classes)))


class Reconstructs(Classifies):
    question: Any = WhichFace

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        super().answer(WhichClass("gender", ("female", "male")), evidence, rng)
        return rng.standard_normal((len(evidence.templates), question.dimension))


class Links(Classifies):
    question: Any = SamePerson
    several = True

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        super().answer(WhichClass("gender", ("female", "male")), evidence, rng)
        assert evidence.renewed
        for one in evidence.renewed:
            np.testing.assert_array_equal(one.prepared["marks"].per_template["mark"], marks(one.templates))
        others = evidence.other_prepared["marks"]
        np.testing.assert_array_equal(others.per_template["mark"], marks(evidence.others))
        assert others.common["drawn"] == evidence.prepared["marks"].common["drawn"]
        return rng.random((len(evidence.templates), len(evidence.others)))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Setting:
    dataset = Dataset("generated", gaussian_faces(200, 4, spread=0.6), "0" * 64)
    monkeypatch.setattr(settings, "_dataset", lambda *_: dataset)
    return settings.make(RunSpec(schemes="cosine", attacks="vote-answers"))


def planned(
    setting: Setting, *cells: tuple[str, str, str], schemes: tuple[str, ...] = ("cosine",), **attacks: Any
) -> Setting:
    """The setting with these attacks instead of its own, in cells (attack, question, knowledge)."""
    first = setting.plan.cells[0]
    own = tuple(
        replace(first, scheme=scheme, attack=attack, question=question, knowledge=knowledge)
        for scheme in schemes
        for attack, question, knowledge in cells
    )
    return replace(setting, plan=replace(setting.plan, cells=own, attacks=attacks))


def ran(setting: Setting, folder: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[Cell, Record], Counter[str]]:
    """The records of a run in this process, and how often each preparation was run on each database."""
    tasks: Counter[str] = Counter()

    def here(made: Any, **_: Any) -> Any:
        for task in made:
            assert task is not None  # one after the other, nothing has to wait
            if isinstance(task.key, runner.Job):
                tasks[f"{task.key.name} of {task.key.database or 'none'}"] += 1
            yield task.key, task.function(*task.arguments)

    monkeypatch.setattr(workers, "run", here)
    store.prepare(folder)
    finished = runner.run(setting, folder, jobs=1, progress=lambda *_: None)
    return {record.cell: record for record in finished.records}, tasks


def test_one_run_serves_every_question_in_its_own_order(made, tmp_path, monkeypatch) -> None:
    setting = planned(
        made,
        ("classifies", "gender", LEVEL),
        ("classifies", "age", LEVEL),
        ("reconstructs", "reconstruct", LEVEL),
        ("links", "link", f"{LEVEL} (2 records)"),
        ("links", "link", f"{LEVEL} (3 records)"),
        classifies=Classifies(),
        reconstructs=Reconstructs(),
        links=Links(),
    )
    records, tasks = ran(setting, tmp_path, monkeypatch)
    assert {record.error for record in records.values() if record.status is Status.FAILED} == set()
    expected = ("once of none", "marks of first", "marks of second", "marks of renewed 1", "marks of renewed 2")
    assert tasks == Counter(expected)
    for record in records.values():
        assert 0 < record.cost[runner.SHARED_SECONDS] < record.cost["seconds"]


def test_each_scheme_and_threat_is_prepared_by_itself(made, tmp_path, monkeypatch) -> None:
    setting = planned(
        made, ("classifies", "gender", LEVEL), ("classifies", "age", LEVEL), schemes=("cosine", "noise"),
        classifies=Classifies(),
    )  # fmt: skip
    _, tasks = ran(setting, tmp_path, monkeypatch)
    assert tasks == Counter({"once of none": 2, "marks of first": 2})


def test_a_cell_that_is_run_again_alone_has_the_same_figures(made, tmp_path, monkeypatch) -> None:
    setting = planned(
        made, ("reconstructs", "reconstruct", LEVEL), ("classifies", "gender", LEVEL),
        reconstructs=Reconstructs(), classifies=Classifies(),
    )  # fmt: skip
    whole, _ = ran(setting, tmp_path / "whole", monkeypatch)
    for cell in setting.plan.cells:
        alone, _ = ran(replace(setting, plan=replace(setting.plan, cells=(cell,))), tmp_path / cell.attack, monkeypatch)
        assert alone[cell].measurements == whole[cell].measurements
        assert alone[cell].details == whole[cell].details


class Fails(Marks):
    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        raise RuntimeError("no preparation today")


class Short(Marks):
    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        return Prepared({"mark": marks(evidence.templates[1:])})


class SaysNaN(Marks):
    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        return Prepared(common={"mark": np.array([1.0, np.nan])})


class Guesses(Classifies):
    prepares = ()

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        return rng.random((len(evidence.templates), len(question.classes)))


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Fails(), "no preparation today"),
        (Short(), "'mark' has 74 rows for 75 templates"),
        (SaysNaN(), "holds 1 values that are NaN"),
    ],
)
def test_a_failed_preparation_fails_its_attacks_and_no_other(made, tmp_path, monkeypatch, broken, reason) -> None:
    attack = Classifies()
    attack.prepares = (broken,)
    setting = planned(
        made, ("attack", "gender", LEVEL), ("attack", "age", LEVEL), ("other", "gender", LEVEL),
        attack=attack, other=Guesses(),
    )  # fmt: skip
    records, tasks = ran(setting, tmp_path, monkeypatch)
    assert tasks == Counter({"marks of first": 1})
    failed = {cell.attack: record.error for cell, record in records.items() if record.status is Status.FAILED}
    assert set(failed) == {"attack"}
    assert reason in (failed["attack"] or "")


@dataclass(frozen=True)
class Asks:
    """Spends ``queries`` of each subject's budget."""

    queries: int
    name: str = "asks"
    per_database: bool = True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        assert evidence.oracle is not None
        assert evidence.public is not None
        return Prepared({"scores": evidence.oracle.ask(evidence.public.embeddings[: self.queries])})


class AsksMore:
    question, knowledge, access = WhichFace, (Knowledge.ALGORITHM,), Access.SCORES

    def __init__(self, *prepares: Asks) -> None:
        self.prepares = prepares

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        assert evidence.oracle is not None
        spent = sum(one.queries for one in self.prepares)
        assert (evidence.oracle.left == evidence.oracle.budget - spent).all()
        evidence.oracle.ask(np.eye(question.dimension)[:3])
        return rng.standard_normal((evidence.people, question.dimension))


def test_queries_of_preparations_count_in_the_budget(made, tmp_path, monkeypatch) -> None:
    setting = planned(
        made, ("more", "reconstruct", f"{LEVEL} (scores only)"), more=AsksMore(Asks(5), Asks(7, "asks again"))
    )
    records, _ = ran(setting, tmp_path, monkeypatch)
    assert value(records.values(), "queries_per_person", attack="more").value == 5 + 7 + 3


def test_preparations_that_spend_more_than_the_budget_fail_the_attack(made, tmp_path, monkeypatch) -> None:
    budget = made.protocol.queries.scores * made.split.public.embeddings.shape[1]
    attack = AsksMore(Asks(budget), Asks(1, "asks again"))
    setting = planned(made, ("more", "reconstruct", f"{LEVEL} (scores only)"), more=attack)
    [record] = ran(setting, tmp_path, monkeypatch)[0].values()
    assert f"{budget + 1} queries of one subject were made by the attack's preparations" in (record.error or "")


def test_an_attack_outside_of_a_run_prepares_for_itself() -> None:
    evidence = Evidence(Knowledge.BYTES_ONLY, (b"template one", b"template two"), (b"another one",))
    done = with_preparations(evidence, (Marks(),), np.random.default_rng(0))
    assert done.templates == evidence.templates
    np.testing.assert_array_equal(done.prepared["marks"].per_template["mark"], marks(evidence.templates))
    np.testing.assert_array_equal(done.other_prepared["marks"].per_template["mark"], marks(evidence.others))
    assert done.prepared["marks"].common == done.other_prepared["marks"].common
    handed = Prepared({"mark": np.zeros((2, 1))})
    again = with_preparations(replace(evidence, prepared={"marks": handed}), (Marks(),), np.random.default_rng(0))
    assert again.prepared["marks"] is handed
