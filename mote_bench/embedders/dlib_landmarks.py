"""Five landmarks of the largest face from dlib's 68: works offline, the model comes with face-recognition-models.

Kazemi and Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014; the 68 points are
those of iBUG's 300-W (Sagonas et al., 2016). Detector: HOG, as for dlib's own recogniser, so both see the same faces.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.embedders import dlib_resnet
from mote_bench.embedders import weights as files
from mote_bench.embedders.alignment import Detected

MODEL = "shape_predictor_68_face_landmarks.dat"
_EYES = slice(36, 42), slice(42, 48)
"""On the left and on the right of the picture."""
_NOSE, _CORNERS = 30, (48, 54)


class Detector:
    """Finds the largest face of a picture; dlib computes on the CPU."""

    def __init__(self) -> None:
        model = files.existing(dlib_resnet.packaged() / MODEL, how="Install it: pip install 'mote-bench[dlib]'")
        dlib = dlib_resnet.installed()
        self._detect = dlib.get_frontal_face_detector()
        self._place = dlib.shape_predictor(str(model))

    def find(self, picture: npt.NDArray[np.uint8]) -> Detected | None:
        """The largest face of an RGB picture, or ``None``."""
        pixels = np.ascontiguousarray(picture)
        box, faces = dlib_resnet.largest_face(self._detect, pixels)
        if not faces:
            return None
        points = np.array([(point.x, point.y) for point in self._place(pixels, box).parts()], np.float64)
        return Detected(np.array([box.left(), box.top(), box.right(), box.bottom()], np.float64), five(points), faces)

    def about(self) -> str:
        """Detector and version, for a card."""
        return f"dlib {dlib_resnet.version()} HOG detector, largest face, 5 landmarks of its 68"


def five(points: FloatArray) -> FloatArray:
    """Eyes, tip of the nose and corners of the mouth (5, 2) of the 68 points (68, 2)."""
    eyes = [points[eye].mean(axis=0) for eye in _EYES]
    return np.array([*eyes, points[_NOSE], *points[list(_CORNERS)]])
