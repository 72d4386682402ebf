"""What accept/reject decisions alone give away: how many non-mated probes reveal a subject's class.

    python -m mote_bench study bound [--data FILE.npz] [--attribute gender] [--out boards/mote]

A system that accepts impostors of the subject's own class more often than others reveals that class, given enough
queries. The attacker presents N non-mated probes of each of two classes and predicts the class of which more were
accepted. If a template accepts a share s of its own class and a share o of the other, the counts are binomial, and for
small shares

    P(wrong) <= exp(-N (sqrt(s) - sqrt(o))^2)

(Chernoff's bound for the difference of two Poisson counts: minimise exp(N (s (e^-t - 1) + o (e^t - 1))) over t, at
e^t = sqrt(s / o)). So ln(1 / e) / (sqrt(s) - sqrt(o))^2 probes of each class suffice for an error of e, whatever the
template holds and however it is trained. Only three things help: equal acceptance (s = o), a smaller query budget, or a
key that impostors don't have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from mote_bench import registry
from mote_bench.contracts import Faces, FloatArray, InputError, Measurement, flat
from mote_bench.formatting import number, with_interval
from mote_bench.metrics.intervals import t_interval
from mote_bench.metrics.verification import Scores, measure_verification, threshold_at_fmr
from mote_bench.planning.split import Enrolled, Split
from mote_bench.report import plots
from mote_bench.studies.tables import StudyData, setting_of
from mote_bench.toolkit import all_enrolled, draw_keys, revocable, stream, stream_seed

SCHEMES = ("cosine", "mote", "mote-flattened", "mote-solved", "mote-features-int4", "mote-keyed")
RATES = ("3e-2", "1e-2", "3e-3", "1e-3")
QUERIES = (100, 300, 1000)
_ERROR = 0.1
_DRAWS = 40


@dataclass(frozen=True, eq=False)
class Line:
    """One scheme at one threshold.

    Attributes
    ----------
    fnmr : Measurement
        The false non-match rate at this threshold: what a stricter one costs.
    same, other : float
        Mean share of non-mated probes of the subject's own and of the other class that are accepted.
    needed : float
        Probes of each class that suffice for an error of 0.1 with the mean shares; infinite where they are equal.
    predicted : mapping of queries -> Measurement
        Accuracy by the binomial model with each subject's own shares, taken from one half of the probes.
    measured : mapping of queries -> float
        Accuracy measured by presenting draws of the other half.
    limit : float
        The model's accuracy without a budget: the share of subjects whose template accepts more of their own class.
    """

    scheme: str
    fmr: str
    fnmr: Measurement
    same: float
    other: float
    needed: float
    predicted: dict[int, Measurement]
    measured: dict[int, float]
    limit: float


def needed(same: float, other: float, error: float = _ERROR) -> float:
    """Number of probes of each class after which the prediction errs with at most this probability, by the bound."""
    gap = (np.sqrt(same) - np.sqrt(other)) ** 2 if same > other else 0.0
    return float(np.log(1 / error) / gap) if gap else float("inf")


def right(same: FloatArray, other: FloatArray, queries: int) -> FloatArray:
    """Probability that, of so many probes of each class, more of the own class are accepted; (n,), ties count half."""
    counts = np.arange(queries + 1)[:, None]
    own, below = binom.pmf(counts, queries, same), binom.cdf(counts - 1, queries, other)
    return np.asarray((own * (below + 0.5 * binom.pmf(counts, queries, other))).sum(axis=0))


def measured(parts: Split, attribute: str, schemes: Sequence[str] = SCHEMES, *, seed: int = 0) -> list[Line]:
    """A line for each scheme and rate: the target subjects' templates, queried with shadow and selection faces."""
    classes = np.unique(parts.background.attributes[attribute])
    if len(classes) != 2:
        raise InputError(f"'{attribute}' has {len(classes)} classes; expected two, between which the attacker decides")
    with threadpool_limits(limits=1):
        return [line for name in schemes for line in _lines(parts, attribute, classes, name, seed)]


def _lines(parts: Split, attribute: str, classes: npt.NDArray[Any], name: str, seed: int) -> list[Line]:
    scheme: Any = registry.load("schemes", name).fit(parts.background, seed=seed)
    target = parts.target.references
    probes = _non_mated(parts.shadow.references, parts.selection.references, attribute, classes)
    targets, others = (
        _Enrolled(scheme, people, seed, part)
        for people, part in ((parts.target, "target"), (parts.calibration, "calibration"))
    )
    answers = [targets.answers(group.embeddings, own_keys=False) for group in probes]
    own = target.attributes[attribute] == classes[1]
    impostor = others.scores().impostor
    at = {fmr: threshold_at_fmr(impostor, float(fmr)) for fmr in RATES}
    rates = measure_verification(targets.scores(), at, stream(seed, "bound", name))
    return [
        _line(name, rates[flat("fnmr", fmr)], fmr, [one >= threshold for one in answers], own, seed)
        for fmr, threshold in at.items()
    ]


class _Enrolled:
    """Subjects' templates; in a keyed scheme, mated probes come with the subject's key, others with another."""

    def __init__(self, scheme: Any, people: Enrolled, seed: int, part: str) -> None:
        if people.probes is None:
            raise InputError("thresholds are set on people who are recognised: the data must say who is shown")
        self._scheme, self._probes, self._shown = scheme, people.probes.embeddings, people.shown
        count, rng = len(people.references), stream(seed, "bound", part)
        keyed = revocable(scheme)
        self._keys, self._wrong = (draw_keys(count, rng) if keyed else None for _ in range(2))
        seeds = [stream_seed(seed, "bound", part, person) for person in range(count)]
        self._templates = all_enrolled(scheme.enroll(people.references.embeddings, keys=self._keys, seeds=seeds))

    def answers(self, faces: FloatArray, *, own_keys: bool) -> FloatArray:
        """(people, m) scores of (m, d) faces."""
        keys = self._keys if own_keys else self._wrong
        return np.asarray(self._scheme.score(self._templates, faces, keys=keys))

    def scores(self) -> Scores:
        """Comparison scores of the subjects' probes with all templates."""
        people = np.arange(len(self._templates))
        values = self.answers(self._probes, own_keys=True)
        if self._keys is not None:
            mated = people[:, None] == self._shown
            values = np.where(mated, values, self.answers(self._probes, own_keys=False))
        return Scores(values, people, self._shown)


def _non_mated(shadow: Faces, selection: Faces, attribute: str, classes: npt.NDArray[Any]) -> list[Faces]:
    """Shadow and selection subjects' faces, by class: one image each, so that no subject is presented twice."""
    made = []
    for label in classes:
        rows = [faces.embeddings[faces.attributes[attribute] == label] for faces in (shadow, selection)]
        made.append(Faces(np.concatenate(rows)))
    return made


def _line(
    name: str,
    fnmr: Measurement,
    fmr: str,
    accepted: list[npt.NDArray[np.bool_]],
    own: npt.NDArray[np.bool_],
    seed: int,
) -> Line:
    """``accepted[c]`` (subjects, probes) of class c; ``own`` whether each subject is of class 1."""
    rng = stream(seed, "bound", name, fmr)
    halves = [_halves(one, rng) for one in accepted]
    model = np.array([half.mean(axis=1) for half, _ in halves])
    same, other = np.where(own, model[1], model[0]), np.where(own, model[0], model[1])
    votes = {}
    for count in QUERIES:
        shares = []
        for _ in range(_DRAWS):
            drawn = [half[:, rng.integers(half.shape[1], size=count)].sum(axis=1) for _, half in halves]
            gap = np.where(own, drawn[1] - drawn[0], drawn[0] - drawn[1])
            shares.append(np.mean((gap > 0) + 0.5 * (gap == 0)))
        votes[count] = float(np.mean(shares))
    return Line(
        name,
        fmr,
        fnmr,
        float(same.mean()),
        float(other.mean()),
        needed(float(same.mean()), float(other.mean())),
        {count: _over_people(count, right(same, other, count)) for count in QUERIES},
        votes,
        float(np.mean((same > other) + 0.5 * (same == other))),
    )


def _over_people(count: int, each: FloatArray) -> Measurement:
    low, high = t_interval(each)
    metric = f"accuracy_after_{count}_of_each"
    return Measurement(metric, float(each.mean()), max(0.0, low), min(1.0, high), n=len(each), chance=0.5)


def _halves(accepted: npt.NDArray[np.bool_], rng: np.random.Generator) -> tuple[npt.NDArray[np.bool_], ...]:
    order = rng.permutation(accepted.shape[1])
    middle = len(order) // 2
    return accepted[:, order[:middle]], accepted[:, order[middle:]]


def render(data: str, attribute: str, people: int, lines: Sequence[Line]) -> dict[str, str]:
    """File name -> text of the table and of the plot."""
    name = f"bound-{data}-{attribute}"
    return {f"{name}.md": _markdown(name, data, attribute, people, lines), f"{name}.svg": _plot(attribute, lines)}


def _markdown(name: str, data: str, attribute: str, people: int, lines: Sequence[Line]) -> str:
    rows = [
        (
            one.scheme,
            one.fmr,
            with_interval(one.fnmr),
            f"{one.same:.4f}",
            f"{one.other:.4f}",
            "never" if np.isinf(one.needed) else f"{one.needed:,.0f}",
            *(f"{_shown(one.predicted[count])} / {one.measured[count]:.2f}" for count in QUERIES),
            f"{one.limit:.2f}",
        )
        for one in lines
    ]
    first = ("scheme", "FMR", "FNMR", "own class accepted", "other class", f"probes for {1 - _ERROR:g}")
    titles = (*first, *(f"{count} each" for count in QUERIES), "no budget")
    table = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    return (
        f"# What accept/reject decisions reveal of {attribute}: {data}\n\n{people} target subjects. Non-mated probes "
        "of both classes are presented to each template, and the class of which more are accepted is predicted. "
        "Accuracy: by the binomial model, with its 95 % interval over subjects / measured by presenting probes. Probes "
        "are drawn from a few hundred different faces, so accuracy is limited even without a budget: many templates "
        f"accept none of them. `probes for {1 - _ERROR:g}` is the bound of `mote_bench/studies/decision_bound.py`, for "
        "a fresh face each time. With `mote-keyed`, non-mated probes come with a key of their own; with the subject's "
        f"key it is `mote`.\n\n{table}\n\n![privacy, utility and queries]({name}.svg)\n\nEach line is a scheme as its "
        "threshold rises from FMR 3e-2 to 1e-3, from left to right: fewer non-mated probes are accepted, more genuine "
        "ones are rejected, and each probe reveals less. Lower left is better; 0.5 is chance.\n\nMade by "
        f"`python -m mote_bench study bound --data {data} --attribute {attribute}`.\n"
    )


def _shown(one: Measurement) -> str:
    return f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _plot(attribute: str, lines: Sequence[Line]) -> str:
    """Privacy against utility, a panel for each number of queries."""
    panels = []
    for count in QUERIES:
        traces = []
        for scheme in dict.fromkeys(one.scheme for one in lines):
            own = [one for one in lines if one.scheme == scheme]
            points = [(one.fnmr.value, one.predicted[count].value) for one in own]
            bars = [(one.predicted[count].low, one.predicted[count].high) for one in own]
            traces.append(plots.Trace(scheme, points, bars, quiet=scheme == "cosine"))
        panels.append(plots.Panel(f"{count} probes of each class", traces))
    labels = ("false non-match rate (FNMR)", f"{attribute}: accuracy")
    figures = "; ".join(
        f"{one.scheme} at FMR {one.fmr}: FNMR {number(one.fnmr.value)}, {_shown(one.predicted[QUERIES[-1]])} after "
        f"{QUERIES[-1]} of each class"
        for one in lines
    )
    return plots.standing(plots.panels(panels, labels, name="bound", alt=f"Privacy, utility and queries. {figures}."))


def files(study: StudyData, attribute: str) -> dict[str, str]:
    """File name -> text of the table and of the plot."""
    parts = setting_of(study, attribute).split
    lines = measured(parts, attribute)
    return render(study.name, attribute, len(parts.target.references), lines)
