"""The lattice-based fuzzy extractor: a template by hand, what is forgiven, and what helper data give away."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from mote_baselines.cryptosystems.lattice_extractor import LatticeExtractor
from mote_baselines.cryptosystems.lattices import LATTICES

from mote_bench.contracts import Faces, Linear, Smooth
from mote_bench.toolkit import orthonormal, stream, unit
from populations import gaussian_faces

torch = pytest.importorskip("torch")


def by_hand() -> tuple[LatticeExtractor, np.ndarray]:
    """One block; the coordinates of an embedding are its entries, in lattice units."""
    scheme = LatticeExtractor(centre=False).fit(Faces(np.eye(8)), seed=0)
    scheme._matrix = np.eye(8, dtype=np.float32)
    return scheme, np.array([[0.6, 0.8, 0, 0, 0, 0, 0, 0]])


def test_a_template_by_hand() -> None:
    """The byte 0b10000001 is the point (1, 0, ..., 0, 1) plus a half each: (1.5, 0.5, ..., 0.5, 1.5)."""
    scheme, face = by_hand()
    seed = next(seed for seed in range(9999) if stream(seed, "lattice points").integers(0, 256, 1)[0] == 0b10000001)
    [template] = scheme.enroll(face, keys=None, seeds=[seed])
    minus_point = [0.6 - 1.5, 0.8 - 0.5, *[-0.5] * 5, -1.5]
    assert np.frombuffer(template[:16], "<u2").tolist() == [round(32768 * (one % 2)) for one in minus_point]
    assert template[16:] == hashlib.sha256(bytes([3, 1, 1, 1, 1, 1, 1, 3])).digest()


def test_a_probe_in_the_cell_around_the_reference_is_accepted() -> None:
    """Unit vectors at distances 0, 0.63 (below the packing radius of 0.707), 0.89 and 2 from the reference."""
    scheme, face = by_hand()
    templates = scheme.enroll(face, keys=None, seeds=[3])
    shown = np.array([[0.6, 0.8, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [-0.6, -0.8, 0, 0]])
    assert scheme.score(templates, np.hstack([shown, np.zeros((4, 4))]), keys=None).tolist() == [[1, 1, 0, 0]]


def test_helper_data_say_the_face_up_to_the_lattice_and_nothing_else() -> None:
    """Over keys, the helper data are the 256 points x - c, each as often: a key is independent of the face."""
    scheme, face = by_hand()
    read = scheme._read(scheme.enroll(np.repeat(face, 4000, axis=0), keys=None, seeds=range(4000)))
    helpers = np.array([helper[0] for helper, _ in read])
    apart = helpers - face
    np.testing.assert_allclose(apart - LATTICES["E8"].nearest(apart), 0, atol=1e-4)
    _, times = np.unique(helpers, axis=0, return_counts=True)
    assert len(times) == 256
    assert ((times - 4000 / 256) ** 2 / (4000 / 256)).sum() < 340  # chi-squared, 255 degrees of freedom: p = 3e-4


def test_a_dense_lattice_rejects_fewer_mated_comparisons_at_one_false_match_rate() -> None:
    faces = gaussian_faces(150, 2, dimension=64, spread=0.6, seed=4)
    public, attacked = faces.rows(np.arange(100)), faces.rows(np.arange(100, 300))
    references, probes = attacked.embeddings[::2], attacked.embeddings[1::2]

    def rates(scheme: LatticeExtractor) -> tuple[float, float]:
        scheme.fit(public, seed=1)
        accepted = scheme.score(scheme.enroll(references, keys=None, seeds=range(100)), probes, keys=None)
        return 1 - np.diag(accepted).mean(), (accepted.sum() - np.diag(accepted).sum()) / (100 * 99)

    dense, cubic = rates(LatticeExtractor(scale=3.6)), rates(LatticeExtractor(scale=3.6, lattice="Z8"))
    assert dense[0] < cubic[0] - 0.1
    assert max(dense[1], cubic[1]) < 0.01
    assert dense[0] < 0.2


@pytest.mark.parametrize(("scale", "opened"), [(5.0, True), (1.0, False)])
def test_cells_that_hold_two_photos_give_the_face_away(scale: float, opened: bool) -> None:
    faces = gaussian_faces(300, 1, dimension=32)
    attacked, public = faces.rows(np.arange(12)), faces.rows(np.arange(12, 300))
    scheme = LatticeExtractor(scale=scale).fit(public, seed=0)
    templates = scheme.enroll(attacked.embeddings, keys=None, seeds=range(12))
    found = scheme.solve(templates, keys=None, prior=public.embeddings, rng=np.random.default_rng(0))
    near = (unit(found) * attacked.embeddings).sum(axis=1)
    assert bool((near > 0.999).mean() > 0.9) is opened
    assert bool(np.diag(scheme.score(templates, found, keys=None)).mean() > 0.9) is opened
    kinds = {type(one) for one in scheme.likelihood(templates, keys=None)}
    assert (Linear in kinds) is opened


def test_public_faces_tell_the_blocks_that_are_further_from_the_mean_face_than_a_cell() -> None:
    """Faces of 24 dimensions among 64, as recognisers fill few: blocks depend on one another."""
    rng = np.random.default_rng(0)
    few = gaussian_faces(340, 1, dimension=24).embeddings
    turned = few @ orthonormal(rng.standard_normal((64, 24))).T + 0.02 * rng.standard_normal((340, 64))
    public, attacked = Faces(turned[:300]), Faces(turned[300:]).embeddings
    scheme = LatticeExtractor(scale=4.0).fit(public, seed=0)
    templates = scheme.enroll(attacked, keys=None, seeds=range(40))

    def opened(found: np.ndarray) -> float:
        return float(np.diag(scheme.score(templates, found, keys=None)).mean())

    helpers = np.array([helper for helper, _ in scheme._read(templates)])
    alone = opened(scheme._back(helpers - scheme._nearest(helpers)))
    together = opened(scheme.solve_without_keys(templates, prior=public, rng=rng))
    assert alone < 0.7
    assert together > 0.9


def test_templates_of_one_photo_are_linked_whatever_their_keys() -> None:
    faces = gaussian_faces(40, 1, dimension=32).embeddings
    scheme = LatticeExtractor(scale=1.0).fit(Faces(faces), seed=0)
    first, again = (scheme.enroll(faces, keys=None, seeds=range(k, k + 40)) for k in (0, 40))
    similar = scheme.link(first, again)
    assert (similar.argmax(axis=1) == np.arange(40)).all()
    np.testing.assert_allclose(np.diag(similar), 0, atol=1e-5)


def test_the_likelihood_up_to_the_lattice_is_largest_at_the_face_and_at_no_other() -> None:
    faces = gaussian_faces(60, 1, dimension=32).embeddings
    scheme = LatticeExtractor(scale=1.0).fit(Faces(faces), seed=0)
    [said] = scheme.likelihood(scheme.enroll(faces[:1], keys=None, seeds=[0]), keys=None)
    assert isinstance(said, Smooth)
    shown = torch.from_numpy(faces.copy()).requires_grad_()
    values = said.log_likelihood(shown, 0.1)
    assert int(values.argmax()) == 0
    assert float(values[0].detach()) == pytest.approx(0, abs=1e-3)
    [slope] = torch.autograd.grad(values[1], shown)
    step = shown.detach() + 1e-5 * slope / slope.norm()
    assert float(said.log_likelihood(step, 0.1)[1]) > float(values[1].detach())


def test_an_accepted_probe_gives_the_embedding() -> None:
    faces = gaussian_faces(60, 2, dimension=30, spread=0.1)  # two coordinates of the last block are empty
    scheme = LatticeExtractor(scale=4.0).fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[1, 2])
    assert len(templates[0]) == 2 * 32 + 32
    own, none = scheme.unlock(templates, faces.embeddings[[1, 90]], keys=None)
    assert none is None
    assert own is not None
    np.testing.assert_allclose(own.values, own.matrix @ faces.embeddings[0], atol=2e-4)


def test_no_templates_give_no_answers() -> None:
    faces = gaussian_faces(40, 1, dimension=30)
    scheme = LatticeExtractor().fit(faces, seed=0)
    templates = scheme.enroll(faces.embeddings[:2], keys=None, seeds=[0, 1])
    assert scheme.enroll(faces.embeddings[:0], keys=None, seeds=[]) == []
    assert scheme.score([], faces.embeddings, keys=None).shape == (0, 40)
    assert scheme.link([], templates).shape == (0, 2)
    assert scheme.link(templates, []).shape == (2, 0)
    assert scheme.solve_without_keys([], prior=faces, rng=np.random.default_rng(0)).shape == (0, 30)
    assert list(scheme.likelihood([], keys=None)) == []


def test_wrong_parameters_and_templates_are_refused() -> None:
    for scale, lattice in ((0.0, "E8"), (np.inf, "E8"), (5.0, "Leech")):
        with pytest.raises(ValueError, match=f"scale={scale}, lattice='{lattice}'; expected a finite scale"):
            LatticeExtractor(scale=scale, lattice=lattice)
    scheme, face = by_hand()
    with pytest.raises(ValueError, match="template 0 has 3 bytes; expected 48"):
        scheme.score([b"abc"], face, keys=None)
