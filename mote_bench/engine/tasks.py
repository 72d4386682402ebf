"""The tasks of worker processes: fit, enrol, compare, attack. Each returns an outcome and never raises."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import (
    OWN,
    Attack,
    Evidence,
    Faces,
    FloatArray,
    Key,
    Limits,
    Measurement,
    Preparation,
    Prepared,
    Scheme,
    Template,
)
from mote_bench.engine import scoring
from mote_bench.execution.deadline import deadline
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.identification import measure_identification
from mote_bench.metrics.measured import Measured, joined
from mote_bench.metrics.renewal import measure_renewal
from mote_bench.metrics.scorer import diagnose
from mote_bench.metrics.security import Guesses, measure_security
from mote_bench.metrics.shifts import measure_shifts
from mote_bench.metrics.tail import measure_tail
from mote_bench.metrics.tiles import Found, Tiles
from mote_bench.metrics.verification import (
    Compared,
    Index,
    Scores,
    least_fmr,
    measure_verification,
    threshold_at_fmr,
)
from mote_bench.metrics.worst_tenth import measure_worst_tenth
from mote_bench.planning.protocol import Protocol
from mote_bench.questions import Question
from mote_bench.questions.staging import Attacked, Database, VerificationTargets
from mote_bench.toolkit import (
    KEY_BYTES,
    QueryOracle,
    decides,
    draw_keys,
    enrolled_rows,
    on_device,
    revocable,
    stream,
    stream_seed,
    unit,
)

_SCORED_TWICE = 20
_OTHER_KEYS = 5
AT_ONCE = 40_000_000
"""Number of comparison scores held in memory at once (some gigabytes with intermediate arrays); more are computed in
parts by :mod:`mote_bench.engine.all_pairs`."""
_TIMED = 500
_OF_GAP = 200
"""Shadow subjects on whom the gap between genuine and impostor scores is measured."""


def placed(device: str, function: Callable[..., Outcome], *arguments: Any) -> Outcome:
    """The outcome of a task whose plug-ins are told to compute on ``device``."""
    with on_device(device):
        return function(*arguments)


def fit(scheme: Scheme, background: Faces, seed: int) -> Outcome:
    """The scheme, fitted on the background set."""
    return guarded(lambda: scheme.fit(background, seed=seed))


def enroll(scheme: Scheme, references: FloatArray, keys: Sequence[Key] | None, seeds: Sequence[int]) -> Outcome:
    """The templates of reference embeddings (n, d): a list of n bytes objects."""
    return guarded(lambda: _enrolled(scheme, references, keys, seeds))


def _enrolled(
    scheme: Scheme, references: FloatArray, keys: Sequence[Key] | None, seeds: Sequence[int]
) -> list[Template]:
    made = scheme.enroll(references, keys=keys, seeds=seeds)
    if len(made) != len(references) or not all(isinstance(template, bytes) for template in made):
        raise ValueError(f"enroll gave {len(made)} templates for {len(references)} people; expected bytes for each")
    return list(made)


def attempt(scheme: Scheme, background: Faces, references: FloatArray, seed: int, seconds: float) -> Outcome:
    """Fit a scheme, enrol the reference embeddings (n, d) and score them against each other, within ``seconds``."""

    def tried() -> None:
        with deadline(seconds):
            fitted = scheme.fit(background, seed=stream_seed(seed, "fit"))
            keys = draw_keys(len(references), stream(seed, "keys")) if revocable(fitted) else None
            made = _enrolled(fitted, references, keys, [stream_seed(seed, row) for row in range(len(references))])
            rows = enrolled_rows(made)
            if not len(rows):
                raise ValueError(f"enroll gave an empty template for all {len(made)} people; expected bytes of some")
            held = None if keys is None else [keys[row] for row in rows]
            scores = fitted.score([made[row] for row in rows], references, keys=held)
            _checked(scores, (len(rows), len(references)), "score")

    return guarded(tried)


@dataclass(frozen=True, eq=False)
class Trials:
    """Probes to compare with templates; probe j is of person ``shown[j]``.

    With ``bring_own_keys`` a claimant presents their own key to every template. Otherwise they present the key of the
    template that they claim, as if the keys were stolen.
    """

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None
    probes: FloatArray
    shown: npt.NDArray[np.intp]
    bring_own_keys: bool
    references: FloatArray | None = None
    """The enrolled embeddings (n, d), to compare the plain vectors too."""

    @property
    def scores(self) -> int:
        """Number of comparisons."""
        return len(self.templates) * len(self.probes)

    def some(self, people: int) -> Trials:
        """The trials among the first ``people`` people only."""
        return self.among(np.arange(min(people, len(self.templates))))

    def enrolled(self) -> Trials:
        """The trials among the people whom the scheme could enrol."""
        rows = enrolled_rows(self.templates)
        return self if len(rows) == len(self.templates) else self.among(rows)

    def among(self, people: Index) -> Trials:
        """The trials among these people only, in this order, numbered anew."""
        place = np.full(len(self.templates), -1)
        place[people] = np.arange(len(people))
        mine = place[self.shown] >= 0
        keys = None if self.keys is None else tuple(self.keys[person] for person in people)
        templates = tuple(self.templates[person] for person in people)
        references = None if self.references is None else self.references[people]
        return Trials(templates, keys, self.probes[mine], place[self.shown[mine]], self.bring_own_keys, references)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The trials that verification and fairness of one scheme are measured on.

    Attributes
    ----------
    targets : tuple of Trials
        The target subjects' probes against each of their enrolments (same subjects, other reference photo, other key).
        Two enrolments make figures depend less on single reference photos.
    shadow : Trials
        The calibration subjects' trials: thresholds are set on them and applied to the target subjects.
    groups : mapping of attribute -> (n target subjects,) str
        Each target subject's demographic group, for fairness.
    has_identity : bool
        Without identities only the time per score is measured.
    guesses : Guesses, optional
        The faces that an attacker presents to the target subjects' templates; without any, false-accept security isn't
        measured.
    """

    targets: tuple[Trials, ...]
    shadow: Trials
    groups: Mapping[str, npt.NDArray[np.str_]]
    has_identity: bool
    protocol: Protocol
    seed: int
    guesses: Guesses | None = None

    @property
    def scores(self) -> int:
        """Number of comparisons."""
        return sum(one.scores for one in (*self.targets, self.shadow))

    def few(self) -> Comparison:
        """The trials among the first people only, for what a few templates show."""
        return replace(self, targets=tuple(one.some(_TIMED) for one in self.targets), shadow=self.shadow.some(_TIMED))


@dataclass(frozen=True, eq=False)
class Verified:
    """Verification and fairness of one scheme, with (comparisons, seconds) of each batch of scores."""

    verify: Measured
    fairness: Measured
    timings: tuple[tuple[int, float], ...]


def verify(scheme: Scheme, comparison: Comparison) -> Outcome:
    """Verification and fairness of one scheme: an outcome that holds a :class:`Verified`."""
    return guarded(lambda: _verified(scheme, comparison))


def _verified(scheme: Scheme, comparison: Comparison) -> Verified:
    if not comparison.has_identity:
        few = comparison if comparison.scores <= AT_ONCE else comparison.few()
        return Verified(Measured((), {}), Measured((), {}), _timings(_all_timed(scheme, few)))
    timed = _all_timed(scheme, comparison)
    *targets, shadow = (scores for scores, _ in timed)
    protocol = comparison.protocol
    thresholds = rule(scheme)(shadow[_impostor(comparison.shadow)], {*protocol.fmr, protocol.fairness_fmr})
    # Enrolments side by side, not stacked: each probe is then identified in a gallery of one template per person.
    shown = np.concatenate([trials.shown for trials in comparison.targets])
    scores = Scores(np.hstack(targets), np.arange(len(targets[0])), shown)
    measured = _measured(scores, thresholds, comparison)
    measured = _with_points(measured, scores, shadow, comparison, thresholds)
    return _completed(measured, scheme, scores, comparison, thresholds=thresholds, timings=_timings(timed))


def conclude(scheme: Scheme, few: Comparison, found: Found, thresholds: Mapping[str, float]) -> Outcome:
    """As :func:`verify`, from error rates that were found in parts; ``few``: the trials among the first people."""

    def concluded() -> Verified:
        timed, first = _all_timed(scheme, few), few.targets[0]
        of_first = Scores(timed[0][0], np.arange(len(first.templates)), first.shown)
        *targets, shadow = (scores for scores, _ in timed)
        of_all = Scores(
            np.hstack(targets), np.arange(len(targets[0])), np.concatenate([one.shown for one in few.targets])
        )
        measured = _with_points(_measured(found, thresholds, few), of_all, shadow, few, thresholds)
        one = replace(few, targets=(first,))
        return _completed(measured, scheme, of_first, one, thresholds=thresholds, timings=_timings(timed))

    return guarded(concluded)


def rule(scheme: Scheme) -> Callable[..., dict[str, float]]:
    """How thresholds are set: by impostor scores or, of a scheme that decides, its own."""
    return scoring.own_threshold if decides(scheme) else scoring.thresholds


def rates(protocol: Protocol, thresholds: Mapping[str, float]) -> dict[str, float]:
    """The thresholds at which recognition is measured, in the protocol's order, the scheme's own last."""
    return {rate: thresholds[rate] for rate in (*protocol.fmr, OWN) if rate in thresholds}


def fairness_point(protocol: Protocol, thresholds: Mapping[str, float]) -> str:
    """The operating point of fairness: the protocol's rate, or the scheme's own where it exceeds that rate."""
    return protocol.fairness_fmr if protocol.fairness_fmr in thresholds or OWN not in thresholds else OWN


def _measured(scores: Compared, thresholds: Mapping[str, float], comparison: Comparison) -> Verified:
    protocol = comparison.protocol
    verified = measure_verification(scores, rates(protocol, thresholds), stream(comparison.seed, "verify"))
    point = fairness_point(protocol, thresholds)
    fair = measure_fairness(
        scores,
        comparison.groups,
        thresholds[point],
        fmr_name=point,
        alpha=protocol.fairness_alpha,
        rng=stream(comparison.seed, "fairness"),
    )
    if OWN in thresholds:
        if comparison.shadow.references is not None:
            verified = replace(verified, measurements=(*verified.measurements, *_plain(verified, comparison)))
        # An equal error rate needs a curve.
        fair = replace(fair, measurements=tuple(one for one in fair.measurements if one.metric != "ser"))
    return Verified(verified, fair, ())


def _with_points(
    measured: Verified, targets: Scores, shadow: FloatArray, comparison: Comparison, thresholds: Mapping[str, float]
) -> Verified:
    """Adds operating points and the worst tenth; of very many subjects they are measured on the first ones only.

    Each has a random stream of its own, so that no figure beside it depends on it.
    """
    calibration = Scores(shadow, np.arange(len(shadow)), comparison.shadow.shown)
    known, groups = rates(comparison.protocol, thresholds), comparison.groups
    verify = [measure_worst_tenth(targets, known, groups, stream(comparison.seed, "worst tenth"))]
    fair = list[Measured]()
    if OWN in thresholds:
        verify.append(Measured((), {"undefined": dict.fromkeys(("tail_fnmr", "fnir"), "the scheme decides by itself")}))
    else:
        verify.append(measure_tail(calibration, targets, known, stream(comparison.seed, "tail")))
        verify.append(measure_identification(calibration, targets))
        fair.append(Measured(measure_shifts(targets, groups, stream(comparison.seed, "shifts"))))
    return replace(measured, verify=joined(measured.verify, *verify), fairness=joined(measured.fairness, *fair))


def _plain(verified: Measured, comparison: Comparison) -> tuple[Measurement, ...]:
    """The plain vectors' error rates where a scheme that decides has its own: FNMR at the FMR that it reached.

    Their threshold is set on the calibration subjects for that FMR, or for the lowest at which these are enough.
    """
    [reached] = [one.value for one in verified.measurements if (one.metric, one.at) == ("fmr_reached", OWN)]
    trials = (*comparison.targets, comparison.shadow)
    *targets, shadow = [unit(one.references) @ unit(one.probes).T for one in trials if one.references is not None]
    impostor = shadow[_impostor(comparison.shadow)]
    threshold = threshold_at_fmr(impostor, max(reached, least_fmr(len(impostor))))
    shown = np.concatenate([one.shown for one in comparison.targets])
    scores = Scores(np.hstack(targets), np.arange(len(targets[0])), shown)
    plain = measure_verification(scores, {OWN: threshold}, stream(comparison.seed, "plain"))
    named = {one.metric: one for one in plain.measurements if one.at == OWN}
    return tuple(replace(named[metric], metric=f"plain_{metric}") for metric in ("fnmr", "fmr_reached"))


def in_tiles(scheme: Scheme, targets: Sequence[Trials]) -> Tiles:
    """The scores of all enrolments side by side, as in :func:`verify`, in tiles."""
    starts = np.cumsum([0, *(len(trials.probes) for trials in targets)])

    def ask(rows: Index, columns: Index) -> FloatArray:
        scores = np.empty((len(rows), len(columns)))
        for trials, start, end in zip(targets, starts, starts[1:], strict=False):
            here = (columns >= start) & (columns < end)
            if here.any():
                scores[:, here] = _scores(scheme, trials, rows, columns[here] - start)
        return scores

    shown = np.concatenate([trials.shown for trials in targets])
    return Tiles(ask, np.arange(len(targets[0].templates)), shown)


def _completed(
    measured: Verified,
    scheme: Scheme,
    scores: Scores,
    comparison: Comparison,
    *,
    thresholds: Mapping[str, float],
    timings: tuple[tuple[int, float], ...],
) -> Verified:
    """Adds what is measured on a few templates only: the scorer's diagnosis, and acceptance under other keys or of an
    attacker's faces."""
    verified = measured.verify
    details = {**verified.details, "scorer": _scorer(scheme, scores, comparison)}
    renewed, secure = Measured((), {}), Measured((), {})
    known = rates(comparison.protocol, thresholds)
    if comparison.targets[0].keys is not None and comparison.targets[0].bring_own_keys:
        renewed = _renewal(scheme, comparison, known)
    if comparison.guesses is not None:
        secure = _security(scheme, comparison, comparison.guesses, known)
    verified = replace(
        verified,
        measurements=(*verified.measurements, *renewed.measurements, *secure.measurements),
        details={**details, **renewed.details, **secure.details},
    )
    return replace(measured, verify=verified, timings=timings)


def _security(scheme: Scheme, comparison: Comparison, guesses: Guesses, thresholds: Mapping[str, float]) -> Measured:
    """False-accept security of the target subjects' templates against an attacker who knows their keys."""
    trials, rng = comparison.targets[0], stream(comparison.seed, "security")

    def score(row: int, faces: FloatArray) -> FloatArray:
        keys = None if trials.keys is None else [trials.keys[row]]
        scores = _checked(scheme.score([trials.templates[row]], faces, keys=keys), (1, len(faces)), "score")
        return np.ravel(scores)

    measured = measure_security(score, len(trials.templates), guesses, thresholds, rng=rng)
    apart = {"key_bits": 0 if trials.keys is None else 8 * KEY_BYTES}
    return replace(measured, details={name: one | apart for name, one in measured.details.items()})


def _renewal(scheme: Scheme, comparison: Comparison, thresholds: Mapping[str, float]) -> Measured:
    """Renewability: acceptance of each target subject's own probes under keys that the template wasn't made with."""
    trials, rng = comparison.targets[0], stream(comparison.seed, "other keys")
    answers, person = [], []
    for row in np.unique(trials.shown):
        probes, keys = trials.probes[trials.shown == row], draw_keys(_OTHER_KEYS, rng)
        shape = (_OTHER_KEYS, len(probes))
        scores = scheme.score([trials.templates[row]] * _OTHER_KEYS, probes, keys=keys)
        answers.append(_checked(scores, shape, "score").ravel())
        person.append(np.full(answers[-1].size, row))
    values = np.concatenate(answers)
    opened = {rate: values >= threshold for rate, threshold in thresholds.items()}
    return measure_renewal(opened, np.concatenate(person))


def _scorer(scheme: Scheme, scores: Scores, comparison: Comparison) -> dict[str, Any]:
    """The diagnosis of the scheme's scores, as JSON: a few templates are scored twice."""
    trials = comparison.targets[0]
    few = slice(None, _SCORED_TWICE)
    keys = None if trials.keys is None else trials.keys[few]

    def answers() -> FloatArray:
        shape = (len(trials.templates[few]), len(trials.probes))
        return _checked(scheme.score(trials.templates[few], trials.probes, keys=keys), shape, "score")

    found = diagnose(scores, answers(), answers())
    return {**asdict(found), "names": list(found.names)}


def _impostor(trials: Trials) -> npt.NDArray[np.bool_]:
    return np.not_equal.outer(np.arange(len(trials.templates)), trials.shown)


def _all_timed(scheme: Scheme, comparison: Comparison) -> list[tuple[FloatArray, float]]:
    """The scores of each of the trials, with the seconds that they took."""
    return [_timed(scheme, trials) for trials in (*comparison.targets, comparison.shadow)]


def _timings(timed: Sequence[tuple[FloatArray, float]]) -> tuple[tuple[int, float], ...]:
    return tuple((scores.size, seconds) for scores, seconds in timed)


def _timed(scheme: Scheme, trials: Trials) -> tuple[FloatArray, float]:
    start = time.perf_counter()
    scores = _scores(scheme, trials)
    return scores, time.perf_counter() - start


def _scores(
    scheme: Scheme,
    trials: Trials,
    rows: Index | None = None,
    columns: Index | None = None,
) -> FloatArray:
    """The scores of the templates ``rows`` against the probes ``columns``; by default of all of them."""
    rows = np.arange(len(trials.templates)) if rows is None else rows
    columns = np.arange(len(trials.probes)) if columns is None else columns
    templates, shown = [trials.templates[row] for row in rows], trials.shown[columns]
    probes, shape = trials.probes[columns], (len(rows), len(columns))
    if trials.keys is None or not trials.bring_own_keys:
        keys = None if trials.keys is None else [trials.keys[row] for row in rows]
        return _checked(scheme.score(templates, probes, keys=keys), shape, "score")
    scores = np.empty(shape)
    for person in np.unique(shown):
        here = np.flatnonzero(shown == person)
        block = scheme.score(templates, probes[here], keys=[trials.keys[person]] * shape[0])
        scores[:, here] = _checked(block, (shape[0], len(here)), "score")
    return scores


@dataclass(frozen=True, eq=False)
class Preparing:
    """What a preparation gave, and the online queries that it made of each subject, (n,) int."""

    prepared: Prepared
    used: npt.NDArray[np.int64] | None


def prepare(preparation: Preparation, evidence: Evidence, seed: int, limit: float | None) -> Outcome:
    """A :class:`Preparing`: what attacks will start from, checked for its number of rows and finite values."""

    def prepared() -> Preparing:
        with deadline(limit):
            given = preparation.prepare(evidence, stream(seed))
        for name, table in given.per_template.items():
            if len(table) != evidence.people:
                raise ValueError(
                    f"'{name}' has {len(table)} rows for {evidence.people} templates; expected one of each"
                )
        for name, table in {**given.per_template, **given.common}.items():
            if not np.isfinite(table).all():
                raise ValueError(f"'{name}' holds {np.sum(~np.isfinite(table))} values that are NaN or infinite")
        return Preparing(given, getattr(evidence.oracle, "used", None))

    return guarded(prepared)


def attack(
    attacker: Attack,
    question: Question,
    evidence: Evidence,
    verification_targets: VerificationTargets | None,
    *,
    seed: int,
    limit: float | None,
) -> Outcome:
    """An ``Attacked``: the answer, checked for shape and finite values, and the scores of its reconstructions."""

    def attacked() -> Attacked:
        with deadline(limit):
            given = attacker.answer(question, evidence, stream(seed, "attack"))
        answer = _checked(given, question.shape(evidence), "answer")
        used = getattr(evidence.oracle or evidence.challenger, "used", None)
        fewer = _with_fewer_queries(attacker, question, evidence, seed=seed, limit=limit)
        limited = _under_limits(attacker, question, evidence, seed=seed, limit=limit)
        return Attacked(answer, used, shown(question, answer, verification_targets), fewer, limited)

    return guarded(attacked)


def _with_fewer_queries(
    attacker: Attack, question: Question, evidence: Evidence, *, seed: int, limit: float | None
) -> dict[int, FloatArray]:
    """The attack's answers with each smaller budget that it names, by the number of queries."""
    oracle, found = evidence.oracle, dict[int, FloatArray]()
    if not isinstance(oracle, QueryOracle):
        return found
    made = int(oracle.used.max(initial=0))
    for budget in (one for one in getattr(attacker, "budgets", ()) if one < made):
        # What was prepared has spent the whole budget, so it is prepared anew.
        fewer = replace(evidence, oracle=oracle.of_budget(budget), prepared={})
        with deadline(limit):
            given = attacker.answer(question, fewer, stream(seed, "attack"))
        found[budget] = _checked(given, question.shape(evidence), f"answer with {budget} queries")
    return found


def _under_limits(
    attacker: Attack, question: Question, evidence: Evidence, *, seed: int, limit: float | None
) -> dict[Limits, FloatArray]:
    """The attack's answers under each of the limits that it names; without those that can't be set here.

    These are noise where no gap between genuine and impostor scores is known, and a number of queries that is no limit.
    """
    oracle, found = evidence.oracle, dict[Limits, FloatArray]()
    named: tuple[Limits, ...] = getattr(attacker, "limits", ())
    if not isinstance(oracle, QueryOracle) or not named:
        return found
    gap = _gap(oracle, evidence)
    for one in named:
        if (one.noise and gap is None) or (one.queries or 0) >= oracle.budget:
            continue
        system = oracle.under(one, gap=gap or 0.0, rng=stream(seed, "limits", repr(one)))
        with deadline(limit):
            given = attacker.answer(question, replace(evidence, oracle=system, prepared={}), stream(seed, "attack"))
        found[one] = _checked(given, question.shape(evidence), f"answer under {one}")
    return found


def _gap(oracle: QueryOracle, evidence: Evidence) -> float | None:
    """The mean genuine less the mean impostor score of shadow subjects; ``None`` without second photos of them."""
    shadow = evidence.shadow
    if shadow is None or shadow.seconds is None or len(shadow.templates) < 2:
        return None
    few = slice(_OF_GAP)
    keys = None if shadow.keys is None else shadow.keys[few]
    return oracle.gap(shadow.templates[few], shadow.seconds.embeddings[few], keys=keys)


def shown(
    question: Question, answer: FloatArray, verification_targets: VerificationTargets | None
) -> dict[str, FloatArray]:
    """The running system's scores of the answer's reconstructions, by the names of ``verification_targets``."""
    if verification_targets is None:
        return {}
    faces = unit(answer).astype(np.float32)

    def scores(name: str, records: Database) -> FloatArray:
        if question.presents[name].every_face:
            return _scored(verification_targets.scheme, records, faces)
        rows = range(len(faces))
        return np.array(
            [_scored(verification_targets.scheme, records.rows(np.array([row])), faces[[row]])[0, 0] for row in rows]
        )

    return {name: scores(name, records) for name, records in verification_targets.records.items()}


def _scored(scheme: Scheme, records: Database, faces: FloatArray) -> FloatArray:
    shape = (len(records.templates), len(faces))
    return _checked(scheme.score(records.templates, faces, keys=records.keys), shape, "score")


def thresholds(scheme: Scheme, people: Trials, rates: Sequence[str]) -> Outcome:
    """The running system's thresholds: a mapping of false match rate to score."""
    return guarded(lambda: rule(scheme)(_scores(scheme, people)[_impostor(people)], rates))


def _checked(array: object, shape: tuple[int, int], what: str) -> FloatArray:
    values = np.asarray(array, dtype=np.float64)
    if values.shape != shape:
        raise ValueError(f"{what} has shape {values.shape}; expected {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} holds {np.sum(~np.isfinite(values))} values that are NaN or infinite")
    return values
