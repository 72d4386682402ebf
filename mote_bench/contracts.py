"""The nouns of the suite: faces, schemes, questions, evidence, attacks, measurements, records.

Only numpy and the standard library are imported here, so a plug-in that imports this module imports nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]
"""Any real array; shapes and dtypes stand in the docstring of what takes or returns it."""

Template = bytes
"""All of what a database would hold for one person. Storage is ``len(template)``."""

Key = bytes
"""A secret of one person that sits outside the database (a token, a card): 32 bytes."""


FLOOR, CEILING = "noise", "cosine"
"""The control schemes: templates that hold nothing, and templates that hide nothing."""

CONTROLS = (FLOOR, CEILING)
"""The control schemes that every run holds; a question may have another ceiling (``Question.ceiling``)."""


ATTACK_READS = "attack_reads"
"""The part of a record's provenance that says what its attack works on: the value of a :class:`Reads`, or nothing."""


class InputError(Exception):
    """What the user gave can't be used: says what was given, what was expected and what to do next."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Aligned rows: one embedding, who it shows and soft attributes, a row per image.

    Parameters
    ----------
    embeddings : (n, d) float
        Stored as unit-length float32 rows. Finite and non-zero.
    identity : (n,) str, optional
        Who each row shows. ``None`` when the source doesn't say.
    attributes : mapping of name -> (n,) str
        Soft-biometric classes (``gender``, ``age`` in bins, ...), a label per row.
    values : mapping of name -> (n,) float
        Soft-biometric numbers (``age`` in years, ...); NaN where unknown.
    second : (n, d2) float, optional
        The same images as another recogniser embeds them, stored as unit float32 rows: reconstructions are shown to it.

    Raises
    ------
    InputError
        On a wrong shape, lengths that disagree, and rows that are not finite or are zero.
    """

    embeddings: FloatArray
    identity: npt.NDArray[np.str_] | None = None
    attributes: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    values: Mapping[str, FloatArray] = field(default_factory=dict)
    second: FloatArray | None = None

    def __post_init__(self) -> None:
        embeddings = _unit_rows("embeddings", self.embeddings)
        for name, column in self._columns():
            if np.shape(column) != (len(embeddings),):
                raise InputError(
                    f"'{name}' has shape {np.shape(column)}; expected ({len(embeddings)},), one value per embedding."
                )
        object.__setattr__(self, "embeddings", embeddings)
        if self.second is not None:
            second = _unit_rows("second embeddings", self.second)
            if len(second) != len(embeddings):
                raise InputError(f"{len(second)} second embeddings for {len(embeddings)} images; expected one of each.")
            object.__setattr__(self, "second", second)
        if self.identity is not None:
            object.__setattr__(self, "identity", _frozen(np.asarray(self.identity).astype(str)))
        attributes = {name: _frozen(np.asarray(column).astype(str)) for name, column in self.attributes.items()}
        object.__setattr__(self, "attributes", attributes)
        values = {name: _frozen(np.asarray(column, dtype=np.float64)) for name, column in self.values.items()}
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.embeddings)

    def _columns(self) -> list[tuple[str, Any]]:
        identity = [] if self.identity is None else [("identity", self.identity)]
        return identity + list(self.attributes.items()) + list(self.values.items())

    def rows(self, index: npt.NDArray[Any]) -> Faces:
        """The rows that ``index`` (integers or a mask) names, in its order."""
        identity = None if self.identity is None else self.identity[index]
        attributes = {name: column[index] for name, column in self.attributes.items()}
        values = {name: column[index] for name, column in self.values.items()}
        second = None if self.second is None else self.second[index]
        return Faces(self.embeddings[index], identity, attributes, values, second)


def _unit_rows(name: str, given: FloatArray) -> FloatArray:
    """Read-only (n, d) float32 rows of length one; InputError where there is a row that has no direction."""
    rows = np.asarray(given, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"{name} have shape {rows.shape}; expected (n images, d dimensions).")
    broken = np.asarray(~np.isfinite(rows).all(axis=1))
    if broken.any():
        raise InputError(f"{_rows(broken)} of {name} hold NaN or infinity; drop or recompute those images.")
    # In float64: a tiny row's square would vanish in float32.
    length = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    if not (length > 0).all():
        raise InputError(f"{_rows(length[:, 0] == 0)} of {name} are all zero; drop or recompute those images.")
    return _frozen((rows / length).astype(np.float32))


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    copy = array.copy()
    copy.setflags(write=False)
    return copy


def _rows(bad: npt.NDArray[np.bool_]) -> str:
    named = ", ".join(map(str, np.flatnonzero(bad)[:5]))
    more = ", ..." if bad.sum() > 5 else ""
    return f"{bad.sum()} of {len(bad)} rows ({named}{more})"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Faces with what is known of their source. A data set plug-in is a function that returns one.

    Attributes
    ----------
    name : str
        How the boards call it.
    checksum : str
        SHA-256 of the file the faces were read from, hexadecimal.
    notes : tuple of str
        What a reader of the results must know of the loading (arrays left out, rows without a label).
    """

    name: str
    faces: Faces
    checksum: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Embedded:
    """The largest face of one picture.

    Attributes
    ----------
    embedding : (d,) float
    faces : int
        How many faces were found in the picture.
    """

    embedding: FloatArray
    faces: int = 1


@runtime_checkable
class Embedder(Protocol):
    """A recogniser: finds the largest face of a picture, aligns it and turns it into an embedding.

    Its entry point is called without arguments, or with ``weights=Path`` where the user gave a file. Each worker
    process makes one of its own.
    """

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> Sequence[Embedded | None]:
        """One answer per (height, width, 3) RGB picture, in their order; ``None`` where no face is found.

        A picture's answer must not depend on the pictures beside it.
        """
        ...

    def about(self) -> Mapping[str, str]:
        """What the embeddings depend on: model and its file's SHA-256, detector, alignment, library version."""
        ...


@runtime_checkable
class Scheme(Protocol):
    """How a system turns a face into a template and compares a probe with it. Batch first.

    A class attribute ``revocable = True`` says that a person's template depends on a secret key; then ``keys`` is a
    sequence as long as ``templates``, otherwise it is ``None``. ``needs_identity = True`` says that ``fit`` reads
    ``background.identity``. Both default to ``False``.

    Two methods are optional; an attack that needs one asks for it by name:

    ``reconstruct(templates, *, keys) -> (n, d) float``
        The closed-form estimate of the enrolled embedding, if the construction admits one.
    ``surrogate(templates, *, keys) -> function``
        A differentiable stand-in for ``score`` of these templates: the function takes k probes per template, a torch
        tensor (n, k, d) float32, and answers (n, k). It is asked many times, so whatever depends on templates and
        keys alone is worked out once.
    ``readings(templates) -> sequence of (n, p) float``
        Tables of numbers that say what the bytes mean once the format is known, such as weights in a canonical order;
        an attacker who knows the algorithm reads these beside the raw bytes.
    ``solve(templates, *, keys, prior, rng) -> (n, d) float``
        The published attack on this construction, where it needs more than a closed form: undoing a shuffle of
        blocks, solving a polynomial system. ``prior`` are public embeddings (m, d).
    ``public() -> object``
        The scheme without the system's own secrets, such as a decryption key: it can enrol, and has no ``score`` if
        scoring needs them. A scheme with this method has the knowledge level ``full_disclosure``; at the levels below
        it the attacker gets the public part.
    """

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the public state from public faces; returns itself."""
        ...

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d) unit float32.

        ``seeds[i]`` is all the randomness person i may use: a person's template must not depend on who is enrolled
        beside them.
        """
        ...

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) answers, higher = more alike: template i against probe j, with ``keys[i]`` presented at row i."""
        ...


class Question(Protocol):
    """What an attack is asked. The kinds of questions and their rules are plug-ins: :mod:`mote_bench.questions`."""

    @property
    def name(self) -> str:
        """As records and boards call it: ``gender``, ``reconstruct``, ``link``, ..."""
        ...


class Knowledge(StrEnum):
    """What the thief holds besides the stolen records, weakest first (the threat models of ISO/IEC 30136)."""

    BYTES_ONLY = "bytes_only"
    """The records; neither the algorithm nor any data (30136: naive)."""
    ALGORITHM = "algorithm"
    """Also the algorithm, its public state, public faces and people of the thief's own (30136: general)."""
    STOLEN_KEY = "stolen_key"
    """Also the key of each stolen record (30136: full disclosure of a two-factor system)."""
    FULL_DISCLOSURE = "full_disclosure"
    """Also every secret of the system itself, such as a decryption key."""


class Access(StrEnum):
    """How the thief reaches the templates."""

    RECORD = "record"
    """Holds the bytes, and runs the system on them as often as they like."""
    SCORES = "scores"
    """Holds no record: presents probes to the running system and reads the scores."""
    DECISIONS = "decisions"
    """Holds no record: presents probes to the running system and sees who is let in."""


class Reads(StrEnum):
    """What an attack works on. An attack on the stored bytes is naive; all others are adaptive."""

    BYTES = "bytes"
    """The bytes of the stolen templates, as they are stored."""
    RESPONSES = "responses"
    """The comparison scores that stolen templates return to the attacker's probes."""
    INVERSION = "inversion"
    """Embeddings that the attack first reconstructs from responses."""
    CLOSED_FORM = "closed_form"
    """Embeddings that the scheme's own closed form gives."""
    SEARCH = "search"
    """Faces that the attack finds by searching for a high score."""
    SCORES = "scores"
    """Scores of the running system: online access, without a stolen template."""
    DECISIONS = "decisions"
    """Decisions of the running system: online access, without a stolen template."""


@dataclass(frozen=True)
class Threat:
    """What the thief of one cell holds: knowledge, how many records of each person, and how they are reached."""

    knowledge: Knowledge
    records: int = 1
    access: Access = Access.RECORD

    @property
    def name(self) -> str:
        """As it stands on the boards: ``stolen_key``, ``algorithm (3 records)``, ``algorithm (scores only)``."""
        if self.access is not Access.RECORD:
            return f"{self.knowledge} ({self.access} only)"
        return str(self.knowledge) if self.records == 1 else f"{self.knowledge} ({self.records} records)"

    @classmethod
    def parse(cls, name: str) -> Self:
        """The threat of this name; ValueError where it is none."""
        knowledge, _, rest = name.partition(" (")
        words = rest.removesuffix(")").split()
        if not words:
            return cls(Knowledge(knowledge))
        if words[1:] == ["only"]:
            return cls(Knowledge(knowledge), access=Access(words[0]))
        return cls(Knowledge(knowledge), records=int(words[0]))


@dataclass(frozen=True, eq=False)
class Shadow:
    """The attacker's own people, enrolled by the attacker with the system under attack.

    Row i of ``references`` was enrolled as ``templates[i]`` under ``keys[i]``. For ``SamePerson`` everybody is
    enrolled twice, from another photo under another key: ``seconds``, ``second_templates``, ``second_keys``.
    """

    references: Faces
    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None
    seconds: Faces | None = None
    second_templates: tuple[Template, ...] = ()
    second_keys: tuple[Key, ...] | None = None


@dataclass(frozen=True, eq=False)
class Records:
    """One stolen record of each person, with the keys where the knowledge level grants them."""

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None = None


class Oracle(Protocol):
    """The running system as someone at its door sees it: probes in, scores or decisions out, every query counted.

    Attributes
    ----------
    people : int
        How many enrolled people can be claimed to be.
    budget : int
        How many queries each of them allows.
    """

    people: int
    budget: int

    @property
    def left(self) -> npt.NDArray[np.int64]:
        """(people,) queries that remain."""
        ...

    def ask(self, probes: FloatArray, person: int | None = None) -> FloatArray:
        """What the system answers: scores, or 1.0 and 0.0 for accepted and refused.

        Parameters
        ----------
        probes : (m, d) float
            Probes; only their direction counts.
        person : int, optional
            Claim to be this person and get (m,) answers, at m queries; by default claim to be each person with every
            probe, (people, m) answers, at m queries each.

        Raises
        ------
        ValueError
            When the budget doesn't allow so many queries; none is then made.
        """
        ...


@dataclass(frozen=True, eq=False)
class Evidence:
    """Exactly what one attacker sees. What the threat doesn't grant is ``None`` or empty.

    Attributes
    ----------
    templates : tuple of bytes
        The stolen records, in an order that says nothing; empty without access to records.
    others : tuple of bytes
        A second stolen database, for ``SamePerson``; otherwise empty.
    keys, other_keys : tuple of bytes, optional
        The key of each record; granted by ``stolen_key`` where the scheme has keys.
    scheme : Scheme, optional
        The system itself, fitted, to enrol with and to query; granted by ``algorithm``. Without the system's own
        secrets below ``full_disclosure``: it may then lack ``score``.
    public : Faces, optional
        Labelled faces of strangers, none of them enrolled; granted by ``algorithm``. For ``WasMember`` these are
        known members.
    shadow : Shadow, optional
        The attacker's own enrolled people; granted by ``algorithm``. For ``WasMember`` they are known not to be
        members.
    renewed : tuple of Records
        Further records of the same people in the same order, made of the same photo under new keys and new randomness
        (as after a revocation); empty where the thief holds one record of each.
    oracle : Oracle, optional
        The running system, where the thief has no record.
    candidates : (n, photos, d) or (m, d) float, optional
        The photos or faces in question, for ``WhichPhoto`` and ``WasMember``.
    """

    knowledge: Knowledge
    templates: tuple[Template, ...] = ()
    others: tuple[Template, ...] = ()
    keys: tuple[Key, ...] | None = None
    other_keys: tuple[Key, ...] | None = None
    scheme: Scheme | None = None
    public: Faces | None = None
    shadow: Shadow | None = None
    renewed: tuple[Records, ...] = ()
    oracle: Oracle | None = None
    candidates: FloatArray | None = None

    @property
    def people(self) -> int:
        """How many people are attacked."""
        return len(self.templates) if self.oracle is None else self.oracle.people


@runtime_checkable
class Attack(Protocol):
    """Answers a question from evidence. It never sees the truth and never scores itself.

    Class attributes: ``question`` (the question type it answers), ``knowledge`` (the levels at which it makes
    sense; one that lists ``algorithm`` or ``stolen_key`` also runs at ``full_disclosure`` where a scheme has it) and
    ``reads`` (what it works on, a :class:`Reads`; an attack of the first edition, which states none, runs and counts
    neither as naive nor as adaptive). Optional ones:

    ``needs`` : tuple of str
        The scheme methods that it can't do without (``("surrogate",)``; ``("score",)`` for queries to stolen records).
    ``access`` : Access
        By default it holds the records.
    ``several`` : bool
        ``True`` for an attack on several records of each person; it is then run at each number of them.
    ``repeatable`` : bool
        ``False`` for an attack whose answer isn't the same every time, such as one by the clock; it is run only when
        named.
    """

    # Read-only here, so that a class attribute of the exact type fits.
    @property
    def question(self) -> type[Question]: ...

    @property
    def knowledge(self) -> tuple[Knowledge, ...]: ...

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """The answer, in the shape that the question states. ``rng`` is all the randomness it may use."""
        ...


def flat(metric: str, at: str | None = None, group: Sequence[str] = ()) -> str:
    """A metric's published name; no other place makes one, and :mod:`mote_bench.metrics.names` reads them.

    >>> flat("fnmr", "1e-2", ("gender", "female"))
    'fnmr_gender_female_at_fmr_1e-2'
    """
    name = "_".join((metric, *group))
    if at is None:
        return name
    # tpr_at_fpr and type_2_success_at_wolf_rate say themselves which rate theirs is.
    return f"{name}_{at}" if "_at_" in metric else f"{name}_at_fmr_{at}"


@dataclass(frozen=True)
class Measurement:
    """One published number.

    Attributes
    ----------
    metric : str
        As it stands in ``mote_bench.metrics.catalogue``, snake case.
    value, low, high : float
        The estimate and its 95 % interval over people.
    n : int
        How many people the interval is over.
    chance : float, optional
        What an answer that knows nothing scores, where that is known beforehand.
    floor, ceiling : float, optional
        The same attack on ``noise`` and on ``cosine``.
    at : str, optional
        The rate at which it is read, as the protocol writes it: ``1e-3``. A false-match rate, unless the metric says
        of which other rate it is.
    group : tuple of str
        What part of the people, or how many of what, it is measured of: ``("gender",)`` where the groups of an
        attribute are compared, ``("gender", "female")`` for one of them, the size of a gallery, the number of faces.
        In snake case.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    chance: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    at: str | None = field(default=None, kw_only=True)
    group: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def name(self) -> str:
        """Its name in published files, as :func:`flat` makes it; one of its kind in a record."""
        return flat(self.metric, self.at, self.group)


class Status(StrEnum):
    """How a cell ended."""

    OK = "ok"
    FAILED = "failed"
    """The scheme or the attack raised, or answered in a wrong shape or with NaN."""
    UNMEASURED = "unmeasured"
    """The attack can't break ``cosine``, so what it finds in other schemes says nothing."""
    TIMED_OUT = "timed_out"
    """The attack was stopped at its time budget."""


@dataclass(frozen=True)
class Cell:
    """The coordinates of one experiment; equal cells are the same experiment.

    ``attack`` is ``zero-effort`` for verification and fairness and ``none`` for cost; ``knowledge`` is then
    ``none``, or ``stolen_key`` where impostors present the stolen key of the template they try to open. Elsewhere it is
    the name of a :class:`Threat`.
    """

    protocol: str
    data: str
    scheme: str
    attack: str
    question: str
    knowledge: str
    seed: int


@dataclass(frozen=True)
class Record:
    """One cell with all that is known of it. The only hand-off from a run to the boards.

    Attributes
    ----------
    details : mapping
        JSON-ready curves, histograms, counts and settings behind the measurements.
    cost : mapping of str -> float
        Seconds spent; the one part of a record that differs between two equal runs.
    provenance : mapping of str -> str
        Who ships the scheme and the attack, versions, checksums, machine; what the attack states that it reads
        (``ATTACK_READS``, empty where it states nothing).
    error : str, optional
        The traceback of a failed cell, or why a cell is unmeasured.
    rehearsal : tuple of Measurement
        What the same attack took from people of the attacker's own whom it saw as it saw its victims. The strongest
        attack is chosen by these, so that the figures of the victims aren't the largest of many by luck.
    file : str
        Where it was read from, seen from the folder of boards, for their links; not a part of the record. Empty for one
        that was just made.
    """

    cell: Cell
    status: Status
    measurements: tuple[Measurement, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    rehearsal: tuple[Measurement, ...] = ()
    file: str = field(default="", compare=False)


_MOVED = ("WhichClass", "HowMuch", "WhichFace", "SamePerson", "WhichPhoto", "WasMember", "WhichKeyface")

if not TYPE_CHECKING:  # a type checker would take every name for one that may be imported from here

    def __getattr__(name: str) -> Any:
        """The questions, for plug-ins of the first edition, which import them from here."""
        if name not in _MOVED:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        import warnings

        from mote_bench import questions

        message = f"{name} has moved out of mote_bench.contracts; write: from mote_bench.questions import {name}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return getattr(questions, name)
