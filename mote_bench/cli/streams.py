"""Standard streams that never end a command: closed, absent, in any encoding, or with a reader that leaves early."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import Any, BinaryIO, TextIO, cast

from mote_bench.execution.absent_streams import reserve

PLAIN = "mote-bench-plain"
"""Name of the error handler that writes what an encoding lacks as :func:`plain` does."""
_STAND_INS = str.maketrans({"↑": "^", "↓": "v", "→": ">", "–": "-", "−": "-", "×": "x", "…": "~", "≤": "<", "≥": ">"})
_LEFT = {errno.EPIPE, errno.ESHUTDOWN, errno.EINVAL}
"""Errors of a pipe that nobody reads any more. Windows reports EINVAL."""


def plain(text: str) -> str:
    """The text in ASCII: signs of the boards as signs of the same width, everything else as JSON's escapes.

    Examples
    --------
    >>> plain("gender ↑ é")
    'gender ^ \\\\u00e9'
    """
    return "".join(one if one.isascii() else _escaped(one) for one in text.translate(_STAND_INS))


def _escaped(one: str) -> str:
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def prepare() -> None:
    """Make standard output and standard error streams that a command can write to, whatever they are.

    Without them (``>&-``, pythonw) output goes nowhere. Characters that a stream can't encode are written by
    :func:`plain`. When a pipe's reader has left, the rest is dropped and the command goes on: its files are complete,
    and its exit code says how it went. Other errors of standard output, such as a full disk, are still errors.
    """
    codecs.register_error(PLAIN, _replaced)
    reserve()
    sys.stdout = _writable(sys.stdout, patient=False)
    sys.stderr = _writable(sys.stderr, patient=True)


def _writable(stream: TextIO | None, *, patient: bool) -> TextIO:
    if stream is None or stream.closed:
        return open(os.devnull, "w", encoding="utf-8", errors=PLAIN)
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # another program's, such as a notebook's
    if isinstance(getattr(stream.buffer, "raw", None), _Lasting):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(stream, patient=patient)),
        encoding=stream.encoding,
        errors=PLAIN,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Lasting(io.RawIOBase):
    """A stream that swallows what is written once its reader has left; a patient one does so after any error."""

    def __init__(self, stream: TextIO, *, patient: bool) -> None:
        self._stream = stream  # else it would be closed, and its descriptor with it
        self._raw = cast("BinaryIO", getattr(stream.buffer, "raw", stream.buffer))
        self._patient = patient
        self._gone = False

    def write(self, data: Any, /) -> int | None:
        if not self._gone:
            try:
                return self._raw.write(data)
            except OSError as error:
                self._gone = True  # what is still buffered is dropped too, as it couldn't be written either
                if not self._patient and error.errno not in _LEFT:
                    raise
            except ValueError:  # closed by the program around us
                self._gone = True
        return memoryview(data).nbytes

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def writable(self) -> bool:
        return True
