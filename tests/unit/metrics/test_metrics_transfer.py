"""Reconstructions shown to a second recogniser, whose space is a turned and disturbed copy of the first."""

from dataclasses import replace

import numpy as np
import pytest

from mote_bench.contracts import Faces, InputError
from mote_bench.data import npz
from mote_bench.engine import scoring
from mote_bench.metrics.transfer import (
    Transfer,
    _ridge,
    measure_mapping,
    measure_transfer,
    measure_transferred_dictionary,
)
from mote_bench.planning import protocol
from mote_bench.planning.split import split
from mote_bench.questions.staging import Attacked, Rules, Staged
from mote_bench.toolkit import unit
from populations import gaussian_faces

D, D2 = 32, 48


def twice_embedded(people=300, noise=0.05, seed=0):
    faces, rng = gaussian_faces(people, 4, dimension=D, seed=seed), np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((D2, D)))[0]
    second = faces.embeddings @ turn.T + noise * rng.standard_normal((len(faces), D2))
    return Faces(faces.embeddings, faces.identity, faces.attributes, {}, second)


@pytest.fixture(scope="module")
def people():
    return split(twice_embedded(), protocol.load(), seed=0)


def figures(people, answer):
    rule = scoring.unprotected(people, ["1e-2"])
    target = people.target
    rows = np.arange(len(target.references))
    found = measure_transfer(answer, target.references.second, target.probes.second, target.shown, rule.transfer)
    assert len(rows) == found[0].n
    return {one.name: one.value for one in found}


def test_the_enrolled_face_passes_there_as_its_own_picture_does(people):
    found = figures(people, people.target.references.embeddings)
    own = found["second_recogniser_genuine_success_at_fmr_1e-2"]
    assert own > 0.8
    assert found["second_recogniser_type_1_success_at_fmr_1e-2"] > 0.95
    assert found["second_recogniser_type_2_success_at_fmr_1e-2"] == pytest.approx(own, abs=0.1)
    assert found["second_recogniser_wolf_rate_at_fmr_1e-2"] < 0.04


def test_somebody_elses_face_doesnt(people):
    found = figures(people, np.roll(people.target.references.embeddings, 1, axis=0))
    assert found["second_recogniser_type_2_success_at_fmr_1e-2"] < 0.1


def test_a_turn_is_learned_exactly():
    """Without noise the map is the turn itself: faces of both spaces agree to rounding, as seen from the means."""
    faces = twice_embedded(noise=0.0)
    transfer = Transfer.learned(faces, {})
    shown = unit(transfer.faces(faces.embeddings) - transfer.second_mean)
    true = unit(faces.second - transfer.second_mean)
    assert (shown * true).sum(axis=1).min() > 0.999


def test_a_ridge_by_hand():
    """Inputs (2, 0), (0, 1): squares 4 and 1, on average 2.5; with a strength of 2 each square has 5 added."""
    inputs, outputs = np.array([[2.0, 0], [0, 1]]), np.array([[3.0], [6]])
    assert _ridge(inputs, outputs, 2.0) == pytest.approx(np.array([[2 * 3 / 9], [6 / 6]]))
    assert _ridge(inputs, outputs, 0.0) == pytest.approx(np.array([[1.5], [6]]))


def agreement(weights, faces):
    """Mean cosine of mapped and true second embeddings, both from their means."""
    one, other = (unit(rows - rows.mean(axis=0)) for rows in (faces.embeddings, faces.second))
    return float((unit(one @ weights) * other).sum(axis=1).mean())


def test_the_strength_suits_the_faces_at_hand():
    """Learned from few noisy faces, the map does better on other faces than one that is drawn in little or a lot."""
    faces = twice_embedded(people=40, noise=0.3)
    rows = np.arange(len(faces))
    learned, others = faces.rows(rows[:60]), faces.rows(rows[60:])
    chosen = Transfer.learned(learned, {})
    one, other = (unit(rows - rows.mean(axis=0, dtype=float)) for rows in (learned.embeddings, learned.second))
    found = agreement(chosen.weights, others)
    assert found > agreement(_ridge(one, other, 1e-5), others) + 0.01
    assert found > agreement(_ridge(one, other, 10.0), others) - 0.005
    assert chosen.mean == pytest.approx(learned.embeddings.mean(axis=0), abs=1e-6)
    assert chosen.second_mean == pytest.approx(learned.second.mean(axis=0), abs=1e-6)


def test_what_is_taken_over(people):
    rule, target = scoring.unprotected(people, ["1e-2"]), people.target
    answer = target.references.embeddings
    found = measure_transfer(answer, target.references.second, target.probes.second, target.shown, rule.transfer)
    rates = list(rule.transfer.thresholds)
    names = ("type_1_success", "type_2_success", "wolf_rate", "genuine_success")
    assert {one.name for one in found} == {f"second_recogniser_{name}_at_fmr_{at}" for at in rates for name in names}


def test_records_hold_the_figures_where_the_data_do(people):
    from mote_bench.questions import WhichFace

    rows = np.arange(len(people.target.references))
    attacked = Attacked(people.target.references.embeddings.astype(np.float64), None, {})
    rules = Rules(scoring.unprotected(people, ["1e-2"]), {})
    panel = scoring.panels(people)[0]
    measured = scoring.measure(WhichFace(D), attacked, Staged(None, rows, rows[:0]), panel=panel, rules=rules, seed=0)
    assert measured["second_recogniser_type_1_success_at_fmr_1e-2"].value > 0.95
    without = replace(rules, unprotected=replace(rules.unprotected, transfer=None))
    plain = scoring.measure(WhichFace(D), attacked, Staged(None, rows, rows[:0]), panel=panel, rules=without, seed=0)
    assert not any(one.name.startswith("second_recogniser") for one in plain.measurements)


def test_the_ceiling_is_the_enrolled_face_through_the_same_map(people):
    """It equals what a perfect reconstruction reaches, and lies at or below what the photo itself reaches there."""
    rule, target = scoring.unprotected(people, ["1e-2"]), people.target
    there = target.references.second, target.probes.second, target.shown, rule.transfer
    (ceiling,) = measure_mapping(target.references.embeddings, *there)
    found = {one.name: one for one in measure_transfer(target.references.embeddings, *there)}
    assert ceiling.name == "second_recogniser_mapped_success_at_fmr_1e-2"
    perfect = found["second_recogniser_type_2_success_at_fmr_1e-2"]
    assert (ceiling.value, ceiling.low, ceiling.high) == (perfect.value, perfect.low, perfect.high)


def test_a_dictionary_by_hand():
    """The second recogniser sees what the first one sees. Accepted from 0.6 on: subjects at angles 0, 10 and 90."""
    small, angles = np.full(2, 1e-9), np.radians([0, 10, 90])
    subjects = np.column_stack([np.cos(angles), np.sin(angles)])
    transfer = Transfer(small, small, np.eye(2), {"1e-2": 0.6})
    found = {one.name: one for one in measure_transferred_dictionary(subjects[[0, 2]], subjects, transfer)}
    assert {name: one.value for name, one in found.items()} == {
        "second_recogniser_opened_by_1_at_fmr_1e-2": pytest.approx(2 / 3),
        "second_recogniser_opened_by_10_at_fmr_1e-2": 1.0,
    }
    assert found["second_recogniser_opened_by_10_at_fmr_1e-2"].chance == pytest.approx(1 - 0.99**2)
    assert measure_transferred_dictionary(subjects, subjects, Transfer(small, small, np.eye(2), {})) == ()


def test_rows_carry_both_embeddings_and_lengths_must_agree():
    faces = twice_embedded(10)
    np.testing.assert_array_equal(faces.rows(np.array([3, 1])).second, faces.second[[3, 1]])
    with pytest.raises(InputError, match="39 second embeddings for 40 images"):
        Faces(faces.embeddings, second=faces.second[:-1])
    with pytest.raises(ValueError, match="one embedding each"):
        Transfer.learned(Faces(faces.embeddings), {})


def test_a_file_may_hold_both(tmp_path):
    faces = twice_embedded(10)
    np.savez(tmp_path / "both.npz", embeddings=faces.embeddings, embeddings_2=faces.second, identity=faces.identity)
    read = npz.load(tmp_path / "both.npz", bins={}).faces
    np.testing.assert_allclose(read.second, faces.second, atol=1e-6)
    np.savez(tmp_path / "words.npz", embeddings=faces.embeddings, embeddings_2=np.array(["a"] * 40))
    with pytest.raises(InputError, match=r"'embeddings_2' in .* expected real numbers"):
        npz.load(tmp_path / "words.npz", bins={})
