"""IronMask: rotations and codewords by hand, its decoding radius, and how many records give the face away."""

from __future__ import annotations

from math import acos, comb, cos, log2, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mote_baselines.cryptosystems.ironmask import IronMask, _rotated

from mote_bench.contracts import Faces
from mote_bench.toolkit import unit

D = 24


def population(rank: int, people: int = 300) -> Faces:
    """Faces that fill so many of 24 dimensions."""
    rng = np.random.default_rng(0)
    return Faces(rng.standard_normal((people, rank)) @ rng.standard_normal((rank, D)))


def fitted(faces: Faces, nonzeros: int = 3) -> IronMask:
    return IronMask(nonzeros=nonzeros).fit(faces, seed=0)


def matrix_of(template: bytes) -> np.ndarray:
    return np.frombuffer(template[:-32], "<f2").reshape(D, D).astype(np.float64)


def test_rotations_by_hand() -> None:
    along, across, _ = np.eye(3)
    assert _rotated(np.eye(3), along, across) == pytest.approx(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    drawn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    turned = _rotated(drawn, unit(drawn @ across), along)
    assert turned @ across == pytest.approx(along, abs=1e-12)
    assert turned @ turned.T == pytest.approx(np.eye(3), abs=1e-12)


def test_the_largest_entries_and_their_signs_are_the_codeword() -> None:
    scheme = fitted(population(D), nonzeros=2)
    assert scheme._codewords(np.array([[0.9, -0.1, 0.5, -0.6]])).tolist() == [[1, 0, 0, -1]]


def test_a_template_takes_its_face_to_a_sparse_codeword() -> None:
    faces = population(D)
    scheme = fitted(faces)
    [template] = scheme.enroll(faces.embeddings[:1], keys=None, seeds=[5])
    matrix, seen = matrix_of(template), unit(faces.embeddings[0] - faces.embeddings.mean(axis=0))
    assert matrix @ matrix.T == pytest.approx(np.eye(D), abs=5e-3)
    entries = np.sort(np.abs(matrix @ seen))
    assert entries[-3:] == pytest.approx(np.full(3, 3**-0.5), abs=5e-3)
    assert entries[:-3] == pytest.approx(np.zeros(D - 3), abs=5e-3)


@given(st.integers(0, 2**32), st.floats(0, 0.9))
def test_probes_within_half_the_least_angle_of_codewords_are_accepted(seed: int, part: float) -> None:
    """Two codewords that differ in one entry have the cosine (alpha - 1) / alpha, and none are nearer."""
    faces, rng = FACES, np.random.default_rng(seed)
    scheme, mean = SCHEME, SCHEME._origin.astype(np.float64)
    radius = acos(2 / 3) / 2
    templates = scheme.enroll(faces.embeddings[:1], keys=None, seeds=[seed])
    own = unit(faces.embeddings[0].astype(np.float64) - mean)
    other = rng.standard_normal(D)
    other = unit(other - (other @ own) * own)
    probe = cos(part * radius) * own + sin(part * radius) * other
    # The embedding of unit length in this direction, as seen from the mean.
    length = -mean @ probe + np.sqrt((mean @ probe) ** 2 + 1 - mean @ mean)
    assert scheme.score(templates, (mean + length * probe)[None].astype(np.float32), keys=None)[0, 0] == 1


FACES = population(D)
SCHEME = fitted(FACES)


def test_there_are_as_many_codewords_as_the_paper_says() -> None:
    scheme = IronMask().fit(Faces(np.random.default_rng(0).standard_normal((4, 512))), seed=0)
    assert scheme._nonzeros == 16
    assert log2(comb(512, 16) * 2**16) == pytest.approx(115, abs=1)


@pytest.mark.parametrize(("rank", "one"), [(8, True), (D, False)])
def test_one_record_is_enough_where_faces_fill_a_subspace_and_two_are_anyway(rank: int, one: bool) -> None:
    faces, rng = population(rank), np.random.default_rng(0)
    scheme, mean = fitted(faces, nonzeros=2), faces.embeddings.mean(axis=0)
    attacked, public = faces.rows(np.arange(6)), faces.rows(np.arange(6, 300))
    records = [scheme.enroll(attacked.embeddings, keys=None, seeds=range(k, k + 6)) for k in (0, 10)]
    alone = scheme.solve(records[0], keys=None, prior=public.embeddings, rng=rng)
    together = scheme.solve_several(records, prior=public, rng=rng)
    near = [(unit(found - mean) * unit(attacked.embeddings - mean)).sum(axis=1) for found in (alone, together)]
    assert bool((near[0] > 0.99).all()) is one
    assert (near[1] > 0.99).all()


def test_impossible_numbers_of_nonzeros_are_refused() -> None:
    for nonzeros in (0, D + 1):
        with pytest.raises(ValueError, match=f"nonzeros={nonzeros}; expected 1 to 24"):
            fitted(FACES, nonzeros=nonzeros)


def test_a_matrix_that_is_no_rotation_is_refused() -> None:
    with pytest.raises(ValueError, match="rows haven't length one"):
        SCHEME.score([bytes(2 * D * D + 32)], FACES.embeddings[:1], keys=None)
