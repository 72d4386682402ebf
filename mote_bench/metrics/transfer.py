"""Reconstructions and dictionaries verified by a second recogniser, through a map between the two embedding spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Measurement
from mote_bench.toolkit import on_sphere, unit

from .dictionary import measure_dictionary
from .reconstruction import Truth, measure_reconstruction

PREFIX = "second_recogniser_"
_TAKEN = ("type_1_success", "type_2_success", "wolf_rate", "genuine_success")
_MOST_FACES = 3000
_STRENGTHS = np.logspace(-5, 1, 13)  # of the ridge, relative to a row's mean squared length
_HELD_OUT = 4  # every fourth face is held out to choose the strength


@dataclass(frozen=True, eq=False)
class Transfer:
    """A map from one recogniser's embeddings to another's, learned from public faces embedded by both.

    Attributes
    ----------
    mean, second_mean : (d,), (d2,) float64
    weights : (d, d2) float64
        A ridge regression of centred unit rows on centred unit rows: recognisers agree up to little more than a
        linear map (McNeely-White et al., "Exploring the Interchangeability of CNN Embedding Spaces", IEEE TBIOM 2022,
        arXiv 2010.02323).
    thresholds : mapping of FMR -> cosine
        The second recogniser's thresholds, at its own false match rates on the calibration subjects.
    """

    mean: FloatArray
    second_mean: FloatArray
    weights: FloatArray
    thresholds: Mapping[str, float]

    @classmethod
    def learned(cls, public: Faces, thresholds: Mapping[str, float]) -> Self:
        """Fit the map on at most 3,000 public faces with both embeddings; ValueError if they lack the second."""
        if public.second is None:
            raise ValueError("the public faces have one embedding each; expected `second` beside it")
        rows = np.linspace(0, len(public) - 1, min(len(public), _MOST_FACES)).astype(int)
        mean, second_mean = (each.mean(axis=0, dtype=np.float64) for each in (public.embeddings, public.second))
        one, other = unit(public.embeddings[rows] - mean), unit(public.second[rows] - second_mean)
        held = np.arange(len(rows)) % _HELD_OUT == 0
        agreements = [
            float((unit(one[held] @ _ridge(one[~held], other[~held], strength)) * other[held]).sum(axis=1).mean())
            for strength in _STRENGTHS
        ]
        best = float(_STRENGTHS[int(np.argmax(agreements))])
        return cls(mean, second_mean, _ridge(one, other, best), thresholds)

    def faces(self, answer: FloatArray) -> FloatArray:
        """(n, d2) unit rows: estimated embeddings, by the second recogniser, of the faces ``answer`` (n, d)."""
        return on_sphere(self.second_mean, unit(unit(unit(answer) - self.mean) @ self.weights))


def _ridge(inputs: FloatArray, outputs: FloatArray, strength: float) -> FloatArray:
    gram = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += strength * np.trace(gram) / len(gram)
    return np.asarray(np.linalg.solve(gram, inputs.T @ outputs))


def measure_transfer(
    answer: FloatArray, references: FloatArray, probes: FloatArray, shown: npt.NDArray[np.intp], transfer: Transfer
) -> tuple[Measurement, ...]:
    """Type I and type II success, wolf rate and genuine success at the second recogniser; higher success is worse.

    Parameters
    ----------
    answer : (n, d) float
        Reconstructions in the first recogniser's space.
    references, probes : (n, d2), (m, d2) float
        Embeddings of the enrolled and of other photos of these subjects by the second recogniser.
    shown : (m,) int
        The subject of each probe.

    Returns
    -------
    tuple of Measurement
        Defined by :func:`~mote_bench.metrics.reconstruction.measure_reconstruction`; names begin with
        ``second_recogniser_``. A reconstructed picture would be embedded by the second recogniser, a reconstructed
        embedding is only mapped. So these are lower bounds of a picture's rates.
    """
    truth = Truth(mean=transfer.second_mean, references=references, probes=probes, shown=shown)
    measured = measure_reconstruction(transfer.faces(answer), truth, transfer.thresholds, np.random.default_rng(0))
    taken = (one for one in measured.measurements if one.metric in _TAKEN)
    return tuple(replace(one, metric=PREFIX + one.metric) for one in taken)


def measure_mapping(
    enrolled: FloatArray, references: FloatArray, probes: FloatArray, shown: npt.NDArray[np.intp], transfer: Transfer
) -> tuple[Measurement, ...]:
    """Type II success of the enrolled embeddings themselves at the second recogniser: the ceiling of a reconstruction.

    What lies between it and ``second_recogniser_genuine_success`` is lost by the map, whatever the attack.

    Parameters
    ----------
    enrolled : (n, d) float
        The subjects' enrolled embeddings by the first recogniser.
    references, probes, shown
        As for :func:`measure_transfer`.

    Returns
    -------
    tuple of Measurement
        ``second_recogniser_mapped_success`` at each rate.
    """
    found = measure_transfer(enrolled, references, probes, shown, transfer)
    taken = (one for one in found if one.metric == f"{PREFIX}type_2_success")
    return tuple(replace(one, metric=f"{PREFIX}mapped_success") for one in taken)


def measure_transferred_dictionary(
    faces: FloatArray, references: FloatArray, transfer: Transfer
) -> tuple[Measurement, ...]:
    """Shares of subjects whose image the second recogniser matches with a dictionary's mapped faces; higher is worse.

    Parameters
    ----------
    faces : (k, d) float
        The dictionary's faces in the first recogniser's space, in the order of presentation.
    references : (n, d2) float
        Embeddings of the subjects' enrolled images by the second recogniser.

    Returns
    -------
    tuple of Measurement
        ``second_recogniser_opened_by_1_at_fmr_X`` and ``..._by_10_at_fmr_X``, defined by
        :func:`~mote_bench.metrics.dictionary.measure_dictionary`; none without a threshold. A dictionary that matches
        many subjects at one recogniser alone shows a weakness of that recogniser, not faces that resemble many.
    """
    if not transfer.thresholds:
        return ()
    centred = unit(np.asarray(references, dtype=np.float64) - transfer.second_mean)
    scores = centred @ unit(transfer.faces(faces) - transfer.second_mean).T
    opened = {rate: scores >= threshold for rate, threshold in transfer.thresholds.items()}
    taken = (one for one in measure_dictionary(opened).measurements if one.metric == "opened_by")
    return tuple(replace(one, metric=f"{PREFIX}opened_by") for one in taken)
