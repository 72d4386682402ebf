"""Answers against the truth: the harness's own scoring, with floor, ceiling and the verdict `unmeasured`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    CEILING,
    FLOOR,
    Faces,
    FloatArray,
    InputError,
    Measurement,
    Question,
    Record,
    SamePerson,
    Status,
    Template,
    WhichClass,
)
from mote_bench.evidence import Theft
from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.linkage import measure_linkage
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.reconstruction import Truth, measure_reconstruction
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.split import Enrolled, Split
from mote_bench.toolkit import class_index, unit

CONTROLS = (FLOOR, CEILING)

ZERO_EFFORT, NO_ATTACK = "zero-effort", "none"
"""What stands for the attack in verification and fairness rows, and in cost rows."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What reconstructions are held against: the background mean, and thresholds set on the shadow people."""

    mean: FloatArray
    thresholds: Mapping[str, float]


def yardstick(split: Split, fmr: Iterable[str]) -> Yardstick:
    """Thresholds of the unprotected recogniser (centred cosine) on people other than those attacked."""
    mean = split.background.embeddings.mean(axis=0)
    shadow = split.shadow
    if shadow.probes is None:
        return Yardstick(mean, {})
    scores = _centred(shadow.references, mean) @ _centred(shadow.probes, mean).T
    impostor = scores[np.arange(len(scores))[:, None] != shadow.shown[None, :]]
    return Yardstick(mean, thresholds(impostor, fmr))


def thresholds(impostor: FloatArray, fmr: Iterable[str]) -> dict[str, float]:
    """A threshold for each false-match rate that this many impostor scores can support."""
    found = {}
    for rate in fmr:
        try:
            found[rate] = threshold_at_fmr(impostor, float(rate))
        except InputError:  # too few impostors: the rate is left out rather than guessed
            continue
    return found


def measure(
    question: Question, answer: FloatArray, theft: Theft, *, target: Enrolled, yardstick: Yardstick, seed: int
) -> Measured:
    """Score one answer; rows of ``answer`` are the stolen records in the order that the attack saw.

    Raises
    ------
    ValueError
        When the answer can't be scored: numbers so large that a sum overflows.
    """
    measured = _measured(question, answer, theft, target=target, yardstick=yardstick, rng=np.random.default_rng(seed))
    broken = [one.metric for one in measured.measurements if not np.isfinite([one.value, one.low, one.high]).all()]
    if broken:
        raise ValueError(f"the answer can't be scored: {', '.join(broken)} came out as NaN or infinity")
    return measured


def _measured(
    question: Question,
    answer: FloatArray,
    theft: Theft,
    *,
    target: Enrolled,
    yardstick: Yardstick,
    rng: np.random.Generator,
) -> Measured:
    if isinstance(question, WhichClass):
        truth = class_index(target.references.attributes[question.attribute][theft.people], question.classes)
        return measure_attribute(answer, truth, question.classes)
    if isinstance(question, SamePerson):
        return measure_linkage(answer, _mates(theft), rng)
    return measure_reconstruction(answer, _truth(theft, target, yardstick), yardstick.thresholds, rng)


def _mates(theft: Theft) -> npt.NDArray[np.intp]:
    """For each stolen record, the place of the same person's record in the second database."""
    place = {int(person): position for position, person in enumerate(theft.others)}
    return np.array([place[int(person)] for person in theft.people], dtype=np.intp)


def _truth(theft: Theft, target: Enrolled, yardstick: Yardstick) -> Truth:
    if target.probes is None:
        raise ValueError("reconstructions can't be scored without other photos of the people")
    place = np.full(len(target.references), -1, dtype=np.intp)
    place[theft.people] = np.arange(len(theft.people))
    seen = np.flatnonzero(place[target.shown] >= 0)
    return Truth(
        mean=yardstick.mean,
        references=target.references.embeddings[theft.people],
        probes=target.probes.embeddings[seen],
        shown=place[target.shown[seen]],
    )


def _centred(faces: Faces, mean: FloatArray) -> FloatArray:
    return unit(faces.embeddings - mean)


def with_controls(record: Record, floor: Record | None, ceiling: Record | None) -> Record:
    """The record with the same attack's figures on ``noise`` and ``cosine`` beside its own.

    Its status becomes ``unmeasured`` when the attack can't break ``cosine``.
    """
    lows, highs = _values(floor), _values(ceiling)
    measurements = tuple(
        replace(one, floor=lows.get(one.metric), ceiling=highs.get(one.metric)) for one in record.measurements
    )
    record = replace(record, measurements=measurements)
    if record.status is Status.OK and record.cell.attack not in (NO_ATTACK, ZERO_EFFORT) and not breaks(ceiling):
        why = "the attack can't break 'cosine' here, so what it finds or doesn't find says nothing"
        return replace(record, status=Status.UNMEASURED, error=why)
    return record


def breaks(ceiling: Record | None) -> bool:
    """Whether the attack beats chance on ``cosine``, judged by the interval of its headline metric."""
    if ceiling is None or not ceiling.measurements:
        return False
    metrics = {one.metric: one for one in ceiling.measurements}
    if ceiling.cell.question == "link":
        return metrics["eer"].high < 0.5
    headline = metrics.get("cosine_gain") or metrics["balanced_accuracy"]
    return headline.low > (headline.chance or 0.0)


def _values(record: Record | None) -> dict[str, float]:
    return {} if record is None else {one.metric: one.value for one in record.measurements}


def costs(
    templates: Sequence[Template],
    enrolment: Sequence[tuple[int, float]],
    scoring: Sequence[tuple[int, float]],
    *,
    key_bytes: int,
) -> Measured:
    """Bytes and seconds of one scheme.

    Costs aren't sampled from people: ``low`` and ``high`` are the smallest and the largest template, and the
    fastest and the slowest batch. ``enrolment`` and ``scoring`` hold (units, seconds) of each batch.
    """
    sizes, n = [len(template) for template in templates], len(templates)
    enrolled = sum(people for people, _ in enrolment)
    measurements = [
        Measurement("bytes_per_template", float(np.mean(sizes)), min(sizes), max(sizes), n),
        _per_unit("seconds_per_enrolment", enrolment, enrolled),
        _per_unit("seconds_per_score", scoring, n),
    ]
    if key_bytes:
        measurements.append(Measurement("key_bytes_per_person", key_bytes, key_bytes, key_bytes, n))
    details = {"threads": 1, "people_enrolled": enrolled, "scores": sum(pairs for pairs, _ in scoring)}
    return Measured(tuple(measurements), details)


def _per_unit(metric: str, batches: Sequence[tuple[int, float]], n: int) -> Measurement:
    each = [seconds / units for units, seconds in batches]
    total = sum(seconds for _, seconds in batches) / sum(units for units, _ in batches)
    return Measurement(metric, total, min(each), max(each), n)
