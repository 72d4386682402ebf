"""Every scheme is tried on a few faces before a run: what fails is left out by name, or refused where it was named."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.analysis.standings import standings
from mote_bench.contracts import Dataset, Faces, FloatArray, InputError, Key, Status, Template
from mote_bench.engine import dry_run, runner
from mote_bench.execution import workers
from mote_bench.execution.isolation import Bounds
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec
from mote_bench.records import store
from populations import gaussian_faces


class MultipleOf(Cosine):
    """A scheme that takes some dimensions only."""

    def __init__(self, block: int) -> None:
        self.block = block

    def fit(self, background: Faces, *, seed: int) -> Self:
        if background.embeddings.shape[1] % self.block:
            raise ValueError(f"block={self.block}; expected a divisor of {background.embeddings.shape[1]}")
        super().fit(background, seed=seed)
        return self


class ManyPeople(Cosine):
    """A scheme whose fit needs more people than the trial gives it at first."""

    def __init__(self, least: int) -> None:
        self.least = least

    def fit(self, background: Faces, *, seed: int) -> Self:
        if len(background) < self.least:
            raise InputError(f"{len(background)} faces; expected {self.least}")
        super().fit(background, seed=seed)
        return self


class NoTemplates(Cosine):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return []


class Slow(NoTemplates):
    slow_to_try = True


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers' work without processes."""
    monkeypatch.setattr(workers, "run", lambda made, **_: ((one.key, one.function(*one.arguments)) for one in made))


@pytest.fixture(scope="module")
def planned() -> Setting:
    dataset = Dataset("generated", gaussian_faces(140, 4), "0" * 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "_dataset", lambda *_: dataset)
        return settings.make(RunSpec(schemes="biohash", questions="verify", protocol="quick-1"))


def with_schemes(made: Setting, schemes: str = "default", **more: Any) -> Setting:
    plan = replace(made.plan, schemes=made.plan.schemes | more)
    return replace(made, plan=plan, spec=replace(made.spec, schemes=schemes))


def test_what_can_be_run_stays_as_it_was(planned: Setting) -> None:
    setting = with_schemes(planned, "biohash")
    before = [np.random.get_state()[1].tolist(), random.getstate()]  # type: ignore[index]  # noqa: NPY002
    checked = dry_run.checked(setting, jobs=1)
    assert [np.random.get_state()[1].tolist(), random.getstate()] == before  # type: ignore[index]  # noqa: NPY002
    assert (checked.plan.cells, checked.plan.left_out) == (setting.plan.cells, {})
    assert checked.plan.refused == setting.plan.refused


def test_what_was_named_is_refused_all_at_once(planned: Setting) -> None:
    setting = with_schemes(planned, "biohash,a,b,c", a=MultipleOf(5), b=NoTemplates(), c=MultipleOf(4))
    with pytest.raises(InputError) as refused:
        dry_run.checked(setting, jobs=1)
    assert str(refused.value) == (
        "scheme 'a' can't take these data: block=5; expected a divisor of 32; scheme 'b' can't take these data: "
        "enroll gave 0 templates for 2 people; expected bytes for each. Leave them out: --schemes biohash,c"
    )


def test_what_was_not_named_is_left_out_and_said_so_on_the_board(planned: Setting, tmp_path: Path) -> None:
    checked = dry_run.checked(with_schemes(planned, "default", biohash=MultipleOf(5)), jobs=1)
    assert checked.plan.left_out == {"biohash": "block=5; expected a divisor of 32"}
    assert checked.plan.refused[-1] == "scheme 'biohash' can't take these data: block=5; expected a divisor of 32"
    store.prepare(tmp_path)
    made = runner.run(checked, tmp_path, jobs=1, progress=lambda *_: None)
    assert {one.status for one in made.records if one.cell.scheme == "biohash"} == {Status.UNMEASURED}
    assert {one.status for one in made.records if one.cell.scheme != "biohash"} == {Status.OK}
    [(board, _)] = standings(store.read(tmp_path))
    assert [one.notes[0] for one in board.rows if one.scheme == "biohash"] == [
        "left out of the run: block=5; expected a divisor of 32"
    ] * sum(one.scheme == "biohash" for one in board.rows)
    again = runner.run(checked, tmp_path, jobs=1, progress=lambda *_: None)
    assert again.kept == len(again.records)


def test_a_control_is_never_left_out(planned: Setting) -> None:
    with pytest.raises(InputError, match=r"scheme 'noise' can't take these data: .*--schemes default"):
        dry_run.checked(with_schemes(planned, "all", noise=NoTemplates()), jobs=1, demanded=())


def test_what_needs_more_people_gets_them(planned: Setting) -> None:
    setting = with_schemes(planned, "a,b", a=ManyPeople(101), b=ManyPeople(10_000))
    assert len(dry_run.small(setting.split.background)) <= 100
    with pytest.raises(InputError) as refused:
        dry_run.checked(setting, jobs=1)
    assert str(refused.value).startswith(f"scheme 'b' can't take these data: {len(setting.split.background)} faces; ex")
    assert str(refused.value).endswith("--schemes a")


def test_what_is_slow_or_takes_too_long_is_left_to_the_run(planned: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "_SECONDS", 1e-6)
    monkeypatch.setattr(workers, "stop", lambda: None)
    setting = with_schemes(planned, "a,b", a=Slow(), b=NoTemplates())
    assert dry_run.checked(setting, jobs=1).plan.left_out == {}


def test_the_small_background_has_several_photos_of_each_person() -> None:
    faces = gaussian_faces(70, 3)
    small = dry_run.small(faces)
    assert np.unique(small.identity, return_counts=True)[1].tolist() == [2] * dry_run.PEOPLE  # type: ignore[arg-type]
    assert len(dry_run.small(Faces(faces.embeddings))) == dry_run.PEOPLE * dry_run.PHOTOS
    one_each = faces.rows(np.arange(0, len(faces), 3))
    assert len(dry_run.small(one_each)) == len(one_each)


def test_isolated_trials_are_contained(planned: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    bounds, seen = Bounds(), []

    def contained(limits: Bounds, function: Any, *arguments: Any) -> Any:
        seen.append(limits)
        return function(*arguments)

    monkeypatch.setattr(dry_run, "contained", contained)
    dry_run.checked(with_schemes(planned, "biohash"), jobs=1, bounds=bounds)
    assert set(seen) == {bounds}
