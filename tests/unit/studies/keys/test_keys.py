"""The study of key regimes on generated people: a planted scheme that only fresh keys protect, and what is held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mote_bench.cli.commands import study
from mote_bench.contracts import Dataset, Faces, FloatArray, InputError, Key, Shadow, Template
from mote_bench.engine.enrolment import Held
from mote_bench.engine.key_regimes import KeyRegime
from mote_bench.execution import workers
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec
from mote_bench.questions.staging import Database, EnrolledScheme
from mote_bench.records import store
from mote_bench.studies.keys import attackers, running, tables
from mote_bench.studies.keys.running import Found, Wanted
from mote_bench.toolkit import draw_keys, orthonormal, unit
from populations import gaussian_faces
from workshop import one_after_the_other

WANTED = Wanted((KeyRegime.TEMPLATE, KeyRegime.SYSTEM, KeyRegime.INTEGERS), known=(1, 40), stolen=2)
SPEC = RunSpec(
    schemes="biohash",
    attacks="compare-bytes,compare-inverted,kernel-bytes",
    questions="link,reconstruct",
    protocol="quick-1",
)


class Turned:
    """The face turned by a rotation that the key draws: all of it under one key, nothing under fresh ones."""

    revocable = True

    def fit(self, background: Faces, *, seed: int) -> Turned:
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return [
            (turn(key, len(row)) @ row).astype("<f4").tobytes() for key, row in zip(keys or (), references, strict=True)
        ]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        stored = [np.frombuffer(one, dtype="<f4") for one in templates]
        faces = [turn(key, probes.shape[1]).T @ row for key, row in zip(keys or (), stored, strict=True)]
        return np.asarray(np.array(faces) @ unit(probes).T)


@cache
def turn(key: Key, dimension: int) -> FloatArray:
    rng = np.random.default_rng(np.frombuffer(key, dtype=np.uint8))
    return orthonormal(rng.standard_normal((dimension, dimension)))


def uneven_faces(people: int, images: int, *, seed: int = 0) -> Faces:
    """Faces vary more in some directions than in others. Were they even, no key would look more right than another."""
    faces = gaussian_faces(people, images, dimension=24, seed=seed, spread=0.3)
    return replace(faces, embeddings=faces.embeddings * np.geomspace(1, 0.1, 24))


@pytest.fixture(scope="module")
def setting() -> Setting:
    with pytest.MonkeyPatch.context() as patch:
        dataset = Dataset("generated", uneven_faces(200, 4), "0" * 64)
        patch.setattr(settings, "_dataset", lambda *_: dataset)
        made = running.setting_of(SPEC, WANTED)
    return replace(made, plan=replace(made.plan, schemes=made.plan.schemes | {"biohash": Turned()}))


@pytest.fixture(scope="module")
def made(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Found], Path]]:
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "run", one_after_the_other)
        yield running.run(setting, WANTED, out=folder, jobs=1, progress=lambda *_: None), folder


def figure(found: Sequence[Found], question: str, regime: KeyRegime, attacker: str) -> Any:
    [one] = [one for one in found if (one.reading.question, one.regime, one.attacker) == (question, regime, attacker)]
    assert one.record is not None
    return next(each for each in one.record.measurements if each.name == one.reading.headline)


def test_only_fresh_keys_keep_the_planted_scheme_unlinkable(made: tuple[list[Found], Path]) -> None:
    found, _ = made
    fresh = figure(found, "link", KeyRegime.TEMPLATE, "no keys")
    shared = figure(found, "link", KeyRegime.SYSTEM, "no keys")
    assert fresh.low < 0.5 < fresh.high + 0.1
    assert fresh.value > 0.35
    assert shared.value < 0.1
    assert shared.value == pytest.approx(shared.ceiling, abs=0.05)
    assert shared.floor > 0.35


def test_known_subjects_break_one_key_and_no_fresh_ones(made: tuple[list[Found], Path]) -> None:
    found, _ = made
    known, fresh = (
        figure(found, "reconstruct", regime, "40 known subjects") for regime in (KeyRegime.SYSTEM, KeyRegime.TEMPLATE)
    )
    without = figure(found, "reconstruct", KeyRegime.SYSTEM, "no keys")
    assert known.low > max(fresh.high, without.high)
    assert figure(found, "reconstruct", KeyRegime.SYSTEM, "1 known subject").value < known.low


def test_numbers_are_no_keys(made: tuple[list[Found], Path]) -> None:
    found, _ = made
    for attacker in ("no keys", "1 known subject", "keys of 2 subjects", "all keys"):
        assert figure(found, "link", KeyRegime.INTEGERS, attacker).value < 0.1
        assert figure(found, "link", KeyRegime.TEMPLATE, "keys of 2 subjects").value > 0.35
    assert figure(found, "link", KeyRegime.SYSTEM, "keys of 2 subjects").value < 0.1


def test_finished_cells_are_kept_and_tables_hold_every_attacker(
    setting: Setting, made: tuple[list[Found], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, folder = made
    monkeypatch.setattr(workers, "run", lambda *_, **__: pytest.fail("a finished cell was run again"))
    again = running.run(setting, WANTED, out=folder, jobs=2, progress=lambda *_: None)
    written = tables.files(setting, WANTED, found)
    assert tables.files(setting, WANTED, again) == written
    stated = {one.provenance["key_regime"] for one in store.read(folder / "keys" / "system" / "tried-keys")}
    assert stated == {"system: tried keys of 2 subjects"}
    text, rows = written["keys-generated.md"], written["keys-generated.csv"].splitlines()
    assert text.count("| no keys ") == 2 * len(WANTED.regimes) + 2
    assert "1 known subject " in text
    assert "--regimes template,system,integers --known-subjects 1,40 --stolen-subjects 2" in text
    assert rows[0].startswith("scheme,question,regime,attacker,metric,value,low,high,n,floor,ceiling")
    assert {row.split(",")[2] for row in rows[1:]} == set(WANTED.regimes)
    assert all(row.split(",")[9] for row in rows[1:] if ",eer," in row)  # a floor beside each


class Refuses(Turned):
    """A scheme that can't enrol."""

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        raise ValueError("no template can be made")


def test_a_scheme_that_fails_is_not_measured(setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "run", one_after_the_other)
    plan = setting.plan
    cells = tuple(one for one in plan.cells if one.attack == "compare-bytes")
    failing = replace(setting, plan=replace(plan, cells=cells, schemes=plan.schemes | {"biohash": Refuses()}))
    wanted = Wanted((KeyRegime.SYSTEM,), known=())
    found = running.run(failing, wanted, out=tmp_path, jobs=1, progress=lambda *_: None)
    assert {(one.attacker, one.record) for one in found} == {
        ("no keys", None), ("keys of 10 subjects", None), ("all keys", None)
    }  # fmt: skip
    assert tables.files(failing, wanted, found)["keys-generated.md"].count("not measured") == 3
    assert "`system`, compare-bytes (no keys): failed" in tables.files(failing, wanted, found)["keys-generated.md"]


def held_of(count: int = 60) -> tuple[Held, EnrolledScheme]:
    faces = uneven_faces(count, 1)
    scheme, rng = Turned(), np.random.default_rng(1)

    def shadow(keys: tuple[Key, ...], again: tuple[Key, ...]) -> Shadow:
        one, other = (tuple(scheme.enroll(faces.embeddings, keys=some, seeds=())) for some in (keys, again))
        return Shadow(faces, one, keys, faces, other, again)

    pool = draw_keys(4, rng)
    further = shadow(tuple(pool[row % 4] for row in range(count)), tuple(pool[row % 3] for row in range(count)))
    databases = [Database(further.templates, further.keys), Database(further.second_templates, further.second_keys)]
    enrolled = EnrolledScheme(scheme, *databases, shadow=shadow(draw_keys(count, rng), draw_keys(count, rng)))
    return Held(enrolled, databases[0], (), further=further), enrolled


def test_a_few_known_subjects_stand_among_the_shadow_subjects_and_many_alone() -> None:
    held, enrolled = held_of()
    assert held.further is not None
    few, many = (attackers.with_known(known, held).enrolled.shadow for known in (1, 10))
    assert few.templates == held.further.templates[:1] + enrolled.shadow.templates[1:]
    assert few.second_templates == held.further.second_templates[:1] + enrolled.shadow.second_templates[1:]
    assert many.templates == held.further.templates[:10]
    assert (len(few.references), len(many.references), len(many.seconds)) == (60, 10, 10)
    assert not {*few.keys, *many.keys, *many.second_keys} & {*held.further.keys}  # none of theirs is told


def test_keys_of_a_pool_are_tried_and_found() -> None:
    held, enrolled = held_of()
    public = uneven_faces(200, 1, seed=5)
    seen = attackers.with_tried_keys(KeyRegime.POOL_4, 4, public, held).enrolled
    right = np.mean([one == other for one, other in zip(seen.first.keys, enrolled.first.keys, strict=True)])
    assert right > 0.9
    assert seen.first.templates == enrolled.first.templates
    assert {*seen.shadow.keys} <= {*attackers.candidates(KeyRegime.POOL_4, held, 4)}
    # Of one subject two keys are stolen at most; the others are not among those tried.
    assert len(attackers.candidates(KeyRegime.POOL_4, held, 1)) == 1
    some = attackers.with_tried_keys(KeyRegime.POOL_4, 2, public, held).enrolled
    assert len({*some.first.keys}) == 2 == len({*some.shadow.keys})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"schemes": "mote-linear"}, "--schemes mote-linear: these take no keys"),
        ({"questions": "gender"}, "--questions gender: expected link, reconstruct"),
        ({"regimes": "template,weekly"}, "no regime 'weekly'; expected some of: template, subject"),
        ({"known_subjects": "1,many"}, "--known-subjects 1,many: expected whole numbers"),
        ({"known_subjects": "5000"}, "5000 further enrolled subjects asked for, and there are"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        study.keys(**{"out": tmp_path} | options)
