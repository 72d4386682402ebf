"""Classifiers and their calibration on people left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mote_attacks._shared import classifiers
from mote_attacks._shared.classifiers import Examples
from sklearn.ensemble import RandomForestClassifier


def _blobs(n: int, columns: int, *, classes: int = 2, apart: float = 2.0, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    labels = np.arange(2 * n) % classes
    rows = rng.standard_normal((2 * n, columns))
    rows[:, :classes] += apart * np.eye(classes)[labels]
    return Examples(rows[:n], labels[:n], rows[n:], classes)


FITS = [
    pytest.param(classifiers.logistic, id="logistic"),
    *(
        pytest.param(seeded(1), id=seeded.__name__)
        for seeded in (
            classifiers.boosted_trees,
            classifiers.perceptron,
            classifiers.support_vectors,
            classifiers.neighbours,
            classifiers.forest,
        )
    ),
]


class TestClassifiers:
    @pytest.mark.parametrize("columns", [3, 40, 500])
    def test_rotation_keeps_every_dot_product_with_the_known(self, columns: int) -> None:
        examples = _blobs(30, columns)
        turned = classifiers.rotated(examples)
        spread = examples.known.std(axis=0)
        known, unknown = ((rows - examples.known.mean(axis=0)) / spread for rows in (examples.known, examples.unknown))
        assert turned.known @ turned.known.T * columns == pytest.approx(known @ known.T, abs=1e-3)
        assert turned.unknown @ turned.known.T * columns == pytest.approx(unknown @ known.T, abs=1e-3)
        assert turned.known.shape[1] <= 30
        assert (turned.known**2).sum(axis=1).mean() == pytest.approx(1)

    def test_folds_spread_every_class_evenly(self) -> None:
        labels = np.repeat([0, 1, 2], [50, 11, 1])
        fold = classifiers.folds(labels, np.random.default_rng(0))
        assert np.bincount(fold[labels == 0]).tolist() == [10] * 5
        assert sorted(np.bincount(fold[labels == 1])) == [2, 2, 2, 2, 3]

    @pytest.mark.parametrize("fit", FITS)
    def test_answers_are_probabilities_and_right(self, fit: classifiers.Fit) -> None:
        examples = _blobs(90, 30, classes=3, apart=4.0)
        answer = classifiers.tuned(examples, fit, classifiers.folds(examples.labels, np.random.default_rng(0)))
        assert answer.sum(axis=1) == pytest.approx(np.ones(90))
        assert (answer.argmax(axis=1) == np.arange(90) % 3).mean() > 0.85

    @pytest.mark.parametrize("fit", FITS)
    @pytest.mark.parametrize(
        "labels", [np.repeat(1, 20), np.repeat([0, 2], [19, 1]), np.repeat([0, 1, 2], [2, 17, 1])], ids=str
    )
    def test_rare_and_missing_classes_are_answered(self, fit: classifiers.Fit, labels: np.ndarray) -> None:
        rng = np.random.default_rng(0)
        examples = Examples(rng.standard_normal((20, 6)), labels, rng.standard_normal((7, 6)), 3)
        answer = classifiers.tuned(examples, fit, classifiers.folds(labels, rng))
        assert answer.shape == (7, 3)
        assert np.isfinite(answer).all()

    @pytest.mark.parametrize("fit", FITS)
    def test_columns_that_never_change_are_answered(self, fit: classifiers.Fit) -> None:
        labels = np.arange(20) % 2
        examples = Examples(np.ones((20, 5), dtype=np.float32), labels, np.ones((3, 5), dtype=np.float32), 2)
        answer = classifiers.tuned(examples, fit, classifiers.folds(labels, np.random.default_rng(0)))
        assert answer == pytest.approx(np.full((3, 2), 0.5), abs=1e-4)

    @pytest.mark.parametrize("classes", [2, 3])
    def test_the_forest_is_that_of_scikit_learn(self, classes: int) -> None:
        """To the last digit: its trees draw the same numbers. Before version 1.9 its bootstrap had no weights."""
        pytest.importorskip("sklearn", minversion="1.9")
        examples = _blobs(40, 30, classes=classes)
        examples = replace(examples, known=examples.known[:-7], labels=examples.labels[:-7])
        for least, found in zip((2, 8), classifiers.forest(5)(examples), strict=True):
            trees = RandomForestClassifier(
                100, min_samples_leaf=least, max_features=0.1, class_weight="balanced", random_state=5
            )
            expected = trees.fit(examples.known, examples.labels).predict_proba(examples.unknown)
            assert found.tolist() == np.log(np.maximum(expected, 1e-6)).tolist()

    def test_only_is_the_row_of_all(self) -> None:
        examples = _blobs(40, 10)
        for setting in (0, 3):
            one = classifiers.logistic(examples, only=setting)
            assert one == pytest.approx(classifiers.logistic(examples)[setting : setting + 1])

    def test_of_two_views_the_telling_one_is_taken(self) -> None:
        telling, idle = _blobs(60, 5, apart=4.0), _blobs(60, 50, apart=0.0, seed=1)
        examples, fit = classifiers.on_views(classifiers.logistic, [idle, telling])
        answer = classifiers.tuned(examples, fit, classifiers.folds(examples.labels, np.random.default_rng(0)))
        assert (answer.argmax(axis=1) == np.arange(60) % 2).mean() > 0.9

    def test_left_out_people_are_classified_as_by_the_plain_loop(self) -> None:
        examples = _blobs(30, 8)
        fold = classifiers.folds(examples.labels, np.random.default_rng(0))
        left_out, unknown = classifiers.cross_fitted(examples, classifiers.logistic, fold)
        answers = []
        for f in range(5):
            held = fold == f
            part = Examples(examples.known[~held], examples.labels[~held], examples.known[held], 2)
            assert left_out[:, held] == pytest.approx(classifiers.logistic(part))
            answers.append(classifiers.logistic(Examples(part.known, part.labels, examples.unknown, 2)))
        assert unknown == pytest.approx(np.mean(answers, axis=0))


class TestCalibration:
    def test_loss_of_a_coin_is_log_two(self) -> None:
        # Equal scores: the best calibration says one half for every class, whatever its frequency: loss log 2 = 0.693.
        loss, _, offset = classifiers._calibrate(np.zeros((10, 2)), np.repeat([0, 1], [8, 2]))
        assert loss == pytest.approx(0.693, abs=1e-3)
        assert offset[0] == pytest.approx(offset[1], abs=1e-3)

    def test_a_cut_in_the_wrong_place_is_moved(self) -> None:
        """Scores that rank perfectly, but all lie on one side of the cut."""
        labels = np.repeat([0, 1], [30, 10])
        margin = np.where(labels == 1, 5.0, 4.0)
        answers = np.stack([-margin, margin], axis=1) / 2
        assert (answers.argmax(axis=1) == 1).all()
        tuning = classifiers.tune(answers[None], labels)
        assert (tuning.read(answers).argmax(axis=1) == labels).all()

    def test_without_calibration_the_cut_stays(self) -> None:
        answers = np.log([[0.1, 0.9], [0.4, 0.6], [0.3, 0.7]])
        tuning = classifiers.tune(np.stack([answers[:, ::-1], answers]), np.array([0, 1, 1]), calibrate=False)
        # Balanced loss of setting 0: (-log .9 - (log .4 + log .3) / 2) / 2 = 0.583; of 1: (2.303 + 0.434) / 2 = 1.368.
        assert tuning.setting == 0
        assert tuning.read(answers) == pytest.approx(np.exp(answers))

    def test_the_slope_stays_positive_where_left_out_people_were_ranked_backwards(self) -> None:
        labels = np.arange(20) % 2
        answers = np.log(np.where(np.eye(2)[labels] > 0, 0.2, 0.8))
        tuning = classifiers.tune(answers[None], labels)
        assert tuning.slope > 0
