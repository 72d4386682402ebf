"""Template schemes as scikit-learn estimators: parameters in the constructor, ``fit``, arrays in and out."""

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
    """Enrol and compare faces with any registered scheme, outside of a benchmark run.

    Parameters
    ----------
    scheme : str
        A registered name: ``mote``, ``biohash``, ``cosine``, ... (``python -m mote_bench list``).
    seed : int
        Seed of fitting and enrolment; row i of each ``enroll`` call has its own random stream.

    Attributes
    ----------
    scheme_ : Scheme
        The fitted scheme.
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
        """Fit the scheme on public faces, none of them enrolled.

        Parameters
        ----------
        X : (n, d) array or Faces
            Embeddings; scaled to unit length.
        y : (n,) array, optional
            Identity of each row, for schemes that need it (``mote`` learns how photos of one person differ).
        """
        faces = X if isinstance(X, Faces) else Faces(_rows(X), None if y is None else np.asarray(y).astype(str))
        made: Scheme = registry.load("schemes", self.scheme)
        self.scheme_ = made.fit(faces, seed=self.seed)
        self.n_features_in_ = faces.embeddings.shape[1]
        return self

    def enroll(self, X: npt.ArrayLike, keys: Sequence[Key] | None = None) -> list[Template]:
        """One template, as bytes, per row of X (n, d); ``keys`` as made by :meth:`new_keys`.

        An empty one (``mote_bench.contracts.NOT_ENROLLED``) says that the scheme can't enrol this face.
        """
        rows = self._checked(X)
        seeds = [stream_seed(self.seed, "enroll", str(place)) for place in range(len(rows))]
        return list(self.scheme_.enroll(rows, keys=self._keys(keys, len(rows)), seeds=seeds))

    def compare(self, templates: Sequence[Template], X: npt.ArrayLike, keys: Sequence[Key] | None = None) -> FloatArray:
        """(n templates, m rows of X) comparison scores, higher = more alike; ``keys[i]`` is presented in row i."""
        rows, presented = self._checked(X), self._keys(keys, len(templates))
        return np.asarray(self.scheme_.score(list(templates), rows, keys=presented))

    def new_keys(self, n: int) -> list[Key] | None:
        """Random secret keys for n subjects; ``None`` if the scheme has no keys. Store them apart from templates."""
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
    """Model templates (arXiv 2505.19920): one small classifier per subject, ``mote_bench.mote.scheme.MOTE``.

    Published as ``mote_bench.MOTE``.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__("mote", seed)


MOTE = MoteTemplates


def _rows(X: Any) -> FloatArray:
    return np.atleast_2d(np.asarray(X, dtype=np.float64))
