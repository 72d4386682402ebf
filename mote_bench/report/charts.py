"""The plots of a board and of a scheme, with captions and alternative texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from markupsafe import Markup

from mote_bench.analysis.matched_utility import Matched
from mote_bench.analysis.queries import queries_to_half, reached_by_queries, reached_under_limits
from mote_bench.analysis.selection import Reading, better, find, harness_record, record_link
from mote_bench.analysis.share import share
from mote_bench.analysis.standings import Board, Row, Worst
from mote_bench.contracts import BY_LIMITS, BY_QUERIES, CEILING, FLOOR, Measurement, Record, flat
from mote_bench.formatting import label, number, plural, printable, shortened, with_interval
from mote_bench.metrics.names import snake_case
from mote_bench.questions.harness import FAIRNESS, VERIFY
from mote_bench.questions.installed import rules_of

from .lost import attempted
from .plots import Axis, Curve, Dot, Group, Histogram, Point, det, dots, groups, histogram, scatter

_HOW_TO_READ_DET = (
    "Lower left is better. A curve crosses the diagonal at its EER. On an axis, no error occurred among these "
    "comparisons."
)
_LOWER_LEFT = "Lower left is better. The line joins the Pareto front: schemes that no other beats on both axes."
_LONGEST_NAME = 20
_LONGEST_GROUP = 20


@dataclass(frozen=True)
class Picture:
    """A finished drawing with its title, its caption and the address of its record."""

    title: str
    svg: Markup
    caption: str
    record: str = ""


def of_board(board: Board, *, name: str) -> tuple[Picture, ...]:
    """A dot plot per question: every row, with floor and ceiling; further right leaks more."""
    return _drawn(
        (f"the chart of {reading.question}", partial(_question, board, place, reading, f"{name}q{place}"))
        for place, reading in enumerate(board.readings)
    )


def _drawn(charts: Iterable[tuple[str, Callable[[], Picture | None]]]) -> tuple[Picture, ...]:
    """The charts that have something to show; one that can't be drawn is left out, under its name."""
    made = (attempted(what, draw) for what, draw in charts)
    return tuple(picture for picture in made if picture is not None)


def trade_offs(board: Board, *, name: str) -> tuple[Picture, ...]:
    """Trade-offs: recognition errors, leakage and storage, each pair of them."""
    traded = [(place, reading) for place, reading in enumerate(board.readings) if _traded(reading)]
    pairs = (("t", "recognition", _recognition_against_privacy), ("s", "storage", _storage_against_privacy))
    charts: list[tuple[str, Callable[[], Picture | None]]] = [
        (f"the chart of {what} against {reading.question}", partial(draw, board, place, reading, f"{name}{key}{place}"))
        for key, what, draw in pairs
        for place, reading in traded
    ]
    last = partial(_storage_against_recognition, board, f"{name}tb")
    return _drawn([*charts, ("the chart of storage against recognition", last)])


def matched_utility(board: Board, *, name: str) -> tuple[Picture, ...]:
    """Per question the reference curve of noise, and every row that is held against it."""
    return _drawn(
        (f"the chart of {one.question} at matched utility", partial(_against_noise, board, one, f"{name}m{place}"))
        for place, one in enumerate(board.matched)
    )


def _against_noise(board: Board, one: Matched, name: str) -> Picture:
    reading = Reading(one.question, one.metric)
    rows, sign = {row.name: row for row in board.rows}, _sign(reading)
    held = [(each, each.row.fnmr, each.row.headline) for each in one.rows]
    points = [
        replace(_point(rows[each.row.name], fnmr, found, sign), quiet=each.difference is None)
        for each, fnmr, found in held
        if fnmr and found
    ]
    noise = [(level, level.fnmr, level.headline) for level in one.levels]
    curve = [_at(level.name, fnmr, found, sign) for level, fnmr, found in noise if fnmr and found]
    told = [f"{point.label}: FNMR {number(point.across[0])}, {number(sign * point.up[0])}" for point in curve]
    told += [f"{each.row.name}: {each.verdict}" for each in one.rows]
    alt = f"FNMR against {label(one.metric)}; the line is the plain vector with noise. {'; '.join(told)}."
    axes, reverse = (f"FNMR at FMR {_unbroken(board.fmr)}", _leaks(reading)), better(reading) == "higher"
    svg = scatter(points, axes, curve=curve, reverse=reverse, name=name, alt=alt)
    caption = "Line: the plain vector with more and more noise. Above it a scheme leaks more. Grey: not compared."
    return Picture(f"Against noise: {one.question}", Markup(svg), caption)


def _traded(reading: Reading) -> bool:
    return rules_of(reading.question).traded(reading.question)


def of_scheme(scheme: str, board: Board, records: list[Record], *, name: str) -> tuple[Picture, ...]:
    """DET curves, linkage scores and errors by group, as far as the scheme's records hold them."""
    rows = [row for row in board.rows if row.scheme == scheme]
    charts: list[tuple[str, Callable[[], Picture | None]]] = [
        (f"the DET curve of {scheme}", partial(_det, scheme, rows, records, f"{name}d"))
    ]
    compared = [place for place, reading in enumerate(board.readings) if rules_of(reading.question).histograms]
    charts += [
        (f"the chart of attacks on {row.name}", partial(_exposure, row, board, f"{name}e{row.key}")) for row in rows
    ]
    for row in rows:
        stolen = row.key == "stolen"  # disclosed system secrets change the attacker, not verification
        charts += [
            (f"the linkage chart of {row.name}", partial(_linking, row, chosen, f"{name}l{row.key}"))
            for chosen in [row.questions[place].chosen for place in compared]
        ]
        record = harness_record(records, scheme, FAIRNESS, stolen=stolen)
        by_group = partial(_by_group, row, record, board.fairness_fmr, f"{name}f{row.key}")
        charts.append((f"the fairness chart of {row.name}", by_group))
    charts += [
        (
            f"the chart of {record.cell.attack} against queries",
            partial(_against_queries, record, reading, f"{name}q{k}"),
        )
        for k, (record, reading) in enumerate(_with(BY_QUERIES, scheme, board, records))
    ]
    charts += [
        (f"the chart of {record.cell.attack} under limits", partial(_under_limits, record, reading, f"{name}k{k}"))
        for k, (record, reading) in enumerate(_with(BY_LIMITS, scheme, board, records))
    ]
    return _drawn(charts)


def _with(detail: str, scheme: str, board: Board, records: list[Record]) -> Iterator[tuple[Record, Reading]]:
    """The records on a scheme that hold this detail: what an attack reaches with fewer queries, or under limits."""
    readings = {reading.question: reading for reading in board.readings}
    for record in records:
        reading = readings.get(record.cell.question)
        if record.cell.scheme == scheme and reading is not None and record.details.get(detail):
            yield record, reading


def _against_queries(record: Record, reading: Reading, name: str) -> Picture | None:
    """The attack's headline against the number of online queries per subject."""
    found = [(n, value) for n, value in reached_by_queries(record, reading)]
    whole = find(record, reading.headline)
    if whole is None or len(found) < 2:
        return None
    sign = _sign(reading)
    points = []
    for queries, (value, low, high) in found:
        ends = sorted((sign * low, sign * high))
        points.append(Point(f"{queries}", (queries, queries, queries), (sign * value, ends[0], ends[1])))
    half = queries_to_half(record, reading)
    told = (
        "Half of the ceiling isn't reached." if half is None else f"Half of the ceiling is reached with {half} queries."
    )
    said = "; ".join(f"{queries} queries: {number(value[0])}" for queries, value in found)
    title = f"{reading.question} by {record.cell.attack}: {str(record.cell.knowledge).replace('_', ' ')}"
    axes = ("online queries per subject", label(reading.headline))
    alt = f"{label(reading.headline)} against online queries per subject. {said}."
    ceiling = None if whole.ceiling is None else sign * whole.ceiling
    svg = scatter(points, axes, level=ceiling, log=True, reverse=sign < 0, name=name, alt=alt)
    told += f" The ceiling{'' if ceiling is None else ', dashed,'} is the same attack on cosine."
    return Picture(title, Markup(svg), told, record_link(record))


def _under_limits(record: Record, reading: Reading, name: str) -> Picture | None:
    """The attack's headline under each limit of the running system, beside that without a limit."""
    limited, own = reached_under_limits(record, reading), find(record, reading.headline)
    shown = [(one.said, one.whole) for one in limited if one.whole is not None]
    if own is None or not shown:
        return None
    shown.insert(0, ("no limit", (own.value, own.low, own.high)))
    ends = [end for _, value in shown for end in value] + [one for one in (own.floor, own.ceiling) if one is not None]
    pad, reverse = max(0.05 * (max(ends) - min(ends)), 0.01), better(reading) == "higher"
    axis = Axis(
        _leaks(reading), min(ends) - pad, max(ends) + pad, reverse=reverse, floor=own.floor, ceiling=own.ceiling
    )
    lines = [Dot(said, value=value[0], low=value[1], high=value[2]) for said, value in shown]
    said = "; ".join(f"{said}: {number(value[0])}" for said, value in shown)
    halves = [one for one in limited if one.fewer]
    told = "; ".join(f"{one.said}: {'not reached' if one.half is None else one.half}" for one in halves)
    caption = "Noise is stated in gaps between the mean genuine and the mean impostor score."
    if any(one.limits.rejections is not None for one in limited):
        caption = "Rejections: so many lock the account; an acceptance doesn't set the count back."
    if told:
        caption += f" Queries that reach half of the ceiling: {told}."
    alt = f"{label(reading.headline)} under limits of the running system. {said}."
    title = f"{reading.question} by {record.cell.attack} under limits: {str(record.cell.knowledge).replace('_', ' ')}"
    return Picture(title, Markup(dots(lines, axis, name=name, alt=alt)), caption, record_link(record))


def _question(board: Board, place: int, reading: Reading, name: str) -> Picture:
    worsts = [row.questions[place] for row in board.rows]
    lines = [_dot(row, worst) for row, worst in zip(board.rows, worsts, strict=True)]
    axis = _axis(board, place, reading)
    said = "; ".join(_said(row, worst) for row, worst in zip(board.rows, worsts, strict=True))
    right = "to the right" if not axis.reverse else "to the right, towards lower values"
    alt = f"{reading.question}, {label(reading.headline)} of the strongest attack; leakage increases {right}. {said}."
    return Picture(reading.question, Markup(dots(lines, axis, name=name, alt=alt)), label(reading.headline))


def _recognition_against_privacy(board: Board, place: int, reading: Reading, name: str) -> Picture | None:
    shown = [(row, row.fnmr.measurement, row.questions[place].headline) for row in board.rows]
    measured = [(row, fnmr, one) for row, fnmr, one in shown if fnmr and one and row.role != "floor"]
    sizes = _dot_sizes([row for row, _, _ in measured])
    points = [
        replace(_point(row, fnmr, one, _sign(reading)), size=size)
        for (row, fnmr, one), size in zip(measured, sizes, strict=True)
    ]
    if len(points) < 2:
        return None
    axes = (f"FNMR at FMR {_unbroken(board.fmr)}", _leaks(reading))
    said = "; ".join(
        f"{row.name}: FNMR {number(fnmr.value)}, {number(one.value)}, {_bytes(row)}" for row, fnmr, one in measured
    )
    alt = f"FNMR against {label(reading.headline)}; better is to the lower left. {said}."
    reverse = better(reading) == "higher"
    svg = scatter(_front(points, [row for row, _, _ in measured]), axes, reverse=reverse, name=name, alt=alt)
    caption = f"{_LOWER_LEFT} The size of a dot shows the bytes per template (logarithmic)."
    return Picture(f"Recognition against privacy: {reading.question}", Markup(svg), caption)


def _storage_against_privacy(board: Board, place: int, reading: Reading, name: str) -> Picture | None:
    shown = [(row, row.cost.size.measurement, row.questions[place].headline) for row in board.rows]
    measured = [(row, size, one) for row, size, one in shown if size and one and row.role != "floor"]
    points = [_point(row, size, one, _sign(reading)) for row, size, one in measured]
    if len(points) < 2:
        return None
    said = "; ".join(f"{row.name}: {_bytes(row)}, {number(one.value)}" for row, _, one in measured)
    alt = f"Bytes against {label(reading.headline)}; better is to the lower left. {said}."
    axes = ("bytes per template", _leaks(reading))
    points, reverse = _front(points, [row for row, _, _ in measured]), better(reading) == "higher"
    svg = scatter(points, axes, log=True, reverse=reverse, name=name, alt=alt)
    return Picture(f"Storage against privacy: {reading.question}", Markup(svg), _LOWER_LEFT)


def _storage_against_recognition(board: Board, name: str) -> Picture | None:
    shown = [(row, row.cost.size.measurement, row.fnmr.measurement) for row in board.rows if row.key != "stolen"]
    measured = [(row, size, fnmr) for row, size, fnmr in shown if size and fnmr and row.role != "floor"]
    points = _front([_point(row, size, fnmr, 1.0) for row, size, fnmr in measured], [row for row, _, _ in measured])
    if len(points) < 2:
        return None
    said = "; ".join(f"{row.name}: {_bytes(row)}, FNMR {number(fnmr.value)}" for row, _, fnmr in measured)
    axes = ("bytes per template", f"FNMR at FMR {_unbroken(board.fmr)}")
    svg = scatter(points, axes, log=True, name=name, alt=f"Bytes against FNMR; better is to the lower left. {said}.")
    return Picture("Storage against recognition", Markup(svg), _LOWER_LEFT)


def _sign(reading: Reading) -> float:
    """Sign with which a headline is drawn, so that lower is better."""
    return 1.0 if better(reading) == "lower" else -1.0


def _leaks(reading: Reading) -> str:
    how = "" if better(reading) == "lower" else ", axis reversed"
    return f"{label(reading.headline)}{how} · leaks more →"


def _bytes(row: Row) -> str:
    size = row.cost.size.measurement
    return f"{size.value:,.0f} bytes" if size else "bytes unknown"


def _dot_sizes(rows: list[Row]) -> list[float]:
    """A dot's width by its row's bytes: two units more for ten times as many."""
    sizes = [row.cost.size.measurement for row in rows]
    return [6.0 if one is None or one.value < 1 else 2.5 + 2 * math.log10(one.value) for one in sizes]


def _point(row: Row, across: Measurement, up: Measurement, sign: float) -> Point:
    hollow, quiet = row.key == "stolen", bool(row.role) or not row.ranked
    return replace(_at(_name(row), across, up, sign), hollow=hollow, quiet=quiet)


def _at(name: str, across: Measurement, up: Measurement, sign: float) -> Point:
    low, high = sorted((sign * up.low, sign * up.high))
    return Point(name, (across.value, across.low, across.high), (sign * up.value, low, high))


def _front(points: list[Point], rows: list[Row]) -> list[Point]:
    """The points, with the Pareto front of the ranked schemes marked."""
    ranked = [(point.across[0], point.up[0]) for point, row in zip(points, rows, strict=True) if row.ranked]

    def beaten(x: float, y: float) -> bool:
        return any(a <= x and b <= y and (a, b) != (x, y) for a, b in ranked)

    return [
        replace(point, front=row.ranked and not beaten(point.across[0], point.up[0]))
        for point, row in zip(points, rows, strict=True)
    ]


def _exposure(row: Row, board: Board, name: str) -> Picture | None:
    """Every question on one scale: 0 is the same attack on noise, 1 is the same attack on cosine."""
    lines = [_scaled(worst, reading) for worst, reading in zip(row.questions, board.readings, strict=True)]
    if row.role or all(line.value is None for line in lines):
        return None
    ends = [end for line in lines if line.low is not None and line.high is not None for end in (line.low, line.high)]
    ends += [line.mark for line in lines if line.mark is not None]
    axis = Axis("0 = noise, 1 = cosine · leaks more →", min(-0.05, *ends), max(1.05, *ends), floor=0.0, ceiling=1.0)
    said = "; ".join(f"{line.label} {number(line.value)}" if line.value is not None else f"{line.label} {line.word}"
                     for line in lines)  # fmt: skip
    caption = "Dot: strongest attack. Tick: strongest naive attack, which reads only the stored bytes."
    svg = dots(
        lines, axis, name=name, alt=f"Leakage of {row.name} as a share of the leakage of cosine, by question. {said}."
    )
    return Picture(f"Naive and adaptive attacks: {row.name}", Markup(svg), caption)


def _scaled(worst: Worst, reading: Reading) -> Dot:
    found, one = share(worst), worst.headline
    if found is None or one is None or one.floor is None or one.ceiling is None:
        return Dot(reading.question, word=worst.word if one is None else "controls equal")
    naive = worst.naive
    mark = None
    if naive is not None and naive.floor is not None and naive.ceiling is not None:
        mark = (naive.value - one.floor) / (one.ceiling - one.floor)
    return Dot(reading.question, value=found.value, low=found.low, high=found.high, mark=mark)


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
    """The row's name, shortened for a plot; its key state is kept."""
    tail = _tail(row)
    return shortened(row.scheme, _LONGEST_NAME - len(tail)) + tail


def _tail(row: Row) -> str:
    """The key state in the row's name; empty where the scheme has one row."""
    return row.name.removeprefix(row.scheme)


def _said(row: Row, worst: Worst) -> str:
    one = worst.headline
    return f"{row.name} {with_interval(one)}" if one else f"{row.name} {worst.word}"


def _det(scheme: str, rows: list[Row], records: list[Record], name: str) -> Picture | None:
    curves: list[Curve] = []
    for row in rows:
        record = harness_record(records, scheme, VERIFY, stolen=row.key == "stolen")
        # Two long names beside each other would not fit; the heading names the scheme.
        title = _tail(row).lstrip(", ") or _name(row)
        curves += _curve(record, title, "stolen" if row.key == "stolen" else "main")
    if not curves:
        return None
    if scheme != CEILING:
        curves += _curve(harness_record(records, CEILING, VERIFY, stolen=False), CEILING, "control")
    eers = "; ".join(f"{row.name}: EER {number(row.eer.measurement.value)}" for row in rows if row.eer.measurement)
    svg = det(curves, name=name, alt=f"Detection error trade-off. {eers}.")
    own = next(filter(None, (row.eer.record for row in rows)), "")
    return Picture("Recognition: DET curve", Markup(svg), _HOW_TO_READ_DET, own)


def _curve(record: Record | None, title: str, kind: str) -> Iterator[Curve]:
    points = [(float(fmr), float(fnmr)) for fmr, fnmr in record.details.get("det", ())] if record else []
    if points:
        yield Curve(title, points, kind)


def _linking(row: Row, best: Record | None, name: str) -> Picture | None:
    details: Mapping[str, list[float]] = best.details if best else {}
    if best is None or not {"edges", "mated", "non_mated"} <= set(details):
        return None
    shown = Histogram(details["edges"], details["mated"], details["non_mated"])
    if not len(shown.mated) == len(shown.non_mated) == len(shown.edges) - 1 > 0:
        return None
    eer, d_sys, null = (find(best, metric) for metric in ("eer", "d_sys", "d_sys_null"))
    parts = [f"{title} {with_interval(one)}" for title, one in (("EER", eer), ("D-sys", d_sys)) if one]
    if null:
        parts.append(f"D-sys of permuted mates {with_interval(null)}")
    mated, non_mated = sum(shown.mated), sum(shown.non_mated)
    sizes = f"{mated:,.0f} mated and {non_mated:,.0f} non-mated pairs, {plural(len(shown.mated), 'bin')}"
    caption = f"Strongest attack: {best.cell.attack}. {'; '.join(parts)}. {sizes}."
    svg = histogram(shown, name=name, alt=f"Scores of pairs of templates, {row.name}. {caption}")
    return Picture(f"Linkage: {row.name}", Markup(svg), caption, record_link(best))


def _by_group(row: Row, record: Record | None, fmr: str, name: str) -> Picture | None:
    lines = list(_groups(record, fmr)) if record and fmr else []
    if record is None or not lines:
        return None
    said = "; ".join(f"{line.label}: FNMR {_rate(line.fnmr)}, FMR {_rate(line.fmr)}" for line in lines)
    alpha = record.details.get("alpha")
    weight = (
        f" Fairness indices weight FMR by alpha = {number(alpha)} and FNMR by 1 − alpha."
        if isinstance(alpha, int | float)
        else ""
    )
    caption = f"FNMR and FMR by group (number of subjects in brackets) at FMR {_unbroken(fmr)} (dashed).{weight}"
    svg = groups(lines, fmr, name=name, alt=f"{caption} {said}.")
    return Picture(f"Fairness: {row.name}", Markup(svg), caption, record_link(record))


def _groups(record: Record, fmr: str) -> Iterator[Group]:
    for attribute, members in sorted(record.details.get("groups", {}).items()):
        for group, counts in sorted(members.items()):
            one = (snake_case(attribute), snake_case(group))
            fnmr, fmr_of_group = (_interval(find(record, printable(flat(rate, fmr, one)))) for rate in ("fnmr", "fmr"))
            title = shortened(printable(f"{attribute}: {group}"), _LONGEST_GROUP)
            yield Group(title, int(counts["people"]), fnmr, fmr_of_group)


def _interval(one: Measurement | None) -> tuple[float, float, float] | None:
    return (one.value, one.low, one.high) if one else None


def _rate(rate: tuple[float, float, float] | None) -> str:
    return f"{number(rate[0])} [{number(rate[1])}, {number(rate[2])}]" if rate else "undefined"


def _unbroken(rate: str) -> str:
    """``1e-2`` with a hyphen at which no line breaks."""
    return rate.replace("-", "\N{NON-BREAKING HYPHEN}")
