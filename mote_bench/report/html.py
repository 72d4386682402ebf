"""leaderboard.html: one self-contained page; every number has its interval, number of subjects, floor and ceiling."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby
from urllib.parse import quote

from markupsafe import Markup

from mote_bench import formatting
from mote_bench.analysis.orders import OrderPair
from mote_bench.analysis.recognisers import Across
from mote_bench.analysis.selection import (
    Reading,
    attacks_on,
    better,
    find,
    naive,
    printed_reads,
    record_link,
    threat_order,
)
from mote_bench.analysis.share import share
from mote_bench.analysis.standings import BROKEN_ABOVE, Board, Row, printed
from mote_bench.analysis.threat_matrix import MatrixRow, ThreatMatrix
from mote_bench.contracts import ATTACK_READS, Measurement, Record, Status, flat
from mote_bench.planning.spec import DATA_NOTES
from mote_bench.questions.harness import COST, FAIRNESS, HARNESS, VERIFY
from mote_bench.questions.installed import asks, described, in_full, kind_of

from . import in_short, templates
from .charts import Picture, matched_utility, of_board, of_scheme, trade_offs
from .columns import BITS, HTML, POINT, RATE, RESOLVES, resolves, shown
from .csv_json import leaderboard_csv
from .exposure import HEADS, OF_SUBJECTS, POINTS_SAY, exposed_cells
from .families import family_of, in_families
from .matched import HOW_TO_READ, bounds, by_row
from .matrix_columns import (
    COLUMNS_SAY,
    MATRIX,
    NOISE_ORDER_SAYS,
    ORDER_SAYS,
    MatrixColumn,
    lost,
    marked,
    matrix_shown,
    noise_words,
    seen,
    share_span,
    why_marked,
    word,
    worst_of,
)
from .orders import orders_html
from .packing import packed, plain
from .recognisers import section
from .strength import Studied, queries_word, strength_html, strength_word

MANY_ROWS = 40
"""A board with more rows has tables that scroll under their headings, and folded charts and sections."""
MOST_BYTES = 1_000_000
"""A page above this size is sent compressed (:mod:`mote_bench.report.packing`)."""
_MOST_VALUES = 6
_OWN = {
    VERIFY: "Recognition",
    FAIRNESS: "Fairness",
    COST: "Cost; brackets hold the smallest and largest template, and the fastest and slowest batch",
}


@dataclass(frozen=True)
class Attempt:
    """One attack in a scheme's table; ``one`` is None where the attack has no result."""

    attack: str
    reads: str
    knowledge: str
    status: str
    why: str
    one: Measurement | None
    controls: Measurement | None
    beside: tuple[Measurement, ...]
    strongest: str
    record: str


@dataclass(frozen=True)
class AttackedQuestion:
    """All attacks on one question of a scheme."""

    question: str
    metric: str
    better: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Own:
    """Verification, fairness or cost of a scheme: per metric a measurement for each of the scheme's rows."""

    title: str
    lines: tuple[tuple[str, tuple[Measurement | None, ...]], ...]
    records: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """The section of one scheme."""

    anchor: str
    scheme: str
    rows: tuple[Row, ...]
    threats: MatrixRow
    questions: tuple[AttackedQuestion, ...]
    pictures: tuple[Picture, ...]
    own: tuple[Own, ...]
    exposed: tuple[tuple[str, tuple[str, ...]], ...]
    """How unequally subjects are exposed: the row's name and its cells."""
    remarks: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class View:
    """One board of the page."""

    anchor: str
    board: Board
    matrix: ThreatMatrix
    people: str
    csv: str
    pictures: tuple[Picture, ...]
    trade_offs: tuple[Picture, ...]
    matched: tuple[Picture, ...]
    sections: tuple[Section, ...]
    provenance: tuple[tuple[str, str], ...]
    """The provenance that all records share; a section shows the rest."""
    strengths: Studied = field(default_factory=Studied)


@dataclass(frozen=True)
class Term:
    """A metric of the page with its meaning."""

    label: str
    meaning: str
    source: str


def leaderboard_html(
    boards: Sequence[tuple[ThreatMatrix, list[Record]]],
    *,
    strip: bytes = b"",
    compared: Sequence[Across] = (),
    ordered: Sequence[OrderPair] = (),
    studied: Sequence[Studied] = (),
) -> str:
    """The page. It loads no resource, runs only its own script, and escapes every text from records.

    ``strip`` is a JPEG file to show, or empty; ``compared`` are boards of the same subjects by several recognisers, and
    ``ordered`` the pairs of boards whose orders are compared. ``studied`` holds, for each board, its strongest attacks
    with fewer shadow subjects or online queries.
    """
    environment = templates.environment()
    for name in ("bits", "bits_span", "label", "milliseconds", "number", "percent", "span", "times", "plural"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters["short_label"] = _short_label
    environment.filters["share"] = share
    environment.filters["asks"] = asks
    environment.filters["in_full"] = in_full
    environment.filters["bounds"] = bounds
    environment.filters["by_row"] = by_row
    for made in (lost, marked, noise_words, resolves, seen, share_span, why_marked, word, worst_of):
        environment.filters[made.__name__] = made
    environment.filters["matrix_columns"] = lambda matrix: matrix_shown(matrix, HTML)
    environment.filters["runs"] = _runs
    environment.filters["family"] = family_of
    environment.filters["families"] = _families
    environment.filters["in_short"] = in_short.in_short
    environment.filters["strength_word"] = strength_word
    environment.filters["queries_word"] = queries_word
    environment.filters["strength_section"] = lambda view: Markup(
        strength_html(view.strengths, environment, name=view.anchor)
    )
    environment.globals["says"] = {
        "matrix": MATRIX,
        "columns": COLUMNS_SAY,
        "order": ORDER_SAYS,
        "points": POINTS_SAY,
        "subjects": OF_SUBJECTS,
        "heads": HEADS,
        "resolves": RESOLVES,
        "noise_order": NOISE_ORDER_SAYS,
        "in_short": in_short.ABOUT,
        "real": in_short.REAL,
    }
    page = environment.get_template("leaderboard.html.j2")
    style = Markup(templates.read("leaderboard.css"))
    script = templates.read("leaderboard.js")
    views = [
        replace(_view(f"b{place}", matrix, records), strengths=held)
        for place, ((matrix, records), held) in enumerate(
            zip(boards, studied or [Studied()] * len(boards), strict=True), 1
        )
    ]

    text = _with_classes(
        page.render(
            views=views,
            style=style,
            script=Markup(script),
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
            terms=_terms(matrix.board for matrix, _ in boards),
            anchors={(view.anchor, section.scheme): section.anchor for view in views for section in view.sections},
            columns=lambda board, *forms: shown(board, HTML, *forms),
            broken_above=BROKEN_ABOVE,
            many_rows=MANY_ROWS,
            how_to_read_matched=HOW_TO_READ.replace("`", "").replace("*", ""),
            strip=b64encode(strip).decode(),
            orders=Markup(orders_html(ordered, environment)),
            recognisers=Markup(section(compared, environment)),
        )
    )
    whole = plain(text)
    return whole if len(whole.encode()) <= MOST_BYTES else packed(text)


def _runs(columns: Sequence[MatrixColumn]) -> list[tuple[str, list[tuple[int, MatrixColumn]]]]:
    """Neighbouring columns with one heading above them, each with its place."""
    found = groupby(enumerate(columns), key=lambda placed: placed[1].group)
    return [(group, list(members)) for group, members in found]


def _families(sections: Sequence[Section]) -> list[tuple[str, list[Section]]]:
    """The sections of schemes, by family."""
    held = {section.scheme: section for section in sections}
    return [(family, [held[scheme] for scheme in schemes]) for family, schemes in in_families(held).items()]


def _short_label(one: Measurement) -> str:
    """The metric's name without its FMR, which is in the question's heading."""
    return formatting.label(flat(one.metric, group=one.group))


def _with_classes(page: str) -> str:
    """Moves the drawings' inline styles into shared classes, as they repeat in every plot."""
    names: dict[str, str] = {}

    def shared(tag: re.Match[str]) -> str:
        return re.sub(r'style="([^"]*)"', lambda style: f'class="{_short(names, style.group(1))}"', tag.group())

    page = re.sub(r'<(?:path|use|text|g)\b[^>]* style="[^>]*>', shared, page)
    rules = "\n".join(f".{name} {{{style}}}" for style, name in names.items())
    return page.replace("/* drawings */", rules, 1)


def _short(names: dict[str, str], style: str) -> str:
    return names.setdefault(style, f"s{len(names)}")


def _view(anchor: str, matrix: ThreatMatrix, records: list[Record]) -> View:
    board = matrix.board
    counts = [worst.headline.n for row in board.rows for worst in row.questions if worst.headline]
    counts += [row.eer.measurement.n for row in board.rows if row.eer.measurement]
    ends = dict.fromkeys((min(counts), max(counts))) if counts else {}
    schemes = list(dict.fromkeys(row.scheme for row in board.rows))
    sections = [_section(f"{anchor}-{place}", scheme, matrix, records) for place, scheme in enumerate(schemes, 1)]
    common = [one for one in _provenance(records) if all(one in section.provenance for section in sections)]
    return View(
        anchor=anchor,
        board=board,
        matrix=matrix,
        people="–".join(map(str, ends)),
        csv=quote(leaderboard_csv([board]), safe=",:;/()"),
        pictures=of_board(board, name=anchor),
        trade_offs=trade_offs(board, name=anchor),
        matched=matched_utility(board, name=anchor),
        sections=tuple(
            replace(section, provenance=tuple(one for one in section.provenance if one not in common))
            for section in sections
        ),
        provenance=tuple(common),
    )


def _section(anchor: str, scheme: str, matrix: ThreatMatrix, records: list[Record]) -> Section:
    board = matrix.board
    own = [record for record in records if record.cell.scheme == scheme]
    rows = tuple(row for row in board.rows if row.scheme == scheme)
    return Section(
        anchor=anchor,
        scheme=scheme,
        rows=rows,
        threats=next(row for row in matrix.rows if row.scheme == scheme),
        questions=tuple(_attacked(place, reading, own, rows) for place, reading in enumerate(board.readings)),
        pictures=of_scheme(scheme, board, records, name=anchor),
        own=_own(own, rows),
        exposed=tuple((row.name, exposed_cells(one)) for row in rows for one in row.exposed),
        remarks=tuple(_remarks(own)),
        provenance=_provenance(own),
    )


def _attacked(place: int, reading: Reading, records: list[Record], rows: Sequence[Row]) -> AttackedQuestion:
    scheme = rows[0].scheme
    attacks = attacks_on(records, scheme, reading.question, key="")
    attacks.sort(key=lambda record: (not naive(record), record.cell.attack, threat_order(record)))
    worst = {row.key: row.questions[place].chosen for row in rows}
    attempts = []
    for record in attacks:
        won = [f", key {key}" if key else "" for key, one in worst.items() if one is record]
        mark = f"strongest{won[0] if len(won) < len(rows) else ''}" if won else ""
        attempts.append(_attempt(record, reading, mark))
    return AttackedQuestion(reading.question, reading.headline, better(reading), tuple(attempts))


def _attempt(record: Record, reading: Reading, mark: str) -> Attempt:
    says = record.status is Status.OK
    controls = find(record, reading.headline)
    found = (find(record, metric) for metric in reading.beside) if says else ()
    return Attempt(
        attack=record.cell.attack,
        reads=printed_reads(record),
        knowledge=str(record.cell.knowledge).replace("_", " "),
        status=printed(str(record.status) if not says or controls else str(Status.UNMEASURED)),
        why=formatting.message(record.error),
        one=controls if says else None,
        controls=controls,
        beside=tuple(one for one in found if one),
        strongest=mark,
        record=record_link(record),
    )


def _own(records: list[Record], rows: Sequence[Row]) -> tuple[Own, ...]:
    """Verification, fairness and cost, with a measurement per row of the scheme."""
    levels = ["stolen_key" if row.key == "stolen" else "none" for row in rows]
    groups = []
    for question, title in _OWN.items():
        of_level = {str(record.cell.knowledge): record for record in records if record.cell.question == question}
        metrics = dict.fromkeys(one.name for record in of_level.values() for one in record.measurements)
        shown = [of_level.get("none" if question == COST else level) for level in levels]
        lines = tuple((metric, tuple(find(record, metric) for record in shown)) for metric in metrics)
        files_of = tuple(dict.fromkeys(record_link(record) for record in shown if record))
        groups += [Own(title, lines, files_of)] if lines else []
    return tuple(groups)


def _remarks(records: list[Record]) -> Iterable[str]:
    """Groups that were left out, metrics that could not be defined, and failures of the harness."""
    for record in records:
        cell = record.cell
        where = f"{cell.question}{', key stolen' if str(cell.knowledge) == 'stolen_key' else ''}"
        if cell.question in HARNESS and record.status is not Status.OK:
            yield f"{where}: {printed(str(record.status))}. {formatting.message(record.error)}"
        if cell.question in (FAIRNESS, VERIFY):
            for key, title in (("left_out", "left out"), ("undefined", "undefined")):
                listed = {name: why for name, why in record.details.get(key, {}).items() if why}
                if listed:
                    yield f"{where}: {title}: {formatting.listed(listed)}"


def _provenance(records: list[Record]) -> tuple[tuple[str, str], ...]:
    values: dict[str, dict[str, None]] = {}
    for record in records:
        for key, value in record.provenance.items():
            if key in (ATTACK_READS, DATA_NOTES):  # shown beside each attack, and above the tables
                continue
            values.setdefault(formatting.printable(str(key)), {})[formatting.printable(str(value))] = None
    shown = []
    for key, found in sorted(values.items()):
        several = sorted(found)
        more = f"; {len(several) - _MOST_VALUES} more" if len(several) > _MOST_VALUES else ""
        shown.append((key, "; ".join(several[:_MOST_VALUES]) + more))
    return tuple(shown)


def _terms(boards: Iterable[Board]) -> list[Term]:
    """Every metric on the boards, once, in the order of the page."""
    terms: dict[tuple[str, str], str] = {("eer", VERIFY): VERIFY}  # questions of a kind share their metrics
    for board in boards:
        terms |= {
            (one.metric, one.question): one.question for one in shown(board, HTML, RATE, POINT, BITS) if one.at != ""
        }
        for reading in board.readings:
            kind = kind_of(reading.question)
            terms |= {(metric, kind): reading.question for metric in (reading.headline, *reading.beside)}
        for attribute in board.attributes[:1]:
            indexes = (flat(index, board.fairness_fmr, (attribute,)) for index in ("garbe", "fdr"))
            terms |= {(metric, FAIRNESS): FAIRNESS for metric in indexes}
    return [_term(metric, question) for (metric, _), question in terms.items()]


def _term(metric: str, question: str) -> Term:
    known = described(metric, question)
    of = {"eer": f" ({'recognition' if question == VERIFY else question})"}.get(metric, "")
    name = formatting.label(known.metric) if question == FAIRNESS else formatting.label(metric)
    return Term(name + of, f"{known.meaning}; {known.better} is better", known.source)
