"""Linking by what agrees in pairs of the attacker's own records."""

import numpy as np
import pytest
from mote_attacks.linkage.compare import CompareBytes, CompareSeveralInversions
from mote_attacks.linkage.pairs import PairsOfBytes, _plain, _weighed, _whitened

from mote_bench.contracts import Evidence, Faces, Knowledge, Shadow
from mote_bench.questions import SamePerson
from mote_bench.toolkit import unit

N, OWN = 60, 120


def beaten(likeness):
    """The share of non-mated pairs that score above the mated pair."""
    own = np.diag(likeness)[:, None]
    return float((likeness > own).sum() / (likeness.size - len(likeness)))


def tables(rng, people, *, telling, idle, loud):
    """Two rows of each person: ``telling`` values agree, ``idle`` ones are noise, and louder."""
    shared = rng.standard_normal((people, telling))
    return [
        np.hstack([shared + 0.5 * rng.standard_normal(shared.shape), loud * rng.standard_normal((people, idle))])
        for _ in range(2)
    ]


def test_learned_linkers_find_which_values_agree():
    rng = np.random.default_rng(0)
    (first, second), (stolen, others) = (tables(rng, n, telling=6, idle=60, loud=2.0) for n in (200, N))
    missed = {learn: beaten(learn(first, second, 0)(stolen, others)) for learn in (_plain, _whitened, _weighed)}
    assert missed[_plain] > 0.25
    assert missed[_whitened] < missed[_plain] - 0.15
    assert missed[_weighed] < 0.1


def as_bytes(table):
    return tuple(row.astype("<f4").tobytes() for row in table)


def linking(rng, **places):
    (first, second), (stolen, others) = (tables(rng, n, **places) for n in (OWN, N))
    people = Faces(rng.standard_normal((OWN, 4)))
    shadow = Shadow(people, as_bytes(first), None, people, as_bytes(second), None)
    return Evidence(Knowledge.ALGORITHM, as_bytes(stolen), as_bytes(others), public=people, shadow=shadow)


def test_records_are_linked_by_the_bytes_that_agree():
    evidence = linking(np.random.default_rng(1), telling=6, idle=60, loud=1.0)
    learned, plain = (
        beaten(attack.answer(SamePerson(), evidence, np.random.default_rng(0)))
        for attack in (PairsOfBytes(), CompareBytes())
    )
    assert learned < plain - 0.1


def test_where_no_bytes_agree_nothing_is_linked():
    """Sixty mated pairs among non-mated ones: a standard deviation of sqrt(1 / 12 / 60) = 0.037."""
    evidence = linking(np.random.default_rng(1), telling=0, idle=60, loud=1.0)
    assert abs(beaten(PairsOfBytes().answer(SamePerson(), evidence, np.random.default_rng(0))) - 0.5) < 4 * 0.037


def test_linking_without_second_enrolments_says_so():
    evidence = linking(np.random.default_rng(2), telling=4, idle=4, loud=1.0)
    alone = Shadow(evidence.shadow.references, evidence.shadow.templates, None)
    with pytest.raises(ValueError, match="enrolled twice"):
        PairsOfBytes().answer(
            SamePerson(),
            Evidence(Knowledge.ALGORITHM, evidence.templates, evidence.others, public=alone.references, shadow=alone),
            np.random.default_rng(0),
        )


class Blurred:
    """Cosine of a vector that every enrolment blurs anew."""

    revocable = False

    def score(self, templates, probes, *, keys):
        stored = np.frombuffer(b"".join(templates), "<f4").reshape(len(templates), -1)
        return unit(stored) @ unit(probes).T


def test_several_records_are_linked_better_than_one():
    from mote_bench.contracts import Records

    rng, d = np.random.default_rng(3), 24
    people = unit(rng.standard_normal((N + OWN + 200, d)))

    def blurred(rows):
        return as_bytes(people[rows] + 0.35 * rng.standard_normal((len(rows), d)))

    targets, own, public = np.arange(N), np.arange(N, N + OWN), Faces(people[N + OWN :])
    shadow = Shadow(Faces(people[own]), blurred(own), None)
    more = tuple(Records(blurred(targets)) for _ in range(4))
    one = Evidence(
        Knowledge.ALGORITHM, blurred(targets), blurred(targets), scheme=Blurred(), public=public, shadow=shadow
    )
    several = Evidence(
        Knowledge.ALGORITHM, one.templates, one.others, scheme=Blurred(), public=public, shadow=shadow, renewed=more
    )
    alone, together = (
        beaten(CompareSeveralInversions().answer(SamePerson(), seen, np.random.default_rng(0)))
        for seen in (one, several)
    )
    assert together < alone - 0.05
