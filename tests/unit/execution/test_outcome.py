"""Each task computes on one thread, and only those that need torch wait for its import."""

from __future__ import annotations

import os
import subprocess
import sys

_SCRIPT = """
import sys
from mote_bench.execution.outcome import guarded

assert guarded(lambda: 1).value == 1
assert "torch" not in sys.modules, "a task that needs no torch imported it"

def threads():
    import torch

    return torch.get_num_threads()

print(guarded(threads).value)
import torch

torch.set_num_threads(2)
print(guarded(threads).value)
"""


def test_a_task_has_one_thread_and_imports_torch_only_for_itself():
    several = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    made = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=200, check=True,
        env=several | {"OMP_NUM_THREADS": "2"},
    )  # fmt: skip
    assert made.stdout.split() == ["1", "1"]
