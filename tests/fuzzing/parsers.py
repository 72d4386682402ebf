"""What untrusted bytes meet first: each parser of the suite, and the one error that it may raise.

The first byte of an input chooses the parser, the rest is what it reads.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mote_bench.analysis import limits
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.data import npz
from mote_bench.data.pictures import reading
from mote_bench.mote import codec
from mote_bench.mote.nets import Layer
from mote_bench.planning import protocol
from mote_bench.records import bundle, store

MADE = {"protocol_sha256": protocol.load("people-2").checksum}
CORPUS = Path(__file__).parent / "corpus"
_FOLDER = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir())


def _npz(data: bytes) -> None:
    with _file(data, ".npz") as path:
        npz.load(path, bins={})


def _picture(data: bytes) -> None:
    with _file(data, ".png") as path:
        reading.read(path)


def _record(data: bytes) -> None:
    store.from_text(data.decode("utf-8", errors="replace"), "fuzz")


def _line(data: bytes) -> None:
    store.from_line(data.decode("utf-8", errors="replace"), "line 1 of 'fuzz'")


def _bundle(data: bytes) -> None:
    bundle.from_text(data.decode("utf-8", errors="replace"), "fuzz")


def _net(data: bytes) -> None:
    codec.decode(data)


def _limit(data: bytes) -> None:
    limits.parse([data.decode("utf-8", errors="replace")], "--max")


PARSERS: tuple[tuple[Callable[[bytes], None], type[Exception]], ...] = (
    (_npz, InputError),
    (_record, InputError),
    (_bundle, InputError),
    (_net, ValueError),
    (_picture, reading.Unreadable),
    (_limit, InputError),
    (_line, InputError),
)


def read(data: bytes) -> None:
    """Read it or refuse it: a parser raises the error that it documents and nothing else."""
    if data:
        parse, documented = PARSERS[data[0] % len(PARSERS)]
        with contextlib.suppress(documented):
            parse(data[1:])


def sound() -> list[bytes]:
    """An input that each parser takes."""
    stream = io.BytesIO()
    np.savez(stream, embeddings=np.eye(4, dtype=np.float32), identity=np.array(["a", "a", "b", "b"]))
    cell = Cell("people-2", "synthetic", "biohash", "vote-answers", "gender", "algorithm", 0)
    record = Record(cell, Status.OK, (Measurement("auc", 0.5, 0.4, 0.6, n=20, chance=0.5),), {}, {"seconds": 1.0}, MADE)
    net = (
        Layer(np.ones((2, 3), np.float32), np.zeros(3, np.float32)),
        Layer(np.ones((3, 1), np.float32), np.zeros(1, np.float32)),
    )
    picture = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (8, 8)).save(picture, "PNG")
    signed = bundle.Bundle(bundle.SCHEME, "somebody", None, {"system": "Linux"}, (record,))
    texts = store.to_text(record).encode(), bundle.to_text(signed).encode()
    inputs = (
        stream.getvalue(),
        *texts,
        codec.encode(net),
        picture.getvalue(),
        b"gender=0.60",
        store.to_line(record).encode(),
    )
    return [bytes([number]) + one for number, one in enumerate(inputs)]


@contextlib.contextmanager
def _file(data: bytes, ending: str):  # type: ignore[no-untyped-def]
    handle, name = tempfile.mkstemp(suffix=ending, dir=_FOLDER)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield path
    finally:
        path.unlink()
