"""Deals a challenge: which schemes at which threats, which questions, and subjects for each that are in no other.

An attacker with two databases of the same subjects can look up in one what the other hides: a plain vector shows the
face behind any other template. So no subject is in two databases, be it of another scheme, another threat, or of a
question that shows more of the subjects than the stolen templates.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mote_bench import registry
from mote_bench.challenge import files
from mote_bench.challenge.manifest import entry_and_fields
from mote_bench.contracts import Access, Evidence, Faces, InputError, Knowledge, Scheme, Shadow, Threat
from mote_bench.planning import plan, settings
from mote_bench.planning import protocol as protocols
from mote_bench.planning.protocol import Protocol, SelectionSet
from mote_bench.planning.spec import RunSpec, names
from mote_bench.planning.split import Split, split
from mote_bench.planning.threats import levels
from mote_bench.questions import Question
from mote_bench.questions.staging import Index, Scene, Staged
from mote_bench.toolkit import needs_identity, stream

LEAST_SEED = 10**19
"""A smaller seed could be found by trying: the public part would give away all that derives from it."""
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


def new_seed() -> int:
    """A seed that nobody can guess."""
    return LEAST_SEED + secrets.randbits(128)


@dataclass(eq=False)
class LeftOut:
    """What isn't part of the challenge, with the reason, once each."""

    told: dict[str, None] = field(default_factory=dict)

    def add(self, what: str, why: str) -> None:
        self.told[f"{what} ({why})"] = None


@dataclass(frozen=True)
class Database:
    """A scheme's templates stolen under one threat."""

    scheme: str
    threat: Threat

    @property
    def named(self) -> bool:
        """Whether the threat grants the algorithm, so that the challenge says which scheme it is."""
        return self.threat.knowledge is not Knowledge.BYTES_ONLY


@dataclass(frozen=True)
class Deal:
    """One database, and the questions about the same subjects in it.

    Attributes
    ----------
    second : bool
        Whether a second database of the subjects is stolen too.
    """

    database: Database
    questions: tuple[str, ...]
    second: bool


@dataclass(frozen=True, eq=False)
class Dealt:
    """What a challenge is made of, before anything is fitted.

    Attributes
    ----------
    data : str
        The data's label.
    deals : tuple of (Deal, rows)
        With the subjects of each, as rows of ``parts.target``.
    """

    spec: RunSpec
    version: Protocol
    parts: Split
    data: str
    schemes: Mapping[str, Scheme]
    deals: tuple[tuple[Deal, Index], ...]
    left_out: LeftOut


def deal(wishes: Wishes) -> Dealt:
    """Choose databases and questions, and deal the subjects to them.

    Raises
    ------
    InputError
        As :func:`mote_bench.challenge.making.make`.
    """
    if wishes.spec.seed < LEAST_SEED:
        raise InputError(
            f"--seed {wishes.spec.seed}: a challenge's seed must not be guessed; expected 20 digits or more. Leave it "
            "out to draw one"
        )
    version, left_out = protocols.load(wishes.spec.protocol), LeftOut()
    schemes = _schemes(wishes.spec.schemes, version)
    threats = _threats(wishes.threats, version)
    databases = databases_of(schemes, threats, left_out)
    dataset, spec = settings.attacked_data(wishes.spec, version)
    if dataset.faces.second is not None:
        left_out.add("embeddings_2 of the data", "a challenge has one recogniser")
    faces = _pseudonymous(dataset.faces, spec.seed)
    version = _sized(version, len(databases), threats)
    draft = _parts(faces, version, spec)
    chosen = _questions(spec.questions, draft, version, left_out)
    databases = [one for one in databases if _able(one.scheme, schemes[one.scheme], draft, left_out)]
    found = _grouped(databases, chosen, left_out, _Trial(schemes, draft, version))
    version = _sized(version, len(found), threats)
    parts = _parts(faces, version, spec)
    deals = tuple(_with_subjects(found, parts, version, spec.seed))
    return Dealt(spec, version, parts, dataset.name, schemes, deals, left_out)


@dataclass(frozen=True, eq=False)
class _Trial:
    """What questions are tried on, to see whether files can hold their evidence."""

    schemes: Mapping[str, Scheme]
    parts: Split
    version: Protocol


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


def databases_of(schemes: Mapping[str, Scheme], threats: Sequence[Threat], left_out: LeftOut) -> list[Database]:
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
            found.append(Database(name, threat))
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


def _able(name: str, scheme: Scheme, parts: Split, left_out: LeftOut) -> bool:
    if needs_identity(scheme) and not parts.has_identity:
        left_out.add(f"scheme '{name}'", "its fit needs `identity`")
        return False
    return True


def _questions(wanted: str, parts: Split, version: Protocol, left_out: LeftOut) -> dict[str, Question]:
    """The questions that are asked for and that the data support, by name."""
    possible, refused = plan.offered(parts, version)
    known = [*possible, *(name for name in refused if name not in possible)]
    default, found = wanted.strip() == "default", {}
    for name in plan.chosen_questions("all" if default else wanted.strip(), known):
        unnamed = name in possible and possible[name].needs_identity and not parts.has_identity
        why = refused.get(name, "needs `identity`" if unnamed else "")
        if why:
            left_out.add(f"question '{name}'", why)
        elif not default or _of_templates_alone(possible[name]):
            found[name] = possible[name]
    return found


def _of_templates_alone(question: Question) -> bool:
    """Whether the evidence is stolen templates alone, of one database or two."""
    return question.gives_records and type(question).dealt is Question.dealt


def _grouped(
    databases: Sequence[Database], chosen: Mapping[str, Question], left_out: LeftOut, trial: _Trial
) -> list[Deal]:
    """Which questions share subjects: those about one stolen database. All others have subjects of their own."""
    found = []
    for database in databases:
        able = {}
        for name, question in chosen.items():
            why = _why_no_file(question, database, trial)
            if why:
                left_out.add(f"question '{name}' at {database.threat.name}", why)
            else:
                able[name] = question
        shared = [name for name, one in able.items() if _of_templates_alone(one) and not one.second_database]
        found += [Deal(database, tuple(shared), False)] if shared else []
        found += [Deal(database, (name,), one.second_database) for name, one in able.items() if name not in shared]
    if not found:
        raise InputError(f"nothing to ask: {'; '.join(left_out.told)}. Give other --questions or --schemes")
    return found


def _why_no_file(question: Question, database: Database, trial: _Trial) -> str:
    """Why files can't hold a question's evidence; empty if they can. Tried on templates made up for it."""
    parts = trial.parts
    people = np.arange(len(parts.target.references))
    scene = Scene(parts.public, people, question.candidates(parts), trial.version.member_candidates)
    evidence = Evidence(database.threat.knowledge, templates=(b"",) * len(people), public=parts.public)
    if database.named:
        shadow = parts.shadow.references
        own = Shadow(shadow, (b"",) * len(shadow), None)
        evidence = replace(evidence, scheme=trial.schemes[database.scheme], shadow=own)
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


def _with_subjects(dealt: Sequence[Deal], parts: Split, version: Protocol, seed: int) -> list[tuple[Deal, Index]]:
    """Each deal with subjects of its own, drawn at random."""
    people = stream(seed, "deal").permutation(len(parts.target.references))
    least = version.target.least
    if len(people) < least * len(dealt):
        raise InputError(
            f"{len(people)} subjects for {len(dealt)} sets of {least} or more, as no subject may be in two stolen "
            "databases; give more people, or fewer --schemes, --threats or --questions"
        )
    return list(zip(dealt, map(np.sort, np.array_split(people, len(dealt))), strict=True))
