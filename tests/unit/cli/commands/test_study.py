"""Studies are commands: one each, listed in the help, and no other module is run."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import typer

from mote_bench.cli import app

ROOT = Path(__file__).resolve().parents[4]
MODULES = sorted((ROOT / "mote_bench").rglob("*.py"))


def runs_itself(source: str) -> bool:
    """Whether a module does something of its own when it is run as ``python -m``."""
    return any(
        isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and "__name__" in ast.unparse(node.test)
        for node in ast.parse(source).body
    )


def test_no_module_is_run_but_the_command_line() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in MODULES if runs_itself(path.read_text(encoding="utf-8"))}
    assert found <= {"mote_bench/__main__.py"}
    assert len(MODULES) > 150


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ('if __name__ == "__main__":\n    main()', True),
        ("if '__main__' == __name__:\n    main()", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a", False),
        ("main = __name__", False),
    ],
)
def test_what_runs_itself_by_hand(source: str, runs: bool) -> None:
    assert runs_itself(source) is runs


def test_only_the_commands_need_studies() -> None:
    """Nothing that a run goes through stands on a study."""
    users = {
        path.relative_to(ROOT / "mote_bench").parts[0]
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mote_bench.studies")
    }
    assert users == {"cli", "studies"}


def test_every_study_is_a_command_with_help_for_each_option() -> None:
    group = typer.main.get_command(app.app).commands["study"]  # type: ignore[attr-defined]
    assert sorted(group.commands) == [
        "agreement",
        "balance",
        "bound",
        "capacity",
        "frontier",
        "keys",
        "leak",
        "pictures",
        "recognisers",
        "strength",
    ]
    for command in group.commands.values():
        assert command.help
        assert command.epilog.startswith("Example: python -m mote_bench study ")
        assert [one.name for one in command.params if isinstance(one, typer.core.TyperOption) and not one.help] == []


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["a"], "'a' holds 0 boards (none); expected two of one protocol and seed"),
        (["a", "b"], "'a' holds 0 boards (none); expected one"),
        (["a", "b", "c"], "3 folders; expected one or two"),
    ],
)
def test_agreement_of_folders_without_boards_is_one_line(
    folders: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mote-bench", "study", "agreement", *folders])
    with pytest.raises(SystemExit) as ended:
        app.main()
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert said in printed.err
