"""Fuzzy vault: a secret polynomial, hidden by one whose roots are the features of a face."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Template
from mote_bench.toolkit import stream

from .._shared.keyless import SolvedWithoutKeys
from .._shared.keys import rng_of
from .._shared.packed_integers import pack_codes, read_codes
from .list_decoding import list_decoded
from .principal_axes import principal_axes
from .reed_solomon import Numbers, PrimeField, prime_above, prime_field, wrong_places
from .related_vaults import differences

_DIGEST = hashlib.sha256().digest_size
_SALT = 16
_KEY_SHARE = 0.3
_MOST_ELEMENTS = 8192
"""Decoding compares every two elements: with more of them, that takes gigabytes of memory."""


@dataclass(frozen=True, eq=False)
class _Vault:
    """One template: the monic polynomial V, the secret's hash, and V's values at the places of all elements."""

    polynomial: Numbers
    digest: bytes
    places: Numbers
    values: Numbers


class FuzzyVault(SolvedWithoutKeys):
    """The improved fuzzy vault: V(x) = f(x) + prod (x - a) over the elements a of the face's feature set.

    Juels & Sudan (ISIT 2002), without chaff as improved by Dodis, Ostrovsky, Reyzin & Smith (SIAM J. Computing 38,
    2008). For faces: Rathgeb, Merkle, Scholz, Tams & Nesterowicz, "Deep face fuzzy vault" (Computers & Security 113,
    2022, arXiv 2102.02458), and Geissner & Rathgeb (arXiv 2506.22347), whose intervals of equal frequency are used
    here. Each value of the embedding falls into one of ``intervals`` that hold equally many background faces. The
    element says the dimension and the interval, so that every set has one element per dimension. The template is V,
    over the smallest prime field that holds all elements, and the SHA-256 of f. With ``permuted`` each template maps
    elements to the field by a public permutation of its own, against the comparison of vaults (Merkle & Tams).

    Verification reads V at the probe's elements. Where they are the face's, that is f. The word is decoded up to
    floor((t - k) / 2) wrong letters, t dimensions and k coefficients, and the probe is accepted if the hash is the
    stored one. So probes are accepted that share at least (t + k) / 2 elements.

    More intervals make mated photos share fewer elements: below half of them, no decoder that finds a single codeword
    gets them back. But few intervals open every vault without any face (``solve_without_keys``): V's values at all
    N t places are points, t of which lie on f. List decoding finds f if ``t^2 > N t (k - 1)``, so that k has to exceed
    t / N.

    Parameters
    ----------
    intervals : int
        N, per dimension, two or more; with at most 8,192 elements in all.
    coefficients : int, optional
        k, of the secret polynomial. By default three tenths of the number of dimensions: 58 of 192, 154 of 512.
    permuted : bool
        Whether each template has a permutation of its own.
    """

    decides = True
    only_when_named = True  # a millisecond or two for each score: an attack by queries takes 400 s

    def __init__(self, *, intervals: int = 2, coefficients: int | None = None, permuted: bool = True) -> None:
        self.intervals = intervals
        self.coefficients = coefficients
        self.permuted = permuted

    @property
    def key_bits(self) -> float:
        """Bits of the secret polynomial; known after ``fit``."""
        return float(self._free * np.log2(self._field.size))

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the edges of the intervals (intervals - 1, d)."""
        self._length = background.embeddings.shape[1]
        if self.intervals < 2 or self.intervals * self._length > _MOST_ELEMENTS:
            raise ValueError(
                f"intervals={self.intervals} of {self._length} dimensions; expected two or more per dimension, and at "
                f"most {_MOST_ELEMENTS:,} in all"
            )
        shares = np.arange(1, self.intervals) / self.intervals
        self._edges = np.quantile(background.embeddings.astype(np.float64), shares, axis=0)
        self._free = max(1, round(_KEY_SHARE * self._length)) if self.coefficients is None else self.coefficients
        if not 0 < self._free < self._length:
            raise ValueError(f"coefficients={self._free}; expected 1 to {self._length - 1}: fewer than dimensions")
        return self

    @property
    def _field(self) -> PrimeField:
        return prime_field(prime_above(self.intervals * self._length))

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): d packed coefficients, a hash of 32 bytes, a salt of 16.

        Without ``permuted`` there is no salt. The leading coefficient is one and isn't stored.
        """
        if not len(references):
            return []
        size = self._field.size
        secrets = np.array([stream(seed, "secret").integers(0, size, self._free) for seed in seeds])
        salts = [stream(seed, "salt").bytes(_SALT) if self.permuted else b"" for seed in seeds]
        places = np.array([self._places(salt) for salt in salts])
        vaults = self._field.with_roots(np.take_along_axis(places, self._elements(references), axis=1))
        vaults[:, : self._free] = (vaults[:, : self._free] + secrets) % size
        packed = pack_codes(vaults[:, :-1], size)
        return [vault + _hash(secret) + salt for vault, secret, salt in zip(packed, secrets, salts, strict=True)]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: 1 where the probe releases the secret polynomial, otherwise 0."""
        shown = self._elements(probes)
        accepted = np.zeros((len(templates), len(shown)), dtype=np.float32)
        for row, vault in enumerate(self._read(templates)):
            accepted[row, [probe for probe, _ in self._released(vault, shown)]] = 1
        return accepted

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[HalfSpaces]:
        """The intervals of the face, where list decoding opens the vault; otherwise nothing is said."""
        for vault in self._read(templates):
            secret = self._list_decoded(vault)
            yield self._nothing() if secret is None else self._said(self._set(vault, secret))

    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> Iterator[HalfSpaces | None]:
        """Once probe i has released f of template i, V - f gives every element: each value's interval."""
        for vault, shown in zip(self._read(templates), self._elements(probes), strict=True):
            secret = next((found for _, found in self._released(vault, shown[None])), None)
            yield None if secret is None else self._said(self._set(vault, secret))

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the face behind each template, from the intervals of its values.

        The vault is opened by list decoding without any face. Where the secret is too long for that, public faces are
        presented: a false match opens it too. A vault that stays shut gets the mean public face.
        """
        public, estimate = self._elements(prior.embeddings), _Estimate(prior.embeddings, self._edges)
        found = []
        for vault in self._read(templates):
            secret = self._list_decoded(vault)
            if secret is None:
                secret = next((one for _, one in self._released(vault, public)), None)
            found.append(estimate.mean if secret is None else estimate.face(self._set(vault, secret)))
        return np.reshape(found, (len(found), self._length))

    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        """(n, m): the share of elements that two vaults are found to have in common, 0 where nothing is found.

        Vaults are opened by list decoding and their sets compared. Where one stays shut, and elements aren't permuted,
        the sets' differences are found without opening them (:func:`.related_vaults.differences`).
        """
        left, right = list(self._read(templates)), list(self._read(others))
        sets, other_sets = self._sets(left), self._sets(right)
        similar = (sets @ other_sets.T) / self._length
        if self.permuted:
            return np.asarray(similar)
        shut = ~sets.any(axis=1)
        for column, other in enumerate(right):
            rows = np.flatnonzero(shut | ~other_sets[column].any())
            if len(rows):
                vaults = np.array([left[row].polynomial for row in rows])
                lacking, related = differences(vaults, other.polynomial, other.places, self._free, self._field)
                similar[rows, column] = np.where(related, 1 - lacking.sum(axis=1) / self._length, 0)
        return np.asarray(similar)

    def _sets(self, vaults: Sequence[_Vault]) -> FloatArray:
        """(n, N t) 1 for each element of the vaults that list decoding opens."""
        made = np.zeros((len(vaults), self.intervals * self._length))
        for row, vault in zip(made, vaults, strict=True):
            if (secret := self._list_decoded(vault)) is not None:
                row[self._set(vault, secret)] = 1
        return made

    def _elements(self, faces: FloatArray) -> Numbers:
        """(n, t): N times the dimension, plus the interval that the value falls into."""
        held = np.asarray(faces, dtype=np.float64)
        return np.asarray(self.intervals * np.arange(self._length) + _intervals(held, self._edges))

    def _places(self, salt: bytes) -> Numbers:
        """(N t,): the place of each element in the field, never zero."""
        places = np.arange(1, self._field.size)
        ordered = rng_of(salt, "places").permutation(places) if self.permuted else places
        return np.asarray(ordered[: self.intervals * self._length])

    def _released(self, vault: _Vault, shown: Numbers) -> Iterator[tuple[int, Numbers]]:
        """Each probe of element sets (m, t) that releases the secret, and the secret (k,)."""
        wrong, decoded = wrong_places(vault.places, vault.values, shown, self._free, self._field)
        for probe in np.flatnonzero(decoded):
            right = shown[probe][~wrong[probe]][: self._free]
            secret = self._field.through(vault.places[right], vault.values[right])
            if _hash(secret) == vault.digest:
                yield int(probe), secret

    def _list_decoded(self, vault: _Vault) -> Numbers | None:
        """The secret that the hash confirms among all polynomials through t of the N t points."""
        found = list_decoded(vault.places, vault.values, free=self._free, agreement=self._length, field=self._field)
        return next((secret for secret in found if _hash(secret) == vault.digest), None)

    def _set(self, vault: _Vault, secret: Numbers) -> Numbers:
        """(t,): the elements at which V equals the secret polynomial (k,)."""
        return np.flatnonzero(self._field.values(secret[None], vault.places)[0] == vault.values)

    def _said(self, elements: Numbers) -> HalfSpaces:
        """The edges of the intervals that are the elements (t,): a half-space for each that is finite."""
        dimensions, intervals = np.divmod(elements, self.intervals)
        above, below = intervals > 0, intervals < self.intervals - 1
        unit_rows = np.eye(self._length)
        normals = np.vstack([unit_rows[dimensions[above]], -unit_rows[dimensions[below]]])
        low = self._edges[intervals[above] - 1, dimensions[above]]
        high = self._edges[intervals[below], dimensions[below]]
        return HalfSpaces(normals, np.concatenate([low, -high]))

    def _nothing(self) -> HalfSpaces:
        """What is true of every unit vector."""
        return HalfSpaces(np.eye(self._length)[:1], np.array([-2.0]))

    def _read(self, templates: Sequence[Template]) -> Iterator[_Vault]:
        """The vaults.

        Raises
        ------
        ValueError
            On a wrong length, on padding bits that are set, and on a coefficient that isn't in the field.
        """
        field, salt = self._field, _SALT if self.permuted else 0
        size = -(-self._length * (field.size - 1).bit_length() // 8)
        for row, template in enumerate(templates):
            if len(template) != size + _DIGEST + salt:
                raise ValueError(
                    f"template {row} has {len(template)} bytes; expected {size + _DIGEST + salt} "
                    f"({self._length} coefficients, a hash and a salt of {salt} bytes)"
                )
        codes = read_codes([one[:size] for one in templates], self._length, field.size).astype(np.intp)
        for polynomial, template in zip(codes, templates, strict=True):
            places, monic = self._places(template[size + _DIGEST :]), np.append(polynomial, 1)
            values = field.values(monic[None], places)[0]
            yield _Vault(monic, template[size : size + _DIGEST], places, values)


class _Estimate:
    """The likeliest face that has given intervals, for faces of a Gaussian prior: least squares along its axes.

    Attributes
    ----------
    mean : (d,) float64
        Of the faces (n, d) that the prior is fitted to.
    """

    def __init__(self, faces: FloatArray, edges: FloatArray) -> None:
        held = np.asarray(faces, dtype=np.float64)
        self.mean, self._axes = held.mean(axis=0), principal_axes(held)
        intervals = _intervals(held, edges)
        inside = [intervals == interval for interval in range(len(edges) + 1)]
        count = np.maximum(1, [which.sum(axis=0) for which in inside])
        self._centres = np.array([(held * which).sum(axis=0) for which in inside]) / count
        left = held - np.take_along_axis(self._centres, intervals, axis=0)
        self._noise = (left**2).mean(axis=0) + 1e-9

    def face(self, elements: Numbers) -> FloatArray:
        """(d,) the estimate from the elements (t,) of a set."""
        dimensions, intervals = np.divmod(elements, len(self._centres))
        miss = self._centres[intervals, dimensions] - self.mean[dimensions]
        seen, noise = self._axes[dimensions], self._noise[dimensions]
        weighted = seen.T / noise
        z = np.linalg.solve(np.eye(seen.shape[1]) + weighted @ seen, weighted @ miss)
        return np.asarray(self.mean + self._axes @ z)


def _intervals(faces: FloatArray, edges: FloatArray) -> Numbers:
    """(n, d): the number of the interval between edges (N - 1, d) that each value of faces (n, d) falls into."""
    return np.asarray(sum((faces > edge).astype(np.intp) for edge in edges))


def _hash(secret: Numbers) -> bytes:
    return hashlib.sha256(secret.astype("<u2").tobytes()).digest()
