"""Published attacks: verdicts by hand, and tests that are named exist."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def attacks() -> Any:
    import published_attacks

    return published_attacks


@pytest.fixture
def published(publish, few_records) -> Any:
    import family_tables

    return family_tables.Published(publish(few_records))


def one(attacks, **more: Any) -> Any:
    """Reconstruction from `mote`: a type II success of 0.90 [0.88, 0.92], and 0.94 of genuine probes."""
    reading = attacks.Reading(
        ("mote", "ridge-answers", "reconstruct", "algorithm"), "type_2_success_at_fmr_1e-3", "accepted"
    )
    return attacks.PublishedAttack("`mote`", "inversion", "A paper", "a figure", (reading,), **more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"figure": 0.85}, "beaten (dlib)"),
        ({"figure": 0.91}, "reproduced (dlib)"),
        ({"figure": 0.95}, "not reached (dlib)"),
        ({"figure": 0.95, "fewer": True}, "beaten (dlib)"),
        ({"figure": 0.85, "fewer": True}, "not reached (dlib)"),
        ({"figure": -0.05, "below": "genuine_success_at_fmr_1e-3"}, "reproduced (dlib)"),
        ({"figure": -0.01, "below": "genuine_success_at_fmr_1e-3"}, "not reached (dlib)"),
        ({"verdict": "no key is needed"}, "no key is needed"),
    ],
)
def test_a_verdict_follows_from_interval_and_figure(attacks, published, more, words: str) -> None:
    assert attacks._verdict(published, one(attacks, **more)) == words


def test_a_row_says_what_is_measured_by_each_recogniser(attacks, published) -> None:
    row = attacks.table(published, [one(attacks, figure=0.85, why="Embeddings.", test="tests/a.py::test_b")])
    assert row.splitlines()[2] == (
        "| `mote` | inversion | A paper | a figure | dlib: accepted 0.900 [0.880, 0.920], n = 200; "
        "MobileFaceNet: not run; `test_b` | **beaten (dlib)**. Embeddings. |"
    )


def test_without_a_record_nothing_is_claimed(attacks, published) -> None:
    reading = attacks.Reading(("fuzzy-vault", "zero-effort", "verify", "none"), "fnmr_at_fmr_own", "FNMR")
    row = attacks.PublishedAttack("`fuzzy-vault`", "false accepts", "A paper", "a figure", (reading,), figure=0.5)
    assert attacks._verdict(published, row) == "not run"


def test_every_row_compares_or_says_why_not(attacks) -> None:
    for row in attacks.ATTACKS:
        assert (row.figure is None) == bool(row.verdict)
        assert row.readings or row.test


def test_tests_that_are_named_exist(attacks) -> None:
    named = [row.test for row in attacks.ATTACKS if row.test]
    assert named
    for test in named:
        path, name = test.split("::")
        functions = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        assert name in {node.name for node in functions if isinstance(node, ast.FunctionDef)}, test
