"""The time left: worked out by hand on round numbers, and replayed from what whole runs took."""

from __future__ import annotations

import csv
import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mote_bench.engine.time_left import ATTACK, COMPARE, ENROLL, FIT, Left, TimeLeft, Took, Work

CONTROLS = ("cosine", "noise")
RUNS = Path(__file__).with_name("timed_runs.csv")
DEFAULT = {*CONTROLS, "biohash", "pe-miu", "mote"}
CHUNKS, PEOPLE = 62, 32
"""Of the people that a run of people-2 enrols with each scheme."""

Stage = list[tuple[Work, float]]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0, 0.2, "0 to 1 s left"),
        (12, 45.4, "12 to 45 s left"),
        (50, 89.9, "50 to 90 s left"),
        (200, 419, "3 to 7 min left"),
        (110, 120, "about 2 min left"),
        (3000, 5500, "1 to 2 h left"),
    ],
)
def test_a_range_in_words(low: float, high: float, text: str) -> None:
    assert str(Left(low, high)) == text


def attack(scheme: str, number: int) -> Work:
    return Work(ATTACK, scheme, "algorithm", f"attack-{number}")


def test_nothing_is_said_before_the_controls_are_done() -> None:
    left = TimeLeft.of([attack("cosine", 0), attack("noise", 0), attack("biohash", 0)], CONTROLS)
    left.add(attack("cosine", 0), 1.0)
    assert left.left(1.0) is None
    left.add(attack("noise", 0), 1.0)
    assert left.left(2.0) is not None


def test_idle_time_of_a_timeline() -> None:
    """Two workers for 10 s: one works for 8 of them, the other for 4, so 8 of 20 seconds are idle."""
    timeline = {"first": [(0.0, 3.0), (5.0, 10.0)], "second": [(0.0, 4.0)]}
    left = TimeLeft.of((), CONTROLS)
    for spans in timeline.values():
        for start, end in spans:
            left.add(attack("mote", 0), end - start)
    assert left.took(10.0, len(timeline)).idle_share == pytest.approx(0.4)


@pytest.mark.parametrize(("took", "share"), [
    (Took(10, 2, 20), 0.0),
    (Took(10, 2, 20.1), 0.0),  # clocks of several processes
    (Took(10, 2, 5), 0.75),
    (Took(0.2, 2, 0), None),
])  # fmt: skip
def test_idle_share(took: Took, share: float | None) -> None:
    assert took.idle_share == (None if share is None else pytest.approx(share))


def test_long_attacks_are_expected_to_be_long() -> None:
    """An attack that took 10 s on the controls, a scheme that compares at a hundredth of their speed."""
    left = TimeLeft.of((), CONTROLS)
    assert left.expected(attack("biohash", 0)) == 0
    for scheme, compared in (("cosine", 0.1), ("noise", 0.1), ("biohash", 0.1), ("mote", 10.0)):
        left.add(Work(COMPARE, scheme, "none"), compared)
    for scheme in CONTROLS:
        left.add(attack(scheme, 0), 10.0)
        left.add(attack(scheme, 1), 1.0)
    ahead = [attack(scheme, number) for scheme in ("biohash", "mote") for number in (0, 1)]
    assert sorted(ahead, key=left.expected, reverse=True) == [
        attack("mote", 0), attack("mote", 1), attack("biohash", 0), attack("biohash", 1)
    ]  # fmt: skip
    assert left.expected(attack("biohash", 0)) == pytest.approx(10.0)


def test_nothing_is_said_before_a_tenth_of_the_work() -> None:
    ahead = [Work(ENROLL, "biohash", people=1) for _ in range(20)]
    left = TimeLeft.of(ahead, CONTROLS)
    left.add(ahead[0], 1.0)
    assert left.left(1.0) is None
    left.add(ahead[0], 1.0)
    assert left.left(2.0) is not None


def test_enrolments_by_hand() -> None:
    """Eight of ten chunks are ahead at 2 s each, and the clock ran half as fast as the tasks: two workers."""
    ahead = [Work(ENROLL, "biohash", people=10) for _ in range(10)]
    left = TimeLeft.of(ahead, CONTROLS)
    for _ in range(2):
        left.add(ahead[0], 2.0)
    found = left.left(2.0)
    assert found is not None
    assert found.low * found.high == pytest.approx(8.0**2)
    assert found.low < 8.0 < found.high


def test_the_last_task_leaves_nothing() -> None:
    left = TimeLeft.of([Work(FIT, "biohash")], CONTROLS)
    left.add(Work(FIT, "biohash"), 3.0)
    assert left.left(3.0) == Left(0.0, 0.0)


def test_what_a_failed_scheme_has_left_is_not_waited_for() -> None:
    left = TimeLeft.of([Work(FIT, "biohash"), attack("biohash", 0), Work(FIT, "mote")], CONTROLS)
    left.add(Work(FIT, "biohash"), 3.0)
    left.add(Work(FIT, "mote"), 3.0)
    left.drop("biohash")
    assert left.left(6.0) == Left(0.0, 0.0)


def test_a_scheme_whose_scores_are_slower_is_attacked_more_slowly() -> None:
    def middle(seconds: float) -> float:
        ahead = [Work(COMPARE, name, "none") for name in ("cosine", "biohash")]
        ahead += [attack(name, number) for name in ("cosine", "biohash") for number in range(4)]
        left = TimeLeft.of(ahead, CONTROLS)
        left.add(ahead[0], 1.0)
        left.add(ahead[1], seconds)
        for number in range(4):
            left.add(attack("cosine", number), 5.0)
        found = left.left(21.0 + seconds)
        assert found is not None
        return found.low * found.high

    assert middle(8.0) > 4 * middle(1.0)


@dataclass(frozen=True)
class Timed:
    """What one task took, in seconds; of an enrolment, for one person."""

    scheme: str
    stage: str
    level: str
    name: str
    seconds: float


@pytest.fixture(scope="module")
def timed_runs() -> dict[str, list[Timed]]:
    """By data set: what runs of many schemes took, each on one machine, in the order of their records.

    Copied from published records once. A board's rows are run again one by one, on several machines; these weren't.
    """
    runs: dict[str, list[Timed]] = defaultdict(list)
    with RUNS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            seconds = float(row.pop("seconds"))
            runs[row.pop("data")].append(Timed(**row, seconds=seconds))
    return runs


def stages(tasks: Sequence[Timed], names: Sequence[str]) -> list[Stage]:
    """The tasks of a run with what they took, by stages that wait for each other.

    Records don't say what a fit took; nearly all take a tenth of a second or less.
    """
    of = {name: [one for one in tasks if one.scheme == name] for name in names}
    chunk = {
        name: (
            Work(ENROLL, name, people=PEOPLE),
            PEOPLE * sum(one.seconds for one in of[name] if one.stage == "enroll"),
        )
        for name in names
    }
    return [
        [(Work(FIT, name), 0.05) for name in names],
        [*chunk.values(), *(chunk[name] for name in names for _ in range(CHUNKS - 1))],
        [(Work(COMPARE, name, one.level), one.seconds) for name in names for one in of[name] if one.stage == "compare"],
        [
            (Work(ATTACK, name, one.level, one.name), one.seconds)
            for name in names
            for one in of[name]
            if one.stage == "attack"
        ],
    ]


def finished(run: Sequence[Stage], workers: int) -> Iterator[tuple[float, Work, float]]:
    """When each task is done: a stage's tasks are dealt in order, to whichever worker is free."""
    now = 0.0
    for stage in run:
        free = [now] * workers
        ends = []
        for work, seconds in stage:
            start = heapq.heappop(free)
            heapq.heappush(free, start + seconds)
            ends.append((start + seconds, work, seconds))
        yield from sorted(ends, key=lambda end: end[0])
        now = max(free)


def replayed(run: Sequence[Stage], workers: int) -> tuple[float, float]:
    """Of a hundred moments from the first tenth on, how many ranges hold the truth; their middle width past halfway."""
    left = TimeLeft.of((work for stage in run for work, _ in stage), CONTROLS)
    events = list(finished(run, workers))
    end, held, widths, due = events[-1][0], [], [], 0.1
    for now, work, seconds in events[:-1]:
        left.add(work, seconds)
        if now < due * end:
            continue
        due = now / end + 0.01
        told = left.left(now)
        held.append(told is not None and told.low <= end - now <= told.high)
        if told is not None and now >= end / 2:
            widths.append(told.high / told.low)
    return sum(held) / len(held), sorted(widths)[len(widths) // 2]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(
    ("data", "schemes", "least", "widest"),
    [
        ("lfw_dlib", DEFAULT, 0.9, 7.0),
        ("synthetic", DEFAULT, 0.8, 5.0),
        ("lfw_dlib", None, 0.9, 9.0),
        ("synthetic", None, 0.6, 7.0),
    ],
)
def test_whole_runs_replayed(
    timed_runs: dict[str, list[Timed]],
    data: str,
    schemes: set[str] | None,
    least: float,
    widest: float,
    workers: int,
) -> None:
    """How often the range holds the time that was left, and how wide it is: measured, so neither may become worse."""
    tasks = timed_runs[data]
    names = dict.fromkeys(one.scheme for one in tasks)
    others = [name for name in names if name not in CONTROLS and (schemes is None or name in schemes)]
    held, width = replayed([*stages(tasks, CONTROLS), *stages(tasks, others)], workers)
    print(f"{data}, {'default' if schemes else 'all'}, {workers} workers: held {held:.2f}, width {width:.1f}")
    assert held >= least
    assert width <= widest
