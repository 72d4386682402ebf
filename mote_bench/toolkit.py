"""Helpers for schemes and attacks, to import beside :mod:`mote_bench.contracts`; they need numpy only."""

from __future__ import annotations

import copy
import hashlib
import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from mote_bench.basics import CPU as CPU
from mote_bench.contracts import (
    NOT_ENROLLED,
    Access,
    Evidence,
    FloatArray,
    InputError,
    Key,
    Limits,
    Preparation,
    Prepared,
    Records,
    Released,
    Scheme,
    Template,
)

KEY_BYTES = 32
_LARGEST_PLAUSIBLE = 1e6
_LONGEST_AS_BITS = 2048
_Optimiser = TypeVar("_Optimiser")
Value = TypeVar("Value")
_DEVICE: ContextVar[str] = ContextVar("device", default=CPU)


def device() -> str:
    """Where a scheme, an attack or an embedder computes with torch: the run's ``--device``, by torch's name of it.

    ``"cpu"`` unless the user asked for another one that is there. Ask in the call that computes, not on import. Draw
    random numbers on the CPU and move them, so that results on all devices agree up to rounding::

        weights = torch.from_numpy(rng.standard_normal((d, 16), dtype=np.float32)).to(device())

    What a call returns, and what an object keeps, are numpy arrays or tensors of the CPU: objects go to processes that
    may not see the device.
    """
    return _DEVICE.get()


@contextmanager
def on_device(name: str) -> Iterator[None]:
    """Within the block :func:`device` is ``name``. The harness does this for each task; tests may."""
    before = _DEVICE.set(name)
    try:
        yield
    finally:
        _DEVICE.reset(before)


def without_compiler(optimiser: type[_Optimiser]) -> type[_Optimiser]:
    """A torch optimiser, such as ``torch.optim.AdamW``, that takes the same steps without importing torch's compiler.

    torch's own classes import the compiler at the first step. That takes seconds, in every worker process, and is of no
    use to code that isn't compiled::

        adam = without_compiler(torch.optim.Adam)([weights], lr=0.01)
    """
    import torch

    plain = {name: inspect.unwrap(getattr(optimiser, name)) for name in ("add_param_group", "step", "zero_grad")}
    plain["step"] = torch.no_grad()(plain["step"])
    made: type[_Optimiser] = type(optimiser.__name__, (optimiser,), plain)
    return made


def stream(seed: int, *names: object) -> np.random.Generator:
    """A random generator that depends only on the seed and the names (not on process, order or hash seed)."""
    return np.random.default_rng(stream_seed(seed, *names))


def stream_seed(seed: int, *names: object) -> int:
    """The 64-bit seed of :func:`stream`, for libraries that have their own generators."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def draw_keys(n: int, rng: np.random.Generator) -> tuple[Key, ...]:
    """``n`` independent secret keys."""
    return tuple(rng.bytes(KEY_BYTES) for _ in range(n))


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to length one; a zero row stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))


def on_sphere(mean: FloatArray, directions: FloatArray) -> FloatArray:
    """(n, d) unit vectors ``mean + t u`` with t >= 0, for unit rows ``u`` (n, d) and ``|mean| < 1``.

    Regression shrinks its estimates, and a short estimate scaled to unit length is close to the mean face. A point on
    the sphere found this way keeps exactly the estimated direction from the mean.
    """
    along = directions @ mean
    length = -along + np.sqrt(along**2 + 1 - mean @ mean)
    return np.asarray(mean + length[:, None] * directions)


def orthonormal(gaussian: FloatArray) -> FloatArray:
    """(n, m) orthonormal columns that span the columns of ``gaussian`` (n, m), m <= n, in its precision.

    Of independent standard normal numbers they are drawn uniformly from all orthonormal columns (Haar measure). Then
    the distribution of their products with a unit vector doesn't depend on the vector. A QR decomposition alone doesn't
    give that. The signs of R's diagonal are fixed in addition (Mezzadri, "How to generate random matrices from the
    classical compact groups", Notices of the AMS 54 (2007) 592-604).
    """
    if gaussian.dtype == np.float32:
        import scipy.linalg  # numpy's QR has no single precision, at half the speed

        columns, triangle = scipy.linalg.qr(gaussian, mode="economic", check_finite=False)
    else:
        columns, triangle = np.linalg.qr(gaussian)
    columns *= np.where(np.diagonal(triangle) < 0, -1, 1)
    return np.asarray(columns)


def numbers(templates: Sequence[Template]) -> FloatArray:
    """Template bytes as numbers, for an attacker who doesn't know the format: one row of float32 per template.

    Bytes are read as little-endian float32 if all values are then finite and below 1e6. Otherwise short templates are
    read as bits and long ones as bytes. Templates of unequal length are padded with zeros, and the length is added as
    a column. Pass all templates that are to be compared in one call: one reading is chosen for all of them.
    """
    lengths = np.array([len(template) for template in templates])
    longest = int(lengths.max(initial=0))
    raw = np.zeros((len(templates), -(-longest // 4) * 4), dtype=np.uint8)
    for row, template in zip(raw, templates, strict=True):
        row[: len(template)] = np.frombuffer(template, dtype=np.uint8)
    with np.errstate(invalid="ignore"):  # a signalling NaN in bytes that are not floats
        floats = raw.view("<f4").astype(np.float32)
        plausible = longest >= 4 and bool((np.abs(floats) < _LARGEST_PLAUSIBLE).all())
    if plausible and not (lengths % 4).any():
        table = floats
    elif longest <= _LONGEST_AS_BITS:
        table = np.unpackbits(raw[:, :longest], axis=1).astype(np.float32)
    else:
        table = raw[:, :longest].astype(np.float32)
    if (lengths == longest).all():
        return table
    return np.hstack([table, lengths[:, None].astype(np.float32)])


@dataclass(frozen=True, eq=False)
class Answers:
    """Responses to one set of m probes: (n, m) comparison scores for each set of templates."""

    stolen: FloatArray
    others: FloatArray
    shadow: FloatArray


def ask(evidence: Evidence, probes: FloatArray, rng: np.random.Generator) -> Answers:
    """Query the stolen templates, the second database and the shadow subjects' templates with the same probes.

    If the scheme needs keys and the evidence holds none, the attacker presents one key of their own to every template.
    That includes the shadow templates, so that what is learned on them applies to the stolen ones.

    Parameters
    ----------
    evidence : Evidence
        At knowledge ``algorithm`` or above.
    probes : (m, d) float
        Unit rows.
    """
    scheme, shadow = evidence.scheme, evidence.shadow
    if scheme is None or shadow is None:
        raise ValueError(
            f"knowledge '{evidence.knowledge}' grants no scheme to query; expected 'algorithm' or above: list only "
            "such levels in the attack's `knowledge`"
        )
    own = draw_keys(1, rng) * max(len(evidence.templates), len(evidence.others), len(shadow.templates))

    def answer(templates: tuple[Template, ...], keys: tuple[Key, ...] | None) -> FloatArray:
        if not templates:
            return np.empty((0, len(probes)), dtype=np.float32)
        presented = keys if evidence.keys is not None else own[: len(templates)]
        scores = scheme.score(templates, probes, keys=presented if revocable(scheme) else None)
        if not np.isfinite(scores).all():
            raise ValueError("the scheme's scores hold NaN or infinity for some probes; expected finite scores")
        return scores

    return Answers(
        stolen=answer(evidence.templates, evidence.keys),
        others=answer(evidence.others, evidence.other_keys),
        shadow=answer(shadow.templates, shadow.keys),
    )


def with_preparations(evidence: Evidence, preparations: Sequence[Preparation], rng: np.random.Generator) -> Evidence:
    """The evidence with all that these preparations give; computed now where the harness hasn't.

    An attack calls it first, with its own ``prepares``. It then reads ``prepared`` (of the templates or the oracle),
    ``other_prepared`` (of the second database) and ``renewed[k].prepared`` (of further templates).
    """
    alone = replace(evidence, others=(), other_keys=None, renewed=(), candidates=None)
    of_each = [one for one in preparations if one.per_database]
    before, after = copy.deepcopy(rng), None

    def made(of: Evidence, done: Mapping[str, Prepared], wanted: Sequence[Preparation]) -> dict[str, Prepared]:
        nonlocal after
        found = dict(done)
        for one in wanted:
            if one.name not in done:
                after = copy.deepcopy(before)  # all start from the same state, as in a run
                found[one.name] = one.prepare(of, after)
        return found

    def of_records(one: Records) -> Records:
        own = replace(alone, templates=one.templates, keys=one.keys)
        return replace(one, prepared=made(own, one.prepared, of_each))

    second = replace(alone, templates=evidence.others, keys=evidence.other_keys)
    whole = replace(
        evidence,
        prepared=made(alone, evidence.prepared, preparations),
        other_prepared=made(second, evidence.other_prepared, of_each) if evidence.others else {},
        renewed=tuple(map(of_records, evidence.renewed)),
    )
    if after is None:
        rng.integers(2**63)  # a run's figures depend on this draw
    else:
        rng.bit_generator.state = after.bit_generator.state  # what the attack draws next is new
    return whole


class Recent(Generic[Value]):
    """Values by what they were computed from, kept while they fit into a number of bytes. Copies and pickles are empty.

    For values that are the same whenever they are computed, so that only the time depends on what is kept. Probes are
    presented to one template after the other, again and again. Where not all values fit, the one to go is drawn at
    random: with all in turn, the least recently used one would always be the next to be needed, and nothing would ever
    be found. Threads may share it.

    Parameters
    ----------
    most : int
        Bytes of all that is kept; a larger value isn't.
    size : callable
        Bytes of a value.
    """

    def __init__(self, most: int, size: Callable[[Value], int]) -> None:
        self.bytes = 0
        self._most, self._size = most, size
        self._kept: dict[Hashable, Value] = {}
        self._keys: list[Hashable] = []
        self._drawn = np.random.default_rng(0)
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Recent[Value]], tuple[int, Callable[[Value], int]]]:
        return type(self), (self._most, self._size)

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable) -> Value | None:
        """What is kept under ``key``."""
        return self._kept.get(key)

    def keep(self, key: Hashable, value: Value) -> Value:
        """``value``, which is kept under ``key`` from now on; what is already there stays."""
        size = self._size(value)
        with self._lock:
            if size <= self._most and key not in self._kept:
                while self.bytes + size > self._most:
                    place = int(self._drawn.integers(len(self._keys)))
                    self._keys[place], last = self._keys[-1], self._keys[place]
                    self._keys.pop()
                    self.bytes -= self._size(self._kept.pop(last))
                self._kept[key] = value
                self._keys.append(key)
                self.bytes += size
        return value

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What is kept under ``key``; what ``make`` gives, where there is nothing."""
        found = self.find(key)
        return self.keep(key, make()) if found is None else found


def enrolled_rows(templates: Sequence[Template]) -> npt.NDArray[np.intp]:
    """(k,) rows of the subjects whom the scheme could enrol: all but those with ``NOT_ENROLLED`` for a template."""
    return np.array([row for row, one in enumerate(templates) if one != NOT_ENROLLED], dtype=np.intp)


def all_enrolled(templates: Sequence[Template]) -> Sequence[Template]:
    """The templates, for what needs one of each subject.

    Raises
    ------
    InputError
        When the scheme could not enrol one of the subjects; says how many.
    """
    made = len(enrolled_rows(templates))
    if made < len(templates):
        raise InputError(
            f"the scheme could not enrol {len(templates) - made} of {len(templates)} subjects (it gave an empty "
            "template), and this needs a template of each; choose another scheme, or measure this one with: "
            "python -m mote_bench run"
        )
    return templates


def revocable(scheme: Scheme) -> bool:
    """Whether templates of this scheme depend on the subject's key."""
    return bool(getattr(scheme, "revocable", False))


def decides(scheme: Scheme) -> bool:
    """Whether the scheme has a built-in threshold: its scores are decisions."""
    return bool(getattr(scheme, "decides", False))


def needs_identity(scheme: Scheme) -> bool:
    """Whether the scheme's ``fit`` needs the identities of the background set."""
    return bool(getattr(scheme, "needs_identity", False))


def class_index(labels: npt.NDArray[np.str_], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """(n,) position of each label in ``classes``; -1 for labels that are not in it."""
    position = {name: index for index, name in enumerate(classes)}
    return np.array([position.get(str(label), -1) for label in labels], dtype=np.int64)


class QueryOracle:
    """Online access to enrolled templates, by queries only; an :class:`~mote_bench.contracts.Oracle`.

    The harness gives one to attacks with online access. An attack may build its own over its shadow subjects, for
    training. Attacks use what :class:`~mote_bench.contracts.Oracle` names only; everything else is private. Python
    can't hide attributes from code in the same process, so this guards against mistakes, not against intent.

    Parameters
    ----------
    keys : sequence of bytes, optional
        The key presented with each claim: the subject's stolen key, or any key if the attacker has none.
    threshold : float, optional
        Lowest score that the system accepts; needed for ``Access.DECISIONS``.
    used : (n,) int, optional
        The queries that were made of each subject before.

    Raises
    ------
    ValueError
        For access to decisions without a threshold, and when more queries were made before than the budget allows.
    """

    def __init__(
        self,
        scheme: Scheme,
        templates: Sequence[Template],
        *,
        keys: Sequence[Key] | None,
        access: Access,
        threshold: float | None,
        budget: int,
        used: npt.NDArray[np.int64] | None = None,
    ) -> None:
        if access is Access.DECISIONS and threshold is None:
            raise ValueError(
                "decisions need a threshold, and none is given: too few calibration subjects to set one at the "
                "protocol's false match rates; expected 10 / FMR impostor scores or more: give more people"
            )
        self.people, self.budget = len(templates), budget
        self.__scheme, self.__templates, self.__keys = scheme, tuple(templates), keys
        self.__access = access
        self.__threshold = threshold if access is Access.DECISIONS else None
        self.__used = np.zeros(len(templates), dtype=np.int64) if used is None else used.copy()
        self.__rejected = np.zeros(len(templates), dtype=np.int64)
        self.__rejections: int | None = None
        self.__released, self.__rng = Released(), np.random.default_rng(0)
        if (self.__used > budget).any():
            raise ValueError(
                f"{int(self.__used.max())} queries of one subject were made by the attack's preparations; "
                f"the budget is {budget} per subject"
            )

    def of_budget(self, budget: int) -> QueryOracle:
        """The same system before any query, with another budget: the harness tries an attack with fewer queries."""
        return QueryOracle(
            self.__scheme,
            self.__templates,
            keys=self.__keys,
            access=self.__access,
            threshold=self.__threshold,
            budget=budget,
        )

    def under(self, limits: Limits, *, gap: float, rng: np.random.Generator) -> QueryOracle:
        """The same system before any query, with these limits.

        Parameters
        ----------
        gap : float
            The difference between the mean genuine and the mean impostor score, in which noise is stated.
        rng : numpy.random.Generator
            Draws the noise.
        """
        made = self.of_budget(self.budget if limits.queries is None else min(limits.queries, self.budget))
        made.__rejections, made.__rng = limits.rejections, rng
        made.__released = Released(limits.digits, limits.noise * gap)
        return made

    def gap(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> float:
        """The mean genuine score less the mean impostor score, where probe i of ``probes`` (n, d) is of template i."""
        scores = np.asarray(self.__scheme.score(templates, probes, keys=keys), dtype=np.float64)
        mated = np.eye(len(scores), dtype=bool)
        return float(scores[mated].mean() - scores[~mated].mean())

    @property
    def rejections(self) -> int | None:
        """The number of rejections after which an account is locked; ``None`` if it never is."""
        return self.__rejections

    @property
    def released(self) -> Released:
        """How scores are returned."""
        return self.__released

    @property
    def left(self) -> npt.NDArray[np.int64]:
        """(people,) number of queries left per subject; 0 where the account is locked."""
        return np.where(self.__locked(), 0, self.budget - self.__used)

    @property
    def used(self) -> npt.NDArray[np.int64]:
        """(people,) number of queries made per subject."""
        return self.__used.copy()

    def ask(self, probes: FloatArray, person: int | None = None) -> FloatArray:
        """Scores or decisions for ``probes`` (m, d): (m,) for one claimed subject, otherwise (people, m)."""
        probes = unit(np.atleast_2d(probes)).astype(np.float32)
        rows = range(self.people) if person is None else [person]
        spent = self.__used[rows] + len(probes)
        if (spent > self.budget).any():
            raise ValueError(f"{int(spent.max())} queries of one subject; the budget is {self.budget} per subject")
        keys = None if self.__keys is None else [self.__keys[row] for row in rows]
        scores = self.__scheme.score([self.__templates[row] for row in rows], probes, keys=keys)
        answers: FloatArray = np.asarray(scores, dtype=np.float64)
        if self.__threshold is None:
            self.__used[rows] = spent
            answers = self.__released.of(answers, self.__rng)
        else:
            answers = self.__decided(answers >= self.__threshold, np.asarray(rows, dtype=np.intp))
        return answers if person is None else answers[0]

    def __locked(self) -> npt.NDArray[np.bool_]:
        if self.__rejections is None:
            return np.zeros(self.people, dtype=bool)
        return np.asarray(self.__rejected >= self.__rejections)

    def __decided(self, accepted: npt.NDArray[np.bool_], rows: npt.NDArray[np.intp]) -> FloatArray:
        """(rows, m) float64 decisions, counted. What comes after an account's last rejection is rejected unseen."""
        rejected = self.__rejected[rows, None] + np.cumsum(~accepted, axis=1)
        before = rejected - ~accepted
        seen = np.ones_like(accepted) if self.__rejections is None else before < self.__rejections
        self.__used[rows] += seen.sum(axis=1)
        self.__rejected[rows] += (seen & ~accepted).sum(axis=1)
        return (accepted & seen).astype(np.float64)
