"""Encrypted templates: exact where the paper says so, nonsense under another key, and nothing in the bytes."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_attacks.attributes.from_bytes import ClassifierOnReadings, logistic
from mote_attacks.inversion.online_scores import LeastSquaresFromScores
from mote_baselines.encrypted.bfv import BFV, WholeNumbers
from mote_baselines.encrypted.ckks import CKKS, RealNumbers, slots_of
from mote_baselines.encrypted.coefficient_packing import packed, places
from mote_baselines.encrypted.encrypted_scheme import System
from mote_baselines.plain.cosine import Cosine

from mote_bench import registry
from mote_bench.contracts import Access, Evidence, Faces, InputError, Knowledge, Shadow
from mote_bench.planning.plan import threats
from mote_bench.planning.threats import granted, levels
from mote_bench.questions import WhichFace
from mote_bench.testing import check_scheme
from mote_bench.toolkit import QueryOracle, unit
from populations import gaussian_faces

TOLERANCE = {BFV: 2.5e-3, CKKS: 1e-4}
"""Rounding to multiples of 1/1000: a standard deviation of 0.4e-3. CKKS keeps the noise of encryption."""


@pytest.fixture(scope="module")
def faces():
    return gaussian_faces(60, 2, dimension=64, seed=3)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_keeps_the_contract(make):
    assert [finding for finding in check_scheme(make) if not finding.ok] == []


def test_packing_by_hand():
    """x = 1 + 2X; probes (3, 4) and (5, 6): coefficients 0 and 2 of the product are 1*3 + 2*4 and 1*5 + 2*6."""
    [polynomial] = packed(np.array([[3, 4], [5, 6]]), 8)
    assert polynomial.tolist() == [3, 6, 5, 0, 0, 0, 0, -4]
    assert places(8, 2) == [0, 2, 4, 6]
    product = _product(np.array([1, 2, 0, 0, 0, 0, 0, 0]), polynomial)
    assert product[[0, 2]].tolist() == [11, 17]


@given(st.integers(1, 16), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_coefficients_of_the_product_are_inner_products(dimension, probes, seed):
    rng, degree = np.random.default_rng(seed), 32
    x, y = rng.integers(-9, 10, dimension), rng.integers(-9, 10, (probes, dimension))
    template = np.pad(x, (0, degree - dimension))
    scores = [_product(template, row)[places(degree, dimension)] for row in packed(y, degree)]
    assert np.concatenate(scores)[:probes].tolist() == (y @ x).tolist()


def _product(left, right):
    """In the ring of polynomials modulo X^N + 1."""
    full = np.convolve(left, right)
    return full[: len(left)] - np.pad(full[len(left) :], (0, 1))


def test_slots_hold_the_coefficients():
    rows = np.random.default_rng(0).standard_normal((3, 16))
    for row, slots in zip(rows, slots_of(rows), strict=True):
        root = np.exp(1j * np.pi * 3 / 16)  # slot 1 is the value at the root to the power of 3
        assert slots[1] == pytest.approx((row * root ** np.arange(16)).sum())


@pytest.mark.parametrize(("degree", "primes"), [(2048, 1), (8192, 4)])
def test_real_numbers_are_read_back_as_they_were_encoded(degree, primes):
    """Some coefficients and all, above and below zero, also where the modulus is a product of primes."""
    arithmetic = RealNumbers(degree, 26)
    system = System(arithmetic, seed=0)
    assert len(system.context.first_context_data().parms().coeff_modulus()) == primes
    rows = np.random.default_rng(0).integers(-40, 40, (3, degree)) / 64
    encoded = arithmetic.plaintexts(system.context, rows)
    for at in (range(degree), [5, 0, degree - 1]):
        found = arithmetic.coefficients(system, encoded, at, products=False)
        np.testing.assert_array_equal(found, rows[:, list(at)])


def test_whole_numbers_are_passed_as_seal_reads_them():
    """Every coefficient, the negative ones from above the modulus, zeros at either end and nothing but zeros."""
    rows = np.random.default_rng(0).integers(-40, 40, (4, 2048)).astype(float)
    rows[1, 100:], rows[2, :7], rows[3] = 0, 0, 0
    arithmetic = WholeNumbers(2048, 1, 22)
    system = System(arithmetic, seed=0)
    for some in (rows, rows[1:2], rows[3:]):
        for row, plaintext in zip(some, arithmetic.plaintexts(system.context, some), strict=True):
            held = [plaintext.data(i) if i < plaintext.coeff_count() else 0 for i in range(2048)]
            np.testing.assert_array_equal(held, row % 2**22)
            np.testing.assert_array_equal(
                arithmetic.coefficients(system, [plaintext], range(2048), products=False), row[None]
            )
            text = " + ".join(f"{int(row[i] % 2**22):X}x^{i}" for i in np.flatnonzero(row)[::-1] if i)
            assert plaintext.to_string().startswith(text)


def test_bfv_by_hand():
    """s = 10: (6, 8) . (8, 6) / 100 = 0.96 exactly, and (6, 8) . (10, 0) / 100 = 0.6."""
    scheme = BFV(scale=10).fit(Faces(np.eye(2)), seed=0)
    [template] = scheme.enroll(np.array([[0.6, 0.8]]), keys=None, seeds=[0])
    scores = scheme.score([template], np.array([[0.8, 0.6], [1, 0], [-0.6, -0.8]]), keys=None)
    assert scores.tolist() == [pytest.approx([0.96, 0.6, -1.0], abs=1e-7)]


def test_bfv_is_exact_on_whole_numbers(faces):
    scheme = BFV().fit(faces, seed=1)
    templates = scheme.enroll(faces.embeddings[:5], keys=None, seeds=range(5))
    whole = np.rint(1000 * unit(faces.embeddings.astype(np.float64))).astype(int)
    exact = (whole[:5] @ whole.T / 1e6).astype(np.float32)
    assert np.array_equal(scheme.score(templates, faces.embeddings, keys=None), exact)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_scores_are_those_of_the_plain_vector(make, faces):
    scheme, plain = make().fit(faces, seed=1), Cosine().fit(faces, seed=1)
    people = {"keys": None, "seeds": range(20)}
    templates = scheme.enroll(faces.embeddings[:20], **people)
    expected = plain.score(plain.enroll(faces.embeddings[:20], **people), faces.embeddings, keys=None)
    np.testing.assert_allclose(scheme.score(templates, faces.embeddings, keys=None), expected, atol=TOLERANCE[make])
    np.testing.assert_allclose(scheme.reconstruct(templates, keys=None), faces.embeddings[:20], atol=TOLERANCE[make])


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_no_score_wraps_around(dimension, seed):
    """Also where an embedding lies along one axis or is spread evenly, which is where rounding adds most."""
    rng = np.random.default_rng(seed)
    x = unit(np.stack([np.eye(dimension)[0], np.ones(dimension), rng.standard_normal(dimension)]))
    scheme = BFV(scale=1000).fit(Faces(x), seed=0)
    scores = scheme.score(scheme.enroll(x, keys=None, seeds=range(3)), np.concatenate([x, -x]), keys=None)
    np.testing.assert_allclose(scores, x @ np.concatenate([x, -x]).T, atol=0.02)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_another_systems_key_decrypts_nonsense(make, faces):
    right, wrong = make().fit(faces, seed=1), make().fit(faces, seed=2)
    templates = right.enroll(faces.embeddings[:30], keys=None, seeds=range(30))
    nonsense = wrong.score(templates, faces.embeddings, keys=None)
    assert abs(np.corrcoef(nonsense.ravel(), right.score(templates, faces.embeddings, keys=None).ravel())[0, 1]) < 0.08
    cosines = (wrong.reconstruct(templates, keys=None) * faces.embeddings[:30]).sum(axis=1)
    assert abs(cosines.mean()) < 4 / np.sqrt(30 * 64)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_equal_faces_have_unequal_ciphertexts(make, faces):
    scheme = make().fit(faces, seed=1)
    one = np.repeat(faces.embeddings[:1], 20, axis=0)
    templates = scheme.enroll(one, keys=None, seeds=range(20))
    assert len(set(templates)) == 20
    again = scheme.enroll(one[:2], keys=None, seeds=[0, 1])
    assert again == templates[:2]


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_the_public_part_enrols_and_holds_no_secret(make, faces):
    scheme = make().fit(faces, seed=1)
    assert levels(scheme) == (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM, Knowledge.FULL_DISCLOSURE)
    public = pickle.loads(pickle.dumps(granted(scheme, Knowledge.ALGORITHM)))
    assert granted(scheme, Knowledge.FULL_DISCLOSURE) is scheme
    assert [name for name in ("score", "reconstruct", "surrogate", "solve") if hasattr(public, name)] == []
    assert set(vars(public)) == {"arithmetic", "public_key", "dimension"}
    enrolled = {"keys": None, "seeds": range(3)}
    assert public.enroll(faces.embeddings[:3], **enrolled) == scheme.enroll(faces.embeddings[:3], **enrolled)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_scores_alone_give_the_embedding_away(make, faces):
    """Encryption protects templates and not scores: an attacker who sees scores solves for the face behind them."""
    scheme = make().fit(faces, seed=1)
    targets = faces.embeddings[:10]
    templates = scheme.enroll(targets, keys=None, seeds=range(10))
    oracle = QueryOracle(scheme, templates, keys=None, access=Access.SCORES, threshold=None, budget=8 * 64)
    evidence = Evidence(
        knowledge=Knowledge.ALGORITHM,
        scheme=scheme.public(),
        public=faces.rows(np.arange(20, 120)),
        shadow=Shadow(faces.rows(np.arange(20, 24)), (), None),
        oracle=oracle,
    )
    found = LeastSquaresFromScores().answer(WhichFace(64), evidence, np.random.default_rng(0))
    assert (unit(found) * targets).sum(axis=1).min() > 0.99


@pytest.mark.parametrize(
    ("make", "arguments", "complaint"),
    [
        (BFV, {"scale": 2000}, r"expected \(scale"),
        (BFV, {"scale": 0}, "scale=0 with plain_bits=22; expected"),
        (BFV, {"plain_bits": 61}, "scale=1000 with plain_bits=61; expected .* plain_bits to 60"),
        (BFV, {"degree": 1000}, "degree=1000; expected a power of two from 2,048 to 32,768"),
        (CKKS, {"degree": 1024}, "degree=1024; expected"),
        (CKKS, {"degree": 65536}, "degree=65536; expected"),
        (CKKS, {"scale_bits": 27}, "expected 1 to 26"),
        (CKKS, {"scale_bits": 4}, "expected 1"),  # noise is as large as what is encrypted
    ],
)
def test_impossible_parameters(make, arguments, complaint, faces):
    with pytest.raises(ValueError, match=complaint):
        make(**arguments).fit(faces, seed=0)


def test_no_attack_is_planned_that_reads_what_a_ciphertext_has_not():
    assert threats(ClassifierOnReadings(), BFV(), [1]) == []
    assert threats(logistic(), BFV(), [1]) != []


@pytest.mark.parametrize("name", ["bfv", "ckks"])
def test_without_tenseal_the_scheme_says_what_to_install(name, monkeypatch):
    for module in ("tenseal", "tenseal.sealapi"):
        monkeypatch.setitem(sys.modules, module, None)
    assert name in {entry.name for entry in registry.names("schemes")}
    with pytest.raises(InputError, match=r"pip install 'mote-bench\[he\]'"):
        registry.load("schemes", name)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_templates_of_the_other_scheme_are_refused(make, faces):
    other = CKKS if make is BFV else BFV
    templates = other().fit(faces, seed=1).enroll(faces.embeddings[:1], keys=None, seeds=[0])
    with pytest.raises(ValueError, match="template 0"):
        make().fit(faces, seed=1).score(templates, faces.embeddings[:2], keys=None)


@pytest.mark.parametrize("make", [BFV, CKKS])
def test_more_dimensions_than_the_least_degree_take_the_next(make):
    faces = gaussian_faces(3, 1, dimension=2622)
    scheme = make().fit(faces, seed=0)
    assert scheme.arithmetic.degree == 4096
    scores = scheme.score(scheme.enroll(faces.embeddings, keys=None, seeds=range(3)), faces.embeddings, keys=None)
    np.testing.assert_allclose(scores, faces.embeddings @ faces.embeddings.T, atol=2e-3)
    assert scheme.fit(gaussian_faces(3, 1, dimension=33), seed=0).arithmetic.degree == 2048
    with pytest.raises(ValueError, match="2622 dimensions don't fit into a polynomial of degree 2048"):
        make(degree=2048).fit(faces, seed=0)
