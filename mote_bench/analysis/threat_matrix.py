"""The threat matrix: one row per scheme, and what each kind of attacker gets of it, from records alone.

A cell holds the worst share of the ceiling over the properties that a scheme should keep. Its attack, its question and
its property are chosen on the selection subjects, and its figure is the target subjects'. So it is no maximum of many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mote_bench.contracts import FLOOR, Access, Cell, Knowledge, Record, Status, Threat, flat
from mote_bench.planning.threats import controls_of
from mote_bench.questions import Property
from mote_bench.questions.installed import ceilings, stands_alone, threatened

from .matched_utility import AgainstNoise, by_scheme, may_reject_half
from .selection import DISCLOSED, SECRET, STOLEN, Reading, choose, on_selection, threat
from .share import Share, share, share_of
from .standings import NOT_RUN, OK, Board, Figure, Row, Worst, standings, worst_among

NO_KEYS, NO_SECRETS = "no keys", "no system secrets"
"""The scheme has nothing of the kind to steal: the attacker is the one of the columns before."""
CONTROLS_EQUAL = "controls equal"
"""Every attack gets as much from the floor as from the ceiling control, so there is no share."""
SELECTION, TARGETS = "selection", "targets"
"""On whom a cell's property was chosen. Chosen on targets, the worst of several figures is slightly too high."""

RATES = ("1e-3", "1e-4")
"""The false match rates at which utility is shown, where a board's records hold them."""

_KNOWLEDGE = list(Knowledge)
_NEEDED = {Knowledge.STOLEN_KEY: (STOLEN, NO_KEYS), Knowledge.FULL_DISCLOSURE: (DISCLOSED, NO_SECRETS)}
"""The key state that a scheme must have for an attacker to steal such things, and the word where it hasn't."""


@dataclass(frozen=True)
class Attacker:
    """One column of the matrix: what the attacker holds.

    Attributes
    ----------
    key : str
        Its name in files.
    title : str
        Its heading.
    knowledge : Knowledge
        The most that the attacker knows. Attacks that need less are included.
    access : Access
        Offline, with stolen templates; or online, with none.
    short : str
        The heading in narrow tables: two lines of six letters. Empty for one that stands in details only.
    several : bool
        Whether the attacker holds several templates of each subject instead of one.
    """

    key: str
    title: str
    knowledge: Knowledge
    access: Access = Access.RECORD
    short: str = ""
    several: bool = False

    def admits(self, held: Threat) -> bool:
        """Whether this attacker can run an attack of this threat."""
        known = _KNOWLEDGE.index(held.knowledge) <= _KNOWLEDGE.index(self.knowledge)
        return known and held.access is self.access and (held.records > 1) is self.several


ATTACKERS = (
    Attacker("records", "records only", Knowledge.BYTES_ONLY, short="stored\nonly"),
    Attacker("algorithm", "+ algorithm, public faces", Knowledge.ALGORITHM, short="+algo-\nrithm"),
    Attacker("keys", "+ keys", Knowledge.STOLEN_KEY, short="+keys\n"),
    Attacker("secrets", "+ system secrets", Knowledge.FULL_DISCLOSURE, short="+sys.\nsecret"),
    Attacker("online_scores", "online scores", Knowledge.ALGORITHM, Access.SCORES, "online\nscores"),
    Attacker("online_decisions", "online decisions", Knowledge.ALGORITHM, Access.DECISIONS, "online\ndecis."),
)
"""The columns. Each of the first four includes the ones before it; online attackers hold neither records nor keys."""

FURTHER = (
    Attacker("online_scores_keys", "online scores + keys", Knowledge.STOLEN_KEY, Access.SCORES),
    Attacker("online_decisions_keys", "online decisions + keys", Knowledge.STOLEN_KEY, Access.DECISIONS),
    Attacker("several_records", "several records per subject", Knowledge.ALGORITHM, several=True),
    Attacker("several_records_keys", "several records + keys", Knowledge.STOLEN_KEY, several=True),
)
"""Attackers that stand in the details of a scheme only."""


@dataclass(frozen=True)
class Finding:
    """What one attacker gets to know of one question.

    Attributes
    ----------
    worst : Worst
        The strongest attack, the strongest naive and the strongest adaptive one; or how many failed.
    share : Share, optional
        The strongest attack's share of the ceiling; None without a figure, or where its controls do not differ.
    on_selection : float, optional
        The same attack's share on the selection subjects: 0 where its controls don't differ there; None where its
        record or its controls' hold no figures of them.
    """

    question: str
    threatens: Property
    worst: Worst
    share: Share | None
    on_selection: float | None

    @property
    def word(self) -> str:
        """The text in place of a share; empty where there is one."""
        if self.share is not None:
            return ""
        return self.worst.word if self.worst.headline is None else CONTROLS_EQUAL

    @property
    def naive(self) -> Share | None:
        return share_of(self.worst.naive)

    @property
    def adaptive(self) -> Share | None:
        return share_of(self.worst.adaptive)


@dataclass(frozen=True)
class ThreatCell:
    """What one attacker gets of a scheme.

    Attributes
    ----------
    status : str
        ``ok``; otherwise ``no keys``, ``no system secrets``, ``not asked``, ``failed``, ``unmeasured`` or
        ``controls equal``, and there is no figure.
    worst : Finding, optional
        The question with the largest share on the selection subjects, with its figures on the target subjects.
    findings : tuple of Finding
        Every question that threatens a property, in the order of the board.
    chosen_on : str
        ``selection``; ``targets`` where one of the compared questions has no figures on selection subjects.
    """

    attacker: Attacker
    status: str
    worst: Finding | None = None
    findings: tuple[Finding, ...] = ()
    chosen_on: str = SELECTION

    @property
    def unseen(self) -> tuple[Property, ...]:
        """The properties without a figure, so that the cell says nothing about them."""
        seen = {finding.threatens for finding in self.findings if finding.share is not None}
        return tuple(one for one in Property if one not in seen) if self.worst else ()

    def of(self, one: Property) -> Finding | None:
        """The worst finding of one property, chosen as the cell's."""
        return _worst_of([finding for finding in self.findings if finding.threatens == one])


@dataclass(frozen=True)
class Utility:
    """FNMR at one false match rate: impostors without the claimed subject's key, and with it."""

    rate: str
    kept: Figure
    stolen: Figure | None

    @property
    def weaker(self) -> Figure:
        """With stolen keys if the scheme has keys."""
        return self.kept if self.stolen is None else self.stolen


@dataclass(frozen=True)
class MatrixRow:
    """One scheme.

    Attributes
    ----------
    rows : tuple of Row
        The scheme's rows of the board, one per key state.
    rejects : Utility, optional
        The FNMR by which the scheme is of no use; None for a useful one, and where it isn't known.
    cells : tuple of ThreatCell
        One for each of ``ATTACKERS``.
    further : tuple of ThreatCell
        One for each of ``FURTHER``.
    alone : tuple of Worst
        The strongest attack without keys on each question that has a column of its own.
    noise : AgainstNoise, optional
        The scheme at matched utility; ``None`` where the board holds no levels of noise, and for controls.
    """

    scheme: str
    rows: tuple[Row, ...]
    utility: tuple[Utility, ...]
    rejects: Utility | None
    cells: tuple[ThreatCell, ...]
    further: tuple[ThreatCell, ...]
    alone: tuple[Worst, ...]
    noise: AgainstNoise | None = None

    @property
    def role(self) -> str:
        """``ceiling``, ``floor`` or empty."""
        return self.rows[0].role

    @property
    def has_keys(self) -> bool:
        return any(row.key == STOLEN for row in self.rows)

    @property
    def has_secrets(self) -> bool:
        return any(row.key == DISCLOSED for row in self.rows)

    @property
    def useful(self) -> bool:
        """Whether the scheme recognises its subjects and rejects fewer than half of the genuine probes."""
        return self.rejects is None and any(row.ranked for row in self.rows)

    def cell(self, key: str) -> ThreatCell:
        """The cell of an attacker, by the attacker's key."""
        return next(cell for cell in (*self.cells, *self.further) if cell.attacker.key == key)


@dataclass(frozen=True)
class ThreatMatrix:
    """The schemes of one board: controls, useful schemes in the board's order, then those of no use.

    Attributes
    ----------
    rates : tuple of str
        The false match rates of every row's ``utility``.
    alone : tuple of Reading
        The questions of every row's ``alone``.
    """

    board: Board
    rates: tuple[str, ...]
    alone: tuple[Reading, ...]
    rows: tuple[MatrixRow, ...]

    def row(self, scheme: str) -> MatrixRow | None:
        """The row of a scheme; None where the board has none."""
        return next((row for row in self.rows if row.scheme == scheme), None)


def threat_matrices(records: Sequence[Record]) -> list[tuple[ThreatMatrix, list[Record]]]:
    """A matrix for each board of these records, with the board's records.

    Raises
    ------
    InputError
        When two different records claim the same cell.
    """
    return [(threat_matrix(board, mine), mine) for board, mine in standings(records)]


def threat_matrix(board: Board, records: Sequence[Record]) -> ThreatMatrix:
    """The matrix of one board and its records, as :func:`~mote_bench.analysis.standings.standings` gives them."""
    held: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        held[record.cell.scheme].append(record)
    controls = {one.cell: one for name in {FLOOR, *ceilings()} for one in held[name]}
    posed = [(one, threatened(one.question, one.headline)) for one in board.readings]
    frame = _Frame(
        board=board,
        controls=controls,
        rates=_rates(board),
        threatening=tuple((reading, one) for reading, one in posed if one is not None),
        alone=tuple(reading for reading in board.readings if stands_alone(reading.question)),
    )
    schemes = dict.fromkeys(row.scheme for row in board.rows)
    noise = by_scheme(board.matched)
    rows = [replace(_row(frame, scheme, held[scheme]), noise=noise.get(scheme)) for scheme in schemes]
    return ThreatMatrix(board, frame.rates, frame.alone, tuple(sorted(rows, key=_class_of)))


@dataclass(frozen=True)
class _Frame:
    """What all rows share."""

    board: Board
    controls: Mapping[Cell, Record]
    rates: tuple[str, ...]
    threatening: tuple[tuple[Reading, Property], ...]
    alone: tuple[Reading, ...]


def _row(frame: _Frame, scheme: str, records: Sequence[Record]) -> MatrixRow:
    rows = tuple(row for row in frame.board.rows if row.scheme == scheme)
    utility = tuple(_utility(rows, rate) for rate in frame.rates)
    row = MatrixRow(
        scheme=scheme,
        rows=rows,
        utility=utility,
        rejects=next((one for one in utility if _rejects(one)), None),
        cells=(),
        further=(),
        alone=tuple(worst_among(choose(records, scheme, one, key=SECRET).attacks, one) for one in frame.alone),
    )
    named = {reading.question for reading, _ in frame.threatening}
    under = [(threat(record), record) for record in records if record.cell.question in named]
    cells, further = (
        tuple(_cell(frame, row, one, [record for held, record in under if one.admits(held)]) for one in columns)
        for columns in (ATTACKERS, FURTHER)
    )
    return replace(row, cells=cells, further=further)


def _rates(board: Board) -> tuple[str, ...]:
    """The rates at which a row has an FNMR; otherwise the board's own, if it has any."""
    held = tuple(
        rate for rate in RATES if any(row.verified(flat("fnmr", rate)).measurement is not None for row in board.rows)
    )
    return held or tuple(filter(None, (board.fmr,)))


def _utility(rows: Sequence[Row], rate: str) -> Utility:
    kept, stolen = (
        next((row.verified(flat("fnmr", rate)) for row in rows if (row.key == STOLEN) is of_stolen), None)
        for of_stolen in (False, True)
    )
    return Utility(rate, kept or Figure(NOT_RUN), stolen)


def _rejects(utility: Utility) -> bool:
    """Whether its FNMR at this rate doesn't show a scheme to be of use; the stricter rate says nothing of that."""
    return utility.rate != RATES[1] and may_reject_half(utility.weaker.measurement)


def _class_of(row: MatrixRow) -> int:
    """Controls, useful schemes, those that reject half of their subjects, those that recognise nobody."""
    if row.role:
        return 0
    if row.useful:
        return 1
    return 2 if any(one.ranked for one in row.rows) else 3


def _cell(frame: _Frame, row: MatrixRow, attacker: Attacker, records: Sequence[Record]) -> ThreatCell:
    """The cell of an attacker, from the records of the attacks that it can run."""
    state, absent = _NEEDED.get(attacker.knowledge, ("", ""))
    if state and all(one.key != state for one in row.rows):
        return ThreatCell(attacker, absent)
    findings = tuple(_finding(frame, reading, one, records) for reading, one in frame.threatening)
    worst = _worst_of(findings)
    if worst is None:
        return ThreatCell(attacker, _why_empty(findings), findings=findings)
    compared = (finding for finding in findings if finding.share is not None)
    on_targets = any(finding.on_selection is None for finding in compared)
    return ThreatCell(attacker, OK, worst, findings, TARGETS if on_targets else SELECTION)


def _finding(frame: _Frame, reading: Reading, threatens: Property, records: Iterable[Record]) -> Finding:
    attacks = [record for record in records if record.cell.question == reading.question]
    worst = worst_among(attacks, reading)
    found = share(worst)
    seen = None if worst.chosen is None else _share_on_selection(worst.chosen, reading, frame.controls)
    return Finding(reading.question, threatens, worst, found, seen)


def _worst_of(findings: Iterable[Finding]) -> Finding | None:
    """The finding with the largest share on the selection subjects, clipped to what a share can be.

    Where a finding has none, its share on the target subjects is compared instead. Ties go to the first property.
    """
    order = list(Property)
    shown = sorted((one for one in findings if one.share is not None), key=lambda one: order.index(one.threatens))
    return max(shown, key=_compared, default=None)


def _compared(finding: Finding) -> float:
    value = finding.on_selection
    if value is None and finding.share is not None:
        value = finding.share.value
    return min(max(value or 0.0, 0.0), 1.0)


def _share_on_selection(record: Record, reading: Reading, controls: Mapping[Cell, Record]) -> float | None:
    """The share of an attack on the selection subjects, between its controls on the same subjects."""
    try:
        cells = controls_of(record.cell)
    except ValueError:  # an unknown threat
        return None
    one = on_selection(record, reading)
    floor, ceiling = (on_selection(controls.get(cell), reading) for cell in cells)
    if one is None or floor is None or ceiling is None:
        return None
    found = share_of(replace(one, floor=floor.value, ceiling=ceiling.value))
    return 0.0 if found is None else found.value


def _why_empty(findings: Sequence[Finding]) -> str:
    """Why no finding has a share: the word that asks most for attention."""
    seen = {CONTROLS_EQUAL if one.worst.status == OK else one.worst.status for one in findings}
    words = (str(Status.FAILED), str(Status.UNMEASURED), CONTROLS_EQUAL)
    return next((word for word in words if word in seen), NOT_RUN)
