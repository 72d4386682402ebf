"""Attacks that learn to decode: kernel regressions from a template's bytes or responses to the embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray, Key, Knowledge, Reads, Scheme, Template
from mote_bench.questions import WhichFace
from mote_bench.toolkit import draw_keys, numbers, on_sphere, unit

from .._shared.equal_scores import drawn_where_equal
from .._shared.prior import Prior
from .._shared.probing import choose_probes, granted, rows_of_each_key, scaled_and_ranked
from .._shared.responses import RESPONSES, responses

_SUBJECTS_PER_KEY = 700
_KEYS_TO_TUNE_ON = 2
_HELD_OUT = 0.25
_STRENGTHS = np.logspace(-5, 1, 13)  # of the ridge, relative to the mean of the kernel's diagonal
_WIDTHS = (0.5, 1.0, 2.0)  # of the Gaussian kernel, in root mean squared distances of two subjects
_FARTHEST = 10.0  # standard deviations
_LONGEST_AS_SYMBOLS = 2048

Kernel = Callable[[FloatArray, FloatArray], FloatArray]
"""Likeness of the rows of two tables: (n, p) and (m, p) to (n, m), symmetric and positive."""


class KernelDecoderOfBytes:
    """Kernel ridge regression from the template's bytes to the embedding.

    Where there are keys, the attacker enrols 700 subjects (shadow subjects and public ones) under each stolen key, and
    learns one decoder for each. No closed form of the scheme is needed, and the regression also learns how faces are
    distributed. So it decodes BioHash better than Q sign(b), which knows Q but nothing of faces. Without keys the
    decoder is learned from the shadow templates as they were enrolled.

    The regression is that of Saunders, Gammerman & Vovk, ICML 1998. The kernel is linear, a Gaussian of the distance,
    or the share of equal values, whichever decodes left-out subjects best. It is the learned counterpart of Mai et al.,
    "On the Reconstruction of Face Images from Deep Face Templates", TPAMI 2019 (arXiv 1703.00832), for templates
    instead of embeddings.
    """

    question = WhichFace
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, shadow = granted(evidence)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        if evidence.keys is not None and evidence.scheme is not None:
            estimate = _under_each_key(evidence, mean, rng)
        else:
            own = len(shadow.templates)
            tables = _tables([*shadow.templates, *evidence.templates], evidence.scheme)
            faces = shadow.references.embeddings - mean
            lesson = _Lesson([t[:own] for t in tables], [t[own:] for t in tables], faces)
            estimate = _decoded(lesson, _tuned([lesson], rng))
        return on_sphere(mean, unit(estimate))


class KernelDecoderOfResponses:
    """Kernel ridge regression from a template's responses to the embedding (non-linear ``RidgeInversion``).

    ``RidgeInversion`` takes the relation to be linear. It is not for scores that count equal codes, or that are the
    best over several alignments. A Gaussian kernel only needs that templates with similar responses have similar
    embeddings. As there, a face is drawn where templates respond alike.
    """

    question = WhichFace
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    prepares = RESPONSES

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        public, shadow = granted(evidence)
        mean = public.embeddings.mean(axis=0, dtype=np.float64)
        answers = responses(evidence, rng)
        seen = scaled_and_ranked(answers)
        faces = shadow.references.embeddings - mean
        lesson = _Lesson([view.shadow for view in seen], [view.stolen for view in seen], faces)
        decoded = on_sphere(mean, unit(_decoded(lesson, _tuned([lesson], rng))))
        return drawn_where_equal(decoded, answers.stolen, lambda: Prior.of(public.embeddings), rng)


@dataclass(frozen=True, eq=False)
class _Lesson:
    """Subjects to learn from and to decode, in several tables (n, p) and (m, p); ``faces`` (n, d) are centred."""

    known: Sequence[FloatArray]
    unknown: Sequence[FloatArray]
    faces: FloatArray


@dataclass(frozen=True)
class _Setting:
    """Which table is used, by which kernel, with how strong a ridge."""

    table: int
    kernel: Kernel
    strength: float


def _under_each_key(evidence: Evidence, mean: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(n, d) estimates, each record's from subjects enrolled under its own key."""
    public, shadow = granted(evidence)
    assert evidence.scheme is not None
    more = choose_probes(public, rng, most=max(_SUBJECTS_PER_KEY - len(shadow.references), 0))
    people = np.concatenate([shadow.references.embeddings, public.embeddings[more]])[:_SUBJECTS_PER_KEY]
    seeds = [int(seed) for seed in rng.integers(2**31, size=len(people))]

    def lesson(key: Key, stolen: Sequence[Template]) -> _Lesson:
        # The same seeds under every key: an estimate must not depend on its template's row.
        own = evidence.scheme.enroll(people, keys=[key] * len(people), seeds=seeds)  # type: ignore[union-attr]
        tables = _tables([*own, *stolen], evidence.scheme)
        return _Lesson([t[: len(own)] for t in tables], [t[len(own) :] for t in tables], people - mean)

    setting = _tuned([lesson(key, ()) for key in draw_keys(_KEYS_TO_TUNE_ON, rng)], rng)
    estimate = np.empty((len(evidence.templates), len(mean)))
    for key, rows in rows_of_each_key(evidence.keys or ()).items():
        estimate[rows] = _decoded(lesson(key, [evidence.templates[row] for row in rows]), setting)
    return estimate


def _tables(templates: Sequence[Template], scheme: Scheme | None) -> list[FloatArray]:
    """The bytes as numbers, short ones also as symbols, and the scheme's ``readings`` of the format where it has any.

    Columns of numbers are not yet standardised; symbols are unsigned bytes.
    """
    tables = [numbers(templates)]
    if len({len(template) for template in templates}) == 1 and len(templates[0]) <= _LONGEST_AS_SYMBOLS:
        tables.append(np.frombuffer(b"".join(templates), dtype=np.uint8).reshape(len(templates), -1))  # type: ignore[arg-type]
    readings = getattr(scheme, "readings", None)
    return tables if readings is None else [*tables, *map(np.asarray, readings(templates))]


def _tuned(lessons: Sequence[_Lesson], rng: np.random.Generator) -> _Setting:
    """The setting that reconstructs subjects left out of the training best, over all lessons."""
    n = len(lessons[0].faces)
    held = np.zeros(n, dtype=bool)
    held[rng.permutation(n)[: max(1, int(_HELD_OUT * n))]] = True
    best, reached = _Setting(0, _linear, float(_STRENGTHS[-1])), -np.inf
    for table in range(len(lessons[0].known)):
        for kernel in _kernels(lessons[0].known[table]):
            agreements = np.mean([_agreements(one.known[table], one.faces, held, kernel) for one in lessons], axis=0)
            if agreements.max() > reached:
                best = _Setting(table, kernel, float(_STRENGTHS[agreements.argmax()]))
                reached = float(agreements.max())
    return best


def _agreements(table: FloatArray, faces: FloatArray, held: npt.NDArray[np.bool_], kernel: Kernel) -> FloatArray:
    """Mean cosine between held-out subjects' estimates and embeddings, at each strength."""
    likeness, unknown = _likeness(table[~held], table[held], kernel)
    centre = faces[~held].mean(axis=0)
    eigenvalues, basis = np.linalg.eigh(likeness)
    projected, turned = basis.T @ (faces[~held] - centre), unknown @ basis
    true, found = unit(faces[held]), []
    for strength in _STRENGTHS:
        estimate = turned @ (projected / (np.maximum(eigenvalues, 0) + strength * len(likeness))[:, None])
        found.append((unit(estimate) * true).sum(axis=1).mean())
    return np.array(found)


def _decoded(lesson: _Lesson, setting: _Setting) -> FloatArray:
    """(m, d) estimates of the centred embeddings of the subjects to decode."""
    from scipy.linalg import cho_factor, cho_solve

    likeness, unknown = _likeness(lesson.known[setting.table], lesson.unknown[setting.table], setting.kernel)
    likeness[np.diag_indices_from(likeness)] += setting.strength * len(likeness)
    centre = lesson.faces.mean(axis=0)
    weights = cho_solve(cho_factor(likeness, lower=True, overwrite_a=True, check_finite=False), unknown.T)
    # Without the centre, which would be the whole estimate where the template holds no information.
    return np.asarray(weights.T @ (lesson.faces - centre))


def _likeness(known: FloatArray, unknown: FloatArray, kernel: Kernel) -> tuple[FloatArray, FloatArray]:
    """(n, n) kernel of the known rows and (m, n) of the rows to decode, scaled to a diagonal of mean one."""
    if known.dtype != np.uint8:
        known, unknown = _standardised(known, unknown)
    likeness, beside = kernel(known, known), kernel(unknown, known)
    scale = float(np.trace(likeness)) / len(likeness) or 1.0
    return likeness / scale, beside / scale


def _standardised(known: FloatArray, unknown: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean, spread = known.mean(axis=0), known.std(axis=0)
    used = spread > 1e-6 * np.abs(mean)
    one, other = (
        np.clip((rows[:, used] - mean[used]) / spread[used], -_FARTHEST, _FARTHEST).astype(np.float64)
        for rows in (known, unknown)
    )
    return one, other


def _kernels(table: FloatArray) -> list[Kernel]:
    return [_equal] if table.dtype == np.uint8 else [_linear, *map(_gaussian, _WIDTHS)]


def _linear(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(one @ other.T)


def _gaussian(width: float) -> Kernel:
    def kernel(one: FloatArray, other: FloatArray) -> FloatArray:
        # Standardised rows of p columns are at a mean squared distance of 2 p.
        squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
        return np.asarray(np.exp(-np.maximum(squared, 0) / (4 * width**2 * max(one.shape[1], 1))))

    return kernel


def _equal(one: FloatArray, other: FloatArray) -> FloatArray:
    """The share of equal symbols of every two rows, counted column by column for all of them at once."""
    equal = np.zeros((len(one), len(other)), dtype=np.uint16)
    for own, theirs in zip(np.ascontiguousarray(one.T), np.ascontiguousarray(other.T), strict=True):
        equal += own[:, None] == theirs
    return np.asarray(equal / max(one.shape[1], 1))
