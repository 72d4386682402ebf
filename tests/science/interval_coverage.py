"""How often the published 95 % intervals hold the truth; `make coverage` writes docs/coverage.md with it.

Populations are drawn whose true values are known, or are had from very many people; each is measured as the suite
measures, and the share of intervals that hold the true value is counted.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from metric_populations import DIMENSION, Population
from scipy.stats import beta, norm
from tabulate import tabulate
from test_metrics_calibration import AT, coverage, faces, linked

from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.linkage import measure_linkage
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.reconstruction import Truth, centred, measure_reconstruction
from mote_bench.metrics.verification import eer, eer_interval, matched_impostors, missed_genuine

SIZES = {50: 2000, 200: 2000, 1000: 400}
"""How many populations of each size; attributes, which cost little, take twice as many."""
MANY = 2000
"""Populations of any size for FNMR and FMR."""
RARE = {50: 2000, 200: 2000}
"""The same of :func:`rare`."""
DIFFER, ALIKE = 0.75, 0.45
"""How much two photos of a person differ: as in the wild, where errors are there to count, and hardly."""
RECALL, SHIFT, NOISE = (0.6, 0.9), 1.5, 1.5

Draw = Callable[[np.random.Generator, int], Measured]


def attribute(rng: np.random.Generator, people: int) -> Measured:
    """Two classes with known recalls."""
    truth = np.concatenate([[0, 1], rng.choice(2, people - 2)])
    right = rng.random(people) < np.array(RECALL)[truth]
    return measure_attribute(np.eye(2)[np.where(right, truth, 1 - truth)], truth, ("a", "b"))


def ranked(rng: np.random.Generator, people: int) -> Measured:
    """Two classes whose margins are normal, a known distance apart."""
    truth = np.concatenate([[0, 1], (rng.random(people - 2) < 0.4).astype(int)])
    margin = rng.standard_normal(people) + SHIFT * truth
    return measure_attribute(np.column_stack([-margin, margin]), truth, ("a", "b"))


def reconstruction(rng: np.random.Generator, people: int) -> Measured:
    """Faces reconstructed with noise."""
    return _reconstructed(faces(rng, people, noise=DIFFER), rng)


def _reconstructed(truth: Truth, rng: np.random.Generator) -> Measured:
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
    return {one.name: float(np.mean([result[one.name].value for result in made])) for one in made[0].measurements}


def measured(draw: Draw, truth: dict[str, float], people: int, repetitions: int) -> dict[str, float]:
    """Coverage per metric."""
    rng = np.random.default_rng(people)
    return coverage((draw(rng, people) for _ in range(repetitions)), truth)


def error_rates(differ: float, people: int, repetitions: int) -> dict[str, float]:
    """Coverage of EER, and of FNMR and FMR at the true thresholds, which cost little, from more populations.

    Faces of two people are independent directions, whose cosine has a known distribution (that of a beta variable). A
    threshold from a sample of six million pairs is itself off by as much as a thousand people's FMR.
    """
    population, half = Population(differ), (DIMENSION - 1) / 2
    at = {name: 2 * float(beta.ppf(1 - float(name), half, half)) - 1 for name in ("1e-2", "1e-3")}
    genuine, impostor = population.trials(impostors=10)
    expected, rng = eer(genuine, impostor), np.random.default_rng(people)
    held: dict[str, list[bool]] = defaultdict(list)
    for draw in range(MANY):
        scores = population.scores(rng, people)
        if draw < repetitions:
            held["eer (verification)"].append(_holds(eer_interval(scores), expected))
        for name, threshold in at.items():
            missed, matched = missed_genuine(scores, threshold), matched_impostors(scores, threshold)
            held[f"fnmr_at_fmr_{name}"].append(_holds(missed.interval, float(np.mean(genuine < threshold))))
            held[f"fmr_reached_at_fmr_{name}"].append(_holds(matched.interval, float(name)))
    return {metric: float(np.mean(values)) for metric, values in held.items()}


def _holds(interval: tuple[float, float], true: float) -> bool:
    return interval[0] <= true <= interval[1]


def _at(people: int, repetitions: int) -> dict[str, float]:
    found = measured(attribute, {"balanced_accuracy": float(np.mean(RECALL))}, people, 2 * repetitions)
    found |= measured(ranked, {"auc": float(norm.cdf(SHIFT / np.sqrt(2)))}, people, 2 * repetitions)
    found |= error_rates(DIFFER, people, repetitions)
    found |= measured(reconstruction, of_many(reconstruction, 1000, 12), people, repetitions)
    # The expectation of D_sys at this number of people and bins is what its interval is for.
    linkability = of_many(linkage, people, max(60, 24_000 // people))
    wanted = {name: linkability[name] for name in ("d_sys", "maximal_linkability", "eer")}
    return found | {f"{name} (link)": share for name, share in measured(linkage, wanted, people, repetitions).items()}


def rare(people: int, repetitions: int) -> dict[str, float]:
    """Coverage where hardly anybody is refused: shares so near 0 or 1 that a sample often holds no error at all."""
    easy = partial(faces, noise=ALIKE)
    large = easy(np.random.default_rng(9), 20_000)
    directions = [centred(rows, large.mean) for rows in (large.references[large.shown], large.probes)]
    cosines = (directions[0] * directions[1]).sum(axis=1)
    truth = {f"genuine_success_at_fmr_{name}": float((cosines >= at).mean()) for name, at in AT.items()}
    found = measured(lambda rng, people: _reconstructed(easy(rng, people), rng), truth, people, repetitions)
    errors = error_rates(ALIKE, people, repetitions)
    return found | {metric: share for metric, share in errors.items() if not metric.startswith("fmr")}


def table(sizes: Mapping[int, int], at: Callable[[int, int], dict[str, float]]) -> str:
    """Coverage of each metric at each size, as Markdown; sizes don't depend on each other."""
    rows: dict[str, dict[int, float]] = defaultdict(dict)
    for people, repetitions in sizes.items():
        for metric, share in at(people, repetitions).items():
            rows[metric][people] = share
    body = [
        (metric, *(f"{shares[people]:.3f}" if people in shares else "" for people in sizes))
        for metric, shares in sorted(rows.items())
    ]
    titles = ["metric", *(f"n = {people}" for people in sizes)]
    return str(tabulate(body, headers=titles, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    asked = tuple(int(size) for size in sys.argv[1:]) or tuple(SIZES)
    sizes = {people: SIZES[people] for people in asked}
    drawn = ", ".join(f"{times:,} of {people:,}" for people, times in sizes.items())
    print(
        "# Coverage of the 95 % intervals\n\nThe share of simulated populations whose interval holds the true value. "
        f"Drawn: {drawn} subjects\n(twice as many for balanced accuracy and AUC, {MANY:,} for FNMR and FMR). "
        "A share of 2,000 draws is itself uncertain by\n0.01, one of 400 by 0.02.\n"
    )
    print(table(sizes, _at))
    print(
        "\nThe second table is for easy data, where photos of a subject hardly differ. Hardly any genuine probe is "
        "rejected there,\nand a sample often holds no error at all. No interval of so few errors comes near 95 % from "
        "above without falling below\nit elsewhere (Brown, Cai & DasGupta, Statistical Science 16, 2001). These "
        "intervals hold the truth more often than they\nsay.\n"
    )
    print(table({people: RARE[people] for people in asked if people in RARE}, rare))
