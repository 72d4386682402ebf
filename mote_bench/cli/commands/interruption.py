"""How a long command ends on Ctrl-C or SIGTERM: one sentence, exit 130."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130


@contextmanager
def interruptible(kept: str, *, resumable: bool = True) -> Iterator[None]:
    """On an interruption of the block, say what is kept and exit."""
    from mote_bench.execution import workers

    try:
        with workers.ended_by_signals():
            yield
    except KeyboardInterrupt:
        again = "run the same command to continue" if resumable else "run the same command to start again"
        print(f"interrupted: {kept}; {again}", file=sys.stderr, flush=True)
        sys.exit(INTERRUPTED)
