"""What finds the five landmarks that a face is aligned by: one choice, written into the file of embeddings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Embedded, FloatArray, InputError
from mote_bench.embedders import alignment, dlib_landmarks, mtcnn, places
from mote_bench.embedders.alignment import Detected

MTCNN, DLIB = "mtcnn", "dlib68"


class Finder(Protocol):
    """Finds the largest face of an RGB picture, and says what it is."""

    def find(self, picture: npt.NDArray[np.uint8]) -> Detected | None: ...

    def about(self) -> str: ...


def finder(name: str | None, place: str) -> Finder:
    """The detector that the user names; MTCNN by default.

    Parameters
    ----------
    name : {"mtcnn", "dlib68"}, optional
    place : str
        Where the recogniser computes; MTCNN computes there too if it can.

    Raises
    ------
    InputError
        On another name, and where the detector isn't installed.
    """
    if name in (None, MTCNN):
        return mtcnn.Detector(places.detectors_place(place))
    if name == DLIB:
        return dlib_landmarks.Detector()
    raise InputError(f"--alignment {name}: expected {MTCNN} or {DLIB}, which finds the five landmarks")


class Aligned(ABC):
    """An embedder of faces that are aligned by five landmarks: finds the largest one, aligns it and embeds it."""

    _finder: Finder

    def embed(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Embedded | None]:
        return [self._one(picture) for picture in pictures]

    def _one(self, picture: npt.NDArray[np.uint8]) -> Embedded | None:
        found = self._finder.find(picture)
        if found is None:
            return None
        return Embedded(self.of_aligned(self._face(picture, found.landmarks)), found.faces)

    def _face(self, picture: npt.NDArray[np.uint8], marks: FloatArray) -> npt.NDArray[np.uint8]:
        """The aligned RGB face, as the network takes it."""
        return alignment.aligned(picture, marks)

    @abstractmethod
    def of_aligned(self, face: npt.NDArray[np.uint8]) -> FloatArray:
        """The (d,) embedding of an aligned RGB face, (height, width, 3)."""
