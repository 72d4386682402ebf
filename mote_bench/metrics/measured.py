"""The result of a measure: published numbers, details, and the influence of each subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement

_FEWEST_PEOPLE = 10
OUTCOMES = "outcomes"
"""In a record's details: what the attack has of each subject of ``influence``, in hundredths."""


@dataclass(frozen=True)
class Measured:
    """The result of one ``measure_*`` call.

    Attributes
    ----------
    measurements : tuple of Measurement
        Every metric that is defined for the data; ``details["undefined"]`` names the others.
    details : mapping
        JSON-ready curves, histograms, counts and settings: plain floats, ints, lists, str and None, never NaN.
        ``details["undefined"]``, if any, is a mapping of published name -> reason, a sentence part.
    influence : mapping of published name -> (n,) float
        Influence of each subject on the metric, in the order in which the subjects were given. Two runs on the same
        subjects are compared with it, subject by subject (:mod:`mote_bench.analysis.gate`). The gate compares
        what :func:`mote_bench.analysis.figures.places` lists: headlines of questions, EER and FNMR need an influence.
        Without one the two runs count as independent, and only larger differences show.
    outcome : (n,) float, optional
        What an attack has of each subject, from 0 (nothing) to 1, such as whether the class is inferred correctly; in
        the same order.
    """

    measurements: tuple[Measurement, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    influence: Mapping[str, FloatArray] = field(default_factory=dict, compare=False)
    outcome: FloatArray | None = field(default=None, compare=False)

    def __getitem__(self, name: str) -> Measurement:
        """The measurement with this published name; a KeyError names those that exist."""
        for measurement in self.measurements:
            if measurement.name == name:
                return measurement
        known = ", ".join(measurement.name for measurement in self.measurements)
        raise KeyError(f"no metric '{name}' among {known}")


def joined(first: Measured, *others: Measured) -> Measured:
    """Figures of the same subjects, one after the other; what is undefined of each stands in one mapping."""
    every = (first, *others)
    undefined = {name: why for one in every for name, why in one.details.get("undefined", {}).items()}
    details = {key: value for one in every for key, value in one.details.items() if key != "undefined"}
    if undefined or any("undefined" in one.details for one in every):
        details["undefined"] = undefined
    return Measured(
        tuple(figure for one in every for figure in one.measurements),
        details,
        {name: of for one in every for name, of in one.influence.items()},
    )


def by_group(outcome: FloatArray, labels: npt.NDArray[Any]) -> dict[str, list[float]]:
    """Number and mean outcome of the subjects of each group with ten or more; ``outcome`` and ``labels`` are (n,)."""
    labels = np.asarray(labels).astype(str)
    present, counts = np.unique(labels, return_counts=True)
    return {
        str(label): [int(count), round(float(outcome[labels == label].mean()), 4)]
        for label, count in zip(present, counts, strict=True)
        if count >= _FEWEST_PEOPLE
    }


def with_people(measured: Measured, numbers: npt.NDArray[np.intp]) -> Measured:
    """The figures with the subjects' influence in the details, as JSON.

    ``details["influence"]`` holds ``people``, the subject ids in ascending order (``numbers`` of
    :class:`mote_bench.planning.split.Enrolled`), and for each metric one number per subject. ``details["outcomes"]``
    holds the subjects' outcomes in the same order, in whole hundredths.
    """
    if not measured.influence:
        return measured
    order = np.argsort(numbers)
    pulls = {metric: _short(values[order]) for metric, values in measured.influence.items()}
    influence = {"people": numbers[order].tolist(), **pulls}
    details = {**measured.details, "influence": influence}
    if measured.outcome is not None:
        details[OUTCOMES] = np.rint(100 * measured.outcome[order]).astype(int).tolist()
    return replace(measured, details=details)


def _short(values: FloatArray) -> list[float]:
    """The values to four significant digits, which is far finer than comparisons of two runs resolve."""
    return [float(f"{value:.4g}") for value in values]
