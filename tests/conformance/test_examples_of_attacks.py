"""The example of an attack that `new attack --question ...` writes for each question keeps the contract."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from typer.main import get_command

from mote_bench import scaffold
from mote_bench.cli.app import app
from mote_bench.contracts import InputError
from mote_bench.questions.installed import entry_of, installed
from mote_bench.testing import check_attack

BUILT_IN = [kind for kind in installed() if kind.__module__.startswith("mote_bench.")]
IDS = ", ".join(kind.id or kind.ids for kind in BUILT_IN)
"""As `list questions` shows them, in the order of the boards."""
LISTED = re.escape(IDS)
QUESTIONS = [entry_of(kind).name for kind in BUILT_IN]


def attack_in(package: Path):
    (file,) = package.glob("src/*/attack.py")
    spec = importlib.util.spec_from_file_location("example", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Mine


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_example_keeps_the_contract(question: str, tmp_path: Path) -> None:
    attack = attack_in(scaffold.write("attack", "mine", tmp_path, question=question))
    assert entry_of(attack.question).name == question
    assert [finding for finding in check_attack(attack) if not finding.ok] == []


@pytest.mark.parametrize(
    ("asked", "question"),
    [("gender", "attribute"), ("link", "linkage"), ("age_value", "number"), ("ind", "indistinguishability")],
)
def test_a_question_has_its_example_by_any_of_its_names(asked: str, question: str, tmp_path: Path) -> None:
    attack = attack_in(scaffold.write("attack", "mine", tmp_path, question=asked))
    assert entry_of(attack.question).name == question


@pytest.mark.parametrize("asked", ["reconstrct", "test_attack", "../scheme/scheme", "verify"])
def test_a_question_without_an_example_is_refused(asked: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no example of an attack on a question '{asked}'; expected one of: {LISTED}"):
        scaffold.write("attack", "mine", tmp_path, question=asked)
    assert list(tmp_path.iterdir()) == []


def test_help_and_guide_list_the_same_questions() -> None:
    said = get_command(app).commands["new"].params
    assert IDS in next(one.help for one in said if one.name == "question")
    guide = Path(__file__).parents[2] / "docs" / "write-an-attack.md"
    assert IDS in " ".join(guide.read_text(encoding="utf-8").split())
