"""Classifiers for far more columns than subjects, tuned and calibrated on subjects left out of their training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from .logistic import log_probabilities

Labels = npt.NDArray[np.int64]

_FOLDS = 5
_FARTHEST = 10.0  # standard deviations; a column nearly constant among the known subjects must not outweigh all others
_LEAST_PROBABILITY = 1e-6
_LEAST_SLOPE = 0.01  # keeps the ranking where left-out subjects are classified no better than by chance
_STRENGTHS = tuple(np.logspace(-3, 4, 8))  # of the logistic regression: 1/ridge, for rows of mean squared length one
_WEIGHT_DECAYS = (0.3, 3.0, 30.0)  # of the perceptron
_HIDDEN = 32
_ROUNDS = (2, 5, 10, 20, 50)  # of boosting
_PENALTIES = (0.1, 1.0, 10.0)  # of the support vector machine
_NEIGHBOURS = (3, 10, 30, 60)
_FOREST, _LEAST_LEAVES = 100, (2, 8)
_TREE_COLUMNS = 1024  # that trees may use
_CUTS = (-1.2, -0.5, 0.0, 0.5, 1.2)  # standard deviations: six bins
_TREES = {"max_depth": 3, "eta": 0.2, "max_bin": 16, "subsample": 0.8, "colsample_bynode": 0.3, "nthread": 1}


@dataclass(frozen=True, eq=False)
class Examples:
    """Subjects to learn from and subjects to classify.

    Attributes
    ----------
    known : (n, p) float
        Features of the subjects whose class the attacker knows.
    labels : (n,) int
        Their classes, from 0 to ``classes`` - 1.
    unknown : (m, p) float
        Features of the subjects to classify.
    classes : int
        How many classes the question has; not all need to occur in ``labels``.
    weights : (n,) float, optional
        Weight of each known subject; by default all classes have the same total weight.
    """

    known: FloatArray
    labels: Labels
    unknown: FloatArray
    classes: int
    weights: FloatArray | None = None


Fit = Callable[[Examples], FloatArray]
"""Trains at each of several settings: (settings, m, classes) log probabilities of the subjects to classify.

All classes have the same total weight in training, however rare they are.
"""


@dataclass(frozen=True, eq=False)
class Tuning:
    """A classifier's best setting and its calibration, chosen on subjects left out of its training.

    ``slope * log probability + offset`` (classes,) are the calibrated scores. The offset matters most. With more
    columns than subjects, the intercept that separates the training subjects puts nearly all other subjects into the
    frequent class, whatever the class weights. The ranking of other subjects can be near perfect while the balanced
    accuracy of the uncalibrated classifier is exactly chance.
    """

    setting: int
    slope: float
    offset: FloatArray

    def read(self, log_probabilities: FloatArray) -> FloatArray:
        """(m, classes) calibrated probabilities."""
        from scipy.special import softmax

        return np.asarray(softmax(self.slope * log_probabilities + self.offset, axis=1))


def tuned(examples: Examples, fit: Fit, fold: Labels, *, calibrate: bool = True) -> FloatArray:
    """(m, classes) probabilities of the subjects to classify, at the best setting.

    Without ``calibrate`` they are those of one classifier trained on all known subjects, with its own decision
    threshold.
    """
    left_out, unknown = cross_fitted(examples, fit, fold)
    tuning = tune(left_out, examples.labels, calibrate=calibrate)
    return tuning.read((unknown if calibrate else fit(examples))[tuning.setting])


def cross_fitted(examples: Examples, fit: Fit, fold: Labels) -> tuple[FloatArray, FloatArray]:
    """Train once without each fold: (settings, n, classes) of known subjects, (settings, m, classes) of the others.

    A known subject is classified by the one classifier that wasn't trained on it, the others by the mean of all. So the
    calibration on left-out subjects also holds for the others. It would not hold for a classifier that is trained once
    more on all known subjects, because the intercept depends on their number.
    """
    parts = [(held, fit(part)) for held, part in _parts(examples, fold)]
    left_out = np.empty((len(parts[0][1]), len(fold), examples.classes))
    for held, answers in parts:
        left_out[:, held] = answers[:, : held.sum()]
    return left_out, np.mean([answers[:, held.sum() :] for held, answers in parts], axis=0)


def tune(left_out: FloatArray, labels: Labels, *, calibrate: bool = True) -> Tuning:
    """Choose setting and perhaps calibration by the balanced log loss of log probabilities (settings, n, classes)."""
    if not calibrate:
        losses = [balanced_loss(answers, labels) for answers in left_out]
        return Tuning(int(np.argmin(losses)), 1.0, np.zeros(left_out.shape[2]))
    candidates = [_calibrate(answers, labels) for answers in left_out]
    best = int(np.argmin([loss for loss, _, _ in candidates]))
    _, slope, offset = candidates[best]
    return Tuning(best, slope, offset)


def balanced_loss(answers: FloatArray, labels: Labels) -> float:
    """Mean over the classes of the mean negative log probability of the true class; ``answers`` (n, classes)."""
    own = -answers[np.arange(len(labels)), labels]
    return float(np.average(own, weights=class_weights(labels)))


def folds(labels: Labels, rng: np.random.Generator) -> Labels:
    """(n,) the fold in which each subject is left out; every class is spread evenly over the folds."""
    fold = np.empty(len(labels), dtype=np.int64)
    for members in (np.flatnonzero(labels == c) for c in np.unique(labels)):
        fold[rng.permutation(members)] = np.arange(len(members)) % _FOLDS
    return fold


def logistic(examples: Examples, *, only: int | None = None) -> FloatArray:
    """Ridge-penalised logistic regression on standardised columns; cost n^2 p for n subjects and p columns.

    ``only`` is the index of the one setting to train; by default all are.
    """
    turned = rotated(examples)
    if only is None:
        return _fit_logistic(turned, _STRENGTHS)
    return _fit_logistic(turned, _STRENGTHS[: only + 1])[-1:]  # each starts from the one before


def logistic_beside(others: FloatArray, labels: Labels) -> Fit:
    """:func:`logistic` on the known subjects and, with the same total weight, on ``others`` (m, p) with these labels.

    The others are never left out and never used for tuning: only known subjects resemble those to classify.
    """

    def fit(examples: Examples) -> FloatArray:
        sides = [class_weights(examples.labels), class_weights(labels) * len(examples.labels) / len(labels)]
        joined = replace(
            examples,
            known=np.vstack([examples.known, others]),
            labels=np.concatenate([examples.labels, labels]),
            weights=np.concatenate(sides) / 2,
        )
        return logistic(joined)

    return fit


def on_views(fit: Fit, views: Sequence[Examples]) -> tuple[Examples, Fit]:
    """Join several views of the same subjects, of which ``fit`` tries each: examples and a fit for :func:`tuned`."""
    ends = np.cumsum([view.known.shape[1] for view in views])[:-1]
    joined = replace(
        views[0],
        known=np.hstack([view.known for view in views]),
        unknown=np.hstack([view.unknown for view in views]),
    )

    def fit_each(examples: Examples) -> FloatArray:
        columns = zip(np.hsplit(examples.known, ends), np.hsplit(examples.unknown, ends), strict=True)
        return np.concatenate([fit(replace(examples, known=known, unknown=unknown)) for known, unknown in columns])

    return joined, fit_each


def boosted_trees(seed: int) -> Fit:
    """Boosted shallow trees (Chen & Guestrin, KDD 2016) on the columns that separate the known classes best."""

    def fit(examples: Examples) -> FloatArray:
        if not _learnable(examples):
            return np.stack([_undecided(examples)] * len(_ROUNDS))
        import xgboost

        used = _most_predictive(examples)
        known = xgboost.DMatrix(used.known, used.labels, weight=class_weights(used.labels))
        unknown = xgboost.DMatrix(used.unknown)
        settings = {"objective": "multi:softprob", "num_class": used.classes, "seed": seed, "verbosity": 0}
        trees = xgboost.train(_TREES | settings, known, _ROUNDS[-1])
        return np.stack([_log(trees.predict(unknown, iteration_range=(0, rounds))) for rounds in _ROUNDS])

    return fit


def perceptron(seed: int) -> Fit:
    """A perceptron with one hidden layer on the exact PCA rotation of the standardised columns."""

    def fit(examples: Examples) -> FloatArray:
        turned = rotated(examples)
        return np.stack([_fit_perceptron(turned, decay, seed) for decay in _WEIGHT_DECAYS])

    return fit


def support_vectors(seed: int) -> Fit:
    """Support vector machines with a Gaussian kernel, at several penalties, on the rotated columns.

    Their decision values stand in for log odds; :func:`tune` calibrates them on left-out subjects.
    """

    def fit(examples: Examples) -> FloatArray:
        from sklearn.svm import SVC

        turned = rotated(examples)
        if not _learnable(turned):
            return np.stack([_undecided(examples)] * len(_PENALTIES))
        found = []
        for penalty in _PENALTIES:
            model = SVC(C=penalty, gamma=1.0, class_weight="balanced", random_state=seed)
            model.fit(turned.known, turned.labels)
            odds = model.decision_function(turned.unknown)
            odds = np.column_stack([-odds, odds]) / 2 if odds.ndim == 1 else odds
            answer = np.full((len(turned.unknown), turned.classes), float(odds.min()) - 1)
            answer[:, model.classes_] = odds
            found.append(answer)
        return np.stack(found)

    return fit


def neighbours(seed: int) -> Fit:
    """The classes of the nearest known subjects by cosine, for several numbers of neighbours; classes weigh alike.

    Cosines are taken of the centred values, as embeddings are compared, and of the standardised values.
    """

    def fit(examples: Examples) -> FloatArray:
        mean = examples.known.mean(axis=0)
        plain = replace(examples, known=examples.known - mean, unknown=examples.unknown - mean)
        member = np.eye(examples.classes)[examples.labels] * class_weights(examples.labels)[:, None]
        orders = [_nearest(view) for view in (plain, rotated(examples))]
        # One neighbour of each class is added: a few neighbours must not give a probability of 0 or 1.
        return np.stack(
            [_log(_shares(member[order[:, :count]].sum(axis=1) + 1)) for order in orders for count in _NEIGHBOURS]
        )

    return fit


def _nearest(examples: Examples) -> npt.NDArray[np.intp]:
    """(m, n) row numbers of the known subjects, nearest first, for each subject to classify."""
    unknown, known = (
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        for rows in (examples.unknown, examples.known)
    )
    return np.argsort(-(unknown @ known.T), axis=1, kind="stable")


def forest(seed: int) -> Fit:
    """A random forest (Breiman, Machine Learning 45 (2001)) on the columns that separate the known classes best."""

    def fit(examples: Examples) -> FloatArray:
        if not _learnable(examples):
            return np.stack([_undecided(examples)] * len(_LEAST_LEAVES))
        used = _most_predictive(examples)
        return np.stack([_spread(found, np.unique(used.labels), used) for found in _forests(used, seed)])

    return fit


def _forests(examples: Examples, seed: int) -> Iterator[FloatArray]:
    """(m, classes that occur) probabilities by the forest of each setting.

    Its trees, and what they draw, are those of scikit-learn 1.9's ``RandomForestClassifier`` with ``max_features=0.1``
    and ``class_weight="balanced"``. That class copies and checks each tree before it grows, which takes as long as
    growing it for a few hundred subjects.
    """
    from sklearn import config_context
    from sklearn.tree import DecisionTreeClassifier

    known, unknown = (np.ascontiguousarray(rows, dtype=np.float32) for rows in (examples.known, examples.unknown))
    labels, n = examples.labels.astype(np.float64), len(examples.labels)
    weights = class_weights(examples.labels)
    seeds = np.random.RandomState(seed).randint(np.iinfo(np.int32).max, size=_FOREST)
    draws = [np.random.RandomState(own).choice(n, n, p=weights / weights.sum()) for own in seeds]
    counts = [np.bincount(drawn, minlength=n).astype(np.float64) for drawn in draws]
    with config_context(skip_parameter_validation=True):
        for least in _LEAST_LEAVES:
            total = 0.0
            for own, count in zip(seeds, counts, strict=True):
                tree = DecisionTreeClassifier(min_samples_leaf=least, max_features=0.1, random_state=int(own))
                tree.fit(known, labels, sample_weight=count, check_input=False)
                total = total + tree.predict_proba(unknown, check_input=False)
            yield np.asarray(total / _FOREST)


def _shares(counts: FloatArray) -> FloatArray:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def rotated(examples: Examples) -> Examples:
    """The same subjects on standardised columns, rotated to at most n axes; rows have a mean squared length of one.

    A ridge penalty and a dot product don't change under the rotation, so nothing is lost. The steps after it are as
    fast for 75,000 columns as for 300.
    """
    mean, spread = examples.known.mean(axis=0), examples.known.std(axis=0)
    used = spread > 1e-6 * np.abs(mean)  # the rest is constant up to the rounding of float32
    known, unknown = (
        np.clip((rows[:, used] - mean[used]) / spread[used], -_FARTHEST, _FARTHEST)
        for rows in (examples.known, examples.unknown)
    )
    if known.shape[1] > len(known):
        known, unknown = _in_own_axes(known, unknown)
    scale = np.sqrt(np.mean(np.sum(known**2, axis=1, dtype=np.float64))) or 1.0
    return replace(examples, known=known / scale, unknown=unknown / scale)


def _in_own_axes(known: FloatArray, unknown: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Both in the at most n axes that ``known`` (n, p) spans; every dot product with a row of ``known`` is kept."""
    gram = (known @ known.T).astype(np.float64)
    eigenvalues, axes = np.linalg.eigh(gram)
    kept = eigenvalues > 1e-6 * np.mean(np.diag(gram))
    length, axes = np.sqrt(eigenvalues[kept]), axes[:, kept]
    return axes * length, (unknown @ known.T).astype(np.float64) @ axes / length


def _calibrate(answers: FloatArray, labels: Labels) -> tuple[float, float, FloatArray]:
    """Loss, positive slope and offsets (classes,) with which (n, classes) log probabilities fit the labels best."""
    from scipy.optimize import minimize

    true, weight = np.eye(answers.shape[1])[labels], class_weights(labels)[:, None] / len(labels)
    own = weight * true

    def loss_and_gradient(parameters: FloatArray) -> tuple[float, FloatArray]:
        # The softmax and its logarithm share their steps: SciPy's two functions take longer than all else here.
        scores = parameters[0] * answers + parameters[1:]
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        total = odds.sum(axis=1, keepdims=True)
        error = weight * (odds / total - true)
        # A small ridge on the offsets: a class without a known subject would get minus infinity.
        loss = -(own * (scores - np.log(total))).sum() + 1e-4 * (parameters[1:] ** 2).sum()
        return float(loss), np.concatenate([[(error * answers).sum()], error.sum(axis=0) + 2e-4 * parameters[1:]])

    start = np.concatenate([[1.0], np.zeros(answers.shape[1])])
    bounds = [(_LEAST_SLOPE, None)] + [(None, None)] * answers.shape[1]
    found = minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.fun), float(found.x[0]), np.asarray(found.x[1:])


def _parts(examples: Examples, fold: Labels) -> Iterator[tuple[npt.NDArray[np.bool_], Examples]]:
    """Each fold's members, and the examples in which they are to be classified (first) instead of known."""
    for held in (fold == f for f in np.unique(fold)):
        unknown = np.concatenate([examples.known[held], examples.unknown])
        yield held, Examples(examples.known[~held], examples.labels[~held], unknown, examples.classes)


def _learnable(examples: Examples) -> bool:
    return len(np.unique(examples.labels)) > 1 and examples.known.shape[1] > 0


def _undecided(examples: Examples) -> FloatArray:
    return np.full((len(examples.unknown), examples.classes), -np.log(examples.classes))


def _log(probabilities: FloatArray) -> FloatArray:
    return np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _LEAST_PROBABILITY))


def class_weights(labels: Labels) -> FloatArray:
    """(n,) weights of mean one that sum to the same in every class that occurs."""
    _, position, count = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(len(labels) / (len(count) * count[position]))


def _fit_logistic(examples: Examples, strengths: Sequence[float]) -> FloatArray:
    if not _learnable(examples):
        return np.stack([_undecided(examples)] * len(strengths))
    weights = class_weights(examples.labels) if examples.weights is None else examples.weights
    answers = log_probabilities(examples.known, examples.labels, weights, strengths, examples.unknown)
    present = np.unique(examples.labels)
    return np.stack([_spread(np.exp(answer), present, examples) for answer in answers])


def _fit_perceptron(examples: Examples, decay: float, seed: int) -> FloatArray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    if not _learnable(examples):
        return _undecided(examples)
    rows = _evened_out(examples.labels, np.random.default_rng(seed))
    scale = np.sqrt(examples.known.shape[1])  # inputs of mean variance one, for which the initial weights are meant
    model = MLPClassifier((_HIDDEN,), alpha=decay, solver="lbfgs", max_iter=100, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is part of the regularisation
        model.fit(examples.known[rows] * scale, examples.labels[rows])
    return _spread(model.predict_proba(examples.unknown * scale), model.classes_, examples)


def _spread(probabilities: FloatArray, present: Labels, examples: Examples) -> FloatArray:
    """Log probabilities with a column for every class, also for classes without a known subject."""
    answer = np.zeros((len(probabilities), examples.classes))
    answer[:, present] = probabilities
    return _log(answer)


def _evened_out(labels: Labels, rng: np.random.Generator) -> Labels:
    """Row numbers in which rare classes are repeated until all are equally frequent."""
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    most = max(len(rows) for rows in members)
    return np.concatenate([np.resize(rng.permutation(rows), most) for rows in members])


def _most_predictive(examples: Examples) -> Examples:
    """The 1,024 columns that depend most on the class, by chi squared over six bins.

    Bins, not correlations: a tree can use a column whose middle values indicate a class.
    """
    if examples.known.shape[1] <= _TREE_COLUMNS:
        return examples
    mean, spread = examples.known.mean(axis=0), examples.known.std(axis=0)
    spread[spread == 0] = 1
    scaled = (examples.known - mean) / spread
    member = np.eye(examples.classes)[examples.labels] * class_weights(examples.labels)[:, None]
    below = [member.T.astype(scaled.dtype) @ (scaled < cut).astype(scaled.dtype) for cut in _CUTS]
    total = np.broadcast_to(member.sum(axis=0)[:, None], below[0].shape)
    seen = np.diff(np.stack([*below, total]), axis=0, prepend=0)  # (bins, classes, p)
    expected = seen.sum(axis=1, keepdims=True) * (total / member.sum())
    statistic = ((seen - expected) ** 2 / np.maximum(expected, 1e-9)).sum(axis=(0, 1))
    columns = np.argsort(-statistic, kind="stable")[:_TREE_COLUMNS]
    return replace(examples, known=examples.known[:, columns], unknown=examples.unknown[:, columns])
