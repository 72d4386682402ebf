"""The cells of a run, and what can't be run on these data and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mote_bench import registry
from mote_bench.contracts import (
    CONTROLS,
    NOISE_CURVE,
    NOISE_LEVELS,
    Access,
    Attack,
    Cell,
    InputError,
    Knowledge,
    Preparation,
    Scheme,
    Threat,
)
from mote_bench.planning.protocol import Protocol
from mote_bench.planning.spec import RunSpec, names
from mote_bench.planning.split import Split
from mote_bench.planning.threats import granted, levels
from mote_bench.questions import Question
from mote_bench.questions.harness import COMPARED, COST, HARNESS, NO_ATTACK, ZERO_EFFORT
from mote_bench.questions.installed import broken as broken_questions
from mote_bench.questions.installed import ceilings, installed
from mote_bench.toolkit import needs_identity, revocable

OWN = "mote-bench"
_SECRETIVE = ("score", "reconstruct", "surrogate", "solve")


@dataclass(frozen=True, eq=False)
class Plan:
    """The cells of a run, with the objects that they name.

    Attributes
    ----------
    refused : tuple of str
        Questions and schemes left out for lack of data, with the reason.
    broken : tuple of str
        Plug-ins that couldn't be loaded, with the reason.
    left_out : mapping of name -> reason
        Schemes that can't take these data. Their cells aren't run; their records say why.
    """

    cells: tuple[Cell, ...]
    schemes: dict[str, Scheme]
    attacks: dict[str, Attack]
    questions: dict[str, Question]
    refused: tuple[str, ...]
    broken: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Plugins:
    """The schemes and attacks that a run asks for, by name, and those that couldn't be loaded, with the reason."""

    schemes: Mapping[str, Scheme]
    attacks: Mapping[str, Attack]
    broken: tuple[str, ...]


def plugins(spec: RunSpec, protocol: Protocol) -> Plugins:
    """Load the schemes and attacks of a run; no data are needed.

    Raises
    ------
    InputError
        On unknown names and on an empty registry.
    """
    broken: list[str] = []
    schemes = _schemes(spec.schemes, protocol, broken)
    return Plugins(schemes, _attacks(spec.attacks, protocol, broken), tuple(broken))


def make(spec: RunSpec, loaded: Plugins, split: Split, protocol: Protocol, *, data: str) -> Plan:
    """The plan of a run.

    Parameters
    ----------
    loaded : Plugins
        What :func:`plugins` gives for the same options.
    data : str
        The data's name on the boards.

    Raises
    ------
    InputError
        On unknown questions, and when no requested cell can be run.
    """
    broken = [*loaded.broken, *broken_questions()]
    schemes, attacks = dict(loaded.schemes), dict(loaded.attacks)
    questions, refused = _questions(spec.questions, split, protocol)
    for name in [name for name, scheme in schemes.items() if needs_identity(scheme) and not split.has_identity]:
        refused.append(f"scheme '{name}' (its fit needs `identity`)")
        del schemes[name]
    frame = _Frame(protocol.name, data, spec.seed)
    grid = _Grid(frame, attacks, questions, protocol.records.counts)
    cells = [cell for name, scheme in schemes.items() for cell in grid.cells(name, scheme)]
    for ceiling in sorted(ceilings() - set(CONTROLS)):
        asking = [cell for cell in cells if (one := questions[cell.question]) is not None and one.ceiling == ceiling]
        if asking:
            schemes |= _loaded("schemes", [ceiling], broken)
            cells += dict.fromkeys(replace(cell, scheme=ceiling) for cell in asking if cell.scheme == CONTROLS[0])
    if not cells:
        raise InputError("nothing to run: " + ("; ".join(refused + broken) or "no attack answers these questions"))
    put = {name: question for name, question in questions.items() if question is not None}
    return Plan(tuple(cells), schemes, attacks, put, tuple(refused), tuple(broken))


@dataclass(frozen=True)
class _Frame:
    protocol: str
    data: str
    seed: int

    def cell(self, scheme: str, attack: str, question: str, knowledge: str) -> Cell:
        return Cell(self.protocol, self.data, scheme, attack, question, knowledge, self.seed)


def chosen_schemes(wanted: str, protocol: Protocol) -> list[str]:
    """The schemes in a comma list of names and of words that stand for several.

    "default" is the protocol's choice and other packages' schemes. "all" is every scheme but the levels of noise and
    those that take too long (``only_when_named``), and "noise-curve" is the levels.
    """
    chosen = [name for word in names(wanted) or [wanted] for name in _meant(word, protocol)]
    return [name for name in dict.fromkeys(chosen) if name not in ceilings() - set(CONTROLS)]


def _meant(word: str, protocol: Protocol) -> list[str]:
    known = registry.names("schemes")
    if word == "default" and known:
        return [one.name for one in known if one.name in protocol.default_schemes or one.distribution != OWN]
    if word == NOISE_CURVE:
        return registry.select("schemes", ",".join(NOISE_LEVELS))
    chosen = registry.select("schemes", word)
    return [name for name in chosen if name not in NOISE_LEVELS and _among_all(name)] if word == "all" else chosen


def _among_all(scheme: str) -> bool:
    try:
        return runs_with_all(registry.load("schemes", scheme))
    except (registry.PluginError, InputError):  # said where the scheme is loaded
        return True


def runs_with_all(plugin: object) -> bool:
    """Whether ``all`` runs a scheme or an attack; not one that isn't repeatable, such as by timing, or takes too long.

    It is asked of the object, not of its entry point, which may be a function that makes it.
    """
    return bool(getattr(plugin, "repeatable", True)) and not getattr(plugin, "only_when_named", False)


def _schemes(wanted: str, protocol: Protocol, broken: list[str]) -> dict[str, Scheme]:
    chosen = chosen_schemes(wanted, protocol)
    names = [*CONTROLS, *(name for name in chosen if name not in CONTROLS)]
    loaded = _loaded("schemes", names, broken)
    return {name: made for name, made in loaded.items() if _keeps(made, Scheme, name, broken)}


def chosen_attacks(wanted: str, protocol: Protocol) -> list[str]:
    """The names in ``wanted``: "default", "all" or a comma list. The default includes other packages' attacks."""
    if wanted.strip() != "default":
        return registry.select("attacks", wanted)
    if not protocol.default_attacks:
        return registry.select("attacks", "all")
    known = registry.names("attacks")
    return [one.name for one in known if one.name in protocol.default_attacks or one.distribution != OWN]


def _attacks(wanted: str, protocol: Protocol, broken: list[str]) -> dict[str, Attack]:
    """The attacks to run."""
    loaded = _loaded("attacks", chosen_attacks(wanted, protocol), broken)
    named = wanted.strip() not in ("all", "default")
    return {
        name: made
        for name, made in loaded.items()
        if _keeps(made, Attack, name, broken)
        and all(_keeps(one, Preparation, f"{name}.prepares", broken) for one in getattr(made, "prepares", ()))
        and (named or runs_with_all(made))
    }


def _loaded(kind: str, names: Sequence[str], broken: list[str]) -> dict[str, Any]:
    loaded = {}
    for name in names:
        try:
            loaded[name] = registry.load(kind, name)
        except (registry.PluginError, InputError) as error:  # InputError: two packages ship this name
            broken.append(str(error))
    return loaded


def _keeps(made: object, contract: Any, name: str, broken: list[str]) -> bool:
    if isinstance(made, contract):
        return True
    broken.append(f"'{name}' is no {contract.__name__}: it lacks a method or attribute of mote_bench.contracts")
    return False


def offered(split: Split, protocol: Protocol) -> tuple[dict[str, Question], dict[str, str]]:
    """The questions that the data support, and the reasons why they don't support others, by name.

    Raises
    ------
    InputError
        When two questions have one name.
    """
    possible: dict[str, Question] = {}
    lacking: dict[str, str] = {}
    for kind in installed():
        offer = kind.offered(split, protocol)
        for question in offer.questions:
            if question.name in HARNESS or question.name in possible:
                raise InputError(
                    f"two questions would be named '{question.name}', as a column of the data has the name of a "
                    "question; rename the column, or leave it out: --attributes NAME,..."
                )
            possible[question.name] = question
        lacking |= offer.refused
    return possible, lacking


def _questions(wanted: str, split: Split, protocol: Protocol) -> tuple[dict[str, Question | None], list[str]]:
    """The requested questions that these data can serve, and why others can't; ``None`` for the harness's own rows."""
    found, lacking = offered(split, protocol)
    possible: dict[str, Question | None] = {**dict.fromkeys(HARNESS), **found}
    chosen = chosen_questions(wanted, [*possible, *(name for name in lacking if name not in possible)])
    unable = _unable(split, possible)
    refused = [f"question '{name}' ({why})" for name, why in lacking.items()]
    refused += [f"question '{name}' (needs `identity`)" for name in chosen if name in unable]
    return {name: possible[name] for name in chosen if name in possible and name not in unable}, refused


def _unable(split: Split, possible: Mapping[str, Question | None]) -> set[str]:
    """Questions that need identities, or a second photo of the selection subjects, which these data lack."""
    needing = {name for name, question in possible.items() if question is not None and question.needs_identity}
    if not split.has_identity:
        return {*COMPARED, *needing}
    return needing if split.selection.probes is None else set()


def chosen_questions(wanted: str, known: Sequence[str]) -> list[str]:
    """The names in ``wanted``, "all" or a comma list, once each.

    Raises
    ------
    InputError
        On a name that isn't known, with similar ones, and where none is named.
    """
    if wanted.strip() == "all":
        return list(known)
    chosen = list(dict.fromkeys(names(wanted)))
    if not chosen:
        raise InputError(f"no question named in '{wanted}'; expected all or a comma list of {', '.join(known)}")
    for name in chosen:
        if name not in known:
            near = difflib.get_close_matches(name, known) or known
            raise InputError(f"no question '{name}' for these data; did you mean {' or '.join(near)}?")
    return chosen


@dataclass(frozen=True, eq=False)
class _Grid:
    """The attacks, questions and template counts that are crossed into the cells of one scheme."""

    frame: _Frame
    attacks: dict[str, Attack]
    questions: dict[str, Question | None]
    counts: tuple[int, ...]

    def cells(self, name: str, scheme: Scheme) -> list[Cell]:
        scenarios = ("none", str(Knowledge.STOLEN_KEY)) if revocable(scheme) else ("none",)
        cells = [
            self.frame.cell(name, ZERO_EFFORT, question, scenario)
            for question in COMPARED
            if question in self.questions
            for scenario in scenarios
        ]
        if COST in self.questions:
            cells.append(self.frame.cell(name, NO_ATTACK, COST, "none"))
        return cells + [
            self.frame.cell(name, attack_name, question_name, threat.name)
            for attack_name, attack in self.attacks.items()
            for question_name, question in self.questions.items()
            if isinstance(question, attack.question)
            for threat in threats(attack, scheme, self.counts)
        ]


def threats(attack: Attack, scheme: Scheme, counts: Sequence[int]) -> list[Threat]:
    """The threats under which an attack is run on a scheme: knowledge level, access, templates per subject."""
    access = getattr(attack, "access", Access.RECORD)
    records = counts if getattr(attack, "several", False) else (1,)
    able = set(attack.knowledge)
    if able & {Knowledge.ALGORITHM, Knowledge.STOLEN_KEY}:
        able.add(Knowledge.FULL_DISCLOSURE)
    return [
        Threat(level, records=number, access=access)
        for level in levels(scheme)
        if level in able and _has_what_it_needs(attack, scheme, level, access)
        for number in records
    ]


def _has_what_it_needs(attack: Attack, scheme: Scheme, level: Knowledge, access: Access) -> bool:
    needs = getattr(attack, "needs", ())
    if access is not Access.RECORD and level is Knowledge.FULL_DISCLOSURE:
        return False  # an attacker who holds all secrets needs no online access
    try:
        held: object = granted(scheme, level)
    except Exception:  # a scheme that isn't fitted yet may be unable to give its public part
        return not set(needs) & set(_SECRETIVE) and all(hasattr(scheme, method) for method in needs)
    return all(hasattr(held, method) for method in needs)
