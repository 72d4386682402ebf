"""Several records of one face under independent keys tell more than one."""

from dataclasses import replace

import numpy as np
import pytest
from mote_attacks.inversion.several_records import (
    ClosedFormOfSeveralRecords,
    ConstructionOfSeveralRecords,
    RidgeInversionOfSeveralRecords,
)
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Evidence, Knowledge, Records, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import draw_keys, unit
from populations import gaussian_faces

D = 64
FACES = gaussian_faces(400, 1, dimension=D)
TARGETS, SHADOW, PUBLIC = (FACES.rows(np.arange(*ends)) for ends in ((0, 40), (40, 160), (160, 400)))


def evidence(records, knowledge=Knowledge.STOLEN_KEY):
    scheme, rng = BioHash(bits=32).fit(PUBLIC, seed=0), np.random.default_rng(0)

    def enrolled(faces):
        keys = draw_keys(len(faces), rng)
        return Records(tuple(scheme.enroll(faces.embeddings, keys=keys, seeds=range(len(faces)))), keys)

    first, *more = (enrolled(TARGETS) for _ in range(records))
    own = enrolled(SHADOW)
    made = Evidence(knowledge, first.templates, keys=first.keys, scheme=scheme, public=PUBLIC, renewed=tuple(more))
    made = replace(made, shadow=Shadow(SHADOW, own.templates, own.keys))
    if knowledge is Knowledge.ALGORITHM:
        made = replace(made, keys=None, renewed=tuple(Records(one.templates) for one in more))
    return made


def cosine(attack, given):
    mean = PUBLIC.embeddings.mean(axis=0)
    found = attack.answer(WhichFace(D), given, np.random.default_rng(1))
    return float((unit(unit(found) - mean) * unit(TARGETS.embeddings - mean)).sum(axis=1).mean())


def test_each_record_adds_to_the_estimate():
    """k codes of m bits are one of k m bits: sqrt(2 k m / (pi d)) at first."""
    reached = [cosine(ClosedFormOfSeveralRecords(), evidence(records)) for records in (1, 3, 10)]
    assert reached[0] == pytest.approx(np.sqrt(2 * 32 / (np.pi * D)), abs=0.03)
    assert reached[0] + 0.1 < reached[1] < reached[2] - 0.1


def test_inversions_of_several_records_are_better_than_one():
    """A regression's shrinkage is the same for each record and stays; only the rest of its error averages out."""
    assert (
        cosine(RidgeInversionOfSeveralRecords(), evidence(5))
        > cosine(RidgeInversionOfSeveralRecords(), evidence(1)) + 0.03
    )


def test_without_keys_they_add_nothing():
    assert abs(cosine(ClosedFormOfSeveralRecords(), evidence(10, Knowledge.ALGORITHM))) < 4 / np.sqrt(40 * D)


class EverySecondValue(Cosine):
    """Each record holds every second value of the face, from the first or from the second on, by its seed."""

    def enroll(self, references, *, keys, seeds):
        return [bytes([seed % 2]) + row[seed % 2 :: 2].tobytes() for row, seed in zip(references, seeds, strict=True)]

    def solve_several(self, records, *, prior, rng):
        found = np.tile(prior.embeddings.mean(axis=0), (len(records[0]), 1))
        for one in records:
            for row, template in zip(found, one, strict=True):
                row[template[0] :: 2] = np.frombuffer(template[1:], dtype=np.float32)
        return found


def test_what_two_records_hold_between_them_is_found_by_the_attack_on_several():
    scheme = EverySecondValue().fit(PUBLIC, seed=0)

    def records(seed):
        return tuple(scheme.enroll(TARGETS.embeddings, keys=None, seeds=range(seed, 2 * len(TARGETS), 2)))

    shadow = Shadow(SHADOW, (), None)
    one = Evidence(Knowledge.ALGORITHM, records(0), scheme=scheme, public=PUBLIC, shadow=shadow)
    same, other = (replace(one, renewed=(Records(records(seed)),)) for seed in (0, 1))
    assert cosine(ConstructionOfSeveralRecords(), same) < 0.9
    assert cosine(ConstructionOfSeveralRecords(), other) == pytest.approx(1, abs=1e-5)
