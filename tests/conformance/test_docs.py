"""The documentation is true: every command is one, every example runs, every figure is a record's, every link leads.

Its language is checked too: short sentences in the words of docs/words.md.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from mote_bench import registry
from mote_bench.cli.app import app
from mote_bench.questions.harness import HARNESS
from mote_bench.questions.installed import installed
from words import HOME_MADE

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
GUIDES = {
    "from-pictures.md": 3.5,
    "tutorial.md": 2,
    "challenge.md": 1,
    "gate-in-ci.md": 0.5,
    "audit.md": 0.5,
    "write-an-attack.md": 0.2,
    "submit-a-scheme.md": 0.1,
    "explain.md": 0.1,
    "write-a-question.md": 0.1,
}
"""About the CPU minutes that the examples of each take."""
COMMAND = re.compile(r"(?:python -m mote_bench|(?<!install )mote-bench) (\w.*)")
LONGEST_SENTENCE = 25
MOST_LINES, MOST_WORDS = 120, 1000  # of README
HAND_WRITTEN = re.compile(r"(?<![\d.])[01]\.\d{2,}(?![\d.]*\w)")
DEFINED = {"0.02", "0.01"}  # the gate's tolerance; how precise a simulated coverage is


def blocks(page: Path, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def commands(page: Path) -> list[str]:
    lines = (line for text in blocks(page, "sh", "shell", "yaml") for line in text.splitlines())
    return [found.group(1) for line in lines if (found := COMMAND.search(line.split("  #")[0]))]


def without_code(text: str) -> str:
    """A page without its code blocks, code spans and addresses."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`", "X", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def written_by_hand(text: str) -> str:
    """A page without what cog has made of the boards."""
    return re.sub(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->", "", text, flags=re.DOTALL)


def sentences(page: Path) -> list[str]:
    """Sentences of paragraphs and list items; tables and headings are none."""
    text = written_by_hand(without_code(page.read_text(encoding="utf-8")))
    kept = "\n".join(
        "" if line.startswith(("|", "#", ":::", "!", "    ")) else re.sub(r"^\s*(?:[-*]|\d\.) ", "\n\n", line)
        for line in text.splitlines()
    )
    parts = (part for paragraph in re.split(r"\n\s*\n", kept) for part in re.split(r"(?<=[.?!])[*_]*\s+", paragraph))
    return [" ".join(part.split()) for part in parts if part.strip()]


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


def test_every_figure_is_that_of_the_published_boards() -> None:
    command = [sys.executable, "-m", "cogapp", "--check", "-P", "-I", "docs", "-p", "import figures"]
    made = subprocess.run(
        [*command, *map(str, PAGES)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert made.returncode == 0, f"{made.stdout}{made.stderr}\nrun: make docs-figures"


def test_the_picture_shows_the_published_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    import picture

    assert picture.shown() == picture.checksum(), "run: make picture"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_figure_is_written_by_hand(page: Path) -> None:
    """Rates and error rates stand in blocks that cog makes; coverage.md is made as a whole, by a simulation."""
    text = written_by_hand(without_code(page.read_text(encoding="utf-8")))
    found = set() if page.name == "coverage.md" else set(HAND_WRITTEN.findall(text))
    assert found <= DEFINED, "make it from the boards, in docs/figures.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short_and_in_the_words_of_the_field(page: Path) -> None:
    said = sentences(page)
    assert [one for one in said if len(one.split()) > LONGEST_SENTENCE] == []
    assert [one for one in said if HOME_MADE.search(one)] == []


def test_the_first_page_is_short() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert len(text.split()) <= MOST_WORDS


@pytest.mark.parametrize("kind", ["schemes", "attacks"])
def test_every_scheme_and_attack_is_listed(kind: str) -> None:
    """Those of this project, and no other."""
    page = (DOCS / "schemes.md").read_text(encoding="utf-8")
    [section] = re.findall(rf"^## {kind}\n(.*?)(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE | re.IGNORECASE)
    shipped = {one.name for one in registry.names(kind) if one.distribution == "mote-bench"}
    assert set(re.findall(r"`([\w-]+)`", section)) == shipped


@pytest.mark.parametrize(
    ("page", "heading", "others"),
    [("attackers.md", "## The questions", set()), ("metrics.md", "# Metrics", set(HARNESS))],
)
def test_every_question_is_listed(page: str, heading: str, others: set[str]) -> None:
    """By its id; a type with a question for each attribute is listed by examples."""
    text = (DOCS / page).read_text(encoding="utf-8")
    table = re.search(rf"^{heading}\n.*?\n((?:\|[^\n]*\n)+)", text, flags=re.DOTALL | re.MULTILINE)
    assert table is not None
    rows = [line.split("|")[1] for line in table.group(1).splitlines()[2:]]
    own = [kind for kind in installed() if kind.__module__.startswith("mote_bench.")]
    examples = {"gender", "age", "ethnicity", "age_value"}
    assert set(re.findall(r"`([\w-]+)`", "".join(rows))) == {kind.id for kind in own if kind.id} | examples | others


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """Strict: a broken link, a missing anchor or page, or a module of the reference that is gone fails."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    made = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )
    assert made.returncode == 0, made.stderr
    pages = {page.stem for page in DOCS.glob("*.md")}
    assert pages <= {page.stem for page in (tmp_path / "site").glob("*.html")}
    everything = "".join(page.read_text(encoding="utf-8") for page in (tmp_path / "site").glob("*.html"))
    assert re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"?https?:[^>]*", everything) == []


@pytest.mark.apart
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow(minutes=minutes)) for page, minutes in GUIDES.items()]
)
def test_every_example_runs(page: str, tmp_path: Path) -> None:
    """Python and sh blocks in their order, in one folder, each shell block in a shell of its own."""
    found = re.findall(r"^```(python|sh)\n(.*?)^```", (DOCS / page).read_text(), flags=re.DOTALL | re.MULTILINE)
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
