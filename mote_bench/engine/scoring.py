"""Scores attacks' answers against the truth, and adds the controls' figures and the status `unmeasured`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    BY_LIMITS,
    BY_QUERIES,
    NOT_ENROLLED,
    OWN,
    OWN_THRESHOLD,
    Acquisition,
    Faces,
    FloatArray,
    InputError,
    Measurement,
    Record,
    Status,
    Template,
)
from mote_bench.metrics import enrolment
from mote_bench.metrics.measured import Measured, joined
from mote_bench.metrics.transfer import Transfer
from mote_bench.metrics.verification import threshold_at_fmr, trials_needed
from mote_bench.planning.split import Split
from mote_bench.questions import Question
from mote_bench.questions.harness import NO_ATTACK, VERIFY, ZERO_EFFORT
from mote_bench.questions.installed import ceiling_of, rules_of
from mote_bench.questions.staging import Attacked, Case, Panel, Rules, Staged, Unprotected
from mote_bench.toolkit import enrolled_rows, stream, unit


def unprotected(split: Split, fmr: Iterable[str]) -> Unprotected:
    """Thresholds of the unprotected recogniser, set on the calibration subjects, at each false match rate."""
    mean = split.background.embeddings.mean(axis=0)
    people = split.calibration
    if people.probes is None:
        return Unprotected(mean, {})
    non_mated, rates = np.arange(len(people.references))[:, None] != people.shown[None, :], list(fmr)
    scores = _centred(people.references, mean) @ _centred(people.probes, mean).T
    plain = people.references.embeddings @ people.probes.embeddings.T
    accepts, uncentred = thresholds(scores[non_mated], rates), thresholds(plain[non_mated], rates)
    return Unprotected(mean, accepts, uncentred, _transfer(split, non_mated, rates))


def _transfer(split: Split, non_mated: npt.NDArray[np.bool_], rates: Sequence[str]) -> Transfer | None:
    """The map to the second recogniser; ``None`` unless background and calibration subjects have its embeddings."""
    people, public = split.calibration, split.background.second
    if public is None or people.references.second is None or people.probes is None or people.probes.second is None:
        return None
    mean = public.mean(axis=0)
    scores = unit(people.references.second - mean) @ unit(people.probes.second - mean).T
    return Transfer.learned(split.background, thresholds(scores[non_mated], rates))


def thresholds(impostor: FloatArray, fmr: Iterable[str], *, trials: int | None = None) -> dict[str, float]:
    """The threshold at each false match rate for which there are enough impostor scores.

    If only the highest of ``trials`` scores are given, they must be more than any of the rates accepts.
    """
    found = {}
    for rate in fmr:
        try:
            found[rate] = threshold_at_fmr(impostor, float(rate), trials=trials)
        except InputError:  # too few impostor scores: the rate is left out rather than guessed
            continue
    return found


def own_threshold(impostor: FloatArray, fmr: Iterable[str], *, trials: int | None = None) -> dict[str, float]:
    """The built-in threshold of a scheme that decides: as its own, and at each rate that is known not to be exceeded.

    A rate is left out where the scheme accepts more, and where there are too few impostor scores to say so.
    """
    trials = len(impostor) if trials is None else trials
    accepted = int((np.asarray(impostor) >= OWN_THRESHOLD).sum())
    kept = [rate for rate in fmr if accepted <= float(rate) * trials and trials >= trials_needed(float(rate))]
    return dict.fromkeys([OWN, *kept], OWN_THRESHOLD)


def panels(split: Split) -> tuple[Panel, Panel]:
    """The target and the selection subjects, in the order of enrolment."""
    return Panel(split.target, 0), Panel(split.selection, len(split.target.references))


def measure(
    question: Question, attacked: Attacked, staged: Staged, *, panel: Panel, rules: Rules, seed: int
) -> Measured:
    """Score one answer on the panel's subjects. The answer's rows are in the order of the evidence.

    Raises
    ------
    ValueError
        When the answer can't be scored, such as numbers so large that a sum overflows.
    """
    rng = np.random.default_rng(seed)
    measured = question.measure(Case(attacked, staged, panel, rules), rng)
    broken = [one.name for one in measured.measurements if not np.isfinite([one.value, one.low, one.high]).all()]
    if broken:
        raise ValueError(
            f"the answer can't be scored: {', '.join(broken)} came out as NaN or infinity; expected answers whose "
            "sums a float can hold"
        )
    return measured


def with_less(
    question: Question, attacked: Attacked, staged: Staged, *, panel: Panel, rules: Rules, seed: int
) -> dict[str, list[dict[str, Any]]]:
    """What the attack reaches with fewer online queries, and under limits of the system; without an entry if untried.

    Returns
    -------
    dict of key of a record's details -> list
        Of each try the number of queries or the limits, and value and interval of each metric. Where its answer can't
        be scored, such as one face for all subjects when none was accepted, ``undefined`` says why.
    """

    def reached(answer: FloatArray) -> dict[str, Any]:
        try:
            measured = measure(question, Attacked(answer, None, {}), staged, panel=panel, rules=rules, seed=seed)
        except (ValueError, ArithmeticError) as error:  # the answer with all queries counts all the same
            return {"measurements": {}, "undefined": str(error)}
        return {"measurements": {one.name: [one.value, one.low, one.high] for one in measured.measurements}}

    fewer = [{"queries": queries, **reached(answer)} for queries, answer in attacked.fewer.items()]
    limited = [{"limits": asdict(limits), **reached(answer)} for limits, answer in attacked.limited.items()]
    return {key: found for key, found in ((BY_QUERIES, fewer), (BY_LIMITS, limited)) if found}


def with_failures(
    measured: Measured,
    question: str,
    *,
    acquisition: Acquisition | None,
    templates: Sequence[Sequence[Template]],
    groups: Mapping[str, npt.NDArray[np.str_]],
    seed: int,
) -> Measured:
    """Verification or fairness with failures to acquire and to enrol beside; unchanged where none are known.

    Each has a random stream of its own, so that no figure beside it depends on it.

    Parameters
    ----------
    acquisition : Acquisition, optional
        The pictures of the data; ``None`` where it isn't known which of them gave no embedding.
    templates : sequence of (P,) bytes
        The target subjects' templates of each enrolment.
    groups : mapping of attribute -> (P,) str
        Their groups.
    """
    found, stages = list[Measured](), list[enrolment.Rate]()
    if acquisition is not None:
        if question == VERIFY:
            found.append(enrolment.measure_acquisition(acquisition))
        else:
            rng = stream(seed, "acquisition by group")
            found.append(enrolment.measure_acquisition_by_group(acquisition, groups, rng=rng))
        stages += enrolment.acquired_by_enrolled(acquisition)
    refused = np.array([[one == NOT_ENROLLED for one in database] for database in templates]).sum(axis=0)
    if refused.any():
        refused, trials = refused.astype(float), np.full(len(refused), float(len(templates)))
        of_scheme = enrolment.measure_enrolment(refused, trials)
        if question == VERIFY:
            found.append(of_scheme)
        else:
            rng = stream(seed, "enrolment by group")
            found.append(enrolment.measure_enrolment_by_group(refused, trials, groups, rng=rng))
        stages += [enrolment.Rate(one.value, one.low, one.high) for one in of_scheme.measurements]
    if stages and question == VERIFY:
        rates = [one for one in measured.measurements if one.metric == "fnmr"]
        found.append(Measured(tuple(enrolment.generalised_fnmr(one, *stages) for one in rates)))
    return joined(measured, *found) if found else measured


def _centred(faces: Faces, mean: FloatArray) -> FloatArray:
    return unit(faces.embeddings - mean)


def with_controls(record: Record, floor: Record | None, ceiling: Record | None) -> Record:
    """The record with the same attack's figures on the floor and the ceiling control beside its own.

    Its status becomes ``unmeasured`` if the attack fails on the ceiling control.
    """
    lows, highs = _values(floor), _values(ceiling)
    beside = (replace(one, floor=lows.get(one.name), ceiling=highs.get(one.name)) for one in record.measurements)
    record = replace(record, measurements=tuple(beside))
    if record.status is Status.OK and record.cell.attack not in (NO_ATTACK, ZERO_EFFORT) and not breaks(ceiling):
        return replace(record, status=Status.UNMEASURED, error=_why_unmeasured(record.cell.question, ceiling))
    return record


def _why_unmeasured(question: str, ceiling: Record | None) -> str:
    control = ceiling_of(question)
    if ceiling is None:
        return (
            f"not measured: the attack isn't run on the ceiling control '{control}', so nothing shows that it works. "
            f"Let it answer there too: its `needs` hold only methods that '{control}' has, and its `knowledge` holds "
            "`algorithm` (docs/write-an-attack.md)"
        )
    return f"not measured: the attack fails on the ceiling control '{control}', so its result here has no meaning"


def breaks(ceiling: Record | None) -> bool:
    """Whether the attack succeeds on the ceiling control: beats chance, by the question's own rule."""
    if ceiling is None or not ceiling.measurements:
        return False
    metrics = {one.name: one for one in ceiling.measurements}
    return rules_of(ceiling.cell.question).breaks(metrics)


def _values(record: Record | None) -> dict[str, float]:
    return {} if record is None else {one.name: one.value for one in record.measurements}


def costs(
    templates: Sequence[Template],
    enrolment: Sequence[tuple[int, float]],
    scoring: Sequence[tuple[int, float]],
    *,
    key_bytes: int,
) -> Measured:
    """Storage in bytes and time in seconds of one scheme; lower is better.

    Costs have no sampling interval: ``low`` and ``high`` are the smallest and the largest template, or the fastest
    and the slowest batch. ``enrolment`` and ``scoring`` hold (units, seconds) of each batch.
    """
    sizes = [len(templates[row]) for row in enrolled_rows(templates)]
    n = len(sizes)
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
