"""The attacker's side: answers the tasks of a challenge by attacks of the suite, plug-ins, or at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mote_bench import registry
from mote_bench.challenge.answers import HAND_MADE, read_answers
from mote_bench.challenge.manifest import ChallengeTask
from mote_bench.challenge.opening import Opened
from mote_bench.challenge.scoring import random_answer
from mote_bench.contracts import Access, Attack, FloatArray, InputError
from mote_bench.engine import tasks
from mote_bench.formatting import message
from mote_bench.planning import plan
from mote_bench.planning import protocol as protocols
from mote_bench.questions import Question
from mote_bench.toolkit import stream_seed

RANDOM = "random"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answered:
    """Answers by task, with the name of the attack that made each, and why other tasks have none."""

    answers: Mapping[str, FloatArray]
    attacks: Mapping[str, str]
    failed: tuple[str, ...]


def at_random(opened: Opened, wanted: Sequence[str], seed: int) -> Answered:
    """A random answer to each task: normal numbers, which rank at the floor."""
    chosen = _chosen(opened, wanted)
    answers = {task.id: random_answer(task.shape, stream_seed(seed, RANDOM, task.id)) for task in chosen}
    return Answered(answers, dict.fromkeys(answers, RANDOM), ())


def by_hand(opened: Opened, folder: Path) -> Answered:
    """The answers in files that somebody has made, checked; InputError as in ``answers.read_answers``."""
    found = read_answers(folder, opened.manifest)
    return Answered(found, dict.fromkeys(found, HAND_MADE), ())


def by_attacks(opened: Opened, attacks: str, wanted: Sequence[str], *, seed: int, say: Say) -> Answered:
    """Answers by attacks: each task by the first of them that answers its question at its threat.

    Parameters
    ----------
    attacks : str
        Comma list of names.
    wanted : sequence of str
        The tasks to answer; empty for all.
    say : callable
        Is told of each answer as it is made.

    Raises
    ------
    InputError
        On unknown names, and when none of the attacks answers any of the tasks.
    """
    loaded = _loaded(attacks)
    answers: dict[str, FloatArray] = {}
    made_by: dict[str, str] = {}
    failed: list[str] = []
    limit = protocols.load(opened.manifest.protocol).seconds_per_attack
    for task in _chosen(opened, wanted):
        question = task.asks()
        name = next((name for name, one in loaded.items() if _answers(one, question, task, opened)), None)
        if name is None:
            continue
        evidence = opened.evidence(task)
        if question.shape(evidence) != task.shape:
            raise InputError(f"{task.id} says {task.shape}, its evidence {question.shape(evidence)}; get it again")
        own = stream_seed(seed, "answer", opened.manifest.checksum, task.id, name)
        outcome = tasks.attack(loaded[name], question, evidence, None, seed=own, limit=limit)
        if outcome.error is not None:
            failed.append(f"{task.id} by {name}: {message(outcome.error)}")
            continue
        answers[task.id], made_by[task.id] = outcome.value.answer, name
        say(f"{task.id}: {task.question}, {task.scheme or 'scheme not said'}, {task.threat}: answered by {name}")
    if not answers and not failed:
        raise InputError(
            f"none of {', '.join(loaded)} answers a task: another question, another threat, or a method that the "
            "schemes lack; see the tasks in RULES.md and the attacks in: python -m mote_bench list attacks"
        )
    return Answered(answers, made_by, tuple(failed))


def _chosen(opened: Opened, wanted: Sequence[str]) -> list[ChallengeTask]:
    return [opened.task(name) for name in dict.fromkeys(wanted)] if wanted else list(opened.manifest.tasks)


def _loaded(attacks: str) -> dict[str, Attack]:
    made = {}
    for name in registry.select("attacks", attacks):
        try:
            made[name] = registry.load("attacks", name)
        except registry.PluginError as error:
            raise InputError(str(error)) from None
        if not isinstance(made[name], Attack):
            raise InputError(f"'{name}' is no attack: it lacks a method or attribute of mote_bench.contracts.Attack")
    return made


def _answers(attack: Attack, question: Question, task: ChallengeTask, opened: Opened) -> bool:
    """Whether the attack answers the question with what the task's threat grants; the engine's own rule."""
    threat = task.knowing
    if not isinstance(question, attack.question) or getattr(attack, "access", Access.RECORD) is not Access.RECORD:
        return False
    if task.scheme is None:
        return threat.knowledge in attack.knowledge and not getattr(attack, "needs", ())
    several = (threat.records,) if threat.records > 1 else ()
    return threat in plan.threats(attack, opened.scheme(task.scheme), several)
