"""What a measure hands back: published numbers and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement


@dataclass(frozen=True)
class Measured:
    """The outcome of one ``measure_*`` call.

    Attributes
    ----------
    measurements : tuple of Measurement
        Every metric that is defined for the data; what is not is named in ``details["undefined"]``.
    details : mapping
        JSON-ready curves, histograms, counts and settings: plain floats, ints, lists, str and None, never NaN.
    influence : mapping of published name -> (n,) float
        How far each person pulls the metric from its value, in the order in which the people were given: two runs on
        the same people are compared person by person with it (:mod:`mote_bench.analysis.gate`).
    """

    measurements: tuple[Measurement, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    influence: Mapping[str, FloatArray] = field(default_factory=dict, compare=False)

    def __getitem__(self, name: str) -> Measurement:
        """The measurement of that published name; KeyError naming those that exist."""
        for measurement in self.measurements:
            if measurement.name == name:
                return measurement
        known = ", ".join(measurement.name for measurement in self.measurements)
        raise KeyError(f"no metric '{name}' among {known}")


def with_people(measured: Measured, numbers: npt.NDArray[np.intp]) -> Measured:
    """The figures with the people's influence on them in the details, as JSON.

    ``details["influence"]`` holds ``people``, the number of each (:class:`mote_bench.split.Enrolled`) in ascending
    order, and for each metric as many numbers.
    """
    if not measured.influence:
        return measured
    order = np.argsort(numbers)
    pulls = {metric: _short(values[order]) for metric, values in measured.influence.items()}
    influence = {"people": numbers[order].tolist(), **pulls}
    return replace(measured, details={**measured.details, "influence": influence})


def _short(values: FloatArray) -> list[float]:
    """Four significant digits: what a comparison of two runs can tell apart is far coarser."""
    return [float(f"{value:.4g}") for value in values]
