"""What yes-or-no answers alone give away: how many strangers somebody must present to learn a person's class.

    python -m mote_bench study bound [--data FILE.npz] [--attribute gender] [--out boards/mote]

A system that lets in same-class impostors more often than others tells the class of its owners to whoever may knock
often enough. Present N strangers of each of two classes; the person's class is taken to be the one of which more were
let in. If a person's template accepts a share s of its own class and a share o of the other, the counts are binomial,
and for small shares

    P(wrong) <= exp(-N (sqrt(s) - sqrt(o))^2)

(Chernoff's bound for the difference of two Poisson counts: minimise exp(N (s (e^-t - 1) + o (e^t - 1))) over t, at
e^t = sqrt(s / o)). So ln(1 / e) / (sqrt(s) - sqrt(o))^2 strangers of each class suffice for an error of e, whatever
the template holds and however it is trained. Only three things help against it: equal acceptance (s = o), fewer
queries than that, or a key that strangers don't have.
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
from mote_bench.formatting import number, span
from mote_bench.metrics.intervals import t_interval
from mote_bench.metrics.verification import Scores, measure_verification, threshold_at_fmr
from mote_bench.planning.split import Enrolled, Split
from mote_bench.report import plots
from mote_bench.studies.tables import Asked, setting_of
from mote_bench.toolkit import draw_keys, revocable, stream, stream_seed

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
        Owners who are refused at this threshold: what a stricter one costs.
    same, other : float
        Mean share of strangers of the person's own and of the other class that are let in.
    needed : float
        Strangers of each class that suffice for an error of 0.1 with the mean shares; infinite where they are equal.
    predicted : mapping of queries -> Measurement
        Accuracy by the binomial model with each person's own shares, taken from one half of the strangers.
    measured : mapping of queries -> float
        Accuracy of presenting draws of the other half.
    limit : float
        The accuracy of endless queries by the model: the part of people who let in more of their own class.
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
    """Strangers of each class after which the vote errs with at most this probability, by the bound."""
    gap = (np.sqrt(same) - np.sqrt(other)) ** 2 if same > other else 0.0
    return float(np.log(1 / error) / gap) if gap else float("inf")


def right(same: FloatArray, other: FloatArray, queries: int) -> FloatArray:
    """Probability that of so many strangers each, more of the own class are let in; ties count half. Shapes (n,)."""
    counts = np.arange(queries + 1)[:, None]
    own, below = binom.pmf(counts, queries, same), binom.cdf(counts - 1, queries, other)
    return np.asarray((own * (below + 0.5 * binom.pmf(counts, queries, other))).sum(axis=0))


def measured(parts: Split, attribute: str, schemes: Sequence[str] = SCHEMES, *, seed: int = 0) -> list[Line]:
    """A line for each scheme and rate: the targets' templates, asked about background faces."""
    classes = np.unique(parts.background.attributes[attribute])
    if len(classes) != 2:
        raise InputError(f"'{attribute}' has {len(classes)} classes; the vote is between two")
    with threadpool_limits(limits=1):
        return [line for name in schemes for line in _lines(parts, attribute, classes, name, seed)]


def _lines(parts: Split, attribute: str, classes: npt.NDArray[Any], name: str, seed: int) -> list[Line]:
    scheme: Any = registry.load("schemes", name).fit(parts.background, seed=seed)
    target = parts.target.references
    strangers = _strangers(parts.shadow.references, parts.rehearsal.references, attribute, classes)
    owners, others = (
        _Enrolled(scheme, people, seed, part)
        for people, part in ((parts.target, "target"), (parts.calibration, "calibration"))
    )
    answers = [owners.answers(group.embeddings, own_keys=False) for group in strangers]
    own = target.attributes[attribute] == classes[1]
    impostor = others.scores().impostor
    at = {fmr: threshold_at_fmr(impostor, float(fmr)) for fmr in RATES}
    rates = measure_verification(owners.scores(), at, stream(seed, "bound", name))
    return [
        _line(name, rates[flat("fnmr", fmr)], fmr, [one >= threshold for one in answers], own, seed)
        for fmr, threshold in at.items()
    ]


class _Enrolled:
    """People's templates; of a keyed scheme, owners come with their own key and strangers with another."""

    def __init__(self, scheme: Any, people: Enrolled, seed: int, part: str) -> None:
        if people.probes is None:
            raise InputError("thresholds are set on people who are recognised: the data must say who is shown")
        self._scheme, self._probes, self._shown = scheme, people.probes.embeddings, people.shown
        count, rng = len(people.references), stream(seed, "bound", part)
        keyed = revocable(scheme)
        self._keys, self._wrong = (draw_keys(count, rng) if keyed else None for _ in range(2))
        seeds = [stream_seed(seed, "bound", part, person) for person in range(count)]
        self._templates = scheme.enroll(people.references.embeddings, keys=self._keys, seeds=seeds)

    def answers(self, faces: FloatArray, *, own_keys: bool) -> FloatArray:
        """(people, m) scores of (m, d) faces."""
        keys = self._keys if own_keys else self._wrong
        return np.asarray(self._scheme.score(self._templates, faces, keys=keys))

    def scores(self) -> Scores:
        """Of the people's own probes, at everybody's door."""
        people = np.arange(len(self._templates))
        values = self.answers(self._probes, own_keys=True)
        if self._keys is not None:
            mated = people[:, None] == self._shown
            values = np.where(mated, values, self.answers(self._probes, own_keys=False))
        return Scores(values, people, self._shown)


def _strangers(shadow: Faces, rehearsal: Faces, attribute: str, classes: npt.NDArray[Any]) -> list[Faces]:
    """Faces of the attacker's own people, by class: one photo each, so that no stranger is asked twice."""
    made = []
    for label in classes:
        rows = [faces.embeddings[faces.attributes[attribute] == label] for faces in (shadow, rehearsal)]
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
    """``accepted[c]`` (people, strangers) of class c; ``own`` whether each person is of class 1."""
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
            f"{number(one.fnmr.value)} {span(one.fnmr)}",
            f"{one.same:.4f}",
            f"{one.other:.4f}",
            "never" if np.isinf(one.needed) else f"{one.needed:,.0f}",
            *(f"{_told(one.predicted[count])} / {one.measured[count]:.2f}" for count in QUERIES),
            f"{one.limit:.2f}",
        )
        for one in lines
    ]
    first = ("scheme", "FMR", "FNMR", "own class let in", "other class", f"strangers for {1 - _ERROR:g}")
    titles = (*first, *(f"{count} each" for count in QUERIES), "endless")
    table = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    return (
        f"# What yes and no tell of {attribute}: {data}\n\n{people} people; strangers of both classes are presented at "
        "each door, and the class of which more are let in is told. Accuracy: by the binomial model, with its 95 % "
        "interval over people / by presenting them, drawn from a few hundred different strangers, which is why endless "
        "asking has a limit: many people's doors open to none of them. `strangers for 0.9` is the bound of "
        "`mote_bench/studies/decision_bound.py`, for fresh strangers each time. At `mote-keyed` strangers come with a "
        f"token of their own; with the owner's it is `mote`.\n\n{table}\n\n![privacy, utility and queries]({name}.svg)"
        "\n\nEach line is a scheme as its threshold rises from FMR 3e-2 to 1e-3, from left to right: fewer strangers "
        "are let in, more owners refused, and every stranger presented tells less. To the lower left is better; 0.5 "
        "is a "
        f"guess.\n\nMade by `python -m mote_bench study bound --data {data} --attribute {attribute}`.\n"
    )


def _told(one: Measurement) -> str:
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
        panels.append(plots.Panel(f"{count} strangers of each", traces))
    labels = ("owners refused (FNMR)", f"{attribute} told right")
    told = "; ".join(
        f"{one.scheme} at FMR {one.fmr}: FNMR {number(one.fnmr.value)}, {_told(one.predicted[QUERIES[-1]])} after "
        f"{QUERIES[-1]} of each"
        for one in lines
    )
    return plots.standing(plots.panels(panels, labels, name="bound", alt=f"Privacy, utility and queries. {told}."))


def files(asked: Asked, attribute: str) -> dict[str, str]:
    """File name -> text of the table and of the plot."""
    parts = setting_of(asked, attribute).split
    lines = measured(parts, attribute)
    return render(asked.name, attribute, len(parts.target.references), lines)
