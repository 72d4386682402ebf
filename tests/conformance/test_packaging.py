"""What is built holds all that the tree holds; and works without the tree."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import setuptools

import mote_bench

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"mote_bench": "mote_bench", "mote_attacks": "attacks", "mote_baselines": "baselines"}
NEEDED = ("README.md", "LICENSE", "pyproject.toml", "setup.py")


def shipped(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def tree() -> dict[str, Path]:
    """Every file of the three packages, by its name once it is installed."""
    return {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}": path
        for package, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if shipped(path)
    }


def test_every_folder_with_python_in_it_is_a_package_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, list[str]] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **named: given.update(named))
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    folders = {name.rpartition("/")[0].replace("/", ".") for name in tree() if name.endswith(".py")}
    assert sorted(given["packages"]) == sorted(folders), "a folder lacks its __init__.py"


def test_every_other_file_matches_a_pattern_of_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    endings = {pattern.removeprefix("**/*") for pattern in patterns if pattern.startswith("**/*")}
    others = [name for name in tree() if not name.endswith((".py", "/py.typed"))]
    assert [name for name in others if Path(name).suffix not in endings] == []
    assert endings <= {Path(name).suffix for name in others}, "a pattern that no file needs"


def test_each_package_says_that_it_is_typed() -> None:
    assert [name for name in tree() if name.endswith("py.typed")] == [f"{package}/py.typed" for package in FOLDERS]


def test_the_version_stands_in_one_place() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, flags=re.MULTILINE) == [mote_bench.__version__]
    assert version("mote-bench") == mote_bench.__version__, "installed before the version changed: make env"
    elsewhere = [
        path for path in (ROOT / "mote_bench").rglob("*.py") if f'"{mote_bench.__version__}"' in path.read_text()
    ]
    assert elsewhere == [ROOT / "mote_bench" / "_version.py"]


def called(*command: object, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    made = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True, timeout=1200, check=False
    )
    assert made.returncode == 0, f"{made.stdout[-2000:]}\n{made.stderr[-4000:]}"
    return made.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as ``make dist`` builds it, from a copy of the tree: the sdist, and from the sdist the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    for name in FOLDERS.values():
        shutil.copytree(ROOT / name, folder / "tree" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED:
        shutil.copy(ROOT / name, folder / "tree")
    called(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=folder / "tree")
    assert len(list(folder.glob("mote_bench-*.tar.gz"))) == 1
    (built,) = folder.glob("mote_bench-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_tree(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == set(tree())


@pytest.mark.slow
def test_the_wheel_alone_lists_runs_and_takes_a_plugin(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment outside of the tree; only the libraries are those of the tests' environment.

    They are put at the end of the path, and not as a site folder: so the tests' own editable mote-bench isn't seen.
    """
    called(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = Path(called(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (site / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    plugin = tmp_path / "plugin"
    shutil.copytree(
        ROOT / "tests" / "plugin", plugin, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
    )
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", *offline]
    called(*pip, "--ignore-installed", wheel, cwd=tmp_path)
    called(*pip, "--ignore-installed", plugin, cwd=tmp_path)

    for package in FOLDERS:
        place = called(python, "-c", f"import {package}; print({package}.__file__)", cwd=tmp_path)
        assert Path(place.strip()).is_relative_to(site)
    listed = called(python, "-m", "mote_bench", "list", cwd=tmp_path)
    assert {"biohash", "logistic-bytes", "demo-signs", "demo-nearest-mean"} <= set(re.findall(r"[\w-]+", listed))
    chosen = ["--schemes", "biohash,demo-signs", "--attacks", "logistic-bytes,demo-nearest-mean"]
    asked = ["--questions", "gender,verify", "--protocol", "quick-1", "--jobs", 1, "--out", "boards", "--quiet"]
    called(python, "-m", "mote_bench", "run", *chosen, *asked, cwd=tmp_path)
    results = (tmp_path / "boards" / "results.csv").read_text()
    assert {"biohash", "demo-signs"} <= {line.split(",")[2] for line in results.splitlines()}
    assert "demo-nearest-mean" in results
    assert (tmp_path / "boards" / "leaderboard.html").is_file()
