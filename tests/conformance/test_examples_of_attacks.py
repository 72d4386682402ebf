"""The example of an attack that `new attack --question ...` writes for each question keeps the contract."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from mote_bench import scaffold
from mote_bench.contracts import InputError
from mote_bench.questions.installed import entry_of, installed
from mote_bench.testing import check_attack

QUESTIONS = [entry_of(kind).name for kind in installed() if kind.__module__.startswith("mote_bench.")]


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


def test_a_question_without_an_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no example of an attack on a question 'reconstrct'; expected one of: attr"):
        scaffold.write("attack", "mine", tmp_path, question="reconstrct")
    assert list(tmp_path.iterdir()) == []
