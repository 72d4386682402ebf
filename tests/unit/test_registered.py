"""What this tree registers: unique class names, and attacks that state what the first edition read off their names."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from mote_bench import registry
from mote_bench.contracts import Reads
from mote_bench.records import first_edition

ROOT = Path(__file__).parents[2]
OWN = [entry for kind in ("schemes", "attacks") for entry in registry.names(kind) if entry.distribution == "mote-bench"]
ATTACKS = [entry.name for entry in OWN if entry.kind == "attacks"]


def test_registered_names_are_unique() -> None:
    """A class or function that two entry points of other modules share would be two things of one name."""
    targets = Counter(target.partition(":")[2] for target in {entry.target for entry in OWN})
    assert [name for name, count in targets.items() if count > 1] == []


def test_public_class_names_are_unique_in_the_plugins() -> None:
    names = Counter(
        node.name
        for folder in ("attacks", "baselines")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert len(names) > 70
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_states_what_the_first_edition_read_off_its_name(name: str) -> None:
    """Published records say nothing of it: were these two unlike, a board would call one attack by two words."""
    assert registry.load("attacks", name).reads is first_edition.reads(name)


def test_what_the_first_edition_read_off_a_name() -> None:
    assert first_edition.reads("mlp-bytes") is Reads.BYTES
    assert first_edition.reads("logistic-closed-form") is Reads.CLOSED_FORM
    assert first_edition.reads("score-photo") is Reads.RESPONSES
    assert first_edition.reads("bytes") is None
    assert first_edition.reads("my-net") is None
