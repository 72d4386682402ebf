"""Coverage of the published intervals by simulation: of chance by an answer that knows nothing, and of true values."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import numpy as np
import pytest
from metric_populations import DIMENSION, Population, at_least
from scipy.stats import norm

from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.linkage import bin_edges, d_sys, maximal_linkability, measure_linkage
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.reconstruction import Truth, measure_reconstruction
from mote_bench.metrics.verification import eer, eer_interval, matched_impostors, measure_verification, missed_genuine

NOMINAL = 0.95


def coverage(results: Iterable[Measured], truth: dict[str, float] | None = None) -> dict[str, float]:
    """Per metric, in how many of the results the interval holds the true value, by default the result's chance."""
    held: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        for one in result.measurements:
            expected = one.chance if truth is None else truth.get(one.name)
            if expected is not None:
                held[one.name].append(one.low <= expected <= one.high)
    return {metric: float(np.mean(values)) for metric, values in held.items()}


def check(covered: dict[str, float], metrics: Iterable[str], repetitions: int, nominal: float = NOMINAL) -> None:
    least = at_least(nominal, repetitions)
    for metric in metrics:
        assert covered[metric] >= least, f"{metric}: {covered[metric]:.3f}"


def repeated(draw: Callable[[np.random.Generator], Measured], repetitions: int, seed: int = 1) -> Iterator[Measured]:
    rng = np.random.default_rng(seed)
    return (draw(rng) for _ in range(repetitions))


# Answers that know nothing


@pytest.mark.parametrize("people", [50, 200])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.23, 0.77), (0.5, 0.2, 0.2, 0.1)])
def test_random_classes_cover_chance(people: int, shares: tuple[float, ...]) -> None:
    def draw(rng: np.random.Generator) -> Measured:
        truth = np.concatenate([np.arange(len(shares)), rng.choice(len(shares), people - len(shares), p=shares)])
        answer = rng.standard_normal((people, len(shares))) + np.log(shares)  # guesses as often as the classes occur
        return measure_attribute(answer, truth, [str(label) for label in range(len(shares))])

    check(coverage(repeated(draw, 200)), ("balanced_accuracy", "auc"), 200)


def test_the_majority_class_covers_the_chance_of_accuracy() -> None:
    def draw(rng: np.random.Generator) -> Measured:
        truth = np.concatenate([[0, 1], (rng.random(98) < 0.7).astype(int)])
        return measure_attribute(np.tile([0.0, 1.0], (100, 1)), truth, ("a", "b"))

    covered = coverage(repeated(draw, 50))
    assert (covered["accuracy"], covered["attack_gain"], covered["balanced_accuracy"]) == (1, 1, 1)


def independent(rng: np.random.Generator, people: int) -> np.ndarray:
    return rng.standard_normal((people, people))


def with_popular_rows(rng: np.random.Generator, people: int) -> np.ndarray:
    return rng.standard_normal((people, people)) + rng.standard_normal((people, 1))


def of_impostors(rng: np.random.Generator, people: int) -> np.ndarray:
    return rng.standard_normal((people, 6)) @ rng.standard_normal((6, people))


@pytest.mark.parametrize(
    ("answer", "people"), [(independent, 50), (independent, 90), (with_popular_rows, 50), (of_impostors, 60)]
)
def test_random_links_cover_chance(answer: Callable[[np.random.Generator, int], np.ndarray], people: int) -> None:
    def draw(rng: np.random.Generator) -> Measured:
        return measure_linkage(answer(rng, people), rng.permutation(people), rng)

    check(coverage(repeated(draw, 200)), ("d_sys", "maximal_linkability", "eer", "rank_1"), 200)


def faces(rng: np.random.Generator, people: int, noise: float = 0.5) -> Truth:
    """People whose faces share a mean, three probes each; ``noise`` is how much two photos of one person differ."""
    own = 0.6 + rng.standard_normal((people, DIMENSION))
    shown = np.repeat(np.arange(people), 3)
    references = own + noise * rng.standard_normal(own.shape)
    probes = own[shown] + noise * rng.standard_normal((len(shown), DIMENSION))
    return Truth(np.full(DIMENSION, 0.5 / np.sqrt(DIMENSION)), references, probes, shown)


AT = {"1e-2": 0.45, "1e-3": 0.56}
NO_GAIN = ("centred_cosine", "cosine_gain", "success_gain_at_fmr_1e-2", "success_gain_at_fmr_1e-3")
ANSWERS = {
    "directions": lambda rng, truth: rng.standard_normal(truth.references.shape),
    "impostors": lambda rng, truth: faces(rng, len(truth.references)).references,
    "near the average": lambda rng, truth: 1 + 0.5 * rng.standard_normal(truth.references.shape),
    "all but one face": lambda rng, truth: 1 + 0.05 * rng.standard_normal(truth.references.shape),
}


@pytest.mark.parametrize(
    ("kind", "people"),
    [("directions", 60), ("impostors", 60), ("impostors", 90), ("near the average", 60), ("all but one face", 60)],
)
def test_random_faces_cover_chance(kind: str, people: int) -> None:
    def draw(rng: np.random.Generator) -> Measured:
        truth = faces(rng, people)
        return measure_reconstruction(ANSWERS[kind](rng, truth), truth, AT, rng)

    check(coverage(repeated(draw, 200)), (*NO_GAIN, "type_2_success_at_wolf_rate_1e-2"), 200)


@pytest.mark.parametrize("people", [50, 80])
def test_templates_of_noise_cover_chance(people: int) -> None:
    def draw(rng: np.random.Generator) -> Measured:
        return measure_verification(Population(1e9).scores(rng, people), {}, rng)

    check(coverage(repeated(draw, 200)), ("eer", "rank_1"), 200)


# True values


@pytest.mark.parametrize("people", [50, 200])
@pytest.mark.parametrize("recall", [(0.6, 0.9), (0.97, 0.99), (0.4, 0.3, 0.8, 0.5)])
def test_balanced_accuracy_is_covered(people: int, recall: tuple[float, ...]) -> None:
    classes = len(recall)

    def draw(rng: np.random.Generator) -> Measured:
        truth = np.concatenate([np.arange(classes), rng.choice(classes, people - classes)])
        right = rng.random(people) < np.array(recall)[truth]
        told = np.where(right, truth, (truth + rng.integers(1, classes, people)) % classes)
        return measure_attribute(np.eye(classes)[told], truth, [str(label) for label in range(classes)])

    truth = {"balanced_accuracy": float(np.mean(recall))}
    check(coverage(repeated(draw, 300), truth), truth, 300)


@pytest.mark.parametrize("shift", [0.5, 1.5, 3.0])
def test_auc_is_covered(shift: float) -> None:
    def draw(rng: np.random.Generator) -> Measured:
        truth = np.concatenate([[0, 1], (rng.random(98) < 0.3).astype(int)])
        margin = rng.standard_normal(100) + shift * truth
        return measure_attribute(np.column_stack([-margin, margin]), truth, ("a", "b"))

    truth = {"auc": float(norm.cdf(shift / np.sqrt(2)))}
    check(coverage(repeated(draw, 300), truth), truth, 300)


@cache
def true_error_rates(population: Population, impostors: int) -> tuple[float, dict[str, tuple[float, float, float]]]:
    """The EER, and threshold, FNMR and FMR at an FMR of 1e-2 and 1e-3, over millions of trials."""
    genuine, impostor = population.trials(impostors=impostors)
    at = {name: float(np.quantile(impostor, 1 - rate)) for name, rate in (("1e-2", 1e-2), ("1e-3", 1e-3))}
    reached = {
        name: (threshold, float(np.mean(genuine < threshold)), float(np.mean(impostor >= threshold)))
        for name, threshold in at.items()
    }
    return eer(genuine, impostor), reached


def error_rate_coverage(population: Population, people: int, repetitions: int, impostors: int = 5) -> dict[str, float]:
    """Coverage of EER, FNMR and FMR reached at the true thresholds of FMR 1e-2 and 1e-3."""
    rng, (expected, at) = np.random.default_rng(5), true_error_rates(population, impostors)
    held: dict[str, list[bool]] = defaultdict(list)
    for _ in range(repetitions):
        scores = population.scores(rng, people)
        low, high = eer_interval(scores)
        held["eer"].append(low <= expected <= high)
        for name, (threshold, true_fnmr, true_fmr) in at.items():
            for metric, rate, true in (
                ("fnmr", missed_genuine(scores, threshold), true_fnmr),
                ("fmr", matched_impostors(scores, threshold), true_fmr),
            ):
                held[f"{metric} {name}"].append(rate.interval[0] <= true <= rate.interval[1])
    return {metric: float(np.mean(values)) for metric, values in held.items()}


@pytest.mark.parametrize(
    "population", [Population(0.35), Population(0.5), Population(0.9), Population(0.9, offset=0.1)], ids=str
)
def test_error_rates_are_covered(population: Population) -> None:
    covered = error_rate_coverage(population, 60, 200)
    check(covered, covered, 200)


@pytest.mark.parametrize("noise", [0.7, 1.5, 4.0])
def test_cosine_gain_is_covered(noise: float) -> None:
    def draw(people: int) -> Callable[[np.random.Generator], Measured]:
        def reconstruct(rng: np.random.Generator) -> Measured:
            truth = faces(rng, people)
            shift = noise * rng.standard_normal(truth.references.shape)
            return measure_reconstruction(truth.references + shift, truth, AT, rng)

        return reconstruct

    whole = [draw(500)(np.random.default_rng(seed)) for seed in range(100, 106)]
    metrics = [one.name for one in whole[0].measurements]
    truth = {metric: float(np.mean([result[metric].value for result in whole])) for metric in metrics}
    covered = coverage(repeated(draw(60), 200), truth)
    check(covered, covered, 200, nominal=0.94)


def linked(rng: np.random.Generator, people: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    own = rng.standard_normal((people, 8))
    one, other = (own + noise * rng.standard_normal(own.shape) for _ in range(2))
    order = rng.permutation(people)
    return one @ other[order].T, np.argsort(order)


@pytest.mark.parametrize(("people", "noise"), [(50, 1.0), (80, 0.3), (80, 2.0)])
def test_expected_linkability_is_covered(people: int, noise: float) -> None:
    """Of the expectation at this number of people and bins, which is what the interval is for."""
    rng, values = np.random.default_rng(1), defaultdict(list)
    for _ in range(500):
        answer, mate = linked(rng, people, noise)
        edges, own = bin_edges(answer, people), answer[np.arange(people), mate]
        mated = np.histogram(own, edges)[0]
        non_mated = np.histogram(answer, edges)[0] - mated
        for name, measure in (("d_sys", d_sys), ("maximal_linkability", maximal_linkability)):
            values[name].append(float(measure(mated / mated.sum(), non_mated / non_mated.sum())))
    truth = {name: float(np.mean(found)) for name, found in values.items()}
    covered = coverage(repeated(lambda rng: measure_linkage(*linked(rng, people, noise), rng), 150), truth)
    check(covered, truth, 150, nominal=0.93)


@pytest.mark.parametrize("groups", [2, 4])
def test_even_groups_cover_even_errors(groups: int) -> None:
    labels = np.arange(120) % groups

    def draw(rng: np.random.Generator) -> Measured:
        return measure_fairness(Population(0.9).scores(rng, 120), {"a": labels.astype(str)}, 0.4, rng=rng)

    truth = {"fdr_a_at_fmr_1e-2": 1.0, "ir_a_at_fmr_1e-2": 1.0, "garbe_a_at_fmr_1e-2": 0.0, "ser_a": 1.0}
    check(coverage(repeated(draw, 80), truth), truth, 80)


@pytest.mark.slow(minutes=0.05)
@pytest.mark.parametrize("people", [50, 100, 200, 300])
@pytest.mark.parametrize(
    "population",
    [Population(0.35), Population(0.5), Population(0.6), Population(0.9), Population(2.5), Population(0.6, offset=0.1)],
    ids=str,
)
def test_error_rates_are_covered_at_length(population: Population, people: int) -> None:
    covered = error_rate_coverage(population, people, 600 if people < 200 else 250, impostors=40)
    print(people, population, covered)
    check(covered, covered, 250, nominal=0.94)
