"""PLACEHOLDER by the lead so that the harness imports; its owner replaces this file entirely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from .measured import Measured


def measure_photo(answer: FloatArray, truth: npt.NDArray[np.intp], rng: np.random.Generator) -> Measured:
    raise NotImplementedError


def measure_membership(answer: FloatArray, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Measured:
    raise NotImplementedError
