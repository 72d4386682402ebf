"""The plug-in of docs/submit-a-scheme.md keeps the contract; README's commands leave a checkout clean."""

import re
import subprocess
from pathlib import Path

import pytest
import typer

from mote_bench.cli.app import app
from mote_bench.testing import check_scheme

README = Path(__file__).resolve().parents[2] / "README.md"
PAGE = README.parent / "docs" / "submit-a-scheme.md"


def test_the_scheme_of_the_page_keeps_the_contract(tmp_path, monkeypatch):
    [source] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "page_signs.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    from page_signs import Signs

    assert [finding for finding in check_scheme(Signs) if not finding.ok] == []


def test_no_command_of_the_readme_dirties_a_checkout():
    """Git ignores what the commands on the page write in a checkout, and what each command writes by default."""
    if not (README.parent / ".git").exists():
        pytest.skip("not a checkout")
    written = re.compile(r"^(?:python -m mote_bench|mote-bench) .*--out (\S+)", flags=re.MULTILINE)
    given = written.findall(README.read_text(encoding="utf-8"))
    made = {*given, *defaults(), "mote-bench-my-scheme"}
    asked = ["git", "-C", str(README.parent), "check-ignore", *sorted(made)]
    ignored = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    assert sorted(made) == ignored, "add what is missing to .gitignore"


def defaults() -> set[str]:
    """Where commands write that aren't told, but for `new`, whose package goes into the folder that one stands in."""
    group = typer.main.get_command(app)
    options = [option for command in group.commands.values() for option in command.params if option.name == "out"]
    return {str(option.default) for option in options if isinstance(option.default, Path)} - {"."}
