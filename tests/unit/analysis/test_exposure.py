"""Whether attacks succeed on the same subjects."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from mote_bench.analysis.exposure import exposure, mean_correlation, outcomes
from mote_bench.contracts import Cell, Record, Status

PEOPLE = list(range(100, 160))


def record(attack: str, found: object, people: object = PEOPLE, **details: object) -> Record:
    cell = Cell("quick-1", "lfw", "pe-miu", attack, "gender", "algorithm", 0)
    return Record(cell, Status.OK, (), {"influence": {"people": people}, "outcomes": found, **details})


def test_the_tenth_is_chosen_by_the_other_attacks() -> None:
    """Six of sixty subjects are exposed to each attack; the strongest has them and, by its own luck, six others."""
    exposed = [100] * 6 + [0] * 54
    by_luck = [100] * 6 + [0] * 48 + [100] * 6
    records = [record("one", exposed), record("strongest", by_luck), record("other", exposed)]
    found = exposure(records, records[1], np.random.default_rng(0))
    assert found is not None
    assert (found.question, found.strongest, found.attacks) == ("gender", "strongest", 3)
    assert found.tenth.value == 1.0
    assert found.tenth.chance == pytest.approx(0.2)
    assert found.tenth.n == 6
    assert found.tenth.low < 0.8
    # Two attacks are equal; the correlation of 6 and 12 of 60, 6 of them common, is 54 x 6 / sqrt(6 x 54 x 12 x 48).
    assert found.alike.value == pytest.approx((1 + 2 * (6 * 60 - 6 * 12) / np.sqrt(6 * 54 * 12 * 48)) / 3)
    assert not found.same_people  # the floor control isn't known
    assert found.beside(None) is found


def test_attacks_that_err_alike_on_noise_do_not_show_the_same_subjects() -> None:
    """One more subject differs on noise than on the scheme: that may be a common error. Without relation it isn't."""
    exposed, nearly = [100] * 30 + [0] * 30, [100] * 29 + [0] * 31
    related = [record("a", exposed), record("b", nearly)]
    unrelated = [record("a", exposed), record("b", [0, 100] * 30)]
    scheme, noise = (exposure(some, some[0], np.random.default_rng(0)) for some in (related, unrelated))
    assert scheme is not None
    assert noise is not None
    assert scheme.beside(noise).same_people
    assert scheme.beside(noise).alike.floor == pytest.approx(0)
    assert scheme.beside(noise).tenth.floor == noise.tenth.value
    assert not scheme.beside(scheme).same_people


def test_unrelated_attacks_are_not_shown_to_succeed_on_the_same_subjects() -> None:
    rng = np.random.default_rng(3)
    records = [record(name, rng.integers(0, 101, 60).tolist()) for name in "abc"]
    found = exposure(records, records[0], rng)
    assert found is not None
    assert abs(found.alike.value) < 0.15
    assert found.alike.low < 0 < found.alike.high
    assert found.alike.chance is not None
    assert not found.same_people


def test_the_mean_correlation_is_that_of_pairs() -> None:
    table = np.random.default_rng(0).integers(0, 5, (3, 40)).astype(float)
    pairs = [np.corrcoef(table[i], table[j])[0, 1] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert mean_correlation(table, np.ones((1, 40)))[0] == pytest.approx(np.mean(pairs))
    counts = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40))
    drawn = np.repeat(table, counts, axis=1)
    pairs = [np.corrcoef(drawn[i], drawn[j])[0, 1] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert mean_correlation(table, counts[None].astype(float))[0] == pytest.approx(np.mean(pairs))
    assert mean_correlation(np.ones((2, 5)), np.ones((1, 5)))[0] == 0


def test_ranks_not_values_are_correlated() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 101, 60), rng.integers(0, 101, 60)
    records = [record("a", one.tolist()), record("b", other.tolist())]
    found = exposure(records, records[0], rng)
    assert found is not None
    assert found.alike.value == pytest.approx(spearmanr(one, other).statistic)


@pytest.mark.parametrize(
    ("found", "people"),
    [
        (None, PEOPLE),
        ([100] * 59, PEOPLE),
        ([100] * 59 + [101], PEOPLE),
        ([100] * 59 + ["1"], PEOPLE),
        ([100] * 60, None),
        ("x" * 60, PEOPLE),
    ],
)
def test_records_that_do_not_say(found: object, people: object) -> None:
    assert outcomes(record("a", found, people)) == {}
    sound = [record("b", [0, 100] * 30), record("c", [0, 100] * 30)]
    rest = exposure([record("a", found, people), *sound], sound[0], np.random.default_rng(0))
    assert rest is not None
    assert rest.attacks == 2


def test_too_little_to_compare() -> None:
    rng = np.random.default_rng(0)
    alone = record("a", [0, 100] * 30)
    assert exposure([alone], alone, rng) is None
    assert exposure([alone, record("b", [100] * 60)], alone, rng) is None
    assert exposure([alone, record("b", [0, 100] * 30)], None, rng) is None
    few = [record(name, [0, 100] * 5, PEOPLE[:10]) for name in "ab"]
    assert exposure(few, few[0], rng) is None


def test_the_group_that_loses_most() -> None:
    groups = {"gender": {"female": [20, 0.75], "male": [40, 0.5]}, "age": {"18-34": [60, 0.6]}, "odd": "text"}
    records = [record(name, [0, 100] * 30, outcomes_by_group=groups) for name in "ab"]
    found = exposure(records, records[0], np.random.default_rng(0))
    assert found is not None
    assert found.groups == {"gender": ("female", 20, 0.75)}
