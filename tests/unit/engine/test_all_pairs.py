"""A comparison in parts: the figures of the whole, as many tasks as were announced, and one failed part fails it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench import registry
from mote_bench.contracts import Faces
from mote_bench.engine import all_pairs, tasks
from mote_bench.metrics.security import Guesses
from mote_bench.planning import protocol
from mote_bench.toolkit import draw_keys, unit

PEOPLE, PROBES = 60, 3


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(0)
    shown = np.repeat(np.arange(PEOPLE), PROBES)
    centres = rng.standard_normal((PEOPLE, 16))
    return unit(centres).astype(np.float32), unit(centres[shown] + 0.8 * rng.standard_normal((len(shown), 16)))


def trials_of(scheme, faces, *, rows=slice(None)):
    """Trials of the people ``rows``, who come with keys of their own if the scheme has any."""
    references, probes = faces[0][rows], faces[1].reshape(PEOPLE, PROBES, -1)[rows].astype(np.float32)
    keys = draw_keys(len(references), np.random.default_rng(1)) if scheme.revocable else None
    templates = scheme.enroll(references, keys=keys, seeds=list(range(len(references))))
    shown = np.repeat(np.arange(len(references)), PROBES)
    keys = None if keys is None else tuple(keys)
    return tasks.Trials(tuple(templates), keys, probes.reshape(len(shown), -1), shown, True, references)


def comparison_of(scheme, faces):
    rng = np.random.default_rng(2)
    return tasks.Comparison(
        targets=(trials_of(scheme, faces),) * 2,
        shadow=trials_of(scheme, faces, rows=slice(None, 40)),
        groups={
            "gender": np.where(rng.random(PEOPLE) < 0.5, "a", "b"),
            "age": np.where(np.arange(PEOPLE) < 5, "x", "y"),
        },
        has_identity=True,
        protocol=protocol.load("quick-1"),
        seed=0,
    )


class AsksForItsOwnKey(Cosine):
    """Cosine with a key, under which alone a template accepts anything."""

    revocable = True

    def __init__(self):
        self.key_of = {}

    def enroll(self, references, *, keys, seeds):
        templates = super().enroll(references, keys=None, seeds=seeds)
        self.key_of |= dict(zip(templates, keys, strict=True))
        return templates

    def score(self, templates, probes, *, keys):
        scores = super().score(templates, probes, keys=None)
        own = [self.key_of[one] == key for one, key in zip(templates, keys, strict=True)]
        return np.where(np.array(own)[:, None], scores, -1)


def test_security_is_measured_with_the_templates_key_at_the_rows_threshold(faces):
    """Others are rejected by their keys, so the threshold is low: with the key any face is accepted."""
    scheme = AsksForItsOwnKey().fit(Faces(faces[1]), seed=0)
    comparison = comparison_of(scheme, faces)
    shadow = replace(comparison, targets=comparison.targets[:1], shadow=comparison.targets[0])
    bare = tasks.verify(scheme, shadow).value.verify
    assert "false_accept" not in bare.details
    guesses = Guesses.of(faces[1], most=100, rng=np.random.default_rng(0))
    own = tasks.verify(scheme, replace(shadow, guesses=guesses)).value.verify
    assert own.details["false_accept"]["key_bits"] == 256
    assert own["false_accept_bits_uniform_at_fmr_1e-2"].value == 0
    assert own.measurements[: len(bare.measurements)] == bare.measurements
    known = tuple(replace(one, bring_own_keys=False) for one in shadow.targets)
    stolen = tasks.verify(scheme, replace(shadow, targets=known, shadow=known[0], guesses=guesses)).value.verify
    assert stolen["false_accept_bits_uniform_at_fmr_1e-2"].value > 4


class Revocable(Cosine):
    """Cosine, which says of itself whether it has keys, as the other schemes here do."""

    revocable = False


class Deciding(Revocable):
    """Cosine with a built-in threshold."""

    decides = True
    accepts_from = 0.6

    def score(self, templates, probes, *, keys):
        return (super().score(templates, probes, keys=keys) >= self.accepts_from).astype(np.float32)


def driven(shared, *, order=None):
    """The outcome of every comparison and how often a task was done; up to four run at once and end in ``order``."""
    done, under_way, made, waiting = {}, [], 0, shared.tasks()
    while True:
        while len(under_way) < 4 and (task := next(waiting, None)) is not None:
            under_way.append(task)
        if not under_way:
            return done, made
        task = under_way.pop(0 if order is None else int(order.integers(len(under_way))))
        made += 1
        key, number = task.key
        if (ended := shared.take(key, number, task.function(*task.arguments))) is not None:
            done[key] = ended


def figures(verified):
    measured = [*verified.verify.measurements, *verified.fairness.measurements]
    return {one.name: (one.value, one.low, one.high, one.n) for one in measured}


@pytest.mark.parametrize("name", ["cosine", "biohash"])
def test_figures_of_parts_are_those_of_the_whole_and_of_any_order(faces, monkeypatch, name):
    scheme = registry.load("schemes", name).fit(Faces(faces[1]), seed=0)
    scheme.revocable = name == "biohash"
    comparison = comparison_of(scheme, faces)
    whole = tasks.verify(scheme, comparison).value
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    sizes = [all_pairs.Size(PEOPLE, 2 * PROBES * PEOPLE**2), all_pairs.Size(40, PROBES * 40**2)]
    expected = all_pairs.tasks_of_comparison(*sizes, has_identity=True)
    found = []
    for seed in (0, 1) if name == "cosine" else (0,):
        shared = all_pairs.Shared([("one", lambda: all_pairs.compared(scheme, comparison), expected)])
        done, made = driven(shared, order=np.random.default_rng(seed))
        assert (done["one"].outcome.error, done["one"].skipped, made) == (None, 0, expected)
        found.append(done["one"].outcome.value)
    assert figures(found[0]) == figures(found[-1])
    assert list(figures(found[0])) == list(figures(whole))
    for key, values in figures(found[0]).items():
        assert values == pytest.approx(figures(whole)[key], abs=1e-6), key
    assert found[0].verify.details["counts"] == whole.verify.details["counts"]
    assert found[0].verify.details["thresholds"] == pytest.approx(whole.verify.details["thresholds"])
    assert found[0].fairness.details["left_out"] == whole.fairness.details["left_out"]
    assert len(found[0].timings) == 3


@pytest.mark.parametrize("accepts_from", [0.4, 0.6])
def test_a_scheme_that_decides_has_one_point_at_once_and_in_parts(faces, monkeypatch, accepts_from):
    scheme = Deciding().fit(Faces(faces[1]), seed=0)
    scheme.accepts_from = accepts_from
    comparison = comparison_of(scheme, faces)
    whole = tasks.verify(scheme, comparison).value
    scores = unit(faces[0]) @ unit(faces[1]).T
    own = np.arange(PEOPLE)[:, None] == np.repeat(np.arange(PEOPLE), PROBES)
    missed, matched = (scores[own] < accepts_from).mean(), (scores[~own] >= accepts_from).mean()
    assert (whole.verify["fnmr_at_fmr_own"].value, whole.verify["fmr_reached_at_fmr_own"].value) == pytest.approx(
        (missed, matched)
    )
    assert whole.verify.details["det"] == [pytest.approx([matched, missed])]
    assert whole.verify["plain_fnmr_at_fmr_own"].value <= whole.verify["fnmr_at_fmr_own"].value + 0.1
    # A rate is reported only where the scheme keeps it: at 0.4 it accepts more than 1 %.
    kept = {one.at for one in whole.verify.measurements if one.metric == "fnmr"}
    assert kept == ({"own"} if accepts_from == 0.4 else {"1e-2", "own"})
    assert {one.at for one in whole.fairness.measurements} == {"own" if accepts_from == 0.4 else "1e-2"}
    assert not {"eer", "ser_gender"} & {
        one.name for part in (whole.verify, whole.fairness) for one in part.measurements
    }
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    shared = all_pairs.Shared([("one", lambda: all_pairs.compared(scheme, comparison), 1)])
    parts = driven(shared)[0]["one"].outcome
    assert parts.error is None
    assert list(figures(parts.value)) == list(figures(whole))
    for key, values in figures(parts.value).items():
        if not key.startswith("plain"):  # of the first people only, where there are many
            assert values == pytest.approx(figures(whole)[key], abs=1e-6), key


def test_workers_share_one_comparison_and_the_next_begins_while_a_round_ends(faces, monkeypatch):
    scheme = Revocable().fit(Faces(faces[1]), seed=0)
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    people = trials_of(scheme, faces)
    shared = all_pairs.Shared(
        [(name, lambda: all_pairs.thresholds(scheme, people, ["1e-1"]), 21) for name in ("one", "two")]
    )
    waiting = shared.tasks()
    first = [next(waiting) for _ in range(21)]  # all parts of the round, before any has ended
    assert {task.key for task in first} == {("one", number) for number in range(21)}
    assert next(waiting).key == ("two", 0)
    for task in first[:-1]:
        assert shared.take(*task.key, task.function(*task.arguments)) is None
    outcome = shared.take(*first[-1].key, first[-1].function(*first[-1].arguments)).outcome
    monkeypatch.undo()
    assert outcome.value == tasks.thresholds(scheme, people, ["1e-1"]).value


def test_a_round_that_waits_for_outcomes_says_so(faces, monkeypatch):
    scheme = Revocable().fit(Faces(faces[1]), seed=0)
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    people = trials_of(scheme, faces)
    shared = all_pairs.Shared([("one", lambda: all_pairs.thresholds(scheme, people, ["1e-1"]), 21)])
    waiting = shared.tasks()
    assert all(next(waiting) is not None for _ in range(21))
    assert next(waiting) is None


class FailsOnce(Revocable):
    """Fails where it is given the last subject's template."""

    def score(self, templates, probes, *, keys):
        if self.last in templates:
            raise ValueError("no such template")
        return super().score(templates, probes, keys=keys)


def test_a_failed_part_fails_its_comparison_once_and_others_go_on(faces, monkeypatch):
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    broken, whole = FailsOnce().fit(Faces(faces[1]), seed=0), Revocable().fit(Faces(faces[1]), seed=0)
    people = trials_of(whole, faces)
    broken.last = people.templates[-1]
    shared = all_pairs.Shared(
        [(one, lambda one=one: all_pairs.thresholds(one, people, ["1e-1"]), 21) for one in (broken, whole)]
    )
    done, made = driven(shared)
    assert "no such template" in done[broken].outcome.error
    assert done[broken].skipped > 0
    assert made + done[broken].skipped == 42
    assert done[whole].outcome.error is None


def test_a_comparison_without_genuine_scores_fails_in_words(faces, monkeypatch):
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    scheme = Revocable().fit(Faces(faces[1]), seed=0)
    comparison = comparison_of(scheme, faces)
    nobody = tuple(replace(one, probes=one.probes[:0], shown=one.shown[:0]) for one in comparison.targets)
    ahead = [("one", lambda: all_pairs.compared(scheme, replace(comparison, targets=nobody)), 99)]
    assert "no genuine or no impostor" in driven(all_pairs.Shared(ahead))[0]["one"].outcome.error


def test_many_subjects_make_more_parts_and_no_larger_ones():
    few, many = all_pairs.Size(20_000, 20_000**2), all_pairs.Size(100_000, 100_000**2)
    assert len(few.groups) < len(many.groups)
    for size in (few, many):
        share = size.scores * 2 / len(size.groups) ** 2
        assert share <= all_pairs.PART
