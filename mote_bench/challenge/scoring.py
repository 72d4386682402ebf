"""Scores answers to the tasks of a challenge by the questions' own rules, and finds floors and ceilings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mote_bench.analysis.selection import Reading, readings
from mote_bench.challenge.manifest import ChallengeTask
from mote_bench.contracts import Cell, FloatArray, Record, Status
from mote_bench.engine import scoring, tasks
from mote_bench.metrics.measured import Measured
from mote_bench.questions import Question
from mote_bench.questions.staging import Attacked, Panel, Rules, Staged, VerificationTargets
from mote_bench.toolkit import stream, stream_seed

RANDOM_ANSWERS = 5
"""Random answers whose mean figure is a task's floor, where chance isn't known in advance."""


@dataclass(frozen=True, eq=False)
class Scorer:
    """All that answers to one task are scored by.

    Attributes
    ----------
    panel : Panel
        The subjects that were enrolled with the scheme; the task is about ``staged.people`` of them.
    seed : int
        Of what scoring draws, such as bootstrap samples: the same for all answers.
    """

    question: Question
    staged: Staged
    panel: Panel
    rules: Rules
    targets: VerificationTargets | None
    seed: int

    def measured(self, answer: FloatArray) -> Measured:
        """The figures of one answer.

        Raises
        ------
        ValueError
            When it can't be scored, such as one that is the same face for all subjects.
        """
        with np.errstate(all="ignore"):  # what overflows is refused below
            shown = tasks.shown(self.question, answer, self.targets)
            attacked = Attacked(answer, None, shown)
            return scoring.measure(
                self.question, attacked, self.staged, panel=self.panel, rules=self.rules, seed=self.seed
            )

    def floor(self, task: ChallengeTask) -> float | None:
        """The headline of a random answer: its expected value if that is known, or the mean of a few.

        ``None`` where it isn't measured of all of these.
        """
        if task.chance is not None:
            return task.chance
        seeds = [stream_seed(self.seed, "random answer", number) for number in range(RANDOM_ANSWERS)]
        found = [self._headline(random_answer(task.shape, seed), task) for seed in seeds]
        values = [value for value in found if value is not None]
        return float(np.mean(values)) if len(values) == len(found) else None

    def ceiling(self, task: ChallengeTask) -> float | None:
        """The headline of the answer of somebody who knows the truth; ``None`` where there is no such answer."""
        best = self.question.best_answer(self.staged, self.panel.people)
        return None if best is None else self._headline(best, task)

    def _headline(self, answer: FloatArray, task: ChallengeTask) -> float | None:
        return next((one.value for one in self.measured(answer).measurements if one.name == task.headline), None)


def random_answer(shape: tuple[int, int], seed: int) -> FloatArray:
    """An answer of independent standard normal numbers."""
    return stream(seed).standard_normal(shape)


def reading_of(task: ChallengeTask, found: Mapping[str, Measured]) -> Reading:
    """The metric by which a task's answers are ranked, and those shown beside it, as on a run's boards."""
    records = [
        Record(Cell("", "", "", name, task.question, task.threat, 0), Status.OK, one.measurements)
        for name, one in found.items()
    ]
    return readings(records)[0]
