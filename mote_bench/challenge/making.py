"""Makes the files of a challenge: stolen databases for attackers, and the truth for the organiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

import mote_bench
from mote_bench import registry
from mote_bench.analysis.selection import better
from mote_bench.challenge import files
from mote_bench.challenge.dealing import Database, Deal, Dealt, Wishes, deal
from mote_bench.challenge.manifest import FACES, ChallengeTask, FittedScheme, Manifest, entry_and_fields, scheme_file
from mote_bench.challenge.rules import RULES, rules
from mote_bench.challenge.scoring import Scorer, random_answer, reading_of
from mote_bench.contracts import Evidence, InputError
from mote_bench.engine import enrolment, scoring, tasks
from mote_bench.engine.evidence import steal, verification_targets
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome
from mote_bench.execution.progress import Progress
from mote_bench.formatting import message
from mote_bench.planning.split import Enrolled, Split, among
from mote_bench.questions.installed import installed
from mote_bench.questions.staging import EnrolledScheme, Index, Panel, Rules, Scene, Staged, Unprotected
from mote_bench.toolkit import stream, stream_seed

SECRET_FORMAT = "mote-bench challenge secret 1"
SCORES_OF_CHECK = (3, 5)
"""Shadow templates and public faces whose scores show whether a scheme was fitted again as it was here."""
_KEEP = """# The secret part of a challenge

Keep this folder: it holds the truth, the seed, the orders and the keys. Never give it out before the challenge ends.
`public/` in it is a copy of what attackers get.
"""


@dataclass(frozen=True, eq=False)
class Made:
    """A challenge: its manifest, and the files of its parts by name.

    Attributes
    ----------
    apart : mapping of name -> bytes
        Files of the public part that are given out on agreement only.
    """

    manifest: Manifest
    public: Mapping[str, bytes]
    secret: Mapping[str, bytes]
    apart: Mapping[str, bytes]


@dataclass(frozen=True, eq=False)
class Hands:
    """Who works: worker processes, or this process alone for one job; and who is told of each finished task."""

    jobs: int
    progress: Progress

    def outcomes(self, made: Sequence[workers.Task], what: str) -> dict[Any, Outcome]:
        """The outcomes of these tasks, by their keys."""
        if self.jobs > 1:
            run = workers.run(made, jobs=self.jobs)
        else:
            run = ((task.key, task.function(*task.arguments)) for task in made)
        found = {}
        for key, outcome in run:
            found[key] = outcome
            self.progress(len(found), len(made), what)
        return found


def make(wishes: Wishes, *, jobs: int, progress: Progress = lambda *_: None) -> Made:
    """Make a challenge. The same wishes and code give the same bytes.

    Parameters
    ----------
    jobs : int
        Worker processes; 1 works in this process. What is made doesn't depend on it.
    progress : callable
        Called after each finished task.

    Raises
    ------
    InputError
        On names that don't exist, on too few subjects, and when nothing of what is asked for can be given as a file.
    """
    dealt = deal(wishes)
    enrolled = _all_enrolled(dealt, Hands(jobs, progress))
    rule = scoring.unprotected(dealt.parts, dealt.version.fmr)
    found: list[_Posed] = []
    for one, each, rows in _in_order(enrolled, dealt.spec.seed):
        for name in each.questions:
            made = _task(dealt, one, each.database, name, rows, Rules(rule, one.held.thresholds))
            found += [] if made is None else [made]
    if not found:
        raise InputError(f"nothing to ask: {'; '.join(dealt.left_out.told)}. Give more people")
    numbered = [replace(one, task=replace(one.task, id=f"t{number:02}")) for number, one in enumerate(found, 1)]
    return _written(dealt, enrolled, numbered, rule, apart=wishes.faces_apart)


@dataclass(frozen=True, eq=False)
class _Enrolled:
    """One scheme's subjects, in the order of its databases, and the rows of each deal."""

    parts: Split
    held: EnrolledScheme
    deals: tuple[tuple[Deal, Index], ...]


def _in_order(enrolled: Mapping[str, _Enrolled], seed: int) -> list[tuple[_Enrolled, Deal, Index]]:
    """The deals, those of unnamed schemes last and in random order: a task's place doesn't say which scheme it is."""
    every = [(one, deal, rows) for one in enrolled.values() for deal, rows in one.deals]
    unnamed = [one for one in every if not one[1].database.named]
    drawn = stream(seed, "order of tasks").permutation(len(unnamed))
    return [one for one in every if one[1].database.named] + [unnamed[place] for place in drawn]


def _all_enrolled(dealt: Dealt, hands: Hands) -> dict[str, _Enrolled]:
    """Every scheme of a database, fitted: its own subjects and the shadow subjects enrolled, its thresholds set."""
    seed, wanted = dealt.spec.seed, list(dict.fromkeys(each.database.scheme for each, _ in dealt.deals))
    fits = enrolment.fit_tasks(dealt.schemes, wanted, dealt.parts.background, seed)
    fitted = {
        name: _value(outcome, f"scheme '{name}' can't be fitted")
        for name, outcome in hands.outcomes(fits, "schemes fitted").items()
    }
    need = enrolment.Wanted(
        shadow_seconds=any(each.second for each, _ in dealt.deals),
        records=max(each.database.threat.records for each, _ in dealt.deals),
    )
    works, made = {}, []
    for name in wanted:
        parts, deals = _of_scheme(name, dealt)
        work = enrolment.enrolment({name: fitted[name]}, parts, dealt.version, wanted=need, seed=seed)
        works[name] = (parts, work, deals)
        made += [work.task(chunk) for chunk in work.chunks()]
    chunks = hands.outcomes(made, "parts of the subjects enrolled")
    for chunk, outcome in chunks.items():
        _value(outcome, f"scheme '{chunk.scheme}' can't enrol")
    held = {name: work.held(name, chunks, parts) for name, (parts, work, _) in works.items()}
    for name, one in held.items():
        if one.refuses:
            raise InputError(
                f"scheme '{name}' could not enrol every subject (it gave an empty template), and a challenge needs a "
                "template of each. Leave it out of --schemes"
            )
    thresholds = _thresholds(dealt, held, hands)
    return {
        name: _Enrolled(parts, replace(held[name].enrolled, thresholds=thresholds.get(name, {})), deals)
        for name, (parts, _, deals) in works.items()
    }


def _of_scheme(name: str, dealt: Dealt) -> tuple[Split, tuple[tuple[Deal, Index], ...]]:
    """The split with the target subjects of one scheme's databases only, and their rows in it."""
    mine = [(each, rows) for each, rows in dealt.deals if each.database.scheme == name]
    parts = replace(dealt.parts, target=among(dealt.parts.target, np.concatenate([rows for _, rows in mine])))
    starts = np.cumsum([0, *(len(rows) for _, rows in mine)])
    places = [np.arange(start, end) for start, end in pairwise(starts)]
    return parts, tuple((each, place) for (each, _), place in zip(mine, places, strict=True))


def _thresholds(dealt: Dealt, held: Mapping[str, enrolment.Held], hands: Hands) -> dict[str, dict[str, float]]:
    """The running system's thresholds of each scheme, set on the shadow subjects as in a run."""
    people = dealt.parts.calibration
    if people.probes is None:
        return {}
    probes, shown, made = people.probes.embeddings, people.shown, []
    for name, one in held.items():
        trials = tasks.Trials(one.calibration.templates, one.calibration.keys, probes, shown, True)
        made.append(workers.Task(name, tasks.thresholds, (one.enrolled.scheme, trials, dealt.version.fmr)))
    found = hands.outcomes(made, "thresholds set")
    return {name: _value(one, f"scheme '{name}' can't score") for name, one in found.items()}


def _value(outcome: Outcome, what: str) -> Any:
    if outcome.error is not None:
        raise InputError(
            f"{what}: {message(outcome.error)}. Leave it out of --schemes, or fix it: python -m mote_bench check NAME"
        )
    return outcome.value


@dataclass(frozen=True, eq=False)
class _Posed:
    """One task with its evidence, the truth about it, the attacked scheme and the seed of all that is drawn for it."""

    task: ChallengeTask
    staged: Staged
    scheme: str
    seed: int


def _task(dealt: Dealt, one: _Enrolled, database: Database, name: str, rows: Index, rules: Rules) -> _Posed | None:
    """One question about one database, without its number; ``None``, and why on the list, where it can't be scored."""
    shown = database.scheme if database.named else None
    what = f"question '{name}' about {shown or 'a scheme'} at {database.threat.name}"
    few = replace(one.parts, target=among(one.parts.target, rows))
    offers = [kind.offered(few, dealt.version) for kind in installed()]
    question = next((each for offer in offers for each in offer.questions if each.name == name), None)
    if question is None:
        whys = [offer.refused[name] for offer in offers if name in offer.refused]
        dealt.left_out.add(what, whys[0] if whys else f"too few of its {len(rows)} subjects")
        return None
    seed = stream_seed(dealt.spec.seed, "task", database.scheme, database.threat.name, name)
    people = rows[question.answerable(one.parts.target.references)[rows]]
    photos = question.candidates(one.parts)
    scene = Scene(dealt.parts.public, people, photos, dealt.version.member_candidates)
    staged = steal(one.held, question, database.threat, scene=scene, rng=stream(seed, "stolen"))
    told = entry_and_fields(question)
    assert told is not None  # as _why_no_file has seen
    shape = question.shape(staged.evidence)
    targets = verification_targets(one.held, question, database.threat, stolen=staged, rng=stream(seed, "presented"))
    scorer = Scorer(question, staged, Panel(one.parts.target, 0), rules, targets, stream_seed(seed, "score"))
    try:
        measured = scorer.measured(random_answer(shape, stream_seed(seed, "trial")))
    except (ValueError, ArithmeticError) as error:
        dealt.left_out.add(what, f"its answers can't be scored: {error}")
        return None
    task = ChallengeTask(
        "",
        shown,
        database.threat.name,
        name,
        *told,
        shape=shape,
        second=bool(staged.evidence.shadow and staged.evidence.shadow.second_templates),
    )
    reading = reading_of(task, {"random": measured})
    chance = measured[reading.headline].chance
    task = replace(task, headline=reading.headline, better=better(reading), chance=chance)
    return _Posed(task, staged, database.scheme, seed)


def _written(
    dealt: Dealt, enrolled: Mapping[str, _Enrolled], found: Sequence[_Posed], rule: Unprotected, *, apart: bool
) -> Made:
    """Both parts of the challenge. Of the truth, the public part holds the checksum of a file with the seed in it."""
    secret = _secret(dealt, enrolled, found, rule)
    commitment = files.sha256(secret[files.TRUTH])
    shown = list(dict.fromkeys(one.scheme for one in found if one.task.scheme is not None))
    public = {scheme_file(name): files.npz(_shadow_arrays(enrolled[name], dealt.parts)) for name in shown}
    public |= {one.task.file: files.npz(_of_evidence(one.staged.evidence)) for one in found}
    if shown:
        public[FACES] = secret[FACES]
    manifest = Manifest(
        dealt.data,
        dealt.version.name,
        mote_bench.__version__,
        {name: _fitted(name, dealt.spec.seed) for name in shown},
        tuple(one.task for one in found),
        {name: files.sha256(content) for name, content in public.items()},
        commitment,
        tuple(dealt.left_out.told),
    )
    public[files.MANIFEST] = files.as_json(manifest.to_table())
    manifest = replace(manifest, checksum=files.sha256(public[files.MANIFEST]))
    public[RULES] = rules(manifest).encode()
    secret |= {f"{files.PUBLIC}/{name}": content for name, content in public.items()}
    secret |= {".gitignore": b"*\n", "README.md": _KEEP.encode()}
    held_back = {FACES, *map(scheme_file, shown)} if apart else set()
    kept = {name: content for name, content in public.items() if name not in held_back}
    return Made(manifest, kept, secret, {name: public[name] for name in sorted(held_back & set(public))})


def _secret(
    dealt: Dealt, enrolled: Mapping[str, _Enrolled], found: Sequence[_Posed], rule: Unprotected
) -> dict[str, bytes]:
    made = {
        FACES: files.npz(_of_public(dealt.parts)),
        "truth.npz": files.npz(
            {
                f"{one.task.id}_{name}": array
                for one in found
                for name, array in (
                    ("people", one.staged.people),
                    ("others", one.staged.others),
                    ("truth", one.staged.truth),
                )
            }
        ),
    }
    for name, one in enrolled.items():
        made[f"subjects-{name}.npz"] = files.npz(of_subjects(one.parts.target))
        made[f"enrolled-{name}.npz"] = files.npz(
            {
                **files.packed("first", one.held.first.templates),
                **files.packed("first_keys", one.held.first.keys),
                **files.packed("second", one.held.second.templates),
                **files.packed("second_keys", one.held.second.keys),
            }
        )
    table = {
        "format": SECRET_FORMAT,
        "seed": dealt.spec.seed,
        "options": replace(dealt.spec, data_file=None).to_table(),
        "tasks": {one.task.id: {"scheme": one.scheme, "seed": one.seed} for one in found},
        "schemes": {name: _fitted(name, dealt.spec.seed).fit_seed for name in enrolled},
        "thresholds": {name: dict(one.held.thresholds) for name, one in enrolled.items()},
        "unprotected": {"centred": dict(rule.thresholds), "uncentred": dict(rule.uncentred)},
        "files": {name: files.sha256(content) for name, content in made.items()},
    }
    return {files.TRUTH: files.as_json(table)} | made


def of_subjects(people: Enrolled) -> files.Arrays:
    """Enrolled people as arrays."""
    return {
        **files.of_faces("references", people.references),
        **files.of_faces("seconds", people.seconds),
        **files.of_faces("probes", people.probes),
        "shown": people.shown,
        "numbers": people.numbers,
    }


def _fitted(name: str, seed: int) -> FittedScheme:
    entry = registry.find("schemes", name)
    return FittedScheme(f"{entry.distribution} {entry.version}", stream_seed(seed, "fit", name))


def _of_public(parts: Split) -> files.Arrays:
    return {
        **files.of_faces("public", parts.public),
        **files.of_faces("shadow", parts.shadow.references),
        **files.of_faces("shadow_second", parts.shadow.seconds),
    }


def _shadow_arrays(one: _Enrolled, parts: Split) -> files.Arrays:
    """The shadow subjects' templates and keys, and a few scores that show whether the scheme was fitted again."""
    shadow, (rows, columns) = one.held.shadow, SCORES_OF_CHECK
    keys = None if shadow.keys is None else shadow.keys[:rows]
    check = one.held.scheme.score(shadow.templates[:rows], parts.public.embeddings[:columns], keys=keys)
    return {
        **files.packed("shadow", shadow.templates),
        **files.packed("shadow_keys", shadow.keys),
        **files.packed("second", shadow.second_templates),
        **files.packed("second_keys", shadow.second_keys),
        "check": np.asarray(check, dtype=np.float64),
    }


def _of_evidence(evidence: Evidence) -> files.Arrays:
    """What the threat grants of the attacked subjects; what is the same for several tasks has files of its own."""
    held = {
        **files.packed("templates", evidence.templates),
        **files.packed("others", evidence.others),
        **files.packed("keys", evidence.keys),
        **files.packed("other_keys", evidence.other_keys),
    }
    for number, one in enumerate(evidence.renewed, 1):
        held |= files.packed(f"renewed{number}", one.templates)
        held |= files.packed(f"renewed{number}_keys", one.keys)
    if evidence.candidates is not None:
        held["candidates"] = evidence.candidates
    return held
