"""Quantise and hash: helper data move each feature to the middle of an interval, whose bits are hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import stream

from .._shared.keyless import SolvedWithoutKeys
from .bch import Bits
from .principal_axes import principal_axes

_DIGEST = hashlib.sha256().digest_size
_SALT = 16
_UNITS = 32767
"""Of the helper data, per width of an interval: they are two bytes each."""
_UNCERTAIN = 10
"""Bits of which an attacker tries both values: those about which the prior says least."""


class QuantisedHash(SolvedWithoutKeys):
    """The hash of a secret bit per feature, and helper data that let a near enough face read the bits again.

    Linnartz & Tuyls, "New shielding functions to enhance privacy and prevent misuse of biometric templates" (AVBPA
    2003), quantisation index modulation of biometrics. Features are projections to leading principal axes, divided by
    their standard deviations. The line is cut into intervals of one ``width``, which stand for 0 and 1 in turn.
    Enrolment draws a bit per feature and stores the offset to the middle of the nearest interval of this bit, and the
    salted SHA-256 of all bits. Verification adds the offsets to the probe's features and reads the bits. Nothing
    corrects errors: one wrong bit rejects the probe, as in schemes that hash the output of a net (Pandey, Zhou, Kota &
    Govindaraju, "Deep secure encoding for face template protection", CVPR workshops 2016), whose nets are trained with
    the enrolled subjects.

    Wider intervals and fewer features reject fewer mated comparisons. But wide intervals say more: the offset gives a
    feature up to whole widths, and of values so far apart only one is likely for a face.

    Parameters
    ----------
    features : int
        Principal axes, and so bits; at most as many as the background varies along.
    width : float
        Of an interval, in standard deviations of the feature.
    """

    decides = True

    def __init__(self, *, features: int = 20, width: float = 3.5) -> None:
        if features < 1 or not 0 < width < np.inf:
            raise ValueError(
                f"features={features}, width={width}; expected one feature or more, and a finite width above 0"
            )
        self.features = features
        self.width = width

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean and the leading principal axes of the background."""
        held = background.embeddings.astype(np.float64)
        axes = principal_axes(held)
        used = axes[:, ::-1][:, : self.features]  # the largest variance comes last
        sizes = np.linalg.norm(used, axis=0)
        self._count = used.shape[1]
        self._mean, self._axes = held.mean(axis=0), used / sizes**2
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template per row of ``references`` (n, d): two bytes a feature, a hash of 32 bytes, a salt of 16."""
        made = []
        for values, seed in zip(self._values(references), seeds, strict=True):
            bits = np.array(stream(seed, "bits").integers(0, 2, self._count), dtype=np.uint8)
            salt = stream(seed, "salt").bytes(_SALT)
            nearest = 2 * np.round((values / self.width - 0.5 - bits) / 2) + bits
            offsets = np.clip(np.round((nearest + 0.5 - values / self.width) * _UNITS), -_UNITS, _UNITS)
            made.append(offsets.astype("<i2").tobytes() + _hash(bits, salt) + salt)
        return made

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: 1 where all bits are read again, otherwise 0."""
        shown = self._values(probes)
        accepted = np.zeros((len(templates), len(shown)), dtype=np.float32)
        for row, (offsets, digest, salt) in enumerate(self._read(templates)):
            bits = np.packbits((self._intervals(shown, offsets) & 1).astype(np.uint8), axis=1)
            accepted[row] = [_hash_of_packed(one.tobytes(), salt) == digest for one in bits]
        return accepted

    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> Iterator[Linear | None]:
        """Once probe i has given the bits of template i, the offsets give every feature."""
        for (offsets, digest, salt), shown in zip(self._read(templates), self._values(probes), strict=True):
            intervals = self._intervals(shown, offsets)
            right = _hash((intervals & 1).astype(np.uint8), salt) == digest
            yield self._said(self._middle(intervals, offsets)) if right else None

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """The features that the offsets make likeliest, under bits that the hash confirms where these are found."""
        for offsets, digest, salt in self._read(templates):
            yield self._said(self._opened(offsets, digest, salt))

    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        """(n, d): the face behind each template, from its features and the axes of public faces.

        A feature is the middle of an interval less the offset. Of these values, a width apart, the smallest in size is
        the likeliest. The bits that it says are tried first, then those in which the least certain ones are turned,
        until the hash confirms them.
        """
        held = prior.embeddings.astype(np.float64)
        mean, axes = held.mean(axis=0), principal_axes(held)
        seen = self._axes.T @ axes
        noise = 1e-3 * np.eye(self._count)
        solve = axes @ seen.T @ np.linalg.inv(seen @ seen.T + noise)
        found = [self._opened(*one) - self._axes.T @ (mean - self._mean) for one in self._read(templates)]
        return np.reshape([mean + solve @ values for values in found], (len(found), len(mean)))

    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        """(n, m): minus the squared distances between the features that the templates give away."""
        left, right = (np.array([self._opened(*one) for one in self._read(several)]) for several in (templates, others))
        return np.asarray(-((left[:, None] - right[None]) ** 2).sum(axis=2))

    def _values(self, faces: FloatArray) -> FloatArray:
        """(n, features) of mean 0 and standard deviation 1 over the background."""
        return np.asarray((np.asarray(faces, dtype=np.float64) - self._mean) @ self._axes)

    def _intervals(self, values: FloatArray, offsets: FloatArray) -> npt.NDArray[np.intp]:
        """The number of the interval that each moved value falls into; its lowest bit is the feature's."""
        return np.floor((values + offsets) / self.width).astype(np.intp)

    def _middle(self, intervals: npt.NDArray[np.intp], offsets: FloatArray) -> FloatArray:
        """The values that the offsets move to the middles of these intervals."""
        return np.asarray((intervals + 0.5) * self.width - offsets)

    def _opened(self, offsets: FloatArray, digest: bytes, salt: bytes) -> FloatArray:
        """(features,) the likeliest values under bits that the hash confirms; the likeliest of all where none is."""
        likeliest = self._intervals(np.zeros(self._count), offsets)
        first = self._middle(likeliest, offsets)
        turned = likeliest - np.where(first > 0, 1, -1)  # the second smallest in size has the other bit
        doubt = np.abs(self._middle(turned, offsets)) ** 2 - first**2
        uncertain = np.argsort(doubt, kind="stable")[:_UNCERTAIN]
        flips = np.array(list(product([False, True], repeat=len(uncertain))))
        for flip in flips[np.argsort(flips @ doubt[uncertain], kind="stable")]:
            tried = likeliest.copy()
            tried[uncertain[flip]] = turned[uncertain[flip]]
            if _hash((tried & 1).astype(np.uint8), salt) == digest:
                return self._middle(tried, offsets)
        return first

    def _said(self, values: FloatArray) -> Linear:
        return Linear(self._axes.T, values + self._axes.T @ self._mean, self.width / _UNITS)

    def _read(self, templates: Sequence[Template]) -> Iterator[tuple[FloatArray, bytes, bytes]]:
        """The offsets (features,), the hash and the salt of each template.

        Raises
        ------
        ValueError
            On a wrong length, and on an offset of more than one width.
        """
        size = 2 * self._count
        for row, template in enumerate(templates):
            if len(template) != size + _DIGEST + _SALT:
                raise ValueError(
                    f"template {row} has {len(template)} bytes; expected {size + _DIGEST + _SALT} "
                    f"({self._count} offsets, a hash and a salt)"
                )
            units = np.frombuffer(template[:size], dtype="<i2")
            if (units < -_UNITS).any():
                raise ValueError(f"template {row} holds an offset of more than a width; expected -{_UNITS} to {_UNITS}")
            yield units * (self.width / _UNITS), template[size : size + _DIGEST], template[size + _DIGEST :]


def _hash(bits: Bits, salt: bytes) -> bytes:
    return _hash_of_packed(np.packbits(bits).tobytes(), salt)


def _hash_of_packed(bits: bytes, salt: bytes) -> bytes:
    return hashlib.sha256(salt + bits).digest()
