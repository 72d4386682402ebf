"""Closed-form model templates: Woodbury against the plain solve, forms, and what a template gives away."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.contracts import InputError
from mote_bench.mote.closed_form import ClosedFormMOTE, _moments
from mote_bench.mote.heads import FORMS, decode, encode, size
from mote_bench.toolkit import stream, unit
from populations import gaussian_faces

FACES = gaussian_faces(150, 3, dimension=24, spread=0.5)
PEOPLE = gaussian_faces(20, 2, dimension=24, spread=0.5, seed=1).embeddings


@pytest.mark.parametrize("features", [0, 60])
def test_a_template_is_fishers_discriminant(features: int) -> None:
    """The plain solve of the same problem, in features that nobody whitened: the scores are the same."""
    scheme = ClosedFormMOTE(features=features, positives=8).fit(FACES, seed=0)
    (template,) = scheme.enroll(PEOPLE[:1], seeds=[5])
    centre, covariance = _moments([scheme._raw(FACES.embeddings)])
    covariance[np.diag_indices_from(covariance)] += 0.1 * np.trace(covariance) / len(covariance)
    drawn = scheme._raw(PEOPLE[0] + scheme._density.sample(8, stream(5, "closed form"))).astype(np.float64)
    apart = drawn - drawn.mean(axis=0)
    within = covariance + apart.T @ apart / 8
    weights = np.linalg.solve(within, drawn.mean(axis=0) - centre)
    expected = (scheme._raw(PEOPLE) - centre) @ weights / np.sqrt(weights @ within @ weights)
    assert scheme.score([template], PEOPLE)[0] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("features", [0, 60])
def test_scores_are_the_weights_times_the_whitened_features(features: int) -> None:
    """Whatever was asked before, and in whatever company."""
    scheme = ClosedFormMOTE(features=features, positives=8, form="int8").fit(FACES, seed=0)
    templates, probes = scheme.enroll(PEOPLE, seeds=range(40)), np.tile(PEOPLE, (15, 1))
    plain = decode(templates, features or 24, "int8") @ scheme._features(probes).T
    fresh = copy.deepcopy(scheme)
    assert scheme.score(templates, probes) == pytest.approx(plain, abs=1e-4)
    alone = [scheme.score([template], probes)[0] for template in templates]
    assert np.array(alone) == pytest.approx(plain, abs=1e-4)
    assert np.array_equal(alone, [fresh.score([template], probes)[0] for template in templates])


def test_a_template_that_cannot_be_read_is_named_by_its_place() -> None:
    scheme = ClosedFormMOTE(features=0, positives=8).fit(FACES, seed=0)
    templates = scheme.enroll(PEOPLE[:3], seeds=range(3))
    scheme.score(templates[:2], PEOPLE)
    with pytest.raises(ValueError, match="template 2 can't be read"):
        scheme.score([*templates[:2], templates[2][:-1]], PEOPLE)
    assert scheme.score([], PEOPLE).shape == (0, 40)


def test_moments_in_batches_are_those_of_all() -> None:
    rows = np.random.default_rng(0).standard_normal((50, 4))
    mean, covariance = _moments(np.array_split(rows, 7))
    assert mean == pytest.approx(rows.mean(axis=0))
    assert covariance == pytest.approx(np.cov(rows.T, bias=True))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_recognises_its_people(form: str) -> None:
    scheme = ClosedFormMOTE(features=200, form=form).fit(FACES, seed=0)  # type: ignore[arg-type]
    templates = scheme.enroll(PEOPLE[::2], seeds=range(20))
    assert (scheme.score(templates, PEOPLE[1::2]).argmax(axis=1) == np.arange(20)).mean() >= 0.95


@pytest.mark.parametrize("form", FORMS)
def test_by_default_a_template_fills_a_vectors_bytes(form: str) -> None:
    scheme = ClosedFormMOTE(form=form).fit(FACES, seed=0)  # type: ignore[arg-type]
    assert [len(one) for one in scheme.enroll(PEOPLE[:2], seeds=range(2))] == [4 * 24] * 2


def test_the_bytes_alone_point_at_the_face() -> None:
    """A closed form hides nothing: an attacker with the template and the public features has the face."""
    scheme = ClosedFormMOTE(features=0).fit(FACES, seed=0)
    reconstructed = scheme.reconstruct(scheme.enroll(PEOPLE[::2], seeds=range(20)))
    mean = FACES.embeddings.mean(axis=0)
    cosines = (unit(reconstructed - mean) * unit(PEOPLE[::2] - mean)).sum(axis=1)
    assert cosines.mean() > 0.8


@pytest.mark.parametrize("change", [{"form": "int3"}, {"positives": 1}, {"ridge": 0}, {"features": -1}])
def test_parameters_that_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="expected"):
        ClosedFormMOTE(**change)  # type: ignore[arg-type]


def test_before_fit() -> None:
    with pytest.raises(InputError, match="call fit"):
        ClosedFormMOTE().enroll(PEOPLE, seeds=range(40))


weights = st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40).map(lambda ws: np.array(ws, dtype=np.float32))


@given(weights, st.sampled_from(sorted(FORMS)))
def test_weights_come_back_within_a_step(drawn: np.ndarray, form: str) -> None:
    template = encode(drawn, form)
    assert len(template) == size(len(drawn), form)
    (back,) = decode([template], len(drawn), form)
    if levels := FORMS[form].levels:
        step = np.frombuffer(template[4:8], dtype="<f4")[0]
        clipped = np.clip(drawn, -levels * step, levels * step)
        assert np.abs(back - clipped).max() <= 0.5001 * step
    else:
        assert back == pytest.approx(drawn, rel=1e-3, abs=1e-6)


def test_nibbles_by_hand() -> None:
    # Levels 7, -7, 3 of scale 1: low nibble first, 0x7 | 0x9 << 4 = 0x97, then 0x3.
    drawn = np.array([7, -7, 3], dtype=np.float32)
    body = encode(np.concatenate([drawn, np.zeros(0, dtype=np.float32)]), "int4")[8:]
    assert len(body) == 2
    assert decode([b"MH\x03\x00" + np.float32(1).tobytes() + b"\x97\x03"], 3, "int4")[0].tolist() == [7, -7, 3]


def test_trits_by_hand() -> None:
    # Levels 1, 0, -1, 1, 1 and 0: digits 2, 1, 0, 2, 2 make 2 + 3 + 54 + 162 = 221; then 1 1 1 1 1 makes 121.
    drawn = np.array([1, 0, -1, 1, 1, 0], dtype=np.float32)
    assert (
        decode([b"MH\x04\x00" + np.float32(1).tobytes() + bytes([221, 121])], 6, "ternary")[0].tolist()
        == drawn.tolist()
    )
    assert encode(drawn, "ternary")[8:] == bytes([221, 121])
    with pytest.raises(ValueError, match="at most 242"):
        decode([b"MH\x04\x00" + np.float32(1).tobytes() + bytes([243])], 5, "ternary")


@given(st.binary(max_size=60), st.sampled_from(sorted(FORMS)))
def test_other_bytes_are_refused_or_finite(template: bytes, form: str) -> None:
    try:
        found = decode([template], 8, form)
    except ValueError as error:
        assert "template 0 can't be read" in str(error)  # noqa: PT017 - both outcomes are allowed
    else:
        assert np.isfinite(found).all()
