"""The parts that attacks are made of: probes, answers, ridge, classifiers, calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_attacks import classifiers, probing
from mote_attacks.classifiers import Examples
from mote_attacks.inversion import on_sphere
from mote_attacks.linkage import _correlation
from mote_attacks.regression import fit_ridge
from mote_attacks.scales import at_scales

from mote_bench.contracts import Faces
from mote_bench.questions import WhichClass
from mote_bench.toolkit import Answers, unit


def _faces(identity: list[str] | None, gender: list[str]) -> Faces:
    return Faces(np.eye(len(gender)), None if identity is None else np.array(identity), {"gender": np.array(gender)})


class TestProbes:
    def test_new_people_come_before_further_images(self) -> None:
        public = _faces(["a", "a", "a", "a", "b", "c"], ["f"] * 6)
        chosen = probing.choose_probes(public, np.random.default_rng(0), most=3)
        assert public.identity is not None
        assert set(public.identity[chosen]) == {"a", "b", "c"}

    def test_classes_get_equal_quotas_and_unknown_ones_none(self) -> None:
        public = _faces(None, ["f"] * 4 + ["m"] * 10 + ["?"] * 6)
        labels = np.repeat([0, 1, -1], [4, 10, 6])
        chosen = probing.choose_probes(public, np.random.default_rng(0), labels=labels, most=12)
        # A quota of 12 / 2 = 6: all 4 of the rare class and 6 of the frequent one.
        assert np.bincount(labels[chosen]).tolist() == [4, 6]

    def test_positions_say_nothing_of_the_class(self) -> None:
        public = _faces(None, ["f"] * 500 + ["m"] * 500)
        labels = np.repeat([0, 1], 500)
        chosen = probing.choose_probes(public, np.random.default_rng(0), labels=labels)
        assert len(set(chosen.tolist())) == 1000
        assert abs(labels[chosen][:500].mean() - 0.5) < 0.1

    def test_labels_that_nobody_has_are_an_error_that_names_them(self) -> None:
        with pytest.raises(ValueError, match=r"none of the attacker's 2 faces has a 'age' among \('old',\)"):
            probing.labels_of(_faces(None, ["f", "m"]), WhichClass("age", ("old",)))

    def test_known_labels_leave_out_other_classes(self) -> None:
        labels, rows = probing.known_labels(_faces(None, ["m", "", "f", "x"]), WhichClass("gender", ("f", "m")))
        assert labels.tolist() == [1, 0]
        assert rows.tolist() == [0, 2]


class TestAnswers:
    def test_standardised_by_the_shadow_templates_alone(self) -> None:
        # Probe 0: shadow answers 1, 3: mean 2, deviation 1. Probe 1: all 5, left at a scale of one.
        answers = Answers(np.array([[4.0, 5.5]]), np.empty((0, 2)), np.array([[1.0, 5.0], [3.0, 5.0]]))
        seen = probing.standardised(answers)
        assert seen.shadow.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
        assert seen.stolen.tolist() == [[2.0, 0.5]]

    @settings(deadline=None)
    @given(st.lists(st.floats(-5, 5), min_size=2, max_size=20, unique=True))
    def test_ranks_are_blind_to_increasing_functions(self, row: list[float]) -> None:
        scores = np.array([row])
        squashed = np.searchsorted(np.sort(scores[0]), scores)  # the most drastic increasing function: the rank itself
        plain, other = (probing.ranked(Answers(values, values[:0], values)).stolen for values in (scores, squashed))
        assert np.allclose(plain, other)

    def test_ties_share_a_rank(self) -> None:
        # Ranks 1, 2.5, 2.5, 4 of 4 at (rank - .5) / 4 = .125, .5, .5, .875: normal scores -1.150, 0, 0, 1.150.
        values = np.array([[0.0, 1.0, 1.0, 7.0]])
        assert probing.ranked(Answers(values, values[:0], values)).stolen[0] == pytest.approx(
            [-1.150, 0, 0, 1.150], abs=1e-3
        )


class TestScales:
    def test_short_templates_are_read_once(self) -> None:
        assert len(at_scales(np.zeros((2, 2048)))) == 1

    def test_long_ones_also_by_runs_and_combs(self) -> None:
        row = np.arange(2080.0)[None]
        table, runs, combs, *_ = at_scales(row)
        assert table is row
        # 2080 = 65 runs of 32. Run 0 is 0..31: 15.5; run 1 is 32..63: 47.5. Comb 0 is 0, 32, .., 2048: 32 * 32 = 1024.
        assert runs.shape == (1, 65)
        assert runs[0, :2].tolist() == [15.5, 47.5]
        assert combs.shape == (1, 32)
        assert combs[0, :2].tolist() == [1024.0, 1025.0]

    def test_a_rest_that_fills_no_run_is_left_out(self) -> None:
        assert [scale.shape[1] for scale in at_scales(np.zeros((1, 2100)))[1:5]] == [65, 32, 32, 64]


class TestRidge:
    def _data(self, n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([n, p])
        inputs = rng.standard_normal((n, p)) + 3
        return inputs, inputs @ rng.standard_normal((p, 4)) + rng.standard_normal((n, 4)) + 1

    @pytest.mark.parametrize(("n", "p"), [(20, 5), (15, 40)])
    def test_left_out_predictions_are_those_of_the_plain_loop(
        self, n: int, p: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inputs, outputs = self._data(n, p)
        strength = 0.03
        monkeypatch.setattr("mote_attacks.regression._STRENGTHS", np.array([strength]))
        fit = fit_ridge(inputs, outputs)
        centred = inputs - inputs.mean(axis=0)
        alpha = strength * (centred**2).sum() / n
        for left in range(n):
            x, y = np.delete(inputs, left, axis=0), np.delete(outputs, left, axis=0)
            xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
            weights = np.linalg.solve(xc.T @ xc + alpha * np.eye(p), xc.T @ yc)
            assert fit.left_out[left] == pytest.approx((inputs[left] - x.mean(axis=0)) @ weights, rel=1e-6)

    def test_exact_relation_is_found_exactly(self) -> None:
        rng = np.random.default_rng(0)
        inputs, mixing = rng.standard_normal((50, 10)), rng.standard_normal((10, 3))
        fit, fresh = fit_ridge(inputs, inputs @ mixing + 2), rng.standard_normal((5, 10))
        assert fit.predict(fresh) == pytest.approx((fresh - inputs.mean(axis=0)) @ mixing, abs=1e-3)
        assert fit.agreement > 0.999

    def test_constant_inputs_tell_nothing(self) -> None:
        fit = fit_ridge(np.ones((4, 3)), np.arange(8.0).reshape(4, 2))
        assert fit.predict(np.ones((1, 3))).tolist() == [[0.0, 0.0]]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.99))
def test_on_sphere_keeps_length_and_centred_direction(seed: int, length: float) -> None:
    rng = np.random.default_rng(seed)
    mean, directions = length * unit(rng.standard_normal(6)), unit(rng.standard_normal((5, 6)))
    points = on_sphere(mean, directions)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(5))
    assert unit(points - mean) == pytest.approx(directions, abs=1e-6)


def test_correlation_is_numpys_and_zero_for_constant_rows() -> None:
    rng = np.random.default_rng(0)
    rows, others = rng.standard_normal((4, 9)), rng.standard_normal((3, 9))
    assert _correlation(rows, others) == pytest.approx(np.corrcoef(rows, others)[:4, 4:])
    assert _correlation(np.ones((1, 9)), others).tolist() == [[0.0, 0.0, 0.0]]


def _blobs(n: int, columns: int, *, classes: int = 2, apart: float = 2.0, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    labels = np.arange(2 * n) % classes
    rows = rng.standard_normal((2 * n, columns))
    rows[:, :classes] += apart * np.eye(classes)[labels]
    return Examples(rows[:n], labels[:n], rows[n:], classes)


FITS = [classifiers.logistic, classifiers.boosted_trees(1), classifiers.perceptron(1)]


class TestClassifiers:
    @pytest.mark.parametrize("columns", [3, 40, 500])
    def test_rotation_keeps_every_dot_product_with_the_known(self, columns: int) -> None:
        examples = _blobs(30, columns)
        turned = classifiers.rotated(examples)
        spread = examples.known.std(axis=0)
        known, asked = ((rows - examples.known.mean(axis=0)) / spread for rows in (examples.known, examples.asked))
        assert turned.known @ turned.known.T * columns == pytest.approx(known @ known.T, abs=1e-3)
        assert turned.asked @ turned.known.T * columns == pytest.approx(asked @ known.T, abs=1e-3)
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

    def test_left_out_people_are_judged_by_the_plain_loop(self) -> None:
        examples = _blobs(30, 8)
        fold = classifiers.folds(examples.labels, np.random.default_rng(0))
        left_out, asked = classifiers.cross_fitted(examples, classifiers.logistic, fold)
        answers = []
        for f in range(5):
            held = fold == f
            part = Examples(examples.known[~held], examples.labels[~held], examples.known[held], 2)
            assert left_out[:, held] == pytest.approx(classifiers.logistic(part))
            answers.append(classifiers.logistic(Examples(part.known, part.labels, examples.asked, 2)))
        assert asked == pytest.approx(np.mean(answers, axis=0))


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
