"""How a long command ends on Ctrl-C or a polite signal: one sentence, exit 130."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130


@contextmanager
def interruptible(kept: str, *, resumable: bool = True) -> Iterator[None]:
    """End the process with what is kept of its work, where the block is interrupted."""
    from mote_bench import workers

    try:
        with workers.ended_by_signals():
            yield
    except KeyboardInterrupt:
        again = "the same command goes on from there" if resumable else "the same command begins anew"
        print(f"interrupted: {kept}; {again}", file=sys.stderr, flush=True)
        sys.exit(INTERRUPTED)
