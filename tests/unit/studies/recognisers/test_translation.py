"""Maps between two recognisers: planted turns are found, from pairs and without any; noise is not translated."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import FloatArray
from mote_bench.studies.recognisers import translation
from mote_bench.studies.recognisers.translation import Translation, _left_out, _procrustes, unpaired
from mote_bench.toolkit import unit

D, D2 = 12, 16


def turned(rows: FloatArray, rng: np.random.Generator, *, noise: float = 0.02) -> FloatArray:
    """Unit directions of the same faces by another recogniser: an isometry into more dimensions, with noise."""
    turn = np.linalg.qr(rng.standard_normal((D2, D)))[0].T
    return unit(unit(rows) @ turn + noise * rng.standard_normal((len(rows), D2)))


@pytest.mark.parametrize(("known", "least", "most"), [(6, 0.4, 0.8), (60, 0.98, 1.0)])
def test_a_planted_turn_is_found_from_known_subjects(known: int, least: float, most: float) -> None:
    """Six pairs span half of twelve dimensions: a random face has a cosine of about .7 with its part in them."""
    rng = np.random.default_rng(0)
    stolen = rng.standard_normal((400, D)) + 5  # the mean is far from zero, as that of embeddings
    own = turned(stolen - 5, rng)
    made = Translation.from_pairs(stolen.mean(axis=0), stolen[:known], own[:known])
    found = (made.directions(stolen[known:]) * own[known:]).sum(axis=1).mean()
    assert least < found < most


def test_noise_says_nothing_after_translation() -> None:
    rng = np.random.default_rng(1)
    own = turned(rng.standard_normal((400, D)), rng)
    stolen = rng.standard_normal((400, D))
    made = Translation.from_pairs(stolen.mean(axis=0), stolen[:100], own[:100])
    assert abs((made.directions(stolen[100:]) * own[100:]).sum(axis=1).mean()) < 0.06


def test_errors_of_pairs_left_out_are_those_of_fits_without_them() -> None:
    rng = np.random.default_rng(2)
    stolen, own = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    errors = []
    for row in range(7):
        rest = np.arange(7) != row
        one, other = stolen[rest], own[rest]
        weights = np.linalg.solve(one.T @ one + 0.7 * np.eye(3), one.T @ other)
        errors.append((own[row] - stolen[row] @ weights) ** 2)
    assert _left_out(stolen @ stolen.T, own, 0.7) == pytest.approx(np.mean(errors))


def test_fewer_than_two_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="1 stolen and 1 own faces; expected two pairs or more"):
        Translation.from_pairs(np.zeros(D), np.ones((1, D)), np.ones((1, D2)))


def test_procrustes_keeps_lengths_and_undoes_a_turn() -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((50, D))
    turn = np.linalg.qr(rng.standard_normal((D2, D)))[0].T
    np.testing.assert_allclose(_procrustes(rows, rows @ turn), turn, atol=1e-9)


def lumpy(people: int, rng: np.random.Generator) -> FloatArray:
    """A population with a structure that can be recognised in any coordinates: unequal clusters, placed at random."""
    centres = 3 * np.random.default_rng(9).standard_normal((10, D))
    shares = np.arange(1, 11) / 55
    return np.asarray(centres[rng.choice(10, people, p=shares)] + 0.5 * rng.standard_normal((people, D)))


def test_without_any_pair_a_turn_is_found_where_the_population_has_a_shape() -> None:
    """Stolen and own faces are other people; the truth is the stolen faces as the other recogniser sees them."""
    rng = np.random.default_rng(4)
    stolen, others = lumpy(600, rng), lumpy(900, rng)
    everybody = turned(np.vstack([stolen, others]) - others.mean(axis=0), rng)
    truth, own = everybody[:600], everybody[600:]
    found = unpaired(stolen, own, np.random.default_rng(0)).directions(stolen)
    assert (found * truth).sum(axis=1).mean() > 0.8


def test_without_any_pair_a_population_without_a_shape_is_not_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "STARTS", 4)
    rng = np.random.default_rng(5)
    everybody = rng.standard_normal((1200, D))
    seen = turned(everybody, rng)
    found = unpaired(everybody[:500], seen[500:], np.random.default_rng(0)).directions(everybody[:500])
    assert abs((found * seen[:500]).sum(axis=1).mean()) < 0.5
