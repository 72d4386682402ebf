"""How long a user waits before anything happens, and which modules they wait for."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from mote_bench.execution import forking

COMMANDS = {"help": ("--help",), "list": ("list",)}
_LINE = re.compile(r"import time:\s+(?P<own>\d+) \|\s+(?P<all>\d+) \|\s*(?P<module>\S+)")
_FIRST_TASK = (
    "import os, sys\nfrom mote_bench.cli import app\nfrom mote_bench.records import runs\n"
    "runs.add_run = lambda folder, spec: os._exit(0)\n"
    "sys.argv = ['mote-bench', 'run', '--quiet', '--out', sys.argv[1]]\napp.main()"
)
"""Ends where the run's own tasks begin. What is patched is light: the order of the other imports is measured, too."""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_prints(benchmark, name):
    command = [sys.executable, "-m", "mote_bench", *COMMANDS[name]]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=5, warmup_rounds=1)


def test_a_run_up_to_its_first_task(benchmark, tmp_path):
    command = [sys.executable, "-c", _FIRST_TASK, str(tmp_path / "boards")]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("name", [*COMMANDS, "worker"])
def test_imports_by_module(benchmark, name):
    """The modules whose own import takes longest; ``worker`` is what all workers import, or are forked with."""
    what = ["-c", f"import {', '.join(forking.NEEDED)}"] if name == "worker" else ["-m", "mote_bench", *COMMANDS[name]]
    command = [sys.executable, "-X", "importtime", *what]
    made = benchmark.pedantic(
        lambda: subprocess.run(command, check=True, capture_output=True, text=True), rounds=1, warmup_rounds=1
    )
    found = [(int(one["own"]), one["module"]) for one in _LINE.finditer(made.stderr)]
    assert len(found) > 50
    print(f"\n{name}: {len(found)} modules, {sum(own for own, _ in found) / 1000:.0f} ms; the longest, in ms:")
    for own, module in sorted(found, reverse=True)[:12]:
        print(f"{own / 1000:8.1f}  {module}")
