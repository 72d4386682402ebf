"""Posterior attacks against the optimum, on simulated faces whose true model is known.

Faces follow a two-covariance model (PLDA) in a plane near the unit sphere: scaling to length one changes nothing.
Templates hold linear values with Gaussian noise, or sign bits. For values the optimum is in closed form. For bits it is
counted: millions of faces are drawn from the true model and sorted by their bits. Attacks are given public faces and
no parameter of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from mote_attacks.attributes.from_posterior import LogisticOnPosterior
from mote_attacks.inversion.posterior import SubjectOfPosterior
from mote_attacks.linkage.posterior import RatioOfPosteriors

from mote_bench.contracts import Evidence, Faces, FloatArray, HalfSpaces, Key, Knowledge, Likelihood, Linear, Shadow
from mote_bench.metrics.attributes import balanced_accuracy
from mote_bench.questions import SamePerson, WhichClass, WhichFace
from mote_bench.toolkit import unit

NEAR = 1e-3
"""Size of a face's coordinates beside its distance from the origin."""
WORSE = 0.02
"""How much worse than the optimum an attack may be, relative to it."""
TARGETS, SHADOWS, SUBJECTS, PHOTOS = 500, 100, 1200, 3
GENDER, WEIGHT = WhichClass("gender", ("female", "male")), 3.0


@dataclass(frozen=True)
class World:
    """The true model, in coordinates of variance one; photos of a subject have the share ``between`` (r,) in common.

    The class of a photo is male with probability ``sigmoid(WEIGHT * first coordinate)``.
    """

    between: FloatArray

    @property
    def size(self) -> int:
        return len(self.between)

    def photos(self, subjects: int, count: int, rng: np.random.Generator) -> list[FloatArray]:
        """``count`` photos (subjects, r) of each subject."""
        centres = rng.standard_normal((subjects, self.size)) * np.sqrt(self.between)
        apart = np.sqrt(1 - self.between)
        return [centres + rng.standard_normal((subjects, self.size)) * apart for _ in range(count)]


def faces(z: FloatArray, rng: np.random.Generator | None = None, names: npt.NDArray[np.str_] | None = None) -> Faces:
    """The photos with coordinates z (n, r), labelled where there is ``rng``."""
    rows = np.hstack([np.ones((len(z), 1)), NEAR * z])
    return Faces(rows, names, {} if rng is None else {"gender": labelled(z, rng)})


def labelled(z: FloatArray, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    return np.where(rng.random(len(z)) < sigmoid(WEIGHT * z[:, 0]), "male", "female")


def sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-x)))


class Values:
    """Templates ``matrix @ z`` with Gaussian noise."""

    def __init__(self, matrix: FloatArray, noise: float) -> None:
        self.matrix, self.noise = matrix, noise

    def of(self, z: FloatArray, rng: np.random.Generator) -> FloatArray:
        exact = z @ self.matrix.T
        return np.asarray(exact + self.noise * rng.standard_normal(exact.shape))

    def likelihood(self, templates: Sequence[bytes], *, keys: Sequence[Key] | None) -> Iterator[Likelihood]:
        for one in templates:
            yield Linear(in_faces(self.matrix), np.frombuffer(one), self.noise)


class Signs(Values):
    """Templates ``sign(matrix @ z)``."""

    def of(self, z: FloatArray, rng: np.random.Generator) -> FloatArray:
        return np.where(z @ self.matrix.T > 0, 1.0, -1.0)

    def likelihood(self, templates: Sequence[bytes], *, keys: Sequence[Key] | None) -> Iterator[Likelihood]:
        for one in templates:
            signs = np.frombuffer(one)
            yield HalfSpaces(signs[:, None] * in_faces(self.matrix), np.zeros(len(signs)))


def in_faces(matrix: FloatArray) -> FloatArray:
    """The matrix (m, 1 + r) that has the same products with an embedding."""
    return np.hstack([np.zeros((len(matrix), 1)), matrix / NEAR])


@dataclass(frozen=True, eq=False)
class Game:
    """Two templates of each target subject, of two photos, and what the attacker holds beside them."""

    world: World
    scheme: Values
    evidence: Evidence
    first: FloatArray
    second: FloatArray
    seen: FloatArray
    gender: npt.NDArray[np.str_]


def game(world: World, scheme: Values) -> Game:
    rng = np.random.default_rng(0)
    public = np.concatenate(world.photos(SUBJECTS, PHOTOS, rng))
    names = np.tile(np.char.add("public ", np.arange(SUBJECTS).astype(str)), PHOTOS)
    one, other = world.photos(TARGETS, 2, rng)
    mine, again = world.photos(SHADOWS, 2, rng)
    first, second = scheme.of(one, rng), scheme.of(other, rng)
    shadow = Shadow(faces(mine, rng), stored(scheme.of(mine, rng)), None, faces(again))
    evidence = Evidence(
        Knowledge.ALGORITHM,
        stored(first),
        stored(second),
        scheme=scheme,  # type: ignore[arg-type]
        public=faces(public, rng, names),
        shadow=shadow,
    )
    return Game(world, scheme, evidence, first, second, other, labelled(one, rng))


def stored(values: FloatArray) -> tuple[bytes, ...]:
    return tuple(row.tobytes() for row in values)


# What the optimal attacker knows: of each template, draws of its photo, and the log ratio of each two templates.


def drawn_by_values(made: Game) -> FloatArray:
    """(draws, targets, r) photos from the posterior of each first template, a normal distribution."""
    matrix, r = made.scheme.matrix, made.world.size
    covariance = np.linalg.inv(np.eye(r) + matrix.T @ matrix / made.scheme.noise**2)
    mean = made.first @ matrix @ covariance / made.scheme.noise**2
    noise = np.random.default_rng(1).standard_normal((1000, 1, r))
    return np.asarray(mean + noise @ np.linalg.cholesky(covariance).T)


def ratios_of_values(made: Game) -> FloatArray:
    """The ratio of two normal densities of both templates: with the covariance between subjects, and without."""
    matrix, between = made.scheme.matrix, np.diag(made.world.between)
    own = matrix @ matrix.T + made.scheme.noise**2 * np.eye(len(matrix))
    shared = matrix @ between @ matrix.T
    together = np.linalg.inv(np.block([[own, shared], [shared, own]]))
    m = len(matrix)
    alone = np.linalg.inv(own)
    left = np.einsum("ni,ij,nj->n", made.first, alone - together[:m, :m], made.first)
    right = np.einsum("ni,ij,nj->n", made.second, alone - together[m:, m:], made.second)
    return np.asarray(left[:, None] / 2 + right / 2 - made.first @ together[:m, m:] @ made.second.T)


def drawn_by_signs(made: Game) -> FloatArray:
    """(draws, targets, r) photos that have the bits of each first template."""
    z = np.random.default_rng(1).standard_normal((500_000, made.world.size))
    own, codes = code(made.scheme.of(z, np.random.default_rng(0))), code(made.first)
    rows = {one: np.flatnonzero(own == one)[:1000] for one in np.unique(codes)}
    least = min(map(len, rows.values()))
    assert least >= 200, f"{least} draws have the bits of a template; expected 200 or more"
    return np.stack([z[rows[one][:least]] for one in codes], axis=1)


def ratios_of_signs(made: Game) -> FloatArray:
    """How often two photos of one subject have these bits, and photos of two subjects."""
    rng, bits = np.random.default_rng(1), len(made.scheme.matrix)
    left, right = (code(made.scheme.of(z, rng)) for z in made.world.photos(2_000_000, 2, rng))
    counted = np.bincount(left << bits | right, minlength=4**bits).reshape(2**bits, 2**bits) + 0.5
    ratio = np.log(counted) - np.log(counted.sum(axis=0)) - np.log(counted.sum(axis=1))[:, None]
    return np.asarray(ratio[np.ix_(code(made.first), code(made.second))])


def code(signs: FloatArray) -> npt.NDArray[np.intp]:
    return np.asarray((signs > 0) @ (1 << np.arange(signs.shape[1])), dtype=np.intp)


def eer(ratios: FloatArray) -> float:
    """The equal error rate of the diagonal against all else, ties half."""
    own = np.eye(len(ratios), dtype=bool)
    at = np.unique(ratios[own])
    mated, others = np.sort(ratios[own]), np.sort(ratios[~own])

    def below(values: FloatArray) -> FloatArray:
        return np.asarray(np.searchsorted(values, at, "left") + np.searchsorted(values, at, "right")) / 2 / len(values)

    missed, accepted = below(mated), 1 - below(others)
    place = int(np.argmin(np.abs(missed - accepted)))
    return float((missed[place] + accepted[place]) / 2)


WORLD = World(np.array([0.9, 0.8, 0.8, 0.7, 0.7, 0.6]))
SMALL = World(np.array([0.9, 0.8, 0.7]))


@pytest.fixture(scope="module", params=["values", "signs"])
def made(request: pytest.FixtureRequest) -> tuple[Game, FloatArray, FloatArray]:
    """The game, draws from the optimal posterior, and the optimal log ratios."""
    rng = np.random.default_rng(5)
    if request.param == "values":
        one = game(WORLD, Values(rng.standard_normal((4, 6)), 1.0))
        return one, drawn_by_values(one), ratios_of_values(one)
    one = game(SMALL, Signs(rng.standard_normal((5, 3)), 0.0))
    return one, drawn_by_signs(one), ratios_of_signs(one)


def test_the_class_is_inferred_as_well_as_by_the_true_model(made: tuple[Game, FloatArray, FloatArray]) -> None:
    one, drawn, _ = made
    chance = sigmoid(WEIGHT * drawn[:, :, 0]).mean(axis=0)
    found = LogisticOnPosterior().answer(GENDER, one.evidence, np.random.default_rng(2))
    truth = (one.gender == "male").astype(np.intp)
    optimum = balanced_accuracy(np.column_stack([1 - chance, chance]), truth)
    assert 0.6 < optimum < 0.95
    assert balanced_accuracy(found, truth) >= (1 - WORSE) * optimum


def test_templates_are_linked_as_well_as_by_the_true_model(made: tuple[Game, FloatArray, FloatArray]) -> None:
    one, _, ratios = made
    optimum = eer(ratios)
    assert 0.1 < optimum < 0.4
    found = RatioOfPosteriors().answer(SamePerson(), one.evidence, np.random.default_rng(2))
    assert eer(found) <= (1 + WORSE) * optimum


def test_comparing_the_stored_values_is_farther_from_the_optimum(made: tuple[Game, FloatArray, FloatArray]) -> None:
    """So the bound tells attacks apart."""
    one, _, ratios = made
    nearer = -((one.first[:, None] - one.second) ** 2).sum(axis=2)
    assert eer(nearer) > (1 + WORSE) * eer(ratios)


def test_the_face_is_reconstructed_as_well_as_by_the_true_model(made: tuple[Game, FloatArray, FloatArray]) -> None:
    """Mean cosine with another photo; at best the mean direction of such photos, given the template."""
    one, drawn, _ = made
    apart = np.sqrt(1 - one.world.between**2) * np.random.default_rng(3).standard_normal(drawn.shape)
    best = unit(unit(drawn * one.world.between + apart).mean(axis=0))
    found = SubjectOfPosterior().answer(WhichFace(1 + one.world.size), one.evidence, np.random.default_rng(2))
    true = unit(one.seen)
    optimum = float((best * true).sum(axis=1).mean())
    assert 0.3 < optimum < 0.9
    assert float((unit(found[:, 1:]) * true).sum(axis=1).mean()) >= (1 - WORSE) * optimum
