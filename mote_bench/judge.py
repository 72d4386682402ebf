"""Answers against the truth: the harness's own scoring, with floor, ceiling and the verdict `unmeasured`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    CEILING,
    CEILINGS,
    FLOOR,
    Faces,
    FloatArray,
    HowMuch,
    InputError,
    Measurement,
    Question,
    Record,
    SamePerson,
    Status,
    Template,
    WasMember,
    WhichClass,
    WhichFace,
    WhichKeyface,
    WhichPhoto,
)
from mote_bench.evidence import Theft
from mote_bench.metrics.acceptance import measure_acceptance, measure_queries
from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.keyfaces import measure_keyfaces
from mote_bench.metrics.linkage import measure_linkage
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.membership import measure_membership, measure_photo
from mote_bench.metrics.reconstruction import Truth, measure_reconstruction
from mote_bench.metrics.transfer import Transfer, measure_transfer
from mote_bench.metrics.values import measure_value
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.split import Enrolled, Split
from mote_bench.toolkit import class_index, unit

CONTROLS = (FLOOR, CEILING)
"""The control schemes that every run holds; some questions have another ceiling (:func:`ceiling_of`)."""

Index = npt.NDArray[np.intp]

_HEADLINES = ("cosine_gain", "balanced_accuracy", "correlation", "top_1", "auc", "opened_by_10_at_fmr_1e-2")

ZERO_EFFORT, NO_ATTACK = "zero-effort", "none"
"""What stands for the attack in verification and fairness rows, and in cost rows."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What reconstructions are held against: the background mean, and thresholds set on the shadow people.

    Attributes
    ----------
    thresholds, uncentred : mapping of FMR -> cosine
        Where the unprotected recogniser accepts, comparing directions from the mean face or embeddings as they are.
    transfer : Transfer, optional
        The way to a second recogniser, where the data hold its embeddings of the same images.
    """

    mean: FloatArray
    thresholds: Mapping[str, float]
    uncentred: Mapping[str, float] = field(default_factory=dict)
    transfer: Transfer | None = None


def ceiling_of(question: str) -> str:
    """The control that hides nothing of what this question asks."""
    return CEILINGS.get(question, CEILING)


def yardstick(split: Split, fmr: Iterable[str]) -> Yardstick:
    """Thresholds of the unprotected recogniser on people other than those attacked."""
    mean = split.background.embeddings.mean(axis=0)
    people = split.calibration
    if people.probes is None:
        return Yardstick(mean, {})
    stranger, rates = np.arange(len(people.references))[:, None] != people.shown[None, :], list(fmr)
    scores = _centred(people.references, mean) @ _centred(people.probes, mean).T
    plain = people.references.embeddings @ people.probes.embeddings.T
    accepts, uncentred = thresholds(scores[stranger], rates), thresholds(plain[stranger], rates)
    return Yardstick(mean, accepts, uncentred, _transfer(split, stranger, rates))


def _transfer(split: Split, stranger: npt.NDArray[np.bool_], rates: Sequence[str]) -> Transfer | None:
    """The way to the second recogniser, where all people set on both sides of it have its embeddings."""
    people, public = split.calibration, split.background.second
    if public is None or people.references.second is None or people.probes is None or people.probes.second is None:
        return None
    mean = public.mean(axis=0)
    scores = unit(people.references.second - mean) @ unit(people.probes.second - mean).T
    return Transfer.learned(split.background, thresholds(scores[stranger], rates))


def thresholds(impostor: FloatArray, fmr: Iterable[str], *, trials: int | None = None) -> dict[str, float]:
    """A threshold for each false-match rate that this many impostor scores can support.

    Where only the highest of ``trials`` scores are given, they must be more than any of the rates accepts.
    """
    found = {}
    for rate in fmr:
        try:
            found[rate] = threshold_at_fmr(impostor, float(rate), trials=trials)
        except InputError:  # too few impostors: the rate is left out rather than guessed
            continue
    return found


@dataclass(frozen=True, eq=False)
class Panel:
    """Some of the victims, whom an answer is scored on: the target people, or those of the rehearsal.

    Attributes
    ----------
    people : Enrolled
        Who they are.
    start : int
        The number of the first of them among all victims.
    """

    people: Enrolled
    start: int

    def of(self, victims: Index) -> Index:
        """The places of these people in ``victims`` (n,)."""
        return np.flatnonzero((victims >= self.start) & (victims < self.start + len(self.people.references)))


def panels(split: Split) -> tuple[Panel, Panel]:
    """Target and rehearsal, in the order of the holdings."""
    return Panel(split.target, 0), Panel(split.rehearsal, len(split.target.references))


@dataclass(frozen=True, eq=False)
class Attacked:
    """One attack's answer and what came of it.

    Attributes
    ----------
    answer : (n, ...) float64
        In the shape that the question states.
    queries : (n,) int, optional
        How often the running system was asked about each person.
    shown : mapping of str -> float64 array
        What the running system scores when the answer's faces are presented to it, by what they are presented to; see
        :class:`mote_bench.tasks.Doors`.
    """

    answer: FloatArray
    queries: npt.NDArray[np.int64] | None
    shown: Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Rules:
    """What answers are held against: the yardstick, and where the attacked scheme accepts at each FMR."""

    yardstick: Yardstick
    thresholds: Mapping[str, float]


def measure(question: Question, attacked: Attacked, theft: Theft, *, panel: Panel, rules: Rules, seed: int) -> Measured:
    """Score one answer on some of the victims; its rows are in the order that the attack saw.

    Raises
    ------
    ValueError
        When the answer can't be scored: numbers so large that a sum overflows.
    """
    rng = np.random.default_rng(seed)
    measured = _measured(question, attacked, theft, panel=panel, rules=rules, rng=rng)
    broken = [one.metric for one in measured.measurements if not np.isfinite([one.value, one.low, one.high]).all()]
    if broken:
        raise ValueError(f"the answer can't be scored: {', '.join(broken)} came out as NaN or infinity")
    return measured


def _measured(
    question: Question, attacked: Attacked, theft: Theft, *, panel: Panel, rules: Rules, rng: np.random.Generator
) -> Measured:
    if isinstance(question, WasMember):
        half = np.arange(len(theft.truth)) % 2 == (panel.start > 0)
        return measure_membership(attacked.answer[half], theft.truth[half] == 1, rng)
    rows = panel.of(theft.people)
    numbers = panel.people.numbers[theft.people[rows] - panel.start]
    if isinstance(question, WhichKeyface):
        opened = {fmr: attacked.shown["all"][rows] >= cut for fmr, cut in rules.thresholds.items()}
        return with_people(measure_keyfaces(opened), numbers)
    measured = _by_person(question, attacked.answer[rows], theft, rows=rows, panel=panel, rules=rules, rng=rng)
    more = () if attacked.queries is None else measure_queries(attacked.queries[rows])
    if isinstance(question, WhichFace):
        shown = {name: scores[rows] for name, scores in attacked.shown.items()}
        more += measure_acceptance(shown, rules.thresholds)
        more += _transferred(attacked.answer[rows], theft.people[rows] - panel.start, panel.people, rules.yardstick)
    return with_people(replace(measured, measurements=(*measured.measurements, *more)), numbers)


def _transferred(
    answer: FloatArray, people: Index, enrolled: Enrolled, yardstick: Yardstick
) -> tuple[Measurement, ...]:
    """What a second recogniser makes of the reconstructions, where the data hold its embeddings."""
    references, probes = enrolled.references.second, None if enrolled.probes is None else enrolled.probes.second
    if yardstick.transfer is None or references is None or probes is None:
        return ()
    place = np.full(len(references), -1, dtype=np.intp)
    place[people] = np.arange(len(people))
    seen = np.flatnonzero(place[enrolled.shown] >= 0)
    return measure_transfer(answer, references[people], probes[seen], place[enrolled.shown[seen]], yardstick.transfer)


def with_people(measured: Measured, numbers: Index) -> Measured:
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


def _by_person(
    question: Question,
    answer: FloatArray,
    theft: Theft,
    *,
    rows: Index,
    panel: Panel,
    rules: Rules,
    rng: np.random.Generator,
) -> Measured:
    people = theft.people[rows] - panel.start
    references = panel.people.references
    if isinstance(question, WhichClass):
        truth = class_index(references.attributes[question.attribute][people], question.classes)
        return measure_attribute(answer, truth, question.classes)
    if isinstance(question, HowMuch):
        return measure_value(answer, references.values[question.attribute][people], rng)
    if isinstance(question, WhichPhoto):
        return measure_photo(answer, theft.truth[rows], rng)
    if isinstance(question, SamePerson):
        columns = panel.of(theft.others)
        return measure_linkage(answer[:, columns], _mates(theft.people[rows], theft.others[columns]), rng)
    faces = _truth(people, panel.people, rules.yardstick)
    at = rules.yardstick
    return measure_reconstruction(answer, faces, at.thresholds, rng, uncentred=at.uncentred)


def _mates(people: Index, others: Index) -> Index:
    """For each stolen record, the place of the same person's record in the second database."""
    place = {int(person): position for position, person in enumerate(others)}
    return np.array([place[int(person)] for person in people], dtype=np.intp)


def _truth(people: Index, enrolled: Enrolled, yardstick: Yardstick) -> Truth:
    if enrolled.probes is None:
        raise ValueError("reconstructions can't be scored without other photos of the people")
    place = np.full(len(enrolled.references), -1, dtype=np.intp)
    place[people] = np.arange(len(people))
    seen = np.flatnonzero(place[enrolled.shown] >= 0)
    return Truth(
        mean=yardstick.mean,
        references=enrolled.references.embeddings[people],
        probes=enrolled.probes.embeddings[seen],
        shown=place[enrolled.shown[seen]],
    )


def _centred(faces: Faces, mean: FloatArray) -> FloatArray:
    return unit(faces.embeddings - mean)


def with_controls(record: Record, floor: Record | None, ceiling: Record | None) -> Record:
    """The record with the same attack's figures on ``noise`` and ``cosine`` beside its own.

    Its status becomes ``unmeasured`` when the attack can't break ``cosine``.
    """
    lows, highs = _values(floor), _values(ceiling)
    beside = (replace(one, floor=lows.get(one.metric), ceiling=highs.get(one.metric)) for one in record.measurements)
    record = replace(record, measurements=tuple(beside))
    if record.status is Status.OK and record.cell.attack not in (NO_ATTACK, ZERO_EFFORT) and not breaks(ceiling):
        control = ceiling_of(record.cell.question)
        why = f"the attack can't break '{control}' here, so what it finds or doesn't find says nothing"
        return replace(record, status=Status.UNMEASURED, error=why)
    return record


def breaks(ceiling: Record | None) -> bool:
    """Whether the attack beats chance on the control that hides nothing, by the interval of its headline metric."""
    if ceiling is None or not ceiling.measurements:
        return False
    metrics = {one.metric: one for one in ceiling.measurements}
    if ceiling.cell.question == "link":
        return metrics["eer"].high < 0.5
    headline = next(metrics[name] for name in _HEADLINES if name in metrics)
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
