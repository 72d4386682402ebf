"""A third party's package: installed by pip, listed unimported, loaded, checked; a broken one fails alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[1] / "plugin"
BROKEN = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "mote-bench-broken-plugin"
version = "6.6"

[project.entry-points."mote_bench.schemes"]
broken-scheme = "mote_bench_broken_plugin:Scheme"

[project.entry-points."mote_bench.attacks"]
broken-attack = "mote_bench_broken_plugin:Attack"

[tool.setuptools]
py-modules = ["mote_bench_broken_plugin"]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the demo plug-in and one that raises when it is imported."""
    _skip_without_pip_and_setuptools()
    folder = tmp_path_factory.mktemp("third-party")
    # A copy, because a build leaves its traces in the source tree.
    shutil.copytree(PLUGIN, folder / "demo", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    (folder / "broken").mkdir()
    (folder / "broken" / "pyproject.toml").write_text(BROKEN)
    (folder / "broken" / "mote_bench_broken_plugin.py").write_text("raise OSError('no such device: 42')\n")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder / "site"), "./demo", "./broken"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder / "site"


def _skip_without_pip_and_setuptools() -> None:
    for name, least in (("pip", 22), ("setuptools", 71)):
        try:
            found = int(version(name).partition(".")[0])
        except PackageNotFoundError:
            pytest.skip(f"needs {name} in this environment: pip install '{name}>={least}'")
        if found < least:
            pytest.skip(f"needs {name}>={least} in this environment; it has {version(name)}")


def run(site: Path, code: str, *, cwd: Path) -> Any:
    """What the code's last line prints, as JSON, in a new process that sees the installed plug-ins."""
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "import json, sys\nfrom mote_bench import registry\n" + code]
    made = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_is_listed_with_its_distribution_without_being_imported(installed: Path, tmp_path: Path) -> None:
    code = """
listed = [str(entry) for kind in registry.KINDS for entry in registry.names(kind) if "plugin" in entry.distribution]
print(json.dumps([listed, [name for name in sys.modules if "mote_bench" in name and "plugin" in name]]))
"""
    listed, imported = run(installed, code, cwd=tmp_path)
    assert listed == [
        "scheme 'broken-scheme' of mote-bench-broken-plugin 6.6 (mote_bench_broken_plugin:Scheme)",
        "scheme 'demo-signs' of mote-bench-demo-plugin 0.3.1 (mote_bench_demo_plugin.scheme:Signs)",
        "attack 'broken-attack' of mote-bench-broken-plugin 6.6 (mote_bench_broken_plugin:Attack)",
        "attack 'demo-nearest-mean' of mote-bench-demo-plugin 0.3.1 (mote_bench_demo_plugin.attack:NearestMean)",
        "attack 'demo-sides' of mote-bench-demo-plugin 0.3.1 (mote_bench_demo_plugin.attack:Sides)",
        "question 'demo-side' of mote-bench-demo-plugin 0.3.1 (mote_bench_demo_plugin.question:WhichSide)",
    ]
    assert imported == []


def test_source_is_found_without_importing(installed: Path, tmp_path: Path) -> None:
    code = """
entries = registry.find("schemes", "demo-signs"), registry.find("schemes", "broken-scheme")
sources = [str(registry.source_of(entry.module)) for entry in entries]
print(json.dumps([sources, "mote_bench_demo_plugin" in sys.modules]))
"""
    package = installed / "mote_bench_demo_plugin"
    sources = [str(package / "scheme.py"), str(installed / "mote_bench_broken_plugin.py")]
    assert run(installed, code, cwd=tmp_path) == [sources, False]


def test_keeps_its_contracts(installed: Path, tmp_path: Path) -> None:
    code = """
from functools import partial
from mote_bench.testing import check_attack, check_question, check_scheme
found = check_scheme(partial(registry.load, "schemes", "demo-signs"))
found += check_attack(partial(registry.load, "attacks", "demo-nearest-mean"))
found += check_attack(partial(registry.load, "attacks", "demo-sides"))
found += check_question(registry.factory("questions", "demo-side"))
print(json.dumps([[finding.check, finding.ok, finding.message] for finding in found]))
"""
    found = run(installed, code, cwd=tmp_path)
    assert len(found) == 79  # 31 of schemes, 17 of each attack, 14 of questions
    assert [finding for finding in found if not finding[1]] == []


def test_a_broken_plugin_fails_alone_and_by_name(installed: Path, tmp_path: Path) -> None:
    code = """
said = {}
for kind in ("schemes", "attacks"):
    for name in [one for one in registry.select(kind, "all") if one == "cosine" or one.startswith(("broken", "demo"))]:
        try:
            said[name] = type(registry.load(kind, name)).__name__
        except registry.PluginError as error:
            said[name] = str(error)
print(json.dumps(said))
"""
    said = run(installed, code, cwd=tmp_path)
    for name, thing in (("broken-scheme", "Scheme"), ("broken-attack", "Attack")):
        kind = thing.lower()
        assert said.pop(name) == (
            f"{kind} '{name}' of mote-bench-broken-plugin 6.6 (mote_bench_broken_plugin:{thing}) can't be loaded: "
            "OSError: no such device: 42. Fix or remove it: pip uninstall mote-bench-broken-plugin"
        )
    assert said == {
        "cosine": "Cosine",
        "demo-signs": "Signs",
        "demo-nearest-mean": "NearestMean",
        "demo-sides": "Sides",
    }


def mote_bench(site: Path, *arguments: str, cwd: Path) -> None:
    """A command in a new process that sees the installed plug-ins."""
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mote_bench", *arguments]
    made = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


def test_a_question_of_its_own_is_run_and_stands_on_the_board(installed: Path, tmp_path: Path) -> None:
    chosen = ("--schemes", "demo-signs", "--attacks", "demo-sides", "--questions", "demo-side")
    mote_bench(installed, "run", "--protocol", "quick-1", *chosen, "--jobs", "1", "--out", "run", cwd=tmp_path)
    code = """
from pathlib import Path
from mote_bench.records import store
told = [[one.cell.scheme, one.status, [m.metric for m in one.measurements], one.measurements[0].value,
         one.measurements[0].floor, one.measurements[0].ceiling, one.provenance.get("question_by")]
        for one in store.read(Path("run")) if one.cell.question == "demo-side"]
print(json.dumps(told))
"""
    told = run(installed, code, cwd=tmp_path)
    assert sorted({row[0] for row in told}) == ["cosine", "demo-signs", "noise"]
    for scheme, status, metrics, value, floor, ceiling, by in told:
        assert metrics == ["sides_told"]
        assert by == "mote-bench-demo-plugin 0.3.1"
        assert status == "ok"
        assert abs(floor - 0.5) < 0.17  # four standard errors on 150 people
        assert ceiling > 0.9
        assert value > 0.8 or scheme == "noise"
    page = (tmp_path / "run" / "leaderboard.html").read_text()
    assert "the side of the middle" in page
    assert "share of subjects whose side is inferred correctly" in page
    # The same records where the package isn't installed: they are read by the first metric that they hold.
    mote_bench(tmp_path, "board", "--out", "run", cwd=tmp_path)
    page = (tmp_path / "run" / "leaderboard.html").read_text()
    assert "question &#39;demo-side&#39;" in page
    assert "which isn&#39;t installed here" in page


def test_a_working_folder_of_the_same_names_shadows_nothing(installed: Path, tmp_path: Path) -> None:
    for name in ("attacks", "baselines"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the user\\'s own package was imported')")
    code = """
made = [registry.load("schemes", name) for name in ("cosine", "noise", "biohash", "demo-signs")]
sources = [registry.source_of(entry.module) for kind in ("schemes", "attacks") for entry in registry.names(kind)]
print(json.dumps([[type(one).__module__ for one in made], [str(source) for source in sources], sys.path[0]]))
"""
    modules, sources, first_on_path = run(installed, code, cwd=tmp_path)
    assert first_on_path == ""  # so that the user's folder would win over an installed package of that name
    assert modules == [
        "mote_baselines.plain.cosine",
        "mote_baselines.controls.noise",
        "mote_baselines.cancelable.biohash",
        "mote_bench_demo_plugin.scheme",
    ]
    assert not any(str(tmp_path) in source for source in sources)
