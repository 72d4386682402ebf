"""Plots as SVG text for inlining in a page, without pyplot and files; equal input gives equal bytes.

Colours are the page's CSS variables, so one picture serves light and dark pages; text stays text.
"""

from __future__ import annotations

import atexit
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from markupsafe import escape

# Placeholders that no drawing uses by accident; each becomes a CSS variable in the finished SVG.
_INK, _MUTED, _RULE, _MAIN, _OTHER, _PAPER = "#010203", "#040506", "#070809", "#0a0b0c", "#0d0e0f", "#101112"
_VARIABLES = {
    _INK: "--ink",
    _MUTED: "--muted",
    _RULE: "--rule",
    _MAIN: "--main",
    _OTHER: "--other",
    _PAPER: "--paper",
}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 11.0,
    "text.parse_math": False,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _RULE,
    "ytick.color": _RULE,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "legend.frameon": False,
    "legend.fontsize": 10.0,
}
_DEFAULTS = r' transform="rotate\(-0 [^"]*"|font-family: [^;]*; ?|; stroke-linejoin: miter|; stroke-dashoffset: 0'
_COLOURS = {
    "ink": "#1b1c1e",
    "muted": "#62666c",
    "rule": "#d9dbde",
    "main": "#1f5f9e",
    "other": "#a8500f",
    "paper": "#fff",
}
_WIDTH = 380  # drawing units; also CSS pixels at full size
_DET_TICKS = (0.001, 0.01, 0.05, 0.2, 0.4, 0.6)
_DET_LEAST, _DET_MOST = 0.0005, 0.7
_CLOSE = 0.15  # share of the axis below which the names of the controls would overlap


@dataclass(frozen=True)
class Dot:
    """One line of a dot plot: a value with its interval, or the text in its place.

    ``mark`` is the strongest naive attack, drawn as a small tick; ``hollow`` marks the row whose key is stolen.
    """

    label: str
    word: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    hollow: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Axis:
    """The horizontal axis of a dot plot; ``reverse`` puts small values to the right."""

    label: str
    left: float
    right: float
    reverse: bool = False
    floor: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True)
class Curve:
    """A DET curve: points (false match rate, false non-match rate)."""

    label: str
    points: Sequence[tuple[float, float]]
    kind: str


@dataclass(frozen=True)
class Histogram:
    """Scores of mated and non-mated pairs in the same bins."""

    edges: Sequence[float]
    mated: Sequence[float]
    non_mated: Sequence[float]


@dataclass(frozen=True)
class Group:
    """Error rates of one group: (value, low, high) each, and its number of subjects."""

    label: str
    people: int
    fnmr: tuple[float, float, float] | None
    fmr: tuple[float, float, float] | None


@dataclass(frozen=True)
class Point:
    """A scheme in a trade-off plot: (value, low, high) on both axes; less is better on both.

    ``front`` marks the Pareto front; ``size`` is the dot's width in drawing units.
    """

    label: str
    across: tuple[float, float, float]
    up: tuple[float, float, float]
    front: bool = False
    hollow: bool = False
    quiet: bool = False
    size: float = 6.0


@dataclass(frozen=True)
class Trace:
    """A scheme's points (across, up) in order, with the (low, high) of each one's height."""

    label: str
    points: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float]]
    quiet: bool = False


@dataclass(frozen=True)
class Panel:
    """One of several plots side by side that share their axes."""

    title: str
    traces: Sequence[Trace]


def standing(svg: str) -> str:
    """A drawing as a separate file, with the page's light colours instead of its variables."""
    for name, colour in _COLOURS.items():
        svg = svg.replace(f"var(--{name})", colour)
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1) + "\n"


def dots(lines: Sequence[Dot], axis: Axis, *, name: str, alt: str) -> str:
    """Dot and whisker, a line per row, between the floor's and the ceiling's value."""
    height = 50 + 18 * len(lines)

    def draw(figure: Any) -> None:
        axes = _axes(figure, left=136, right=14, top=16, bottom=34)
        _controls(axes, axis)
        for place, line in enumerate(lines):
            _dot(axes, place, line)
        axes.set_xlim(*((axis.right, axis.left) if axis.reverse else (axis.left, axis.right)))
        _rows(axes, [line.label for line in lines], [_MUTED if line.quiet else _INK for line in lines])
        axes.set_xlabel(axis.label, fontsize=10, labelpad=2)

    return _svg(draw, (_WIDTH, height), name=name, alt=alt)


def scatter(  # noqa: PLR0913 - what a drawing shows
    points: Sequence[Point],
    labels: tuple[str, str],
    *,
    curve: Sequence[Point] = (),
    level: float | None = None,
    log: bool = False,
    reverse: bool = False,
    name: str,
    alt: str,
) -> str:
    """Two figures of every scheme with their intervals, and a line along the Pareto front.

    Parameters
    ----------
    labels : (str, str)
        Of the horizontal and the vertical axis.
    curve : sequence of Point
        Joined by a line that is drawn beneath the schemes, with its intervals as a band.
    level : float, optional
        Where a dashed horizontal line is drawn, such as the ceiling's.
    log : bool
        Whether the horizontal axis is logarithmic, as for bytes.
    reverse : bool
        Whether the vertical values are negatives of figures of which more is better; the axis shows the figures.
    """

    def draw(figure: Any) -> None:
        axes = _axes(figure, left=52, right=14, top=16, bottom=38)
        if log:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
            axes.minorticks_off()
        if curve:
            across, up, low, high = zip(*((one.across[0], *one.up) for one in curve), strict=True)
            axes.fill_between(across, low, high, color=_MUTED, alpha=0.25, linewidth=0, zorder=0)
            axes.plot(across, up, color=_INK, linewidth=1.2, marker="D", markersize=3, zorder=1)
        if level is not None:
            axes.axhline(level, color=_MUTED, linewidth=1.0, linestyle=(0, (5, 2)), zorder=0)
        for point in points:
            color = _MUTED if point.quiet else _OTHER if point.hollow else _MAIN
            look = {"color": color, "linewidth": 1.0, "alpha": 0.5, "solid_capstyle": "butt"}
            axes.plot(point.across[1:], (point.up[0],) * 2, **look)
            axes.plot((point.across[0],) * 2, point.up[1:], **look)
            fill = _PAPER if point.hollow else color
            axes.plot([point.across[0]], [point.up[0]], "o", color=color, markerfacecolor=fill, markersize=point.size)
        front = sorted((point.across[0], -point.up[0]) for point in points if point.front)
        if front:  # empty where no scheme is ranked
            across, up = zip(*((x, -y) for x, y in front), strict=True)
            axes.step(across, up, where="post", color=_MAIN, linewidth=0.8, zorder=1)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.margins(0.12, 0.12)
        if reverse:
            axes.yaxis.set_major_formatter(lambda value, _: f"{0.0 - value:.3g}")
        axes.grid(color=_RULE, linewidth=0.5)
        axes.tick_params(length=0, pad=5)
        _named_points(axes, points)

    return _svg(draw, (_WIDTH, 300), name=name, alt=alt)


def panels(shown: Sequence[Panel], labels: tuple[str, str], *, name: str, alt: str, legend_columns: int = 4) -> str:
    """Lines of the same schemes side by side, on the same axes; a legend above tells them by colour and mark."""
    wide, left, top, gap = 250, 52, 56, 16
    size = (left + len(shown) * (wide + gap), 300)
    looks = [(color, mark) for mark in ("o", "s", "^") for color in (_MAIN, _OTHER, _INK)]

    def draw(figure: Any) -> None:
        first = None
        for place, panel in enumerate(shown):
            start = left + place * (wide + gap)
            box = _box(figure, left=start, right=size[0] - start - wide, top=top, bottom=38)
            axes = figure.add_axes(box, sharex=first, sharey=first)
            first = first or axes
            free = iter(looks)
            for trace in panel.traces:
                color, mark = (_MUTED, "D") if trace.quiet else next(free)
                across, up = [x for x, _ in trace.points], [y for _, y in trace.points]
                axes.plot(across, up, color=color, marker=mark, markersize=4.5, linewidth=1.2, label=trace.label)
                for x, ends in zip(across, trace.bars, strict=True):
                    axes.plot((x, x), ends, color=color, linewidth=1.0, alpha=0.5, solid_capstyle="butt")
            axes.set_title(panel.title, fontsize=10, color=_MUTED, loc="left", pad=4)
            axes.set_xlabel(labels[0])
            axes.grid(color=_RULE, linewidth=0.5)
            axes.tick_params(length=0, pad=5, labelleft=place == 0)
        if first is not None:
            first.set_ylabel(labels[1])
            handles = {"loc": "upper left", "bbox_to_anchor": (left / size[0], 1), "handlelength": 2.0}
            figure.legend(
                *first.get_legend_handles_labels(), ncols=legend_columns, borderaxespad=0.2, borderpad=0, **handles
            )

    return _svg(draw, size, name=name, alt=alt)


def _named_points(axes: Any, points: Sequence[Point]) -> None:
    """Names the points without overlap: beside the point, or further away with a thin line.

    The Pareto front is named first. A name that does not fit is left out; the tables hold every figure.
    """
    axes.get_xlim()  # computes the limits of both axes
    places = [axes.transData.transform((point.across[0], point.up[0])) for point in points]
    (left, bottom), (right, top) = axes.bbox.get_points()
    reach = [max(5.0, point.size / 2 + 1) for point in points]
    taken = [(x - far, y - far, x + far, y + far) for (x, y), far in zip(places, reach, strict=True)]
    for point, (x, y) in sorted(zip(points, places, strict=True), key=lambda one: not one[0].front):
        wide, high = 5.7 * len(point.label) + 2, 11
        spots = ((x + across, y + up, x + across + wide, y + up + high, far) for across, up, far in _around(wide))
        inside = (box for box in spots if box[0] >= left and box[2] <= right and box[1] >= bottom and box[3] <= top)
        found = next((box for box in inside if not any(_overlap(box, other) for other in taken)), None)
        if found is None or not point.label:
            continue
        *box, far = found
        taken.append(tuple(box))
        if far:
            end = (min(max(x, box[0]), box[2]), box[1] if box[1] > y else box[3] - 2)
            ends = axes.transData.inverted().transform([(x, y), end])
            axes.plot(*ends.T, color=_MUTED, linewidth=0.4, zorder=0, scalex=False, scaley=False)
        where = {"xycoords": "figure pixels", "ha": "left", "va": "bottom", "annotation_clip": False}
        axes.annotate(point.label, box[:2], fontsize=9.5, color=_MUTED if point.quiet else _INK, **where)


def _around(wide: float) -> Iterator[tuple[float, float, bool]]:
    """Candidate offsets of a name from its point, the nearest first, and whether it needs a line."""
    near = [(8, -4), (-8 - wide, -4), (-wide / 2, 8), (-wide / 2, -18), (8, 8), (8, -16), (-8 - wide, 8)]
    yield from ((across, up, False) for across, up in near)
    for ring in range(1, 12):
        for up in (12.0 * ring + 8, -12.0 * ring - 18):
            yield from ((across, up, True) for across in (8.0, -8 - wide, -wide / 2, 40.0, -40 - wide))


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def det(curves: Sequence[Curve], *, name: str, alt: str) -> str:
    """DET curves on normal-deviate axes (ISO/IEC 19795-1); rates off the axes are drawn at their edge."""
    looks = {
        "main": {"color": _MAIN, "linewidth": 1.6},
        "stolen": {"color": _OTHER, "linewidth": 1.6, "linestyle": (0, (5, 2))},
        "control": {"color": _MUTED, "linewidth": 1.0, "linestyle": (0, (1, 1.5))},
    }

    def draw(figure: Any) -> None:
        axes = _axes(figure, left=52, right=14, top=26, bottom=38)
        ends = (_deviate(_DET_LEAST), _deviate(_DET_MOST))
        axes.plot(ends, ends, color=_RULE, linewidth=0.8)
        for curve in curves:
            across, up = ([_deviate(point[side]) for point in curve.points] for side in (0, 1))
            # A scheme with a built-in threshold has one point, and a line of one point can't be seen.
            mark = {"marker": "o", "markersize": 5.0} if len(curve.points) == 1 else {}
            axes.plot(across, up, label=curve.label, clip_on=False, **looks[curve.kind], **mark)
        ticks = [_deviate(rate) for rate in _DET_TICKS]
        names = [f"{100 * rate:g} %" for rate in _DET_TICKS]
        axes.set(xlim=ends, ylim=ends, xlabel="false match rate (FMR)", ylabel="false non-match rate (FNMR)")
        axes.set_xticks(ticks, names)
        axes.set_yticks(ticks, names)
        axes.grid(color=_RULE, linewidth=0.5, clip_on=False)
        axes.tick_params(length=0, pad=5)
        _legend(axes, 2.4)

    return _svg(draw, (_WIDTH, 300), name=name, alt=alt)


def histogram(shown: Histogram, *, name: str, alt: str) -> str:
    """Mated and non-mated scores of a linkage attack, each normalised to its number of pairs."""

    def draw(figure: Any) -> None:
        axes = _axes(figure, left=52, right=14, top=26, bottom=38)
        drawn = ((shown.non_mated, "non-mated pairs", _MUTED), (shown.mated, "mated pairs", _MAIN))
        for counts, label, color in drawn:
            shares = _shares(counts)
            axes.stairs(shares, shown.edges, fill=True, color=color, alpha=0.25, linewidth=0)
            axes.stairs(shares, shown.edges, color=color, linewidth=1.3, label=label)
        axes.set(xlabel="linkage score of a pair of templates", ylabel="share of pairs")
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
        axes.locator_params(nbins=5)
        axes.ticklabel_format(axis="x", useOffset=False)
        _legend(axes, 1.4)
        axes.set_ylim(top=1.05 * max(*_shares(shown.mated), *_shares(shown.non_mated), 1e-9))

    return _svg(draw, (_WIDTH, 300), name=name, alt=alt)


def groups(lines: Sequence[Group], fmr: str, *, name: str, alt: str) -> str:
    """FNMR and FMR by group at one threshold, with error bars."""
    height = 48 + 18 * max(len(lines), 1)

    def draw(figure: Any) -> None:
        left = figure.add_axes(_box(figure, left=158, right=130, top=22, bottom=26))
        right = figure.add_axes(_box(figure, left=278, right=10, top=22, bottom=26))
        for axes, title, color in ((left, "FNMR", _MAIN), (right, "FMR", _OTHER)):
            rates = [line.fnmr if axes is left else line.fmr for line in lines]
            for place, rate in enumerate(rates):
                if rate is None:
                    axes.text(0.02, place, "–", transform=axes.get_yaxis_transform(), color=_MUTED, va="center")
                    continue
                axes.plot(rate[1:], (place, place), color=color, linewidth=1.2, solid_capstyle="butt")
                axes.plot([rate[0]], [place], "o", color=color, markersize=5, clip_on=False)
            axes.set_title(title, fontsize=10, color=_MUTED, loc="left", pad=4)
            axes.set_xlim(0, 1.08 * max([0.001, *(rate[2] for rate in rates if rate)]))
            axes.locator_params(axis="x", nbins=2)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        right.axvline(float(fmr), color=_MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
        _rows(left, [f"{line.label} ({line.people})" for line in lines], [_INK] * len(lines))
        _rows(right, [""] * len(lines), [_INK] * len(lines))

    return _svg(draw, (_WIDTH, height), name=name, alt=alt)


def _controls(axes: Any, axis: Axis) -> None:
    """Dashed lines at the floor and the ceiling, named above the plot."""
    values = {"noise": axis.floor, "cosine": axis.ceiling}
    shown = sorted((value, label) for label, value in values.items() if value is not None)
    close = len(shown) == 2 and shown[1][0] - shown[0][0] < _CLOSE * (axis.right - axis.left)
    sides = ("left", "right") if axis.reverse else ("right", "left")
    for (value, label), side in zip(shown, sides, strict=False):
        where = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        axes.axvline(value, color=_MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.annotate(label, (value, 1), (0, 3), ha=side if close else "center", color=_MUTED, fontsize=9.5, **where)


def _dot(axes: Any, place: int, line: Dot) -> None:
    if line.value is None or line.low is None or line.high is None:
        where = {"transform": axes.get_yaxis_transform(), "va": "center_baseline", "ha": "center"}
        axes.text(0.5, place, line.word, color=_MUTED, fontsize=10, fontstyle="italic", **where)
        return
    color = _MUTED if line.quiet else _OTHER if line.hollow else _MAIN
    axes.plot(
        (line.low, line.high),
        (place, place),
        color=color,
        linewidth=1.4,
        solid_capstyle="butt",
        zorder=3,
        clip_on=False,
    )
    fill = _PAPER if line.hollow else color
    axes.plot([line.value], [place], "o", color=color, markerfacecolor=fill, markersize=6.5, zorder=4, clip_on=False)
    if line.mark is not None:
        axes.plot([line.mark], [place], "|", color=_INK, markersize=8, markeredgewidth=1.1, zorder=2, clip_on=False)


def _rows(axes: Any, labels: Sequence[str], colors: Sequence[str]) -> None:
    """A named line per row, the first on top."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines["left"].set_visible(False)
    for tick, color in zip(axes.get_yticklabels(), colors, strict=True):
        tick.set(color=color, fontsize=11)
    axes.hlines(
        range(len(labels)),
        0,
        1,
        transform=axes.get_yaxis_transform(),
        color=_RULE,
        linewidth=0.5,
        zorder=0,
        clip_on=False,
    )


def _legend(axes: Any, length: float) -> None:
    """One line above the plot, where no curve runs."""
    if axes.get_legend_handles_labels()[0]:
        where = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0.2, "borderpad": 0}
        axes.legend(ncols=3, handlelength=length, **where)


def _axes(figure: Any, **margins: int) -> Any:
    return figure.add_axes(_box(figure, **margins))


def _box(figure: Any, *, left: int, right: int, top: int, bottom: int) -> tuple[float, float, float, float]:
    """Margins in drawing units as the figure fractions that matplotlib wants."""
    width, height = figure.get_size_inches() * 72
    return left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height


def _deviate(rate: float) -> float:
    return NormalDist().inv_cdf(min(max(rate, _DET_LEAST), _DET_MOST))


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def _svg(draw: Callable[[Any], None], size: tuple[int, int], *, name: str, alt: str) -> str:
    _at_home()
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with _settings(name):
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), dpi=72)
        draw(figure)
        figure.patch.set_visible(False)
        for axes in figure.axes:
            axes.patch.set_visible(False)
        text = io.StringIO()
        empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(text, metadata=empty)
    return _inlined(text.getvalue(), size, name=name, alt=alt)


def _at_home() -> None:
    """Give matplotlib a folder for its cache where the system knows no home, as for a service or in a container.

    Without one its import raises an error (matplotlib#30449).
    """
    if "MPLCONFIGDIR" in os.environ:
        return
    try:
        Path.home()
    except RuntimeError:
        os.environ["MPLCONFIGDIR"] = folder = tempfile.mkdtemp(prefix="mote-bench-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


@contextmanager
def _settings(name: str) -> Iterator[None]:
    """Matplotlib's defaults with our settings, independent of the user's matplotlibrc."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: Any = matplotlib.rcParams  # its keys are typed as literals
        settings.update({**_STYLE, "svg.hashsalt": name})
        yield


def _inlined(svg: str, size: tuple[int, int], *, name: str, alt: str) -> str:
    """The bare drawing: no prolog, no document-wide style, ids of its own, short numbers, the page's colours."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r"<[^>]+>", lambda tag: _tag(tag.group(), name), body)
    body = _with_short_ids(_without_bare_groups(re.sub(r">\s+<", "><", body.strip())), name)
    head = f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{escape(alt)}" width="{size[0]}">'
    return f"{head}{body}</svg>"


def _without_bare_groups(body: str) -> str:
    """Removes groups without attributes, of which there are several around each tick."""
    kept: list[bool] = []

    def group(tag: re.Match[str]) -> str:
        if tag.group().startswith("</"):
            return tag.group() if kept.pop() else ""
        if tag.group().endswith("/>"):
            return ""
        kept.append(tag.group() != "<g>")
        return tag.group() if kept[-1] else ""

    return re.sub(r"<g\b[^>]*>|</g>", group, body)


def _with_short_ids(body: str, name: str) -> str:
    """Replaces matplotlib's hashes, which are at every tick and line, by numbers."""
    found: dict[str, str] = {}
    pattern = rf"{re.escape(name)}-[mphc][0-9a-f]{{8,}}"
    return re.sub(pattern, lambda match: found.setdefault(match.group(), f"{name}-{len(found)}"), body)


def _path(match: re.Match[str]) -> str:
    """A shorter path: ``L`` is implied after the first point, and a repeated point draws nothing."""
    words = re.sub(r"([A-Za-z])", r" \1 ", match.group(1)).split()
    if set(words[::3]) <= {"M", "L"} and len(words) % 3 == 0:
        points = [tuple(words[place : place + 3]) for place in range(0, len(words), 3)]
        kept = [one for place, one in enumerate(points) if place < 2 or one[1:] != points[place - 1][1:]]
        text = " ".join(f"{'M' if letter == 'M' else ''}{x} {y}" for letter, x, y in kept)
        return f'd="{text}"'
    return 'd="' + re.sub(r" ?([A-Za-z]) ?", r"\1", " ".join(words)) + '"'


def _tag(tag: str, name: str) -> str:
    used = re.sub(r'\bid="([^"]+)"', lambda match: _own_id(match.group(1), name), tag)
    used = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", used)
    used = re.sub(r"-?\d+\.\d{2,}", lambda match: f"{float(match.group()):.1f}".removesuffix(".0"), used)
    used = re.sub(r'\bd="([^"]*)"', _path, used)
    for stand_in, variable in _VARIABLES.items():
        used = used.replace(stand_in, f"var({variable})")
    used = re.sub(_DEFAULTS, "", used.replace("xlink:href", "href"))
    return re.sub(r"\s+", " ", used).replace(" >", ">")


def _own_id(value: str, name: str) -> str:
    """Keeps hashed ids, which are referred to; matplotlib's names of groups would repeat on a page."""
    return f'id="{name}-{value}"' if re.fullmatch(r"[mphc][0-9a-f]{8,}", value) else ""
