"""Nothing outside of mote_bench/questions knows one question from another."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mote_bench
from mote_bench import contracts, questions
from mote_bench.questions.installed import installed

PACKAGE = Path(mote_bench.__file__).parent
BUILT_IN = [kind for kind in installed() if kind.__module__.startswith("mote_bench.")]
KINDS = {kind.__name__ for kind in BUILT_IN}
IDS = {kind.id for kind in BUILT_IN if kind.id} | {"_value"}
# The catalogue says of each metric whose it is; protocols and details of records have keys of their own.
NO_QUESTIONS = {"metrics", "protocol.py", "questions"}


def source_files() -> list[Path]:
    return [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in NO_QUESTIONS and "scaffold" not in path.parts
    ]


def branches(tree: ast.AST) -> Iterator[str]:
    """Where code asks which question it has before it: isinstance, comparison, match, table or method of a text."""
    for node in ast.walk(tree):
        yield from (f"{getattr(node, 'lineno', 0)}: {name}" for name in sorted(_names(_telling(node))))


def _telling(node: ast.AST) -> list[ast.expr]:
    """The parts of a node that may tell questions apart."""
    match node:
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=args):
            return args[1:]
        case ast.Call(func=ast.Attribute(attr="endswith" | "startswith" | "get"), args=args):
            return args
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.MatchValue(value=value):
            return [value]
        case ast.MatchClass(cls=kind):
            return [kind]
        case ast.Dict(keys=keys):
            return [key for key in keys if key is not None]
    return []


def _names(nodes: list[ast.expr]) -> set[str]:
    inner = [one for node in nodes for one in ast.walk(node)]
    ids = {one.value for one in inner if isinstance(one, ast.Constant) and isinstance(one.value, str)} & IDS
    return ids | ({one.id for one in inner if isinstance(one, ast.Name)} & KINDS)


def test_the_questions_are_told_by_name_and_id() -> None:
    assert {"WhichClass", "HowMuch", "WhichFace", "SamePerson", "WhichPhoto", "WasMember", "WhichKeyface"} <= KINDS
    assert {"reconstruct", "link", "photo", "member", "wolf"} <= IDS


def test_nothing_branches_on_a_question() -> None:
    found = {
        str(path.relative_to(PACKAGE)): told
        for path in source_files()
        if (told := list(branches(ast.parse(path.read_text()))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "isinstance(question, WhichClass)",
        "isinstance(question, (int, HowMuch | WhichFace))",
        "question == 'link'",
        "'wolf' != name",
        "question in ('gender', 'photo')",
        "type(question) is WasMember",
        "{'reconstruct': 1}[question]",
        "{WhichClass: 1}.get(question)",
        "name.endswith('_value')",
        "match name:\n case 'member': pass",
        "match question:\n case WhichPhoto(): pass",
    ],
)
def test_the_search_finds_each_way_to_branch(code: str) -> None:
    assert list(branches(ast.parse(code)))


def test_templates_name_no_question() -> None:
    for path in PACKAGE.rglob("*.j2"):
        quoted = set(re.findall(r"""['"]([\w-]+)['"]""", path.read_text()))
        assert not quoted & IDS, path


def test_questions_are_light_to_import() -> None:
    heavy = ("torch", "scipy", "sklearn", "pandas", "xgboost")
    asked = f"[name for name in {heavy} if name in sys.modules]"
    code = f"import sys, mote_bench.questions, mote_bench.questions.installed; print({asked})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize("name", contracts._MOVED)
def test_plug_ins_of_the_first_edition_still_import_them_from_contracts(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"from mote_bench.questions import {name}"):
        assert getattr(contracts, name) is getattr(questions, name)


def test_contracts_has_nothing_else_to_forward() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'WhichHair'"):
        contracts.WhichHair  # noqa: B018
