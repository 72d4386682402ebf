"""Attacks that read a soft attribute from the template's bytes, without running the system on the stolen record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Knowledge, Scheme, Template, WhichClass
from mote_bench.toolkit import draw_keys, numbers

from . import classifiers
from .classifiers import Examples, Fit, Labels
from .probing import granted, known_labels

_KEYS_TO_TUNE_ON = 3


def logistic() -> FromBytes:
    """Logistic regression; the one of the family that is also trained under stolen keys."""
    return FromBytes(lambda seed: classifiers.logistic, (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY))


def xgboost() -> FromBytes:
    """Boosted trees: they find the few telling bytes among many idle ones, which a linear model averages away."""
    return FromBytes(classifiers.boosted_trees, (Knowledge.ALGORITHM,))


def mlp() -> FromBytes:
    """A small perceptron: it finds classes that no linear cut of the bytes tells apart."""
    return FromBytes(classifiers.perceptron, (Knowledge.ALGORITHM,))


@dataclass(frozen=True)
class FromBytes:
    """Train on the bytes of the attacker's own templates, answer for the stolen ones.

    The thief holds the records and a copy of the system, enrols labelled people of their own (the shadow people), and
    wants each victim's class; success is a balanced accuracy above chance. This is the attack that soft-biometric
    privacy is mostly evaluated with (for instance Terhoerst et al., "PE-MIU", IEEE Access 8 (2020) 93635-93647).

    Templates under different keys can't be compared. At ``stolen_key`` the thief therefore enrols the shadow people
    once more under each stolen key and trains a logistic regression for that key alone. This costs as many enrolments
    as there are shadow people times stolen keys, a key at a time. Ridge and calibration are chosen beforehand under
    three keys of the thief's own.

    Parameters
    ----------
    classifier : callable
        From a seed to a ``classifiers.Fit``.
    knowledge : tuple of Knowledge
        The levels at which the attack is run.
    """

    classifier: Callable[[int], Fit]
    knowledge: tuple[Knowledge, ...]
    question = WhichClass

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        _, shadow = granted(evidence)
        labels, labelled = known_labels(shadow.references, question)
        fold, seed = classifiers.folds(labels, rng), int(rng.integers(2**31))
        if evidence.keys is not None and evidence.scheme is not None:
            people = _People(evidence.scheme, shadow.references.rows(labelled), labels, len(question.classes))
            return _under_each_key(people, evidence, fold, rng)
        own = [shadow.templates[row] for row in labelled]
        examples = _examples(own, evidence.templates, labels, len(question.classes))
        return classifiers.tuned(examples, self.classifier(seed), fold)


@dataclass(frozen=True, eq=False)
class _People:
    """The labelled shadow people, ready to be enrolled again."""

    scheme: Scheme
    references: Faces
    labels: Labels
    classes: int


def _under_each_key(people: _People, evidence: Evidence, fold: Labels, rng: np.random.Generator) -> FloatArray:
    # The same seeds under every key: an answer must not depend on the place of its record among the stolen.
    seeds = [int(seed) for seed in rng.integers(2**31, size=len(people.labels))]

    def examples(key: Key, stolen: Sequence[Template]) -> Examples:
        own = people.scheme.enroll(people.references.embeddings, keys=[key] * len(seeds), seeds=seeds)
        return _examples(own, stolen, people.labels, people.classes)

    trials = [examples(key, ()) for key in draw_keys(_KEYS_TO_TUNE_ON, rng)]
    left_out = [classifiers.cross_fitted(trial, classifiers.logistic, fold)[0] for trial in trials]
    tuning = classifiers.tune(np.concatenate(left_out, axis=1), np.tile(people.labels, len(trials)))
    fit = partial(classifiers.logistic, only=tuning.setting)
    answer = np.empty((len(evidence.templates), people.classes))
    for key, rows in _rows_of_each(evidence.keys or ()).items():
        _, asked = classifiers.cross_fitted(examples(key, [evidence.templates[row] for row in rows]), fit, fold)
        answer[rows] = tuning.read(asked[0])
    return answer


def _rows_of_each(keys: Sequence[Key]) -> dict[Key, list[int]]:
    rows: dict[Key, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows


def _examples(own: Sequence[Template], stolen: Sequence[Template], labels: Labels, classes: int) -> Examples:
    table = numbers([*own, *stolen])
    return Examples(table[: len(own)], labels, table[len(own) :], classes)
