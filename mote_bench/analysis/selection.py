"""Which records answer a question about a scheme, and which attack among them is the strongest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from mote_bench import first_edition
from mote_bench.contracts import ATTACK_READS, Access, InputError, Knowledge, Measurement, Reads, Record, Status, Threat
from mote_bench.formatting import named
from mote_bench.naming import record_name
from mote_bench.questions.harness import HARNESS
from mote_bench.questions.installed import described, reading_of, rules_of

SECRET, STOLEN, DISCLOSED = "secret", "stolen", "disclosed"
"""What the thief of a row has got: no key, the people's keys, or the system's own secrets as well."""

_BEYOND = {
    "": set(),
    SECRET: {Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE},
    STOLEN: {Knowledge.FULL_DISCLOSURE},
    DISCLOSED: set(),
}
_KNOWLEDGE = list(Knowledge)
_ACCESS = list(Access)
_PRINTED = {
    Reads.BYTES: "bytes",
    Reads.RESPONSES: "answers",
    Reads.INVERSION: "inversion",
    Reads.CLOSED_FORM: "closed form",
    Reads.SEARCH: "search of its answers",
    Reads.SCORES: "scores at the door",
    Reads.DECISIONS: "decisions at the door",
}
"""How the boards print what an attack reads."""


@dataclass(frozen=True)
class Reading:
    """How the attacks on a question are read.

    Attributes
    ----------
    headline : str
        The published name of the metric shown, by which the strongest attack is found and schemes are ranked.
    beside : tuple of str
        Metrics shown next to the headline.
    """

    question: str
    headline: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The attacks on one question that are open to an attacker, each failed one among them, and the strongest."""

    attacks: tuple[Record, ...]
    strongest: Record | None


def choose(records: Iterable[Record], scheme: str, reading: Reading, *, key: str) -> Choice:
    """The strongest attack on a scheme by an attacker who holds what ``key`` says, and one template of each person.

    It is chosen here and nowhere else: boards, charts and gate show what this returns.
    """
    attacks = of_one_record(attacks_on(records, scheme, reading.question, key=key))
    return Choice(tuple(attacks), strongest(attacks, reading))


def readings(records: Sequence[Record]) -> tuple[Reading, ...]:
    """One reading per question that was asked, attributes first."""
    asked = {record.cell.question for record in records} - set(HARNESS)
    ordered = sorted(asked, key=lambda question: (rules_of(question).place(question), question))
    return tuple(_reading(question, records) for question in ordered)


def strongest(attacks: Iterable[Record], reading: Reading) -> Record | None:
    """The measured attack that takes most from people of the attacker's own, as they would choose it.

    Its figures on the target people are then no maximum of many, which would be too high by luck. Records without such
    a rehearsal are compared by their own figures, and only among themselves. Ties go to the attack that needs least,
    then by name.
    """
    told = [record for record in attacks if tells(record, reading)]
    rehearsed = [record for record in told if _rehearsed(record, reading) is not None]

    def order(record: Record) -> tuple[float, tuple[int, ...], str]:
        one = _rehearsed(record, reading) if rehearsed else find(record, reading.headline)
        assert one is not None
        return -leak(reading, one.value), _level(record), record.cell.attack

    return min(rehearsed or told, key=order, default=None)


def _rehearsed(record: Record, reading: Reading) -> Measurement | None:
    return next((one for one in record.rehearsal if one.name == reading.headline), None)


def tells(record: Record, reading: Reading) -> bool:
    """Whether a record says anything: not failed, not unmeasured, and holding the metric it is judged by."""
    return record.status is Status.OK and find(record, reading.headline) is not None


def leak(reading: Reading, value: float) -> float:
    """The value on an axis where more is worse for privacy."""
    return value if better(reading) == "lower" else -value


def better(reading: Reading) -> str:
    """Which values of the headline leak less: ``lower`` or ``higher``."""
    return described(reading.headline, reading.question).better


def reads(record: Record) -> Reads | None:
    """What the record's attack works on, as the attack stated when it was run; ``None`` where it stated nothing."""
    stated = record.provenance.get(ATTACK_READS)
    if stated is None:
        return first_edition.reads(record.cell.attack)
    return Reads(stated) if stated in list(Reads) else None


def printed_reads(record: Record) -> str:
    """What the record's attack works on, in the words of the boards; empty where it stated nothing."""
    what = reads(record)
    return "" if what is None else _PRINTED[what]


def naive(record: Record) -> bool:
    """Whether the record's attack only reads the stored bytes."""
    return reads(record) is Reads.BYTES


def adaptive(record: Record) -> bool:
    """Whether the record's attack works on more than the stored bytes: it queries the template, or inverts it."""
    return reads(record) not in (None, Reads.BYTES)


def find(record: Record | None, name: str) -> Measurement | None:
    """A record's measurement by its published name."""
    return None if record is None else next((one for one in record.measurements if one.name == name), None)


def record_link(record: Record) -> str:
    """Where a record stands, seen from the boards beside its folder.

    Its own file; the bundle that it came in; or a packed file with, after ``#``, the id that its line begins with. That
    id comes from the cell alone, so a link holds when other lines are added or figures change.
    """
    return record.file or f"records/{record_name(record.cell)}"


def harness_record(records: Iterable[Record], scheme: str, question: str, *, stolen: bool) -> Record | None:
    """A scheme's own record of verification, fairness or cost."""
    wanted = (scheme, question, str(Knowledge.STOLEN_KEY) if stolen else "none")
    cells = ((record, record.cell) for record in records)
    return next((one for one, cell in cells if (cell.scheme, cell.question, str(cell.knowledge)) == wanted), None)


def attacks_on(records: Iterable[Record], scheme: str, question: str, *, key: str) -> list[Record]:
    """The attacks open to a thief of what ``key`` says; one who stole more may ignore it."""
    of_question = (record for record in records if (record.cell.scheme, record.cell.question) == (scheme, question))
    return [record for record in of_question if threat(record).knowledge not in _BEYOND[key]]


def threat(record: Record) -> Threat:
    """What the thief of a record's cell holds; a name that is no threat counts as the most."""
    try:
        return Threat.parse(str(record.cell.knowledge))
    except ValueError:
        return Threat(Knowledge.FULL_DISCLOSURE)


def threat_order(record: Record) -> tuple[int, int, int]:
    """Less knowledge first, then the record before the door, then fewer records."""
    held = threat(record)
    return _KNOWLEDGE.index(held.knowledge), _ACCESS.index(held.access), held.records


def of_one_record(records: Iterable[Record]) -> list[Record]:
    """The attacks that hold one record of each person at most."""
    return [record for record in records if threat(record).records == 1]


def strictest_rate(records: Iterable[Record], *metrics: str, question: str) -> str:
    """The rate to read a question's metrics at: 1e-3 where one was measured there, otherwise the smallest, or none."""
    measured = (one for record in records if record.cell.question == question for one in record.measurements)
    found = {one.at for one in measured if one.metric in metrics and one.at}
    return "1e-3" if "1e-3" in found else min(found, key=_as_rate, default="")


def ordered(records: Iterable[Record]) -> list[Record]:
    """Records with printable names, sorted by cell, equal ones once.

    Raises
    ------
    InputError
        When two different records claim the same cell.
    """
    kept: dict[tuple[int | str, ...], Record] = {}
    for record in map(named, records):
        cell = record.cell
        where = (cell.protocol, cell.data, cell.seed)
        key = (*where, cell.scheme, cell.question, cell.attack, str(cell.knowledge))
        if kept.setdefault(key, record) != record:
            raise InputError(f"two different records of {cell}; expected one: move one of their files away")
    return [kept[key] for key in sorted(kept)]


def _reading(question: str, records: Sequence[Record]) -> Reading:
    mine = [record for record in records if record.cell.question == question]
    metrics = dict.fromkeys(one.name for record in mine for one in record.measurements)
    return Reading(question, *reading_of(question, metrics, partial(strictest_rate, mine, question=question)))


def _as_rate(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return 1.0, text


def _level(record: Record) -> tuple[int, int, int]:
    held = threat(record)
    return _KNOWLEDGE.index(held.knowledge), -_ACCESS.index(held.access), held.records
