"""Two-sample tests: classifiers of two faces' templates, trained on the attacker's own under many keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads, Scheme, Template
from mote_bench.questions import WhichOfTwoFaces
from mote_bench.toolkit import draw_keys, numbers, revocable, unit

from .._shared import classifiers
from .._shared.classifiers import Examples

Labels = npt.NDArray[np.int64]
Table = FloatArray

_FIRST = 8
"""Templates of each face in the first batch, which is timed."""
_LEAST = 8
"""Templates of each face to learn from: with fewer, fewer pairs of faces are tried instead."""
_CLASSIFYING = 4e-4
"""About the CPU seconds that all readings and classifiers take for one template."""
_LONGEST_IN_FEW = 1 << 13
"""Bytes of a template: longer ones are of schemes that take long to enrol, such as trained or encrypted templates."""
_BYTES_HELD = 1 << 28
_AS_BITS, _AS_BYTES = 256, 4096
"""Bytes of the longest templates that are read bit by bit, and byte by byte."""
_LARGEST = 1e6
_FLOATS = ("<f2", "<f4")
_PRODUCTS, _LAGS = 512, 4
_PERIODS = (1, 2, 8, 16, 32)
_FARTHEST = 10.0
"""Standard deviations; what lies farther out must not outweigh all else."""
_RIDGES = (0.1, 10.0)
_TREES = "trees"


@dataclass(frozen=True)
class TwoSampleTest:
    """Enrol two known faces under many keys of one's own, and train classifiers to distinguish their templates.

    Where one template's distribution over keys doesn't depend on the face, no attacker without the key can distinguish
    two faces. A classifier that can shows that it depends (classifier two-sample tests: Lopez-Paz & Oquab, ICLR 2017,
    arXiv 1610.06545). A template is read as bits, bytes, floats, or as the scheme's ``readings``. Beside these values
    their squares, their sorted sizes, products of two of them and sums at regular distances are tried. They are what
    often stays the same under a key: lengths, signs that flip together, contents that only change places.

    Each reading is tried with classifiers of its means, of its means and variances, with two ridge regressions, and
    perhaps boosted trees. Each is trained on one half of the own templates and validated on the other, and in turn. The
    reading and classifier with the best AUC over all pairs is then trained on all own templates of each pair.

    Parameters
    ----------
    templates : int
        Largest number of templates of each face. Half of them are the attacker's own, the others are tested.
    seconds : float, optional
        CPU seconds that the whole attack may take. The first batch is timed, and the number of templates follows. A
        slow scheme may also be tried on fewer pairs. By default there is no limit, and templates of more than 8 KiB,
        which are made by training or encryption, aren't tried at all.
    trees : bool
        Whether boosted trees are tried.
    repeatable : bool
        Whether the answer is the same every time, which it isn't where the time decides.
    """

    templates: int
    seconds: float | None = None
    trees: bool = False
    repeatable: bool = True
    question = WhichOfTwoFaces
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)

    def answer(self, question: WhichOfTwoFaces, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(pairs, templates) float64: 0 for templates that weren't asked for."""
        scheme, challenger, faces = evidence.scheme, evidence.challenger, evidence.candidates
        if scheme is None or challenger is None or faces is None:
            raise ValueError(
                "this attack needs a scheme, pairs of faces and a challenger, and the evidence lacks one; expected "
                "those of the question 'ind' at knowledge 'algorithm'"
            )
        answer = np.zeros((challenger.pairs, challenger.budget))
        if not len(answer):
            return answer
        start = time.process_time()
        first = _enrolled(scheme, faces[0], _FIRST, rng)
        each = (time.process_time() - start) / len(first)
        half, pairs = self._affordable(len(faces), max(map(len, first)), each)
        half = min(half, challenger.budget // 2)
        seed, played = int(rng.integers(2**31)), []
        for pair in range(pairs):
            own = _enrolled(scheme, faces[pair], half, rng)
            played.append((own, challenger.ask(pair, 2 * half)))
        labels = np.tile(np.arange(2), half)
        for pair, scores in enumerate(_scored(scheme, played, labels, self._classifiers(seed))):
            answer[pair, : 2 * half] = scores
        return answer

    def _affordable(self, pairs: int, size: int, each: float) -> tuple[int, int]:
        """Own templates of each face, and of how many pairs; a template has ``size`` bytes and takes ``each`` seconds.

        For each own template another one is tested.
        """
        if self.seconds is None:
            return self.templates // 2, pairs if size <= _LONGEST_IN_FEW else 0
        allowed = min(self.seconds / (each + _CLASSIFYING), _BYTES_HELD / max(size, 1)) / 4
        half = int(min(self.templates // 2, max(_LEAST, allowed / pairs)))
        return half, int(min(pairs, max(1, allowed / half)))

    def _classifiers(self, seed: int) -> dict[str, Classifier]:
        found: dict[str, Classifier] = {"means": _of_means, "variances": _of_variances}
        found |= {f"ridge {strength:g}": _ridge(strength) for strength in _RIDGES}
        return found | ({_TREES: _trees(seed)} if self.trees else {})


def few_keys() -> TwoSampleTest:
    """On few templates of each face: part of every run."""
    return TwoSampleTest(48)


def many_keys() -> TwoSampleTest:
    """On up to 2,000 templates of each face, in 60 CPU seconds: run only when named, as the time decides."""
    return TwoSampleTest(2000, seconds=60.0, trees=True, repeatable=False)


Classifier = Callable[[Table, Labels, Table], FloatArray]
"""From known rows (n, p) with labels 0 and 1, and unknown ones (m, p), to scores (m,): higher = likelier a 1."""


def _enrolled(scheme: Scheme, faces: FloatArray, n: int, rng: np.random.Generator) -> list[Template]:
    """``n`` templates of each of the two faces, taking turns, each under a key of its own."""
    keys = draw_keys(2 * n, rng) if revocable(scheme) else None
    seeds = [int(seed) for seed in rng.integers(2**63, size=2 * n)]
    return list(scheme.enroll(np.tile(faces, (n, 1)), keys=keys, seeds=seeds))


def _scored(
    scheme: Scheme,
    played: Sequence[tuple[list[Template], list[Template]]],
    labels: Labels,
    of: Mapping[str, Classifier],
) -> list[FloatArray]:
    """Of each pair's own and unknown templates the scores of the unknown ones, by the best reading and classifier."""
    areas: dict[tuple[str, str], list[float]] = {}
    for own, unknown in played:
        for view, table in _views(scheme, [*own, *unknown]).items():
            for name, scores in _validated(view, table[: len(own)], labels, of).items():
                areas.setdefault((view, name), []).append(_area(scores, labels))
    # A reading that doesn't suit all pairs would be chosen by few of them.
    whole = {way: float(np.mean(found)) for way, found in areas.items() if len(found) == len(played)}
    if not whole:
        return [np.zeros(len(unknown)) for _, unknown in played]
    view, name = max(whole, key=lambda way: whole[way])
    found = []
    for own, unknown in played:
        table = _views(scheme, [*own, *unknown])[view]
        known, others = table[: len(own)], table[len(own) :]
        left_out = _validated(view, known, labels, {name: of[name]})[name]
        middle = (np.median(left_out[labels == 0]) + np.median(left_out[labels == 1])) / 2
        found.append(np.asarray(of[name](*_scaled(known, labels, others)) - middle))
    return found


def _validated(view: str, known: Table, labels: Labels, of: Mapping[str, Classifier]) -> dict[str, FloatArray]:
    """Each classifier's scores of the known rows, those of one half by what was learned on the other."""
    # Whole couples of either face: both halves hold as many of each.
    half = np.arange(len(known)) // 2 % 2 == 0
    fits = {name: one for name, one in of.items() if name != _TREES or view in _FOR_TREES}
    scores: dict[str, FloatArray] = {name: np.empty(len(known)) for name in fits}
    for held in (half, ~half):
        parts = _scaled(known[~held], labels[~held], known[held])
        for name, one in fits.items():
            scores[name][held] = one(*parts)
    return scores


def _area(scores: FloatArray, labels: Labels) -> float:
    from scipy.stats import rankdata

    n = len(scores) // 2
    return float((rankdata(scores)[labels == 1].sum() - n * (n + 1) / 2) / n**2)


# Readings of a template.

_FOR_TREES = ("bits", "bytes", "floats <f2", "floats <f4", "floats <f4 sorted")


def _views(scheme: Scheme, templates: list[Template]) -> dict[str, Table]:
    """Tables (n, any) float32 of the same templates, by name; all of one name say the same of every pair."""
    raw = _padded(templates)
    tables: dict[str, Table] = {}
    if raw.shape[1] <= _AS_BITS:
        bits = np.unpackbits(raw, axis=1).astype(np.float32)
        tables |= {"bits": bits, "bits multiplied": _products(bits), "bits summed": _sums(bits)}
        tables["ones in bytes"] = np.bitwise_count(raw).astype(np.float32)
    if raw.shape[1] <= _AS_BYTES:
        tables |= {"bytes": raw.astype(np.float32), "bytes sorted": np.sort(raw, axis=1).astype(np.float32)}
    else:
        tables["numbers"] = numbers(templates)
    values = {f"floats {kind}": _floats(raw, kind) for kind in _FLOATS}
    readings = scheme.readings(templates) if hasattr(scheme, "readings") else ()
    values |= {f"reading {place}": np.asarray(one, dtype=np.float32) for place, one in enumerate(readings)}
    for name, table in values.items():
        if table.shape[1]:
            tables |= {name: table} | {f"{name} {what}": view for what, view in _of_values(table).items()}
    return tables


def _of_values(table: Table) -> dict[str, Table]:
    """What may stay of values (n, p) whose scale, signs or order are the key's."""
    shape = unit(table).astype(np.float32)
    return {
        "of unit length": shape,
        "squared": shape**2,
        "sorted": np.sort(np.abs(table), axis=1),
        "sorted of unit length": np.sort(shape, axis=1),
        "multiplied": _products(shape),
        "summed": _sums(np.hstack([shape, np.abs(shape)])),
    }


def _padded(templates: Sequence[Template]) -> npt.NDArray[np.uint8]:
    """(n, longest) bytes, shorter templates filled up with zeros."""
    raw = np.zeros((len(templates), max(map(len, templates))), dtype=np.uint8)
    for row, template in zip(raw, templates, strict=True):
        row[: len(template)] = np.frombuffer(template, dtype=np.uint8)
    return raw


def _floats(raw: npt.NDArray[np.uint8], kind: str) -> Table:
    """(n, p) float32 of those columns that hold a plausible float in every template; none unless most do."""
    whole = raw.shape[1] // np.dtype(kind).itemsize * np.dtype(kind).itemsize
    with np.errstate(invalid="ignore", over="ignore"):  # bytes that aren't floats
        table = np.ascontiguousarray(raw[:, :whole]).view(kind).astype(np.float32)
        plausible = np.flatnonzero((np.abs(table) < _LARGEST).all(axis=0))  # also finite
    return np.ascontiguousarray(table[:, plausible if 2 * len(plausible) > table.shape[1] else plausible[:0]])


def _products(table: Table) -> Table:
    """(n, at most 512) products of two centred columns: of near ones, and of some drawn once for all tables."""
    columns = table.shape[1]
    if columns < 2:
        return table[:, :0]
    near = [(i, i + lag) for lag in range(1, _LAGS + 1) for i in range(columns - lag)]
    drawn = np.random.default_rng(0).integers(columns, size=(_PRODUCTS, 2))
    pairs = np.array([*near[: _PRODUCTS // 2], *(pair for pair in drawn.tolist() if pair[0] != pair[1])])[:_PRODUCTS]
    centred = table - table.mean(axis=0)
    return np.asarray(centred[:, pairs[:, 0]] * centred[:, pairs[:, 1]])


def _sums(table: Table) -> Table:
    """(n, any) means of every k-th column from each of the first k columns, for several k."""
    if not table.shape[1]:
        return table
    parts = [table[:, first::step].mean(axis=1) for step in _PERIODS if step <= table.shape[1] for first in range(step)]
    return np.column_stack(parts).astype(np.float32)


# Classifiers of standardised rows.


def _scaled(known: Table, labels: Labels, unknown: Table) -> tuple[Table, Labels, Table]:
    """Both on the known rows' mean and spread; columns that are constant there are left out."""
    mean, spread = known.mean(axis=0, dtype=np.float64), known.std(axis=0, dtype=np.float64)
    used = spread > 1e-6 * np.abs(mean) + 1e-30
    one, other = (
        np.clip((rows[:, used] - mean[used]) / spread[used], -_FARTHEST, _FARTHEST) for rows in (known, unknown)
    )
    return one, labels, other


def _of_means(known: Table, labels: Labels, unknown: Table) -> FloatArray:
    """The log odds of independent normal columns with equal variances in both classes."""
    first, second = known[labels == 0], known[labels == 1]
    variance = (first.var(axis=0) + second.var(axis=0)) / 2 + 1e-3
    difference, middle = second.mean(axis=0) - first.mean(axis=0), (second.mean(axis=0) + first.mean(axis=0)) / 2
    return np.asarray((unknown - middle) @ (difference / variance))


def _of_variances(known: Table, labels: Labels, unknown: Table) -> FloatArray:
    """The log odds of independent normal columns with means and variances of each class."""
    odds = np.zeros(len(unknown))
    for sign, rows in ((-1, known[labels == 0]), (1, known[labels == 1])):
        variance = rows.var(axis=0) + 1e-2
        odds -= sign * (np.log(variance) + (unknown - rows.mean(axis=0)) ** 2 / variance).sum(axis=1) / 2
    return odds


def _ridge(strength: float) -> Classifier:
    """Ridge regression of the labels; the penalty is this multiple of a column's sum of squares."""

    def fitted(known: Table, labels: Labels, unknown: Table) -> FloatArray:
        n, p = known.shape
        target = 2.0 * labels - 1
        if p <= n:
            return np.asarray(unknown @ np.linalg.solve(known.T @ known + strength * n * np.eye(p), known.T @ target))
        dual = np.linalg.solve(known @ known.T + strength * n * np.eye(n), target)
        return np.asarray((unknown @ known.T) @ dual)

    return fitted


def _trees(seed: int) -> Classifier:
    """The log odds of boosted shallow trees."""

    def fitted(known: Table, labels: Labels, unknown: Table) -> FloatArray:
        odds = classifiers.boosted_trees(seed)(Examples(known, labels, unknown, 2))[-1]
        return np.asarray(odds[:, 1] - odds[:, 0])

    return fitted
