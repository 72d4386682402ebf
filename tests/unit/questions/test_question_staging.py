"""Databases, panels and cases: whose row is whose, on a few subjects."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from mote_bench.contracts import Evidence, Faces, Knowledge, Measurement
from mote_bench.metrics.measured import Measured
from mote_bench.planning.plan import Plan
from mote_bench.planning.settings import Setting
from mote_bench.planning.split import Enrolled, Split
from mote_bench.questions.staging import (
    Attacked,
    Case,
    Database,
    EnrolledScheme,
    Panel,
    Rules,
    Scene,
    Staged,
    Unprotected,
    VerificationTargets,
)

KEYED = Database((b"template 0", b"template 1", b"template 2"), (b"key 0", b"key 1", b"key 2"))
KEYLESS = Database((b"template 3",), None)


def test_rows_name_templates_and_keys_alike() -> None:
    found = KEYED.rows(np.array([2, 0]))
    assert (found.templates, found.keys) == ((b"template 2", b"template 0"), (b"key 2", b"key 0"))
    assert KEYLESS.rows(np.array([0])).keys is None
    assert KEYED.rows(np.empty(0, dtype=np.intp)).templates == ()


def test_rows_are_copies() -> None:
    found = KEYED.rows(np.arange(3))
    held = {id(one) for one in KEYED.templates + (KEYED.keys or ())}
    assert not held & {id(one) for one in found.templates + (found.keys or ())}


def test_two_databases_one_after_the_other() -> None:
    more = Database((b"template 3",), (b"key 3",))
    both = KEYED + more
    assert both.templates == (*KEYED.templates, b"template 3")
    assert both.keys == (b"key 0", b"key 1", b"key 2", b"key 3")
    assert (KEYED + KEYLESS).keys is (KEYLESS + KEYED).keys is None


def panel(count: int, start: int) -> Panel:
    faces = Faces(np.eye(5)[:count])
    return Panel(Enrolled(faces, None, None, np.empty(0, dtype=np.intp), np.arange(count) + 50), start)


STOLEN = np.array([3, 0, 4, 1, 2])


@pytest.mark.parametrize(("count", "start", "places"), [(3, 0, [1, 3, 4]), (2, 3, [0, 2]), (1, 2, [4]), (0, 0, [])])
def test_a_panel_finds_its_own_subjects(count: int, start: int, places: list[int]) -> None:
    faces = Faces(np.eye(5)[: max(count, 1)]).rows(np.arange(count))
    own = Panel(Enrolled(faces, None, None, np.empty(0, dtype=np.intp), np.arange(count)), start)
    assert own.of(STOLEN).tolist() == places


def case(queries: list[int] | None = None) -> Case:
    answer = 10.0 * STOLEN[:, None]
    staged = Staged(Evidence(Knowledge.ALGORITHM), STOLEN, np.empty(0, dtype=np.intp))
    attacked = Attacked(answer, None if queries is None else np.array(queries), {})
    return Case(attacked, staged, panel(2, 3), Rules(Unprotected(np.zeros(5), {}), {}))


def test_a_cases_rows_people_and_answer_belong_together() -> None:
    assert case().rows.tolist() == [0, 2]
    assert case().people.tolist() == [0, 1]
    assert case().answer.tolist() == [[30.0], [40.0]]


FIGURE = Measurement("accuracy", 0.5, 0.4, 0.6, 2)
FOUND = Measured((FIGURE,), {"kept": 1}, {"accuracy": np.array([0.123456, -0.1])})


def test_finished_adds_queries_further_figures_and_influence() -> None:
    more = Measurement("auc", 0.5, 0.4, 0.6, 2)
    found = case([8, 1, 2, 1, 1]).finished(FOUND, (more,))
    assert [(one.name, one.value) for one in found.measurements] == [
        ("accuracy", 0.5),
        ("queries_per_person", 5.0),
        ("auc", 0.5),
    ]
    assert found.details == {"kept": 1, "influence": {"people": [50, 51], "accuracy": [0.1235, -0.1]}}
    assert case().finished(FOUND).measurements == (FIGURE,)


def test_staged_evidence_without_a_truth_has_an_empty_one() -> None:
    staged = Staged(Evidence(Knowledge.ALGORITHM), STOLEN, STOLEN)
    assert (len(staged.truth), staged.truth.dtype) == (0, np.intp)
    assert (Scene(Faces(np.eye(2)), [0]).candidates, Scene(Faces(np.eye(2)), [0]).budget) == (0, 0)


HELD = (
    Database,
    EnrolledScheme,
    Scene,
    Staged,
    VerificationTargets,
    Unprotected,
    Rules,
    Panel,
    Attacked,
    Case,
    Enrolled,
    Split,
    Plan,
    Setting,
)


@pytest.mark.parametrize("kind", HELD)
def test_what_the_harness_holds_cannot_be_changed_and_equals_only_itself(kind: type) -> None:
    """Equality of arrays has no truth value, and who could set a field could set it for others."""
    one, other = object.__new__(kind), object.__new__(kind)
    assert one != other
    assert len({one, other}) == 2
    with pytest.raises(FrozenInstanceError):
        one.anything = 1
