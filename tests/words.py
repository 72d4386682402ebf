"""Home-made words of the first edition, and what the field says instead. Neither docs nor code may use them again."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator

INSTEAD = {
    r"thie(?:f|ves)": "attacker",
    r"thefts?": "staged evidence, stolen templates",
    r"victims?": "target subjects",
    r"rehears\w*": "selection subjects",
    r"strangers?": "impostor, non-mated probe, background set",
    r"owners?(?! (?:can|may) read)": "target subject, enrolled subject",  # a file has an owner
    r"doors?": "online access, oracle",
    r"let in": "accepted",
    r"turned away": "rejected",
    r"rebuil\w+": "reconstruct",
    r"told (?:right|apart)": "classified, discriminated",
    r"keyfaces?": "dictionary attack",
    r"yardsticks?": "unprotected recogniser",
    r"holdings": "enrolled scheme",
    r"judg\w+": "score, compare",
    r"surely": "intervals do not overlap",
    r"whoever": "an attacker who",
}
"""Patterns of whole words."""
HOME_MADE = re.compile(rf"\b(?:{'|'.join(INSTEAD)})\b", re.IGNORECASE)
_SOMEWHERE = re.compile("|".join(INSTEAD).replace(" ", r"[\s_\"]*") + "|asked", re.IGNORECASE)
_ASKED = re.compile(r"\basked\b")  # in names alone: unknown rows, queries, a run's spec; in a sentence it is a word
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FIELD = re.compile(r"^ *(\w+) : ", re.MULTILINE)


def spoken(name: str) -> str:
    """The words of an identifier: ``WhichFace`` and ``which_face`` are "which face"."""
    return " ".join(_WORD.findall(name)).lower()


def names(tree: ast.AST) -> Iterator[str]:
    """Each name that a module binds or uses: variables, attributes, arguments, functions, classes, modules."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "name", "arg", "asname", "module", "rest"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield name


def texts(source: str, tree: ast.AST) -> Iterator[str]:
    """Each string, docstring and comment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def home_made(source: str, allowed: Collection[str] = (), *, asked: bool = False) -> set[str]:
    """Names and texts of a Python module that hold a home-made word.

    Parameters
    ----------
    allowed : collection of str
        Names and whole strings that are published and so stay. A docstring may list them as fields.
    asked : bool
        Whether a name may hold the word "asked".
    """
    if not _SOMEWHERE.search(source):
        return set()
    tree = ast.parse(source)
    found = {one for one in names(tree) if HOME_MADE.search(spoken(one)) or (not asked and _ASKED.search(spoken(one)))}
    for text in texts(source, tree):
        prose = _FIELD.sub(lambda field: "" if field[1] in allowed else field[0], text)
        if HOME_MADE.search(" ".join(prose.split())):
            found.add(text)
    return found - set(allowed)
