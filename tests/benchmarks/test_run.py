"""What the default run takes on two cores: seconds, and memory of all its processes together."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest


def resident_bytes(parent: int) -> int:
    """Resident memory of a process and all its descendants (shared pages count in each)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    total, waiting = 0, [parent]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096
        except OSError:
            continue
    return total


def default_run(folder: Path) -> int:
    """Run it; returns the peak memory in bytes."""
    command = [sys.executable, "-m", "mote_bench", "run", "--attacks", "all", "--jobs", "2", "--fresh", "--quiet"]
    process = subprocess.Popen([*command, "--out", str(folder)])
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            peak = max(peak, resident_bytes(process.pid))
            time.sleep(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.wait() == 0
    watcher.join()
    return peak


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_default_run(benchmark, tmp_path):
    peak = benchmark.pedantic(default_run, args=(tmp_path,), rounds=1)
    benchmark.extra_info["peak_gigabytes"] = round(peak / 1e9, 2)
    print(f"default run on two workers: peak memory {peak / 1e9:.2f} GB")
