"""The installed questions, and the rules for reading records of any question, installed or not."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from mote_bench import registry
from mote_bench.contracts import InputError
from mote_bench.metrics import catalogue
from mote_bench.metrics.catalogue import Metric

from .attribute import WhichClass
from .base import Property, Question, Risk, Strictest
from .harness import HARNESS


@cache
def installed() -> tuple[type[Question], ...]:
    """The question types in the order of the boards, without those that can't be loaded (:func:`broken`)."""
    return _loaded()[0]


def broken() -> tuple[str, ...]:
    """The reasons why registered questions can't be used."""
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
        f"{registry.find('questions', name)} is {type(made).__name__} {made!r:.80}; expected a class that derives from "
        "mote_bench.questions.Question. Fix its entry point"
    )


def entry_of(kind: type[Question]) -> registry.Entry | None:
    """The entry point that registers a question type."""
    target = f"{kind.__module__}:{kind.__qualname__}"
    return next((entry for entry in registry.names("questions") if entry.target == target), None)


def rules_of(question: str) -> type[Question]:
    """The question type of records with this question name; an attribute if no other type claims it."""
    return claimant(question) or WhichClass


def claimant(question: str) -> type[Question] | None:
    """The installed question type, other than an attribute, that claims this name; built-in types come first."""
    claiming = (kind for kind in installed() if kind.claims(question))
    return min(claiming, key=lambda kind: not kind.__module__.startswith("mote_bench."), default=None)


def ceiling_of(question: str) -> str:
    """The ceiling control of this question."""
    return rules_of(question).ceiling


def ceilings() -> frozenset[str]:
    """The ceiling controls of all questions."""
    return frozenset(kind.ceiling for kind in installed()) | {WhichClass.ceiling}


def kind_of(question: str) -> str:
    """A question's name in the catalogue of metrics: its id, or one name for all attributes or all numbers."""
    return question if question in HARNESS else rules_of(question).kind()


def describe(metric: str, question: str) -> Metric:
    """The catalogue row of a published metric name, from the question itself or from the catalogue.

    Raises
    ------
    InputError
        On a name that no row describes.
    """
    own = catalogue.row(metric, rules_of(question).metrics) if question not in HARNESS else None
    return own or catalogue.describe(metric, kind_of(question))


def described(metric: str, question: str) -> Metric:
    """As :func:`describe`, also for the metrics of a question that isn't installed here.

    For such metrics lower is taken to leak less, as for nearly all metrics of attacks.
    """
    try:
        return describe(metric, question)
    except InputError:
        meaning = f"a metric of question '{question}', which isn't installed here"
        return Metric(metric, (question,), meaning, "lower", "the package that ships the question")


def reading_of(question: str, metrics: Iterable[str], strictest: Strictest) -> tuple[str, tuple[str, ...]]:
    """The headline metric of a question and the metrics beside it.

    Parameters
    ----------
    metrics : iterable of str
        The names in the question's records. If no installed question claims the name and the records lack an
        attribute's headline, the first of these names is the headline.
    """
    headline, beside = rules_of(question).reading(strictest)
    held = list(metrics)
    if claimant(question) is None and held and headline not in held:
        return held[0], ()
    return headline, beside


def asks(question: str, headline: str) -> str:
    """The attacker's aim in words; ``headline`` distinguishes an attribute from a question that isn't installed."""
    kind = claimant(question)
    if kind is not None:
        return kind.asks
    return WhichClass.asks if headline == WhichClass.breaks_by else f"question '{question}'"


def threatened(question: str, headline: str) -> Property | None:
    """The property that a right answer breaks; ``headline`` as in :func:`asks`. None of an unknown question."""
    kind = claimant(question)
    if kind is not None:
        return kind.threatens
    return WhichClass.threatens if headline == WhichClass.breaks_by else None


def risk_of(question: str, headline: str) -> Risk | None:
    """The risk that a right answer is about; ``headline`` as in :func:`asks`. None of an unknown question."""
    kind = claimant(question)
    if kind is not None:
        return kind.risk
    return WhichClass.risk if headline == WhichClass.breaks_by else None


def stands_alone(question: str) -> bool:
    """Whether the question has a column of its own in the threat matrix."""
    return rules_of(question).stands_alone


def in_full(question: str) -> bool:
    """Whether a board's cell also shows the metrics beside the headline."""
    return rules_of(question).in_full
