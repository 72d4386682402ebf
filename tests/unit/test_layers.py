"""Imports point down: plug-ins import contracts, toolkit and questions of mote_bench, and nothing else of it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPEN_TO_PLUGINS = {"mote_bench.contracts", "mote_bench.toolkit", "mote_bench.questions"}
PLUGINS = sorted(path for folder in ("attacks", "baselines") for path in (ROOT / folder).rglob("*.py"))


FLOORS: tuple[tuple[str, ...], ...] = (
    ("_version", "basics"),
    ("contracts",),
    ("data", "files", "formatting", "registry", "toolkit"),
    ("estimator", "metrics"),
    ("mote", "questions"),
    ("planning", "scaffold"),
    ("records",),
    ("analysis", "execution"),
    ("embedders", "engine", "faces", "report"),
    ("api", "challenge", "conformance", "explain", "studies"),
    ("testing",),
    ("cli",),
    ("__main__",),
)
"""All rooms of mote_bench: a module imports rooms on floors below its own, and its own room. Lazy imports count;
imports for a type checker alone don't."""

FORWARDED = {"contracts": {"questions"}}
"""The one arrow that points up: questions are still found where plug-ins of the first edition import them from."""


def executed(source: str) -> list[ast.AST]:
    """The nodes of a module but for those that only a type checker reads."""
    nodes = list(ast.walk(ast.parse(source)))
    guarded = [node for node in nodes if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    unread = {id(inner) for node in guarded for one in node.body for inner in ast.walk(one)}
    return [node for node in nodes if id(node) not in unread]


def imports(source: str) -> set[str]:
    """Every absolute import of a module, lazy ones too; ``from a import b`` is ``a.b``, for b may be a module."""
    found = set()
    for node in executed(source):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def closed_to_plugins(source: str) -> set[str]:
    """What a plug-in's module imports of mote_bench beyond what is open to plug-ins."""
    of_suite = {name for name in imports(source) if name.split(".")[0] == "mote_bench"}
    return {name for name in of_suite if ".".join(name.split(".")[:2]) not in OPEN_TO_PLUGINS}


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_plugin_imports_only_what_is_open_to_plugins(path: Path) -> None:
    assert closed_to_plugins(path.read_text(encoding="utf-8")) == set()


def test_there_are_plugins_to_hold_the_rule() -> None:
    assert len(PLUGINS) > 60


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from mote_bench.contracts import Evidence", set()),
        ("from mote_bench.questions.which_class import WhichClass", set()),
        ("from mote_bench import toolkit", set()),
        ("import mote_bench.toolkit as t", set()),
        ("import numpy\nfrom . import classifiers\nfrom .._shared.prior import Prior", set()),
        ("import mote_bench", {"mote_bench"}),
        ("from mote_bench import registry", {"mote_bench.registry"}),
        ("from mote_bench.metrics.intervals import wilson", {"mote_bench.metrics.intervals.wilson"}),
        ("def answer():\n    from mote_bench.engine.evidence import steal", {"mote_bench.engine.evidence.steal"}),
    ],
)
def test_the_rule_by_hand(source: str, expected: set[str]) -> None:
    assert closed_to_plugins(source) == expected


@pytest.mark.parametrize("folder", ["attacks", "baselines"])
def test_shared_parts_import_no_plugin_of_their_tree(folder: str) -> None:
    """What plug-ins share lies below them: a relative import from _shared stays in _shared."""
    for path in (ROOT / folder / "_shared").glob("*.py"):
        levels = [node.level for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert max(levels, default=0) <= 1, path


def rooms_entered(source: str, package: str) -> set[str]:
    """The rooms of mote_bench that a module imports, relative imports told by the ``package`` it stands in."""
    parts = package.split(".")
    relative = {
        ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module]), alias.name])
        for node in executed(source)
        if isinstance(node, ast.ImportFrom) and node.level > 0
        for alias in node.names
    }
    return {name.split(".")[1] for name in imports(source) | relative if name.startswith("mote_bench.")}


def upward(entered: set[str], room: str, floors: tuple[tuple[str, ...], ...]) -> set[str]:
    """What a module of ``room`` imports that isn't on a floor below it."""
    floor = next(number for number, rooms in enumerate(floors) if room in rooms)
    below = {other for rooms in floors[:floor] for other in rooms}
    return entered - below - {room}


@pytest.mark.parametrize("room", [room for rooms in FLOORS for room in rooms])
def test_imports_of_a_room_point_down(room: str) -> None:
    place = ROOT / "mote_bench" / room
    modules = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    for path in modules:
        package = ".".join(path.relative_to(ROOT).parent.parts)
        entered = rooms_entered(path.read_text(encoding="utf-8"), package) - FORWARDED.get(room, set())
        assert upward(entered, room, FLOORS) == set(), path


def test_every_room_has_a_floor() -> None:
    """A new folder or module can't be forgotten."""
    folders = {path.parent.name for path in (ROOT / "mote_bench").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "mote_bench").glob("*.py")} - {"__init__"}
    assert folders | modules == {room for rooms in FLOORS for room in rooms}


def test_what_points_up_by_hand() -> None:
    floors = (("ground",), ("first", "beside"), ("roof",))
    entered = rooms_entered("from mote_bench.ground import a\nfrom . import b\nfrom .. import roof", "mote_bench.first")
    assert entered == {"ground", "first", "roof"}
    assert upward({"ground", "first"}, "first", floors) == set()
    assert upward({"beside", "roof"}, "first", floors) == {"beside", "roof"}
    assert upward({"first"}, "ground", floors) == {"first"}
