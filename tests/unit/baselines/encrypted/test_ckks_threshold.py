"""CKKS that decrypts a decision: the decisions of plain cosines, and how much of the score the key holder sees."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from mote_attacks.inversion.few_scores import PosteriorFromFewScores
from mote_baselines.encrypted.bfv import BFV
from mote_baselines.encrypted.ckks_threshold import CKKSThreshold, CKKSThresholdValue, threshold_on

from mote_bench.contracts import Access, Evidence, Faces, Knowledge, Shadow
from mote_bench.questions import WhichFace
from mote_bench.testing import check_scheme
from mote_bench.toolkit import QueryOracle, decides, unit
from populations import gaussian_faces


@pytest.fixture(scope="module")
def faces() -> Faces:
    return gaussian_faces(100, 2, dimension=32, seed=3)


@pytest.mark.parametrize("make", [CKKSThreshold, CKKSThresholdValue])
def test_keeps_the_contract(make) -> None:
    assert [finding for finding in check_scheme(partial(make, fmr=0.05)) if not finding.ok] == []


def test_decisions_are_those_of_plain_cosines_and_the_value_has_their_sign(faces) -> None:
    scheme = CKKSThreshold(fmr=0.01).fit(faces, seed=1)
    own, shown = faces.embeddings[:10], faces.embeddings[:150]
    templates = scheme.enroll(own, keys=None, seeds=range(10))
    cosines = own.astype(np.float64) @ unit(shown.astype(np.float64)).T
    clear = np.abs(cosines - scheme._threshold) > 1e-4
    assert clear.mean() > 0.99
    decided = scheme.score(templates, shown, keys=None)
    assert set(np.unique(decided).tolist()) == {0.0, 1.0}
    assert (decided == (cosines >= scheme._threshold))[clear].all()
    values = CKKSThresholdValue(fmr=0.01).fit(faces, seed=1).score(templates, shown, keys=None)
    ratio = (values - scheme._threshold)[clear] / (cosines - scheme._threshold)[clear]
    assert ratio.min() > 0.9
    assert ratio.max() < 1.1 * 2**10
    assert decides(scheme)


def test_without_a_factor_the_value_is_the_cosine(faces) -> None:
    scheme = CKKSThresholdValue(fmr=0.01, factor_bits=0).fit(faces, seed=1)
    templates = scheme.enroll(faces.embeddings[:3], keys=None, seeds=range(3))
    cosines = faces.embeddings[:3] @ faces.embeddings.T
    np.testing.assert_allclose(scheme.score(templates, faces.embeddings, keys=None), cosines, atol=1e-4)


def test_the_factor_depends_on_the_probe_alone(faces) -> None:
    scheme = CKKSThresholdValue(fmr=0.01).fit(faces, seed=1)
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=range(2))
    alone = scheme.score(templates[1:], faces.embeddings[5:6], keys=None)
    among = scheme.score(templates, faces.embeddings[:20], keys=None)
    assert alone[0, 0] == pytest.approx(among[1, 5], rel=1e-3)


def test_the_threshold_is_a_quantile_of_different_subjects() -> None:
    """Two subjects with two photos each: the impostor cosines are 0 three times and 0.6 once."""
    rows = np.array([[1, 0, 0], [0.8, 0, 0.6], [0, 1, 0], [0, 0, 1.0]])
    background = Faces(rows, np.array(["a", "a", "b", "b"]))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="2 background faces of one subject"):
        threshold_on(background.rows(np.array([0, 1])), 0.5, rng)
    # Ten of four pairs can't be: a half of them.
    assert threshold_on(background, 0.01, rng) == pytest.approx(0, abs=1e-6)
    many = Faces(np.tile(rows, (5, 1)), np.tile(background.identity, 5))
    assert threshold_on(many, 0.3, rng) == pytest.approx(0, abs=1e-6)
    assert threshold_on(many, 0.2, rng) == pytest.approx(0.6, abs=1e-6)


@pytest.mark.parametrize(("more", "said"), [({"scale_bits": 40}, "scale_bits=40"), ({"fmr": 2}, "fmr=2")])
def test_parameters_without_room_are_refused(more, said) -> None:
    with pytest.raises(ValueError, match=said):
        CKKSThreshold(**more)


def test_whole_numbers_are_subtracted_under_encryption_too(faces) -> None:
    scheme = BFV().fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[0, 1])
    probes, less = faces.embeddings[:3].astype(np.float64), np.array([0.1, -0.2, 0.05])
    plain = scheme.decrypted_products(templates, probes)
    np.testing.assert_allclose(scheme.decrypted_products(templates, probes, less), plain - less, atol=2e-6)


def bits_of_size(spread: float, factor_bits: float) -> float:
    """The information of ``log2 |score - t| + U``, U uniform on the factor's bits, about an impostor score, in bits.

    The score is normal, and the threshold lies 3.09 standard deviations ``spread`` above its mean (a false match rate
    of 1e-3).
    """
    sizes = np.log2(np.abs(spread * (np.random.default_rng(0).standard_normal(400_000) - 3.09)))
    seen = sizes + factor_bits * np.random.default_rng(1).random(len(sizes))
    counts, edges = np.histogram(seen, bins=400)
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share / (edges[1] - edges[0]))).sum() - np.log2(factor_bits))


def test_more_bits_of_the_factor_leave_less_of_the_score() -> None:
    """Beside its sign, a value with a factor of 10 bits says less than a fifth of a bit of an impostor score."""
    found = [bits_of_size(0.15, bits) for bits in (1, 4, 10)]
    assert found[0] > found[1] > found[2] > 0
    assert found[0] > 1
    assert found[2] < 0.2
    assert bits_of_size(0.15, 10) == pytest.approx(bits_of_size(0.02, 10), abs=0.01)


def reconstructed(scheme, faces: Faces, queries: int) -> float:
    """Mean cosine of few-scores' reconstructions with the enrolled faces, both less the mean face."""
    target, shadow, public = (faces.rows(np.arange(a, b)) for a, b in ((0, 20), (20, 40), (40, 200)))
    fitted = scheme.fit(public, seed=1)
    templates = fitted.enroll(target.embeddings, keys=None, seeds=range(20))
    own = Shadow(shadow, tuple(fitted.enroll(shadow.embeddings, keys=None, seeds=range(50, 70))), None)
    oracle = QueryOracle(fitted, templates, keys=None, access=Access.SCORES, threshold=None, budget=queries)
    given = Evidence(Knowledge.ALGORITHM, scheme=fitted.public(), public=public, shadow=own, oracle=oracle)
    answer = PosteriorFromFewScores().answer(WhichFace(32), given, np.random.default_rng(0))
    mean = public.embeddings.mean(axis=0)
    return float((unit(answer - mean) * unit(target.embeddings - mean)).sum(axis=1).mean())


def test_few_scores_needs_more_of_blinded_values_than_of_scores(faces) -> None:
    plain = reconstructed(CKKSThresholdValue(fmr=0.01, factor_bits=0), faces, 32)
    blinded = reconstructed(CKKSThresholdValue(fmr=0.01), faces, 32)
    assert plain > 0.8
    assert blinded < plain - 0.2
