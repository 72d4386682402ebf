"""Five landmarks by MTCNN or by dlib: both at one place, and a wrong alignment is found by its error rate."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.conformance import embedders
from mote_bench.conformance.findings import findings
from mote_bench.contracts import Embedded, InputError
from mote_bench.embedders import alignment, landmarks
from mote_bench.embedders.alignment import Detected

PORTRAITS = embedders.portraits()


@pytest.fixture(scope="module")
def by_dlib() -> list[Detected | None]:
    finder = landmarks.finder("dlib68", "cpu")
    return [finder.find(picture) for picture in PORTRAITS]


def test_both_detectors_put_a_face_in_the_same_place(by_dlib):
    mtcnn = landmarks.finder("mtcnn", "cpu")
    assert "MTCNN" in mtcnn.about()
    move = alignment.similarity(by_dlib[0].landmarks, alignment.POINTS)
    apart = (mtcnn.find(PORTRAITS[0]).landmarks - by_dlib[0].landmarks) @ move[:, :2].T
    assert np.abs(apart.mean(axis=0)).max() < 3  # of 112 pixels
    assert np.linalg.norm(apart, axis=1).max() < 8


def test_no_other_detector_is_known():
    with pytest.raises(InputError, match="--alignment ears: expected mtcnn or dlib68"):
        landmarks.finder("ears", "cpu")


def in_box(found: Detected) -> np.ndarray:
    """The face cut out by its box, without landmarks."""
    left, top, right, bottom = found.box
    return np.array([left, top]) + alignment.POINTS / alignment.SIZE * np.array([right - left, bottom - top])


class Greys:
    """A recogniser of 256 grey levels, of portraits whose landmarks are given."""

    def __init__(self, points: list[np.ndarray]) -> None:
        self._points = points

    def embed(self, pictures):
        faces = [alignment.aligned(*each).mean(axis=2) for each in zip(pictures, self._points, strict=True)]
        small = [face.reshape(16, 7, 16, 7).mean(axis=(1, 3)).ravel() for face in faces]
        return [Embedded((one - one.mean()).astype(np.float32)) for one in small]


def why_not(points):
    """What the check of a recogniser says of these landmarks; ``None`` where it is content."""
    (recognises,) = (one for one in embedders.CHECKS if one.name == "recognises")
    (finding,) = findings(embedders.Trial(lambda: Greys(points)), [recognises])
    return None if finding.ok else finding.message


def test_the_right_alignment_makes_no_error(by_dlib):
    assert why_not([found.landmarks for found in by_dlib]) is None


@pytest.mark.parametrize(
    "places",
    [
        pytest.param(in_box, id="the box alone"),
        pytest.param(lambda found: found.landmarks[[1, 0, 2, 4, 3]], id="left for right"),
        pytest.param(lambda found: found.landmarks[[3, 4, 2, 0, 1]], id="mouth for eyes"),
        pytest.param(lambda found: found.landmarks[:, ::-1], id="x for y"),
    ],
)
def test_a_wrong_alignment_is_found_by_its_error_rate(by_dlib, places):
    assert "order of channels" in why_not([places(found) for found in by_dlib])
