"""How much time a run has left, told from its own finished tasks: a range, and nothing before it can be known.

What a task takes differs by orders of magnitude, but in two factors: what the attack took on the controls, which run
first, and how much slower the scheme is. The second is learned from the scheme's comparisons, then from its attacks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log, sqrt

FIT, ENROLL, COMPARE, THRESHOLDS, ATTACK = "fit", "enroll", "compare", "thresholds", "attack"
PREPARE = "prepare"
"""In the name of an attack's work: a preparation, which takes as long as attacks do and is expected like them."""

_LEAST_DONE = 0.1
_WIDTH = 1.28
"""Standard deviations on each side of the estimate: a normal distribution has four fifths within."""
_SLOWER, _ANY_SLOWNESS = log(3), 1.0
"""Log of how much slower a scheme is attacked than the controls before anything is known of it, and the spread."""
_OF_COMPARISON, _SLOWNESS = 0.75, 0.6
"""An attack only partly waits for scores: the power of a comparison's slowness that an attack's is, and the spread."""
_ONE_TASK, _ONE_KIND, _KNOWN = 0.6, 1.0, 0.12
"""Spread of the log of one attack's seconds; of a scheme's fit or enrolment before its first; of what is known."""
_TRUST = 2.0
"""How many schemes' worth of evidence the spreads above count as against what the run itself shows."""
_TOGETHER = 0.7
"""Correlation between schemes: few schemes so far may all have been fast ones."""
_LEAST_SECONDS = 1e-4


@dataclass(frozen=True)
class Work:
    """What a task does, as far as its seconds depend on it.

    Attributes
    ----------
    stage, scheme : str
    level : str
        What the attacker holds, or the scenario of a comparison.
    name : str
        Of the attack and its question.
    people : int
        Enrolled by the task; 1 in the other stages.
    """

    stage: str
    scheme: str
    level: str = ""
    name: str = ""
    people: int = 1


@dataclass(frozen=True)
class Left:
    """Seconds left: between ``low`` and ``high`` in four cases of five."""

    low: float
    high: float

    def __str__(self) -> str:
        if self.high < 90:
            low, high, unit = round(self.low), max(1, round(self.high)), "s"
        elif self.high < 5400:
            low, high, unit = round(self.low / 60), round(self.high / 60), "min"
        else:
            low, high, unit = round(self.low / 3600), round(self.high / 3600), "h"
        return f"{low} to {high} {unit} left" if low < high else f"about {high} {unit} left"


@dataclass(frozen=True)
class Took:
    """What a run took.

    Attributes
    ----------
    seconds : float
        From the first task to the end of the last, by the clock.
    workers : int
    busy : float
        Seconds that tasks took, summed over the workers.
    stages : mapping of str -> float
        The same by stage.
    """

    seconds: float
    workers: int
    busy: float
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def idle_share(self) -> float | None:
        """The share of the workers' time in which they ran no task; ``None`` if there was none to run.

        They start, or wait: for data, or for the last task of a stage that the next one needs.
        """
        if self.busy <= 0 or self.seconds <= 0:
            return None
        return max(0.0, 1 - self.busy / (self.workers * self.seconds))


@dataclass(frozen=True)
class _Part:
    """The seconds of tasks that are fast or slow together: their mean and the spread of its log."""

    seconds: float
    spread: float


@dataclass(eq=False)
class TimeLeft:
    """What a run's tasks have taken so far.

    Parameters
    ----------
    ahead : iterable of Work
        Every task of the run.
    controls : collection of str
        The schemes that run first; no estimate is given before all their tasks are done.
    """

    ahead: Counter[Work]
    controls: Collection[str]
    _busy: float = 0.0
    _stage_seconds: dict[str, float] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    _attacks: dict[tuple[str, str], dict[str, list[float]]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, ahead: Iterable[Work], controls: Collection[str]) -> TimeLeft:
        """Nothing is done yet."""
        return cls(Counter(ahead), controls)

    def add(self, work: Work, seconds: float) -> None:
        """A task is done, and took so many seconds of one worker."""
        self.ahead[work] -= 1
        self._busy += seconds
        stage = PREPARE if work.name.startswith(f"{PREPARE} ") else work.stage
        self._stage_seconds[stage] = self._stage_seconds.get(stage, 0.0) + seconds
        keys = [(work.stage,), (work.stage, work.scheme), (work.stage, work.scheme, work.level)]
        if work.stage == ATTACK:
            keys = [(ATTACK, work.name), *([(ATTACK, work.name, "control")] if work.scheme in self.controls else [])]
            self._attacks[work.scheme, work.level].setdefault(work.name, []).append(seconds)
            keys.append((ATTACK,))
        for key in keys:
            self._seen[key][0] += seconds
            self._seen[key][1] += work.people

    def drop(self, scheme: str) -> None:
        """A scheme has failed: what it has left isn't run."""
        self.ahead = Counter({work: count for work, count in self.ahead.items() if work.scheme != scheme})

    def took(self, elapsed: float, workers: int) -> Took:
        """What the run took, when it has ended."""
        return Took(elapsed, workers, self._busy, dict(self._stage_seconds))

    def expected(self, attack: Work) -> float:
        """What an attack should take in seconds: as on the controls, times how much slower its scheme is attacked.

        0 while nothing is known of it; the order of what is expected is all that matters.
        """
        return self._base(attack.name) * exp(self._prior(attack.scheme, attack.level)[0])

    def left(self, elapsed: float) -> Left | None:
        """The time left.

        Parameters
        ----------
        elapsed : float
            Seconds since the run began. What workers and overhead make of the tasks' seconds is learned from it.

        Returns
        -------
        Left or None
            ``None`` before the controls are done and a tenth of the work.
        """
        ahead = [work for work, count in self.ahead.items() if count > 0]
        if self._busy <= 0 or any(work.scheme in self.controls for work in ahead):
            return None
        parts = [*self._stages(ahead), *self._groups(ahead)]
        total = sum(part.seconds for part in parts)
        if self._busy < _LEAST_DONE * (self._busy + total):
            return None
        if total <= 0:
            return Left(0.0, 0.0)
        apart = sum((part.seconds * part.spread) ** 2 for part in parts) / total**2
        together = (sum(part.seconds * part.spread for part in parts) / total) ** 2
        width = exp(_WIDTH * sqrt((1 - _TOGETHER) * apart + _TOGETHER * together))
        seconds = total * elapsed / self._busy
        return Left(seconds / width, seconds * width)

    def _rate(self, *keys: tuple[str, ...]) -> float | None:
        for key in keys:
            if key in self._seen:
                seconds, people = self._seen[key]
                return max(seconds / people, _LEAST_SECONDS)
        return None

    def _stages(self, ahead: Iterable[Work]) -> Iterable[_Part]:
        """Fits, enrolments and comparisons: as long as the same scheme's, else as the mean of the other schemes'."""
        tasks: dict[tuple[str, str, str], int] = defaultdict(int)
        for work in ahead:
            if work.stage != ATTACK:
                tasks[work.stage, work.scheme, work.level] += self.ahead[work] * work.people
        for (stage, scheme, level), people in tasks.items():
            own = self._rate((stage, scheme, level), (stage, scheme))
            rate = own or self._rate((stage,)) or 0.0
            yield _Part(people * rate, _KNOWN if own is not None else _ONE_KIND)

    def _base(self, name: str) -> float:
        return self._rate((ATTACK, name, "control"), (ATTACK, name), (ATTACK,)) or 0.0

    def _prior(self, scheme: str, level: str) -> tuple[float, float]:
        """Log of how much slower a scheme is attacked than the controls, by its comparisons, and the spread."""
        scenario = level if level == "stolen_key" else "none"
        mine = self._rate((COMPARE, scheme, scenario), (COMPARE, scheme))
        controls = [rate for one in self.controls if (rate := self._rate((COMPARE, one))) is not None]
        if mine is None or not controls:
            return _SLOWER, _ANY_SLOWNESS
        return max(0.0, _OF_COMPARISON * log(mine / max(controls))), _SLOWNESS

    def _groups(self, ahead: Iterable[Work]) -> Iterable[_Part]:
        """Attacks: of each scheme and knowledge, what they took on the controls times how much slower the scheme is."""
        names: dict[tuple[str, str], list[float]] = defaultdict(list)
        bases: dict[str, float] = {}
        for work in ahead:
            if work.stage == ATTACK:
                base = bases.setdefault(work.name, self._base(work.name))
                names[work.scheme, work.level] += [base] * self.ahead[work]
        shift, spread = self._learned(bases)
        for group, left in names.items():
            mean, own = self._prior(*group)
            slowness, uncertain = _updated(mean + shift, own * spread, self._shown(group, bases))
            noise = _ONE_TASK / sqrt(_effective(left))
            both = sqrt(uncertain**2 + noise**2)
            yield _Part(sum(left) * exp(slowness + uncertain**2 / 2), both)

    def _shown(self, group: tuple[str, str], bases: dict[str, float]) -> tuple[float, float] | None:
        """Log of how much slower a group's finished attacks were than on the controls, and how many they count as."""
        done = self._attacks.get(group)
        if not done:
            return None
        expected = [
            bases.setdefault(name, self._base(name)) for name, seconds in done.items() for _ in range(len(seconds))
        ]
        seconds = sum(map(sum, done.values()))
        return log(max(seconds, _LEAST_SECONDS) / max(sum(expected), _LEAST_SECONDS)), _effective(expected)

    def _learned(self, bases: dict[str, float]) -> tuple[float, float]:
        """How much slower (log) schemes were than supposed, and their spread beside the supposed one."""
        weights, wrong = [], []
        for group in self._attacks:
            shown = self._shown(group, bases)
            if group[0] not in self.controls and shown is not None:
                mean, spread = self._prior(*group)
                weights.append(shown[1] / (shown[1] + 1 / spread**2))
                wrong.append((shown[0] - mean) / spread)
        shift = sum(w * z for w, z in zip(weights, wrong, strict=True)) / (_TRUST + sum(weights))
        square = sum(w * (z - shift) ** 2 for w, z in zip(weights, wrong, strict=True))
        return shift * _SLOWNESS, sqrt((_TRUST + square) / (_TRUST + sum(weights)))


def _effective(weights: Iterable[float]) -> float:
    """Of how many equal tasks the sum of these would be as uncertain (Kish)."""
    values = [max(value, _LEAST_SECONDS) for value in weights]
    return sum(values) ** 2 / sum(value**2 for value in values)


def _updated(mean: float, spread: float, shown: tuple[float, float] | None) -> tuple[float, float]:
    """A normal prior of a log, and what was shown of it."""
    if shown is None:
        return mean, spread
    value, tasks = shown
    before, now = 1 / spread**2, tasks / _ONE_TASK**2
    return (before * mean + now * value) / (before + now), 1 / sqrt(before + now)
