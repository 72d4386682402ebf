"""The documentation is true: every command is one, every example runs, and the reference is that of the code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mote_bench.cli import app
from mote_bench.reference import text as reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = ["tutorial.md", "explain.md", "gate-in-ci.md", "submit-a-scheme.md", "write-an-attack.md", "from-pictures.md"]


def blocks(page: Path, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def commands(page: Path) -> list[str]:
    lines = (line for text in blocks(page, "sh", "shell", "yaml") for line in text.splitlines())
    return [
        found.group(1) for line in lines if (found := re.search(r"python -m mote_bench (.*)", line.split("  #")[0]))
    ]


def test_there_are_commands_to_check() -> None:
    assert sum(len(commands(page)) for page in PAGES) >= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_parses(page: Path) -> None:
    """Names and types of all options; nothing is run."""
    group = typer.main.get_command(app)
    for command in commands(page):
        name, *arguments = shlex.split(command)
        group.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_reference_is_that_of_the_code() -> None:
    told = "run: python -m mote_bench.reference > docs/reference.md"
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == reference(), told


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES)
def test_every_example_runs(page: str, tmp_path: Path) -> None:
    """Python and sh blocks in their order, in one folder, each shell block in a shell of its own."""
    found = re.findall(
        r"^```(python|sh)\n(.*?)^```", (ROOT / "docs" / page).read_text(), flags=re.DOTALL | re.MULTILINE
    )
    shell = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for language, text in found:
        command = [sys.executable, "-c", text] if language == "python" else ["bash", "-euo", "pipefail", "-c", text]
        made = subprocess.run(
            command, cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=1800, check=False
        )
        assert made.returncode == 0, f"{text}\n{made.stdout[-2000:]}\n{made.stderr[-2000:]}"
