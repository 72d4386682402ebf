"""Records into standings: one row per scheme (and key state) of one protocol, data set and seed.

A question shows its strongest attack. A result that was not measured is shown as such and never counts as private.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from mote_bench.contracts import CEILING, FLOOR, NOISE_LEVELS, OWN, Knowledge, Measurement, Record, Status, flat
from mote_bench.formatting import plural, printable, with_interval
from mote_bench.metrics.catalogue import GENERALISED, SCHEME_FTE
from mote_bench.planning.spec import DATA_NOTES, device_of
from mote_bench.questions.harness import COST, FAIRNESS, LEFT_OUT, VERIFY
from mote_bench.questions.installed import ceiling_of, ceilings
from mote_bench.records.boards import board_of
from mote_bench.records.published import PUBLISHED
from mote_bench.toolkit import stream

from .exposure import Exposed, exposure
from .matched_utility import Matched, Operating, by_scheme, matched, may_reject_half
from .resampling import influenced
from .resolution import Resolution, resolution
from .selection import (
    DISCLOSED,
    SECRET,
    STOLEN,
    Reading,
    adaptive,
    attacks_on,
    choose,
    find,
    harness_record,
    is_valid,
    leak,
    naive,
    ordered,
    readings,
    record_link,
    strictest_rate,
    strongest,
)

_NO_ANSWER = (Status.FAILED, Status.TIMED_OUT)
_ROLES = {CEILING: "ceiling", FLOOR: "floor"}

OK = "ok"
NOT_RUN = "not asked"
NOT_MEASURED = "not measured"
"""The record lacks the metric: it is undefined for these data, or newer than the record."""
NOT_KNOWN = "not known"
"""It isn't known how many failed: the data don't say which pictures gave no embedding."""
NONE_REFUSED = "none refused"
"""The scheme enrolled every target subject; the record then holds no rate of those whom it refused."""
UNDEFINED = "undefined"

BUILT_IN = "own threshold"
"""A scheme with a built-in threshold has one point: no EER, and no FNMR at a rate that it exceeds."""

RECOGNISES = "recognises"
BROKEN = "recognises nobody"
UNSHOWN = "not shown to recognise anybody"
UNKNOWN = "recognition unknown"

_PRINTED = {
    NOT_RUN: "not run",
    NOT_MEASURED: "not in this record",
    str(Status.UNMEASURED): "not measured",
    str(Status.TIMED_OUT): "timed out",
}
"""How boards print a status, where files and boards differ."""

BROKEN_ABOVE = 0.25
"""A scheme counts as not functional when the lower end of its EER's 95 % interval is above this."""
USUAL = "logistic-bytes"
"""The usual evaluation in papers: logistic regression on the stored bytes."""
_NOT_MADE_HERE = "published with mote-bench, not made by this run"
COIN = 0.5
"""The EER of random decisions: an interval that reaches it shows no recognition."""


@dataclass(frozen=True)
class Figure:
    """One number of a row with its record, or the status why there is none (``failed``, ``not asked``, ...)."""

    status: str
    measurement: Measurement | None = None
    record: str = ""

    @property
    def word(self) -> str:
        """The status as boards print it."""
        return printed(self.status)


@dataclass(frozen=True)
class Worst:
    """The strongest attack on one question by an attacker who holds what the row's key state says.

    Attributes
    ----------
    status : str
        ``ok``; otherwise ``failed``, ``unmeasured`` or ``not asked``, and there is no number.
    headline, beside : Measurement
        As the question's :class:`Reading` names them.
    naive : Measurement, optional
        The headline of the strongest attack that only reads the stored bytes.
    usual : Measurement, optional
        The headline of a logistic regression on the stored bytes, the usual evaluation in papers.
    adaptive : Measurement, optional
        The headline of the strongest attack that uses more than the stored bytes.
    record : str
        Address of the strongest attack's record, relative to the boards.
    chosen : Record, optional
        That record itself.
    found_by : str
        Who submitted the strongest attack's record; empty for the suite's own runs.
    measured, failed, unmeasured : int
        Number of attacks with a result, of failed attacks, and of attacks that fail on the ceiling control.
    rank : int, optional
        1 plus the number of rows that leak less (95 % intervals do not overlap); 1 = leaks least.
    shared : bool
        Whether another row has the same rank.
    """

    question: str
    status: str
    attack: str = ""
    knowledge: str = ""
    headline: Measurement | None = None
    beside: tuple[Measurement, ...] = ()
    naive: Measurement | None = None
    naive_attack: str = ""
    usual: Measurement | None = None
    adaptive: Measurement | None = None
    adaptive_attack: str = ""
    record: str = ""
    found_by: str = ""
    measured: int = 0
    failed: int = 0
    unmeasured: int = 0
    rank: int | None = None
    shared: bool = False
    chosen: Record | None = None

    @property
    def word(self) -> str:
        """The text in place of a number: ``2 failed, 1 not measured``."""
        counts = ((self.failed, "failed"), (self.unmeasured, "not measured"))
        return ", ".join(f"{count} {what}" for count, what in counts if count) or printed(self.status)

    @property
    def place(self) -> str:
        """The rank as written: ``2``, ``2=`` when shared, empty for rows that are not ranked."""
        return "" if self.rank is None else f"{self.rank}{'=' if self.shared else ''}"


@dataclass(frozen=True)
class Fairness:
    """How unequal the errors of one attribute's groups are: GARBE 0 = fair, FDR 1 = fair."""

    attribute: str
    garbe: Figure
    fdr: Figure


@dataclass(frozen=True)
class Cost:
    """Seconds per enrolment, also in multiples of ``cosine`` on the same machine; bytes stored, bytes of the key."""

    seconds: Figure
    ratio: float | None
    size: Figure
    key_size: Figure


@dataclass(frozen=True)
class Row:
    """One line of a board.

    Attributes
    ----------
    key : str
        What the attacker holds: ``secret`` (no key), ``stolen`` (the subjects' keys) or ``disclosed`` (the system's own
        secrets too); empty for schemes without keys and secrets.
    role : str
        ``ceiling`` (cosine hides nothing), ``floor`` (noise holds nothing), otherwise empty.
    recognition : str
        ``recognises``, or why the row is not ranked.
    verify : Record, optional
        The row's record of verification.
    fmr : str
        The FMR at which FNMR is shown.
    """

    scheme: str
    key: str
    role: str
    recognition: str
    verify: Record | None
    fmr: str
    questions: tuple[Worst, ...]
    fairness: tuple[Fairness, ...]
    cost: Cost
    notes: tuple[str, ...] = ()
    fair: Record | None = None
    """The row's record of fairness."""
    exposed: tuple[Exposed, ...] = ()
    """Per question, how unequally subjects are exposed; questions whose records don't say are left out."""

    @property
    def name(self) -> str:
        return row_name(self.scheme, self.key) + self.mark

    @property
    def mark(self) -> str:
        """The suffix of a published row that is shown beside the rows of a run."""
        return f", {PUBLISHED}" if _NOT_MADE_HERE in self.notes else ""

    def verified(self, metric: str) -> Figure:
        """A figure of the row's verification, by the metric's published name."""
        figure = _figure(self.verify, metric)
        built_in = figure.status == NOT_MEASURED and find(self.verify, flat("fnmr", OWN)) is not None
        return replace(figure, status=BUILT_IN) if built_in else figure

    def at_point(self, metric: str, question: str, *, absent: str = "") -> Figure:
        """A figure of the row's verification or fairness; ``undefined`` where its record says why there is none.

        Parameters
        ----------
        absent : str
            The status of a record without it; by default ``not measured``.
        """
        record = self.fair if question == FAIRNESS else self.verify
        figure = _figure(record, metric)
        undefined = record.details.get("undefined") if record is not None else None
        if figure.status == NOT_MEASURED and isinstance(undefined, Mapping) and metric in undefined:
            return replace(figure, status=UNDEFINED)
        return replace(figure, status=absent) if absent and figure.status == NOT_MEASURED else figure

    def attacked(self, question: str, metric: str) -> Figure:
        """A figure of the strongest attack on a question, by the metric's published name."""
        one = next((one for one in self.questions if one.question == question), Worst(question, NOT_RUN))
        return Figure(one.status, record=one.record) if one.chosen is None else _figure(one.chosen, metric)

    @property
    def eer(self) -> Figure:
        return self.verified("eer")

    @property
    def fnmr(self) -> Figure:
        return self.verified(flat("fnmr", self.fmr))

    @property
    def ranked(self) -> bool:
        """Whether the row is ranked: controls, and schemes that do not recognise their subjects, are not."""
        return not self.role and self.recognition == RECOGNISES


@dataclass(frozen=True)
class Board:
    """The standings of one protocol, data set and seed; rows of two boards are never compared.

    ``fmr`` is the false match rate at which FNMR is shown, ``fairness_fmr`` that of fairness; empty where there are
    too few subjects for any. ``matched`` holds the comparison at matched utility per question, where the records hold
    the levels of noise; these have no rows.
    """

    protocol: str
    data: str
    seed: int
    fmr: str
    fairness_fmr: str
    readings: tuple[Reading, ...]
    attributes: tuple[str, ...]
    rows: tuple[Row, ...]
    records: int
    failed: int
    unmeasured: int
    data_notes: tuple[str, ...] = ()
    """What was noted when the data were read: what is missing, left out, or looks wrong."""
    matched: tuple[Matched, ...] = ()
    resolution: tuple[Resolution, ...] = ()
    """Of each question with two ranked rows or more, the smallest difference that its ranking resolves."""

    def resolved(self, question: str) -> Resolution | None:
        """What the ranking of a question resolves."""
        return next((one for one in self.resolution if one.question == question), None)


def standings(records: Sequence[Record]) -> list[tuple[Board, list[Record]]]:
    """A board for each protocol, data set and seed, with its records, whatever the order of ``records``.

    Raises
    ------
    InputError
        When two different records claim the same cell.
    """
    groups = groupby(ordered(records), key=lambda record: board_of(record.cell))
    return [(_board(group), group) for _, members in groups for group in [list(members)]]


@dataclass(frozen=True)
class _Frame:
    """Records, by scheme, and settings that all rows of one board share."""

    records: Mapping[str, list[Record]]
    data: str
    readings: tuple[Reading, ...]
    attributes: tuple[str, ...]
    fmr: str
    fairness_fmr: str


def _board(records: list[Record]) -> Board:
    of_scheme: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        of_scheme[record.cell.scheme].append(record)
    cell = records[0].cell
    frame = _Frame(
        records=of_scheme,
        data=cell.data,
        readings=readings(records),
        attributes=_attributes(records),
        fmr=strictest_rate(records, "fnmr", question=VERIFY),
        fairness_fmr=strictest_rate(records, "garbe", "fdr", question=FAIRNESS),
    )
    schemes = sorted(set(of_scheme) - _ceilings_only(of_scheme) - {*NOISE_LEVELS})
    states = [(scheme, key) for scheme in schemes for key in key_states(of_scheme[scheme], scheme)]
    rows = _beside_the_floor([_row(frame, scheme, key) for scheme, key in states])
    by_rank = _in_order(_ranked(rows, frame.readings))
    compared = _matched(frame, by_rank)
    ordered_rows = tuple(_in_order(by_rank, compared) if compared else by_rank)
    return Board(
        protocol=cell.protocol,
        data=cell.data,
        seed=cell.seed,
        fmr=frame.fmr,
        fairness_fmr=frame.fairness_fmr,
        readings=frame.readings,
        attributes=frame.attributes,
        rows=ordered_rows,
        records=len(records),
        failed=sum(record.status in _NO_ANSWER for record in records),
        unmeasured=sum(record.status is Status.UNMEASURED for record in records),
        data_notes=_data_notes(records),
        matched=compared,
        resolution=_resolution(frame, ordered_rows),
    )


def _resolution(frame: _Frame, rows: Sequence[Row]) -> tuple[Resolution, ...]:
    """What the ranking of each question resolves, over the ranked rows that have a figure."""
    made = []
    for place, reading in enumerate(frame.readings):
        worsts = (row.questions[place] for row in rows if row.ranked)
        figures = [influenced(one.chosen, one.headline) for one in worsts if one.headline is not None]
        made.append(resolution(reading.question, figures, data=frame.data))
    return tuple(one for one in made if one is not None)


def _matched(frame: _Frame, rows: Sequence[Row]) -> tuple[Matched, ...]:
    """Every question at matched utility. A scheme whose keys can be stolen stands there with its stolen keys."""
    levels = [_row(frame, name, "") for name in NOISE_LEVELS if name in frame.records]
    if not levels:
        return ()
    keyed = {row.scheme for row in rows if row.key == STOLEN}
    shown = [row for row in rows if not row.role and not (row.key == SECRET and row.scheme in keyed)]
    curve = [*(row for row in rows if row.scheme == CEILING), *levels]
    made = (
        matched(
            reading,
            [_operating(row, place) for row in curve],
            [_operating(row, place) for row in shown],
            data=frame.data,
        )
        for place, reading in enumerate(frame.readings)
    )
    return tuple(one for one in made if one is not None)


def _operating(row: Row, place: int) -> Operating:
    fnmr, worst = row.fnmr.measurement, row.questions[place]
    one = worst.headline
    moved = ((row.verify, fnmr), (worst.chosen, one))
    first, second = (influenced(record, figure)[1] if figure else {} for record, figure in moved)
    stands = {"name": row.name, "scheme": row.scheme, "key": row.key, "attack": worst.attack, "record": worst.record}
    return Operating(fnmr=fnmr, headline=one, attacks=worst.measured, influence=(first, second), **stands)


def _data_notes(records: list[Record]) -> tuple[str, ...]:
    """The notes in the records' provenance, each once. Records aren't trusted: what is no list of texts is left out."""
    found: dict[str, None] = {}
    for text in dict.fromkeys(str(record.provenance.get(DATA_NOTES, "[]")) for record in records):
        try:
            notes = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(notes, list):
            found |= dict.fromkeys(printable(note) for note in notes if isinstance(note, str))
    return tuple(found)


def _ceilings_only(records: Mapping[str, list[Record]]) -> set[str]:
    """Schemes that serve only as the ceiling control of a question; they get no rows."""
    own = {name: {one.cell.question for one in records.get(name, ())} for name in ceilings() - {CEILING}}
    return {
        name
        for name, questions in own.items()
        if questions and all(ceiling_of(question) == name for question in questions)
    }


def _attributes(records: list[Record]) -> tuple[str, ...]:
    """The attributes for which fairness was measured."""
    fairness = (one for record in records if record.cell.question == FAIRNESS for one in record.measurements)
    return tuple(sorted({one.group[0] for one in fairness if one.metric in ("garbe", "fdr") and one.group}))


def printed(status: str) -> str:
    """A status as boards print it: ``not asked`` in files is "not run" on boards."""
    return _PRINTED.get(status, status)


def row_name(scheme: str, key: str) -> str:
    """The scheme with what the attacker of the row holds: ``biohash, key stolen``."""
    return scheme + {STOLEN: ", key stolen", DISCLOSED: ", all disclosed"}.get(key, "")


def key_states(records: Sequence[Record], scheme: str) -> tuple[str, ...]:
    """The key states of a scheme; each gets a row."""
    own = [record for record in records if record.cell.scheme == scheme]
    known = {str(record.cell.knowledge).split(" ")[0] for record in own}
    stolen = str(Knowledge.STOLEN_KEY) in known or any(find(record, "key_bytes_per_person") for record in own)
    disclosed = str(Knowledge.FULL_DISCLOSURE) in known
    states = (*((STOLEN,) if stolen else ()), *((DISCLOSED,) if disclosed else ()))
    return (SECRET, *states) if states else ("",)


def _row(frame: _Frame, scheme: str, key: str) -> Row:
    stolen = key == STOLEN
    own = frame.records[scheme]
    verify = harness_record(own, scheme, VERIFY, stolen=stolen)
    row = Row(
        scheme=scheme,
        key=key,
        role=_ROLES.get(scheme, ""),
        recognition=_recognition(_error(verify) if verify and verify.status is Status.OK else None),
        verify=verify,
        fmr=frame.fmr,
        questions=tuple(_worst(frame, scheme, reading, key=key) for reading in frame.readings),
        fairness=_fairness(frame, scheme, stolen=stolen),
        fair=harness_record(own, scheme, FAIRNESS, stolen=stolen),
        exposed=tuple(_exposed(frame, scheme, key)),
        cost=_cost(frame, scheme),
    )
    spared = () if row.role else _spared(frame, scheme, key=key)
    return replace(
        row,
        notes=(
            *_published(frame, scheme),
            *_left_out(frame, scheme),
            *_standing(row),
            *_own_point(verify),
            *_refusals(row),
            *_submitter(verify),
            *(() if _own_point(verify) else _scorer(verify)),
            *spared,
            *_silent(row),
        ),
    )


def _exposed(frame: _Frame, scheme: str, key: str) -> Iterator[Exposed]:
    for reading in frame.readings:
        choice = choose(frame.records[scheme], scheme, reading, key=key)
        valid = [record for record in choice.attacks if is_valid(record, reading)]
        found = exposure(valid, choice.strongest, stream(0, "exposure", scheme, key, reading.question))
        if found is not None:
            yield found


def _beside_the_floor(rows: list[Row]) -> list[Row]:
    """The rows with the floor control's figures beside their own, where subjects are exposed."""
    floor = {one.question: one for row in rows if row.scheme == FLOOR for one in row.exposed}
    return [
        replace(row, exposed=tuple(one.beside(floor.get(one.question)) for one in row.exposed)) if row.exposed else row
        for row in rows
    ]


def _figure(record: Record | None, metric: str) -> Figure:
    if record is None:
        return Figure(NOT_RUN)
    link = record_link(record)
    if record.status is not Status.OK:
        return Figure(str(record.status), record=link)
    one = find(record, metric)
    return Figure(NOT_MEASURED, record=link) if one is None else Figure(OK, one, link)


def _error(verify: Record) -> Measurement | None:
    """The EER or, of a scheme with a built-in threshold, the mean of its two error rates."""
    missed, matched = (find(verify, flat(metric, OWN)) for metric in ("fnmr", "fmr_reached"))
    if missed is None or matched is None:
        return find(verify, "eer")
    value, low, high = ((getattr(missed, part) + getattr(matched, part)) / 2 for part in ("value", "low", "high"))
    return Measurement("eer", value, low, high, missed.n, chance=0.5)


def _refusals(row: Row) -> list[str]:
    """A note on the subjects whom the scheme could not enrol: the row's other figures are of those who are left."""
    refused = find(row.verify, SCHEME_FTE)
    if refused is None:
        return []
    counted = find(row.verify, flat(GENERALISED, row.fmr))
    beside = "" if counted is None else f"; FNMR with them counted as rejected: {with_interval(counted)}"
    return [f"could not enrol {with_interval(refused)} of the enrolments: FNMR and attacks are of the others{beside}"]


def _own_point(verify: Record | None) -> list[str]:
    """The one operating point of a scheme with a built-in threshold, and the plain vectors beside it."""
    found = {name: find(verify, flat(name, OWN)) for name in ("fnmr", "fmr_reached", "plain_fnmr", "plain_fmr_reached")}
    said = {name: with_interval(one) for name, one in found.items() if one is not None}
    if not {"fnmr", "fmr_reached"} <= set(said):
        return []
    beside = f"; plain vectors: FNMR {said['plain_fnmr']} at FMR {said['plain_fmr_reached']}" if len(said) > 2 else ""
    return [f"built-in threshold: FNMR {said['fnmr']} at its own FMR {said['fmr_reached']}{beside}"]


def _recognition(eer: Measurement | None) -> str:
    if eer is None:
        return UNKNOWN
    if eer.low > BROKEN_ABOVE:
        return BROKEN
    return UNSHOWN if eer.high >= COIN else RECOGNISES


def _worst(frame: _Frame, scheme: str, reading: Reading, *, key: str) -> Worst:
    return worst_among(choose(frame.records[scheme], scheme, reading, key=key).attacks, reading)


def worst_among(attacks: Sequence[Record], reading: Reading) -> Worst:
    """The strongest of these attacks on one question, and what stands beside it; not ranked."""
    best = strongest(attacks, reading)
    worst = Worst(
        question=reading.question,
        status=NOT_RUN,
        measured=sum(is_valid(record, reading) for record in attacks),
        failed=sum(record.status in _NO_ANSWER for record in attacks),
        unmeasured=sum(record.status not in _NO_ANSWER and not is_valid(record, reading) for record in attacks),
    )
    if best is None:
        return replace(worst, status="failed" if worst.failed else "unmeasured") if attacks else worst
    of_bytes = strongest(filter(naive, attacks), reading)
    usual = strongest((record for record in attacks if record.cell.attack == USUAL), reading)
    of_more = strongest(filter(adaptive, attacks), reading)
    return replace(
        worst,
        status=OK,
        attack=best.cell.attack,
        knowledge=str(best.cell.knowledge),
        headline=find(best, reading.headline),
        beside=tuple(one for metric in reading.beside for one in [find(best, metric)] if one is not None),
        naive=find(of_bytes, reading.headline),
        naive_attack=of_bytes.cell.attack if of_bytes else "",
        usual=find(usual, reading.headline),
        adaptive=find(of_more, reading.headline),
        adaptive_attack=of_more.cell.attack if of_more else "",
        record=record_link(best),
        chosen=best,
        found_by=printable(best.provenance.get("submitted_by", "")),
    )


def _fairness(frame: _Frame, scheme: str, *, stolen: bool) -> tuple[Fairness, ...]:
    record = harness_record(frame.records[scheme], scheme, FAIRNESS, stolen=stolen)

    def index(name: str, attribute: str) -> Figure:
        figure = _figure(record, flat(name, frame.fairness_fmr, (attribute,)))
        return replace(figure, status=UNDEFINED) if figure.status == NOT_MEASURED else figure

    return tuple(Fairness(name, index("garbe", name), index("fdr", name)) for name in frame.attributes)


def _cost(frame: _Frame, scheme: str) -> Cost:
    own = harness_record(frame.records[scheme], scheme, COST, stolen=False)
    control = harness_record(frame.records.get(CEILING, ()), CEILING, COST, stolen=False)
    seconds = _figure(own, "seconds_per_enrolment")
    reference = _figure(control, "seconds_per_enrolment").measurement
    ratio = None
    if own and control and seconds.measurement and reference and reference.value > 0 and _one_machine(own, control):
        ratio = seconds.measurement.value / reference.value
    return Cost(seconds, ratio, _figure(own, "bytes_per_template"), _figure(own, "key_bytes_per_person"))


def _one_machine(one: Record, other: Record) -> bool:
    """Whether two records were timed on the same platform and device, by the same engine; otherwise no ratio is given.

    Rows of a published board may come from runs that are months apart, on other machines.
    """
    ours, theirs = one.provenance, other.provenance
    alike = all(ours.get(key) == theirs.get(key) for key in ("platform", "engine_source"))
    return alike and device_of(ours) == device_of(theirs)


def _standing(row: Row) -> list[str]:
    """Notes on the row's role and on whether it recognises its subjects."""
    if row.role == "floor":
        sane = row.recognition != RECOGNISES
        return [
            "floor control: holds no information"
            if sane
            else "floor control, should hold no information, yet recognises subjects"
        ]
    notes = ["ceiling control: the unprotected embedding"] if row.role == "ceiling" else []
    if row.recognition == BROKEN:
        notes.append(f"does not recognise its subjects (95 % interval of the EER above {BROKEN_ABOVE}): not ranked")
    elif row.recognition == UNSHOWN:
        notes.append("recognition not shown (95 % interval of the EER reaches 0.5): not ranked")
    elif row.recognition == UNKNOWN:
        notes.append(f"recognition unknown (verification {printable(row.eer.word)}): not ranked")
    return notes


def _published(frame: _Frame, scheme: str) -> list[str]:
    """Whether a row was published with mote-bench and not made by this run."""
    return [_NOT_MADE_HERE] if any(PUBLISHED in record.provenance for record in frame.records[scheme]) else []


def _left_out(frame: _Frame, scheme: str) -> list[str]:
    """Why the scheme was left out of the run, where it can't take the data."""
    own = (record.details.get(LEFT_OUT) for record in frame.records[scheme])
    reasons = dict.fromkeys(why for why in own if isinstance(why, str))
    return [f"left out of the run: {printable(why)}" for why in reasons]


def _submitter(verify: Record | None) -> list[str]:
    """Who submitted the records, where it was not the suite."""
    by = "" if verify is None else printable(verify.provenance.get("submitted_by", ""))
    return [f"submitted by {by}"] if by else []


def _scorer(verify: Record | None) -> list[str]:
    """Properties of the comparison scores that hamper attacks without hiding information."""
    names = [] if verify is None else verify.details.get("scorer", {}).get("names", [])
    return (
        [f"comparison scores are {' and '.join(names)}: attacks by gradients or responses understate the leakage"]
        if names
        else []
    )


def _spared(frame: _Frame, scheme: str, *, key: str) -> list[str]:
    """Whether the row was evaluated with all attacks on the ceiling: a row without the strongest ones looks private."""

    def met(scheme: str, key: str) -> set[tuple[str, str]]:
        own, questions = frame.records.get(scheme, ()), [reading.question for reading in frame.readings]
        return {(one, each.cell.attack) for one in questions for each in attacks_on(own, scheme, one, key=key)}

    everything, own = met(CEILING, ""), met(scheme, key)
    if everything <= own:
        return []
    shares = f"{len(everything & own)} of {plural(len(everything), 'attack')}"
    return [f"evaluated with {shares}; the others do not apply or were not run"]


def _silent(row: Row) -> list[str]:
    """Number of attacks on the row without a result."""
    failed = sum(worst.failed for worst in row.questions)
    unmeasured = sum(worst.unmeasured for worst in row.questions)
    counts = (("failed", failed), ("not measured", unmeasured))
    return [f"{plural(count, 'attack')} {what}" for what, count in counts if count]


def _ranked(rows: list[Row], of: tuple[Reading, ...]) -> list[Row]:
    ranks = [_ranks(rows, index, reading) for index, reading in enumerate(of)]
    return [
        replace(
            row,
            questions=tuple(
                replace(worst, rank=rank, shared=shared)
                for worst, found in zip(row.questions, ranks, strict=True)
                for rank, shared in [found.get((row.scheme, row.key), (None, False))]
            ),
        )
        for row in rows
    ]


def _ranks(rows: list[Row], index: int, reading: Reading) -> dict[tuple[str, str], tuple[int, bool]]:
    """Rank and whether it is shared, per row.

    Rows are not put into groups of overlapping intervals: with dozens of rows each overlaps the next, so the least and
    the most private would share a rank.
    """
    spans = {}
    for row in rows:
        one = row.questions[index].headline
        if row.ranked and one is not None:
            spans[row.scheme, row.key] = sorted((leak(reading, one.low), leak(reading, one.high)))
    ranks = {name: 1 + sum(high < low for _, high in spans.values()) for name, (low, _) in spans.items()}
    counts = Counter(ranks.values())
    return {name: (rank, counts[rank] > 1) for name, rank in ranks.items()}


def _in_order(rows: list[Row], compared: Sequence[Matched] = ()) -> list[Row]:
    """Controls first, then ranked schemes, then the others.

    Ranked schemes stand by the mean rank of their weaker row. With a reference curve of noise it is the mean rank at
    matched utility, and schemes that may reject half of the genuine probes stand after those that don't.
    """
    usable = {row.scheme for row in rows if row.ranked}
    noise = by_scheme(compared)
    useless = _useless(rows) if compared else set()
    weaker = {
        scheme: max(_mean_rank(row, len(rows)) for row in rows if row.scheme == scheme)
        for scheme in {row.scheme for row in rows}
    }

    def order(row: Row) -> tuple[int, bool, bool, float, float, str, str]:
        control = [CEILING, FLOOR].index(row.scheme) if row.role else 2
        first = noise[row.scheme].mean_rank if row.scheme in noise else 0.0
        absent, rejects = row.scheme not in usable, row.scheme in useless
        return control, absent, rejects, first, weaker[row.scheme], row.scheme, row.key

    return sorted(rows, key=order)


def _useless(rows: Sequence[Row]) -> set[str]:
    """The schemes that may reject half of the genuine probes; with stolen keys, where they have keys."""
    keyed = {row.scheme for row in rows if row.key == STOLEN}
    shown = (row for row in rows if (row.key == STOLEN) == (row.scheme in keyed))
    return {row.scheme for row in shown if may_reject_half(row.fnmr.measurement)}


def _mean_rank(row: Row, last: int) -> float:
    """A question without a number counts as the last rank: a failed attack is no evidence of privacy."""
    ranks = [last if worst.rank is None else worst.rank for worst in row.questions]
    return sum(ranks) / max(len(ranks), 1)
