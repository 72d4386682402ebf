"""What a record says of its making, by layer: edits in a copy of the suite, and which cells they make stale."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mote_bench.contracts import Faces
from mote_bench.records.provenance import faces_checksum

ROOT = Path(__file__).parents[3]
EDITS = (
    ("nothing", "", "", ""),
    ("a comment of a renderer", "mote_bench/report/latex.py", "from __future__", "# a remark\nfrom __future__"),
    ("code of a renderer", "mote_bench/report/latex.py", "from collections", "MORE = 1\nfrom collections"),
    ("words of a command", "mote_bench/cli/app.py", "Print the version and exit.", "Print the version."),
    (
        "a docstring of the contract",
        "mote_bench/contracts.py",
        '"""Embeddings of face im',
        '"""All of it. Embeddings of face im',
    ),
    ("a metric", "mote_bench/metrics/intervals.py", "import numpy as np", "import numpy as np\nMORE = 1"),
    ("a classifier", "mote_attacks/_shared/classifiers.py", "import numpy as np", "import numpy as np\nMORE = 1"),
    ("a question", "mote_bench/questions/linkage.py", "import numpy as np", "import numpy as np\nMORE = 1"),
    ("a scheme", "mote_baselines/cancelable/biohash.py", "import numpy as np", "import numpy as np\nMORE = 1"),
    ("the trainer", "mote_bench/mote/train.py", "import numpy as np", "import numpy as np\nMORE = 1"),
)
PROGRAM = """
import json, sys
from pathlib import Path
import numpy as np
from mote_bench.planning import protocol
from mote_bench.records import provenance, source_code
from mote_bench.contracts import Cell, Dataset, Faces

asked = {"logistic-bytes": "gender", "compare-bytes": "link", "zero-effort": "verify"}
cells = [Cell("quick-1", "x", scheme, attack, question, "algorithm", 0)
         for scheme in ("cosine", "biohash", "mote") for attack, question in asked.items()]
data, version = Dataset("x", Faces(np.eye(3)), "ab"), protocol.load("quick-1")
told = {}
for name, file, old, new in json.loads(sys.argv[1]):
    path = Path(sys.argv[2]) / file
    text = path.read_text() if file else ""
    if file:
        assert old in text, file
        path.write_text(text.replace(old, new, 1))
    for one in (source_code.code_of, source_code._module, provenance._plugin, provenance._shared,
                provenance._question):
        one.cache_clear()
    found = provenance.of_cells(cells, data, version, bins={}, spec="{}")
    told[name] = {f"{cell.scheme} {cell.attack}": found[cell] for cell in cells}
    if file:
        path.write_text(text)
print(json.dumps(told))
"""
Told = dict[str, dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The provenance of a few cells after each edit, in a process that imports the copy."""
    copy = tmp_path_factory.mktemp("suite")
    for folder, package in (("mote_bench", "mote_bench"), ("attacks", "mote_attacks"), ("baselines", "mote_baselines")):
        shutil.copytree(ROOT / folder, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(EDITS), str(copy)],
        env={**os.environ, "PYTHONPATH": str(copy)},
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    found: Told = json.loads(made.stdout)
    return found


def stale(told: Told, edit: str) -> set[str]:
    return {cell for cell, origin in told[edit].items() if origin != told["nothing"][cell]}


@pytest.mark.parametrize(
    "edit", ["a comment of a renderer", "code of a renderer", "words of a command", "a docstring of the contract"]
)
def test_what_decides_no_figure_keeps_every_cell(told: Told, edit: str) -> None:
    assert stale(told, edit) == set()


def test_a_metric_makes_every_cell_stale(told: Told) -> None:
    assert stale(told, "a metric") == set(told["nothing"])


def test_a_part_of_an_attack_makes_stale_what_imports_it(told: Told) -> None:
    assert stale(told, "a classifier") == {f"{scheme} logistic-bytes" for scheme in ("cosine", "biohash", "mote")}


def test_a_question_makes_stale_what_is_asked_by_it(told: Told) -> None:
    assert stale(told, "a question") == {f"{scheme} compare-bytes" for scheme in ("cosine", "biohash", "mote")}


def test_a_scheme_makes_its_own_cells_stale(told: Told) -> None:
    assert stale(told, "a scheme") == {cell for cell in told["nothing"] if cell.startswith("biohash ")}
    assert stale(told, "the trainer") == {cell for cell in told["nothing"] if cell.startswith("mote ")}


def test_what_a_record_says(told: Told) -> None:
    origin = told["nothing"]["mote logistic-bytes"]
    assert {
        "engine_source",
        "scheme_source",
        "attack_source",
        "question_source",
        "data_sha256",
        "faces_sha256",
        "protocol_sha256",
    } <= set(origin)
    assert origin["scheme_by"].startswith("mote-bench ")
    assert "attack_source" not in told["nothing"]["mote zero-effort"]
    assert all(isinstance(value, str) for value in origin.values())


def faces() -> Faces:
    return Faces(
        np.eye(3),
        np.array(["a", "b", "c"]),
        {"gender": np.array(["f", "m", "f"])},
        {"age": np.array([1.0, 2.0, np.nan])},
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"embeddings": np.eye(3)[::-1]},
        {"identity": np.array(["a", "b", "b"])},
        {"identity": None},
        {"attributes": {"gender": np.array(["f", "m", "m"])}},
        {"attributes": {"sex": np.array(["f", "m", "f"])}},
        {"attributes": {}},
        {"values": {"age": np.array([1.0, 2.0, 3.0])}},
        {"second": np.eye(3)},
    ],
)
def test_faces_that_were_read_otherwise_have_another_checksum(changed: dict[str, object]) -> None:
    assert faces_checksum(replace(faces(), **changed)) != faces_checksum(faces())  # type: ignore[arg-type]
    assert faces_checksum(replace(faces())) == faces_checksum(faces())
