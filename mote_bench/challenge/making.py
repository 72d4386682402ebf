"""Makes a challenge: stolen databases for attackers, each of subjects of its own, and the truth for the organiser.

Whoever holds two databases of the same subjects can look up in one what the other hides: a plain vector shows the face
behind any other template. So no subject is in two databases, be it of another scheme, another threat, or of a question
that shows more of the subjects than the stolen templates.
"""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

import mote_bench
from mote_bench import registry
from mote_bench.analysis.selection import better
from mote_bench.challenge import files
from mote_bench.challenge.manifest import FACES, ChallengeTask, FittedScheme, Manifest, entry_and_fields, scheme_file
from mote_bench.challenge.rules import RULES, rules
from mote_bench.challenge.scoring import Scorer, random_answer, reading_of
from mote_bench.contracts import (
    Access,
    Evidence,
    Faces,
    InputError,
    Knowledge,
    Scheme,
    Shadow,
    Threat,
)
from mote_bench.engine import enrolment, scoring, tasks
from mote_bench.engine.evidence import steal, verification_targets
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome
from mote_bench.planning import plan, settings
from mote_bench.planning import protocol as protocols
from mote_bench.planning.protocol import Protocol, SelectionSet
from mote_bench.planning.spec import RunSpec, names
from mote_bench.planning.split import Enrolled, Split, split
from mote_bench.planning.threats import levels
from mote_bench.questions import Question
from mote_bench.questions.installed import installed
from mote_bench.questions.staging import EnrolledScheme, Index, Panel, Rules, Scene, Staged, Unprotected
from mote_bench.toolkit import needs_identity, stream, stream_seed

LEAST_SEED = 10**19
"""A smaller seed could be found by trying: the public part would give away all that derives from it."""
SECRET_FORMAT = "mote-bench challenge secret 1"
SCORES_OF_CHECK = (3, 5)
"""Shadow templates and public faces whose scores show whether a scheme was fitted again as it was here."""
_KEEP = """# The secret part of a challenge

Keep this folder: it holds the truth, the seed, the orders and the keys. Never give it out before the challenge ends.
`public/` in it is a copy of what attackers get.
"""
_NO_FILE = "needs a running system, which no file can give"
_OPENED = "full_disclosure gives away the secrets of the same system; ask for one of the two"
_NO_PUBLIC_PART = "its fit seed would give away the system's own secrets; only bytes_only and full_disclosure work"


@dataclass(frozen=True)
class Wishes:
    """What the organiser asks for.

    Attributes
    ----------
    spec : RunSpec
        Data, schemes, questions, protocol and seed. ``questions`` may be ``default``: those that need no more of the
        subjects than stolen templates.
    threats : str
        Comma list of names; ``default`` for all threats that know the algorithm, ``all`` for bytes only as well.
    faces_apart : bool
        Keep what shows the background and shadow subjects out of the public part, to be given out on agreement.
    """

    spec: RunSpec
    threats: str = "default"
    faces_apart: bool = False


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


def new_seed() -> int:
    """A seed that nobody can guess."""
    return LEAST_SEED + secrets.randbits(128)


def make(wishes: Wishes, *, jobs: int) -> Made:
    """Make a challenge. The same wishes and code give the same bytes.

    Parameters
    ----------
    jobs : int
        Worker processes; 1 works in this process. What is made doesn't depend on it.

    Raises
    ------
    InputError
        On names that don't exist, on too few subjects, and when nothing of what is asked for can be given as a file.
    """
    if wishes.spec.seed < LEAST_SEED:
        raise InputError(
            f"--seed {wishes.spec.seed}: a challenge's seed must not be guessed; expected 20 digits or more. Leave it "
            "out to draw one"
        )
    version, left_out = protocols.load(wishes.spec.protocol), _LeftOut()
    schemes = _schemes(wishes.spec.schemes, version)
    threats = _threats(wishes.threats, version)
    databases = _databases(schemes, threats, left_out)
    dataset, spec = settings.attacked_data(wishes.spec, version)
    if dataset.faces.second is not None:
        left_out.add("embeddings_2 of the data", "a challenge has one recogniser")
    faces = _pseudonymous(dataset.faces, spec.seed)
    version = _sized(version, len(databases), threats)
    draft = _parts(faces, version, spec)
    chosen = _questions(spec.questions, draft, version, left_out)
    databases = [one for one in databases if _able(one.scheme, schemes[one.scheme], draft, left_out)]
    dealt = _dealt(databases, chosen, left_out, schemes, draft, version)
    version = _sized(version, len(dealt), threats)
    parts = _parts(faces, version, spec)
    stage = _Stage(spec, version, parts, left_out, dataset.name, wishes.faces_apart)
    return _made(stage, schemes, _with_subjects(dealt, parts, version, spec.seed), jobs)


@dataclass(eq=False)
class _LeftOut:
    """What isn't part of the challenge, with the reason, once each."""

    told: dict[str, None] = field(default_factory=dict)

    def add(self, what: str, why: str) -> None:
        self.told[f"{what} ({why})"] = None


@dataclass(frozen=True)
class _Database:
    """A scheme's templates stolen under one threat."""

    scheme: str
    threat: Threat


@dataclass(frozen=True)
class _Deal:
    """Subjects of one database, and the questions about them."""

    database: _Database
    questions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Stage:
    spec: RunSpec
    version: Protocol
    parts: Split
    left_out: _LeftOut
    data: str
    faces_apart: bool


def _schemes(wanted: str, version: Protocol) -> dict[str, Scheme]:
    try:
        return {name: registry.load("schemes", name) for name in plan.chosen_schemes(wanted, version)}
    except registry.PluginError as error:
        raise InputError(str(error)) from None


def _threats(wanted: str, version: Protocol) -> list[Threat]:
    every = [Threat(level) for level in Knowledge]
    if wanted.strip() in ("default", "all"):
        return [one for one in every if wanted.strip() == "all" or one.knowledge is not Knowledge.BYTES_ONLY]
    made = []
    for name in names(wanted):
        try:
            made.append(Threat.parse(name))
        except ValueError:
            known = ", ".join(one.name for one in every)
            raise InputError(
                f"--threats {name}: expected names such as {known}, or 'algorithm (2 records)'; default or all"
            ) from None
        if made[-1].records not in (1, *version.records.counts):
            counts = ", ".join(map(str, version.records.counts))
            raise InputError(f"--threats {name}: protocol {version.name} has {counts} templates per subject")
    return list(dict.fromkeys(made))


def _databases(schemes: Mapping[str, Scheme], threats: Sequence[Threat], left_out: _LeftOut) -> list[_Database]:
    """The schemes at the threats that apply and whose evidence files can hold."""
    found = []
    left_out.add("online access: scores and decisions", _NO_FILE)
    opened = any(threat.knowledge is Knowledge.FULL_DISCLOSURE for threat in threats)
    for name, scheme in schemes.items():
        for threat in threats:
            if threat.access is not Access.RECORD or threat.knowledge not in levels(scheme):
                continue
            if hasattr(scheme, "public") and threat.knowledge is not Knowledge.FULL_DISCLOSURE:
                if threat.knowledge is not Knowledge.BYTES_ONLY:
                    left_out.add(f"{name} at {threat.name}", _NO_PUBLIC_PART)
                    continue
                if opened:
                    left_out.add(f"{name} at {threat.name}", _OPENED)
                    continue
            found.append(_Database(name, threat))
    if not found:
        raise InputError(
            f"none of the schemes {', '.join(schemes)} has one of the threats {', '.join(one.name for one in threats)} "
            f"as files: {'; '.join(left_out.told)}. Give others: --threats all"
        )
    return found


def _pseudonymous(faces: Faces, seed: int) -> Faces:
    """The faces under names that say nothing, without embeddings by a second recogniser."""
    if faces.identity is None:
        return replace(faces, second=None)
    known, place = np.unique(faces.identity, return_inverse=True)
    numbers = stream(seed, "pseudonyms").permutation(len(known))
    width = len(str(len(known)))
    labels = np.array([f"s{number:0{width}}" for number in numbers])
    return replace(faces, identity=labels[place], second=None)


def _sized(version: Protocol, deals: int, threats: Sequence[Threat]) -> Protocol:
    """The protocol with as many target subjects as all databases need; none are needed to choose an attack.

    A split has a selection subject at least; that one isn't attacked.
    """
    most = max(version.target.people * deals, version.target.people)
    share = version.target.share + (version.selection.share if version.selection.share < 1 else 0.0)
    several = max(threat.records for threat in threats) > 1
    records = replace(version.records, target_people=most if several else 0, rehearsal_people=0)
    target = replace(version.target, people=most, share=share)
    return replace(version, target=target, selection=SelectionSet(1, 1.0, 1), records=records)


def _parts(faces: Faces, version: Protocol, spec: RunSpec) -> Split:
    """The split, with the public faces as attackers will read them: normalising a row again may move its last digit."""
    made = split(faces, version, seed=spec.seed, people=spec.people)
    held = files.of_faces("public", made.background)
    public = files.faces_in(held, "public")
    assert public is not None
    return replace(made, background=public, public=public)


def _able(name: str, scheme: Scheme, parts: Split, left_out: _LeftOut) -> bool:
    if needs_identity(scheme) and not parts.has_identity:
        left_out.add(f"scheme '{name}'", "its fit needs `identity`")
        return False
    return True


def _questions(wanted: str, parts: Split, version: Protocol, left_out: _LeftOut) -> dict[str, Question]:
    """The questions that are asked for and that the data support, by name."""
    possible: dict[str, Question] = {}
    refused: dict[str, str] = {}
    for kind in installed():
        offer = kind.offered(parts, version)
        possible |= {question.name: question for question in offer.questions}
        refused |= offer.refused
    known = [*possible, *(name for name in refused if name not in possible)]
    chosen = known if wanted.strip() in ("default", "all") else names(wanted)
    for name in chosen:
        if name not in known:
            near = difflib.get_close_matches(name, known) or known
            raise InputError(f"no question '{name}' for these data; did you mean {' or '.join(near)}?")
        if name in refused:
            left_out.add(f"question '{name}'", refused[name])
        elif possible[name].needs_identity and not parts.has_identity:
            left_out.add(f"question '{name}'", "needs `identity`")
            del possible[name]
    return {
        name: possible[name]
        for name in dict.fromkeys(chosen)
        if name in possible and (wanted.strip() != "default" or _of_templates_alone(possible[name]))
    }


def _of_templates_alone(question: Question) -> bool:
    """Whether the evidence is stolen templates alone, of one database or two."""
    return question.gives_records and type(question).dealt is Question.dealt


def _dealt(
    databases: Sequence[_Database],
    chosen: Mapping[str, Question],
    left_out: _LeftOut,
    schemes: Mapping[str, Scheme],
    parts: Split,
    version: Protocol,
) -> list[_Deal]:
    """Which questions share subjects: those about one stolen database. All others have subjects of their own."""
    found = []
    for database in databases:
        able = []
        for name, question in chosen.items():
            why = _why_no_file(question, database.threat, schemes[database.scheme], parts, version)
            if why:
                left_out.add(f"question '{name}' at {database.threat.name}", why)
            else:
                able.append(name)
        shared = [name for name in able if _of_templates_alone(chosen[name]) and not chosen[name].second_database]
        groups = [tuple(shared)] if shared else []
        groups += [(name,) for name in able if name not in shared]
        found += [_Deal(database, group) for group in groups]
    if not found:
        raise InputError(f"nothing to ask: {'; '.join(left_out.told)}. Give other --questions or --schemes")
    return found


def _why_no_file(question: Question, threat: Threat, scheme: Scheme, parts: Split, version: Protocol) -> str:
    """Why files can't hold a question's evidence; empty if they can. Tried on templates made up for it."""
    people = np.arange(len(parts.target.references))
    scene = Scene(parts.public, people, question.candidates(parts), version.member_candidates)
    knows = threat.knowledge is not Knowledge.BYTES_ONLY
    evidence = Evidence(threat.knowledge, templates=(b"",) * len(people), public=parts.public)
    if knows:
        shadow = parts.shadow.references
        own = Shadow(shadow, (b"",) * len(shadow), None)
        evidence = replace(evidence, scheme=scheme, shadow=own)
    try:
        dealt = question.dealt(Staged(evidence, people, people), scene, np.random.default_rng(0)).evidence
    except ValueError as error:
        return str(error)
    if dealt.challenger is not None or dealt.oracle is not None:
        return "the attacker asks for templates one by one, which no file can give"
    if dealt.public is not evidence.public or dealt.shadow is not evidence.shadow:
        return "the background set would be in the files, as attackers fit the scheme on it"
    if entry_and_fields(question) is None:
        return "a manifest can't hold what it is made of"
    return ""


def _with_subjects(dealt: Sequence[_Deal], parts: Split, version: Protocol, seed: int) -> list[tuple[_Deal, Index]]:
    """Each deal with subjects of its own, drawn at random."""
    people = stream(seed, "deal").permutation(len(parts.target.references))
    least = version.target.least
    if len(people) < least * len(dealt):
        raise InputError(
            f"{len(people)} subjects for {len(dealt)} sets of {least} or more, as no subject may be in two stolen "
            "databases; give more people, or fewer --schemes, --threats or --questions"
        )
    return list(zip(dealt, map(np.sort, np.array_split(people, len(dealt))), strict=True))


@dataclass(frozen=True, eq=False)
class _Enrolled:
    """One scheme's subjects, in the order of its databases, and the rows of each deal."""

    parts: Split
    held: EnrolledScheme
    deals: tuple[tuple[_Deal, Index], ...]


def _made(stage: _Stage, schemes: Mapping[str, Scheme], dealt: Sequence[tuple[_Deal, Index]], jobs: int) -> Made:
    enrolled = _all_enrolled(stage, schemes, dealt, jobs)
    found: list[_Posed] = []
    rule = scoring.unprotected(stage.parts, stage.version.fmr)
    for one, deal, rows in _in_order(enrolled, stage.spec.seed):
        rules = Rules(rule, one.held.thresholds)
        for name in deal.questions:
            made = _task(stage, one, deal.database, name, rows, rules, f"t{len(found) + 1:02}")
            found += [] if made is None else [made]
    if not found:
        raise InputError(f"nothing to ask: {'; '.join(stage.left_out.told)}. Give more people")
    return _written(stage, enrolled, found, rule)


def _in_order(enrolled: Mapping[str, _Enrolled], seed: int) -> list[tuple[_Enrolled, _Deal, Index]]:
    """The deals, those of unnamed schemes last and in random order: a task's place doesn't say which scheme it is."""
    every = [(one, deal, rows) for one in enrolled.values() for deal, rows in one.deals]
    unnamed = [one for one in every if not _named(one[1].database)]
    drawn = stream(seed, "order of tasks").permutation(len(unnamed))
    return [one for one in every if _named(one[1].database)] + [unnamed[place] for place in drawn]


def _named(database: _Database) -> bool:
    """Whether the threat grants the algorithm, so that the challenge says which scheme it is."""
    return database.threat.knowledge is not Knowledge.BYTES_ONLY


def _all_enrolled(
    stage: _Stage, schemes: Mapping[str, Scheme], dealt: Sequence[tuple[_Deal, Index]], jobs: int
) -> dict[str, _Enrolled]:
    """Every scheme of a database, fitted: its own subjects and the shadow subjects enrolled, its thresholds set."""
    seed, wanted = stage.spec.seed, list(dict.fromkeys(deal.database.scheme for deal, _ in dealt))
    fits = enrolment.fit_tasks(schemes, wanted, stage.parts.background, seed)
    fitted = {name: _value(outcome, f"scheme '{name}' can't be fitted") for name, outcome in _outcomes(fits, jobs)}
    need = enrolment.Wanted(
        shadow_seconds=stage.parts.has_identity, records=max(deal.database.threat.records for deal, _ in dealt)
    )
    works, made = {}, []
    for name in wanted:
        mine = [(deal, rows) for deal, rows in dealt if deal.database.scheme == name]
        everyone = np.concatenate([rows for _, rows in mine])
        parts = replace(stage.parts, target=among(stage.parts.target, everyone))
        starts = np.cumsum([0, *(len(rows) for _, rows in mine)])
        places = [np.arange(start, end) for start, end in pairwise(starts)]
        deals = tuple((deal, place) for (deal, _), place in zip(mine, places, strict=True))
        work = enrolment.enrolment({name: fitted[name]}, parts, stage.version, wanted=need, seed=seed)
        works[name] = (parts, work, deals)
        made += [work.task(chunk) for chunk in work.chunks()]
    chunks = dict(_outcomes(made, jobs))
    for chunk, outcome in chunks.items():
        _value(outcome, f"scheme '{chunk.scheme}' can't enrol")
    held = {name: work.held(name, chunks, parts) for name, (parts, work, _) in works.items()}
    thresholds = _thresholds(stage, held, jobs)
    return {
        name: _Enrolled(parts, replace(held[name].enrolled, thresholds=thresholds.get(name, {})), deals)
        for name, (parts, _, deals) in works.items()
    }


def _thresholds(stage: _Stage, held: Mapping[str, enrolment.Held], jobs: int) -> dict[str, dict[str, float]]:
    """The running system's thresholds of each scheme, set on the shadow subjects as in a run."""
    people = stage.parts.calibration
    if people.probes is None:
        return {}
    made = [
        workers.Task(
            name,
            tasks.thresholds,
            (
                one.enrolled.scheme,
                tasks.Trials(
                    one.calibration.templates, one.calibration.keys, people.probes.embeddings, people.shown, True
                ),
                stage.version.fmr,
            ),
        )
        for name, one in held.items()
    ]
    return {name: _value(one, f"scheme '{name}' can't score") for name, one in _outcomes(made, jobs)}


def _outcomes(made: Iterable[workers.Task], jobs: int) -> Iterator[tuple[Any, Outcome]]:
    if jobs > 1:
        yield from workers.run(made, jobs=jobs)
    else:
        yield from ((task.key, task.function(*task.arguments)) for task in made)


def _value(outcome: Outcome, what: str) -> Any:
    if outcome.error is not None:
        last = outcome.error.strip().splitlines()[-1]
        raise InputError(f"{what}: {last}. Leave it out of --schemes, or fix it: python -m mote_bench check NAME")
    return outcome.value


def among(people: Enrolled, rows: Index) -> Enrolled:
    """Some of these people, in the order of ``rows``, with their other photos."""
    place = np.full(len(people.references), -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    mine = np.flatnonzero(place[people.shown] >= 0)
    return Enrolled(
        people.references.rows(rows),
        None if people.seconds is None else people.seconds.rows(rows),
        None if people.probes is None else people.probes.rows(mine),
        place[people.shown[mine]],
        people.numbers[rows],
    )


@dataclass(frozen=True, eq=False)
class _Posed:
    """One task with its evidence, the truth about it, the attacked scheme and the seed of all that is drawn for it."""

    task: ChallengeTask
    staged: Staged
    scheme: str
    seed: int


def _task(
    stage: _Stage, one: _Enrolled, database: _Database, name: str, rows: Index, rules: Rules, number: str
) -> _Posed | None:
    """One question about one database; ``None``, with the reason on the list, where it can't be scored."""
    shown = database.scheme if _named(database) else None
    what = f"question '{name}' about {shown or 'a scheme'} at {database.threat.name}"
    few = replace(one.parts, target=among(one.parts.target, rows))
    offers = [kind.offered(few, stage.version) for kind in installed()]
    question = next((each for offer in offers for each in offer.questions if each.name == name), None)
    if question is None:
        whys = [offer.refused[name] for offer in offers if name in offer.refused]
        stage.left_out.add(what, whys[0] if whys else f"too few of its {len(rows)} subjects")
        return None
    seed = stream_seed(stage.spec.seed, "task", database.scheme, database.threat.name, name)
    people = rows[question.answerable(one.parts.target.references)[rows]]
    photos = question.candidates(one.parts)
    scene = Scene(stage.parts.public, people, photos, stage.version.member_candidates)
    staged = steal(one.held, question, database.threat, scene=scene, rng=stream(seed, "stolen"))
    told = entry_and_fields(question)
    assert told is not None  # as _why_no_file has seen
    shape = question.shape(staged.evidence)
    targets = verification_targets(one.held, question, database.threat, stolen=staged, rng=stream(seed, "presented"))
    scorer = Scorer(question, staged, Panel(one.parts.target, 0), rules, targets, stream_seed(seed, "score"))
    try:
        measured = scorer.measured(random_answer(shape, stream_seed(seed, "trial")))
    except (ValueError, ArithmeticError) as error:
        stage.left_out.add(what, f"its answers can't be scored: {error}")
        return None
    task = ChallengeTask(
        number,
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


def _written(stage: _Stage, enrolled: Mapping[str, _Enrolled], found: Sequence[_Posed], rule: Unprotected) -> Made:
    """Both parts of the challenge. Of the truth, the public part holds the checksum of a file with the seed in it."""
    secret = _secret(stage, enrolled, found, rule)
    commitment = files.sha256(secret[files.TRUTH])
    shown = list(dict.fromkeys(one.scheme for one in found if one.task.scheme is not None))
    public = {scheme_file(name): files.npz(_of_scheme(enrolled[name], stage.parts)) for name in shown}
    public |= {one.task.file: files.npz(_of_evidence(one.staged.evidence)) for one in found}
    if shown:
        public[FACES] = secret[FACES]
    manifest = Manifest(
        stage.data,
        stage.version.name,
        mote_bench.__version__,
        {name: _fitted(name, stage.spec.seed) for name in shown},
        tuple(one.task for one in found),
        {name: files.sha256(content) for name, content in public.items()},
        commitment,
        tuple(stage.left_out.told),
    )
    public[files.MANIFEST] = files.as_json(manifest.to_table())
    manifest = replace(manifest, checksum=files.sha256(public[files.MANIFEST]))
    public[RULES] = rules(manifest).encode()
    secret |= {f"{files.PUBLIC}/{name}": content for name, content in public.items()}
    secret |= {".gitignore": b"*\n", "README.md": _KEEP.encode()}
    apart = {FACES, *map(scheme_file, shown)} if stage.faces_apart else set()
    kept = {name: content for name, content in public.items() if name not in apart}
    return Made(manifest, kept, secret, {name: public[name] for name in sorted(apart & set(public))})


def _secret(
    stage: _Stage, enrolled: Mapping[str, _Enrolled], found: Sequence[_Posed], rule: Unprotected
) -> dict[str, bytes]:
    made = {
        FACES: files.npz(_of_public(stage.parts)),
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
        "seed": stage.spec.seed,
        "options": replace(stage.spec, data_file=None).to_table(),
        "tasks": {one.task.id: {"scheme": one.scheme, "seed": one.seed} for one in found},
        "schemes": {name: _fitted(name, stage.spec.seed).fit_seed for name in enrolled},
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


def _of_scheme(one: _Enrolled, parts: Split) -> files.Arrays:
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
