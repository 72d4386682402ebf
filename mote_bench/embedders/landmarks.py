"""What finds the five landmarks that a face is aligned by: one choice, written into the file of embeddings."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import InputError
from mote_bench.embedders import dlib_landmarks, mtcnn, places
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
