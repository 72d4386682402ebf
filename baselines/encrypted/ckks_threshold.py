"""CKKS that decrypts a decision: the difference of score and threshold, times a random factor, under encryption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.toolkit import stream, unit

from . import seal_library
from .ckks import RealNumbers
from .encrypted_scheme import EncryptedScheme

_DEGREE = 4096
_MOST_FACES = 3000
_LEAST_PAIRS = 10
"""Impostor scores above the threshold at least, as where thresholds are set elsewhere."""


class CKKSThreshold(EncryptedScheme):
    """The server hides the score from the key holder, who decrypts a sign: accept or reject.

    As :class:`~mote_baselines.encrypted.ckks.CKKS`, but the server computes ``r (<x, y> - t)`` under encryption, with
    the threshold t and a random factor ``r > 0``. The key holder decrypts it and accepts where it is not negative. The
    probe is plain, so r is multiplied into it before the one product, and ``r t`` is subtracted after. That takes no
    further level of the ciphertext. A step that is approximated by a polynomial (Cheon, Kim and Kim, "Efficient
    homomorphic comparison methods with optimal complexity", ASIACRYPT 2020, eprint 2019/1234) needs no factor, but many
    levels and so larger ciphertexts. Erkin et al., "Privacy-preserving face recognition", PETS 2009, compare by a
    protocol of several rounds.

    **What the key holder learns.** The sign says the decision. The size says something of the score too, because r has
    a limited range: ``log |score - t|`` plus a uniform number of ``factor_bits`` bits. ``CKKSThresholdValue`` returns
    that value, so that its leak is measured beside that of the decision. This class returns the decision alone: **the
    key holder is trusted to pass on the sign and nothing else.** A key holder who also gets a stolen ciphertext
    decrypts the embedding (``full_disclosure``).

    r depends on the probe and a secret of the server. The same face gets the same factor, so that presenting it again
    averages nothing out. Other threats, and the coefficients that a deployment masks, are as for
    :class:`~mote_baselines.encrypted.bfv.BFV`.

    Parameters
    ----------
    fmr : float
        The false match rate at which t is set, on background faces; a higher one where these are too few.
    factor_bits : int
        The factor is log-uniform from 1 to 2 to this power.
    degree : int, optional
        N of the ring, 4,096 to 32,768; by default 4,096, or the least that holds the embedding.
    scale_bits : int
        As for CKKS. Twice as many and ``factor_bits`` must stay below the modulus' bits, less two.
    """

    decides = True

    def __init__(
        self, *, fmr: float = 1e-3, factor_bits: int = 10, degree: int | None = None, scale_bits: int = 26
    ) -> None:
        grows = degree is None
        degree = _DEGREE if degree is None else degree
        room = seal_library.modulus_bits(degree) - 2 - factor_bits
        if factor_bits < 0 or not 0 < 2 * scale_bits <= room:
            raise ValueError(
                f"scale_bits={scale_bits} with factor_bits={factor_bits}; expected factor_bits from 0, and scale_bits "
                f"from 1 to {max(room // 2, 0)} at degree {degree}"
            )
        if not 0 < fmr < 1:
            raise ValueError(f"fmr={fmr}; expected a rate between 0 and 1")
        self._fmr, self._factor_bits = fmr, factor_bits
        super().__init__(RealNumbers(degree, scale_bits), grows=grows)

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Draw the keys and the server's secret, and set the threshold on pairs of background faces."""
        self._threshold = threshold_on(background, self._fmr, stream(seed, "ckks-threshold", "pairs"))
        self._server_seed = int(stream(seed, "ckks-threshold", "server").integers(2**63))
        return super().fit(background, seed=seed)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 decisions: 1 where the decrypted value isn't negative, otherwise 0."""
        return (self.decrypted_values(templates, probes) >= 0).astype(np.float32)

    def decrypted_values(self, templates: Sequence[Template], probes: FloatArray) -> FloatArray:
        """(n, m) float32 ``r (score - t)``: all that the key holder decrypts."""
        faces = unit(np.asarray(probes, dtype=np.float64))
        factors = self._factors(np.asarray(probes))
        return self.decrypted_products(templates, factors[:, None] * faces, factors * self._threshold)

    def _factors(self, probes: FloatArray) -> FloatArray:
        """(m,) the probes' random factors, log-uniform from 1 to ``2^factor_bits``."""
        rows = np.ascontiguousarray(probes, dtype=np.float32)
        drawn = [stream(self._server_seed, "factor", row.tobytes().hex()).random() for row in rows]
        return np.exp2(self._factor_bits * np.array(drawn, dtype=np.float64))

    def _try(self, dimension: int) -> None:
        """ValueError where the parameters' noise or overflow rejects a face's own template, or accepts its opposite."""
        face = unit(np.random.default_rng(0).standard_normal((1, dimension)))
        template = self.enroll(face, keys=None, seeds=[0])
        decided = self.decrypted_values(template, np.concatenate([face, -face]))[0] >= 0
        if decided.tolist() != [True, False]:
            raise ValueError(
                f"with these parameters, whether a face and its opposite are accepted is {decided.tolist()}; expected "
                "[True, False]: choose a smaller scale, or a larger degree"
            )


class CKKSThresholdValue(CKKSThreshold):
    """What the key holder of :class:`CKKSThreshold` decrypts, as the score: the leak if it is passed on unrounded.

    The threshold, which is public, is added. So with ``factor_bits=0`` the score is the cosine.
    """

    decides = False

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32 ``t + r (score - t)``."""
        return (self._threshold + self.decrypted_values(templates, probes)).astype(np.float32)


def threshold_on(background: Faces, fmr: float, rng: np.random.Generator) -> float:
    """The cosine that a share ``fmr`` of pairs of background faces of different subjects exceeds.

    Where these would be fewer than ten pairs, it is the share that ten pairs are, up to a half. Without identities,
    every two rows count as different subjects.

    Raises
    ------
    ValueError
        Where no two faces are of different subjects.
    """
    rows = rng.permutation(len(background))[:_MOST_FACES]
    faces = unit(background.embeddings[rows].astype(np.float64))
    who = rows if background.identity is None else background.identity[rows]
    pairs = np.triu(who[:, None] != who[None, :], k=1)
    cosines = (faces @ faces.T)[pairs]
    if not len(cosines):
        raise ValueError(
            f"{len(faces)} background faces of one subject; expected faces of two subjects or more to set a threshold"
        )
    return float(np.quantile(cosines, 1 - max(fmr, min(_LEAST_PAIRS / len(cosines), 0.5))))
