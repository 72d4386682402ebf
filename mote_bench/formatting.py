"""Names and numbers as the boards print them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from mote_bench.contracts import OWN, Measurement, Record

LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_MESSAGE = 240
_ABBREVIATIONS = {"auc", "eer", "fdr", "fmr", "fnmr", "fta", "fte", "garbe", "ir", "ser"}


def printable(text: str) -> str:
    """The text with everything that isn't visible written as an escape.

    Names come from users: a control character could move a terminal's cursor, a bidirectional mark reorder a page, a
    lone surrogate break the encoding of a whole board.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def named(record: Record) -> Record:
    """The record with printable names of its cell and its metrics."""
    cell = record.cell
    named_cell = replace(
        cell,
        protocol=printable(cell.protocol),
        data=printable(cell.data),
        scheme=printable(cell.scheme),
        attack=printable(cell.attack),
        question=printable(cell.question),
        knowledge=printable(str(cell.knowledge)),
    )
    measurements = tuple(map(_named, record.measurements))
    return replace(record, cell=named_cell, measurements=measurements)


def _named(one: Measurement) -> Measurement:
    if one.name.isprintable():
        return one
    at = None if one.at is None else printable(one.at)
    return replace(one, metric=printable(one.metric), at=at, group=tuple(map(printable, one.group)))


def inert(text: str) -> str:
    """A CSV cell that no spreadsheet runs as a formula (an apostrophe before ``= + - @``)."""
    return f"'{text}" if text.startswith(LIKE_A_FORMULA) else text


def exact(value: float | None) -> str:
    """A number that reads back as itself; empty for a missing or non-finite value."""
    if value is None or not math.isfinite(value):
        return ""
    return repr(float(value))


def number(value: float | None) -> str:
    """Three decimals, or two significant digits below 0.01: a wolf rate of 0.0013 must not read as 0.001."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) < 0.00995:
        return f"{value:.2g}" if abs(value) >= 1e-4 else f"{value:.0e}"
    if abs(value) >= 1000 or (abs(value) >= 10 and value == round(value)):
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def span(one: Measurement) -> str:
    """The interval: ``[0.986, 0.997]``."""
    return f"[{number(one.low)}, {number(one.high)}]"


def bits(one: Measurement) -> str:
    """Bits to one decimal: ``13.2``; ``≥ 13.2`` of a lower bound, ``13.2 own`` at a scheme's own threshold."""
    return f"{'≥ ' if is_bound(one) else ''}{one.value:.1f}{' own' if one.at == OWN else ''}"


def bits_span(one: Measurement) -> str:
    """The interval of bits: ``[12.8, 13.7]``; empty of a lower bound."""
    return "" if is_bound(one) else f"[{one.low:.1f}, {one.high:.1f}]"


def is_bound(one: Measurement) -> bool:
    """Whether only a lower bound is known."""
    return one.metric.startswith("least_")


def milliseconds(seconds: float) -> str:
    """``0.43 ms``, ``21 ms``, ``1,900 ms``."""
    value = seconds * 1000
    return f"{value:.2g} ms" if value < 100 else f"{value:,.0f} ms"


def times(ratio: float) -> str:
    """``1.0×``, ``350×``."""
    return f"{ratio:.1f}×" if ratio < 10 else f"{ratio:,.0f}×"


def with_interval(one: Measurement) -> str:
    """A value with its interval: ``0.971 [0.960, 0.980]``."""
    return f"{number(one.value)} {span(one)}"


def percent(hundredths: float) -> str:
    """``0 %``, ``0.25 %``, ``6.1 %``, ``78 %``."""
    digits = 0 if hundredths == 0 or hundredths >= 10 else 1 if hundredths >= 1 else 2
    return f"{hundredths:.{digits}f} %"


def label(metric: str) -> str:
    """A metric's name in words: ``success_gain_at_fmr_1e-3`` is "success gain at FMR 1e-3"."""
    words = metric.replace("_at_fmr_", "_at_FMR_").replace("d_sys", "D-sys").split("_")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def shortened(text: str, most: int) -> str:
    """At most ``most`` characters; a cut text ends in an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def message(error: str | None) -> str:
    """The last line of a traceback: the error itself, without paths of the machine on which it occurred."""
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    return shortened(printable(lines[-1]), _LONGEST_MESSAGE) if lines else ""


def plural(count: int, noun: str) -> str:
    """``1 attack``, ``3 attacks``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(value: object) -> str:
    """Nested details in one line: ``ethnicity (other: 4), age``."""
    if isinstance(value, Mapping):
        parts = (f"{printable(str(key))} ({listed(inner)})" for key, inner in sorted(value.items()))
        return ", ".join(parts)
    if isinstance(value, list | tuple):
        return ", ".join(map(listed, value))
    return printable(str(value))
