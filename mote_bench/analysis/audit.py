"""What an audit report quotes of one scheme on one data set: figures, and the record that holds each."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mote_bench.contracts import FLOOR, Access, Cell, InputError, Measurement, Record, Status, flat
from mote_bench.formatting import named, printable
from mote_bench.metrics.catalogue import FTA, FTE, GENERALISED, SCHEME_FTE
from mote_bench.questions import Property, Risk
from mote_bench.questions.harness import COST, FAIRNESS, HARNESS, VERIFY
from mote_bench.questions.installed import ceilings, installed, risk_of, rules_of, stands_alone, threatened
from mote_bench.records import store

from .queries import Interval, queries_to_half, reached_by_queries
from .selection import Reading, find, harness_record, threat
from .standings import NOT_RUN, Board, Worst, printed, standings, worst_among
from .threat_matrix import ATTACKERS, NO_KEYS, NO_SECRETS, Attacker, MatrixRow, ThreatCell, threat_matrix

KEPT, LOST = "key kept", "key stolen"
"""What an impostor presents beside a face: no key of the claimed subject, or that key."""
NO_KEY = "no key to renew"
"""The scheme's templates depend on no key, so that none can be replaced."""
NOT_RECORDED = "not recorded"
RECOGNITION = "recognition"
DICTIONARY = "dictionary"
"""Who holds a few faces that match many subjects, and no template."""

PERFORMANCE, RENEWABILITY = "performance", "renewability and revocability"
VARIATION, SUCCESS, DIVERSITY, STORAGE = "accuracy variation", "irreversibility", "diversity", "storage and time"
ERRORS, ENROLMENT, DIFFERENTIALS = "error rates", "failure to enrol", "differences between groups"
GENERALISED_ERRORS = "error rates, with failures to enrol"
NOT_KNOWN = "not known: the data do not say which pictures gave no embedding"

_OFFLINE = tuple(one for one in ATTACKERS if one.access is Access.RECORD)
_RECONSTRUCTED = ("type_1_success", "type_2_success", "wolf_rate")
_LINKED = ("d_sys", "d_sys_null", "maximal_linkability")
_STORED = ("bytes_per_template", "key_bytes_per_person", "seconds_per_enrolment", "seconds_per_score")


@dataclass(frozen=True)
class Quote:
    """A measurement on the report, and the record that holds it."""

    record: Record
    one: Measurement


@dataclass(frozen=True)
class Entry:
    """A row of a table of the report.

    Attributes
    ----------
    topic : str
        The property or the question that it is about.
    holder : str
        The key of the :class:`Attacker`; or ``KEPT`` or ``LOST``, or empty, where there is no attacker.
    quotes : tuple of Quote
        Its figures, all of one record.
    why : str
        Why it has no figure; empty where it has one.
    """

    topic: str
    holder: str = ""
    quotes: tuple[Quote, ...] = ()
    why: str = ""

    @property
    def record(self) -> Record | None:
        return self.quotes[0].record if self.quotes else None


@dataclass(frozen=True)
class Standard:
    """The rows of the table of clauses that belong to one standard."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Recipient:
    """What one attacker gets, by the three risks."""

    attacker: Attacker
    risks: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True)
class Curve:
    """What one online attack reaches with fewer queries.

    Attributes
    ----------
    holder : str
        The key of the :class:`Attacker`.
    metric : str
        The published name of the question's headline.
    reached : tuple of (int, (value, low, high))
        The headline at each number of queries per subject, all queries last.
    half : int, optional
        The fewest queries that reach half of the way from chance to the ceiling; None if none do.
    """

    holder: str
    record: Record
    metric: str
    reached: tuple[tuple[int, Interval], ...]
    half: int | None


@dataclass(frozen=True)
class Audit:
    """One scheme on one data set.

    Attributes
    ----------
    board : Board
        The scheme's rows and those of the controls.
    row : MatrixRow
        The scheme's row of the threat matrix.
    records : tuple of Record
        The scheme's records, in the order of cells.
    checksums : mapping of Cell -> str
        SHA-256 of each of them, as in its file.
    """

    board: Board
    row: MatrixRow
    records: tuple[Record, ...]
    checksums: Mapping[Cell, str]

    @property
    def scheme(self) -> str:
        return self.row.scheme

    @cached_property
    def cells(self) -> tuple[ThreatCell, ...]:
        """The cells of all attackers that the scheme can have and that hold one template of each subject at most."""
        every = (*self.row.cells, *self.row.further)
        return tuple(one for one in every if one.status not in (NO_KEYS, NO_SECRETS) and not one.attacker.several)

    @property
    def states(self) -> tuple[str, ...]:
        """The key states in which recognition was measured."""
        return (KEPT, LOST) if self.row.has_keys else ("",)

    def harness(self, question: str, state: str) -> Record | None:
        """The record of verification, fairness or cost in one key state."""
        return harness_record(self.records, self.scheme, question, stolen=state == LOST)

    def strongest(self, reading: Reading, attacker: Attacker) -> Worst:
        """The strongest attack on a question that this attacker can run."""
        own = [one for one in self.records if one.cell.question == reading.question]
        return worst_among([one for one in own if attacker.admits(threat(one))], reading)

    def reading(self, question: str) -> Reading | None:
        """How a question's attacks are read; None where no record is about it."""
        return next((one for one in self.board.readings if one.question == question), None)


def audit(records: Sequence[Record], scheme: str) -> Audit:
    """What the records of one board say of one scheme.

    Raises
    ------
    InputError
        When they hold nothing of this scheme; the message suggests similar names.
    """
    compared = {scheme, FLOOR, *ceilings()}
    needed = [one for one in records if printable(one.cell.scheme) in compared]
    if any(printable(one.cell.scheme) == scheme for one in needed):
        ((board, held),) = standings(needed)
        row = threat_matrix(board, held).row(scheme)
        if row is not None:
            return Audit(
                board, row, tuple(one for one in held if one.cell.scheme == scheme), _checksums(needed, scheme)
            )
    known = sorted({printable(one.cell.scheme) for one in records} - {scheme})
    near = difflib.get_close_matches(scheme, known) or known
    raise InputError(f"no scheme '{scheme}' in the records of '{records[0].cell.data}'; did you mean {_or(near)}?")


def _checksums(records: Sequence[Record], scheme: str) -> dict[Cell, str]:
    """The checksum of each record of a scheme as it stands in its file, by the cell in printable names."""
    own = (one for one in records if printable(one.cell.scheme) == scheme)
    return {named(one).cell: store.checksum(one) for one in own}


def _or(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def standards(of: Audit) -> tuple[Standard, ...]:
    """The table of clauses: by standard, each property with its figures."""
    return (
        Standard("24745", (*_performance(of), *_properties(of), *_renewal(of))),
        Standard("30136", (*_accuracy(of), *_success(of), *_linkability(of), *_diversity(of), *_storage(of))),
        Standard("19795-1", (*_errors(of), *_failures(of))),
        Standard("19795-10", tuple(_differentials(of))),
    )


def by_key(of: Audit) -> Iterator[Entry]:
    """What stolen keys, or stolen secrets of the system, change: recognition, then the strongest attacks offline."""
    for state in of.states:
        yield _own(of, VERIFY, state, _rates(of, "fnmr", "fmr_reached"), topic=RECOGNITION)
    # Keys are of no use to an attacker without the algorithm, who stands first.
    _, *held = (cell.attacker for cell in of.cells if cell.attacker in _OFFLINE)
    for reading in of.board.readings:
        if rules_of(reading.question).gives_records:
            yield from (_attack(of, reading, attacker, (reading.headline,)) for attacker in held)


def recipients(of: Audit) -> Iterator[Recipient]:
    """What each attacker gets, by the risk that a question is about."""
    for cell in of.cells:
        entries = [_attack(of, reading, cell.attacker, (reading.headline,)) for reading in of.board.readings]
        yield Recipient(
            cell.attacker,
            tuple(
                tuple(
                    entry
                    for reading, entry in zip(of.board.readings, entries, strict=True)
                    if risk_of(reading.question, reading.headline) is risk and entry.why != printed(NOT_RUN)
                )
                for risk in Risk
            ),
        )


def queries(of: Audit) -> Iterator[Entry]:
    """What an attacker with online access got, and the queries that were spent on it."""
    for cell in of.cells:
        for reading in of.board.readings if cell.attacker.access is not Access.RECORD else ():
            accepted = flat("accepted", of.board.fmr) if of.board.fmr else ""
            entry = _attack(of, reading, cell.attacker, (reading.headline, accepted, "queries_per_person"))
            if entry.why != printed(NOT_RUN):
                yield entry
    for entry in _attacks(of, "wolf", (), topic="wolf"):
        if entry.holder == "algorithm":
            yield replace(entry, holder=DICTIONARY)


def curves(of: Audit) -> Iterator[Curve]:
    """Every online attack whose record holds its success with fewer queries, at the first attacker who can run it."""
    seen: set[Cell] = set()
    for cell in of.cells:
        for record in of.records if cell.attacker.access is not Access.RECORD else ():
            reading = of.reading(record.cell.question)
            if record.cell in seen or reading is None or not cell.attacker.admits(threat(record)):
                continue
            seen.add(record.cell)
            reached = tuple(reached_by_queries(record, reading))
            if reached:
                yield Curve(cell.attacker.key, record, reading.headline, reached, queries_to_half(record, reading))


def without_result(of: Audit) -> list[Record]:
    """The cells that failed, ran out of time, or were not measured."""
    return [one for one in of.records if one.status is not Status.OK]


def without_record(of: Audit) -> tuple[str, ...]:
    """The installed questions that no record of the scheme is about; attributes depend on the data and are none."""
    held = {one.cell.question for one in of.records}
    own = (kind.id for kind in installed() if kind.id)
    return tuple(name for name in (*HARNESS, *own) if name not in held)


def unseen(of: Audit) -> Iterator[tuple[Attacker, tuple[Property, ...]]]:
    """Each attacker with the properties that no attack with a result was about."""
    for cell in of.cells:
        seen = {one.threatens for one in cell.findings if one.worst.headline is not None}
        missing = tuple(one for one in Property if one not in seen)
        if missing:
            yield cell.attacker, missing


def _own(of: Audit, question: str, state: str, metrics: Sequence[str], *, topic: str) -> Entry:
    """Figures that the harness measured in one key state."""
    record = of.harness(question, state)
    if record is None or record.status is not Status.OK:
        return Entry(topic, state, why=printed(NOT_RUN if record is None else str(record.status)))
    return _quoted(topic, state, record, metrics)


def _quoted(topic: str, holder: str, record: Record, metrics: Sequence[str]) -> Entry:
    quotes = tuple(Quote(record, one) for name in metrics for one in [find(record, name)] if one is not None)
    return Entry(topic, holder, quotes, "" if quotes else NOT_RECORDED)


def _attack(of: Audit, reading: Reading, attacker: Attacker, metrics: Sequence[str], *, topic: str = "") -> Entry:
    """Figures of the strongest attack on a question; the attack is chosen by its headline."""
    worst = of.strongest(reading, attacker)
    topic = topic or reading.question
    if worst.chosen is None:
        return Entry(topic, attacker.key, why=worst.word)
    return _quoted(topic, attacker.key, worst.chosen, metrics)


def _attacks(of: Audit, question: str, metrics: Sequence[str], *, topic: str, online: bool = True) -> Iterator[Entry]:
    """The strongest attack on a question of each attacker who was measured."""
    reading = of.reading(question)
    if reading is None:
        yield Entry(topic, why=printed(NOT_RUN))
        return
    for attacker in ATTACKERS if online else _OFFLINE:
        if any(cell.attacker is attacker for cell in of.cells):
            entry = _attack(of, reading, attacker, metrics or (reading.headline,), topic=topic)
            if entry.why != printed(NOT_RUN):
                yield entry


def _rates(of: Audit, *metrics: str) -> list[str]:
    """These metrics of verification at each rate at which the report shows recognition."""
    return [flat(metric, one.rate) for one in of.row.utility for metric in metrics]


def _performance(of: Audit) -> Iterator[Entry]:
    for state in of.states:
        yield _own(of, VERIFY, state, _rates(of, "fnmr"), topic=PERFORMANCE)


def _properties(of: Audit) -> Iterator[Entry]:
    """Both properties: by the suite's own question, which is named even if it wasn't run, then by those of plug-ins."""
    for one, usual in ((Property.IRREVERSIBILITY, "reconstruct"), (Property.UNLINKABILITY, "link")):
        yield from _attacks(of, usual, (), topic=str(one))
        for reading in of.board.readings:
            if reading.question != usual and threatened(reading.question, reading.headline) is one:
                yield from _attacks(of, reading.question, (), topic=f"{one}: {reading.question.replace('_', ' ')}")
    for reading in of.board.readings:
        if stands_alone(reading.question):
            yield from _attacks(of, reading.question, (), topic=str(Property.UNLINKABILITY))


def _renewal(of: Audit) -> Iterator[Entry]:
    if of.row.has_keys:
        yield _own(of, VERIFY, KEPT, _rates(of, "other_key_accepted"), topic=RENEWABILITY)
    else:
        yield Entry(RENEWABILITY, why=NO_KEY)
    if of.board.fmr:
        renewed = (flat("accepted_after_renewal", of.board.fmr),)
        yield from _attacks(of, "reconstruct", renewed, topic=RENEWABILITY, online=False)


def _accuracy(of: Audit) -> Iterator[Entry]:
    for state in of.states:
        yield _own(of, VERIFY, state, ("eer",), topic=VARIATION)


def _success(of: Audit) -> Iterator[Entry]:
    metrics = [flat(metric, of.board.fmr) for metric in _RECONSTRUCTED] if of.board.fmr else ["centred_cosine"]
    yield from _attacks(of, "reconstruct", metrics, topic=SUCCESS, online=False)


def _linkability(of: Audit) -> Iterator[Entry]:
    yield from _attacks(of, "link", _LINKED, topic=str(Property.UNLINKABILITY))


def _diversity(of: Audit) -> Iterator[Entry]:
    if of.row.has_keys:
        yield _own(of, VERIFY, KEPT, _rates(of, "usable_keys"), topic=DIVERSITY)
    else:
        yield Entry(DIVERSITY, why=NO_KEY)


def _storage(of: Audit) -> Iterator[Entry]:
    yield _own(of, COST, "", _STORED, topic=STORAGE)


def _errors(of: Audit) -> Iterator[Entry]:
    for state in of.states:
        record = of.harness(VERIFY, state)
        held = () if record is None else record.measurements
        rates = [one.name for one in held if one.metric in ("fnmr", "fmr_reached")]
        yield _own(of, VERIFY, state, rates, topic=ERRORS)


def _failures(of: Audit) -> Iterator[Entry]:
    """Failure to acquire and to enrol; then FNMR where they count as rejections, in each key state."""
    entry = _own(of, VERIFY, of.states[0], (FTA, FTE, SCHEME_FTE), topic=ENROLMENT)
    yield replace(entry, why=NOT_KNOWN) if entry.why == NOT_RECORDED else entry
    for state in of.states:
        held = of.harness(VERIFY, state)
        rates = [one.name for one in (held.measurements if held else ()) if one.metric == GENERALISED]
        if rates:
            yield _own(of, VERIFY, state, rates, topic=GENERALISED_ERRORS)


def _differentials(of: Audit) -> Iterator[Entry]:
    if not of.board.attributes:
        yield Entry(DIFFERENTIALS, why=printed(NOT_RUN))
    for attribute in of.board.attributes:
        for state in of.states:
            yield _own(of, FAIRNESS, state, _by_group(of, attribute, state), topic=DIFFERENTIALS)


def _by_group(of: Audit, attribute: str, state: str) -> list[str]:
    """Each group's errors at the rate of fairness and failures to enrol, then the indices that compare them."""
    record, rate = of.harness(FAIRNESS, state), of.board.fairness_fmr
    failures = (FTA, FTE, SCHEME_FTE)
    mine = [
        one
        for one in (record.measurements if record else ())
        if one.group[:1] == (attribute,) and (one.at == rate or one.metric.removeprefix("max_ratio_") in failures)
    ]
    groups = [one.name for one in mine if one.group != (attribute,)]
    return groups + [one.name for one in mine if one.group == (attribute,)]
