"""A template scheme on its own, with scikit-learn's habits: parameters in the constructor, fit, arrays in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from mote_bench import registry
from mote_bench.contracts import Faces, FloatArray, InputError, Key, Scheme, Template
from mote_bench.toolkit import KEY_BYTES, revocable, stream_seed


class Templates(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Enrol and compare with any registered scheme, outside of a benchmark.

    Parameters
    ----------
    scheme : str
        A registered name: ``mote``, ``biohash``, ``cosine``, ... (``python -m mote_bench list``).
    seed : int
        Of fitting and of enrolment; person i of an ``enroll`` has a stream of their own.

    Attributes
    ----------
    scheme_ : Scheme
        What ``fit`` made.
    n_features_in_ : int
        The embeddings' dimension.

    Examples
    --------
    >>> import numpy as np
    >>> faces = np.random.default_rng(0).standard_normal((60, 32))
    >>> scheme = Templates("cosine").fit(faces[:50])
    >>> templates = scheme.enroll(faces[50:])
    >>> scheme.compare(templates, faces[50:]).argmax(axis=1).tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """

    scheme_: Scheme
    n_features_in_: int

    def __init__(self, scheme: str = "mote", seed: int = 0) -> None:
        self.scheme = scheme
        self.seed = seed

    def fit(self, X: npt.ArrayLike | Faces, y: npt.ArrayLike | None = None) -> Templates:
        """Learn from public faces, none of them enrolled.

        Parameters
        ----------
        X : (n, d) array or Faces
            Embeddings; made unit length.
        y : (n,) array, optional
            Who each row shows, for schemes that need it (``mote`` learns how photos of one person differ).
        """
        faces = X if isinstance(X, Faces) else Faces(_rows(X), None if y is None else np.asarray(y).astype(str))
        made: Scheme = registry.load("schemes", self.scheme)
        self.scheme_ = made.fit(faces, seed=self.seed)
        self.n_features_in_ = faces.embeddings.shape[1]
        return self

    def enroll(self, X: npt.ArrayLike, keys: Sequence[Key] | None = None) -> list[Template]:
        """A template, as bytes, for each row of X (n, d); ``keys`` as :meth:`new_keys` makes them."""
        rows = self._checked(X)
        seeds = [stream_seed(self.seed, "enroll", str(place)) for place in range(len(rows))]
        return list(self.scheme_.enroll(rows, keys=self._keys(keys, len(rows)), seeds=seeds))

    def compare(self, templates: Sequence[Template], X: npt.ArrayLike, keys: Sequence[Key] | None = None) -> FloatArray:
        """(n templates, m rows of X) scores, higher = more alike; ``keys[i]`` is presented with template i."""
        rows, presented = self._checked(X), self._keys(keys, len(templates))
        return np.asarray(self.scheme_.score(list(templates), rows, keys=presented))

    def new_keys(self, n: int) -> list[Key] | None:
        """Random secret keys for n people, or nothing where the scheme has no keys. Keep them apart from templates."""
        import secrets

        self._fitted()
        return [secrets.token_bytes(KEY_BYTES) for _ in range(n)] if revocable(self.scheme_) else None

    def _keys(self, keys: Sequence[Key] | None, n: int) -> list[Key] | None:
        self._fitted()
        if not revocable(self.scheme_):
            return None
        if keys is None or len(keys) != n:
            given = "none" if keys is None else str(len(keys))
            raise InputError(
                f"'{self.scheme}' needs a key for each of {n} templates; {given} given: keys=new_keys({n})"
            )
        return list(keys)

    def _checked(self, X: npt.ArrayLike) -> FloatArray:
        self._fitted()
        rows = Faces(_rows(X)).embeddings
        if rows.shape[1] != self.n_features_in_:
            raise InputError(f"X has {rows.shape[1]} columns; the scheme was fitted on {self.n_features_in_}")
        return rows

    def _fitted(self) -> None:
        if not hasattr(self, "scheme_"):
            raise NotFittedError(f"this '{self.scheme}' isn't fitted; call fit with public embeddings first")


class MoteTemplates(Templates):
    """Model templates (arXiv 2505.19920): a small classifier for each person, ``mote_bench.mote.scheme.MOTE``.

    Published as ``mote_bench.MOTE``.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__("mote", seed)


MOTE = MoteTemplates


def _rows(X: Any) -> FloatArray:
    return np.atleast_2d(np.asarray(X, dtype=np.float64))
