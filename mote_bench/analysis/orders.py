"""Whether schemes rank the same by other recognisers, on other populations and with other seeds: all boards at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from mote_bench.contracts import InputError, Record
from mote_bench.planning.spec import RunSpec
from mote_bench.records.provenance import RECOGNISER, SUBJECTS
from mote_bench.records.published import PUBLISHED

from .agreement import Agreement, Pair, agreements
from .standings import Board

RECOGNISERS, POPULATIONS, SEEDS, ATTACKERS = "recogniser", "population", "seed", "attacker's data"
NOT_STATED = "recogniser not stated"
"""The records of a board don't say what made the embeddings, so that it may differ."""
OPTIONS = "options of the run"
"""Recogniser, population, seed and attacker's data are the same: other columns or bins, or a part of the subjects."""

Agreeing = Callable[[Pair, Pair], list[Agreement]]


@dataclass(frozen=True, eq=False)
class OrderPair:
    """Two boards of one protocol, what differs between them, and an agreement for each question on both.

    Attributes
    ----------
    differs : tuple of str
        Of ``RECOGNISERS``, ``NOT_STATED``, ``POPULATIONS``, ``SEEDS`` and ``ATTACKERS``; or ``OPTIONS`` alone.
    """

    first: Board
    second: Board
    differs: tuple[str, ...]
    found: tuple[Agreement, ...]

    @property
    def what(self) -> str:
        """What differs, as boards print it."""
        return " and ".join(self.differs)


@dataclass(frozen=True)
class OrderVerdict:
    """Whether the order on one question holds over all pairs of boards that differ in the same way.

    Attributes
    ----------
    boards : int
        How many pairs of boards there are.
    apart, alike : int
        Pairs of rows that both boards distinguish, and those in the same order, over all pairs of boards.
    """

    question: str
    metric: str
    differs: str
    verdict: str
    boards: int
    apart: int
    alike: int


def orders(boards: Sequence[Pair], *, agreeing: Agreeing = agreements) -> list[OrderPair]:
    """The pairs of boards that are compared, those that differ in least first; empty where there are none.

    Pairs that differ in one way are all compared. Two boards that differ in several ways are compared only where no
    chain of such pairs joins them, as their orders then tell nothing of which difference counts.

    Parameters
    ----------
    agreeing : callable
        Computes the agreements of two boards; a caller that needs them elsewhere too gives one that keeps them.
    """
    made = [_Made.of(pair) for pair in boards]
    populations = _populations(made)
    apart = {
        (i, j): _differs(made[i], made[j], same_population=populations[i] == populations[j])
        for i, j in combinations(range(len(made)), 2)
        if made[i].board.protocol == made[j].board.protocol
    }
    found = []
    for i, j in _compared(apart, len(made)):
        agreed = agreeing(boards[i], boards[j])
        if agreed:
            found.append(OrderPair(made[i].board, made[j].board, apart[i, j], tuple(agreed)))
    return found


def verdicts(pairs: Sequence[OrderPair]) -> list[OrderVerdict]:
    """A verdict per question and difference: ``no`` if some pair says so, ``yes`` if all do."""
    held: dict[tuple[str, str, str], list[Agreement]] = {}
    for pair in pairs:
        for one in pair.found:
            held.setdefault((one.question, one.metric, pair.what), []).append(one)
    return [
        OrderVerdict(
            *key,
            _joint(one.verdict for one in found),
            len(found),
            sum(one.apart for one in found),
            sum(one.alike for one in found),
        )
        for key, found in held.items()
    ]


def _joint(found: Iterable[str]) -> str:
    words = set(found)
    return "no" if "no" in words else "inconclusive" if "inconclusive" in words else "yes"


@dataclass(frozen=True, eq=False)
class _Made:
    """How a board was made, as far as its own records say so."""

    board: Board
    recogniser: str
    subjects: str
    data: str
    attacker: str

    @classmethod
    def of(cls, pair: Pair) -> _Made:
        board, records = pair
        own = [one for one in records if PUBLISHED not in one.provenance] or records
        stated = {key: _stated(own, key) for key in (RECOGNISER, SUBJECTS, "data_sha256")}
        attacked = stated["data_sha256"].split(" ")[0]  # a second checksum is that of the attacker's data
        return cls(board, stated[RECOGNISER], stated[SUBJECTS], attacked, _attacker(own))


def _stated(records: Iterable[Record], key: str) -> str:
    """What all records say of this; empty where they don't say the same."""
    found = {str(one.provenance.get(key, "")) for one in records}
    return found.pop() if len(found) == 1 else ""


def _attacker(records: Sequence[Record]) -> str:
    """The label of the attacker's data; empty where the attacker holds other people of the attacked data."""
    try:
        return RunSpec.of(records[:1]).attacker_data or ""
    except InputError:  # records aren't trusted, and a board may hold those of other runs
        return ""


def _populations(made: Sequence[_Made]) -> list[int]:
    """A number for each board, the same where two are of the same people.

    They are where the data's checksums are the same, or where two boards of one seed have the same target subjects.
    """
    numbers = list(range(len(made)))
    for i, j in combinations(range(len(made)), 2):
        one, other = made[i], made[j]
        same_targets = one.subjects and (one.board.seed, one.subjects) == (other.board.seed, other.subjects)
        if same_targets or (one.data and one.data == other.data) or one.board.data == other.board.data:
            numbers = [numbers[i] if number == numbers[j] else number for number in numbers]
    return numbers


def _differs(one: _Made, other: _Made, *, same_population: bool) -> tuple[str, ...]:
    def ways() -> Iterator[str]:
        same_file = one.board.data == other.board.data or (one.data and one.data == other.data)
        if not same_file and not (one.recogniser and other.recogniser):
            yield NOT_STATED
        elif not same_file and one.recogniser != other.recogniser:
            yield RECOGNISERS
        if not same_population:
            yield POPULATIONS
        if one.board.seed != other.board.seed:
            yield SEEDS
        if one.attacker != other.attacker:
            yield ATTACKERS

    return tuple(ways()) or (OPTIONS,)


def _compared(apart: dict[tuple[int, int], tuple[str, ...]], boards: int) -> list[tuple[int, int]]:
    """All pairs that differ in one way, then of the others, fewest ways first, those that join what isn't joined."""
    joined = list(range(boards))
    kept = []
    for (i, j), ways in sorted(apart.items(), key=lambda one: len(one[1])):
        if len(ways) == 1 or joined[i] != joined[j]:
            kept.append((i, j))
            joined = [joined[i] if number == joined[j] else number for number in joined]
    return kept
