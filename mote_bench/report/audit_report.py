"""The audit report: one scheme on one data set, as a self-contained page that prints on a few sheets.

The wording is fixed and stands in the template; only figures, names and reasons come from records. An element that
shows a figure names its record and its metric, so that each can be read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import mode

from markupsafe import Markup

from mote_bench import formatting
from mote_bench._version import __version__
from mote_bench.analysis import audit as quoted
from mote_bench.analysis.audit import Audit, Entry, Quote
from mote_bench.analysis.selection import DISCLOSED, SECRET, STOLEN, find, record_link
from mote_bench.analysis.share import ALL, NOTHING, PART, UNCLEAR
from mote_bench.analysis.standings import printed
from mote_bench.analysis.threat_matrix import CONTROLS_EQUAL, NO_KEYS, NO_SECRETS, ThreatCell
from mote_bench.contracts import Measurement, Record, flat
from mote_bench.data import synthetic
from mote_bench.planning import protocol
from mote_bench.planning.spec import device_of
from mote_bench.questions import Risk
from mote_bench.questions.harness import COST, FAIRNESS, VERIFY
from mote_bench.questions.installed import asks, described
from mote_bench.records.naming import short_id
from mote_bench.records.provenance import RECOGNISER

from . import templates

HOLDS = {
    "": "no attacker",
    quoted.KEPT: "impostor without the key",
    quoted.LOST: "impostor with the key",
    quoted.DICTIONARY: "no template: a dictionary of faces, presented to all subjects",
    "records": "stolen templates only",
    "algorithm": "templates, algorithm and public faces",
    "keys": "templates, algorithm, public faces and the subjects' keys",
    "secrets": "templates, algorithm, public faces and the system's secrets",
    "online_scores": "no template: online access to scores",
    "online_decisions": "no template: online access to decisions",
    "online_scores_keys": "no template: online access to scores, and the keys",
    "online_decisions_keys": "no template: online access to decisions, and the keys",
}
"""What an attacker holds, by the attacker's key; or which impostor recognition was measured with."""

STANDARDS = {
    "24745": "ISO/IEC 24745:2022, biometric template protection",
    "30136": "ISO/IEC 30136:2018, testing of template protection",
    "19795-1": "ISO/IEC 19795-1:2021, biometric performance testing",
    "19795-10": "ISO/IEC 19795-10, differences between demographic groups",
}

READ_AS = {
    ALL: "The interval reaches the plain embedding.",
    PART: "The interval reaches neither control.",
    NOTHING: "The interval reaches random templates. With this number of subjects, no leak is shown.",
    UNCLEAR: "The interval reaches both controls. With this number of subjects, nothing follows.",
}
"""How a share of the ceiling is read, by its word."""

_VERSIONS = ("mote_bench", "mote_bench_source", "python", "numpy", "scipy", "scikit-learn", "torch", "xgboost")
_STATES = {SECRET: "Nothing but templates stolen: ", STOLEN: "Keys stolen: ", DISCLOSED: "All disclosed: "}
_EMBEDDED = re.compile(r"embedded by (.*); \d+ pictures were skipped")
_MOST_BYTES_OF_REASON = 160


@dataclass(frozen=True)
class Count:
    """A number of a record that is no measurement, and where it stands in the record's file."""

    record: Record
    path: str
    value: int


@dataclass(frozen=True)
class Line:
    """A line of the table of keys: its title, which way is better, and a figure or a word for each column."""

    title: str
    way: str
    cells: tuple[Quote | str, ...]


@dataclass(frozen=True)
class Term:
    """A metric of the report with its meaning."""

    label: str
    meaning: str
    better: str
    source: str


def audit_html(of: Audit) -> str:
    """The report. It loads no resource, runs no script, and escapes every text from records.

    Equal records give equal bytes; nothing is written, and it holds no date.
    """
    environment = templates.environment()
    for name in ("exact", "label", "number", "plural", "printable", "span"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters |= {
        "absent": absent,
        "address": record_link,
        "asks": asks,
        "better": lambda one, question: described(one.name, question).better,
        "checksum": lambda record: of.checksums[record.cell],
        "holds": HOLDS.__getitem__,
        "printed": printed,
        "reason": reason,
        "short_id": lambda record: short_id(record.cell),
        "standard": STANDARDS.__getitem__,
        "threat": lambda record: str(record.cell.knowledge).replace("_", " "),
        "whole": whole,
    }
    page = environment.get_template("audit_report.html.j2")
    keys, accesses = tuple(quoted.by_key(of)), tuple(quoted.queries(of))
    standards, recipients = quoted.standards(of), tuple(quoted.recipients(of))
    entries = [*keys, *accesses, *(one for standard in standards for one in standard.entries)]
    entries += [one for recipient in recipients for risk in recipient.risks for one in risk]
    lost, curves = quoted.without_result(of), tuple(quoted.curves(of))
    return page.render(
        of=of,
        cell=of.records[0].cell,
        style=Markup(templates.read("audit_report.css")),
        version=__version__,
        read_as=READ_AS,
        cells=tuple(_shown(of)),
        recognition=tuple(_recognition(of)),
        notes=tuple(_notes(of)),
        card=_card(of),
        counts=_counts(of),
        limits=_limits(of),
        key_columns=tuple(_columns(of)),
        key_lines=tuple(_lines(keys, _columns(of))),
        left_out=tuple(_left_out(of)),
        standards=standards,
        risks=tuple(Risk),
        recipients=recipients,
        accesses=accesses,
        curves=curves,
        lost=lost,
        without_record=quoted.without_record(of),
        unseen=tuple(quoted.unseen(of)),
        cited=_cited(of, [*(quote.record for one in entries for quote in one.quotes), *(one.record for one in curves)]),
        checksum_of_all=checksum_of_all(of.checksums.values()),
        terms=_terms(entries),
    )


def whole(value: float) -> str:
    """A share in whole percent, cut to what a share can be: ``0 %`` to ``100 %``."""
    return f"{round(100 * min(max(value, 0.0), 1.0))} %"


def absent(status: str) -> str:
    """Why an attacker of the threat matrix has no figure."""
    return {
        NO_KEYS: "the scheme has no keys: the attacker is the one of the row above",
        NO_SECRETS: "the system has no secrets of its own: the attacker is one of the rows above",
        CONTROLS_EQUAL: "the two controls are too close to each other for a share",
    }.get(status, printed(status))


def reason(record: Record) -> str:
    """Why a cell has no result, in one short line."""
    return formatting.shortened(formatting.message(record.error), _MOST_BYTES_OF_REASON) or quoted.NOT_RECORDED


def _stated(records: Iterable[Record], name: str) -> str:
    """What the records' provenance says under one name; each value once."""
    found = dict.fromkeys(str(one.provenance[name]) for one in records if name in one.provenance)
    return formatting.printable("; ".join(found)) or quoted.NOT_RECORDED


def _card(of: Audit) -> tuple[tuple[str, str], ...]:
    """What the report is about: name and value of each line."""
    cell, own = of.records[0].cell, of.records
    devices = formatting.printable("; ".join(dict.fromkeys(device_of(one.provenance) for one in own)))
    versions = (f"{name} {_stated(own, name)}" for name in _VERSIONS if any(name in one.provenance for one in own))
    return (
        ("Scheme", cell.scheme),
        ("Shipped by", _stated(own, "scheme_by")),
        ("Source of the scheme", f"checksum {_stated(own, 'scheme_source')} (16 digits of a SHA-256)"),
        ("Parameters", "those of this source; the records hold no others"),
        ("Data set", cell.data),
        ("SHA-256 of the data", _stated(own, "data_sha256")),
        ("Recogniser", recogniser(own, of.board.data_notes)),
        *(("Note on the data", note) for note in of.board.data_notes),
        ("Protocol", f"{cell.protocol}, SHA-256 {_stated(own, 'protocol_sha256')}"),
        ("Seed", str(cell.seed)),
        ("Versions", ", ".join(versions) or quoted.NOT_RECORDED),
        ("Computed on", f"{_stated(own, 'platform')}; device {devices}"),
    )


def recogniser(records: Sequence[Record], notes: Sequence[str]) -> str:
    """The recogniser that made the embeddings.

    Records of earlier versions don't state it: then where a note on the data or the built-in population's card does.
    """
    if any(RECOGNISER in one.provenance for one in records):
        return _stated(records, RECOGNISER)
    stated = [found[1] for note in notes for found in [_EMBEDDED.fullmatch(note)] if found]
    if stated:
        return "; ".join(stated)
    card = synthetic.card()
    built_in = any(one.provenance.get("data_sha256") == card["sha256"] for one in records)
    return str(card["embedding"]) if built_in else quoted.NOT_RECORDED


def _counts(of: Audit) -> tuple[tuple[str, Count], ...]:
    """The numbers of subjects and of comparisons that the records hold."""
    found: list[tuple[str, Count]] = []
    verify = of.harness(VERIFY, of.states[0])
    for name, title in (
        ("people", "Target subjects"),
        ("genuine", "Mated comparisons"),
        ("impostor", "Non-mated comparisons"),
    ):
        held = verify.details.get("counts", {}) if verify else {}
        if verify and isinstance(held.get(name), int):
            found.append((title, Count(verify, f"details.counts.{name}", held[name])))
    selected = {one.rehearsal[0].n: one for one in reversed(of.records) if one.rehearsal}
    if selected:
        usual = mode(one.rehearsal[0].n for one in of.records if one.rehearsal)
        found.insert(1, ("Selection subjects", Count(selected[usual], ".".join(("rehearsal", "0", "n")), usual)))
    cost = of.harness(COST, "")
    enrolled = cost.details.get("people_enrolled") if cost else None
    if cost and isinstance(enrolled, int):
        found.append(("Enrolments in all sets", Count(cost, "details.people_enrolled", enrolled)))
    return tuple(found)


def _limits(of: Audit) -> protocol.Protocol | None:
    """The protocol of the records; None where it isn't installed, or is another one of the same name."""
    name = of.records[0].cell.protocol
    if name not in protocol.names():
        return None
    found = protocol.load(name)
    return found if _stated(of.records, "protocol_sha256") == found.checksum else None


def _cited(of: Audit, quoted_records: Iterable[Record]) -> tuple[Record, ...]:
    """Every record that the report takes something from, once, in the order of cells."""
    used = [*quoted_records, *(count.record for _, count in _counts(of)), *quoted.without_result(of)]
    used += [cell.worst.worst.chosen for cell in _shown(of) if cell.worst and cell.worst.worst.chosen]
    cells = {one.cell for one in used}
    return tuple(one for one in of.records if one.cell in cells)


def _shown(of: Audit) -> Iterator[ThreatCell]:
    """The cells of the threat matrix that the report shows."""
    yield from of.row.cells
    yield from (cell for cell in of.row.further if cell in of.cells)


def checksum_of_all(checksums: Iterable[str]) -> str:
    """SHA-256 of these checksums, sorted, one a line."""
    return sha256("".join(f"{one}\n" for one in sorted(checksums)).encode()).hexdigest()


def _recognition(of: Audit) -> Iterator[tuple[str, tuple[Quote | str, ...]]]:
    """FNMR at each rate, in each key state; a word where it wasn't measured."""
    for one in of.row.utility:
        metric = flat("fnmr", one.rate)
        records = [of.harness(VERIFY, state) for state in of.states]
        yield one.rate, tuple(_quote(record, metric) or quoted.NOT_RECORDED for record in records)


def _quote(record: Record | None, metric: str) -> Quote | None:
    one = find(record, metric)
    return None if record is None or one is None else Quote(record, one)


def _notes(of: Audit) -> Iterator[str]:
    """The remarks of the board on the scheme, each with the key state that it is about, where there are several."""
    for row in of.row.rows:
        state = _STATES[row.key] if len(of.row.rows) > 1 else ""
        yield from (f"{state}{note}" for note in row.notes)


def _columns(of: Audit) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The columns of the table of keys: a title, and whose figures stand in it."""
    kept = (quoted.KEPT, "", "algorithm")
    yield ("keys kept" if of.row.has_keys else "secrets kept"), kept
    if of.row.has_keys:
        yield "keys stolen", (quoted.LOST, "keys")
    if of.row.has_secrets:
        yield "system's secrets stolen", ("secrets",)


def _lines(entries: Sequence[Entry], columns: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Line]:
    """A line for each metric of each topic, with a cell in each column."""
    held = [holders for _, holders in columns]
    for topic in dict.fromkeys(entry.topic for entry in entries):
        mine = [entry for entry in entries if entry.topic == topic]
        names = dict.fromkeys(quote.one.name for entry in mine for quote in entry.quotes) or {"": None}
        for name in names:
            cells = tuple(_cell([one for one in mine if one.holder in holders], name) for holders in held)
            shown = next((cell for cell in cells if isinstance(cell, Quote)), None)
            way = "neither" if shown is None else described(name, shown.record.cell.question).better
            parts = () if topic == quoted.RECOGNITION and name else (topic.replace("_", " "),)
            yield Line(": ".join(filter(None, (*parts, formatting.label(name)))), way, cells)


def _cell(entries: Sequence[Entry], name: str) -> Quote | str:
    """A column's figure; a word where it has none."""
    found = (quote for entry in entries for quote in entry.quotes if quote.one.name == name)
    why = next((entry.why for entry in entries if entry.why), quoted.NOT_RECORDED)
    return next(found, why if entries else "recognition is the same")


def _left_out(of: Audit) -> Iterator[tuple[str, str]]:
    """Groups that fairness left out, and figures that it could not define: what it was and the reason."""
    for state in of.states:
        record = of.harness(FAIRNESS, state)
        for key, title in (("left_out", "Groups left out"), ("undefined", "Undefined figures")):
            held = record.details.get(key, {}) if record else {}
            listed = {formatting.label(name): why for name, why in held.items() if why}
            if listed:
                yield f"{title}{f' ({HOLDS[state]})' if state else ''}", formatting.listed(listed)


def _terms(entries: Iterable[Entry]) -> tuple[Term, ...]:
    """Every metric of the report, once."""
    found: dict[tuple[str, str], Term] = {}
    for entry in entries:
        for quote in entry.quotes:
            term = _term(quote.one, quote.record.cell.question)
            found.setdefault((term.label, term.meaning), term)
    return tuple(sorted(found.values(), key=lambda one: one.label.lower()))


def _term(one: Measurement, question: str) -> Term:
    known = described(one.name, question)
    return Term(formatting.label(known.metric), known.meaning, known.better, known.source)
