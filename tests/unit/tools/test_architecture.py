"""The picture of the imports: on small trees worked out by hand, and up to date for this one."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "tools" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


architecture = loaded()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two floors of modules, a folder, and a plug-in package with a folder of its own."""
    for path, text in {
        "mote_bench/__init__.py": "from mote_bench.api import run",
        "mote_bench/api.py": '"""What is | public."""\nfrom mote_bench import engine, ground',
        "mote_bench/ground.py": "import numpy",
        "mote_bench/engine/__init__.py": '"""Runs."""',
        "mote_bench/engine/deep/__init__.py": "",
        "mote_bench/engine/deep/inner.py": "def late():\n    import mote_bench.ground as g\n    return g",
        "mote_bench/typed.py": "if TYPE_CHECKING:\n    from mote_bench.api import run",
        "mote_bench/notes/readme.txt": "no room",
        "attacks/__init__.py": "",
        "attacks/family/__init__.py": "from mote_bench.ground import x",
        "baselines/__init__.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_rooms_and_arrows_of_a_small_tree(small: Path) -> None:
    rooms = architecture.rooms(small)
    assert [room.name for room in rooms] == ["api", "engine", "ground", "mote_attacks", "mote_baselines", "typed"]
    assert {name: sorted(targets) for name, targets in architecture.arrows(rooms).items()} == {
        "api": ["engine", "ground"],
        "engine": ["ground"],
        "ground": [],
        "mote_attacks": ["ground"],
        "mote_baselines": [],
        "typed": [],
    }


def test_a_table_counts_and_keeps_its_columns(small: Path) -> None:
    lines = architecture.table(architecture.rooms(small)).splitlines()
    assert lines[0] == "6 rooms on 3 floors, 4 arrows, none in a circle."
    assert lines[4] == "| 2 | [mote_bench/api.py](mote_bench/api.py) | What is &#124; public. |"


GRAPH = {"a": {"b", "c"}, "b": {"c"}, "c": {"d", "e"}, "d": {"c"}, "e": set()}
"""``c`` and ``d`` need each other; ``a`` reaches ``c`` by ``b`` too."""


def test_floors_and_lines_of_a_graph_with_a_circle() -> None:
    of = {name: frozenset(targets) for name, targets in GRAPH.items()}
    assert architecture.floors(of) == {"e": 0, "c": 1, "d": 1, "b": 2, "a": 3}
    assert architecture.needed(of) == [("a", "b"), ("b", "c"), ("c", "d"), ("c", "e"), ("d", "c")]


def test_a_picture_is_an_image_with_every_room_and_line() -> None:
    of = {name: frozenset(targets) for name, targets in GRAPH.items()}
    image = ET.fromstring(architecture.svg(of))
    spaces = {"s": "http://www.w3.org/2000/svg"}
    assert {"a", "b", "c", "d", "e"} <= {text.text for text in image.iterfind("s:text", spaces)}
    red = [line.get("stroke-dasharray") is not None for line in image.iterfind("s:path", spaces)]
    assert (len(red), sum(red)) == (5, 2)


def test_the_picture_and_the_page_are_those_of_the_imports() -> None:
    for path, text in architecture.made(ROOT).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is out of date: make architecture"


def test_a_page_without_its_place_is_refused(small: Path) -> None:
    (small / "ARCHITECTURE.md").write_text("nothing to fill in")
    with pytest.raises(SystemExit, match=r"error: ARCHITECTURE\.md must hold the lines"):
        architecture.made(small)
