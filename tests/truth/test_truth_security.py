"""False-accept security, against schemes whose answer is known in closed form."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn.covariance import ledoit_wolf

from mote_bench.metrics import security
from mote_bench.metrics.security import Effort, Gaussian, Guesses, exact_interval, measure_security, split, tail_share
from mote_bench.toolkit import unit

D, PEOPLE = 48, 40
TEMPLATES = unit(np.random.default_rng(0).standard_normal((PEOPLE, D))).astype(np.float32)
GUESSES = Guesses.of(unit(np.random.default_rng(1).standard_normal((600, D))), most=400, rng=np.random.default_rng(2))


def cap(cosine):
    """Bits of the share of the sphere that lies within a cap: half of a regularised incomplete beta function."""
    return -np.log2(special.betainc((D - 1) / 2, 0.5, 1 - cosine**2) / 2)


def measured(score, thresholds, effort=None):
    names = {str(one): one for one in thresholds}
    found = measure_security(score, PEOPLE, GUESSES, names, rng=np.random.default_rng(3), effort=effort)
    return found, found.details["false_accept"]["estimator"]


@pytest.fixture(scope="module")
def caps():
    return measured(lambda row, faces: faces @ TEMPLATES[row], (0.25, 0.5, 0.7))


@pytest.mark.parametrize(
    ("cosine", "estimator", "within"), [(0.25, "counting", 0.5), (0.5, "splitting", 1.0), (0.7, "splitting", 2.0)]
)
def test_random_directions_hit_a_cap_as_often_as_its_area_says(caps, cosine, estimator, within):
    """4.6, 13.1 and 28.1 bits."""
    found, estimators = caps
    name = f"false_accept_bits_uniform_at_fmr_{cosine}"
    assert estimators[name] == estimator
    assert found[name].value == pytest.approx(cap(cosine), abs=within)
    assert found[name].low < cap(cosine) < found[name].high


def test_a_prior_of_isotropic_faces_is_as_random_directions(caps):
    found, _ = caps
    assert found["false_accept_bits_prior_at_fmr_0.5"].value == pytest.approx(cap(0.5), abs=1.5)


def test_public_faces_give_their_count_or_a_lower_bound(caps):
    found, estimators = caps
    assert found["false_accept_bits_public_at_fmr_0.25"].value == pytest.approx(cap(0.25), abs=0.5)
    name = "least_false_accept_bits_public_at_fmr_0.7"
    one = found[name]
    assert estimators[name] == "no acceptance"
    assert one.value == one.low == one.high == pytest.approx(-np.log2(1 - 0.025 ** (1 / (PEOPLE * 256))))


def test_sign_bits_follow_the_tail_of_a_binomial_distribution():
    """Of an isotropic Gaussian the bits are fair coins: 32 or more of 48 agree with 6.6 bits, 38 or more with 15.7."""
    bits = TEMPLATES > 0
    found, estimators = measured(lambda row, faces: ((faces > 0) == bits[row]).mean(axis=1), (32 / D, 38 / D))
    for agreeing, estimator, within in ((32, "counting", 0.5), (38, "splitting", 1.5)):
        name = f"false_accept_bits_uniform_at_fmr_{agreeing / D}"
        assert estimators[name] == estimator
        assert found[name].value == pytest.approx(-np.log2(stats.binom.sf(agreeing - 1, D, 0.5)), abs=within)


def test_the_mean_of_splitting_is_the_probability():
    """Also of few faces that are moved little, where single estimates are wrong by factors."""
    few, rng = Effort(particles=16, moves=2), np.random.default_rng(4)
    source, thresholds = Gaussian.isotropic(D), np.array([0.3, 0.42])
    found = np.array([split(lambda faces: faces @ TEMPLATES[0], source, thresholds, rng, few).found for _ in range(80)])
    share = 2 ** -np.array([cap(0.3), cap(0.42)])
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - share) < 3 * error).all()
    assert (error < 0.4 * share).all()


def test_a_scheme_that_says_yes_or_no_is_counted():
    """One subject of 40 accepts every face, the others none: log2 40 bits, of any source."""
    found, estimators = measured(lambda row, faces: np.full(len(faces), float(row == 7)), (1.0,))
    assert set(estimators.values()) == {"counting"}
    for one in found.measurements:
        assert one.value == pytest.approx(np.log2(PEOPLE))
        assert one.low < np.log2(PEOPLE) < one.high
        assert one.n == PEOPLE


def test_a_scheme_that_accepts_everything_has_no_bits_and_one_that_accepts_nothing_a_bound():
    everything, _ = measured(lambda row, faces: np.ones(len(faces)), (0.5,))
    assert [one.value for one in everything.measurements] == [0, 0, 0]
    nothing, _ = measured(lambda row, faces: np.zeros(len(faces)), (0.5,))
    assert {one.metric for one in nothing.measurements} == {"least_false_accept_bits"}
    assert {round(one.value, 2) for one in nothing.measurements} == {11.44}


def test_what_splitting_gets_to_is_a_lower_bound():
    """No face scores above 1, so no level gets to 2: the bound is that of the levels, far beyond 10,240 faces."""
    found, estimators = measured(lambda row, faces: faces @ TEMPLATES[row], (2.0,), Effort(levels=8))
    name = "least_false_accept_bits_uniform_at_fmr_2.0"
    assert estimators[name] == "splitting"
    assert 14 < found[name].value < 8 * np.log2(6) + 3


def test_without_thresholds_nothing_is_measured():
    assert measure_security(None, PEOPLE, GUESSES, {}, rng=np.random.default_rng(0)).measurements == ()


def test_exact_interval_by_hand():
    """None of 8: the bound of Clopper and Pearson. Both acceptances with one of two subjects: 8 trials count as 3."""
    assert exact_interval(np.zeros(2), 4) == (0.0, pytest.approx(1 - 0.025 ** (1 / 8)))
    assert exact_interval(np.array([4.0, 4.0]), 4) == (pytest.approx(0.025 ** (1 / 8)), 1.0)
    low, high = exact_interval(np.array([2.0, 0.0]), 4)  # spread 4, binomial 8 x 1/4 x 3/4 = 3/2: an effect of 8/3
    assert low == pytest.approx(stats.beta.ppf(0.025, 0.75, 3 - 0.75 + 1))
    assert high == pytest.approx(stats.beta.ppf(0.975, 0.75 + 1, 3 - 0.75))


def test_a_tail_is_that_of_its_distribution():
    """Of exponential scores, and of scores with a finite end; scores of few values have no tail to follow."""
    rng = np.random.default_rng(5)
    exponential = rng.exponential(size=40_000)
    assert tail_share(exponential, np.log(10_000)) == pytest.approx(1e-4, rel=0.5)
    bounded = 1 - rng.random(40_000) ** 0.5  # P(score > x) = (1 - x)^2
    assert tail_share(bounded, 0.98) == pytest.approx(4e-4, rel=0.3)
    assert tail_share(bounded, 1.1) == 0
    assert tail_share(np.round(exponential), 12) is None


def test_the_covariance_is_shrunk_as_ledoit_and_wolf_do():
    faces = np.random.default_rng(6).standard_normal((30, 12)) @ np.diag(np.arange(1, 13))
    expected, _ = ledoit_wolf(faces)
    np.testing.assert_allclose(security.shrunk_covariance(faces - faces.mean(axis=0)), expected, rtol=1e-10)


def test_the_prior_has_the_moments_of_the_public_faces():
    public = unit(0.2 * np.random.default_rng(7).standard_normal((5000, 6)) + [1, 0.5, 0, 0, 0, 0])
    drawn = Gaussian.fitted(public).sample(20_000, np.random.default_rng(8))
    np.testing.assert_allclose(drawn.mean(axis=0), public.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(public.T), atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, rtol=1e-5)
