"""The public types of the suite: faces, schemes, questions, evidence, attacks, measurements, records.

Beside the basics only numpy and the standard library are imported here, so a plug-in that imports this module imports
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from mote_bench.basics import InputError as InputError
from mote_bench.basics import flat as flat

FloatArray = npt.NDArray[np.floating[Any]]
"""A real array; each function's docstring states shape and dtype."""

Template = bytes
"""What a database stores of one subject's reference (ISO/IEC 24745). Storage is ``len(template)`` bytes."""

NOT_ENROLLED: Template = b""
"""In place of a template: the scheme can't enrol this subject (ISO/IEC 19795-1: failure to enrol)."""

Key = bytes
"""A subject's secret, kept outside the database (on a card, say): 32 bytes. ISO/IEC 24745: supplementary data."""


FLOOR, CEILING = "noise", "cosine"
"""The control schemes: templates that hold nothing about the face, and templates that hide nothing of it."""

CONTROLS = (FLOOR, CEILING)
"""The control schemes that every run holds; a question may have another ceiling (``Question.ceiling``)."""

NOISE_CURVE = "noise-curve"
"""The word that stands for all :data:`NOISE_LEVELS` where a run's schemes are named."""

NOISE_LEVELS = tuple(f"noisy-vector-{level}" for level in ("05", "08", "11", "14", "17", "21", "26", "32", "40"))
"""The plain vector with Gaussian noise on references, least noise first: the reference curve of every question.

The number is the noise's standard deviation in hundredths of the length of a centred vector, in each dimension. These
schemes run only when they are named, and have no rows of their own on the boards.
"""


OWN = "own"
"""The operating point, in place of a false match rate, of a scheme with a built-in threshold (``decides``)."""

OWN_THRESHOLD = 0.5
"""The score from which a scheme with a built-in threshold accepts; what it rejects scores 0."""


ATTACK_READS = "attack_reads"
"""The provenance field that holds the attack's ``reads`` (a value of :class:`Reads`; empty if it states none)."""


BY_QUERIES = "by_queries"
"""The key of a record's details that holds what the attack reaches with fewer online queries (its ``budgets``)."""


BY_LIMITS = "by_limits"
"""The key of a record's details that holds what the attack reaches under limits of the system (its ``limits``)."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Embeddings of face images with identities and soft-biometric attributes, one row per image.

    Parameters
    ----------
    embeddings : (n, d) float
        Stored as unit-length float32 rows. Finite and non-zero.
    identity : (n,) str, optional
        The subject of each row. ``None`` when the source doesn't give it.
    attributes : mapping of name -> (n,) str
        Soft-biometric classes (``gender``, ``age`` in bins, ...), a label per row.
    values : mapping of name -> (n,) float
        Soft-biometric numbers (``age`` in years, ...); NaN where unknown.
    second : (n, d2) float, optional
        Embeddings of the same images by a second recogniser, stored as unit float32 rows. Reconstructions are also
        verified against them.

    Raises
    ------
    InputError
        On a wrong shape, unequal lengths, and rows that are zero or not finite.
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
        """The rows selected by ``index`` (integers or a mask), in its order."""
        identity = None if self.identity is None else self.identity[index]
        attributes = {name: column[index] for name, column in self.attributes.items()}
        values = {name: column[index] for name, column in self.values.items()}
        second = None if self.second is None else self.second[index]
        return Faces(self.embeddings[index], identity, attributes, values, second)


def _unit_rows(name: str, given: FloatArray) -> FloatArray:
    """Read-only (n, d) float32 unit rows; InputError if a row is zero or not finite."""
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
class Acquisition:
    """Every picture that was given to the recogniser, and whether it gave an embedding; one row per picture.

    It is what failure to acquire and failure to enrol are counted on (ISO/IEC 19795-1).

    Attributes
    ----------
    failed : (n,) bool
        Where no embedding came of the picture: no face was found in it, or it could not be read.
    identity : (n,) str, optional
        The subject of each picture. ``None`` when the source doesn't give it.
    attributes : mapping of name -> (n,) str
        Soft-biometric classes, a label per picture; empty where unknown.
    """

    failed: npt.NDArray[np.bool_]
    identity: npt.NDArray[np.str_] | None = None
    attributes: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Faces and where they come from. A data set plug-in is a function that returns one.

    Attributes
    ----------
    name : str
        The data set's name on the boards.
    checksum : str
        SHA-256 of the file that the faces were read from, hexadecimal.
    notes : tuple of str
        Remarks on loading for readers of the results (arrays left out, rows without a label).
    recogniser : str
        What made the embeddings; empty where that isn't known.
    acquisition : Acquisition, optional
        The pictures that the embeddings were made of, also those that gave none. ``None`` where it isn't known which
        pictures gave none: that isn't the same as none of them.
    """

    name: str
    faces: Faces
    checksum: str
    notes: tuple[str, ...] = ()
    recogniser: str = ""
    acquisition: Acquisition | None = None


@dataclass(frozen=True, eq=False)
class Embedded:
    """The embedding of the largest face in one picture.

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
    """A recogniser: detects the largest face in a picture, aligns it and computes its embedding.

    Its entry point is called without arguments, or with ``weights=Path`` if the user gave a file. One that has several
    models takes ``model=str``, which a user types behind its name: ``NAME:MODEL``. Each worker process makes its own.
    """

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> Sequence[Embedded | None]:
        """One result per (height, width, 3) RGB picture, in the order given; ``None`` where no face is found.

        The result for a picture must not depend on the other pictures of the call.
        """
        ...

    def about(self) -> Mapping[str, str]:
        """What the embeddings depend on: model and SHA-256 of its file, detector, alignment, library version.

        One that computes on ``toolkit.device()`` says so under ``device``, unless that is the CPU.
        """
        ...


@dataclass(frozen=True, eq=False)
class HalfSpaces:
    """What a template of signs or of indices of maxima says of the enrolled embedding x: ``normals @ x > offsets``.

    Attributes
    ----------
    normals : (m, d) float
    offsets : (m,) float
    """

    normals: FloatArray
    offsets: FloatArray


@dataclass(frozen=True, eq=False)
class Linear:
    """What a template of values says of the enrolled embedding x: ``values = matrix @ x`` plus Gaussian noise.

    Attributes
    ----------
    matrix : (m, d) float
    values : (m,) float
    spread : float
        Standard deviation of the noise of each value, above 0: added noise, rounding, or what the scheme's scaling
        leaves open.
    """

    matrix: FloatArray
    values: FloatArray
    spread: float


@dataclass(frozen=True, eq=False)
class NonLinear:
    """What a template of values says of the enrolled embedding x: ``values = function(x)`` plus Gaussian noise.

    Attributes
    ----------
    function : callable
        From embeddings (k, d), a torch tensor, to values (k, m), differentiable. Each row depends on its own embedding
        alone.
    values : (m,) float
    spread : float
        Standard deviation of the noise of each value, above 0: added noise, or rounding.
    """

    function: Callable[[Any], Any]
    values: FloatArray
    spread: float


@dataclass(frozen=True, eq=False)
class Smooth:
    """What a template says of the enrolled embedding x by a log likelihood that can be made softer.

    Attributes
    ----------
    log_likelihood : callable
        From embeddings (k, d), a float32 torch tensor, and a width to (k,) log likelihoods, differentiable. The width
        is the standard deviation of noise on the values that bits or codes are computed from, relative to these values'
        own: at 1 the template says little, towards 0 what it says is exact.
    numbers : int
        About how many numbers are computed for one embedding, where they are many; an attack may then compute fewer.
    """

    log_likelihood: Callable[[Any, float], Any]
    numbers: int = 0


Likelihood = HalfSpaces | Linear | NonLinear | Smooth
"""The likelihood of one template given the embedding that it was enrolled from, under the key that is presented."""


@runtime_checkable
class Scheme(Protocol):
    """A template scheme: turns reference embeddings into templates and compares probes with them, in batches.

    A class attribute ``revocable = True`` states that a template depends on the subject's key; ``keys`` is then a
    sequence as long as ``templates``, otherwise ``None``. ``needs_identity = True`` states that ``fit`` reads
    ``background.identity``. ``slow_to_try = True`` states that ``fit`` or ``enroll`` takes long on a few faces too,
    so that the scheme isn't tried before a run. ``decides = True`` states a built-in threshold, as of a biometric
    cryptosystem: ``score`` is 0 for a rejected probe. For an accepted one it is 1, or from 0.5 (``OWN_THRESHOLD``) up
    to 1 and higher for a nearer probe. FNMR and FMR are then one point, not a curve. All default to ``False``.

    Ten methods are optional. An attack names those that it needs in ``needs``:

    ``reconstruct(templates, *, keys) -> (n, d) float``
        Closed-form estimate of the enrolled embedding, if the scheme admits one.
    ``surrogate(templates, *, keys) -> function``
        A differentiable approximation of ``score`` for these templates. The function takes k probes per template, a
        torch tensor (n, k, d) float32, and returns comparison scores (n, k). It is called many times: compute what
        depends only on templates and keys once. The probes lie on ``toolkit.device()``, so what the function keeps
        belongs there too; a surrogate whose tensors stay on the CPU is evaluated there.
    ``readings(templates) -> sequence of (n, p) float``
        The template's content decoded into numbers, such as weights in a canonical order. An attacker who knows the
        algorithm uses these beside the raw bytes.
    ``solve(templates, *, keys, prior, rng) -> (n, d) float``
        The published attack on this scheme, if it needs more than a closed form: undoing a shuffle of blocks, solving
        a polynomial system. ``prior`` are public embeddings (m, d).
    ``likelihood(templates, *, keys) -> iterable of Likelihood``
        What each template says of its enrolled embedding, under its key: :class:`HalfSpaces`, :class:`Linear`,
        :class:`NonLinear` or :class:`Smooth`. With a prior of faces this gives the posterior of the face: nobody infers
        more from the template.
    ``solve_without_keys(templates, *, prior, rng) -> (n, d) float``
        The attack on the construction when no key is known: estimates of the enrolled embedding, each from its own
        template alone. ``prior`` are public faces (:class:`Faces`).
    ``unlock(templates, probes, *, keys) -> iterable of Likelihood or None``
        What template i says once it has accepted probe i: the key that a biometric cryptosystem releases opens its
        helper data. ``None`` where the probe is rejected. An attacker offline presents guesses until one is accepted.
    ``solve_several(records, *, prior, rng) -> (n, d) float``
        The attack on several templates of each subject, made of one photo: ``records[k][i]`` is the k-th of subject i.
        ``prior`` are public faces (:class:`Faces`), and no key is known.
    ``link(templates, others) -> (n, m) float``
        The published attack on the construction's unlinkability: the similarity of templates of two databases, with no
        key known.
    ``public() -> object``
        The scheme without the system's own secrets, such as a decryption key. It can enrol; it has no ``score`` if
        scoring needs these secrets. A scheme with this method has the knowledge level ``full_disclosure``. At lower
        levels the attacker gets the public part only.
    """

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Fit the public parameters on the background set; returns ``self``."""
        ...

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d) unit float32.

        ``seeds[i]`` is the only randomness for subject i: a template must not depend on who else is enrolled.

        ``NOT_ENROLLED``, an empty template, says that this subject can't be enrolled, such as when training doesn't
        converge or no acceptable key is found. It counts as a failure to enrol. No such template is passed to another
        method of the scheme, or to an attack.
        """
        ...

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) scores of template i against probe j, higher = more alike; ``keys[i]`` is presented in row i."""
        ...


class Question(Protocol):
    """What an attack tries to learn. Question types and their rules are plug-ins: :mod:`mote_bench.questions`."""

    @property
    def name(self) -> str:
        """The question's name in records and on boards: ``gender``, ``reconstruct``, ``link``, ..."""
        ...


class Knowledge(StrEnum):
    """What the attacker holds besides the stolen templates, weakest first (threat models of ISO/IEC 30136)."""

    BYTES_ONLY = "bytes_only"
    """The templates only: neither the algorithm nor any data (30136: naive)."""
    ALGORITHM = "algorithm"
    """Also the algorithm, its public parameters, public faces and shadow subjects (30136: general)."""
    STOLEN_KEY = "stolen_key"
    """Also the key of each stolen template (30136: full disclosure of a two-factor system)."""
    FULL_DISCLOSURE = "full_disclosure"
    """Also every secret of the system itself, such as a decryption key."""


class Access(StrEnum):
    """How the attacker reaches the templates."""

    RECORD = "record"
    """Offline: holds the stolen templates and queries them without limit."""
    SCORES = "scores"
    """Online: holds no template, presents probes to the running system and reads the comparison scores."""
    DECISIONS = "decisions"
    """Online: holds no template, presents probes to the running system and sees accept or reject."""


class Reads(StrEnum):
    """What an attack works on. An attack on the stored bytes is naive; all others are adaptive."""

    BYTES = "bytes"
    """The bytes of the stolen templates, as they are stored."""
    RESPONSES = "responses"
    """The comparison scores that stolen templates return to the attacker's probes."""
    INVERSION = "inversion"
    """Embeddings that the attack first reconstructs from responses."""
    CLOSED_FORM = "closed_form"
    """Embeddings that the scheme's own closed form gives, or its own attack that needs no key."""
    SEARCH = "search"
    """Faces that the attack finds by searching for a high score."""
    POSTERIOR = "posterior"
    """The posterior of the enrolled embedding, by the template's likelihood and a prior of faces."""
    SCORES = "scores"
    """Scores of the running system: online access, without a stolen template."""
    DECISIONS = "decisions"
    """Decisions of the running system: online access, without a stolen template."""


@dataclass(frozen=True)
class Threat:
    """The attacker of one cell: knowledge level, number of stolen templates per subject, and access."""

    knowledge: Knowledge
    records: int = 1
    access: Access = Access.RECORD

    @property
    def name(self) -> str:
        """The name on the boards: ``stolen_key``, ``algorithm (3 records)``, ``algorithm (scores only)``."""
        if self.access is not Access.RECORD:
            return f"{self.knowledge} ({self.access} only)"
        return str(self.knowledge) if self.records == 1 else f"{self.knowledge} ({self.records} records)"

    @classmethod
    def parse(cls, name: str) -> Self:
        """The threat with this name; ValueError on any other text."""
        knowledge, _, rest = name.partition(" (")
        words = rest.removesuffix(")").split()
        if not words:
            return cls(Knowledge(knowledge))
        if words[1:] == ["only"]:
            return cls(Knowledge(knowledge), access=Access(words[0]))
        return cls(Knowledge(knowledge), records=int(words[0]))


@dataclass(frozen=True, eq=False)
class Shadow:
    """Shadow subjects: the attacker's own labelled people, enrolled by the attacker with the attacked scheme.

    Row i of ``references`` was enrolled as ``templates[i]`` under ``keys[i]``. For ``SamePerson`` each shadow subject
    is enrolled a second time, from another photo under another key: ``seconds``, ``second_templates``,
    ``second_keys``.
    """

    references: Faces
    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None
    seconds: Faces | None = None
    second_templates: tuple[Template, ...] = ()
    second_keys: tuple[Key, ...] | None = None

    def rows(self, index: npt.NDArray[np.integer[Any]]) -> Shadow:
        """The subjects selected by ``index`` (integers), in its order."""

        def some(all_of: tuple[bytes, ...]) -> tuple[bytes, ...]:
            return tuple(all_of[row] for row in index) if all_of else ()

        return Shadow(
            self.references.rows(index),
            some(self.templates),
            None if self.keys is None else some(self.keys),
            None if self.seconds is None else self.seconds.rows(index),
            some(self.second_templates),
            None if self.second_keys is None else some(self.second_keys),
        )


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a :class:`Preparation` computed from one stolen database.

    Attributes
    ----------
    per_template : mapping of str -> (n, ...) numbers
        Row i is about template i; with online access, about subject i.
    common : mapping of str -> (...) numbers
        What is about no single template, such as estimates of the shadow subjects.
    """

    per_template: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    common: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def rows(self, index: npt.NDArray[Any]) -> Prepared:
        """The same for the templates selected by ``index``, in its order."""
        return Prepared({name: table[index] for name, table in self.per_template.items()}, self.common)


@dataclass(frozen=True, eq=False)
class Records:
    """One stolen template per subject, with the keys if the knowledge level grants them, and what is prepared of it."""

    templates: tuple[Template, ...]
    keys: tuple[Key, ...] | None = None
    prepared: Mapping[str, Prepared] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What a running system does against an attacker with online access; by default nothing.

    Attributes
    ----------
    queries : int, optional
        Number of queries allowed per subject, if that is fewer than the protocol's.
    digits : int, optional
        Scores are returned rounded to so many decimal digits.
    noise : float
        Gaussian noise is added to each returned score. This is its standard deviation, as a share of the difference
        between the mean genuine and the mean impostor score.
    rejections : int, optional
        After so many rejections of a claimed subject the account is locked. An acceptance doesn't set the count back.
    """

    queries: int | None = None
    digits: int | None = None
    noise: float = 0.0
    rejections: int | None = None


@dataclass(frozen=True)
class Released:
    """How a running system returns its scores: with Gaussian noise of a standard deviation, and then rounded.

    Attributes
    ----------
    digits : int, optional
        Decimal digits that are left; ``None`` for all.
    noise : float
        The standard deviation of the noise, in units of the score.
    """

    digits: int | None = None
    noise: float = 0.0

    @property
    def spread(self) -> float:
        """The standard deviation of a returned score's error.

        An error of rounding is uniform over a step, so its variance is a twelfth of the square of the step.
        """
        step = 0.0 if self.digits is None else 10.0**-self.digits
        return float(np.sqrt(self.noise**2 + step**2 / 12))

    def of(self, scores: FloatArray, rng: np.random.Generator) -> FloatArray:
        """The scores as they are returned, in the same shape; nothing is drawn where there is no noise."""
        given = scores + self.noise * rng.standard_normal(np.shape(scores)) if self.noise else scores
        return given if self.digits is None else np.round(given, self.digits)


class Oracle(Protocol):
    """Online access: a query-limited interface to the running system that returns scores or decisions.

    Attributes
    ----------
    people : int
        Number of enrolled subjects whose identity can be claimed.
    budget : int
        Number of queries allowed per subject.
    """

    people: int
    budget: int

    @property
    def left(self) -> npt.NDArray[np.int64]:
        """(people,) number of queries left per subject; 0 where the account is locked."""
        ...

    @property
    def rejections(self) -> int | None:
        """The number of rejections after which an account is locked; ``None`` if it never is."""
        ...

    @property
    def released(self) -> Released:
        """How scores are returned. An attacker knows it: it can be seen in a few scores."""
        ...

    def ask(self, probes: FloatArray, person: int | None = None) -> FloatArray:
        """Query the running system: returns comparison scores, or decisions (1.0 accepted, 0.0 rejected).

        A locked account rejects everything, and its queries don't count any more.

        Parameters
        ----------
        probes : (m, d) float
            Probes; only their direction counts.
        person : int, optional
            The claimed subject: returns (m,) and spends m of this subject's queries. By default every probe claims
            every subject: returns (people, m) and spends m queries of each.

        Raises
        ------
        ValueError
            When the budget doesn't allow so many queries; none is then made.
        """
        ...


class Challenger(Protocol):
    """Makes templates of either of two faces, each under a fresh key, and doesn't say of which (``WhichOfTwoFaces``).

    Attributes
    ----------
    pairs : int
        Number of pairs of faces.
    budget : int
        Number of templates that may be asked for of each pair.
    """

    pairs: int
    budget: int

    def ask(self, pair: int, n: int) -> list[Template]:
        """The next ``n`` templates of this pair of faces; for an even number, as many of the one as of the other.

        Raises
        ------
        ValueError
            When the budget doesn't allow so many; none is then made.
        """
        ...


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that one attacker is given. What the threat doesn't grant is ``None`` or empty.

    Attributes
    ----------
    templates : tuple of bytes
        The stolen templates of the target subjects, in random order; empty for an attacker with online access.
    others : tuple of bytes
        The templates of a second stolen database, for ``SamePerson``; otherwise empty.
    keys, other_keys : tuple of bytes, optional
        The key of each template; granted at ``stolen_key`` if the scheme has keys.
    scheme : Scheme, optional
        The fitted scheme, to enrol with and to query; granted at ``algorithm``. Below ``full_disclosure`` it comes
        without the system's own secrets and may lack ``score``.
    public : Faces, optional
        The labelled background set, none of it enrolled; granted at ``algorithm``. For ``WasMember`` these are known
        members.
    shadow : Shadow, optional
        The enrolled shadow subjects; granted at ``algorithm``. For ``WasMember`` these are known non-members.
    renewed : tuple of Records
        Further templates of the same subjects in the same order, made from the same photo under new keys and new
        randomness (as after a revocation). Empty if the attacker holds one template per subject.
    oracle : Oracle, optional
        The running system, for an attacker with online access.
    candidates : (n, photos, d), (m, d) or (pairs, 2, d) float, optional
        Candidate photos of each subject (``WhichPhoto``), candidate members (``WasMember``), or the two faces of each
        pair (``WhichOfTwoFaces``).
    challenger : Challenger, optional
        Gives templates of the pairs in ``candidates``, for ``WhichOfTwoFaces``.
    prepared, other_prepared : mapping of str -> Prepared
        What the attack's preparations computed of ``templates`` and of ``others``, by name; what is prepared once, not
        per database, is in ``prepared``. ``toolkit.with_preparations`` computes what is missing.
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
    challenger: Challenger | None = None
    prepared: Mapping[str, Prepared] = field(default_factory=dict)
    other_prepared: Mapping[str, Prepared] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """Number of attacked subjects."""
        return len(self.templates) if self.oracle is None else self.oracle.people


@runtime_checkable
class Preparation(Protocol):
    """The part of an attack that asks no question yet: an inversion, responses to public faces, a posterior.

    An attacker inverts a stolen database once and then infers gender, age and links from the result. So the harness
    runs a preparation once for each scheme, threat and stolen database, and hands the result to all attacks that name
    it in ``prepares``.
    """

    @property
    def name(self) -> str:
        """The name; an attack's preparations have different names."""
        ...

    @property
    def per_database(self) -> bool:
        """Whether it is run on each stolen database; otherwise once, without templates, on what is public."""
        ...

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        """What later attacks start from.

        Parameters
        ----------
        evidence : Evidence
            One stolen database, or the oracle, with all its subjects; no second database and no candidates.
        rng : numpy.random.Generator
            The only source of randomness. It is in the same state for all preparations and databases of one scheme and
            threat, so that two of them can present the same probes. A row of the result must not depend on its place.
        """
        ...


@runtime_checkable
class Attack(Protocol):
    """An attack: answers one type of question from the evidence. It never sees the truth and never scores itself.

    Class attributes:

    ``question`` : type
        The question type that it answers.
    ``knowledge`` : tuple of Knowledge
        The levels at which it can be run. An attack that lists ``algorithm`` or ``stolen_key`` also runs at
        ``full_disclosure`` on schemes that have this level.
    ``reads`` : Reads
        What it works on. An attack of the first edition states none: it runs, and counts neither as naive nor as
        adaptive.

    Optional class attributes:

    ``needs`` : tuple of str
        Scheme methods that it requires (``("surrogate",)``; ``("score",)`` for queries to stolen templates).
    ``access`` : Access
        Offline (``Access.RECORD``) by default.
    ``several`` : bool
        ``True`` for an attack on several templates per subject; it is then run at each number of them.
    ``budgets`` : tuple of int
        Numbers of online queries per subject, rising, with which the attack is also tried. The record then shows how
        its success rises with the queries.
    ``limits`` : tuple of Limits
        Limits of the running system under which the attack is also tried, each time from the start.
    ``prepares`` : tuple of Preparation
        What the harness computes first, once for all attacks that name it; see ``toolkit.with_preparations``.
    ``repeatable`` : bool
        ``False`` for an attack that doesn't give the same answer every time, such as one that measures time. It is
        run only when named.
    ``only_when_named`` : bool
        ``True`` for an attack that takes too long to be run with all others.
    """

    # Read-only here, so that a class attribute of the exact type fits.
    @property
    def question(self) -> type[Question]: ...

    @property
    def knowledge(self) -> tuple[Knowledge, ...]: ...

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """The answer, in the shape given by ``question``. ``rng`` is the only source of randomness."""
        ...


@dataclass(frozen=True)
class Measurement:
    """One published number.

    Attributes
    ----------
    metric : str
        The name in ``mote_bench.metrics.catalogue``, snake case.
    value, low, high : float
        The estimate and its 95 % confidence interval over subjects.
    n : int
        Number of subjects that the interval is over.
    chance : float, optional
        The expected value of a guess, if known in advance.
    floor, ceiling : float, optional
        The value of the same attack on the floor control ``noise`` and on the ceiling control ``cosine``.
    at : str, optional
        The operating point, as the protocol writes it: ``1e-3``. A false match rate, unless the metric's name says
        which other rate it is.
    group : tuple of str
        The group that the metric is measured on, in snake case: ``("gender",)`` for a comparison of all groups of an
        attribute, ``("gender", "female")`` for one group, or the size of a gallery or dictionary.
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

    @cached_property
    def name(self) -> str:
        """The name in published files, made by :func:`flat`; unique within a record."""
        return flat(self.metric, self.at, self.group)


class Status(StrEnum):
    """How a cell ended."""

    OK = "ok"
    FAILED = "failed"
    """The scheme or the attack raised an error, or gave an answer of wrong shape or with NaN."""
    UNMEASURED = "unmeasured"
    """Not measured: the attack fails on the ceiling control, so its result on another scheme has no meaning."""
    TIMED_OUT = "timed_out"
    """The attack was stopped when its time budget was spent."""


@dataclass(frozen=True)
class Cell:
    """The coordinates of one experiment; equal cells are the same experiment.

    ``attack`` is ``zero-effort`` for verification and fairness, and ``none`` for cost. ``knowledge`` is then ``none``,
    or ``stolen_key`` if impostors present the stolen key of the claimed subject. In all other cells it is the name of
    a :class:`Threat`.
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
    """The result of one cell. Boards are made from records alone.

    Attributes
    ----------
    details : mapping
        JSON-ready curves, histograms, counts and settings behind the measurements.
    cost : mapping of str -> float
        Seconds spent; the only part of a record that differs between two equal runs.
    provenance : mapping of str -> str
        Packages that ship the scheme and the attack, versions, checksums, machine, and the attack's ``reads``
        (``ATTACK_READS``, empty if it states none).
    error : str, optional
        The traceback of a failed cell, or the reason why a cell is not measured.
    rehearsal : tuple of Measurement
        The same attack's figures on the selection subjects, who are attacked like the target subjects. The strongest
        attack is chosen by these figures, so that the targets' figures are free of selection bias.
    file : str
        The file it was read from, relative to the folder of boards, for links; not a part of the record. Empty for a
        record that was just made.
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

if not TYPE_CHECKING:  # with it, a type checker would accept the import of any name

    def __getattr__(name: str) -> Any:
        """The question types, for plug-ins of the first edition, which import them from this module."""
        if name not in _MOVED:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        import warnings

        from mote_bench import questions

        message = f"{name} has moved out of mote_bench.contracts; write: from mote_bench.questions import {name}"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return getattr(questions, name)
