"""What many people cost: `make scale` prints the memory and time of all pairs, and how time grows with the people.

Times are of the processor, not of the clock, and are compared within a run only.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any

import numpy as np
from planted import load, make_world, question_of, steal

from mote_bench import registry
from mote_bench.contracts import Faces, Knowledge, Scheme
from mote_bench.engine import all_pairs, tasks
from mote_bench.execution import workers
from mote_bench.execution.dask_backend import connected
from mote_bench.execution.outcome import Outcome
from mote_bench.planning.protocol import load as load_protocol
from mote_bench.toolkit import revocable, stream, unit

SIZES = (100, 1_000, 10_000)
SCHEMES = ("cosine", "biohash", "mote-linear", "pe-miu")
ATTACKS = ("ridge-answers", "vote-answers", "logistic-bytes", "closed-form-bytes", "top-answers")
BACKGROUND = 500


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("what", choices=("memory", "enrolment", "growth", "dask", "pairs"))
    asked.add_argument("--people", type=int, default=10_000)
    asked.add_argument("--probes", type=int, default=6, help="of each person")
    asked.add_argument("--dimension", type=int, default=512)
    options = asked.parse_args()
    if options.what == "memory":
        memory(options.people, options.probes, options.dimension)
    elif options.what == "enrolment":
        enrolment(options.dimension)
    elif options.what == "growth":
        growth()
    elif options.what == "dask":
        dask()
    else:
        pairs(options.people, options.dimension)


def memory(people: int, probes: int, dimension: int) -> None:
    """Enrol everybody, compare everybody with everybody's probes, and measure error rates and fairness groups."""
    scheme, comparison = _comparison(people, probes, dimension)
    trials = comparison.targets[0]
    print(f"{people:,} people x {people * probes:,} probes of {dimension}-d: {trials.scores:.3g} scores", flush=True)
    product = _product(trials.scores, dimension)
    start = time.process_time()
    outcome = _compared(scheme, comparison, lambda made: ((one.key, one.function(*one.arguments)) for one in made))
    seconds = time.process_time() - start
    for one in outcome.value.verify.measurements:
        print(f"  {one.name:26} {one.value:.5f}  [{one.low:.5f}, {one.high:.5f}]")
    once = _asked_once(scheme, trials)
    print(
        f"peak memory {_peak():.2f} GB; scoring once {once:.1f} s, {once / product:.2f} x the product ({product:.1f} s)"
    )
    print(f"error rates, intervals and groups in all: {seconds:.0f} s, {seconds / product:.1f} x")


def _comparison(people: int, probes: int, dimension: int) -> tuple[Scheme, tasks.Comparison]:
    """Everybody enrolled with `cosine`, with probes that give an EER of about 1 %, in two groups."""
    rng = stream(0, "scale")
    centres = unit(rng.standard_normal((people, dimension), dtype=np.float32))
    shown = np.repeat(np.arange(people), probes)
    noise = np.float32(5 / np.sqrt(dimension))
    images = unit(centres[shown] + noise * rng.standard_normal((len(shown), dimension), dtype=np.float32))
    scheme: Scheme = registry.load("schemes", "cosine").fit(Faces(images[:BACKGROUND]), seed=0)
    templates = scheme.enroll(centres, keys=None, seeds=list(range(people)))
    trials = tasks.Trials(tuple(templates), None, images.astype(np.float32), shown, False)
    few = trials.some(min(people, 1_500))
    groups = {"gender": np.where(rng.random(people) < 0.5, "female", "male")}
    return scheme, tasks.Comparison((trials,), few, groups, True, load_protocol("people-2"), 0)


def _compared(
    scheme: Scheme,
    comparison: tasks.Comparison,
    run: Callable[[Iterator[workers.Task | None]], Iterable[tuple[Any, Outcome]]],
) -> Outcome:
    """The outcome of verification and fairness, whose tasks are run by ``run``."""
    shared = all_pairs.Shared([("all", lambda: all_pairs.compared(scheme, comparison), 0)])
    done = [shared.take(*key, outcome) for key, outcome in run(shared.tasks())]
    outcome = next(one.outcome for one in done if one is not None)
    if outcome.error:
        sys.exit(outcome.error)
    return outcome


def pairs(people: int, dimension: int) -> None:
    """All pairs of one scheme, shared by one and by two workers, and what five times as many people would take."""
    for name in (None, "dask"):
        taken = {}
        for count in (1, 2):
            taken[count] = _shared(people, dimension, count, name)
        where = "processes" if name is None else "Dask workers"
        print(f"two {where} are {taken[1] / taken[2]:.2f} x as fast as one", flush=True)


def _shared(people: int, dimension: int, count: int, name: str | None) -> float:
    """Seconds by the clock of all pairs with so many workers, after a first small one that imports."""
    scheme, comparison = _comparison(people, 1, dimension)
    small = _comparison(7_000, 1, dimension)[1]
    with nullcontext() if name is None else connected(name, jobs=count) as cluster:

        def run(made: Iterator[workers.Task | None]) -> Iterable[tuple[Any, Outcome]]:
            return workers.run(made, jobs=count, cluster=cluster)

        _compared(scheme, small, run)
        start = time.perf_counter()
        outcome = _compared(scheme, comparison, run)
        seconds = time.perf_counter() - start
        workers.stop()
    size, larger = (all_pairs.Size(many, many**2) for many in (people, 5 * people))
    core = outcome.cpu_seconds
    print(f"{people:,} x {people:,} at {dimension}-d, {count} {name or 'processes'}, load {os.getloadavg()[0]:.1f}:")
    busy = outcome.seconds / (count * seconds)
    each = core / size.scores * 1e9
    print(f"  {seconds:.0f} s, workers busy {busy:.0%}; {core:.0f} s of the processor, {each:.0f} ns a score")
    print(f"  peak memory: worker {outcome.peak_bytes / 1e9:.2f} GB, driver {_peak():.2f} GB")
    print(
        f"  {5 * people:,} x {5 * people:,}: {core * 25 / 3600:.1f} core-hours in parts of "
        f"{2 * len(larger.groups[0]):,} people ({2 * len(size.groups[0]):,} here), so as much memory a worker",
        flush=True,
    )
    return seconds


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _product(scores: int, dimension: int) -> float:
    """Seconds of a matrix product of as many inner products, from a part of them."""
    one, other = np.ones((1_000, dimension), dtype=np.float32), np.ones((4_000, dimension), dtype=np.float32)
    one @ other.T
    start = time.process_time()
    for _ in range(10):
        one @ other.T
    return (time.process_time() - start) / (10 * 4e6) * scores


def _asked_once(scheme: Scheme, trials: tasks.Trials) -> float:
    """Seconds of one pass over all scores, dropped as they come, from a part of the tiles."""
    tiles = tasks.in_tiles(scheme, [trials])
    asked, start = 0, time.process_time()
    for tile in tiles.each():
        asked += tile.scores.size
        if asked > trials.scores / 20:
            break
    return (time.process_time() - start) * trials.scores / asked


def enrolment(dimension: int) -> None:
    """Memory that enrolling in one call takes beside the templates that come out, each size in a process of its own."""
    for name, sizes in {"mote": SIZES[:2], "mote-solved": SIZES, "mote-linear": SIZES}.items():
        for people in sizes:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                held, beside = alone.submit(_memory_of_enrolling, name, people, dimension).result()
            print(f"{name:12} {people:7,} people: {held:7.3f} GB of templates, {beside:6.3f} GB beside", flush=True)


def _memory_of_enrolling(name: str, people: int, dimension: int) -> tuple[float, float]:
    world = make_world(public=300, target=max(people, 2), dimension=dimension)
    scheme = registry.load("schemes", name).fit(world.public, seed=0)
    references = world.target.embeddings[:people]
    scheme.enroll(references[:2], keys=None, seeds=[0, 1])  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1e3
    templates = scheme.enroll(references, keys=None, seeds=list(range(people)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1e3
    held = sum(map(len, templates))
    return held / 1e9, max(peak - before - held, 0.0) / 1e9


def growth() -> None:
    """Seconds per size, and the exponent b of the time a n^b that fits them."""
    print(f"{'':22}" + "".join(f"{size:>10,}" for size in SIZES) + "  exponent")
    world = {size: make_world(public=300, shadow=150, target=size, dimension=64) for size in SIZES}
    for name in SCHEMES:
        scheme = registry.load("schemes", name).fit(world[100].public, seed=0)
        _row(f"enrol: {name}", lambda size, scheme=scheme: _enrol(scheme, size))
    for name in ATTACKS:
        attack = load(name)

        def answer(size: int, attack: Any = attack) -> float:
            evidence = steal(registry.load("schemes", "cosine"), world[size], Knowledge.ALGORITHM)
            question = question_of(attack, world[size])
            return _seconds(lambda: attack.answer(question, evidence, rng=np.random.default_rng(0)))

        _row(f"attack: {name}", answer)


def dask() -> None:
    """Enrolment of 240 people by `mote` on one and on two workers of a local Dask cluster, by the clock."""
    world = make_world(public=300, target=240, dimension=128)
    scheme = registry.load("schemes", "mote").fit(world.public, seed=0)
    chunks = np.array_split(np.arange(240), 24)
    taken = {}
    for count in (1, 2, 1, 2):
        with connected("dask", jobs=count) as cluster:
            list(workers.run(_chunks(scheme, world.target, chunks[:2]), jobs=count, cluster=cluster))  # imports
            start = time.perf_counter()
            list(workers.run(_chunks(scheme, world.target, chunks), jobs=count, cluster=cluster))
            taken[count] = min(taken.get(count, np.inf), time.perf_counter() - start)
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"{cores} cores, load {load:.1f}: one worker {taken[1]:.1f} s, two {taken[2]:.1f} s")
    print(f"two workers are {taken[1] / taken[2]:.2f} x as fast")


def _chunks(scheme: Scheme, people: Faces, chunks: Sequence[np.ndarray]) -> list[workers.Task]:
    return [
        workers.Task(place, tasks.enroll, (scheme, people.embeddings[rows], None, [int(row) for row in rows]))
        for place, rows in enumerate(chunks)
    ]


def _enrol(scheme: Scheme, people: int) -> float:
    references = unit(stream(0, "references").standard_normal((people, 64))).astype(np.float32)
    keys = [bytes(32)] * people if revocable(scheme) else None
    return _seconds(lambda: scheme.enroll(references, keys=keys, seeds=list(range(people))))


def _seconds(work: Callable[[], object]) -> float:
    """The least of a few runs after a first one that imports, as other programs only ever add to it."""
    work()
    best, spent = np.inf, 0.0
    while spent < 0.3:
        start = time.process_time()
        work()
        taken = time.process_time() - start
        best, spent = min(best, taken), spent + max(taken, 1e-3)
    return float(best)


def _row(name: str, seconds: Callable[[int], float]) -> None:
    taken = [seconds(size) for size in SIZES]
    slope = np.polyfit(np.log(SIZES), np.log(taken), 1)[0]
    print(f"{name:22}" + "".join(f"{one:10.4f}" for one in taken) + f"  {slope:.2f}", flush=True)


if __name__ == "__main__":
    main()
