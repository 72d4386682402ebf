"""How often a gate is wrong, by whole runs: false alarms over unchanged code, and planted regressions missed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from mote_bench.analysis.gate import WORSE, Gate, compare
from mote_bench.contracts import CEILING, Dataset, Faces, FloatArray, Record
from mote_bench.engine import runner
from mote_bench.execution import workers
from mote_bench.planning import settings
from mote_bench.planning.spec import RunSpec
from mote_bench.questions.harness import ZERO_EFFORT
from mote_bench.records import store
from mote_bench.toolkit import unit
from populations import gaussian_faces
from workshop import one_after_the_other

PAIRS = 100
POWER_PAIRS = 40
PILOT = 8
BEFORE = 0.3
NAME = "gaussian-mechanism"
ASKED = RunSpec(
    schemes=NAME, attacks="logistic-bytes,ridge-answers,compare-bytes", questions="gender,reconstruct,link,verify"
)


class Blurred:
    """Embeddings with noise of a chosen size: as much hidden as the noise is large."""

    def __init__(self, noise: float) -> None:
        self.noise = noise

    def fit(self, background: Faces, *, seed: int) -> Blurred:
        return self

    def enroll(self, references: FloatArray, *, keys: object, seeds: Iterable[int]) -> list[bytes]:
        noise = np.stack([np.random.default_rng(seed).standard_normal(references.shape[1]) for seed in seeds])
        return [row.tobytes() for row in unit(references + self.noise * noise).astype(np.float32)]

    def score(self, templates: Iterable[bytes], probes: FloatArray, *, keys: object) -> FloatArray:
        return np.stack([np.frombuffer(one, dtype=np.float32) for one in templates]) @ probes.T


@pytest.fixture(scope="module")
def records_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[Record]]]:
    """The records of a run that a gate reads: the scheme's, and whether each attack works on the ceiling control.

    No cell depends on those of another scheme or question.
    """
    # Weak attributes in a large population, so that figures lie away from their bounds and runs differ in their people.
    faces, folder = gaussian_faces(900, 4, dimension=16, spread=0.5), tmp_path_factory.mktemp("gates")
    attacks = ASKED.attacks.split(",")
    store.prepare(folder)

    @cache
    def made(noise: float, seed: int, questions: str = ASKED.questions) -> list[Record]:
        setting = settings.make(replace(ASKED, seed=seed, protocol="quick-1", questions=questions))
        read = {(NAME, attack) for attack in (ZERO_EFFORT, *attacks)} | {(CEILING, attack) for attack in attacks}
        cells = tuple(cell for cell in setting.plan.cells if (cell.scheme, cell.attack) in read)
        plan = replace(setting.plan, cells=cells, schemes={**setting.plan.schemes, NAME: Blurred(noise)})
        finished = runner.run(replace(setting, plan=plan), folder, jobs=1, progress=lambda *_: None, fresh=True)
        return list(finished.records)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settings, "_dataset", lambda *_: Dataset("generated", faces, "0" * 64))
        patched.setattr(workers, "run", one_after_the_other)
        yield made


def gate(before: list[Record], now: list[Record]) -> Gate:
    return compare(before, now, schemes=[NAME])


@pytest.mark.slow(minutes=1.5)
def test_false_alarms(records_of: Any) -> None:
    """Two runs of one code with two seeds, so with other people, noise and attackers: at most one in a hundred."""
    gates = [gate(records_of(BEFORE, 2 * pair), records_of(BEFORE, 2 * pair + 1)) for pair in range(PAIRS)]
    alarms = sum(any(one.verdict == WORSE for one in made.comparisons) for made in gates)
    print(f"{alarms} false alarms in {PAIRS} gates")
    assert all(one.low is not None for made in gates for one in made.comparisons)
    # At a true rate of one in a hundred, more than four in 100 are seen four times in a thousand.
    assert alarms <= 4


@pytest.mark.slow(minutes=0.25)
def test_power(records_of: Any) -> None:
    """Links that get stronger by what the gate says it would find are found nine times in ten.

    Only links are run anew. The other records count all the same: the gate's intervals are wider for their number.
    """

    def link(noise: float, seed: int) -> Any:
        before = records_of(BEFORE, seed)
        others = [record for record in before if record.cell.question != "link"]
        made = gate(before, others + records_of(noise, seed, "link"))
        return next(one for one in made.comparisons if one.place.question == "link")

    for noise in (0.26, 0.24, 0.22, 0.20, 0.18, 0.16):
        linked = [link(noise, seed) for seed in range(1000, 1000 + PILOT)]
        planted = np.mean([(one.low + one.high) / 2 for one in linked])
        would = np.mean([one.detectable for one in linked])
        if planted >= would:
            break
    assert planted >= would
    found = [link(noise, seed).verdict == WORSE for seed in range(POWER_PAIRS)]
    print(f"planted {planted:.3f}, would find {would:.3f}: found {sum(found)} of {POWER_PAIRS}")
    # At a true power of 0.9, fewer than 31 of 40 are seen once in 100 times.
    assert sum(found) >= 31
