"""The time left: worked out by hand on round numbers, and replayed from what published runs took."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mote_bench.contracts import Record, Threat
from mote_bench.engine.time_left import ATTACK, COMPARE, ENROLL, FIT, Left, TimeLeft, Took, Work
from mote_bench.questions.harness import COST, NO_ATTACK, ZERO_EFFORT
from mote_bench.records import store

CONTROLS = ("cosine", "noise")
BOARDS = Path(__file__).parents[3] / "leaderboards"
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


@pytest.fixture(scope="module")
def published() -> dict[str, dict[str, list[Record]]]:
    """By data set and scheme."""
    found: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for record in store.read(BOARDS):
        found[record.cell.data][record.cell.scheme].append(record)
    return found


def stages(records: dict[str, list[Record]], names: Sequence[str]) -> list[Stage]:
    """The tasks of a run with what they took, by stages that wait for each other.

    Records don't say what a fit took; nearly all take a tenth of a second or less.
    """
    per_person = {
        name: next((one.value for one in cost.measurements if one.name == "seconds_per_enrolment"), 0.0)
        for name in names
        for cost in records[name]
        if cost.cell.question == COST
    }
    chunk = {name: (Work(ENROLL, name, people=PEOPLE), PEOPLE * per_person.get(name, 0.0)) for name in names}
    return [
        [(Work(FIT, name), 0.05) for name in names],
        [*chunk.values(), *(chunk[name] for name in names for _ in range(CHUNKS - 1))],
        list(
            {
                one.cell.knowledge + name: compared(one) for name in names for one in records[name] if is_harness(one)
            }.values()
        ),
        [attacked(one) for name in names for one in records[name] if one.cell.attack not in (ZERO_EFFORT, NO_ATTACK)],
    ]


def is_harness(record: Record) -> bool:
    return record.cell.attack == ZERO_EFFORT


def compared(record: Record) -> tuple[Work, float]:
    return Work(COMPARE, record.cell.scheme, record.cell.knowledge), record.cost.get("seconds", 0.0)


def attacked(record: Record) -> tuple[Work, float]:
    cell, level = record.cell, Threat.parse(record.cell.knowledge).knowledge
    return Work(ATTACK, cell.scheme, level, f"{cell.attack} {cell.question}"), record.cost.get("seconds", 0.0)


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
def test_published_runs_replayed(
    published: dict[str, dict[str, list[Record]]],
    data: str,
    schemes: set[str] | None,
    least: float,
    widest: float,
    workers: int,
) -> None:
    """How often the range holds the time that was left, and how wide it is: measured, so neither may become worse."""
    records = published[data]
    others = [name for name in records if name not in CONTROLS and (schemes is None or name in schemes)]
    first = stages(records, CONTROLS)
    held, width = replayed([*first, *stages(records, others)], workers)
    print(f"{data}, {'default' if schemes else 'all'}, {workers} workers: held {held:.2f}, width {width:.1f}")
    assert held >= least
    assert width <= widest
