"""How long a user waits for the list of what is installed."""

import subprocess
import sys


def test_list(benchmark):
    command = [sys.executable, "-m", "mote_bench", "list"]
    benchmark.pedantic(lambda: subprocess.run(command, check=True, capture_output=True), rounds=5, warmup_rounds=1)
