"""Runs the cells of a plan: fit, enrol, compare, attack. A failed cell becomes a record too, and the run goes on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from mote_bench.contracts import (
    CONTROLS,
    Cell,
    FloatArray,
    Knowledge,
    Record,
    Scheme,
    Status,
    Template,
    Threat,
)
from mote_bench.engine import all_pairs, enrolment, scoring, tasks
from mote_bench.engine.enrolment import Held
from mote_bench.engine.key_regimes import KeyRegime
from mote_bench.engine.ledger import Ledger
from mote_bench.engine.preparations import Job, Preparations, jobs_of
from mote_bench.engine.time_left import ATTACK, COMPARE, ENROLL, FIT, THRESHOLDS, Took, Work
from mote_bench.execution import workers
from mote_bench.execution.cluster import Cluster
from mote_bench.execution.isolation import Bounds, contained
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.execution.progress import Progress
from mote_bench.metrics.measured import with_people
from mote_bench.metrics.security import Guesses
from mote_bench.planning.settings import Setting
from mote_bench.planning.split import Enrolled
from mote_bench.questions.harness import COST, LEFT_OUT, NO_ATTACK, VERIFY, ZERO_EFFORT
from mote_bench.questions.installed import ceilings
from mote_bench.questions.staging import Database, Index, Rules, Staged
from mote_bench.records import provenance, store
from mote_bench.records.provenance import SHADOW_SUBJECTS
from mote_bench.records.runs import add_run, add_times
from mote_bench.toolkit import KEY_BYTES, enrolled_rows, revocable, stream, stream_seed

SHARED_SECONDS = "shared_seconds"
"""In a record's cost: the part of the attack's seconds that its preparations took, once for all attacks they serve."""
_PUBLIC_FACES = 1024
"""Of the background set, the faces that are presented themselves. The prior is fitted to all of them."""


@dataclass(frozen=True, eq=False)
class Finished:
    """The records of a run in plan order, how many of them were kept from an earlier run, and what the others took."""

    records: tuple[Record, ...]
    kept: int
    took: Took


def run(
    setting: Setting,
    folder: Path,
    *,
    jobs: int,
    progress: Progress,
    fresh: bool = False,
    cluster: Cluster | None = None,
    bounds: Bounds | None = None,
) -> Finished:
    """Run every cell of the plan that isn't finished in ``folder``. Each record is written once it is complete.

    Parameters
    ----------
    jobs : int
        Number of worker processes, one thread each. The figures don't depend on it.
    progress : callable
        Called after each finished task.
    fresh : bool
        Run finished cells again.
    cluster : Cluster, optional
        Run the tasks there instead of in processes of this machine. The figures don't depend on it.
    bounds : Bounds, optional
        Run each task in its own process within these limits. The figures don't depend on it.
    """
    cells = setting.plan.cells
    origins = provenance.of_setting(setting)
    add_run(folder, setting.spec)
    kept = {} if fresh else store.finished(folder, cells, origins)
    ledger = Ledger(folder, cells, origins, progress, dict(kept))
    stage = _Stage(setting, jobs, ledger, cluster, bounds)
    try:
        with threadpool_limits(limits=1):  # leaves the cores to the workers
            _run(stage)
        took = ledger.took(jobs if cluster is None else cluster.slots)
    finally:
        workers.stop()
    if took.idle_share is not None:
        add_times(
            folder, {"seconds": took.seconds, "workers": took.workers, "idle_share": took.idle_share} | ledger.cost
        )
    return Finished(tuple(ledger.records[cell] for cell in cells), len(kept), took)


@dataclass(frozen=True, eq=False)
class Variation:
    """A run whose attackers hold something else, such as fewer shadow subjects or parts of the templates.

    Attributes
    ----------
    setting : Setting
        The run's, with the cells to attack.
    folder : Path
        For the records; :func:`~mote_bench.records.store.opened` has made it. Finished cells are kept.
    stated : mapping of str -> str
        What the records' provenance says of the variation.
    held : callable
        From what is enrolled to what these attackers face, called by a task; systems and thresholds stay the same.
    controls : mapping of Cell -> Record
        Of the attacks on the controls, where they aren't among the cells.
    """

    setting: Setting
    folder: Path
    stated: Mapping[str, str]
    held: Callable[[Held], Held]
    controls: Mapping[Cell, Record] = field(default_factory=dict)


def run_with_fewer(
    setting: Setting,
    folders: Mapping[int, Path],
    *,
    jobs: int,
    progress: Progress,
    whole: Mapping[Cell, Record] = MappingProxyType({}),
) -> dict[int, tuple[Record, ...]]:
    """Run the attacks of the plan with fewer shadow subjects; the figures with all of them are those of :func:`run`.

    The shadow subjects of a smaller number are among those of a larger one. Thresholds stay those of all: the attacker
    has fewer subjects, and the system is the same.

    Parameters
    ----------
    folders : mapping of int -> Path
        A folder for the records of each number of shadow subjects; see :class:`Variation`.
    whole : mapping of Cell -> Record
        The run's records, with all shadow subjects. An attack whose figures are all equal to these with the smallest
        number doesn't depend on its shadow subjects. It isn't run with the numbers between, and has no records there.
    """
    total = len(setting.split.shadow.references)
    fewer = [
        Variation(
            setting, folders[count], {SHADOW_SUBJECTS: f"{count} of {total}"}, partial(Held.with_shadow, count=count)
        )
        for count in sorted(folders)
    ]

    def independent(first: Mapping[Cell, Record]) -> dict[Cell, Record]:
        return {cell: one for cell, one in first.items() if cell in whole and _same_figures(one, whole[cell])}

    made = run_varied(fewer, jobs=jobs, progress=progress, settled=independent)
    return dict(zip(sorted(folders), made, strict=True))


def _same_figures(one: Record, other: Record) -> bool:
    """Whether all figures are equal; the controls beside them are other records'."""
    first, second = ([replace(m, floor=None, ceiling=None) for m in record.measurements] for record in (one, other))
    return bool(first) and first == second


def run_varied(
    variations: Sequence[Variation],
    *,
    jobs: int,
    progress: Progress,
    regime: KeyRegime | None = None,
    settled: Callable[[Mapping[Cell, Record]], Mapping[Cell, Record]] = lambda first: {},
) -> list[tuple[Record, ...]]:
    """Run the attacks of each variation of one run: the records of each, in the order of its plan.

    Schemes are fitted and enrolled once for all. The variations' settings differ in the cells of their plans alone.

    Parameters
    ----------
    regime : KeyRegime, optional
        How the system deals keys. It then enrols the shadow subjects too (``Held.further``), and no threshold is set,
        so that acceptance by the running system isn't measured.
    """
    stages = []
    for one in variations:
        cells = one.setting.plan.cells
        origins = {cell: {**made, **one.stated} for cell, made in provenance.of_setting(one.setting).items()}
        kept = {**store.finished(one.folder, cells, origins), **one.controls}
        ledger = Ledger(one.folder, cells, origins, progress, kept)
        stages.append(_Stage(one.setting, jobs, ledger, None, None, regime))

    def settle() -> None:
        known = settled(stages[0].ledger.records) if len(stages) > 1 else {}
        for stage in stages[1:]:
            stage.ledger.records |= {cell: known[cell] for cell in stage.ledger.pending() if cell in known}

    settle()
    waiting = [(stage, one) for stage, one in zip(stages, variations, strict=True) if stage.ledger.pending()]
    try:
        with threadpool_limits(limits=1):  # leaves the cores to the workers
            _attack_varied(waiting, settle)
    finally:
        workers.stop()
    return [tuple(stage.ledger.records[cell] for cell in stage.ledger.cells) for stage in stages]


def _attack_varied(stages: Sequence[tuple[_Stage, Variation]], settle: Callable[[], None]) -> None:
    if not stages:
        return
    # One ledger enrols for all: a cell that is finished in one variation may be pending in another.
    first, _ = stages[0]
    pending = dict.fromkeys(cell for stage, _ in stages for cell in stage.ledger.pending())
    origins = {cell: one for stage, _ in stages for cell, one in stage.ledger.origins.items()}
    first = replace(first, ledger=Ledger(first.ledger.folder, list(pending), origins, first.ledger.progress, {}))
    names = list(dict.fromkeys(cell.scheme for cell in pending))
    first.ledger.expect(_tasks(first, names), {*CONTROLS, *ceilings()})
    held = _enroll(first, _fit(first, names))
    for name in [name for name, one in held.items() if one.refuses]:
        # Variations take parts of templates, or presented keys, of every subject.
        first.give_up(name, Outcome(None, 0.0, "the scheme could not enrol every subject, which this study needs"))
        del held[name]
    held = _with_thresholds(first, held)
    for stage, variation in stages:
        for cell in stage.ledger.pending():
            if cell.scheme not in held:
                lost = first.ledger.found(cell)
                stage.ledger.fail(cell, lost.error or "", status=lost.status)
        mine = dict.fromkeys(cell.scheme for cell in stage.ledger.pending())
        hold = partial(_changed, variation.held)
        seen = dict(stage.outcomes(workers.Task(name, hold, (held[name],)) for name in mine))
        for name, outcome in seen.items():
            if outcome.error is not None:
                stage.give_up(name, outcome)
        stage.ledger.expect(_works(stage), {*CONTROLS, *ceilings()})
        _attack(stage, {name: outcome.value for name, outcome in seen.items() if outcome.error is None})
        settle()


def _changed(change: Callable[[Held], Held], held: Held) -> Outcome:
    return guarded(lambda: change(held))


@dataclass(frozen=True, eq=False)
class _Stage:
    setting: Setting
    jobs: int
    ledger: Ledger
    cluster: Cluster | None
    bounds: Bounds | None
    regime: KeyRegime | None = None
    """How keys are dealt, where that is studied."""

    def outcomes(self, made: Iterable[workers.Task | None]) -> Iterator[tuple[Any, Outcome]]:
        place = partial(tasks.placed, self.setting.spec.device)
        made = (task and replace(task, function=partial(place, task.function)) for task in made)
        if self.bounds is not None:
            contain = partial(contained, self.bounds)
            made = (task and replace(task, function=partial(contain, task.function)) for task in made)
        for key, outcome in workers.run(made, jobs=self.jobs, cluster=self.cluster):
            self.ledger.spent(outcome)
            yield key, outcome

    def forget(self) -> None:
        """Run the next tasks in new processes. With bounds each task has its own process anyway."""
        if self.bounds is None:
            workers.renew(self.cluster)

    def give_up(self, scheme: str, outcome: Outcome) -> None:
        """Fail every cell that is left of a scheme which can't be fitted or can't enrol."""
        self.ledger.drop(scheme)
        for cell in self.ledger.pending():
            if cell.scheme == scheme:
                self.fail(cell, outcome)

    def fail(self, cell: Cell, outcome: Outcome) -> None:
        status = Status.TIMED_OUT if outcome.timed_out else Status.FAILED
        self.ledger.fail(cell, outcome.error or "", seconds=outcome.seconds, status=status)

    def seed_of(self, purpose: str, cell: Cell) -> int:
        return stream_seed(self.setting.seed, purpose, *astuple(cell))


def _run(stage: _Stage) -> None:
    """Run the controls first: the floor and ceiling of every other cell come from them."""
    for cell in stage.ledger.pending():
        if (why := stage.setting.plan.left_out.get(cell.scheme)) is not None:
            stage.ledger.add(Record(cell, Status.UNMEASURED, details={LEFT_OUT: why}, error=f"left out: {why}"))
    names = list(dict.fromkeys(cell.scheme for cell in stage.ledger.pending()))
    controls = {*CONTROLS, *ceilings()}
    stage.ledger.expect(_tasks(stage, names), controls)
    for group in (controls, set(names) - controls):
        held = _enroll(stage, _fit(stage, [name for name in names if name in group]))
        _verify(stage, held)
        held = _with_thresholds(stage, held)
        _attack(stage, held)


def _tasks(stage: _Stage, names: Sequence[str]) -> list[Work]:
    """Number of tasks ahead: per scheme a fit and its enrolments, then comparisons, thresholds and attacks."""
    pending, protocol = stage.ledger.pending(), stage.setting.protocol
    sets = enrolment.people_sets(stage.setting.split, protocol, _wanted(stage))
    chunks = [
        min(protocol.people_per_task, len(people) - start)
        for people in sets.values()
        for start in range(0, len(people), protocol.people_per_task)
    ]
    scenarios = dict.fromkeys((cell.scheme, cell.knowledge) for cell in pending if _is_harness(cell))
    opened = dict.fromkeys(cell.scheme for cell in pending if not _is_harness(cell))
    return [
        *(Work(FIT, name) for name in names),
        *(Work(ENROLL, name, people=people) for name in names for people in chunks),
        *(Work(COMPARE, *scenario) for scenario in scenarios for _ in range(_tasks_of_comparison(stage))),
        *(Work(THRESHOLDS, name) for name in opened for _ in range(_tasks_of_thresholds(stage))),
        *_works(stage),
    ]


def _works(stage: _Stage) -> list[Work]:
    """The preparations and attacks ahead."""
    attacks = [cell for cell in stage.ledger.pending() if not _is_harness(cell)]
    shared = dict.fromkeys(job for cell in attacks for job in jobs_of(cell, stage.setting.plan))
    return [*(job.work for job in shared), *(_attack_work(cell) for cell in attacks)]


def _tasks_of_comparison(stage: _Stage) -> int:
    split = stage.setting.split
    enrolments = 1 if split.target.seconds is None else 2
    targets, shadow = _size(split.target, enrolments), _size(split.calibration)
    return all_pairs.tasks_of_comparison(targets, shadow, has_identity=split.has_identity)


def _tasks_of_thresholds(stage: _Stage) -> int:
    people = stage.setting.split.calibration
    return 0 if people.probes is None or stage.regime is not None else all_pairs.tasks_of_thresholds(_size(people))


def _size(people: Enrolled, enrolments: int = 1) -> all_pairs.Size:
    templates = len(people.references)
    probes = templates if people.probes is None else len(people.probes)
    return all_pairs.Size(templates, templates * probes * enrolments)


def _attack_work(cell: Cell) -> Work:
    """An attack's seconds depend on the scheme, what is held of it, the attack and the question."""
    return Work(ATTACK, cell.scheme, Threat.parse(cell.knowledge).knowledge, f"{cell.attack} {cell.question}")


def _wanted(stage: _Stage) -> enrolment.Wanted:
    """The enrolments that the attacks ahead need."""
    attacks = [cell for cell in stage.ledger.pending() if not _is_harness(cell)]
    questions = stage.setting.plan.questions
    return enrolment.Wanted(
        shadow_seconds=any(questions[cell.question].second_database for cell in attacks),
        records=max((Threat.parse(cell.knowledge).records for cell in attacks), default=1),
        further=stage.regime is not None,
    )


def _fit(stage: _Stage, names: Sequence[str]) -> dict[str, Scheme]:
    setting, fitted = stage.setting, {}
    made = enrolment.fit_tasks(setting.plan.schemes, names, setting.split.background, setting.seed)
    for name, outcome in stage.outcomes(made):
        stage.ledger.tick(Work(FIT, name), outcome.seconds, f"fitted {name}")
        if outcome.error is None:
            fitted[name] = outcome.value
        else:
            stage.give_up(name, outcome)
    return {name: fitted[name] for name in names if name in fitted}


def _enroll(stage: _Stage, fitted: Mapping[str, Scheme]) -> dict[str, Held]:
    """The first people of each set go first: what is left of every scheme's enrolment is soon known."""
    setting = stage.setting
    work = enrolment.enrolment(
        fitted,
        setting.split,
        setting.protocol,
        wanted=_wanted(stage),
        seed=setting.seed,
        regime=stage.regime or KeyRegime.TEMPLATE,
    )
    made: dict[enrolment.Chunk, Outcome] = {}
    for chunk, outcome in stage.outcomes(map(work.task, sorted(work.chunks(), key=lambda chunk: chunk.start > 0))):
        made[chunk] = outcome
        done = Work(ENROLL, chunk.scheme, people=work.size(chunk))
        stage.ledger.tick(done, outcome.seconds, f"enrolled {enrolment.in_words(chunk.people)} with {chunk.scheme}")
    held = {}
    for name in fitted:
        failed = [outcome for chunk, outcome in made.items() if chunk.scheme == name and outcome.error is not None]
        if failed:
            stage.give_up(name, failed[0])
            continue
        one = work.held(name, made, setting.split)
        if why := enrolment.too_few(one, len(setting.split.target.references)):
            stage.give_up(name, Outcome(None, 0.0, why))
        else:
            held[name] = one
    return held


def _verify(stage: _Stage, held: Mapping[str, Held]) -> None:
    """Verification and fairness of each scheme and, from the same comparisons, the cost of a score."""
    wanted = [cell for cell in stage.ledger.pending() if cell.scheme in held and _is_harness(cell)]
    scenarios = list(dict.fromkeys((cell.scheme, cell.knowledge) for cell in wanted))
    count, guesses = _tasks_of_comparison(stage), _guesses(stage) if wanted else None
    ahead = [(key, partial(_compared, stage, held[key[0]], *key, guesses), count) for key in scenarios]
    for key, outcome in _shared(stage, ahead, lambda key: Work(COMPARE, *key), "compared with"):
        for cell in wanted:
            if (cell.scheme, cell.knowledge) == key:
                _add_verified(stage, cell, outcome, held[cell.scheme])


def _guesses(stage: _Stage) -> Guesses | None:
    """The faces that an attacker presents, the same for all schemes; none where people aren't compared."""
    split = stage.setting.split
    if not split.has_identity:
        return None
    rng = stream(stage.setting.seed, "guesses")
    return Guesses.of(split.background.embeddings, most=_PUBLIC_FACES, rng=rng)


def _compared(stage: _Stage, held: Held, scheme: str, scenario: str, guesses: Guesses | None) -> all_pairs.Steps:
    comparison = replace(_comparison(stage, held, scheme, scenario), guesses=guesses)
    return all_pairs.compared(held.enrolled.scheme, comparison)


def _shared(
    stage: _Stage, ahead: Iterable[all_pairs.Ahead], work_of: Callable[[Any], Work], what: str
) -> Iterator[tuple[Any, Outcome]]:
    """The outcomes of comparisons, each of which may take many tasks, by their keys."""
    shared = all_pairs.Shared(ahead)
    for (key, number), outcome in stage.outcomes(shared.tasks()):
        work, done = work_of(key), shared.take(key, number, outcome)
        message = f"{what} {work.scheme}"
        stage.ledger.tick(work, outcome.seconds, message)
        if done is not None:
            for _ in range(done.skipped):
                stage.ledger.tick(work, 0.0, message)
            yield key, done.outcome


def _is_harness(cell: Cell) -> bool:
    return cell.attack in (ZERO_EFFORT, NO_ATTACK)


def _comparison(stage: _Stage, held: Held, scheme: str, scenario: str) -> tasks.Comparison:
    setting, enrolled = stage.setting, held.enrolled
    own_keys = scenario != Knowledge.STOLEN_KEY
    people = setting.split.target
    targets, there = np.arange(len(people.references)), _compared_targets(stage, held)
    attributes = people.references.attributes
    whole = len(there) == len(targets)
    trials = tuple(
        _trials(database.rows(targets), people, own_keys, None if faces is None else faces.embeddings)
        for database, faces in ((enrolled.first, people.references), (enrolled.second, people.seconds))
        if database.templates
    )
    return tasks.Comparison(
        targets=trials if whole else tuple(one.among(there) for one in trials),
        shadow=_trials(
            held.calibration, setting.split.calibration, own_keys, setting.split.calibration.references.embeddings
        ).enrolled(),
        groups=attributes if whole else {name: np.asarray(labels)[there] for name, labels in attributes.items()},
        has_identity=setting.split.has_identity,
        protocol=setting.protocol,
        seed=stream_seed(setting.seed, "verify", scheme, scenario),
    )


def _compared_targets(stage: _Stage, held: Held) -> Index:
    """The target subjects whom the scheme could enrol from each of their references."""
    rows = np.arange(len(stage.setting.split.target.references))
    for templates in _of_targets(stage, held):
        rows = np.intersect1d(rows, enrolled_rows(templates))
    return rows


def _trials(database: Database, people: Enrolled, own_keys: bool, enrolled: FloatArray | None = None) -> tasks.Trials:
    """Probes against templates of the embeddings ``enrolled``.

    Without identities the references serve as probes, to time a score.
    """
    if people.probes is None:
        everyone = np.arange(len(people.references))
        return tasks.Trials(database.templates, database.keys, people.references.embeddings, everyone, own_keys)
    return tasks.Trials(database.templates, database.keys, people.probes.embeddings, people.shown, own_keys, enrolled)


def _add_verified(stage: _Stage, cell: Cell, outcome: Outcome, held: Held) -> None:
    if outcome.error is not None:
        stage.fail(cell, outcome)
    elif cell.question == COST:
        key_bytes = KEY_BYTES if revocable(held.enrolled.scheme) else 0
        measured = scoring.costs(
            held.enrolled.first.templates, held.timings, outcome.value.timings, key_bytes=key_bytes
        )
        stage.ledger.add(Record(cell, Status.OK, measured.measurements, measured.details))
    else:
        measured = outcome.value.verify if cell.question == VERIFY else outcome.value.fairness
        measured = with_people(measured, stage.setting.split.target.numbers[_compared_targets(stage, held)])
        measured = scoring.with_failures(
            measured,
            cell.question,
            acquisition=stage.setting.data.acquisition,
            templates=_of_targets(stage, held),
            groups=stage.setting.split.target.references.attributes,
            seed=stage.setting.seed,
        )
        cost = {"seconds": outcome.seconds}
        stage.ledger.add(Record(cell, Status.OK, measured.measurements, measured.details, cost))


def _of_targets(stage: _Stage, held: Held) -> list[tuple[Template, ...]]:
    """The target subjects' templates in each database; both hold the targets first."""
    targets = len(stage.setting.split.target.references)
    databases = (held.enrolled.first, held.enrolled.second)
    return [one.templates[:targets] for one in databases if one.templates]


def _with_thresholds(stage: _Stage, held: Mapping[str, Held]) -> dict[str, Held]:
    """The enrolled schemes with the running system's thresholds, at which all claimants present their own key."""
    setting = stage.setting
    attacked = {cell.scheme for cell in stage.ledger.pending() if not _is_harness(cell)}
    if not _tasks_of_thresholds(stage):
        return dict(held)

    def start(name: str) -> all_pairs.Steps:
        people = _trials(held[name].calibration, setting.split.calibration, True).enrolled()
        return all_pairs.thresholds(held[name].enrolled.scheme, people, setting.protocol.fmr)

    found, count = dict(held), _tasks_of_thresholds(stage)
    ahead = [(name, partial(start, name), count) for name in held if name in attacked]
    for name, outcome in _shared(stage, ahead, lambda name: Work(THRESHOLDS, name), "set the thresholds of"):
        if outcome.error is None:
            found[name] = replace(found[name], enrolled=replace(found[name].enrolled, thresholds=outcome.value))
    return found


def _attack(stage: _Stage, held: Mapping[str, Held]) -> None:
    wanted = [cell for cell in stage.ledger.pending() if cell.scheme in held and not _is_harness(cell)]
    rule = scoring.unprotected(stage.setting.split, stage.setting.protocol.fmr)
    rules = {name: Rules(rule, one.enrolled.thresholds) for name, one in held.items()}
    made = Preparations(stage.setting, {name: one.enrolled for name, one in held.items()}, wanted)
    staged: dict[Cell, Staged] = {}
    if wanted:
        stage.forget()  # a scheme may keep enrolled faces in memory, where an attack in the process could read them
    for key, outcome in stage.outcomes(_tried(stage, made, _in_order(stage, made, wanted), staged)):
        if isinstance(key, Job):
            stage.ledger.tick(key.work, outcome.seconds, f"prepared {key.name} of {key.scheme}")
            made.add(key, outcome)
            continue
        _tick_attack(stage, key, outcome.seconds)
        mine, shared = staged.pop(key), made.seconds(key)
        _add_attacked(
            stage, key, outcome, staged=mine, rules=rules[key.scheme], shared=shared, stated=held[key.scheme].stated
        )
        made.release(key)


def _in_order(stage: _Stage, made: Preparations, wanted: Sequence[Cell]) -> list[Cell | Job]:
    """Attacks, each after the preparations it needs; long ones first, so that no worker waits for one at the end.

    A cell's figures don't depend on its place.
    """

    def expected(cell: Cell) -> float:
        works = (_attack_work(cell), *(job.work for job in made.needed(cell)))
        return sum(map(stage.ledger.expected, works))

    ordered = sorted(wanted, key=expected, reverse=True)
    ahead: dict[Cell | Job, None] = {}
    for cell in ordered:
        ahead |= dict.fromkeys((*made.needed(cell), cell))
    return list(ahead)


def _tried(
    stage: _Stage, made: Preparations, ahead: list[Cell | Job], staged: dict[Cell, Staged]
) -> Iterator[workers.Task | None]:
    """The tasks of preparations and attacks: always the first whose preparations are done, ``None`` if none is."""
    while ahead:
        place = next((i for i, one in enumerate(ahead) if isinstance(one, Job) or made.ready(one)), None)
        if place is None:
            yield None
            continue
        one = ahead.pop(place)
        try:
            task = made.task(one) if isinstance(one, Job) else _attack_task(stage, made, one, staged)
        except ValueError as error:  # such as no threshold to decide by
            if isinstance(one, Job):
                stage.ledger.tick(one.work, 0.0, f"prepared {one.name} of {one.scheme}")
                made.add(one, Outcome(None, 0.0, str(error)))
            else:
                _tick_attack(stage, one, 0.0)
                stage.ledger.fail(one, str(error))
                made.release(one)
            continue
        if task is not None:
            yield task


def _attack_task(stage: _Stage, made: Preparations, cell: Cell, staged: dict[Cell, Staged]) -> workers.Task | None:
    """The task of an attack; ``None`` where one of its preparations failed, which fails the cell."""
    if (failed := made.failed(cell)) is not None:
        _tick_attack(stage, cell, 0.0)
        stage.fail(cell, failed)
        made.release(cell)
        return None
    staged[cell], verification_targets = made.hand(cell, stage.seed_of("theft", cell))
    plan = stage.setting.plan
    question, attack = plan.questions[cell.question], plan.attacks[cell.attack]
    call = partial(tasks.attack, seed=stage.seed_of("attack", cell), limit=stage.setting.protocol.seconds_per_attack)
    return workers.Task(cell, call, (attack, question, staged[cell].evidence, verification_targets))


def _tick_attack(stage: _Stage, cell: Cell, seconds: float) -> None:
    stage.ledger.tick(_attack_work(cell), seconds, f"{cell.attack} on {cell.scheme}: {cell.question}")


def _add_attacked(
    stage: _Stage,
    cell: Cell,
    outcome: Outcome,
    *,
    staged: Staged,
    rules: Rules,
    shared: float,
    stated: Mapping[str, Any],
) -> None:
    if outcome.error is not None:
        stage.fail(cell, outcome)
        return
    question, seed = stage.setting.plan.questions[cell.question], stage.seed_of("judge", cell)
    target, selection = scoring.panels(stage.setting.split)
    try:
        measured = scoring.measure(question, outcome.value, staged, panel=target, rules=rules, seed=seed)
    except (ValueError, ArithmeticError):  # an answer that can't be scored, such as one that overflows
        stage.ledger.fail(cell, traceback.format_exc(), seconds=outcome.seconds)
        return
    try:
        on_selection = scoring.measure(
            question, outcome.value, staged, panel=selection, rules=rules, seed=seed
        ).measurements
    except (ValueError, ArithmeticError):  # such as subjects of one class only: then they can't select this attack
        on_selection = ()
    cost = {"seconds": outcome.seconds + shared} | ({SHARED_SECONDS: shared} if shared else {})
    with_less = scoring.with_less(question, outcome.value, staged, panel=target, rules=rules, seed=seed)
    details = {**measured.details, **with_less, **stated}
    stage.ledger.add(Record(cell, Status.OK, measured.measurements, details, cost, rehearsal=on_selection))
