"""Model templates without training: shared features, and a subject's discriminant in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, InputError, Key, Template
from mote_bench.mote.heads import FORMS, decode, encode, size
from mote_bench.mote.kde import Density, cross_validated, residuals
from mote_bench.mote.people import people_of
from mote_bench.toolkit import Recent, device, on_sphere, stream, unit

if TYPE_CHECKING:
    from torch import Tensor

LINEAR_RIDGE = 1.0
_ROWS = 2048
_TILE = 512
"""Probes whose features are worked out at once: as many as stay in a processor's cache."""
_REMEMBERED_SLOPES, _REMEMBERED_UNITS = 2**25, 2**26
Form = Literal["float32", "float16", "int8", "int4", "ternary"]


class ClosedFormMOTE:
    """A subject's template is a discriminant between them and the background, in features that are not trained.

    A template holds the weights of one linear unit. Its inputs are the same for every subject: the embedding itself, or
    ReLU units with random weights from a seed (random features; Rahimi & Recht, NIPS 2008). So a template is the last
    layer of a MOTE (Groß, Heindorf, Terhörst, IJCB 2025) whose other layers are public and frozen. The weights are
    Fisher's discriminant between the background and the subject's positives. These are drawn as MOTE draws them: the
    reference plus kernel-density draws of the variation between photos of one subject.

    An attacker with the templates needs no query: the weights are a linear function of the subject's whitened features.
    There is no key.

    Parameters
    ----------
    features : int, optional
        ReLU features; 0 for the embedding itself, by default as many as fill 4 bytes a dimension in this form.
    positives : int
        Draws for each subject.
    ridge : float
        Added to the background's covariance, in units of its mean variance. Error rates hardly depend on it between
        0.03 and 0.3.
    form : {"float32", "float16", "int8", "int4", "ternary"}
        How a weight is stored.

    Notes
    -----
    With the background's covariance C + ridge = L L' factored once, features are whitened by L, and a subject's
    covariance differs from the identity by their k centred positives U: (I + U'U/k)^-1 d = d - U'(k I + U U')^-1 U d by
    Woodbury's identity. Per subject that is one product of k rows with L (2 k H^2 operations) and a k by k solve, where
    a plain solve takes 2/3 H^3.
    """

    needs_identity = True
    revocable = False
    slow_to_try = True
    """A matrix of the features is inverted, however small the background. Embeddings of any dimension will do."""

    def __init__(
        self, *, features: int | None = None, positives: int = 32, ridge: float = 0.1, form: Form = "float32"
    ) -> None:
        if form not in FORMS:
            raise InputError(f"form='{form}'; expected one of {', '.join(FORMS)}")
        if positives < 2 or ridge <= 0 or (features is not None and features < 0):
            raise InputError(
                f"features={features}, positives={positives}, ridge={ridge}; expected at least 0, 2, above 0"
            )
        self.features, self.positives, self.ridge, self.form = features, positives, ridge, form

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the shared features, factor the background's covariance in them, and fit how photos of a subject differ.

        Raises
        ------
        InputError
            When the background has no identities, or too few subjects with two photos.
        """
        person, count = people_of(background)
        faces = background.embeddings
        self._mean = faces.mean(axis=0)
        self._scale = float(faces.std())
        self._layer = _layer(faces.shape[1], self.width(faces.shape[1]), stream(seed, "closed form", "features"))
        member = (count > 1)[person]
        self._density: Density = cross_validated(
            residuals(faces, person)[member], person=person[member], rng=stream(seed, "closed form", "kde")
        )
        centre, covariance = _moments(self._raw(rows) for rows in np.array_split(faces, -(-len(faces) // _ROWS)))
        covariance[np.diag_indices_from(covariance)] += self.ridge * np.trace(covariance) / len(covariance)
        # The inverse of a triangle once, so that whitening is a product: it runs at the machine's full speed.
        self._whiten = np.ascontiguousarray(np.linalg.inv(np.linalg.cholesky(covariance)).T, dtype=np.float32)
        self._offset = np.asarray(centre @ self._whiten, dtype=np.float32)
        self._recent_slopes = Recent[_Slope](_REMEMBERED_SLOPES, _Slope.size)
        self._recent_units = Recent[FloatArray](_REMEMBERED_UNITS, _bytes_of)
        return self

    def enroll(
        self, references: FloatArray, *, keys: Sequence[Key] | None = None, seeds: Sequence[int]
    ) -> list[Template]:
        """The discriminant of each row of ``references`` (n, d); a subject's positives are drawn from ``seeds[i]``."""
        self._fitted(references)
        if len(seeds) != len(references):
            raise InputError(f"{len(seeds)} seeds for {len(references)} references; give one seed per reference.")
        return [
            encode(self._head(face, stream(seed, "closed form")), self.form)
            for face, seed in zip(references, seeds, strict=True)
        ]

    def score(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None = None
    ) -> FloatArray:
        """(n, m) float32 discriminants of ``probes`` (m, d), in standard deviations of the subject's positives.

        Raises
        ------
        ValueError
            When a template can't be decoded or holds another number of weights.
        """
        self._fitted(probes)
        slopes = self._slopes(templates)
        weights = np.array([slope.weights for slope in slopes]).reshape(len(slopes), len(self._whiten))
        level = np.array([slope.level for slope in slopes], dtype=np.float32)[:, None]
        scores = np.empty((len(slopes), len(probes)), dtype=np.float32)
        for start in range(0, len(probes), _TILE):
            some = slice(start, start + _TILE)
            scores[:, some] = weights @ self._units(probes[some]).T - level
        return scores

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None
    ) -> Callable[[Tensor], Tensor]:
        """From k probes of each template (n, k, d) float32 to their scores (n, k): :meth:`score` with gradients."""
        import torch

        parts = (self._heads(templates), np.array(self._mean), np.array(self._whiten), np.array(self._offset))
        heads, mean, whiten, offset = (torch.from_numpy(part).to(device()) for part in parts)
        layer = None if self._layer is None else [torch.from_numpy(part).to(device()) for part in self._layer]

        def score(probes: Tensor) -> Tensor:
            raw = (probes - mean) / self._scale
            if layer is not None:
                raw = torch.relu(raw @ layer[0] + layer[1])
            scores: Tensor = torch.einsum("nkh,nh->nk", raw @ whiten - offset, heads)
            return scores

        return score

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None) -> FloatArray:
        """(n, d) float32: the background's mean face plus the direction in which the score rises.

        With every ReLU switched on the score is linear in the face, and its slope is the product of the shared layer,
        the whitening undone (the weights are nearly the subject's whitened difference from the mean) and the weights.
        """
        back = np.linalg.inv(self._whiten.astype(np.float64))
        rise = self._heads(templates).astype(np.float64) @ back
        if self._layer is not None:
            rise = rise @ np.linalg.pinv(self._layer[0].astype(np.float64))
        return on_sphere(self._mean, unit(rise)).astype(np.float32)

    def width(self, dimension: int) -> int:
        """How many features there are for embeddings of a dimension; 0 for the embedding itself."""
        if self.features is not None:
            return self.features
        return int((4 * dimension - size(0, self.form)) / FORMS[self.form].bytes_per_weight)

    def _raw(self, faces: FloatArray) -> FloatArray:
        rows = (faces - self._mean) / self._scale
        if self._layer is None:
            return np.asarray(rows)
        weight, bias = self._layer
        units: FloatArray = rows.astype(np.float32, copy=False) @ weight
        units += bias
        return np.maximum(units, 0, out=units)

    def _units(self, faces: FloatArray) -> FloatArray:
        """:meth:`_raw` of faces that are perhaps shown to one template after the other."""
        if self._layer is None:
            return self._raw(faces)
        return self._recent_units.get((faces.shape, faces.dtype.str, faces.tobytes()), lambda: self._raw(faces))

    def _features(self, faces: FloatArray) -> FloatArray:
        """(n, H) float32 whitened features: over the background uncorrelated, of mean 0."""
        return np.asarray(self._raw(faces).astype(np.float32) @ self._whiten - self._offset, dtype=np.float32)

    def _head(self, face: FloatArray, rng: np.random.Generator) -> FloatArray:
        drawn = self._features(face + self._density.sample(self.positives, rng)).astype(np.float64)
        towards = drawn.mean(axis=0)
        apart = (drawn - towards) / np.sqrt(self.positives)
        inner = np.eye(self.positives) + apart @ apart.T
        weights = towards - apart.T @ np.linalg.solve(inner, apart @ towards)
        spread = weights @ weights + ((apart @ weights) ** 2).sum()
        return np.asarray(weights / np.sqrt(spread), dtype=np.float32)

    def _slopes(self, templates: Sequence[Template]) -> list[_Slope]:
        """Each template's weights with the whitening in them, so that probes needn't be whitened.

        For weights w, whitening W and offset o the score of units u is (uW - o)w = u(Ww) - ow.
        """
        known = {template: self._recent_slopes.find(template) for template in templates}
        if new := [template for template, slope in known.items() if slope is None]:
            # All of them, so that the message on one that can't be read gives its place.
            rows = dict(zip(templates, self._heads(templates), strict=True))
            heads = np.array([rows[template] for template in new], dtype=np.float64)
            # In float64: what float32 then keeps doesn't depend on which templates were asked about together.
            products, levels = heads @ self._whiten.astype(np.float64).T, heads @ self._offset
            for template, product, level in zip(new, products.astype(np.float32), levels, strict=True):
                known[template] = self._recent_slopes.keep(template, _Slope(product.copy(), float(level)))
        return [slope for template in templates if (slope := known[template]) is not None]

    def _heads(self, templates: Sequence[Template]) -> FloatArray:
        if not hasattr(self, "_whiten"):
            raise InputError(
                "MOTE was asked about templates before it was fitted; call fit(background, seed=...) first."
            )
        heads: FloatArray = decode(templates, len(self._whiten), self.form)
        return heads

    def _fitted(self, faces: FloatArray) -> None:
        if not hasattr(self, "_whiten"):
            raise InputError("MOTE was asked before it was fitted; call fit(background, seed=...) first.")
        if faces.ndim != 2 or faces.shape[1] != len(self._mean):
            raise InputError(f"faces have shape {faces.shape}; expected (n, {len(self._mean)}) as the background.")


@dataclass(frozen=True, eq=False)
class _Slope:
    """A score's rise with each unit (H,) float32, and what is taken off."""

    weights: FloatArray
    level: float

    def size(self) -> int:
        return self.weights.nbytes


def _bytes_of(array: FloatArray) -> int:
    return array.nbytes


def _layer(dimension: int, width: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray] | None:
    """Random weights (d, H) and biases (H,) of the shared units; nothing where the embedding itself is used."""
    if width == 0:
        return None
    weight = rng.standard_normal((dimension, width), dtype=np.float32) / np.float32(dimension**0.5)
    return weight, np.float32(0.3) * rng.standard_normal(width, dtype=np.float32)


def _moments(batches: Any) -> tuple[FloatArray, FloatArray]:
    """Mean (H,) and covariance (H, H) in float64 of rows that come in batches."""
    count, total, product = 0, 0.0, 0.0
    for rows in batches:
        wide = rows.astype(np.float64)
        count, total, product = count + len(wide), total + wide.sum(axis=0), product + wide.T @ wide
    mean = np.asarray(total / count)
    return mean, np.asarray(product / count - np.outer(mean, mean))


def linear() -> ClosedFormMOTE:
    """A discriminant on the embedding itself: as many bytes as a vector.

    The ridge is larger than on features: an embedding has directions with hardly any variance, and whitening without
    it would give their noise the weight of all others.
    """
    return ClosedFormMOTE(features=0, ridge=LINEAR_RIDGE)


def features() -> ClosedFormMOTE:
    """2,048 shared features, a float32 weight each."""
    return ClosedFormMOTE(features=2048)


def bytes_of_a_vector() -> ClosedFormMOTE:
    """As many features as fill a float32 vector's bytes with a byte each."""
    return ClosedFormMOTE(form="int8")


def half_bytes() -> ClosedFormMOTE:
    """Twice as many features in the same bytes, half a byte each."""
    return ClosedFormMOTE(form="int4")
