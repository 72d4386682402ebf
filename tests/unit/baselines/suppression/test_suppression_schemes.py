"""Schemes that hide attributes, in numbers worked out by hand and properties from their papers."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_baselines._shared.packed_integers import read_codes
from mote_baselines.cancelable.polyprotect import PolyProtect
from mote_baselines.plain.cosine_forms import CosineBinary, CosineFloat16, CosineInt8, CosinePCA
from mote_baselines.suppression import pe_miu
from mote_baselines.suppression.dp_noise import GaussianMechanism, leaked
from mote_baselines.suppression.ive import IVE, MultiIVE
from mote_baselines.suppression.leace import LEACE
from mote_baselines.suppression.nfr import NegativeFaceRecognition, last_not_above
from mote_baselines.suppression.pe_miu import PEMIU
from mote_baselines.suppression.sensitive_noise import CosineSensitiveNoise, EuclideanSensitiveNoise
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from mote_bench.contracts import Faces, InputError
from mote_bench.testing import check_scheme
from mote_bench.toolkit import draw_keys, unit
from populations import gaussian_faces

SCHEMES = [
    CosineFloat16,
    CosineInt8,
    CosineBinary,
    CosinePCA,
    CosineSensitiveNoise,
    EuclideanSensitiveNoise,
    IVE,
    MultiIVE,
    LEACE,
    NegativeFaceRecognition,
    PEMIU,
    PolyProtect,
    lambda: GaussianMechanism(epsilon=200),
]


@pytest.mark.parametrize("make", SCHEMES)
def test_keeps_the_contract(make):
    assert [finding for finding in check_scheme(make) if not finding.ok] == []


@pytest.fixture(scope="module")
def faces():
    return gaussian_faces(400, 1, dimension=64, seed=3)


def vectors(templates, dtype="<f4"):
    return np.array([np.frombuffer(one, dtype) for one in templates], dtype=np.float64)


def centred(faces):
    return unit(faces.embeddings - faces.embeddings.mean(axis=0, dtype=np.float64))


def test_csn_stands_at_exactly_its_cosine(faces):
    scheme = CosineSensitiveNoise(cosine=0.3).fit(faces, seed=0)
    stored = vectors(scheme.enroll(faces.embeddings, keys=None, seeds=range(400)))
    np.testing.assert_allclose((unit(stored) * centred(faces)).sum(axis=1), 0.3, atol=1e-5)
    lengths = np.linalg.norm(stored, axis=1)
    assert lengths.min() >= 1
    assert lengths.max() <= 100


def test_esn_stands_at_exactly_its_distance(faces):
    scheme = EuclideanSensitiveNoise(distance=0.7).fit(faces, seed=0)
    stored = vectors(scheme.enroll(faces.embeddings, keys=None, seeds=range(400)))
    np.testing.assert_allclose(np.linalg.norm(stored - centred(faces), axis=1), 0.7, atol=1e-5)


@pytest.mark.parametrize("epsilon", [0.5, 5, 50])
def test_the_noise_is_the_least_that_is_private(epsilon):
    """Balle & Wang: the loss of a Gaussian pair at distance 2 exceeds epsilon with just the stated probability."""
    scheme = GaussianMechanism(epsilon=epsilon, delta=1e-4)
    sigma = scheme.sigma
    assert leaked(sigma, epsilon) == pytest.approx(1e-4, rel=1e-3)
    assert leaked(0.99 * sigma, epsilon) > 1e-4
    x = np.linspace(-10 * sigma, 2 + 10 * sigma, 400_001)
    p, q = norm.pdf(x, 2, sigma), norm.pdf(x, 0, sigma)
    assert np.trapezoid(np.maximum(p - np.exp(epsilon) * q, 0), x) == pytest.approx(1e-4, rel=0.02)


def test_nothing_linear_is_left_after_leace(faces):
    scheme = LEACE(attributes=["gender"]).fit(faces, seed=0)
    stored = vectors(scheme.enroll(faces.embeddings, keys=None, seeds=range(400)))
    male = faces.attributes["gender"] == "male"
    np.testing.assert_allclose(stored[male].mean(axis=0), stored[~male].mean(axis=0), atol=1e-5)
    weighed = LogisticRegression(class_weight="balanced").fit(stored, male).predict(stored)
    assert abs(np.mean([(weighed == male)[male == side].mean() for side in (True, False)]) - 0.5) < 0.02
    plain = LogisticRegression().fit(centred(faces), male)
    assert plain.score(centred(faces), male) > 0.95


def test_leace_by_hand():
    """Of two coordinates only the first goes with the class, and they are uncorrelated: the first becomes its mean."""
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=float)
    scheme = LEACE().fit(Faces(x, attributes={"side": np.array(["a", "a", "b", "b"])}), seed=0)
    stored = vectors(scheme.enroll(x, keys=None, seeds=range(4)))
    np.testing.assert_allclose(stored, x / np.sqrt(2) * [0, 1], atol=1e-6)


def test_ive_drops_what_tells_the_attribute(faces):
    """The planted gender is coordinate 0."""
    scheme = IVE(attributes=["gender"], share=0.25).fit(faces, seed=0)
    assert 0 not in scheme.kept
    assert len(scheme.kept) == 48
    stored = vectors(scheme.enroll(faces.embeddings, keys=None, seeds=range(400)))
    np.testing.assert_allclose(stored, centred(faces)[:, scheme.kept], atol=1e-6)


@pytest.mark.parametrize("make", [IVE, MultiIVE, LEACE])
def test_hiding_needs_something_to_hide(make, faces):
    with pytest.raises(InputError, match="none with two classes"):
        make().fit(Faces(faces.embeddings), seed=0)
    with pytest.raises(InputError, match="no attribute height"):
        make(attributes=["height"]).fit(faces, seed=0)


def test_nfr_never_stores_the_true_bin(faces):
    scheme = NegativeFaceRecognition(features=500, bins=4).fit(faces, seed=0)
    true = scheme._bins_of(faces.embeddings)
    assert np.bincount(true.ravel(), minlength=4) == pytest.approx([50_000] * 4, rel=0.02)
    stored = scheme._negative(true, range(400))
    assert not (stored == true).any()
    assert np.bincount(((stored - true) % 4).ravel().astype(int))[1:] == pytest.approx([200_000 / 3] * 3, rel=0.02)
    own = scheme.score(scheme.enroll(faces.embeddings[:50], keys=None, seeds=range(50)), faces.embeddings, keys=None)
    assert (np.diag(own) == 1).all()
    assert own[0, 1:].mean() == pytest.approx(0.75, abs=0.02)  # an impostor shows the excluded bin one time in four


@pytest.mark.parametrize(("features", "bins"), [(40, 5), (301, 2), (64, 17)])
def test_nfr_scores_count_the_features_that_fall_into_an_excluded_bin(features, bins, faces):
    """Few templates are compared by the ends of their bins and more by all bins of a face, with equal scores."""
    scheme = NegativeFaceRecognition(features=features, bins=bins).fit(faces, seed=0)
    rows = faces.embeddings
    templates = scheme.enroll(rows[:3], keys=None, seeds=range(3))
    stored = read_codes(templates, features, bins)
    equal = (stored[:, None] == scheme._bins_of(rows)).sum(axis=2)
    plain = 1 - (1 - (features - equal) / features).astype(np.float32)
    np.testing.assert_array_equal(scheme.score(templates, rows, keys=None), plain)
    np.testing.assert_array_equal(scheme.score(templates[:2], rows, keys=None), plain[:2])


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_a_cut_before_the_tanh_is_the_cut_after_it(values, seed):
    """For numbers of all sizes, and for those next to the cut, which differ from it by the last digit."""
    cuts = np.array(values, dtype=np.float32)
    before = last_not_above(np.tanh, cuts)
    assert before.dtype == np.float32
    drawn = np.random.default_rng(seed).standard_normal((50, len(cuts))) * np.logspace(-6, 3, 50)[:, None]
    beside = [before, np.nextafter(before, np.float32(9)), np.nextafter(before, np.float32(-9)), -before]
    shown = np.vstack([drawn.astype(np.float32), *beside])
    np.testing.assert_array_equal(shown > before, np.tanh(shown) > cuts)


def test_pe_miu_by_hand():
    """Blocks (1, 0) and (0, 1) are found in either order; a probe of equal blocks matches half."""
    background = Faces(np.array([[1.0, 0, 0, 1], [-1, 0, 0, -1]]))
    scheme = PEMIU(block=2).fit(background, seed=0)
    face = background.embeddings[:1]
    for seed in range(6):
        [template] = scheme.enroll(face, keys=None, seeds=[seed])
        assert scheme.score([template], face, keys=None)[0, 0] == pytest.approx(1)
        probe = np.array([[1.0, 0, 1, 0]])
        assert scheme.score([template], probe, keys=None)[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("blocks", [1, 2, 4, 6])
def test_blocks_are_assigned_as_by_trying_all_orders(blocks):
    """To the last bit by subsets; by the Hungarian method up to the order in which a sum is taken."""
    tables = np.random.default_rng(blocks).standard_normal((3, 50, blocks, blocks)).astype(np.float32)
    places = np.arange(blocks)
    sums = []
    for order in permutations(range(blocks)):
        whole = np.zeros((3, 50), dtype=np.float32)
        for row, column in zip(places, order, strict=True):
            whole = whole + tables[:, :, row, column]
        sums.append(whole)
    truth = np.max(sums, axis=0)
    np.testing.assert_array_equal(pe_miu._assigned(tables), truth)
    one_by_one = pe_miu._one_by_one(tables.reshape(-1, blocks, blocks))
    np.testing.assert_allclose(one_by_one, truth.ravel(), atol=1e-5)


def test_many_blocks_find_their_own_face(faces):
    many = PEMIU(block=4).fit(faces, seed=0)
    templates = many.enroll(faces.embeddings[:5], keys=None, seeds=range(5))
    scores = many.score(templates, faces.embeddings[:5], keys=None)
    assert (np.diag(scores) > 0.999).all()
    assert (scores.argmax(axis=1) == np.arange(5)).all()


def test_the_order_of_blocks_is_recovered():
    """Where positions are distributed differently, a block shows where it came from."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((500, 64)) + 1.5 * rng.standard_normal(64)
    background = Faces(x)
    scheme = PEMIU(block=16).fit(background, seed=0)
    templates = scheme.enroll(x[:100], keys=None, seeds=range(100))
    found = scheme.solve(templates, keys=None, prior=background.embeddings[100:], rng=rng)
    mean = background.embeddings.mean(axis=0)
    cosines = (unit(found - mean) * unit(background.embeddings[:100] - mean)).sum(axis=1)
    naive = (unit(vectors(templates) - mean) * unit(background.embeddings[:100] - mean)).sum(axis=1)
    assert naive.mean() < 0.4
    assert cosines.mean() > 0.9


@pytest.mark.parametrize(("overlap", "length"), [(0, 103), (1, 128), (2, 170), (3, 255), (4, 508)])
def test_polyprotect_lengths_of_the_paper(overlap, length):
    scheme = PolyProtect(overlap=overlap).fit(Faces(np.eye(512)), seed=0)
    [template] = scheme.enroll(np.eye(512)[:1], keys=draw_keys(1, np.random.default_rng(0)), seeds=[0])
    assert len(template) == 4 * length


def test_polyprotect_by_hand():
    """Two terms, c = (3, -2), e = (2, 1), overlap 1, v = (.6, .8, 0): 3 * .36 - 2 * .8 and 3 * .64 - 0."""
    scheme = PolyProtect(overlap=1, terms=2, centre=False).fit(Faces(np.eye(3)), seed=0)
    scheme.secret = lambda key: (np.array([3.0, -2.0]), np.array([2.0, 1.0]))
    [template] = scheme.enroll(np.array([[0.6, 0.8, 0.0]]), keys=[b"k"], seeds=[0])
    np.testing.assert_allclose(np.frombuffer(template, "<f4"), [1.08 - 1.6, 1.92], atol=1e-6)


def test_polyprotect_scores_are_cosines_of_the_faces_own_vectors(faces, monkeypatch):
    """Also where faces are compared a few at a time."""
    scheme, rows = PolyProtect(overlap=2).fit(faces, seed=0), faces.embeddings[:20]
    keys = draw_keys(3, np.random.default_rng(0)) * 2
    templates = scheme.enroll(rows[:6], keys=keys, seeds=range(6))
    monkeypatch.setattr("mote_baselines.cancelable.polyprotect._FACES_AT_ONCE", 7)
    scores = scheme.score(templates, rows, keys=keys)
    for template, key, row in zip(templates, keys, scores, strict=True):
        shown = b"".join(scheme.enroll(rows, keys=[key] * 20, seeds=range(20)))
        vectors = unit(np.frombuffer(shown, "<f4").reshape(20, -1))
        np.testing.assert_allclose(row, vectors @ unit(np.frombuffer(template, "<f4")), atol=1e-6)


def test_polyprotects_secrets_are_as_the_paper_says():
    for key in draw_keys(50, np.random.default_rng(1)):
        coefficients, exponents = PolyProtect().secret(key)
        assert len(set(coefficients)) == 5
        assert 0 not in coefficients
        assert np.abs(coefficients).max() <= 50
        assert sorted(exponents) == [1, 2, 3, 4, 5]


def test_polyprotects_surrogate_is_its_score(faces):
    import torch

    scheme, keys = PolyProtect(overlap=2).fit(faces, seed=0), draw_keys(3, np.random.default_rng(0))
    templates = scheme.enroll(faces.embeddings[:3], keys=keys, seeds=range(3))
    probes = torch.tensor(np.array(faces.embeddings[:20])).expand(3, 20, 64)
    np.testing.assert_allclose(
        scheme.surrogate(templates, keys=keys)(probes).numpy(),
        scheme.score(templates, faces.embeddings[:20], keys=keys),
        atol=1e-4,
    )


@pytest.mark.parametrize(
    ("make", "size"), [(CosineFloat16, 128), (CosineInt8, 64), (CosineBinary, 8), (CosinePCA, 128)]
)
def test_smaller_forms_and_their_cosines(make, size, faces):
    scheme = make().fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:30], keys=None, seeds=range(30))
    assert {len(template) for template in templates} == {size}
    seen = faces.embeddings if make in (CosineFloat16, CosineInt8) else centred(faces)
    exact = seen[:30] @ seen.T
    scores = scheme.score(templates, faces.embeddings, keys=None)
    if make is CosineBinary:  # the share of equal signs of two Gaussian vectors is 1 - angle / pi
        assert np.abs(scores - (1 - np.arccos(np.clip(exact, -1, 1)) / np.pi)).mean() < 0.06
    else:
        assert np.abs(scores - exact).mean() < {CosineFloat16: 1e-3, CosineInt8: 0.01, CosinePCA: 0.12}[make]


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (CosineSensitiveNoise, {"cosine": 0}),
        (EuclideanSensitiveNoise, {"distance": 0}),
        (GaussianMechanism, {"epsilon": 0}),
        (IVE, {"share": 1}),
        (NegativeFaceRecognition, {"bins": 1}),
        (PEMIU, {"block": 0}),
        (PolyProtect, {"overlap": 5}),
        (CosinePCA, {"share": 0}),
    ],
)
def test_impossible_parameters(make, arguments):
    with pytest.raises(ValueError, match="expected"):
        make(**arguments)
