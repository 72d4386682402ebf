"""Which plots a board and a scheme get, with captions and texts for those who don't see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup

from mote_bench.contracts import CEILING, FLOOR, Measurement, Record
from mote_bench.metrics.fairness import snake_case

from .plots import Axis, Curve, Dot, Group, Histogram, Point, det, dots, groups, histogram, scatter
from .readings import Reading, attacks_on, better, find, harness_record, of_one_record, strongest
from .standings import Board, Row, Worst
from .text import label, number, plural, printable, shortened, span

_HOW_TO_READ_DET = (
    "Closer to the lower left recognises better; the EER is where a curve meets the diagonal. Along an axis: no error "
    "among these pairs."
)
_LONGEST_NAME = 20
_TRADED = ("gender", "reconstruct", "link")
_LONGEST_GROUP = 20
_NO_SCALE = 0.02  # where the controls are this close, nothing lies between them


@dataclass(frozen=True)
class Picture:
    """A finished drawing with its title and what to know about it."""

    title: str
    svg: Markup
    caption: str


def of_board(board: Board, *, name: str) -> tuple[Picture, ...]:
    """A dot plot per question, every row between the floor and the ceiling; further right leaks more."""
    return tuple(_question(board, place, reading, f"{name}q{place}") for place, reading in enumerate(board.readings))


def trade_offs(board: Board, *, name: str) -> tuple[Picture, ...]:
    """What is paid for privacy: errors against leaks, and bytes against errors."""
    drawn = [
        _trade_off(board, place, reading, f"{name}t{place}")
        for place, reading in enumerate(board.readings)
        if reading.question in _TRADED
    ]
    return tuple(picture for picture in (*drawn, _size_against_errors(board, f"{name}tb")) if picture)


def of_scheme(scheme: str, board: Board, records: list[Record], *, name: str) -> tuple[Picture, ...]:
    """DET curves, linking scores and errors by group, as far as the scheme's records hold them."""
    rows = [row for row in board.rows if row.scheme == scheme]
    found = [_det(scheme, rows, records, f"{name}d")]
    link = next((reading for reading in board.readings if reading.question == "link"), None)
    found += [_exposure(row, board, f"{name}e{row.key}") for row in rows]
    for row in rows:
        stolen = row.key == "stolen"  # to disclose the system's secrets changes who attacks, not who is let in
        if link:
            best = strongest(of_one_record(attacks_on(records, scheme, "link", key=row.key)), link)
            found.append(_linking(row, best, f"{name}l{row.key}"))
        record = harness_record(records, scheme, "fairness", stolen=stolen)
        found.append(_by_group(row, record, board.fairness_fmr, f"{name}f{row.key}"))
    return tuple(picture for picture in found if picture)


def _question(board: Board, place: int, reading: Reading, name: str) -> Picture:
    worsts = [row.questions[place] for row in board.rows]
    lines = [_dot(row, worst) for row, worst in zip(board.rows, worsts, strict=True)]
    axis = _axis(board, place, reading)
    said = "; ".join(_said(row, worst) for row, worst in zip(board.rows, worsts, strict=True))
    right = "to the right" if not axis.reverse else "to the right, where values are lower"
    alt = f"{reading.question}, {label(reading.headline)} of the strongest attack; more leaks further {right}. {said}."
    return Picture(reading.question, Markup(dots(lines, axis, name=name, alt=alt)), label(reading.headline))


def _trade_off(board: Board, place: int, reading: Reading, name: str) -> Picture | None:
    shown = [(row, row.fnmr.measurement, row.questions[place].headline) for row in board.rows]
    sign = 1.0 if better(reading) == "lower" else -1.0
    measured = [(row, fnmr, one) for row, fnmr, one in shown if fnmr and one and row.role != "floor"]
    points = _front([_point(row, fnmr, one, sign) for row, fnmr, one in measured], [row for row, _, _ in measured])
    if len(points) < 2:
        return None
    way = label(reading.headline) if sign > 0 else f"minus {label(reading.headline)}"
    said = "; ".join(f"{row.name}: FNMR {number(fnmr.value)}, {number(one.value)}" for row, fnmr, one in measured)
    axes = (f"FNMR at FMR {_unbroken(board.fmr)}", f"{way} · leaks more →")
    alt = f"FNMR against {label(reading.headline)}; better is to the lower left. {said}."
    caption = "Lower left is better; the line joins what no other scheme beats on both."
    title = f"Recognition against privacy: {reading.question}"
    return Picture(title, Markup(scatter(points, axes, name=name, alt=alt)), caption)


def _size_against_errors(board: Board, name: str) -> Picture | None:
    shown = [(row, row.cost.size.measurement, row.fnmr.measurement) for row in board.rows if row.key != "stolen"]
    measured = [(row, size, fnmr) for row, size, fnmr in shown if size and fnmr and row.role != "floor"]
    points = _front([_point(row, size, fnmr, 1.0) for row, size, fnmr in measured], [row for row, _, _ in measured])
    if len(points) < 2:
        return None
    said = "; ".join(f"{row.name}: {size.value:,.0f}, FNMR {number(fnmr.value)}" for row, size, fnmr in measured)
    axes = ("bytes per template", f"FNMR at FMR {_unbroken(board.fmr)}")
    svg = scatter(points, axes, log=True, name=name, alt=f"Bytes against FNMR; better is to the lower left. {said}.")
    return Picture("Storage against recognition", Markup(svg), "Lower left is better.")


def _point(row: Row, across: Measurement, up: Measurement, sign: float) -> Point:
    ends = sorted((sign * up.low, sign * up.high))
    return Point(
        _name(row),
        (across.value, across.low, across.high),
        (sign * up.value, ends[0], ends[1]),
        hollow=row.key == "stolen",
        quiet=bool(row.role) or not row.ranked,
    )


def _front(points: list[Point], rows: list[Row]) -> list[Point]:
    """The points, marked where no other ranked scheme is as good on both axes and better on one."""
    ranked = [(point.across[0], point.up[0]) for point, row in zip(points, rows, strict=True) if row.ranked]

    def beaten(x: float, y: float) -> bool:
        return any(a <= x and b <= y and (a, b) != (x, y) for a, b in ranked)

    return [
        replace(point, front=row.ranked and not beaten(point.across[0], point.up[0]))
        for point, row in zip(points, rows, strict=True)
    ]


def _exposure(row: Row, board: Board, name: str) -> Picture | None:
    """Every question on one scale: nothing more than noise gives away is 0, all that cosine does is 1."""
    lines = [_scaled(worst, reading) for worst, reading in zip(row.questions, board.readings, strict=True)]
    if row.role or all(line.value is None for line in lines):
        return None
    ends = [end for line in lines if line.low is not None and line.high is not None for end in (line.low, line.high)]
    axis = Axis("noise 0, cosine 1 · leaks more →", min(-0.05, *ends), max(1.05, *ends), floor=0.0, ceiling=1.0)
    said = "; ".join(f"{line.label} {number(line.value)}" if line.value is not None else f"{line.label} {line.word}"
                     for line in lines)  # fmt: skip
    caption = "Dot: strongest of all attacks; upright tick: strongest naive attack, which only reads the stored bytes."
    svg = dots(lines, axis, name=name, alt=f"How much of what cosine gives away {row.name} does. {said}.")
    return Picture(f"Naive and adaptive attacks: {row.name}", Markup(svg), caption)


def _scaled(worst: Worst, reading: Reading) -> Dot:
    one = worst.headline
    if one is None or one.floor is None or one.ceiling is None or abs(one.ceiling - one.floor) < _NO_SCALE:
        return Dot(reading.question, word=worst.word if one is None else "no scale")
    floor, width = one.floor, one.ceiling - one.floor
    value, low, high = ((end - floor) / width for end in (one.value, one.low, one.high))
    naive = worst.naive
    mark = None
    if naive is not None and naive.floor is not None and naive.ceiling is not None:
        mark = (naive.value - floor) / width
    return Dot(reading.question, value=value, low=min(low, high), high=max(low, high), mark=mark)


def _dot(row: Row, worst: Worst) -> Dot:
    one = worst.headline
    hollow, quiet = row.key == "stolen", bool(row.role) or not row.ranked
    if one is None:
        return Dot(_name(row), word=worst.word, hollow=hollow, quiet=quiet)
    mark = worst.naive.value if worst.naive else None
    return Dot(_name(row), value=one.value, low=one.low, high=one.high, mark=mark, hollow=hollow, quiet=quiet)


def _axis(board: Board, place: int, reading: Reading) -> Axis:
    shown = [(row, row.questions[place]) for row in board.rows]
    ends = [end for _, worst in shown if (one := worst.headline) for end in (one.low, one.high)]
    ends += [worst.naive.value for _, worst in shown if worst.naive]
    least, most = min(ends, default=0.0), max(ends, default=1.0)
    pad = max(0.05 * (most - least), 0.01)
    controls = {row.scheme: worst.headline.value for row, worst in shown if row.role and worst.headline}
    reverse = better(reading) == "higher"
    how = ", axis reversed" if reverse else ""
    return Axis(
        label=f"{label(reading.headline)}{how} · leaks more →",
        left=least - pad,
        right=most + pad,
        reverse=reverse,
        floor=controls.get(FLOOR),
        ceiling=controls.get(CEILING),
    )


def _name(row: Row) -> str:
    """The row's name, short enough for a plot and still saying which of a scheme's rows it is."""
    tail = row.name.removeprefix(row.scheme)
    return shortened(row.scheme, _LONGEST_NAME - len(tail)) + tail


def _said(row: Row, worst: Worst) -> str:
    one = worst.headline
    return f"{row.name} {number(one.value)} {span(one)}" if one else f"{row.name} {worst.word}"


def _det(scheme: str, rows: list[Row], records: list[Record], name: str) -> Picture | None:
    curves: list[Curve] = []
    for row in rows:
        record = harness_record(records, scheme, "verify", stolen=row.key == "stolen")
        curves += _curve(record, _name(row), "stolen" if row.key == "stolen" else "main")
    if not curves:
        return None
    if scheme != CEILING:
        curves += _curve(harness_record(records, CEILING, "verify", stolen=False), CEILING, "control")
    eers = "; ".join(f"{row.name}: EER {number(row.eer.measurement.value)}" for row in rows if row.eer.measurement)
    svg = det(curves, name=name, alt=f"Detection error trade-off. {eers}.")
    return Picture("Recognition: DET curve", Markup(svg), _HOW_TO_READ_DET)


def _curve(record: Record | None, title: str, kind: str) -> Iterator[Curve]:
    points = [(float(fmr), float(fnmr)) for fmr, fnmr in record.details.get("det", ())] if record else []
    if points:
        yield Curve(title, points, kind)


def _linking(row: Row, best: Record | None, name: str) -> Picture | None:
    details: Mapping[str, list[float]] = best.details if best else {}
    if best is None or not {"edges", "mated", "non_mated"} <= set(details):
        return None
    shown = Histogram(details["edges"], details["mated"], details["non_mated"])
    eer, d_sys, null = (find(best, metric) for metric in ("eer", "d_sys", "d_sys_null"))
    parts = [f"{title} {number(one.value)} {span(one)}" for title, one in (("EER", eer), ("D-sys", d_sys)) if one]
    if null:
        parts.append(f"D-sys of shuffled pairs {number(null.value)} {span(null)}")
    mated, strangers = sum(shown.mated), sum(shown.non_mated)
    sizes = f"{mated:,.0f} mated and {strangers:,.0f} non-mated pairs, {plural(len(shown.mated), 'bin')}"
    caption = f"Strongest: {best.cell.attack}. {'; '.join(parts)}. {sizes}."
    svg = histogram(shown, name=name, alt=f"Scores of pairs of templates, {row.name}. {caption}")
    return Picture(f"Linking: {row.name}", Markup(svg), caption)


def _by_group(row: Row, record: Record | None, fmr: str, name: str) -> Picture | None:
    lines = list(_groups(record, fmr)) if record and fmr else []
    if record is None or not lines:
        return None
    said = "; ".join(f"{line.label}: FNMR {_rate(line.fnmr)}, FMR {_rate(line.fmr)}" for line in lines)
    alpha = record.details.get("alpha")
    weight = f" Indices weigh FMR and FNMR by alpha = {number(alpha)}." if isinstance(alpha, int | float) else ""
    caption = f"Errors by group (people in brackets) at the threshold for FMR {_unbroken(fmr)}, dashed.{weight}"
    return Picture(f"Fairness: {row.name}", Markup(groups(lines, fmr, name=name, alt=f"{caption} {said}.")), caption)


def _groups(record: Record, fmr: str) -> Iterator[Group]:
    for attribute, members in sorted(record.details.get("groups", {}).items()):
        for group, counts in sorted(members.items()):
            name = f"{snake_case(attribute)}_{snake_case(group)}_at_fmr_{fmr}"
            fnmr, fmr_of_group = (_interval(find(record, printable(f"{rate}_{name}"))) for rate in ("fnmr", "fmr"))
            title = shortened(printable(f"{attribute}: {group}"), _LONGEST_GROUP)
            yield Group(title, int(counts["people"]), fnmr, fmr_of_group)


def _interval(one: Measurement | None) -> tuple[float, float, float] | None:
    return (one.value, one.low, one.high) if one else None


def _rate(rate: tuple[float, float, float] | None) -> str:
    return f"{number(rate[0])} [{number(rate[1])}, {number(rate[2])}]" if rate else "undefined"


def _unbroken(rate: str) -> str:
    """``1e-2`` with a hyphen at which no line breaks."""
    return rate.replace("-", "\N{NON-BREAKING HYPHEN}")
