"""Attacks on parts of templates of generated people."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from mote_bench import registry
from mote_bench.contracts import CEILING, Dataset, Faces, FloatArray, InputError, Key, Record, Template
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec
from mote_bench.studies.leak import attacked, tables
from mote_bench.studies.leak.attackers import seen_of
from mote_bench.studies.leak.parts import Leak, Part
from mote_bench.toolkit import revocable, stream, unit
from populations import gaussian_faces

SPEC = RunSpec(
    schemes=CEILING,
    attacks="logistic-bytes,kernel-bytes,pairs-bytes,logistic-closed-form,several-bytes,inverted-scores",
    questions="gender,age,reconstruct,link,photo",
    protocol="quick-1",
)


class GenderInTheLastByte:
    """Fifteen random bytes and one that says on which side of the mean face the background's genders part."""

    def fit(self, background: Faces, *, seed: int) -> Self:
        male = background.attributes["gender"] == "male"
        faces = background.embeddings
        self._way = faces[male].mean(axis=0) - faces[~male].mean(axis=0)
        self._middle = (faces[male].mean(axis=0) + faces[~male].mean(axis=0)) @ self._way / 2
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        sides = references @ self._way > self._middle
        return [stream(seed).bytes(15) + bytes([255 * side]) for seed, side in zip(seeds, sides, strict=True)]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        stored = np.array([one[-1] > 0 for one in templates])
        return (stored[:, None] == (unit(probes) @ self._way > self._middle)).astype(np.float32)


def setting_of(spec: RunSpec = SPEC) -> Setting:
    dataset = Dataset("generated", gaussian_faces(200, 4, spread=0.6), "0" * 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "_dataset", lambda *_: dataset)
        return attacked.make(spec)


def with_scheme(setting: Setting, name: str, scheme: Any) -> Setting:
    """The setting with one more scheme, attacked as the ceiling is."""
    own = setting.plan.cells
    more = tuple(replace(cell, scheme=name) for cell in own if cell.scheme == CEILING and "closed" not in cell.attack)
    return replace(
        setting, plan=replace(setting.plan, cells=own + more, schemes={**setting.plan.schemes, name: scheme})
    )


def studied(setting: Setting, leaks: str, out: Path) -> tuple[dict[Any, tuple[Record, ...]], list[attacked.Success]]:
    wanted = [Leak.parse(one) for one in leaks.split(",")]
    found = attacked.run(setting, wanted, out=out, jobs=1, progress=lambda *_: None)
    return found, attacked.successes(setting, found)


def value(found: list[attacked.Success], question: str, leak: str, *, row: str = CEILING) -> Any:
    [one] = [one for one in found if (one.row, one.question, one.leak and one.leak.name) == (row, question, leak)]
    return one.one


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Setting, dict[Any, tuple[Record, ...]], Any, Path]:
    setting, out = setting_of(), tmp_path_factory.mktemp("leak")
    leaks = "first-bytes=0,first-bytes=100,random-values=100,first-values=1,rounded-values=1"
    return setting, *studied(setting, leaks, out), out


def figures(records: Sequence[Record]) -> dict[Any, Any]:
    kept = [replace(one, details={k: v for k, v in one.details.items() if k != "leaked_share"}) for one in records]
    return {one.cell: (one.status, one.measurements, one.rehearsal, one.details) for one in kept}


def test_one_stolen_template_and_what_it_gives_away(study: Any) -> None:
    """No online access, no second template, no other question; what needs a method of the scheme reads no part."""
    _, found, _, _ = study
    whole, part = ({one.cell.attack for one in found[key]} for key in (None, Leak.parse("first-values=1")))
    assert {one.cell.question for one in found[None]} == {"gender", "age", "reconstruct", "link"}
    assert whole == {"logistic-bytes", "kernel-bytes", "pairs-bytes", "logistic-closed-form"}
    assert part == {"logistic-bytes", "kernel-bytes", "pairs-bytes"}


@pytest.mark.parametrize("leak", ["first-bytes=100", "random-values=100"])
def test_all_of_it_gives_the_figures_of_whole_templates(study: Any, leak: str) -> None:
    _, found, _, _ = study
    part = figures(found[Leak.parse(leak)])
    assert {cell: figure for cell, figure in figures(found[None]).items() if cell in part} == part


def test_nothing_of_it_stands_at_the_floor(study: Any) -> None:
    _, _, found, _ = study
    for question in ("gender", "age", "link"):
        nothing = value(found, question, "first-bytes=0")
        assert nothing.value == nothing.floor == nothing.chance == 0.5
    assert value(found, "reconstruct", "first-bytes=0") is None  # one and the same face for all is no reconstruction


def test_the_first_value_gives_gender_and_not_age(study: Any) -> None:
    """The generated people's gender is in the first dimension, their age in the second."""
    _, _, found, _ = study
    assert value(found, "gender", "first-values=1").low > 0.9
    assert value(found, "age", "first-values=1").value < 0.6
    assert value(found, "age", "rounded-values=1").low > 0.6  # one bit of each value has both


def test_reconstructions_are_verified_by_the_whole_system(study: Any) -> None:
    _, found, _, _ = study
    whole, part = (
        next(one for one in found[key] if (one.cell.scheme, one.cell.attack) == (CEILING, "kernel-bytes"))
        for key in (None, Leak.parse("rounded-values=1"))
    )
    assert {one.name for one in part.measurements} == {one.name for one in whole.measurements}


def test_gender_in_the_last_byte_leaks_with_that_byte_alone(tmp_path: Path) -> None:
    spec = replace(SPEC, questions="gender", attacks="logistic-bytes")
    setting = with_scheme(setting_of(spec), "last-byte", GenderInTheLastByte())
    leaks = "first-bytes=50,first-bytes=93,first-values=120,first-bytes=100,first-values=121,random-values=100"
    _, found = studied(setting, leaks, tmp_path)
    for leak in leaks.split(",")[:3]:
        one = value(found, "gender", leak, row="last-byte")
        assert one.low < 0.5 < one.high, leak
    for leak in leaks.split(",")[3:]:
        assert value(found, "gender", leak, row="last-byte").low > 0.5, leak  # of its eight bits one, or all
    assert value(found, "gender", "first-bytes=100", row="last-byte").value > 0.95


def test_keys_make_two_rows_and_stolen_ones_are_used(tmp_path: Path) -> None:
    spec = replace(SPEC, schemes="biohash", questions="reconstruct", attacks="kernel-bytes")
    _, found = studied(setting_of(spec), "first-bytes=50", tmp_path)
    kept, stolen = (
        value(found, "reconstruct", "first-bytes=50", row=f"biohash, keys {word}stolen") for word in ("not ", "")
    )
    assert kept.low <= 0 <= kept.high
    assert stolen.low > 0.1


def test_a_second_study_keeps_every_cell_and_has_the_same_files(study: Any) -> None:
    setting, found, rows, out = study

    def nothing_left(done: int, total: int, what: str) -> None:
        raise AssertionError("a finished cell was run again")

    leaks = [leak for leak in found if leak and leak.amount]  # attacks on nothing fail, and are tried again
    again = attacked.run(setting, leaks, out=out, jobs=1, progress=nothing_left)
    assert again == {leak: found[leak] for leak in again}
    made, before = attacked.successes(setting, again), [one for one in rows if one.leak is None or one.leak.amount]
    assert made == before


def test_the_ceiling_is_the_strongest_attack_on_whole_templates(study: Any) -> None:
    _, _, found, _ = study
    for question in ("gender", "age", "reconstruct", "link"):
        mine = [one for one in found if one.question == question]
        assert mine[-1].what == attacked.EVERY_ATTACK
        assert {one.one.ceiling for one in mine if one.one is not None} == {mine[-1].one.value}


def test_the_table_shows_every_leak_and_says_where_nothing_is_measured(study: Any) -> None:
    text = tables.render("generated", study[2])
    assert "| the first value " in text
    assert "EER, lower leaks more" in text
    assert "| not measured " in text


def test_an_attacker_sees_parts_alone() -> None:
    scheme = registry.load("schemes", CEILING).fit(gaussian_faces(30, 2), seed=0)
    faces = gaussian_faces(5, 1, seed=1).embeddings
    whole = scheme.enroll(faces, keys=None, seeds=range(5))
    part = Part.learned(Leak.parse("first-bytes=25"), whole, seed=0)
    seen = seen_of(scheme, part)
    assert seen.enroll(faces, keys=None, seeds=range(5)) == [one[:32] for one in whole]
    assert seen.fit(gaussian_faces(30, 2), seed=0) is seen
    assert not revocable(seen)
    assert not [name for name in ("score", "reconstruct", "surrogate", "public") if hasattr(seen, name)]
    # Readings are those of whole templates with a rest of the attacker's own.
    [read] = seen.readings(part.of(whole))  # type: ignore[attr-defined]
    [stored] = scheme.readings(whole)
    assert np.array_equal(read[:, :8], stored[:, :8])
    assert np.array_equal(read[:, 8:], stored[[0] * 5, 8:])
    other = seen_of(registry.load("schemes", "biohash"), part)
    assert (hasattr(other, "likelihood"), hasattr(other, "readings")) == (True, False)
    assert pickle.loads(pickle.dumps(seen)).enroll(faces, keys=None, seeds=range(5)) == part.of(whole)


def test_parts_of_templates_of_unequal_length_have_no_readings() -> None:
    scheme = registry.load("schemes", CEILING).fit(gaussian_faces(30, 2), seed=0)
    part = Part.learned(Leak.parse("first-values=1"), [bytes(128), bytes(64)], seed=0)
    assert seen_of(scheme, part).readings(part.of([bytes(128)])) == ()  # type: ignore[attr-defined]


def test_questions_that_no_part_answers_are_refused() -> None:
    with pytest.raises(InputError, match=r"no attack reads one stolen template.*expected questions about attributes"):
        setting_of(replace(SPEC, questions="photo", attacks="score-photo"))
