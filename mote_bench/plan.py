"""Which cells a run consists of, and what can't run on these data and why."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mote_bench import registry
from mote_bench.contracts import (
    Attack,
    Cell,
    Faces,
    InputError,
    Question,
    SamePerson,
    Scheme,
    WhichClass,
    WhichFace,
)
from mote_bench.data.columns import UNKNOWN
from mote_bench.evidence import levels
from mote_bench.judge import CONTROLS, NO_ATTACK, ZERO_EFFORT
from mote_bench.protocol import Protocol
from mote_bench.split import Split
from mote_bench.toolkit import needs_identity, revocable

HARNESS_QUESTIONS = ("verify", "fairness", "cost")
_NEED_IDENTITY = ("verify", "fairness", "reconstruct", "link")


@dataclass(frozen=True, eq=False)
class Plan:
    """The cells of a run, with the objects they name.

    Attributes
    ----------
    refused : tuple of str
        What was left out because the data can't serve it.
    broken : tuple of str
        Plug-ins that could not be loaded.
    """

    cells: tuple[Cell, ...]
    schemes: dict[str, Scheme]
    attacks: dict[str, Attack]
    questions: dict[str, Question]
    refused: tuple[str, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What the user asked for: comma lists of names, or "all"."""

    schemes: str = "all"
    attacks: str = "all"
    questions: str = "all"


def make(choice: Choice, split: Split, protocol: Protocol, *, data: str, seed: int) -> Plan:
    """The plan of a run.

    Raises
    ------
    InputError
        On unknown names, on an empty registry, and when nothing that was asked for can run.
    """
    broken: list[str] = []
    schemes = _schemes(choice.schemes, broken)
    attacks = _attacks(choice.attacks, broken)
    questions, refused = _questions(choice.questions, split, protocol)
    for name in [name for name, scheme in schemes.items() if needs_identity(scheme) and not split.has_identity]:
        refused.append(f"scheme '{name}' (its fit needs `identity`)")
        del schemes[name]
    frame = _Frame(protocol.name, data, seed)
    cells = [cell for name, scheme in schemes.items() for cell in _cells(frame, name, scheme, attacks, questions)]
    if not cells:
        raise InputError("nothing to run: " + ("; ".join(refused + broken) or "no attack answers these questions"))
    asked = {name: question for name, question in questions.items() if question is not None}
    return Plan(tuple(cells), schemes, attacks, asked, tuple(refused), tuple(broken))


@dataclass(frozen=True)
class _Frame:
    protocol: str
    data: str
    seed: int

    def cell(self, scheme: str, attack: str, question: str, knowledge: str) -> Cell:
        return Cell(self.protocol, self.data, scheme, attack, question, knowledge, self.seed)


def _schemes(wanted: str, broken: list[str]) -> dict[str, Scheme]:
    chosen = registry.select("schemes", wanted)
    names = [*CONTROLS, *(name for name in chosen if name not in CONTROLS)]
    loaded = _loaded("schemes", names, broken)
    return {name: made for name, made in loaded.items() if _keeps(made, Scheme, name, broken)}


def _attacks(wanted: str, broken: list[str]) -> dict[str, Attack]:
    loaded = _loaded("attacks", registry.select("attacks", wanted), broken)
    return {name: made for name, made in loaded.items() if _keeps(made, Attack, name, broken)}


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


def _questions(wanted: str, split: Split, protocol: Protocol) -> tuple[dict[str, Question | None], list[str]]:
    """Every question that was asked for and can be put to these data; ``None`` where the harness itself answers."""
    references = split.target.references
    possible: dict[str, Question | None] = dict.fromkeys(HARNESS_QUESTIONS)
    refused = []
    for attribute in references.attributes:
        classes = _classes(attribute, split, protocol.people_per_class)
        if len(classes) >= 2:
            possible[attribute] = WhichClass(attribute, classes)
        else:
            least = protocol.people_per_class
            refused.append(f"question '{attribute}' (fewer than two classes with {least} shadow and target people)")
    possible |= {"reconstruct": WhichFace(references.embeddings.shape[1]), "link": SamePerson()}
    chosen = _chosen(wanted, [*possible, *(name for name in references.attributes if name not in possible)])
    for name in chosen:
        if name in _NEED_IDENTITY and not split.has_identity:
            refused.append(f"question '{name}' (needs `identity`)")
    unable = set() if split.has_identity else set(_NEED_IDENTITY)
    return {name: possible[name] for name in chosen if name in possible and name not in unable}, refused


def _chosen(wanted: str, known: Sequence[str]) -> list[str]:
    if wanted == "all":
        return list(known)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known) or known
            raise InputError(f"no question '{name}' for these data; did you mean {' or '.join(near)}?")
    return list(dict.fromkeys(names))


def _classes(attribute: str, split: Split, least: int) -> tuple[str, ...]:
    def counts(faces: Faces) -> dict[str, int]:
        labels = faces.attributes[attribute].tolist()
        return {label: labels.count(label) for label in set(labels) - {UNKNOWN}}

    shadow, target = counts(split.shadow.references), counts(split.target.references)
    return tuple(sorted(label for label in target if min(target[label], shadow.get(label, 0)) >= least))


def _cells(
    frame: _Frame, name: str, scheme: Scheme, attacks: dict[str, Attack], questions: dict[str, Question | None]
) -> list[Cell]:
    scenarios = ("none", "stolen_key") if revocable(scheme) else ("none",)
    cells = [
        frame.cell(name, ZERO_EFFORT, question, scenario)
        for question in ("verify", "fairness")
        if question in questions
        for scenario in scenarios
    ]
    if "cost" in questions:
        cells.append(frame.cell(name, NO_ATTACK, "cost", "none"))
    for attack_name, attack in attacks.items():
        if not all(hasattr(scheme, method) for method in getattr(attack, "needs", ())):
            continue
        cells += [
            frame.cell(name, attack_name, question_name, str(level))
            for question_name, question in questions.items()
            if isinstance(question, attack.question)
            for level in attack.knowledge
            if level in levels(scheme)
        ]
    return cells
