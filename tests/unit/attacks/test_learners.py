"""Learned pair linkers, net decoders, the evolution strategy, and the parts they are made of."""

import numpy as np
import pytest
from mote_attacks.evolution import Evolve, _State, _Strategy
from mote_attacks.linkage import CompareBytes
from mote_attacks.net_decoders import FromBytes as NetFromBytes
from mote_attacks.odd_probes import _answered, _kinds
from mote_attacks.pairs import FromBytes as PairsFromBytes
from mote_attacks.pairs import Several, _plain, _weighed, _whitened
from mote_attacks.traces import _form, _shared_words

from mote_bench.contracts import Access, Evidence, Faces, Knowledge, Shadow
from mote_bench.questions import SamePerson, WhichFace
from mote_bench.toolkit import unit

N, OWN = 60, 120


def beaten(likeness):
    """The share of strangers' pairs that beat the own pair."""
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
        for attack in (PairsFromBytes(), CompareBytes())
    )
    assert learned < plain - 0.1


def test_where_no_bytes_agree_nothing_is_linked():
    """Sixty people's own pairs among strangers': a standard deviation of sqrt(1 / 12 / 60) = 0.037."""
    evidence = linking(np.random.default_rng(1), telling=0, idle=60, loud=1.0)
    assert abs(beaten(PairsFromBytes().answer(SamePerson(), evidence, np.random.default_rng(0))) - 0.5) < 4 * 0.037


def test_linking_without_second_enrolments_says_so():
    evidence = linking(np.random.default_rng(2), telling=4, idle=4, loud=1.0)
    alone = Shadow(evidence.shadow.references, evidence.shadow.templates, None)
    with pytest.raises(ValueError, match="enrolled twice"):
        PairsFromBytes().answer(
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

    victims, own, public = np.arange(N), np.arange(N, N + OWN), Faces(people[N + OWN :])
    shadow = Shadow(Faces(people[own]), blurred(own), None)
    more = tuple(Records(blurred(victims)) for _ in range(4))
    one = Evidence(
        Knowledge.ALGORITHM, blurred(victims), blurred(victims), scheme=Blurred(), public=public, shadow=shadow
    )
    several = Evidence(
        Knowledge.ALGORITHM, one.templates, one.others, scheme=Blurred(), public=public, shadow=shadow, renewed=more
    )
    alone, together = (
        beaten(Several().answer(SamePerson(), seen, np.random.default_rng(0))) for seen in (one, several)
    )
    assert together < alone - 0.05


def test_a_net_decodes_what_bends():
    """The values are the magnitudes of an embedding's projections on a few axes and their signs apart: a product."""
    rng, d = np.random.default_rng(4), 6
    faces = unit(rng.standard_normal((700, d)))
    flips = rng.choice([-1.0, 1.0], (700, 1))
    table = np.hstack([faces * flips, np.repeat(flips, 2, axis=1)])
    stored = as_bytes(table)
    shadow = Shadow(Faces(faces[:600]), stored[:600], None)
    evidence = Evidence(Knowledge.ALGORITHM, stored[600:], public=Faces(faces[:300]), shadow=shadow)
    found = NetFromBytes().answer(WhichFace(d), evidence, np.random.default_rng(0))
    from mote_attacks.regression import fit_ridge

    straight = fit_ridge(table[:600], faces[:600]).predict(table[600:])
    mean = faces[:300].mean(axis=0)
    truth = unit(faces[600:] - mean)
    bent, plain = (float((unit(one) * truth).sum(axis=1).mean()) for one in (found - mean, straight))
    assert bent > plain + 0.2


class Bowl:
    """An oracle whose scores fall with the distance from a point, monotonely bent."""

    def __init__(self, centres, budget):
        self.centres, self.people, self.budget, self.used = centres, len(centres), budget, np.zeros(len(centres), int)

    @property
    def left(self):
        return self.budget - self.used

    def ask(self, probes, person=None):
        rows = slice(None) if person is None else slice(person, person + 1)
        self.used[rows] += len(probes)
        assert self.used.max() <= self.budget
        answers = np.exp(5 * self.centres[rows] @ np.asarray(probes, dtype=float).T)
        return answers if person is None else answers[0]


def test_the_evolution_strategy_climbs_within_its_budget():
    rng, d = np.random.default_rng(5), 16
    public, centres = unit(rng.standard_normal((400, d))), unit(rng.standard_normal((5, d)))
    oracle = Bowl(centres, 60 * d)
    evidence = Evidence(
        Knowledge.ALGORITHM,
        oracle=oracle,
        public=Faces(public),
        shadow=Shadow(Faces(public[:2]), (b"", b""), None),
    )
    assert Evolve.access is Access.SCORES
    found = Evolve().answer(WhichFace(d), evidence, np.random.default_rng(0))
    assert (unit(found) * centres).sum(axis=1).min() > 0.95
    assert oracle.used.max() <= 60 * d


def test_a_generation_by_hand():
    """All parents at one point: the mean moves there, one step long; nothing else sets the direction."""
    strategy = _Strategy.of(4)
    assert strategy.weights.sum() == pytest.approx(1)
    start = _State.at(np.zeros((1, 4)))
    moves = np.tile([2.0, 0, 0, 0], (1, len(strategy.weights), 1))
    after = strategy.next(start, moves)
    np.testing.assert_allclose(after.place, [[1.0, 0, 0, 0]])  # half a standard deviation a step
    assert after.scale[0, 0] > after.scale[0, 1]
    assert after.step[0] > start.step[0]


def test_odd_probes_that_are_refused_are_left_out():
    class Refuses:
        def score(self, templates, probes, *, keys):
            if (np.linalg.norm(probes, axis=1) == 0).any():
                raise ZeroDivisionError("no face")
            answers = np.ones((len(templates), len(probes)))
            return np.full_like(answers, np.nan) if (np.linalg.norm(probes, axis=1) > 10).any() else answers

    kinds = list(_kinds(np.eye(8, dtype=np.float32)[:3], np.full(8, 0.1)))
    columns = [answers.shape[1] for answers in _answered(Refuses(), [b"a", b"b"], None, kinds)]
    assert columns == [8, 8, 2, 3, 3, 2, 0, 3, 0]


def test_shared_words_by_hand():
    """Of four records two share the first word, all the second (the format), none the third."""
    records = [bytes([first]) * 8 + b"formatXY" + bytes([i]) * 8 for i, first in enumerate((1, 1, 2, 3))]
    np.testing.assert_array_equal(_shared_words(records, 4), [[1], [1], [0], [0]])
    assert _shared_words([b"short", b"other"], 2).shape == (2, 0)


def test_form_is_length_and_packed_length():
    table = _form([b"\0" * 100, bytes(range(100))])
    assert table[:, 0].tolist() == [100, 100]
    assert table[0, 1] < 30 < table[1, 1]
