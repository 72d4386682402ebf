"""Equal protocol, seed and versions give equal records, whatever the jobs, threads, hash seed and order of names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from commands import mote_bench

QUICK_ONES = ("biohash", "pe-miu", "mote-linear")
ATTACKS = "vote-answers,xgboost-bytes,ridge-answers,compare-answers"


def figures(folder: Path, schemes: tuple[str, ...], *arguments: str, **environment: str) -> dict[str, str]:
    """The records of one run by name: a checksum over all but what they cost."""
    folder.mkdir()
    asked = ("--people", "240", "--questions", "gender,verify,reconstruct,link", "--attacks", ATTACKS, "--quiet")
    result = mote_bench("run", *asked, "--schemes", ",".join(schemes), *arguments, cwd=folder, **environment)
    assert result.returncode == 0, result.stderr
    made = {}
    for path in (folder / "boards" / "records").iterdir():
        kept = [line for line in path.read_text().splitlines() if not line.startswith(('"cost"', '"sha256"'))]
        made[path.name] = hashlib.sha256("\n".join(kept).encode()).hexdigest()
    return made


def same_however_run(tmp_path: Path, schemes: tuple[str, ...]) -> None:
    first = figures(tmp_path / "first", schemes, "--jobs", "1", PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    again = figures(
        tmp_path / "again",
        schemes[::-1],
        *("--jobs", "2"),
        PYTHONHASHSEED="2",
        OMP_NUM_THREADS="4",
        OPENBLAS_NUM_THREADS="4",
        MKL_NUM_THREADS="4",
    )
    assert len(first) > 20
    assert first == again


def test_quick_schemes(tmp_path):
    same_however_run(tmp_path, QUICK_ONES)


@pytest.mark.slow
def test_trained_schemes(tmp_path):
    same_however_run(tmp_path, ("mote", "mote-flattened", "ive", "mlp-hash"))
