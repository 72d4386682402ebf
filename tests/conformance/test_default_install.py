"""What a default install brings is what it uses: extras are imported only if a command needs them."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from commands import mote_bench
from mote_bench.contracts import InputError
from mote_bench.embedders import facenet, mtcnn

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = ("mote_bench", "attacks", "baselines")
OWN = {"mote_bench", "mote_attacks", "mote_baselines"}
# Distributions whose module has another name.
MODULES = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "facenet-pytorch": "facenet_pytorch",
    "dlib-bin": "dlib",
    "face-recognition-models": "face_recognition_models",
    "grad-cam": "pytorch_grad_cam",
    "ai-edge-litert": "ai_edge_litert",
    "pyyaml": "yaml",
}
USERS_OF_EXTRAS = ("facenet", "dlib", "onnx", "tflite", "frbench", "dask", "parquet", "he", "phe", "explain", "faces")
HEAVY = ("torch", "scipy", "sklearn", "pandas", "matplotlib", "xgboost", "PIL")


def modules(requirements: Iterable[str]) -> set[str]:
    names = [re.match(r"[A-Za-z0-9-]+", text).group() for text in requirements]  # type: ignore[union-attr]
    return {MODULES.get(name, name) for name in names}


HARD = modules(PROJECT["dependencies"])
EXTRAS = modules(one for name in USERS_OF_EXTRAS for one in PROJECT["optional-dependencies"][name])


def imported(node: ast.AST, *, at_once: bool) -> Iterator[str]:
    """Names of top-level packages imported anywhere below a node, or only as its module is imported."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in below.names)
        elif isinstance(below, ast.ImportFrom) and below.module and not below.level:
            yield below.module.partition(".")[0]
        elif (at_once and isinstance(below, ast.FunctionDef | ast.AsyncFunctionDef)) or (
            at_once and isinstance(below, ast.If) and ast.unparse(below.test) == "TYPE_CHECKING"
        ):
            continue
        else:
            yield from imported(below, at_once=at_once)


def later(node: ast.AST) -> bool:
    """Whether what stands below isn't run while the module is imported."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def by_file(*, at_once: bool) -> dict[str, set[str]]:
    """What each source file imports that isn't Python's own or the project's."""
    return {
        str(path.relative_to(ROOT)): set(imported(ast.parse(path.read_text(encoding="utf-8")), at_once=at_once))
        - sys.stdlib_module_names
        - OWN
        for folder in SOURCES
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def test_imports_are_those_that_pyproject_declares() -> None:
    used = set().union(*by_file(at_once=False).values())
    assert used - HARD - EXTRAS == set(), "imported and not declared: add it to dependencies or to an extra"
    assert HARD - used == set(), "declared and not imported: take it out of dependencies"


def test_an_extra_is_imported_where_it_is_used_and_not_before() -> None:
    early = {path: found & (EXTRAS - HARD) for path, found in by_file(at_once=True).items()}
    assert {path: found for path, found in early.items() if found} == {}


def test_the_test_environment_has_every_extra() -> None:
    missing = EXTRAS - HARD - modules(PROJECT["optional-dependencies"]["test"])
    assert missing == set()


@pytest.fixture
def shut(tmp_path: Path) -> dict[str, str]:
    """An environment in which the optional packages can't be imported, and each attempt is written down."""
    folder = tmp_path / "shut"
    folder.mkdir()
    attempts = folder / "attempts"
    return {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "SHUT": str(attempts), "OMP_NUM_THREADS": "1"}


def shut_out(names: Iterable[str], environment: dict[str, str]) -> None:
    """Each name as a module that writes that it was asked for, and raises as a missing one does."""
    for name in names:
        (Path(environment["SHUT"]).parent / f"{name}.py").write_text(
            "import os\n"
            f"with open(os.environ['SHUT'], 'a') as attempts:\n    attempts.write('{name}\\n')\n"
            f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n"
        )


def attempts(environment: dict[str, str]) -> list[str]:
    path = Path(environment["SHUT"])
    return sorted(set(path.read_text().split())) if path.is_file() else []


@pytest.mark.parametrize("command", ["--help", "--version", "study --help", "study frontier --help", "embed --help"])
def test_help_does_not_wait_for_the_heavy_libraries(command: str, shut: dict[str, str], tmp_path: Path) -> None:
    shut_out({*EXTRAS - HARD, *HEAVY}, shut)
    made = mote_bench(*command.split(), cwd=tmp_path, **shut)
    assert (made.returncode, attempts(shut)) == (0, []), made.stderr


def test_list_and_a_run_import_no_optional_package(shut: dict[str, str], tmp_path: Path) -> None:
    shut_out(EXTRAS - HARD, shut)
    made = mote_bench("list", cwd=tmp_path, **shut)
    assert (made.returncode, attempts(shut)) == (0, []), made.stderr
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(150, 16))
    np.savez(
        tmp_path / "faces.npz",
        embeddings=np.repeat(centres, 4, axis=0) + 0.3 * rng.normal(size=(600, 16)),
        identity=np.repeat(np.arange(150), 4),
        gender=np.repeat(np.where(centres[:, 0] > 0, "f", "m"), 4),
    )
    small = ["--protocol", "quick-1", "--schemes", "biohash", "--attacks", "logistic-bytes"]
    asked = ["--questions", "gender,verify", "--data", "faces.npz", "--jobs", 1, "--out", "boards"]
    made = mote_bench("run", *small, *asked, cwd=tmp_path, **shut)
    assert made.returncode == 0, made.stderr
    # pandas looks for pyarrow by itself, and does without.
    assert set(attempts(shut)) <= {"pyarrow"}
    assert (tmp_path / "boards" / "results.csv").is_file()


@pytest.mark.parametrize("missing", ["torchvision", "facenet_pytorch"])
def test_a_recogniser_without_its_package_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mtcnn.vision.ready.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)  # as Python itself says that there is none
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for make in (facenet.vggface2, mtcnn.Detector):
        with pytest.raises(InputError) as raised:
            make()
        assert str(raised.value) == f"{missing} isn't installed. Install it: pip install 'mote-bench[facenet]'"
    monkeypatch.undo()
    mtcnn.vision.ready.cache_clear()
