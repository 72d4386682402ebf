"""How often the published 95 % intervals hold the truth; `make coverage` writes docs/coverage.md with it.

Populations are drawn whose true values are known, or are had from very many people; each is measured as the suite
measures, and the share of intervals that hold the true value is counted.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from metric_populations import Population
from scipy.stats import norm
from tabulate import tabulate
from test_metrics_calibration import AT, coverage, faces, linked

from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.linkage import measure_linkage
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.reconstruction import measure_reconstruction
from mote_bench.metrics.verification import Scores, eer, eer_interval, matched_impostors, missed_genuine

SIZES = {50: 400, 200: 400, 1000: 100}
"""How many populations of each size; attributes, which cost little, take ten times as many."""
CLOSER = 200, 2500
"""The people and the populations of :func:`closer`."""
RECALL, SHIFT, NOISE = (0.6, 0.9), 1.5, 1.5

Draw = Callable[[np.random.Generator, int], Measured]


def attribute(rng: np.random.Generator, people: int) -> Measured:
    """Two classes told right with known recalls."""
    truth = np.concatenate([[0, 1], rng.choice(2, people - 2)])
    right = rng.random(people) < np.array(RECALL)[truth]
    return measure_attribute(np.eye(2)[np.where(right, truth, 1 - truth)], truth, ("a", "b"))


def ranked(rng: np.random.Generator, people: int) -> Measured:
    """Two classes whose margins are normal, a known distance apart."""
    truth = np.concatenate([[0, 1], (rng.random(people - 2) < 0.4).astype(int)])
    margin = rng.standard_normal(people) + SHIFT * truth
    return measure_attribute(np.column_stack([-margin, margin]), truth, ("a", "b"))


def reconstruction(rng: np.random.Generator, people: int) -> Measured:
    """Faces rebuilt with noise."""
    truth = faces(rng, people)
    return measure_reconstruction(
        truth.references + NOISE * rng.standard_normal(truth.references.shape), truth, AT, rng
    )


def linkage(rng: np.random.Generator, people: int) -> Measured:
    """Records linked by noisy copies."""
    return measure_linkage(*linked(rng, people, 1.0), rng)


def of_many(draw: Draw, people: int, repetitions: int) -> dict[str, float]:
    """The mean of each metric over large populations."""
    rng = np.random.default_rng(9)
    made = [draw(rng, people) for _ in range(repetitions)]
    return {one.metric: float(np.mean([result[one.metric].value for result in made])) for one in made[0].measurements}


def measured(draw: Draw, truth: dict[str, float], people: int, repetitions: int) -> dict[str, float]:
    """Coverage per metric."""
    rng = np.random.default_rng(people)
    return coverage((draw(rng, people) for _ in range(repetitions)), truth)


def error_rates(people: int, repetitions: int) -> dict[str, float]:
    """Coverage of EER, FNMR and FMR at the true thresholds."""
    population = Population(0.6)
    genuine, impostor = population.trials(strangers=40)
    expected, rng = eer(genuine, impostor), np.random.default_rng(people)
    held: dict[str, list[bool]] = defaultdict(list)
    for _ in range(repetitions):
        scores = population.scores(rng, people)
        low, high = eer_interval(scores)
        held["eer (verification)"].append(low <= expected <= high)
        for name, rate in (("1e-2", 1e-2), ("1e-3", 1e-3)):
            threshold = float(np.quantile(impostor, 1 - rate))
            missed, matched = missed_genuine(scores, threshold), matched_impostors(scores, threshold)
            held[f"fnmr_at_fmr_{name}"].append(_holds(missed.interval, float(np.mean(genuine < threshold))))
            held[f"fmr_reached_at_fmr_{name}"].append(_holds(matched.interval, float(np.mean(impostor >= threshold))))
    return {metric: float(np.mean(values)) for metric, values in held.items()}


def closer(people: int, repetitions: int) -> dict[str, float]:
    """FNMR, and the EER of linking, alone: without the other figures very many populations can be drawn."""
    population, rng = Population(0.6), np.random.default_rng(people + 1)
    genuine, impostor = population.trials(strangers=40)
    threshold = float(np.quantile(impostor, 1 - 1e-3))
    missed = [missed_genuine(population.scores(rng, people), threshold).interval for _ in range(repetitions)]
    errors = [_error_of_linking(rng, people) for _ in range(repetitions)]
    expected = float(np.mean([error for error, _ in errors]))
    return {
        "fnmr_at_fmr_1e-3": _share(missed, float(np.mean(genuine < threshold))),
        "eer (link)": _share([interval for _, interval in errors], expected),
    }


def _error_of_linking(rng: np.random.Generator, people: int) -> tuple[float, tuple[float, float]]:
    answer, mate = linked(rng, people, 1.0)
    scores = Scores(answer.T, np.argsort(mate), np.arange(people))
    return eer(scores.genuine, scores.impostor), eer_interval(scores)


def _share(intervals: list[tuple[float, float]], true: float) -> float:
    return float(np.mean([_holds(one, true) for one in intervals]))


def _holds(interval: tuple[float, float], true: float) -> bool:
    return interval[0] <= true <= interval[1]


def _at(people: int, repetitions: int) -> dict[str, float]:
    found = measured(attribute, {"balanced_accuracy": float(np.mean(RECALL))}, people, 10 * repetitions)
    found |= measured(ranked, {"auc": float(norm.cdf(SHIFT / np.sqrt(2)))}, people, 10 * repetitions)
    found |= error_rates(people, repetitions)
    found |= measured(reconstruction, of_many(reconstruction, 1000, 12), people, repetitions)
    # The expectation of D_sys at this number of people and bins is what its interval is for.
    linkability = of_many(linkage, people, max(60, 24_000 // people))
    wanted = {name: linkability[name] for name in ("d_sys", "maximal_linkability", "eer")}
    return found | {f"{name} (link)": share for name, share in measured(linkage, wanted, people, repetitions).items()}


def table(sizes: Iterable[int]) -> str:
    """Coverage of each metric at each size, as Markdown; sizes don't depend on each other."""
    rows: dict[str, dict[int, float]] = defaultdict(dict)
    for people in sizes:
        for metric, share in _at(people, SIZES[people]).items():
            rows[metric][people] = share
    body = [
        (metric, *(f"{shares[people]:.3f}" if people in shares else "" for people in sizes))
        for metric, shares in sorted(rows.items())
    ]
    titles = ["metric", *(f"n = {people}" for people in sizes)]
    return str(tabulate(body, headers=titles, tablefmt="github", disable_numparse=True))


def closely() -> str:
    """:func:`closer` in words."""
    people, repetitions = CLOSER
    told = " and ".join(f"{share:.3f} ({metric})" for metric, share in closer(people, repetitions).items())
    return (
        f"Two figures have little to compute; of {repetitions:,} populations of {people} people, which leaves an "
        f"uncertainty of 0.01,\ntheir intervals hold the truth in {told}."
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["closely"]:
        print(closely())
        sys.exit()
    asked = tuple(int(size) for size in sys.argv[1:]) or tuple(SIZES)
    drawn = ", ".join(f"{SIZES[people]} of {people:,}" for people in asked)
    print(
        "# Coverage of the 95 % intervals\n\nShare of simulated populations whose interval holds the true value; "
        f"{drawn} people (ten times as many for balanced\naccuracy and AUC). A share of 400 draws is itself uncertain "
        "by 0.02, one of 100 by 0.04.\n"
    )
    print(table(asked))
    print(f"\n{closely()}")
