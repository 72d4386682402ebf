"""Which edits make a finished cell stale: those that could move a figure, and no others."""

from __future__ import annotations

import ast
import importlib
import textwrap
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from mote_bench.records import source_code
from mote_bench.records.provenance import ENGINE
from mote_bench.records.source_code import code_of

PLUGIN = {
    "__init__.py": "",
    "scheme.py": '''
        """A scheme."""
        from typing import TYPE_CHECKING

        import numpy as np

        from .parts import scale
        from my_plugin import far
        if TYPE_CHECKING:
            from my_plugin import hints

        WIDTH = 3
        """How wide."""

        class Scheme:
            """Holds nothing."""

            def fit(self, background, *, seed=0):
                """Fit it."""
                from my_plugin import lazy  # only where it is used
                return lazy.made(scale.UNIT, far.inner.DEPTH) if "hard" == "easy" else WIDTH * 2.5
        ''',
    "parts/__init__.py": "",
    "parts/scale.py": "from my_plugin.parts.deeper import UNIT\n",
    "parts/deeper.py": "UNIT = 1\n",
    "far/__init__.py": "from my_plugin.far import inner\n",
    "far/inner.py": "DEPTH = 4\n",
    "lazy.py": "def made(unit, depth):\n    return unit + depth\n",
    "hints.py": "HINT = 1\n",
    "unused.py": "OTHER = 1\n",
}

Edit = Callable[[str, str, str], None]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    forget()


def forget() -> None:
    for cached in (code_of, source_code._module, source_code._spec, source_code._source, source_code._followed):
        cached.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my_plugin"
    for name, text in PLUGIN.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    forget()
    return folder


def checksum(*roots: str) -> str:
    forget()
    return code_of(*(roots or ("my_plugin.scheme",))).checksum


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("scheme.py", "# only where it is used", "# wherever that is"),
        ("scheme.py", '"""A scheme."""', '"""A scheme that has been described better,\nin two lines."""'),
        ("scheme.py", '"""Holds nothing."""', "'''Holds nothing at all.'''"),
        ("scheme.py", '"""Fit it."""', '"""Learn from public faces."""'),
        ("scheme.py", '"""How wide."""', '"""In columns."""'),
        ("scheme.py", "WIDTH * 2.5", "(WIDTH\n            * 2.5)"),
        ("scheme.py", '"hard" == "easy"', "'hard'   ==   'easy'"),
        ("scheme.py", "from my_plugin import hints", "from my_plugin import unused"),
        ("parts/deeper.py", "UNIT = 1", "# a unit\n\n\nUNIT = 1"),
        ("hints.py", "HINT = 1", "HINT = 2"),
        ("unused.py", "OTHER = 1", "OTHER = 2"),
    ],
)
def test_wording_layout_and_code_that_is_not_imported_change_nothing(
    plugin: Path, file: str, old: str, new: str
) -> None:
    before = checksum()
    edit(plugin, file, old, new)
    assert checksum() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("scheme.py", "WIDTH = 3", "WIDTH = 4"),
        ("scheme.py", "WIDTH * 2.5", "WIDTH / 2.5"),
        ("scheme.py", "WIDTH * 2.5", "2.5 * WIDTH"),
        ("scheme.py", "seed=0", "seed=1"),
        ("scheme.py", '"hard" == "easy"', '"hard" == "hard"'),
        ("scheme.py", "class Scheme:", "@staticmethod\nclass Scheme:"),
        ("scheme.py", "WIDTH = 3", "WIDTH = 3.0"),
        ("scheme.py", "WIDTH = 3", "WIDTH = True"),
        ("scheme.py", "lazy.made(scale.UNIT, far.inner.DEPTH)", "lazy.made(far.inner.DEPTH, scale.UNIT)"),
        ("parts/scale.py", "import UNIT", "import UNIT\nUNIT = 2"),
        ("parts/deeper.py", "UNIT = 1", "UNIT = 2"),
        ("far/inner.py", "DEPTH = 4", "DEPTH = 5"),
        ("lazy.py", "unit + depth", "unit - depth"),
        ("__init__.py", "", "import numpy\nnumpy.seterr(all='ignore')\n"),
        ("parts/__init__.py", "", "X = 1\n"),
    ],
)
def test_every_change_of_code_that_is_reached_counts(plugin: Path, file: str, old: str, new: str) -> None:
    before = checksum()
    edit(plugin, file, old, new)
    assert checksum() != before


def test_what_lies_beside_the_code_counts_as_it_may_be_read(plugin: Path) -> None:
    before = checksum()
    (plugin / "weights.bin").write_bytes(b"1")
    with_weights = checksum()
    (plugin / "weights.bin").write_bytes(b"2")
    assert len({before, with_weights, checksum()}) == 3


@pytest.mark.parametrize(
    "loads",
    [
        "import importlib\nname = 'unused'\nimportlib.import_module('my_plugin.' + name)",
        "from importlib import import_module as load\nload('my_plugin.' + 'unused')",
        "exec('import my_plugin.' + 'unused')",
        "import builtins\ngetattr(builtins, '__import__')('my_plugin.' + 'unused')",
        "from my_plugin import *",
        "import my_plugin\nmy_plugin.unused.OTHER",
        "import my_plugin.unused as other",
    ],
)
def test_modules_that_are_loaded_in_another_way_count_too(plugin: Path, loads: str) -> None:
    edit(plugin, "scheme.py", "WIDTH = 3", f"{loads}\nWIDTH = 3".replace("\n", "\n        ").replace("        ", ""))
    before = checksum()
    edit(plugin, "unused.py", "OTHER = 1", "OTHER = 2")
    assert checksum() != before


def test_docstrings_count_where_code_reads_them(plugin: Path) -> None:
    edit(plugin, "scheme.py", "WIDTH = 3", "WIDTH = len(scale.__doc__ or '')")
    before = checksum()
    edit(plugin, "parts/deeper.py", "UNIT = 1", '"""A unit."""\nUNIT = 1')
    assert checksum() != before


def test_a_plug_in_counts_with_what_it_imports_of_the_suite(plugin: Path) -> None:
    edit(plugin, "scheme.py", "import numpy as np", "import numpy as np\nfrom mote_bench.toolkit import unit")
    forget()
    code = code_of("my_plugin.scheme")
    assert {"mote_bench.toolkit", "mote_bench.contracts", "my_plugin.parts.deeper"} <= set(code.modules)
    assert any(library.startswith("numpy ") for library in code.libraries)


def test_a_plug_in_that_loads_others_by_name_counts_with_all_of_the_suite(plugin: Path) -> None:
    edit(plugin, "scheme.py", "import numpy as np", "from mote_bench import registry")
    forget()
    assert "mote_bench.mote.train" in code_of("my_plugin.scheme").modules


def test_code_that_is_no_installed_package_counts_by_its_text(plugin: Path) -> None:
    beside = plugin.parent / "my_helpers.py"
    beside.write_text("X = 1\n")
    edit(plugin, "scheme.py", "import numpy as np", "import my_helpers")
    before = checksum()
    beside.write_text("X = 2\n")
    assert checksum() != before


def test_modules_that_cannot_be_found_or_parsed_are_no_error(plugin: Path) -> None:
    assert code_of("nowhere.to.be.found").modules == ("nowhere", "nowhere.to", "nowhere.to.be", "nowhere.to.be.found")
    before = checksum()
    (plugin / "parts/deeper.py").write_text("def broken(:\n")
    broken = checksum()
    (plugin / "parts/deeper.py").write_text("def broken(::\n")
    assert len({before, broken, checksum()}) == 3


def test_the_engine_is_what_decides_figures_and_nothing_that_writes_pages() -> None:
    modules = set(code_of(*ENGINE).modules)
    assert {
        "mote_bench.contracts",
        "mote_bench.toolkit",
        "mote_bench.planning.split",
        "mote_bench.engine.evidence",
    } <= modules
    assert {"mote_bench.metrics.intervals", "mote_bench.metrics.verification"} <= modules
    kept = (
        "report",
        "cli",
        "commands",
        "conformance",
        "scaffold",
        "explain",
        "faces",
        "mote",
        "bundle",
        "tidy",
        "gate",
    )
    prefixes = tuple(f"mote_bench.{name}" for name in kept)
    assert not [name for name in modules if name.startswith(prefixes)]


def test_the_engine_loads_nothing_by_name_but_plug_ins() -> None:
    modules = code_of(*ENGINE).modules
    dynamic = {name for name in modules if source_code._module(name).dynamic}
    assert dynamic <= source_code._LOADERS


def test_every_number_of_the_engine_counts() -> None:
    """Each of the first constants of each module, moved by one, gives another text."""
    for name in code_of(*ENGINE).modules:
        path = source_code._source(name)
        assert path is not None
        tree = ast.parse(path.read_text())
        numbers = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and type(one.value) in (int, float)]
        before = source_code._dump(tree)
        for number in numbers[:3]:
            held, number.value = number.value, number.value + 1  # type: ignore[operator]
            assert source_code._dump(tree) != before, name
            number.value = held


def test_two_programs_have_one_text_only_if_they_are_one_program() -> None:
    arguments = ["None", "", "x=None", "0", "False", "0.0", "''", "b''", "[]", "()", "{}", "*[]", "**{}", "..."]
    others = ["f[0]", "f[None]", "f[:]", "f[0:]", "-f", "+f", "f < 0", "f <= 0", "f = 0", "f: int = 0", "f += 0"]
    programs = [*(f"f({one})" for one in arguments), *others]
    assert len({source_code._dump(ast.parse(text)) for text in programs}) == len(programs)


def test_installed_packages_count_by_version_wherever_they_are_installed(plugin: Path) -> None:
    """Also in the packages of another environment that this one sees."""
    elsewhere = plugin.parent / "site-packages"
    elsewhere.mkdir()
    (elsewhere / "my_library.py").write_text("X = 1\n")
    edit(plugin, "scheme.py", "import numpy as np", "import my_library")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(elsewhere)
        before = checksum()
        (elsewhere / "my_library.py").write_text("X = 2\n")
        assert checksum() == before


def test_shippers_are_those_that_python_finds() -> None:
    """Later versions of Python look for compiled modules too, so they may find more."""
    found = {name: {one.metadata["Name"] for one in those} for name, those in source_code._distributions().items()}
    expected = {name: set(those) for name, those in metadata.packages_distributions().items()}
    assert len(found) > 20
    assert found == {name: expected[name] for name in found}
    assert {"numpy", "torch", "sklearn", "mote_attacks"} <= set(found)
