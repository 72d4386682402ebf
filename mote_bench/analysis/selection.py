"""The records of attacks on a scheme, and the strongest attack among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from mote_bench.contracts import ATTACK_READS, Access, InputError, Knowledge, Measurement, Reads, Record, Status, Threat
from mote_bench.formatting import named
from mote_bench.questions.harness import HARNESS
from mote_bench.questions.installed import described, reading_of, rules_of
from mote_bench.records import first_edition
from mote_bench.records.boards import board_of
from mote_bench.records.naming import record_name

SECRET, STOLEN, DISCLOSED = "secret", "stolen", "disclosed"
"""What the attacker of a row holds: no key, the subjects' keys, or the system's own secrets as well."""

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
    Reads.RESPONSES: "responses",
    Reads.INVERSION: "inversion",
    Reads.CLOSED_FORM: "closed form",
    Reads.SEARCH: "search on responses",
    Reads.POSTERIOR: "posterior",
    Reads.SCORES: "online scores",
    Reads.DECISIONS: "online decisions",
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
    """The attacks on one question that the attacker can run, failed ones included, and the strongest."""

    attacks: tuple[Record, ...]
    strongest: Record | None


def choose(records: Iterable[Record], scheme: str, reading: Reading, *, key: str) -> Choice:
    """The strongest attack on a scheme by an attacker who holds what ``key`` says, and one template of each subject.

    It is chosen here and nowhere else: boards, charts and gate show what this returns.
    """
    attacks = of_one_record(attacks_on(records, scheme, reading.question, key=key))
    return Choice(tuple(attacks), strongest(attacks, reading))


def readings(records: Sequence[Record]) -> tuple[Reading, ...]:
    """One reading per question in the records, attributes first."""
    attacked = {record.cell.question for record in records} - set(HARNESS)
    ordered = sorted(attacked, key=lambda question: (rules_of(question).place(question), question))
    return tuple(_reading(question, records) for question in ordered)


def strongest(attacks: Iterable[Record], reading: Reading) -> Record | None:
    """The attack with the highest success on the selection subjects, i.e. the one an attacker would select.

    Its figures on the target subjects are then free of selection bias: they are no maximum of many. Records without
    figures on selection subjects are compared by their own figures, and only among themselves. Ties go to the attack
    that needs the least knowledge, then by name.
    """
    valid = [record for record in attacks if is_valid(record, reading)]
    selected = [record for record in valid if on_selection(record, reading) is not None]

    def order(record: Record) -> tuple[float, tuple[int, ...], str]:
        one = on_selection(record, reading) if selected else find(record, reading.headline)
        assert one is not None
        return -leak(reading, one.value), _level(record), record.cell.attack

    return min(selected or valid, key=order, default=None)


def on_selection(record: Record | None, reading: Reading) -> Measurement | None:
    """The headline on the selection subjects; None where the record holds none."""
    return None if record is None else next((one for one in record.rehearsal if one.name == reading.headline), None)


def is_valid(record: Record, reading: Reading) -> bool:
    """Whether a record holds a valid result: status ``ok``, and the headline metric is among its measurements."""
    return record.status is Status.OK and find(record, reading.headline) is not None


def leak(reading: Reading, value: float) -> float:
    """The value on an axis where more is worse for privacy."""
    return value if better(reading) == "lower" else -value


def better(reading: Reading) -> str:
    """Which values of the headline leak less: ``lower`` or ``higher``."""
    return described(reading.headline, reading.question).better


def reads(record: Record) -> Reads | None:
    """The input of the record's attack, as the attack declared when it was run; ``None`` where it declared nothing."""
    stated = record.provenance.get(ATTACK_READS)
    if stated is None:
        return first_edition.reads(record.cell.attack)
    return Reads(stated) if stated in list(Reads) else None


def printed_reads(record: Record) -> str:
    """The input of the record's attack in the words of the boards; empty where it declared nothing."""
    what = reads(record)
    return "" if what is None else _PRINTED[what]


def naive(record: Record) -> bool:
    """Whether the record's attack only reads the stored bytes."""
    return reads(record) is Reads.BYTES


def adaptive(record: Record) -> bool:
    """Whether the record's attack uses more than the stored bytes: it queries the template, or inverts it."""
    return reads(record) not in (None, Reads.BYTES)


def find(record: Record | None, name: str) -> Measurement | None:
    """A record's measurement by its published name."""
    return None if record is None else next((one for one in record.measurements if one.name == name), None)


def record_link(record: Record) -> str:
    """A record's address, relative to the folder of the boards.

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
    """The attacks that an attacker who holds what ``key`` says can run; those that need less are included."""
    of_question = (record for record in records if (record.cell.scheme, record.cell.question) == (scheme, question))
    return [record for record in of_question if threat(record).knowledge not in _BEYOND[key]]


def threat(record: Record) -> Threat:
    """What the attacker of a record's cell holds; an unknown name counts as full disclosure."""
    try:
        return Threat.parse(str(record.cell.knowledge))
    except ValueError:
        return Threat(Knowledge.FULL_DISCLOSURE)


def threat_order(record: Record) -> tuple[int, int, int]:
    """Less knowledge first, then stolen templates before online access, then fewer templates."""
    held = threat(record)
    return _KNOWLEDGE.index(held.knowledge), _ACCESS.index(held.access), held.records


def of_one_record(records: Iterable[Record]) -> list[Record]:
    """The attacks that use one template of each subject at most."""
    return [record for record in records if threat(record).records == 1]


def strictest_rate(records: Iterable[Record], *metrics: str, question: str) -> str:
    """The FMR at which a question's metrics are shown: 1e-3 where it was measured, otherwise the smallest, or none."""
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
        key = (*board_of(cell), cell.scheme, cell.question, cell.attack, str(cell.knowledge))
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
