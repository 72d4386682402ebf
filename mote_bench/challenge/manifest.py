"""The manifest of a challenge: its tasks, the schemes that are attacked, and the checksums of its files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from mote_bench import registry
from mote_bench.challenge.files import MANIFEST, TRUTH, read_json
from mote_bench.contracts import InputError, Threat
from mote_bench.questions import Question
from mote_bench.questions.installed import entry_of

FORMAT = "mote-bench challenge 1"
FACES = "faces.npz"
"""The file of the public faces and of the shadow subjects' faces."""
_ID = re.compile(r"t[0-9]{2,4}")
_MOST_TASKS, _MOST_CELLS = 2000, 10**9
_WHAT = f"the public part of a challenge, with its {MANIFEST}"


@dataclass(frozen=True)
class ChallengeTask:
    """One question about one stolen database.

    Attributes
    ----------
    id : str
        The name of its files: ``t01``.
    scheme : str, optional
        The attacked scheme; ``None`` where the threat doesn't grant the algorithm.
    threat : str
        The name of a :class:`~mote_bench.contracts.Threat`.
    question, entry : str
        The question's name and the entry point of its type.
    fields : mapping
        What the question is made of, such as the attribute and its classes.
    shape : (rows, columns)
        Of an answer.
    second : bool
        Whether the shadow subjects' second templates belong to the evidence.
    headline, better : str
        The metric by which answers are ranked, and which values of it leak less: ``lower`` or ``higher``.
    chance : float, optional
        The headline's value for a guess, if known in advance.
    """

    id: str
    scheme: str | None
    threat: str
    question: str
    entry: str
    fields: Mapping[str, Any]
    shape: tuple[int, int]
    second: bool
    headline: str = ""
    better: str = "lower"
    chance: float | None = None

    @property
    def file(self) -> str:
        """The file of its evidence."""
        return f"{self.id}.npz"

    @property
    def sign(self) -> float:
        """1 where higher values of the headline are better for the attacker, otherwise -1."""
        return 1.0 if self.better == "lower" else -1.0

    @property
    def knowing(self) -> Threat:
        return Threat.parse(self.threat)

    def asks(self) -> Question:
        """The question, made by its installed type.

        Raises
        ------
        InputError
            When the type isn't installed, or isn't of the version that the challenge was made with.
        """
        return question_of(self.entry, self.fields)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        """The task in a table read from JSON; ValueError, KeyError or TypeError when it holds none."""
        rows, columns = (int(size) for size in table["shape"])
        if not _ID.fullmatch(table["id"]) or min(rows, columns) < 1 or rows * columns > _MOST_CELLS:
            raise ValueError(f"task {table['id']!r:.40} has answers of shape {rows} x {columns}")
        scheme, chance = table["scheme"], table["chance"]
        if scheme is not None and not registry.acceptable(scheme):
            raise ValueError(f"{scheme!r:.80} is no name of a scheme")
        Threat.parse(table["threat"])
        words = {name: _text(table[name]) for name in ("id", "threat", "question", "entry", "headline", "better")}
        return cls(
            **words,
            scheme=scheme,
            fields=dict(table["fields"]),
            shape=(rows, columns),
            second=bool(table["second"]),
            chance=None if chance is None else float(chance),
        )


@dataclass(frozen=True)
class FittedScheme:
    """How the scheme of a challenge is fitted again.

    Attributes
    ----------
    shipped_by : str
        The package and its version.
    fit_seed : int
        The seed of ``fit``. Nothing else of the challenge derives from it.
    """

    shipped_by: str
    fit_seed: int


@dataclass(frozen=True)
class Manifest:
    """All that a challenge says of itself.

    Attributes
    ----------
    data : str
        The data's label.
    schemes : mapping of name -> FittedScheme
    files : mapping of name -> checksum
    commitment : str
        The checksum of the organiser's secret manifest, which holds those of the truth: nobody can change it later.
    left_out : tuple of str
        What was asked for and isn't part of the challenge, with the reason.
    checksum : str
        Of the manifest's own file: the challenge's name in answers.
    """

    data: str
    protocol: str
    made_with: str
    schemes: Mapping[str, FittedScheme]
    tasks: tuple[ChallengeTask, ...]
    files: Mapping[str, str]
    commitment: str
    left_out: tuple[str, ...]
    checksum: str = ""

    def to_table(self) -> dict[str, Any]:
        """All fields but the checksum, ready for JSON."""
        table = {name: value for name, value in asdict(self).items() if name != "checksum"}
        return {"format": FORMAT} | table

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest in the public part of a challenge.

        Raises
        ------
        InputError
            When the folder holds none, or holds what only an organiser may see.
        """
        if (folder / TRUTH).exists():
            raise InputError(f"'{folder}' is the secret part of a challenge; expected the public one")
        if not (folder / MANIFEST).exists() and (folder / "public" / MANIFEST).exists():
            raise InputError(f"'{folder}' holds both parts of a challenge; give the public one: {folder / 'public'}")
        table, checksum = read_json(folder / MANIFEST, _WHAT)
        if table.get("format") != FORMAT:
            raise InputError(f"'{folder / MANIFEST}' has the format {table.get('format')!r:.80}; expected '{FORMAT}'")
        made: Self = checked(lambda: cls._of(table, checksum), folder / MANIFEST)
        return made

    @classmethod
    def _of(cls, table: Mapping[str, Any], checksum: str) -> Self:
        tasks = tuple(ChallengeTask.read(one) for one in table["tasks"][:_MOST_TASKS])
        if len({task.id for task in tasks}) < len(tasks) or not tasks:
            raise ValueError(f"{len(tasks)} tasks, some of the same name; expected one or more, each of its own")
        schemes = {
            name: FittedScheme(_text(one["shipped_by"]), int(one["fit_seed"]))
            for name, one in table["schemes"].items()
            if registry.acceptable(name)
        }
        return cls(
            **{name: _text(table[name]) for name in ("data", "protocol", "made_with", "commitment")},
            schemes=schemes,
            tasks=tasks,
            files={_text(name): _text(one) for name, one in table["files"].items()},
            left_out=tuple(map(_text, table["left_out"])),
            checksum=checksum,
        )


def scheme_file(name: str) -> str:
    """The file of what the attackers have of a scheme: the shadow subjects' templates and keys."""
    return f"scheme-{name}.npz"


def checked(read: Callable[[], Any], path: Path) -> Any:
    """What ``read`` gives; an InputError that names the file where it can't be used."""
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        said = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else f"{error}"
        raise InputError(f"'{path}' is damaged: {said:.300}; get it again from the organiser") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no text")
    return value


def question_of(entry: str, fields: Mapping[str, Any]) -> Question:
    """A question of the type with this entry point; InputError as in :meth:`ChallengeTask.asks`."""
    try:
        made = registry.factory("questions", entry)(**{name: _frozen(value) for name, value in fields.items()})
    except registry.PluginError as error:
        raise InputError(str(error)) from None
    except Exception as error:  # a plug-in's constructor may raise anything
        raise InputError(
            f"question '{entry}' can't be made of {dict(fields)!r:.200} ({error}); expected the version of the package "
            "that the challenge was made with"
        ) from None
    if not isinstance(made, Question):
        raise InputError(f"the entry point '{entry}' makes {type(made).__name__}; expected a question")
    return made


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def entry_and_fields(question: Question) -> tuple[str, dict[str, Any]] | None:
    """The entry point of a question's type, and the fields it is made of; ``None`` where JSON can't hold them."""
    entry = entry_of(type(question))
    if entry is None:
        return None
    try:
        fields = json.loads(json.dumps(asdict(question), allow_nan=False))  # type: ignore[call-overload]
        return (entry.name, fields) if question_of(entry.name, fields) == question else None
    except (TypeError, ValueError, InputError):
        return None
