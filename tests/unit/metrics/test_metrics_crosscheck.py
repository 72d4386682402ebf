"""The same numbers from independent libraries: scikit-learn, fairlearn, evalify."""

import numpy as np
import pytest
from metric_populations import Population
from scipy import interpolate, optimize
from sklearn import metrics as sk

from mote_bench.metrics.attributes import auc_interval, balanced_accuracy, macro_auc, measure_attribute
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.verification import eer, fmr, fnmr, operating_points

SEEDS = range(4)


def roc_eer(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """The EER from scikit-learn's ROC, by root finding on its linear interpolation."""
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    false, true, _ = sk.roc_curve(labels, np.concatenate([genuine, impostor]), drop_intermediate=False)
    return optimize.brentq(lambda x: 1 - x - interpolate.interp1d(false, true)(x), 0, 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("decimals", [1, 8])
def test_eer_and_roc(seed: int, decimals: int) -> None:
    scores = Population(0.9).scores(np.random.default_rng(seed), 40)
    genuine, impostor = np.round(scores.genuine, decimals), np.round(scores.impostor, decimals)
    if decimals == 1:
        assert eer(genuine, impostor) == pytest.approx(roc_eer(genuine, impostor), abs=1e-9)
    else:  # on a vertical of the ROC interp1d may take either end: off by one genuine score at most
        assert eer(genuine, impostor) == pytest.approx(roc_eer(genuine, impostor), abs=1 / len(genuine))
    labels = np.repeat([1, 0], [len(genuine), len(impostor)])
    false, true, thresholds = sk.roc_curve(labels, np.concatenate([genuine, impostor]), drop_intermediate=False)
    _, false_matches, false_non_matches = operating_points(genuine, impostor)
    assert false_matches[::-1] == pytest.approx(false)
    assert false_non_matches[::-1] == pytest.approx(1 - true)
    for at, threshold in enumerate(thresholds[1:], start=1):
        assert fmr(impostor, threshold) == pytest.approx(false[at])
        assert fnmr(genuine, threshold) == pytest.approx(1 - true[at])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_accuracies_and_auc(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.choice(classes, 120)])
    answer = rng.dirichlet(np.ones(classes), len(truth)) + 0.2 * np.eye(classes)[truth]
    answer /= answer.sum(axis=1, keepdims=True)
    told = answer.argmax(axis=1)
    assert balanced_accuracy(answer, truth) == pytest.approx(sk.balanced_accuracy_score(truth, told))
    measured = measure_attribute(answer, truth, [str(label) for label in range(classes)])
    assert measured["accuracy"].value == pytest.approx(sk.accuracy_score(truth, told))
    assert np.array(measured.details["confusion"]) == pytest.approx(sk.confusion_matrix(truth, told))
    score = answer[:, 1] if classes == 2 else answer
    expected = sk.roc_auc_score(truth, score, multi_class="ovr", average="macro")
    assert macro_auc(answer, truth) == pytest.approx(expected)


def test_auc_interval_is_delongs() -> None:
    """The Wilson form and the plain normal interval of DeLong's variance agree where there are many people."""
    rng = np.random.default_rng(0)
    truth = (rng.random(4000) < 0.4).astype(int)
    margin = rng.standard_normal(4000) + truth
    placements = [(margin[truth == 0][None, :] < margin[truth == 1][:, None]).mean(axis=axis) for axis in (1, 0)]
    spread = np.sqrt(sum(part.var(ddof=1) / len(part) for part in placements))
    area = placements[0].mean()
    answer = np.column_stack([-margin, margin])
    assert auc_interval(answer, truth) == pytest.approx((area - 1.96 * spread, area + 1.96 * spread), abs=5e-4)


def test_group_rates_are_fairlearns() -> None:
    fairlearn = pytest.importorskip("fairlearn.metrics", reason="fairlearn is not installed (pip install fairlearn)")
    rng, threshold, alpha = np.random.default_rng(0), 0.5, 0.3
    scores, labels = Population(0.9).scores(rng, 60), rng.choice(["a", "b", "c"], 60)
    inside = labels[scores.enrolled][:, None] == labels[scores.shown][None, :]
    frame = fairlearn.MetricFrame(
        metrics={"fmr": fairlearn.false_positive_rate, "fnmr": fairlearn.false_negative_rate},
        y_true=scores.mated[inside].astype(int),
        y_pred=(scores.values[inside] >= threshold).astype(int),
        sensitive_features=np.broadcast_to(labels[scores.enrolled][:, None], scores.values.shape)[inside],
    )
    measured = measure_fairness(scores, {"group": labels}, threshold, rng=rng, alpha=alpha)
    for label, row in frame.by_group.iterrows():
        for rate in ("fmr", "fnmr"):
            assert measured[f"{rate}_group_{label}_at_fmr_1e-2"].value == pytest.approx(row[rate])
    gap, ratio = frame.difference(), frame.ratio()
    assert measured["fdr_group_at_fmr_1e-2"].value == pytest.approx(1 - alpha * gap["fmr"] - (1 - alpha) * gap["fnmr"])
    expected = (1 / ratio["fmr"]) ** alpha * (1 / ratio["fnmr"]) ** (1 - alpha)
    assert measured["ir_group_at_fmr_1e-2"].value == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_eer_is_evalifys(seed: int) -> None:
    evalify = pytest.importorskip("evalify", reason="evalify is not installed (it needs pandas below 3)")
    rng = np.random.default_rng(seed)
    shown = np.repeat(np.arange(30), 4)
    photos = rng.standard_normal((30, 16))[shown] + 1.1 * rng.standard_normal((120, 16))
    experiment = evalify.Experiment(
        metrics=["cosine_similarity"], same_class_samples="full", different_class_samples="full"
    )
    experiment.run(photos, shown)
    mated = experiment.df["target"].to_numpy() == 1
    cosines = experiment.df["cosine_similarity"].to_numpy()
    # evalify takes the nearest operating point, which is at most one genuine step away.
    expected = experiment.eer()["cosine_similarity"]["EER"]
    assert eer(cosines[mated], cosines[~mated]) == pytest.approx(expected, abs=1 / mated.sum())
