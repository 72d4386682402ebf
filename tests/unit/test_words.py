"""The code speaks the field's language: no name, string, docstring or comment holds a home-made word of the past."""

from __future__ import annotations

from pathlib import Path

import pytest

from words import HOME_MADE, home_made, spoken

ROOT = Path(__file__).parents[2]
SOURCES = ("mote_bench", "attacks", "baselines", "tools")
TESTS = ("tests",)
NAMING = {ROOT / "tests" / "words.py", Path(__file__).resolve()}  # the files that list and plant the words
PUBLISHED = {
    "WhichKeyface": "a question that plug-ins of the first edition import from mote_bench.contracts",
    "rehearsal": "a key of records and protocols, a field of the contract Record, and a stream of keys and templates",
    "rehearsal_people": "a key of protocols",
    "--thieves": "an option of the first edition, beside --attackers",
    "rehearsal-second": "a stream of keys and templates",
    "first of rehearsal": "a stream of templates",
    "second of rehearsal": "a stream of templates",
    "theft": "a stream of shuffles",
    "thief": "a stream of keys",
    "judge": "a stream of scoring",
    "stranger": "a stream of templates",
}
"""Whole names and strings that stay, with the reason. A stream is derived from its name: another one moves figures."""


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if path not in NAMING)


@pytest.mark.parametrize("folder", [*SOURCES, *TESTS])
def test_no_module_uses_a_home_made_word(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): words
        for path in modules(folder)
        if (words := home_made(path.read_text(encoding="utf-8"), PUBLISHED, asked=folder in TESTS))
    }
    assert found == {}, "see tests/words.py for what to write instead"


def test_no_template_uses_a_home_made_word() -> None:
    templates = sorted((ROOT / "mote_bench").rglob("*.j2"))
    assert len(templates) >= 5
    assert [path.name for path in templates if HOME_MADE.search(path.read_text(encoding="utf-8"))] == []


def test_what_is_published_is_still_there() -> None:
    """An exception that nothing needs is taken off the list."""
    everything = "".join(path.read_text(encoding="utf-8") for path in modules(*SOURCES))
    assert [name for name in PUBLISHED if name not in everything] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def theft(): ...", {"theft"}),
        ("class WhichKeyface: ...", {"WhichKeyface"}),
        ("x = scores.by_strangers", {"by_strangers"}),
        ("import a.yardstick", {"a.yardstick"}),
        ("f(rebuilt=1)", {"rebuilt"}),
        ("raise E('no thief\\n  here')", {"no thief\n  here"}),
        ('x = f"{n} owners are let in"', {" owners are let in"}),
        ('def f():\n    """Who is told\n    apart."""', {"Who is told\n    apart."}),
        ("x = 1  # at the door", {"# at the door"}),
        ("def f(asked): ...", {"asked"}),
        ("x = 'asked for'  # only its owner can read it, withholding and doorstep", set()),
        ("x = 'a judgement'", {"a judgement"}),
    ],
)
def test_a_planted_word_is_found(source: str, found: set[str]) -> None:
    assert home_made(source) == found


def test_only_whole_published_names_are_let_through() -> None:
    field = '"""A record.\n\n    rehearsal : tuple\n        Figures.\n    """'
    assert home_made(f"x = 'rehearsal'\n{field}", {"rehearsal"}) == set()
    assert home_made("x = 'a rehearsal'", {"rehearsal"}) == {"a rehearsal"}
    assert home_made("rehearsals = 1", {"rehearsal"}) == {"rehearsals"}
    assert home_made("def f(asked): ...", asked=True) == set()


def test_names_are_split_into_words() -> None:
    assert [spoken(name) for name in ("WhichFace", "_which_face", "HTMLPage", "AT_THE_DOOR")] == [
        "which face",
        "which face",
        "html page",
        "at the door",
    ]
