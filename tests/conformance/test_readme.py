"""The README's plug-in is real: it keeps the contract as it stands on the page."""

import re
import subprocess
from pathlib import Path

import pytest
import typer

from mote_bench.cli import app
from mote_bench.testing import check_scheme

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_scheme_of_the_readme_keep_the_contract(tmp_path, monkeypatch):
    [source] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "readme_signs.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    from readme_signs import Signs

    assert [finding for finding in check_scheme(Signs) if not finding.ok] == []


def test_no_command_of_the_readme_dirties_a_checkout():
    """Git ignores what the commands on the page write in a checkout, and what each command writes by default."""
    if not (README.parent / ".git").exists():
        pytest.skip("not a checkout")
    given = re.findall(r"^python -m mote_bench .*--out (\S+)", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    made = {*given, *defaults(), "mote-bench-my-scheme"}
    asked = ["git", "-C", str(README.parent), "check-ignore", *sorted(made)]
    ignored = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    assert sorted(made) == ignored, "add what is missing to .gitignore"


def defaults() -> set[str]:
    """Where commands write that aren't told, but for `new`, whose package goes into the folder that one stands in."""
    group = typer.main.get_command(app)
    options = [option for command in group.commands.values() for option in command.params if option.name == "out"]
    return {str(option.default) for option in options if isinstance(option.default, Path)} - {"."}
