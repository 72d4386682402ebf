"""Error rate of a recogniser on a rendered population, and a linear probe's accuracy on its embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, Measurement
from mote_bench.metrics.intervals import mover_mean, person_proportion
from mote_bench.metrics.verification import Scores, eer, eer_interval
from mote_bench.toolkit import unit

_FOLDS = 5

Labels = npt.NDArray[np.str_]


def measured(embeddings: FloatArray, identity: Labels, attributes: Mapping[str, Labels]) -> dict[str, Measurement]:
    """Figures of a population, with intervals over its people.

    Parameters
    ----------
    embeddings : (n, d) float
    identity : (n,) str
    attributes : mapping of name -> (n,) str

    Returns
    -------
    dict
        ``eer``: the cosine's equal error rate, each person's first picture against all others; and for each attribute
        the balanced accuracy of a logistic regression that is fitted to other people (five folds of people).
    """
    _, who = np.unique(identity, return_inverse=True)
    rows = unit(embeddings.astype(np.float64))
    first = np.unique(who, return_index=True)[1]
    rest = np.setdiff1d(np.arange(len(who)), first)
    scores = Scores(rows[first] @ rows[rest].T, who[first], who[rest])
    made = {"eer": Measurement("eer", eer(scores.genuine, scores.impostor), *eer_interval(scores), n=len(first))}
    return made | {name: _probed(name, rows, who, labels) for name, labels in attributes.items()}


def _probed(name: str, rows: FloatArray, who: npt.NDArray[np.intp], labels: Labels) -> Measurement:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    right = cross_val_predict(probe, rows, labels, groups=who, cv=GroupKFold(_FOLDS)) == labels
    classes = []
    for label in np.unique(labels):
        chosen = labels == label
        people = np.unique(who[chosen], return_inverse=True)[1]
        hits, trials = np.bincount(people[right[chosen]], minlength=people.max() + 1), np.bincount(people)
        rate = person_proportion(hits.astype(np.float64), trials.astype(np.float64))
        classes.append((rate.value, *rate.interval))
    rates, lows, highs = np.array(classes).T
    low, high = mover_mean(rates, lows, highs)
    chance = 1 / len(classes)
    return Measurement("balanced_accuracy", float(rates.mean()), low, high, len(np.unique(who)), chance)
