"""The command line, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def mote_bench(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m mote_bench`` in a folder; the caller looks at the exit code."""
    command = [sys.executable, "-m", "mote_bench", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, env=os.environ | environment, check=False
    )
