"""How much faster MOTE enrols many people at once than one at a time, in one run and at the same error rate."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from mote_bench.contracts import Faces
from mote_bench.data import synthetic
from mote_bench.metrics.verification import eer
from mote_bench.mote.codec import encode
from mote_bench.mote.scheme import MOTE
from mote_bench.mote.train import begin
from mote_bench.studies.reference_loop import train_one

PEOPLE = 64
LOOPED = 12


def split() -> tuple[Faces, Faces, Faces]:
    """250 background people with 6 images each; one reference and two probes of 64 others."""
    faces = synthetic.load().faces
    person = np.unique(faces.identity, return_inverse=True)[1]
    rows = [np.flatnonzero(person == target) for target in range(PEOPLE)]
    references, probes = np.array([row[0] for row in rows]), np.concatenate([row[1:3] for row in rows])
    return faces.rows((person >= PEOPLE) & (person < PEOPLE + 250)), faces.rows(references), faces.rows(probes)


def looped(scheme: MOTE, references: Faces) -> list[bytes]:
    training, validation, recipe = scheme._training, scheme._validation, scheme.recipe
    shares = dict.fromkeys(scheme.groups, 1 / len(scheme.groups))
    crowds = {"training": training, "validation": validation, "recipe": recipe}
    starts = [begin(face, seed=i, shares=shares, **crowds) for i, face in enumerate(references.embeddings)]
    return [encode(train_one(start, **crowds, seed=scheme._order)) for start in starts]


@pytest.mark.benchmark(group="mote-enrolment")
def test_batched_enrolment_against_the_loop(benchmark: BenchmarkFixture) -> None:
    background, references, probes = split()
    scheme = MOTE().fit(background, seed=0)
    few = references.rows(np.arange(LOOPED))
    scheme.enroll(references.embeddings[:2], seeds=range(2))  # torch imports its optimisers when first used
    started = time.perf_counter()
    one_by_one = looped(scheme, few)
    loop = (time.perf_counter() - started) / LOOPED
    together = benchmark.pedantic(
        lambda: scheme.enroll(references.embeddings, seeds=range(PEOPLE)), rounds=3, iterations=1
    )
    batched = benchmark.stats.stats.median / PEOPLE
    same = few.identity[:, None] == probes.identity
    scores = [scheme.score(some, probes.embeddings) for some in (one_by_one, together[:LOOPED])]
    rates = [eer(each[same], each[~same]) for each in scores]
    benchmark.extra_info.update(
        seconds_per_person_batched=batched,
        seconds_per_person_looped=loop,
        times_faster=loop / batched,
        eer_looped=rates[0],
        eer_batched=rates[1],
    )
    assert rates[1] == pytest.approx(rates[0], abs=0.01)
    print(
        f"batched MOTE enrolment: {loop / batched:.1f} times the loop's speed, "
        f"EER {rates[1]:.3f} against {rates[0]:.3f}"
    )
