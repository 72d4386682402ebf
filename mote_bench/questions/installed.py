"""Which questions are installed, and the rules by which the records of a question are read, installed or not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from mote_bench import registry
from mote_bench.contracts import InputError
from mote_bench.metrics import catalogue
from mote_bench.metrics.catalogue import Metric

from .attribute import WhichClass
from .base import Question, Strictest
from .harness import HARNESS


@cache
def installed() -> tuple[type[Question], ...]:
    """The kinds of questions in the order of the boards; what can't be loaded is left out (:func:`broken`)."""
    return _loaded()[0]


def broken() -> tuple[str, ...]:
    """Registered questions that can't be used, and why."""
    return _loaded()[1]


@cache
def _loaded() -> tuple[tuple[type[Question], ...], tuple[str, ...]]:
    found: dict[str, type[Question]] = {}
    complaints = []
    for name in dict.fromkeys(entry.name for entry in registry.names("questions")):
        try:
            found[name] = _kind(name)
        except (registry.PluginError, InputError) as error:  # InputError: two packages ship this name
            complaints.append(str(error))
    ordered = sorted(found.items(), key=lambda one: (one[1].order, one[0]))
    return tuple(kind for _, kind in ordered), tuple(complaints)


def _kind(name: str) -> type[Question]:
    made = registry.factory("questions", name)
    if isinstance(made, type) and issubclass(made, Question):
        return made
    raise registry.PluginError(
        f"{registry.find('questions', name)} is no class that derives from mote_bench.questions.Question"
    )


def entry_of(kind: type[Question]) -> registry.Entry | None:
    """The entry point that registers a kind of question."""
    target = f"{kind.__module__}:{kind.__qualname__}"
    return next((entry for entry in registry.names("questions") if entry.target == target), None)


def rules_of(question: str) -> type[Question]:
    """The kind of question that records of this name answer: an attribute where no other kind claims the name."""
    return claimant(question) or WhichClass


def claimant(question: str) -> type[Question] | None:
    """The installed kind of question, other than an attribute, that claims this name; our own before another's."""
    claiming = (kind for kind in installed() if kind.claims(question))
    return min(claiming, key=lambda kind: not kind.__module__.startswith("mote_bench."), default=None)


def ceiling_of(question: str) -> str:
    """The control scheme that hides nothing of what this question asks."""
    return rules_of(question).ceiling


def ceilings() -> frozenset[str]:
    """Every control scheme that is some question's ceiling."""
    return frozenset(kind.ceiling for kind in installed()) | {WhichClass.ceiling}


def kind_of(question: str) -> str:
    """What the catalogue of metrics calls a question: its id, or what stands for all attributes or all numbers."""
    return question if question in HARNESS else rules_of(question).kind()


def describe(metric: str, question: str) -> Metric:
    """The row of a metric by the name that stands in a record, of the catalogue or of the question itself.

    Raises
    ------
    InputError
        On a name that no row describes.
    """
    own = catalogue.row(metric, rules_of(question).metrics) if question not in HARNESS else None
    return own or catalogue.describe(metric, kind_of(question))


def described(metric: str, question: str) -> Metric:
    """As :func:`describe`, also for the metrics of a question that isn't installed here.

    Lower is then taken to leak less, as for nearly all that attacks are measured by.
    """
    try:
        return describe(metric, question)
    except InputError:
        meaning = f"a metric of question '{question}', which isn't installed here"
        return Metric(metric, (question,), meaning, "lower", "the package that ships the question")


def reading_of(question: str, metrics: Iterable[str], strictest: Strictest) -> tuple[str, tuple[str, ...]]:
    """The headline of a question and the metrics beside it.

    Parameters
    ----------
    metrics : iterable of str
        The names that its records hold. Where no installed question claims the name and they hold nothing that an
        attribute's do, the first of them is the headline.
    """
    headline, beside = rules_of(question).reading(strictest)
    held = list(metrics)
    if claimant(question) is None and held and headline not in held:
        return held[0], ()
    return headline, beside


def asks(question: str, headline: str) -> str:
    """What a question is after, in words; ``headline`` tells an attribute from a question that isn't installed."""
    kind = claimant(question)
    if kind is not None:
        return kind.asks
    return WhichClass.asks if headline == WhichClass.breaks_by else f"question '{question}'"


def in_full(question: str) -> bool:
    """Whether a board's cell shows the metrics beside the headline too."""
    return rules_of(question).in_full
