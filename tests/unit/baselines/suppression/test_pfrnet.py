"""PFRNet: its losses by hand, equal moments of the classes, what a linear probe finds, and equal results."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mote_baselines.suppression.pfrnet import PFRNet, alignment_loss, separation_loss
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from mote_bench.contracts import Faces, FloatArray, InputError
from mote_bench.testing import check_scheme
from mote_bench.toolkit import unit
from populations import gaussian_faces

VALUES = torch.tensor([[1.0, 0], [3, 0], [0, 1], [0, 1], [9, 9]])
CLASSES = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1], [0, 0]])
"""Means (2, 0) and (0, 1), second moments (5, 0) and (0, 1); the class of the last row is unknown."""
GAPS = (5**0.5, 26**0.5)

FACES = gaussian_faces(500, 2, dimension=32, seed=1)
"""The planted gender is coordinate 0, age is coordinate 1."""
OTHERS = gaussian_faces(300, 2, dimension=32, seed=2)


@pytest.fixture(scope="module")
def scheme() -> PFRNet:
    return PFRNet(dependent=4, steps=600, batch=256, attributes=["gender"]).fit(FACES, seed=0)


def stored(scheme: PFRNet, rows: FloatArray) -> FloatArray:
    templates = scheme.enroll(rows, keys=None, seeds=range(len(rows)))
    return np.array([np.frombuffer(one, "<f4") for one in templates], dtype=np.float64)


def plain(faces: Faces) -> FloatArray:
    return unit(faces.embeddings - FACES.embeddings.mean(axis=0))


def moments_apart(rows: FloatArray, faces: Faces) -> list[float]:
    """Distance of the genders' means and second moments, in standard deviations of the values."""
    rows, male = rows / rows.std(), faces.attributes["gender"] == "male"
    return [float(np.linalg.norm((rows[male] ** k).mean(axis=0) - (rows[~male] ** k).mean(axis=0))) for k in (1, 2)]


def right(known: FloatArray, unknown: FloatArray) -> float:
    """Balanced accuracy of a linear probe of gender on faces that it wasn't trained on."""
    probe = LogisticRegression(class_weight="balanced", max_iter=1000).fit(known, FACES.attributes["gender"])
    return float(balanced_accuracy_score(OTHERS.attributes["gender"], probe.predict(unknown)))


def test_keeps_the_contract() -> None:
    assert [finding for finding in check_scheme(lambda: PFRNet(steps=30, dependent=4)) if not finding.ok] == []


@pytest.mark.parametrize("orders", [1, 2])
def test_the_losses_by_hand(orders: int) -> None:
    gaps = GAPS[:orders]
    assert float(alignment_loss(VALUES, CLASSES, orders)) == pytest.approx(sum(gaps))
    assert float(separation_loss(VALUES / 4, CLASSES, 1)) == pytest.approx(np.exp(-5 / 16))
    assert float(separation_loss(VALUES, CLASSES, orders)) == pytest.approx(sum(np.exp(-(gap**2)) for gap in gaps))


def test_the_losses_of_three_classes_are_means_over_pairs() -> None:
    """Means 0, 3 and 4 lie 3, 4 and 1 apart; a class without a face has no pair."""
    values, classes = torch.tensor([[0.0], [3], [4]]), torch.eye(3)
    assert float(alignment_loss(values, classes, 1)) == pytest.approx(8 / 3)
    expected = (np.exp(-9) + np.exp(-16) + np.exp(-1)) / 3
    assert float(separation_loss(values, classes, 1)) == pytest.approx(expected)
    wider = torch.hstack([classes, torch.zeros(3, 1)])
    assert float(alignment_loss(values, wider, 1)) == pytest.approx(8 / 3)


def test_a_batch_of_one_class_has_no_loss_of_moments() -> None:
    values = VALUES.clone().requires_grad_()
    loss = alignment_loss(values, CLASSES[:, :1], 2) + separation_loss(values, CLASSES[:, :1], 2)
    assert float(loss.detach()) == 0


def test_equal_moments_have_a_finite_gradient() -> None:
    """A distance of 0 has no gradient; a step that took NaN from it would destroy the nets."""
    values = torch.ones(4, 2, requires_grad=True)
    alignment_loss(values, CLASSES[:4], 2).backward()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()


def test_the_whole_loss_by_hand() -> None:
    """Encoders give x0 and x1; the decoder gives them in turn, so the error is the square of their difference."""
    scheme = PFRNet(alignment=0.5, separation=2, orders=1, hidden=0)
    independent = [(torch.tensor([[1.0], [0]]), torch.zeros(1))]
    dependent = [(torch.tensor([[0.0], [1]]), torch.zeros(1))]
    decoder = [(torch.tensor([[0.0, 1], [1, 0]]), torch.zeros(2))]
    faces, classes = torch.tensor([[1.0, 0], [3, 1]]), torch.eye(2)
    loss = scheme._loss(faces, [classes], [independent, dependent, decoder])
    assert float(loss) == pytest.approx((1 + 4) / 2 + 0.5 * 2 + 2 * np.exp(-1))


def test_hidden_layers_by_hand() -> None:
    """Of directions (1, 0) and (0, 1) times the root of 2, minus their mean: ReLU cuts (1, -1) and (-1, 1) to 1."""
    scheme = PFRNet(dependent=1, steps=1)
    scheme._origin, scheme._mean = np.zeros(2, dtype=np.float32), np.array([1.0])
    below, above = np.array([[1, -1], [-1, 2]]) / np.sqrt(2), np.array([[1.0], [3]])
    scheme._encoder = [(below, np.zeros(2)), (above, np.array([10.0]))]
    np.testing.assert_allclose(stored(scheme, np.eye(2)), [[1 + 10 - 1], [3 * 2 + 10 - 1]], atol=1e-6)


def test_the_moments_of_the_classes_are_matched(scheme: PFRNet) -> None:
    """Both orders on the faces of the training; on others the means, as their second moments differ by chance."""
    means, squares = moments_apart(plain(FACES), FACES)
    matched = moments_apart(stored(scheme, FACES.embeddings), FACES)
    assert matched[0] < means / 10
    assert matched[1] < squares / 2
    assert moments_apart(stored(scheme, OTHERS.embeddings), OTHERS)[0] < moments_apart(plain(OTHERS), OTHERS)[0] / 4


def test_a_linear_probe_falls_and_recognition_stays(scheme: PFRNet) -> None:
    assert right(plain(FACES), plain(OTHERS)) > 0.95
    assert right(stored(scheme, FACES.embeddings), stored(scheme, OTHERS.embeddings)) < 0.65
    references, probes = OTHERS.embeddings[::2], OTHERS.embeddings[1::2]
    scores = scheme.score(scheme.enroll(references, keys=None, seeds=range(300)), probes, keys=None)
    assert (scores.argmax(axis=1) == np.arange(300)).mean() > 0.95


def test_without_its_loss_the_attribute_stays() -> None:
    """An autoencoder alone hides nothing: what falls in the test above falls because of alignment."""
    bare = PFRNet(dependent=4, steps=300, batch=256, attributes=["gender"], alignment=0, separation=0)
    bare.fit(FACES, seed=0)
    assert right(stored(bare, FACES.embeddings), stored(bare, OTHERS.embeddings)) > 0.9


def test_all_attributes_are_hidden_by_default() -> None:
    both = PFRNet(dependent=4, steps=600, batch=256).fit(FACES, seed=0)
    rows = stored(both, FACES.embeddings)
    for name in ("gender", "age"):
        probe = LogisticRegression(class_weight="balanced", max_iter=1000).fit(rows, FACES.attributes[name])
        guesses = probe.predict(stored(both, OTHERS.embeddings))
        assert balanced_accuracy_score(OTHERS.attributes[name], guesses) < 0.7


def test_the_seed_decides_all(scheme: PFRNet) -> None:
    """Also where torch's own generator is another; another seed draws other nets."""
    torch.manual_seed(5)
    again, other = (
        PFRNet(dependent=4, steps=20, attributes=["gender"]).fit(FACES, seed=seed)._encoder for seed in (0, 1)
    )
    torch.manual_seed(6)
    once = PFRNet(dependent=4, steps=20, attributes=["gender"]).fit(FACES, seed=0)._encoder
    for (weights, bias), (same, equal), (different, _) in zip(once, again, other, strict=True):
        np.testing.assert_array_equal(weights, same)
        np.testing.assert_array_equal(bias, equal)
        assert not np.allclose(weights, different)


def test_the_decoder_points_to_the_own_face(scheme: PFRNet) -> None:
    """What a stolen template gives of its face: all but what was set aside, which is a fifth of these faces' length."""
    own = OTHERS.embeddings[:200:2]
    found = scheme.reconstruct(scheme.enroll(own, keys=None, seeds=range(100)), keys=None)
    cosines = unit(found - scheme._origin) @ unit(own - scheme._origin).T
    assert (cosines.argmax(axis=1) == np.arange(100)).mean() > 0.9
    assert np.diag(cosines).mean() > 0.5


def test_the_likelihood_and_the_surrogate_are_those_of_the_score(scheme: PFRNet) -> None:
    own = torch.from_numpy(OTHERS.embeddings[:5].copy())
    templates = scheme.enroll(own.numpy(), keys=None, seeds=range(5))
    for row, said in enumerate(scheme.likelihood(templates, keys=None)):
        np.testing.assert_allclose(said.function(own.double())[row].numpy(), said.values, atol=10 * said.spread)
    shown = scheme.surrogate(templates, keys=None)(own.expand(5, 5, 32)).numpy()
    np.testing.assert_allclose(shown, scheme.score(templates, own.numpy(), keys=None), atol=1e-4)


def test_nothing_of_the_background_is_held(scheme: PFRNet) -> None:
    held = [array for net in (scheme._encoder, scheme._decoder) for layer in net for array in layer]
    assert all(isinstance(array, np.ndarray) and len(array) <= 32 for array in held)
    assert len(scheme.enroll(FACES.embeddings[:1], keys=None, seeds=[0])[0]) == 4 * 28


@pytest.mark.parametrize(("dimension", "kept"), [(2, 1), (24, 21), (128, 112), (192, 176)])
def test_sixteen_values_are_set_aside_or_an_eighth(dimension: int, kept: int) -> None:
    faces = gaussian_faces(20, 1, dimension=dimension)
    [template] = PFRNet(steps=1).fit(faces, seed=0).enroll(faces.embeddings[:1], keys=None, seeds=[0])
    assert len(template) == 4 * kept


def test_hiding_needs_something_to_hide() -> None:
    with pytest.raises(InputError, match="none with two classes"):
        PFRNet(dependent=4).fit(Faces(FACES.embeddings), seed=0)
    with pytest.raises(InputError, match="no attribute height"):
        PFRNet(dependent=4, attributes=["height"]).fit(FACES, seed=0)
    with pytest.raises(ValueError, match="dependent=32; expected 1 to 31"):
        PFRNet(dependent=32).fit(FACES, seed=0)


@pytest.mark.parametrize(
    "arguments",
    [{"dependent": 0}, {"orders": 0}, {"steps": 0}, {"batch": 0}, {"hidden": -1}, {"alignment": -1}, {"rate": 0}],
)
def test_impossible_parameters(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        PFRNet(**arguments)
