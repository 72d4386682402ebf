"""A command line that only prints starts without the libraries that a run computes with."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "pandas", "sklearn", "scipy", "matplotlib", "xgboost", "numpy", "rich")
_LOADED = (
    "import sys\nfrom mote_bench.cli import app\n"
    "sys.argv = ['mote-bench', *sys.argv[1:]]\n"
    "try:\n    app.main()\nexcept SystemExit as end:\n    assert not end.code\n"
    "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
)


def loaded(*arguments: str) -> set[str]:
    """The packages that a command has imported when it ends."""
    made = subprocess.run(
        [sys.executable, "-c", _LOADED, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    assert made.stdout
    return set(made.stderr.split())


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("--version",), ("list",)])
def test_nothing_heavy_is_imported_to_print(arguments):
    assert loaded(*arguments) & set(HEAVY) == set()


def test_the_heavy_names_are_told():
    """What the test above would say if a command needed one of them."""
    made = subprocess.run(
        [sys.executable, "-c", "import numpy\n" + _LOADED, "--version"], capture_output=True, text=True, check=True
    )
    assert set(made.stderr.split()) & set(HEAVY) == {"numpy"}
