"""Attributes read from stolen templates without the recogniser that made them: figures of one scheme at a time.

The attacker has another recogniser, with public faces that are labelled, and the stolen bytes. Of some enrolled
subjects the attacker knows which template is theirs and has a picture: with these pairs templates are translated to
the attacker's own space (:mod:`.translation`), where a classifier of public faces reads them. With no known subject the
two spaces are aligned without any pair. An attacker without any recogniser clusters the bytes (:mod:`.clusters`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from mote_bench import registry
from mote_bench.contracts import FloatArray, InputError
from mote_bench.data.columns import UNKNOWN
from mote_bench.metrics.intervals import Interval, mover_mean, person_proportion, t_interval
from mote_bench.studies.recognisers import clusters
from mote_bench.studies.recognisers.people import People
from mote_bench.studies.recognisers.translation import Translation, unpaired
from mote_bench.toolkit import all_enrolled, class_index, draw_keys, numbers, revocable, stream, stream_seed, unit

Index = npt.NDArray[np.intp]
DRAWS, STARTS, NAMING_DRAWS = 5, 3, 20
"""Draws of the known subjects; alignments without any; draws of those who name clusters."""
SIZES = (200, 1000)
"""Numbers of stolen templates, beside all of them, that are aligned or clustered without known subjects."""
NAMING = (1, 10)
PROBES = 200


@dataclass(frozen=True)
class Rate:
    """Balanced accuracy over subjects and draws.

    Attributes
    ----------
    value : float
    interval : (low, high)
        95 %, over subjects: of each subject the share of draws in which the class was right.
    lowest, highest : float
        Of single draws. Where these lie far apart, a single attacker's luck decides.
    people : int
    """

    value: float
    interval: Interval
    lowest: float
    highest: float
    people: int


@dataclass(frozen=True)
class Read:
    """What was read after translation: one scheme, attribute and number of known subjects.

    Attributes
    ----------
    stolen : int
        How many templates an alignment without known subjects used.
    cosine : (value, interval)
        Of translated and true directions in the attacker's space; over subjects.
    shared : Rate, optional
        Without known subjects: where the attacker knows the class shares and renames the classes by them.
    """

    scheme: str
    attribute: str
    known: int
    stolen: int
    cosine: tuple[float, Interval]
    rate: Rate
    shared: Rate | None = None


@dataclass(frozen=True)
class Clustered:
    """What clusters of ``stolen`` templates say: one scheme, attribute and input of the clustering.

    Attributes
    ----------
    reads : str
        ``bytes`` or ``responses``.
    rates : mapping of str -> Rate
        By what names the clusters.
    """

    scheme: str
    attribute: str
    reads: str
    stolen: int
    rates: dict[str, Rate]


@dataclass(frozen=True, eq=False)
class Enrolled:
    """One scheme's stolen templates as numbers, (n, w), and their responses to public faces, (n, probes)."""

    name: str
    vectors: FloatArray
    responses: FloatArray


def enrolled(name: str, given: People) -> Enrolled:
    """Fit a scheme on the public faces and enrol the subjects, each with a key of their own where it takes one.

    Responses are to public faces of the attacked recogniser. The attacker of these holds no key and presents one of
    their own.

    Raises
    ------
    InputError
        When the templates aren't finite numbers.
    """
    scheme: Any = registry.load("schemes", name).fit(given.public, seed=stream_seed(0, "recognisers", "fit", name))
    faces, rng = given.enrolled.embeddings, stream(0, "recognisers", "keys", name)
    keyed = revocable(scheme)
    seeds = [stream_seed(0, "recognisers", "enroll", name, person) for person in range(len(faces))]
    templates = all_enrolled(scheme.enroll(faces, keys=draw_keys(len(faces), rng) if keyed else None, seeds=seeds))
    probes = given.public.embeddings[np.linspace(0, len(given.public) - 1, min(PROBES, len(given.public))).astype(int)]
    own = draw_keys(1, rng) * len(faces) if keyed else None
    responses = np.asarray(scheme.score(templates, probes, keys=own), dtype=np.float64)
    vectors = numbers(templates).astype(np.float64)
    if not (np.isfinite(vectors).all() and np.isfinite(responses).all()):
        raise InputError(f"scheme '{name}': templates or scores hold NaN or infinity; expected finite numbers")
    return Enrolled(name, vectors, responses)


@dataclass(frozen=True, eq=False)
class Attribute:
    """One attribute: its classes, the enrolled subjects' classes (-1 unknown), and the attacker's classifier."""

    name: str
    classes: tuple[str, ...]
    truth: npt.NDArray[np.int64]
    classifier: LogisticRegression
    scale: float

    @classmethod
    def learned(cls, name: str, given: People) -> Attribute:
        """A logistic regression, balanced over the classes, on the public faces in the attacker's space."""
        labels = given.public.attributes[name]
        classes = classes_of(given, name)
        known, own = np.isin(labels, classes), given.own_public
        truth = np.full(len(given.enrolled), -1, dtype=np.int64)
        shown = np.isin(given.enrolled.attributes[name], classes)
        truth[shown] = class_index(given.enrolled.attributes[name][shown], classes)
        scale = float(own.std())
        return cls(name, classes, truth, _fitted(own[known] / scale, class_index(labels[known], classes)), scale)

    def predicted(self, directions: FloatArray) -> npt.NDArray[np.int64]:
        """(n,) class of faces in the attacker's space."""
        return np.asarray(self.classifier.predict(directions / self.scale), dtype=np.int64)


def _fitted(rows: FloatArray, labels: npt.NDArray[np.int64]) -> LogisticRegression:
    return LogisticRegression(max_iter=5000, class_weight="balanced").fit(rows, labels)


def classes_of(given: People, name: str) -> tuple[str, ...]:
    """The classes of an attribute that both enrolled and public subjects have."""
    both = set(given.public.attributes[name]) & set(given.enrolled.attributes[name]) - {UNKNOWN}
    return tuple(sorted(map(str, both)))


def usable(given: People) -> list[str]:
    """The attributes with 2 to 6 classes.

    Raises
    ------
    InputError
        When there is none.
    """
    found = {name: len(classes_of(given, name)) for name in given.enrolled.attributes}
    fit = [name for name, count in found.items() if 2 <= count <= clusters.MOST_CLASSES]
    if not fit:
        told = ", ".join(f"{name}: {count}" for name, count in found.items()) or "none"
        raise InputError(
            f"attributes with their numbers of classes: {told}; expected one with 2 to {clusters.MOST_CLASSES}"
        )
    return fit


def rate_of(credits: FloatArray, truth: npt.NDArray[np.int64]) -> Rate:
    """The rate of several draws.

    Parameters
    ----------
    credits : (draws, n) float
        Whether each subject's class was right, or how far; NaN where the subject was known in this draw.
    truth : (n,) int
        -1 where unknown; these subjects are left out.
    """
    counted = (truth >= 0) & ~np.isnan(credits).all(axis=0)
    credits, truth = credits[:, counted], truth[counted]
    shares = [
        person_proportion(np.nansum(credits[:, truth == label], axis=0), (~np.isnan(credits[:, truth == label])).sum(0))
        for label in np.unique(truth)
    ]
    values, lows, highs = (
        np.array(column) for column in zip(*((one.value, *one.interval) for one in shares), strict=True)
    )
    single = [np.mean([np.nanmean(row[truth == label]) for label in np.unique(truth)]) for row in credits]
    return Rate(
        float(values.mean()), mover_mean(values, lows, highs), float(min(single)), float(max(single)), len(truth)
    )


def translated(one: Enrolled, given: People, attributes: Sequence[Attribute], known: Sequence[int]) -> Iterator[Read]:
    """What is read from a scheme's templates with each number of known subjects; 0 aligns without pairs."""
    for count in known:
        sizes = sorted({min(size, len(one.vectors)) for size in (*SIZES, len(one.vectors))}) if count == 0 else [0]
        for size in sizes:
            draw = partial(_from_known, one, given, count) if count else partial(_from_none, one, given, size)
            directions, held = zip(*(draw(number) for number in range(DRAWS if count else STARTS)), strict=True)
            yield from _read(one.name, given, attributes, np.array(directions), held, (count, size))


def _from_known(one: Enrolled, given: People, count: int, number: int) -> tuple[FloatArray, Index]:
    """Directions of all subjects by the map of one draw of known subjects, and those subjects."""
    rng = stream(0, "recognisers", "known", number)  # more known subjects include the fewer of the same draw
    held = rng.permutation(len(one.vectors))[:count]
    made = Translation.from_pairs(one.vectors.mean(axis=0), one.vectors[held], given.own_enrolled[held])
    return made.directions(one.vectors), held


def _from_none(one: Enrolled, given: People, size: int, number: int) -> tuple[FloatArray, Index]:
    rng = stream(0, "recognisers", "unpaired", one.name, size, number)
    stolen = one.vectors[rng.permutation(len(one.vectors))[:size]]
    return unpaired(stolen, given.own_public, rng).directions(one.vectors), np.empty(0, dtype=np.intp)


def _read(
    scheme: str,
    given: People,
    attributes: Sequence[Attribute],
    directions: FloatArray,
    held: Sequence[Index],
    counts: tuple[int, int],
) -> Iterator[Read]:
    cosines = (directions * given.own_enrolled).sum(axis=2)
    for row, subjects in zip(cosines, held, strict=True):
        row[subjects] = np.nan
    seen = cosines[:, ~np.isnan(cosines).all(axis=0)]
    of_each = np.nanmean(seen, axis=0)
    closeness = (float(of_each.mean()), t_interval(of_each))
    for one in attributes:
        answers = np.array([one.predicted(rows) for rows in directions])
        rate = rate_of(_credits(answers, one.truth, held), one.truth)
        shared = None
        if not counts[0]:
            shares = np.bincount(one.truth[one.truth >= 0], minlength=len(one.classes)) / (one.truth >= 0).sum()
            renamed = np.array([clusters.named_by_shares(answer, shares) for answer in answers])
            shared = rate_of(_credits(renamed, one.truth, held), one.truth)
        yield Read(scheme, one.name, *counts, closeness, rate, shared)


def _credits(answers: npt.NDArray[np.int64], truth: npt.NDArray[np.int64], held: Sequence[Index]) -> FloatArray:
    credits: FloatArray = (answers == truth).astype(np.float64)
    for row, subjects in zip(credits, held, strict=True):
        row[subjects] = np.nan
    return credits


def clustered(one: Enrolled, attributes: Sequence[Attribute]) -> Iterator[Clustered]:
    """What clusters of a scheme's bytes and of its responses say of each attribute, by what names the clusters."""
    order = stream(0, "recognisers", "stolen").permutation(len(one.vectors))
    for attribute in attributes:
        for size in sorted({min(size, len(order)) for size in (*SIZES, len(order))}):
            rows = order[:size]
            for reads, vectors in (("bytes", one.vectors), ("responses", one.responses)):
                seed = stream_seed(0, "recognisers", "clusters", one.name, attribute.name, size, reads) % 2**31
                found = clusters.clustered(vectors[rows], len(attribute.classes), seed)
                truth = attribute.truth[rows]
                if len(np.unique(truth[truth >= 0])) == len(attribute.classes):
                    rates = _named(found[truth >= 0], truth[truth >= 0])
                    yield Clustered(one.name, attribute.name, reads, size, rates)


def _named(found: clusters.Labels, truth: clusters.Labels) -> dict[str, Rate]:
    """The rates of clusters by what names them."""
    shares = np.bincount(truth) / len(truth)
    by_shares = (clusters.named_by_shares(found, shares) == truth).astype(np.float64)
    rates = {
        "class share known": rate_of(by_shares[None], truth),
        "best naming (a bound)": rate_of(clusters.credit_of_best(found, truth)[None], truth),
    }
    for count in NAMING:
        credits = []
        for number in range(NAMING_DRAWS):
            held = stream(0, "recognisers", "naming", len(truth), number).permutation(len(truth))[:count]
            credit = clusters.credit_of_known(found, truth, held)
            credit[held] = np.nan
            credits.append(credit)
        rates[f"{count} known subject{'s' * (count > 1)}"] = rate_of(np.array(credits), truth)
    return rates


@dataclass(frozen=True)
class Ceilings:
    """Of one attribute: a classifier of labelled faces on the enrolled images themselves, by either recogniser."""

    attribute: str
    attacked: Rate
    attackers: Rate


def ceilings(given: People, attribute: Attribute) -> Ceilings:
    """What the same classifier reads within one recogniser, without translation."""
    mean = given.public.embeddings.mean(axis=0, dtype=np.float64)
    public, own = unit(given.public.embeddings - mean), unit(given.enrolled.embeddings - mean)
    known = np.isin(given.public.attributes[attribute.name], attribute.classes)
    labels = class_index(given.public.attributes[attribute.name][known], attribute.classes)
    scale = float(public.std())
    answers = _fitted(public[known] / scale, labels).predict(own / scale)
    theirs = attribute.predicted(given.own_enrolled)
    rates = [rate_of((one == attribute.truth).astype(np.float64)[None], attribute.truth) for one in (answers, theirs)]
    return Ceilings(attribute.name, *rates)
