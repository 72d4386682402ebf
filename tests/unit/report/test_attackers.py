"""The board of attackers: names from anybody are text, figures are those that were measured."""

from __future__ import annotations

import json

from mote_bench.analysis.share import share_of
from mote_bench.contracts import Measurement
from mote_bench.metrics.differences import Change
from mote_bench.report.attackers import (
    Attacker,
    ChallengeBoard,
    Pair,
    Scored,
    TaskBoard,
    attackers_html,
    attackers_json,
    attackers_md,
)

HEADLINE = Measurement("balanced_accuracy", 0.75, 0.7, 0.8, 60, 0.5, floor=0.5, ceiling=1.0)
BEHIND = Change(0.25, 0.1, 0.4, 0.2)
ROWS = (
    Scored("Ada", "by hand", HEADLINE, rank=1, share=share_of(HEADLINE)),
    Scored("<b>|x", "random", Measurement("balanced_accuracy", 0.5, 0.4, 0.6, 60), rank=2, to_best=BEHIND),
    Scored("Eve", "by hand", None, "all the same | face"),
)
BOARD = ChallengeBoard(
    "faces",
    "quick-1",
    "0" * 64,
    "0.1.0",
    (Attacker("Ada", 3, "2026-11-30T12:00:00Z", 1, 1, 0.5), Attacker("<b>|x", 1, "", 1, 0, 0.0)),
    (
        TaskBoard(
            "t01",
            "cosine",
            "algorithm",
            "gender",
            "balanced_accuracy",
            "lower",
            60,
            0.5,
            1.0,
            ROWS,
            (Pair("Ada", "<b>|x", BEHIND, True),),
        ),
        TaskBoard("t02", "cosine", "algorithm", "link", "eer", "higher", 60, 0.5, None, (), ()),
    ),
)


def test_the_page_shows_every_figure_and_escapes_every_name():
    page = attackers_md(BOARD)
    assert "Ada" in page
    assert "0.750 [0.700, 0.800]" in page
    assert "50 %, partial" in page
    assert "0.250 [0.100, 0.400]" in page
    assert "Ada sent 3 folders of answers; only the latest counts, of 2026-11-30T12:00:00Z" in page
    assert "not scored: all the same \\| face" in page
    assert "<b>" not in page
    assert "EER, lower is better for the attacker; 60 subjects. Floor 0.500, ceiling –." in page
    assert "No answers." in page


def test_json_holds_the_same():
    table = json.loads(attackers_json(BOARD))
    assert table["tasks"][0]["rows"][0]["headline"]["value"] == 0.75
    assert table["tasks"][0]["pairs"] == [
        {"better": "Ada", "than": "<b>|x", "change": BEHIND.__dict__, "significant": True}
    ]
    assert table["attackers"][0]["sent"] == 3


def test_the_page_without_anything_from_elsewhere_holds_the_same():
    page = attackers_html(BOARD)
    assert "&lt;b&gt;|x" in page
    assert "<b>" not in page
    assert "0.750 [0.700, 0.800]" in page
    assert page.count("<table>") == 2
    assert "http" not in page
    assert "<script" not in page
