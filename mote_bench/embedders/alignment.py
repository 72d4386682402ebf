"""Five landmarks moved onto a template by rotation, scale and shift, as ArcFace-style networks expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

SIZE = 112
# Eyes, nose and corners of the mouth in a 112 x 112 picture: the points that ArcFace's code aligns to (Deng, Guo, Xue
# and Zafeiriou, "ArcFace", CVPR 2019; insightface, face_align.py).
POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


@dataclass(frozen=True, eq=False)
class Detected:
    """The largest face of a picture: its box (4,) as left, top, right, bottom; its five landmarks (5, 2) as x, y."""

    box: FloatArray
    landmarks: FloatArray
    faces: int


def similarity(source: FloatArray, target: FloatArray) -> FloatArray:
    """The (2, 3) matrix of the rotation, scale and shift that best moves points onto others (n, 2), least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", IEEE TPAMI 13(4),
    1991; in the plane, without a reflection, that is one complex factor.
    """
    before, after = source - source.mean(axis=0), target - target.mean(axis=0)
    real = (before * after).sum()
    imaginary = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]).sum()
    a, b = np.array([real, imaginary]) / (before**2).sum()
    turn = np.array([[a, -b], [b, a]])
    return np.column_stack([turn, target.mean(axis=0) - turn @ source.mean(axis=0)])


def points(height: int, width: int) -> FloatArray:
    """The five points (5, 2) in a picture of another size: enlarged, with the middle left in the middle.

    112 x 96 gives the points that SphereFace and CosFace align to: those of 112 x 112, moved 8 pixels to the left.
    """
    side = max(height, width)
    return np.asarray(POINTS * (side / SIZE) - np.array([side - width, side - height]) / 2)


def aligned(
    picture: npt.NDArray[np.uint8], landmarks: FloatArray, height: int = SIZE, width: int = SIZE
) -> npt.NDArray[np.uint8]:
    """The face moved onto the template: (height, width, 3) uint8, bilinear; black beyond the picture's edge."""
    return moved(picture, landmarks, points(height, width), (height, width))


def moved(
    picture: npt.NDArray[np.uint8], landmarks: FloatArray, wanted: FloatArray, size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """:func:`aligned` to five points (5, 2) of the caller's, in a picture of ``size``: height and width."""
    from PIL import Image

    back = np.linalg.inv(np.vstack([similarity(landmarks, wanted), [0.0, 0.0, 1.0]]))[:2]
    # Pillow samples at pixel centres: half a pixel in, half a pixel out.
    back[:, 2] += back[:, :2] @ np.array([-0.5, -0.5]) + 0.5
    made = Image.fromarray(picture).transform(
        size[::-1], Image.Transform.AFFINE, tuple(back.ravel()), resample=Image.Resampling.BILINEAR
    )
    return np.asarray(made)
