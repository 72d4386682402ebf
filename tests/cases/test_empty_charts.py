"""A chart with nothing to show costs that chart, never the board: nobody recognised, no point, no score, no row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mote_bench.contracts import Cell, Measurement, Record, Status
from mote_bench.metrics.names import parse
from mote_bench.report import plots
from mote_bench.report.boards import render

LABELS = ("across", "up")
NOTHING = {"name": "x", "alt": "nothing"}


def record(scheme: str, attack: str, question: str, *values: tuple[str, float], **details: object) -> Record:
    cell = Cell("people-1", "shuffled", scheme, attack, question, "none" if attack == "zero-effort" else "algorithm", 0)
    measurements = tuple(
        replace(Measurement("", value, low, value + 0.03, 50), **parse(name)._asdict())
        for name, value in values
        for low in [value if value > 1 else max(value - 0.03, 0.0)]
    )
    return Record(cell, Status.OK, measurements, details, {}, {})


def nobody_recognised(**linking: object) -> list[Record]:
    """As when rows and names no longer belong together: even the plain embedding recognises nobody."""
    made = []
    for scheme in ("cosine", "noise", "biohash"):
        made += [
            record(scheme, "zero-effort", "verify", ("eer", 0.49), ("fnmr_at_fmr_1e-2", 0.99)),
            record(scheme, "zero-effort", "cost", ("seconds_per_enrolment", 0.01), ("bytes_per_template", 512.0)),
            record(scheme, "logistic-bytes", "gender", ("balanced_accuracy", 0.5)),
            record(scheme, "compare-bytes", "link", ("eer", 0.5), ("d_sys", 0.0), **linking),
        ]
    return made


def test_boards_of_a_run_in_which_nobody_is_recognised():
    made = render(nobody_recognised())
    assert "does not recognise its subjects" in made["leaderboard.html"]
    assert "Storage against recognition" in made["leaderboard.html"]


@pytest.mark.parametrize(
    "linking",
    [
        {"edges": [], "mated": [], "non_mated": []},
        {"edges": [0.0], "mated": [], "non_mated": []},
        {"edges": [0.0, 1.0], "mated": [3], "non_mated": []},
    ],
)
def test_boards_without_scores_of_pairs(linking):
    assert "Linkage: " not in render(nobody_recognised(**linking))["leaderboard.html"]
    full = {"edges": [0.0, 1.0], "mated": [3], "non_mated": [0]}
    assert "Linkage: biohash" in render(nobody_recognised(**full))["leaderboard.html"]


@pytest.mark.parametrize(
    "drawn",
    [
        lambda: plots.dots([], plots.Axis("x", 0.0, 1.0), **NOTHING),
        lambda: plots.scatter([], LABELS, **NOTHING),
        lambda: plots.scatter([], LABELS, log=True, reverse=True, **NOTHING),
        lambda: plots.scatter([plots.Point("a", (1, 1, 1), (0, 0, 0))], LABELS, **NOTHING),
        lambda: plots.panels([], LABELS, **NOTHING),
        lambda: plots.panels([plots.Panel("a", [])], LABELS, **NOTHING),
        lambda: plots.panels([plots.Panel("a", [plots.Trace("b", [], [])])], LABELS, **NOTHING),
        lambda: plots.det([], **NOTHING),
        lambda: plots.det([plots.Curve("a", [], "main")], **NOTHING),
        lambda: plots.groups([], "1e-2", **NOTHING),
        lambda: plots.groups([plots.Group("a", 0, None, None)], "1e-2", **NOTHING),
        lambda: plots.histogram(plots.Histogram([0.0, 1.0], [0], [0]), **NOTHING),
    ],
)
def test_a_plot_of_nothing_is_a_plot(drawn):
    assert drawn().startswith("<svg ")
