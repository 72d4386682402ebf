"""utility.md: recognition with secret keys and with stolen keys, overall and by group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mote_bench.analysis.selection import STOLEN, find, harness_record
from mote_bench.analysis.standings import Board, Row
from mote_bench.contracts import OWN, Measurement, Record, flat
from mote_bench.formatting import with_interval
from mote_bench.metrics.catalogue import FTE, SCHEME_FTE
from mote_bench.metrics.names import snake_case
from mote_bench.questions.harness import COMPARED

from .markdown import pipe_table, safe

_HOW_TO_READ = (
    "False non-match rate (FNMR) at thresholds that are set on calibration subjects for the stated false match rate "
    "(FMR), with its 95 % confidence interval over subjects. A scheme with keys has two rows. *Normal*: every subject "
    "presents their own key. *Key stolen*: an impostor presents the stolen key of the attacked template."
)


_POINT = ("fnmr", "fmr_reached", "plain_fnmr", "plain_fmr_reached")
_POINT_TITLES = ("scheme", "FNMR", "FMR reached", "FNMR of plain vectors", "FMR of plain vectors")


def utility_md(boards: Sequence[tuple[Board, list[Record]]]) -> str:
    """A table per board, and one per attribute whose groups are compared."""
    parts = [part for board, records in boards for part in _section(board, records)] or ["No records yet."]
    return "\n\n".join(["# Recognition, with secret and with stolen keys", _HOW_TO_READ, *parts]) + "\n"


def _section(board: Board, records: Sequence[Record]) -> list[str]:
    rows = [(row, *_harness(row, records)) for row in board.rows if row.key in ("", "secret", STOLEN)]
    title = f"## {safe(board.data)}, protocol {safe(board.protocol)}, seed {board.seed}"
    rates = sorted({rate for _, verify, _ in rows for rate in _rates(verify)}, key=float, reverse=True)
    overall = [
        [_name(row), _cell(find(verify, "eer")), *(_cell(find(verify, flat("fnmr", rate))) for rate in rates)]
        for row, verify, _ in rows
    ]
    titles = ["scheme", f"EER{_people(verify for _, verify, _ in rows)}", *(f"FNMR at FMR {rate}" for rate in rates)]
    points = [[_name(row), *_point(verify)] for row, verify, _ in rows if find(verify, flat("fnmr", OWN))]
    own = [f"Schemes with a built-in threshold:\n\n{pipe_table(_POINT_TITLES, points)}"] if points else []
    return [title, pipe_table(titles, overall), *own, *_by_group(board, rows)]


def _point(verify: Record | None) -> list[str]:
    """The operating point of a scheme with a built-in threshold, and that of the plain vectors nearest to it."""
    return [_cell(find(verify, flat(metric, OWN))) for metric in _POINT]


def _harness(row: Row, records: Sequence[Record]) -> tuple[Record | None, Record | None]:
    stolen = row.key == STOLEN
    verify, fairness = (harness_record(records, row.scheme, question, stolen=stolen) for question in COMPARED)
    return verify, fairness


def _by_group(board: Board, rows: Sequence[tuple[Row, Record | None, Record | None]]) -> list[str]:
    tables = []
    for attribute in board.attributes:
        groups = _groups([fairness for _, _, fairness in rows], attribute)
        metrics = [flat("fnmr", board.fairness_fmr, (snake_case(attribute), snake_case(group))) for group in groups]
        lines = [[_name(row), *(_cell(find(fairness, metric)) for metric in metrics)] for row, _, fairness in rows]
        named = [f"{safe(group)}, n={people}" for group, people in groups.items()]
        tables.append(
            f"FNMR at FMR {board.fairness_fmr}, by {safe(attribute)}:\n\n{pipe_table(['scheme', *named], lines)}"
        )
        tables += _failures(attribute, rows)
    return tables


def _failures(attribute: str, rows: Sequence[tuple[Row, Record | None, Record | None]]) -> Iterator[str]:
    """Failures to enrol by group, where the records hold any: for want of a picture, and by the scheme."""
    for metric, topic, title in (
        (FTE, "acquisition", "Failure to enrol for want of a usable picture"),
        (SCHEME_FTE, "enrolment", "Failure to enrol by the scheme"),
    ):
        held = [(row, fairness) for row, _, fairness in rows if fairness is not None and topic in fairness.details]
        groups: dict[str, int] = {}
        for _, fairness in held:
            groups |= fairness.details[topic].get("groups", {}).get(attribute, {})
        if groups:
            names = [flat(metric, None, (snake_case(attribute), snake_case(group))) for group in sorted(groups)]
            lines = [[_name(row), *(_cell(find(fairness, name)) for name in names)] for row, fairness in held]
            heads = [f"{safe(group)}, n={groups[group]}" for group in sorted(groups)]
            yield f"{title}, by {safe(attribute)}:\n\n{pipe_table(['scheme', *heads], lines)}"


def _groups(fairness: Sequence[Record | None], attribute: str) -> dict[str, int]:
    """The groups of an attribute, each with its number of subjects."""
    found: dict[str, int] = {}
    for record in fairness:
        if record is not None:
            groups = record.details.get("groups", {}).get(attribute, {})
            found |= {group: int(of["people"]) for group, of in groups.items()}
    return dict(sorted(found.items()))


def _rates(verify: Record | None) -> list[str]:
    metrics = () if verify is None else verify.measurements
    return [one.at for one in metrics if one.metric == "fnmr" and one.at and one.at != OWN]


def _name(row: Row) -> str:
    how = {"": "", STOLEN: ", key stolen"}.get(row.key, ", normal" if row.cost.key_size.measurement else "")
    return safe(row.scheme + how + row.mark)


def _people(verified: Iterable[Record | None]) -> str:
    counts = {one.n for record in verified for one in [find(record, "eer")] if one}
    return f", n={max(counts)}" if counts else ""


def _cell(one: Measurement | None) -> str:
    return with_interval(one) if one else "–"
