"""PolyProtect with selected keys, for each subject or once for the system: those whose templates resist inversion."""

from __future__ import annotations

import numpy as np
import pytest
from mote_baselines.cancelable.polyprotect import PolyProtect
from mote_baselines.cancelable.polyprotect_inversion import Inverter, inverted
from mote_baselines.cancelable.polyprotect_selected_keys import PolyProtectSelectedKeys
from mote_baselines.cancelable.polyprotect_system_key import PolyProtectSystemKey
from mote_baselines.cancelable.polyprotect_unkeyed import Windows

from mote_bench.contracts import Faces
from mote_bench.toolkit import draw_keys, stream, unit
from populations import gaussian_faces

FACES = gaussian_faces(200, 1, dimension=40)
KEYS = draw_keys(6, np.random.default_rng(0))


def linear_terms(scheme: PolyProtect, keys: list[bytes]) -> np.ndarray:
    """(n,) sizes of the coefficients of exponent 1."""
    return np.array([abs(c[int(np.argmin(e))]) for c, e in map(scheme.secret, keys)])


def test_a_template_without_powers_is_inverted_by_hand() -> None:
    """One term of exponent 1 and coefficient 3: a template is the face, whatever the start."""
    face = unit(np.array([[0.3, -0.5, 0.8, 0.1]]))
    windows = Windows(1, 50, np.arange(4))
    start = unit(np.array([[0.3, -0.2, 0.6, 0.4]]))
    found = inverted(3 * face, [(np.array([3.0]), np.array([1.0]))], windows, start)
    np.testing.assert_allclose(found, face, atol=0.02)


def test_each_inversion_depends_on_its_own_template_alone() -> None:
    scheme = PolyProtect().fit(FACES, seed=0)
    templates = scheme.enroll(FACES.embeddings[:6], keys=KEYS, seeds=range(6))
    values = np.frombuffer(b"".join(templates), "<f4").reshape(6, -1)
    secrets, windows = [scheme.secret(key) for key in KEYS], Windows(5, 50, scheme._starts)
    starts = unit(np.random.default_rng(0).standard_normal((6, 40)))
    together = inverted(values, secrets, windows, starts)
    alone = inverted(values[[4]], [secrets[4]], windows, starts[[4]])
    assert np.array_equal(alone[0], together[4])


def test_the_threshold_has_the_asked_false_match_rate() -> None:
    rng = np.random.default_rng(0)
    faces = unit(rng.standard_normal((900, 40)))
    inverter = Inverter.of(faces, Windows(5, 50, np.arange(36)), rate=0.2, seed=0)
    cosines = (faces[:450] @ faces[450:].T).ravel()
    assert (cosines >= inverter.threshold).mean() == pytest.approx(0.2, abs=0.01)
    drawn = np.array([inverter.drawn(stream(0, number)) for number in range(50)])
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1)


def test_selected_keys_are_harder_to_invert() -> None:
    """arXiv 2605.03857: fewer templates are inverted, from other starts too, than under keys drawn at random."""
    scheme = PolyProtectSelectedKeys().fit(FACES, seed=0)
    faces = unit(FACES.embeddings[:6] - scheme._origin)
    plain, drawn = scheme._opened(scheme.enroll(FACES.embeddings[:6], keys=KEYS, seeds=range(6)), KEYS)
    random = PolyProtect().fit(FACES, seed=0)
    starts = np.array([scheme._inverter.drawn(stream(9, number)) for number in range(6)])

    def found(templates: list[bytes], keys: list[bytes]) -> float:
        values = np.frombuffer(b"".join(templates), "<f4").reshape(6, -1)
        secrets = [scheme.secret(key) for key in keys]
        return float(scheme._inverter.cosines(values, secrets, faces, starts).mean())

    of_random = found(random.enroll(FACES.embeddings[:6], keys=KEYS, seeds=range(6)), list(KEYS))
    assert found(plain, drawn) < of_random - 0.2
    assert linear_terms(scheme, drawn).mean() < linear_terms(random, list(KEYS)).mean()


def test_one_attempt_is_polyprotect_and_a_number() -> None:
    scheme, plain = PolyProtectSelectedKeys(attempts=1).fit(FACES, seed=0), PolyProtect().fit(FACES, seed=0)
    rows = FACES.embeddings[:6]
    templates, own = (one.enroll(rows, keys=KEYS, seeds=range(6)) for one in (scheme, plain))
    assert [one[:-4] for one in templates] == own
    assert {one[-4:] for one in templates} == {np.float32(0).tobytes()}
    np.testing.assert_array_equal(
        scheme.score(templates, FACES.embeddings, keys=KEYS), plain.score(own, FACES.embeddings, keys=KEYS)
    )
    background, rng = Faces(FACES.embeddings), np.random.default_rng
    np.testing.assert_array_equal(
        scheme.solve_without_keys(templates[:1], prior=background, rng=rng(0)),
        plain.solve_without_keys(own[:1], prior=background, rng=rng(0)),
    )


def test_a_number_that_names_no_pair_is_refused() -> None:
    scheme = PolyProtectSelectedKeys(attempts=3).fit(FACES, seed=0)
    [template] = scheme.enroll(FACES.embeddings[:1], keys=KEYS[:1], seeds=[0])
    for number in (3.0, -1.0, 0.5):
        with pytest.raises(ValueError, match="a pair that doesn't exist; expected a number from 0 to 2"):
            scheme.score([template[:-4] + np.float32(number).tobytes()], FACES.embeddings, keys=KEYS[:1])


def test_the_system_has_one_pair_and_equal_templates_of_equal_faces() -> None:
    scheme = PolyProtectSystemKey(attempts=4).fit(FACES, seed=0)
    one, two = scheme.enroll(FACES.embeddings[[0, 0]], keys=None, seeds=[1, 2])
    assert one == two
    plain = PolyProtect().fit(FACES, seed=0)
    assert plain.enroll(FACES.embeddings[:1], keys=[scheme._key], seeds=[0]) == [one]
    scores = scheme.score([one], FACES.embeddings, keys=None)
    np.testing.assert_array_equal(scores, plain.score([one], FACES.embeddings, keys=[scheme._key]))


def test_the_systems_pair_is_the_least_inverted_of_those_tried() -> None:
    first, best = (PolyProtectSystemKey(attempts=many).fit(FACES, seed=0) for many in (1, 5))
    inverter = Inverter.of(unit(FACES.embeddings - first._origin), Windows(5, 50, first._starts), rate=0.2, seed=0)
    assert best._found(best._key, inverter, 0) < first._found(first._key, inverter, 0)


@pytest.mark.parametrize("make", [PolyProtectSelectedKeys, PolyProtectSystemKey])
def test_rates_and_attempts_out_of_range_are_refused(make: type) -> None:
    with pytest.raises(ValueError, match=r"rate=0, attempts=50; expected a rate between 0 and 1"):
        make(rate=0)
    with pytest.raises(ValueError, match=r"attempts=0; expected"):
        make(attempts=0)
