"""Stand-ins for standard streams that a program doesn't have: under pythonw, as a service, or closed by a shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def reserve() -> None:
    """Open the descriptors 0 to 2 that are closed, or a file of the run would get one and workers write into it."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)


@contextmanager
def present() -> Iterator[None]:
    """Output streams that go nowhere, in place of those that the program lacks: who starts a process flushes them."""
    absent = [name for name in ("stdout", "stderr") if getattr(sys, name) is None]
    if not absent:
        yield
        return
    reserve()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        for name in absent:
            setattr(sys, name, nowhere)
        try:
            yield
        finally:
            for name in absent:
                setattr(sys, name, None)
