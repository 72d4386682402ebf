"""Failure to acquire and to enrol (ISO/IEC 19795-1), overall and by group, and FNMR with them counted as rejections.

There are two sources. A picture may give no embedding, and a scheme may refuse to make a template of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Acquisition, FloatArray, Measurement, flat

from .catalogue import FTA, FTE, GENERALISED, SCHEME_FTE
from .fairness import FEWEST_PEOPLE, ratio_between
from .intervals import Proportion, person_proportion
from .measured import Measured
from .names import snake_case

_WORDS = {FTA: "FTA", FTE: "FTE", SCHEME_FTE: "FTE"}
_UNNAMED = "the data name no subjects"
_UNLABELLED = "the class of the pictures without an embedding isn't known"
_TOO_FEW = "fewer than 2 subjects"
Index = npt.NDArray[np.intp]
Labels = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Rate:
    """A rate with its 95 % interval: one stage at which a genuine attempt may fail."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Acquired:
    """Pictures and failures by subject: what all rates of this module are computed from.

    Attributes
    ----------
    person : (n,) int
        The subject of each picture, numbered from 0.
    tried, failed : (P,) float
        Each subject's pictures, and those that gave no embedding.
    """

    person: Index
    tried: FloatArray
    failed: FloatArray

    @property
    def without(self) -> npt.NDArray[np.bool_]:
        """(P,) whether no picture of the subject gave an embedding: the subject can't be enrolled."""
        return np.asarray(self.failed == self.tried)


def by_subject(acquisition: Acquisition) -> Acquired:
    """The pictures by subject.

    Raises
    ------
    ValueError
        Without the subjects of the pictures, or with fewer than two.
    """
    if acquisition.identity is None:
        raise ValueError(_UNNAMED)
    names, person = np.unique(acquisition.identity, return_inverse=True)
    if len(names) < 2:
        raise ValueError(_TOO_FEW)
    person = person.reshape(-1)
    tried = np.bincount(person, minlength=len(names)).astype(float)
    failed = np.bincount(person[acquisition.failed], minlength=len(names)).astype(float)
    return Acquired(person, tried, failed)


def measure_acquisition(acquisition: Acquisition) -> Measured:
    """Failure to acquire, over all pictures, and failure to enrol, over all subjects; lower is better.

    Returns
    -------
    Measured
        ``fta``: the proportion of pictures that gave no embedding; its interval is over subjects. ``fte``: the
        proportion of subjects of whom no picture gave one. Details hold the counts in ``acquisition``. Where the
        pictures name no subjects both are in ``undefined``.
    """
    try:
        found = by_subject(acquisition)
    except ValueError as error:
        return Measured((), {"undefined": dict.fromkeys((FTA, FTE), str(error))})
    people = len(found.tried)
    counts = {
        "pictures": int(found.tried.sum()),
        "failed_pictures": int(found.failed.sum()),
        "people": people,
        "failed_people": int(found.without.sum()),
    }
    rates = ((FTA, person_proportion(found.failed, found.tried)), (FTE, _share(found.without)))
    measurements = tuple(Measurement(name, rate.value, *rate.interval, n=people) for name, rate in rates)
    return Measured(measurements, {"acquisition": counts})


def measure_acquisition_by_group(
    acquisition: Acquisition, attributes: Iterable[str], *, rng: np.random.Generator
) -> Measured:
    """Failure to acquire and to enrol of each group, and the highest rate over the groups' geometric mean.

    A subject counts in the group of the first of their pictures whose class is known. Pictures count in the group of
    their subject.

    Parameters
    ----------
    attributes : iterable of str
        The attributes that are compared. One that isn't known of the pictures without an embedding is named in
        ``undefined``.
    rng : numpy.random.Generator
        For the intervals of the ratios.

    Returns
    -------
    Measured
        Per attribute A and group g ``fta_A_g`` and ``fte_A_g``, and ``max_ratio_fta_A`` and ``max_ratio_fte_A``.
        Details name the groups with fewer than 10 subjects, which are left out.
    """
    try:
        found = by_subject(acquisition)
    except ValueError:
        return Measured(())
    rates = {FTA: (found.failed, found.tried), FTE: (found.without.astype(float), np.ones_like(found.tried))}
    held = acquisition.attributes
    known = {name: _of_subjects(held[name], found) for name in attributes if name in held}
    undefined = {
        flat(f"max_ratio_{rate}", None, (snake_case(name),)): _UNLABELLED
        for name in attributes
        if name not in known
        for rate in rates
    }
    return _by_group(rates, known, "acquisition", rng=rng, undefined=undefined)


def measure_enrolment(refused: FloatArray, enrolments: FloatArray) -> Measured:
    """The proportion of enrolments of the target subjects that the scheme refused; lower is better.

    Parameters
    ----------
    refused, enrolments : (P,) int
        Per target subject: how many of the enrolments gave no template, and how many there were.

    Returns
    -------
    Measured
        ``scheme_fte``, with an interval over subjects; details hold the counts in ``enrolment``.
    """
    rate = person_proportion(refused, enrolments)
    people = len(enrolments)
    counts = {
        "enrolments": int(enrolments.sum()),
        "failed_enrolments": int(refused.sum()),
        "people": people,
        "failed_people": int((refused > 0).sum()),
    }
    return Measured((Measurement(SCHEME_FTE, rate.value, *rate.interval, n=people),), {"enrolment": counts})


def measure_enrolment_by_group(
    refused: FloatArray, enrolments: FloatArray, groups: Mapping[str, Labels], *, rng: np.random.Generator
) -> Measured:
    """:func:`measure_enrolment` of each group, as ``scheme_fte_A_g``, and ``max_ratio_scheme_fte_A``."""
    return _by_group({SCHEME_FTE: (refused, enrolments)}, groups, "enrolment", rng=rng, undefined={})


def generalised_fnmr(fnmr: Measurement, *before: Rate) -> Measurement:
    """FNMR where a failure to acquire or to enrol counts as a rejection; lower is better.

    1 - (1 - FTE) (1 - FTA) (1 - FNMR), ISO/IEC 19795-1, generalised false reject rate of one attempt. The stages are
    measured on different subjects or pictures, so their errors are taken as independent. The interval is that of a sum
    of logarithms, recovered from the stages' own (MOVER; Zou & Donner, Statistics in Medicine 27 (2008) 1693).

    Parameters
    ----------
    fnmr : Measurement
        The FNMR of those who are enrolled and whose probe was acquired.
    before : Rate
        The failures before it, each a share of those that came so far.
    """
    stages = (*before, Rate(fnmr.value, fnmr.low, fnmr.high))
    rates = np.array([[one.value, one.low, one.high] for one in stages])
    passed = np.log(np.maximum(1 - rates, np.finfo(float).tiny))
    value, low, high = passed.T
    worse = float(np.sqrt(((value - high) ** 2).sum()))
    better = float(np.sqrt(((low - value) ** 2).sum()))
    total = float(value.sum())
    rejected, least, most = (1 - np.exp(np.array([total, min(total + better, 0.0), total - worse]))).tolist()
    return Measurement(GENERALISED, rejected, least, most, n=fnmr.n, at=fnmr.at)


def acquired_by_enrolled(acquisition: Acquisition) -> tuple[Rate, ...]:
    """Failure to enrol, then failure to acquire of those who can be enrolled: the stages of a generalised FNMR.

    Empty where the pictures name no subjects.
    """
    try:
        found = by_subject(acquisition)
    except ValueError:
        return ()
    there = ~found.without
    stages = [_share(found.without)]
    if there.sum() > 1:
        stages.append(person_proportion(found.failed[there], found.tried[there]))
    return tuple(Rate(one.value, *one.interval) for one in stages)


def _share(of_people: npt.NDArray[np.bool_]) -> Proportion:
    return person_proportion(of_people.astype(float), np.ones(len(of_people)))


def _of_subjects(labels: Labels, found: Acquired) -> Labels:
    """(P,) the class of the first picture of each subject whose class is known; empty where none is."""
    known = np.flatnonzero(labels != "")
    people, first = np.unique(found.person[known], return_index=True)
    of_people = np.full(len(found.tried), "", dtype=labels.dtype)
    of_people[people] = labels[known[first]]
    return of_people


def _by_group(
    rates: Mapping[str, tuple[FloatArray, FloatArray]],
    groups: Mapping[str, Labels],
    topic: str,
    *,
    rng: np.random.Generator,
    undefined: dict[str, str],
) -> Measured:
    """Each rate of each group with ten subjects or more, and its ratio between groups."""
    measurements: list[Measurement] = []
    counted: dict[str, dict[str, int]] = {}
    left_out: dict[str, dict[str, str]] = {}
    for attribute, labels in groups.items():
        counted[attribute], left_out[attribute] = _counted(labels)
        within, people = (snake_case(attribute),), counted[attribute]
        for name, (failed, trials) in rates.items():
            found = {label: person_proportion(failed[labels == label], trials[labels == label]) for label in people}
            measurements += [
                Measurement(name, rate.value, *rate.interval, n=people[label], group=(*within, snake_case(label)))
                for label, rate in found.items()
            ]
            metric, spread = f"max_ratio_{name}", ratio_between(list(found.values()), _WORDS[name], rng)
            if spread.undefined is None:
                n = sum(people.values())
                measurements.append(Measurement(metric, spread.value, *spread.interval, n=n, group=within))
            else:
                undefined[flat(metric, None, within)] = spread.undefined
    return Measured(tuple(measurements), {topic: {"groups": counted, "left_out": left_out}, "undefined": undefined})


def _counted(labels: Labels) -> tuple[dict[str, int], dict[str, str]]:
    """The subjects of each group that can be measured, and why others can't."""
    present, counts = np.unique(labels[labels != ""], return_counts=True)
    people = dict(zip(present.tolist(), counts.tolist(), strict=True))
    if len({snake_case(label) for label in people}) < len(people):
        return {}, dict.fromkeys(people, "another group has the same name in figures")
    few = {
        label: f"{count} people; fewer than {FEWEST_PEOPLE}" for label, count in people.items() if count < FEWEST_PEOPLE
    }
    return {label: count for label, count in people.items() if label not in few}, few
