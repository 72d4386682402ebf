"""A user's function from a picture to an embedding, as a recogniser."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Embedded, FloatArray, InputError
from mote_bench.data.arrays import checksum


class FromFunction:
    """``MODULE:FUNCTION``, which takes an RGB picture (height, width, 3) uint8 and gives (d,) floats, or ``None``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._function = _imported(name)

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Embedded | None]:
        answers = [self._function(picture) for picture in pictures]
        return [None if answer is None else Embedded(self._vector(answer)) for answer in answers]

    def _vector(self, answer: object) -> FloatArray:
        """The (d,) numbers of what the function gave; (1, d) is a batch of one."""
        try:
            made = np.asarray(answer, np.float32)
        except (TypeError, ValueError):
            raise TypeError(f"{self._name} gave {type(answer).__name__}; expected (d,) numbers or None") from None
        return made[0] if made.ndim == 2 and len(made) == 1 else made

    def about(self) -> Mapping[str, str]:
        source = sys.modules[self._function.__module__].__file__
        return {
            "recogniser": self._name,
            "weights_sha256": "" if source is None else checksum(Path(source)),
            "alignment": "the function's own",
        }


def _imported(name: str) -> Callable[[npt.NDArray[np.uint8]], FloatArray | None]:
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        made: Callable[[npt.NDArray[np.uint8]], FloatArray | None] = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # the user's module may raise anything
        raise InputError(
            f"--embedder {name} can't be imported ({type(error).__name__}: {error}); expected MODULE:FUNCTION"
        ) from None
    if not callable(made):
        raise InputError(f"--embedder {name} is {type(made).__name__}; expected a function of a picture")
    return made
