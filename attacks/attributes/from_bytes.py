"""Attacks that infer a soft-biometric class from the template's bytes, without a query to the stolen template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Knowledge, Reads, Scheme, Template
from mote_bench.questions import WhichClass
from mote_bench.toolkit import draw_keys, numbers

from .._shared import classifiers
from .._shared.classifiers import Examples, Fit, Labels
from .._shared.pooling import at_scales
from .._shared.probing import granted, known_labels, needed, rows_of_each_key

_KEYS_TO_TUNE_ON = 3


def logistic() -> ClassifierOnBytes:
    """Logistic regression on the values in the bytes, with its own decision threshold: the usual evaluation."""
    return ClassifierOnBytes(_logistic, _as_it_lies, (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY), calibrate=False)


def calibrated() -> ClassifierOnBytes:
    """Logistic regression at the most predictive scale of the values, calibrated on left-out shadow subjects."""
    return ClassifierOnBytes(_logistic, at_scales, (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY))


def xgboost() -> ClassifierOnBytes:
    """Boosted trees: they find a few informative values among many, which a linear model averages away."""
    return ClassifierOnBytes(classifiers.boosted_trees, _joined_scales, (Knowledge.ALGORITHM,))


def mlp() -> ClassifierOnBytes:
    """A small perceptron: it finds classes that are not linearly separable."""
    return ClassifierOnBytes(classifiers.perceptron, _as_it_lies, (Knowledge.ALGORITHM,))


def svm() -> ClassifierOnBytes:
    """A support vector machine with a Gaussian kernel: templates are compared by all values together."""
    return ClassifierOnBytes(classifiers.support_vectors, _as_it_lies, (Knowledge.ALGORITHM,))


def knn() -> ClassifierOnBytes:
    """Nearest neighbours: no shape of the classes is assumed."""
    return ClassifierOnBytes(classifiers.neighbours, _as_it_lies, (Knowledge.ALGORITHM,))


def forest() -> ClassifierOnBytes:
    """A random forest: it finds combinations of a few informative values."""
    return ClassifierOnBytes(classifiers.forest, _joined_scales, (Knowledge.ALGORITHM,))


@dataclass(frozen=True)
class ClassifierOnBytes:
    """Train a classifier on the bytes of the attacker's own templates, then classify the stolen ones.

    Most evaluations of soft-biometric privacy use this attack, for instance Terhoerst et al., "PE-MIU", IEEE Access 8
    (2020) 93635-93647. With more values than subjects it misleads in two ways. First, a classifier can rank subjects
    nearly perfectly by class and yet assign all of them to the frequent class: a balanced accuracy of exactly 0.5. So
    the decision threshold is calibrated on left-out shadow subjects (``classifiers.Tuning``). Second, a classifier
    can't learn thousands of small weights. So the attack also reads means of many values (``pooling.at_scales``).

    Templates under different keys can't be compared. At ``stolen_key`` the attacker therefore enrols the shadow
    subjects again under each stolen key, and trains a logistic regression for that key alone. The cost is the number of
    shadow subjects times the number of stolen keys, in enrolments. Ridge and calibration are chosen beforehand under
    three keys of the attacker's own.

    Parameters
    ----------
    classifier : callable
        From a seed to a ``classifiers.Fit``.
    read : callable
        From the numbers in the bytes (n, p) to the tables (n, any) that the classifier is tried on.
    knowledge : tuple of Knowledge
        The levels at which the attack is run.
    calibrate : bool
        Whether the decision threshold is calibrated.
    """

    classifier: Callable[[int], Fit]
    read: Callable[[FloatArray], list[FloatArray]]
    knowledge: tuple[Knowledge, ...]
    calibrate: bool = True
    question = WhichClass
    reads = Reads.BYTES

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        _, shadow = granted(evidence)
        labels, labelled = known_labels(shadow.references, question)
        fold, seed = classifiers.folds(labels, rng), int(rng.integers(2**31))
        if evidence.keys is not None and evidence.scheme is not None:
            people = _People(evidence.scheme, shadow.references.rows(labelled), labels, fold, len(question.classes))
            return _under_each_key(people, evidence, rng, calibrate=self.calibrate)
        own = [shadow.templates[row] for row in labelled]
        tables = self.read(numbers([*own, *evidence.templates]))
        views = [Examples(table[: len(own)], labels, table[len(own) :], len(question.classes)) for table in tables]
        examples, fit = classifiers.on_views(self.classifier(seed), views)
        return classifiers.tuned(examples, fit, fold, calibrate=self.calibrate)


class ClassifierOnReadings:
    """Parse the template as its format defines it, then classify.

    The scheme's ``readings`` describe the format. In a model template, a net's hidden units can stand in any order: the
    same weight lies elsewhere in every template. The readings therefore sort the units, and describe them by numbers
    that no permutation changes (Ganju et al., "Property Inference Attacks on Fully Connected Neural Networks using
    Permutation Invariant Representations", CCS 2018). A logistic regression on each reading at each scale, and boosted
    trees on all of them, are tried on left-out shadow subjects.
    """

    question = WhichClass
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM,)
    needs = ("readings",)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        _, shadow = granted(evidence)
        read = needed(evidence, "readings")
        labels, labelled = known_labels(shadow.references, question)
        own = [shadow.templates[row] for row in labelled]
        tables = [scaled for table in read([*own, *evidence.templates]) for scaled in at_scales(np.asarray(table))]
        views = [Examples(table[: len(own)], labels, table[len(own) :], len(question.classes)) for table in tables]
        examples, fit = linear_or_trees(views, int(rng.integers(2**31)))
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))


def linear_or_trees(views: Sequence[Examples], seed: int) -> tuple[Examples, Fit]:
    """All views joined, and a fit that tries a logistic regression on each view and boosted trees on all."""
    examples, linear = classifiers.on_views(classifiers.logistic, views)
    trees = classifiers.boosted_trees(seed)
    return examples, lambda joined: np.concatenate([linear(joined), trees(joined)])


def _logistic(seed: int) -> Fit:
    return classifiers.logistic


def _joined_scales(table: FloatArray) -> list[FloatArray]:
    return [np.hstack(at_scales(table))]


def _as_it_lies(table: FloatArray) -> list[FloatArray]:
    return [table]


@dataclass(frozen=True, eq=False)
class _People:
    """The labelled shadow subjects, ready to be enrolled again."""

    scheme: Scheme
    references: Faces
    labels: Labels
    fold: Labels
    classes: int


def _under_each_key(people: _People, evidence: Evidence, rng: np.random.Generator, *, calibrate: bool) -> FloatArray:
    # The same seeds under every key: an estimate must not depend on its template's row.
    seeds = [int(seed) for seed in rng.integers(2**31, size=len(people.labels))]

    def examples(key: Key, stolen: Sequence[Template]) -> Examples:
        own = people.scheme.enroll(people.references.embeddings, keys=[key] * len(seeds), seeds=seeds)
        table = numbers([*own, *stolen])
        return Examples(table[: len(own)], people.labels, table[len(own) :], people.classes)

    trials = [examples(key, ()) for key in draw_keys(_KEYS_TO_TUNE_ON, rng)]
    left_out = [classifiers.cross_fitted(trial, classifiers.logistic, people.fold)[0] for trial in trials]
    every_label = np.tile(people.labels, len(trials))
    tuning = classifiers.tune(np.concatenate(left_out, axis=1), every_label, calibrate=calibrate)
    fit = partial(classifiers.logistic, only=tuning.setting)
    answer = np.empty((len(evidence.templates), people.classes))
    for key, rows in rows_of_each_key(evidence.keys or ()).items():
        lesson = examples(key, [evidence.templates[row] for row in rows])
        unknown = classifiers.cross_fitted(lesson, fit, people.fold)[1] if calibrate else fit(lesson)
        answer[rows] = tuning.read(unknown[0])
    return answer
