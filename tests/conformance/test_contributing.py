"""The pages and forms for contributors are true: commands, links, targets of make and paths exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import mote_bench
from mote_bench import registry
from mote_bench.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md", "docs/api-stability.md")]
FORMS = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
WRITTEN = [
    *PAGES,
    *sorted(path for path in (ROOT / ".github").rglob("*") if path.is_file()),
    ROOT / ".pre-commit-config.yaml",
]
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def shown(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", shown(page)):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_command_is_one(page: Path) -> None:
    group: Any = typer.main.get_command(app)
    found = re.findall(r"python -m mote_bench ([^`\n]+)", shown(page))
    for command in found:
        name, *_ = shlex.split(command)
        assert name == "--help" or name in group.commands, command
    called = re.findall(r"(?:^|`|run: |&& )make ([a-z -]+?)(?= +#|`|$)", shown(page), flags=re.MULTILINE)
    assert [target for line in called for target in line.split() if target not in TARGETS] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_path_is_there(page: Path) -> None:
    paths = re.findall(r"(?<![\w/.])((?:docs|tests|tools|attacks|baselines|mote_bench)/[\w./-]*\w)", shown(page))
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_is_read(form: Path) -> None:
    assert isinstance(yaml.safe_load(shown(form)), dict)


def test_the_forms_of_issues_ask_for_fields_of_their_own() -> None:
    forms = [form for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if form.name != "config.yml"]
    assert len(forms) == 2
    for form in forms:
        body = yaml.safe_load(shown(form))["body"]
        ids = [field["id"] for field in body if field["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 3
        assert all(field["attributes"]["label"] for field in body if field["type"] != "markdown")


def test_ci_and_pre_commit_check_what_make_does() -> None:
    steps = yaml.safe_load(shown(ROOT / ".github/workflows/ci.yml"))["jobs"]["test"]["steps"]
    assert {"make test", "make gate", "make dist"} <= {step.get("run") for step in steps}
    makefile = shown(ROOT / "Makefile")
    assert "\nlint: style types\n" in makefile
    recipes = re.findall(r"^(?:style|types): env\n((?:\t.+\n)+)", makefile, flags=re.MULTILINE)
    made = [line.strip().removeprefix("$(BIN)/") for recipe in recipes for line in recipe.splitlines()]
    (local,) = yaml.safe_load(shown(ROOT / ".pre-commit-config.yaml"))["repos"]
    hooks = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in local["hooks"]]
    assert [command.removesuffix(" .") for command in made] == hooks


def test_what_is_said_to_be_public_is() -> None:
    text = shown(ROOT / "docs" / "api-stability.md")
    row = next(line for line in text.splitlines() if line.startswith("| the Python interface"))
    named = set(re.findall(r"`(?:mote_bench\.)?(\w+)`", row)) - {"__all__", "__version__"}
    assert named == set(mote_bench.__all__)
    assert set(registry.KINDS) <= set(re.findall(r"\w+", text))
