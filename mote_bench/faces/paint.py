"""The colour of each point of a head: skin, brows, hair, beard, lips, eyes and glasses, by rules.

Everything is placed in the resting head's own coordinates (see :class:`mote_bench.faces.head.Head`), so that it stays
where it is when the head turns or smiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray
from mote_bench.faces.head import LEFT_EYE, LONG_HAIR, RIGHT_EYE, SKIN, TEETH, TONGUE, Head
from mote_bench.faces.people import Looks, smooth
from mote_bench.faces.shot import Shot

_MATT, _HAIR, _LIPS, _GLASS, _EYE = 0.16, 0.12, 0.30, 0.50, 0.90
_TEETH_COLOUR, _TONGUE_COLOUR, _FRAME_COLOUR = (0.82, 0.79, 0.72), (0.55, 0.25, 0.24), (0.05, 0.045, 0.05)


@dataclass(frozen=True, eq=False)
class Points:
    """Places on the head: which part (n,), where on the resting head (n, 3), texture coordinates (n, 2)."""

    part: npt.NDArray[np.uint8]
    rest: FloatArray
    texture: FloatArray

    @property
    def x(self) -> FloatArray:
        return self.rest[:, 0]

    @property
    def side(self) -> FloatArray:
        return np.abs(self.rest[:, 0])

    @property
    def z(self) -> FloatArray:
        return self.rest[:, 2]

    @property
    def front(self) -> npt.NDArray[np.bool_]:
        return self.rest[:, 1] < 0.6


def noise(looks: Looks, points: FloatArray, frequency: FloatArray | float) -> FloatArray:
    """The person's own noise at points (n, 3): smooth between a grid of ``frequency`` cells per eye distance."""
    from scipy.ndimage import map_coordinates

    size = len(looks.grain)
    made: FloatArray = map_coordinates(looks.grain, (points * frequency).T + size / 2, order=1, mode="grid-wrap")
    return made


def painted(head: Head, shot: Shot, points: Points) -> tuple[FloatArray, FloatArray]:
    """Linear RGB (n, 3) and the strength of highlights (n,)."""
    looks = shot.looks
    colour, shine = _skin(looks, points), np.full(len(points.part), _MATT)
    lips = _mask(head, "lips", points)
    amount = np.clip(lips * looks.lip_amount, 0, 1)
    medium = noise(looks, points.rest + 7, 3.3)
    colour = _over(colour, looks.lips * (1 + 0.05 * medium)[:, None], amount)
    shine = np.where(lips > 0.4, _LIPS, shine)
    colour = colour * (1 - 0.18 * _mask(head, "eyelids", points))[:, None]
    strands = noise(looks, points.rest * np.array([30, 30, 9.0]) + 1, 1.0)
    facial = np.maximum(_brows(looks, points, strands), 0.92 * _beard(looks, points, lips, medium, strands))
    colour = _over(colour, looks.hair * 0.8, np.clip(facial, 0, 1))
    hair = looks.hair * (1 + 0.35 * noise(looks, points.rest * np.array([22, 22, 3.0]), 1.0))[:, None]
    grown = hair_cover(looks, points.rest, medium)
    if looks.bald:
        grown = grown * smooth(0.3, 0.5, points.rest[:, 1]) * (1 - smooth(0.9, 1.1, points.z)) * 0.6
    colour = _over(colour, hair, np.clip(grown, 0, 1))
    shine = np.where(grown > 0.5, _HAIR, shine)
    if shot.glasses:
        frame = _glasses(points)
        colour[frame], shine[frame] = _FRAME_COLOUR, _GLASS
    for part, eye in ((LEFT_EYE, head.eyes[0]), (RIGHT_EYE, head.eyes[1])):
        seen = points.part == part
        colour[seen], shine[seen] = _eye(shot, points.rest[seen], head.rest[eye].mean(axis=0)), _EYE
    colour[points.part == TEETH], colour[points.part == TONGUE] = _TEETH_COLOUR, _TONGUE_COLOUR
    long = points.part == LONG_HAIR
    colour[long], shine[long] = hair[long], _HAIR
    return np.clip(colour, 0.01, 1), shine


def hair_cover(looks: Looks, rest: FloatArray, medium: FloatArray) -> FloatArray:
    """How much of each place (n, 3) the hair of the head covers, 0 to 1; its edge follows ``medium`` noise (n,)."""
    x, y, z = rest.T
    side = np.abs(x)
    edge = looks.hairline - looks.hairline_peak * np.exp(-((x / 0.25) ** 2))
    edge = edge + looks.hairline_temples * np.exp(-(((side - 0.6) / 0.25) ** 2))
    edge = edge - 0.9 * smooth(0.75, 1.25, side) * smooth(0.2, 0.9, y)
    back = smooth(1.45, 1.8, y)
    edge = edge * (1 - back) - 1.35 * back
    made: FloatArray = smooth(-0.05, 0.07, z - edge + 0.03 * medium) * (y > -0.9)
    return made


def _over(under: FloatArray, over: FloatArray, amount: FloatArray) -> FloatArray:
    return under * (1 - amount[:, None]) + over * amount[:, None]


def _mask(head: Head, name: str, points: Points) -> FloatArray:
    from scipy.ndimage import map_coordinates

    mask = head.masks[name]
    across, down = points.texture[:, 0] * (mask.shape[1] - 1), (1 - points.texture[:, 1]) * (mask.shape[0] - 1)
    made: FloatArray = map_coordinates(mask, [down, across], order=1, mode="nearest")
    return made


def _skin(looks: Looks, points: Points) -> FloatArray:
    """The tone with blotches, redness, dark circles, freckles, moles and wrinkles."""
    rest, x, side, z, front = points.rest, points.x, points.side, points.z, points.front
    medium = noise(looks, rest + 7, 3.3)
    uneven = looks.blotches * (noise(looks, rest, 1.1) + 0.7 * medium) + looks.pores * noise(looks, rest - 3, 16.0)
    colour = looks.skin * (1 + uneven)[:, None]
    cheeks = np.exp(-((side - 0.62) ** 2 + (z + 0.62) ** 2) / 0.09)
    nose = 0.8 * np.exp(-(x**2 + (z + 0.75) ** 2) / 0.03)
    colour = colour * (1 - (looks.redness * (cheeks + nose) * front)[:, None] * np.array([0, 0.9, 0.8]))
    circles = looks.eye_circles * np.exp(-((side - 0.47) ** 2 / 0.07 + (z + 0.20) ** 2 / 0.012)) * front
    colour = colour * (1 - circles[:, None] * np.array([0.7, 0.9, 0.85]))
    if looks.freckles:
        spots = smooth(0.9, 1.5, noise(looks, rest + 11, 21.0))
        spots = looks.freckles * spots * np.exp(-((side - 0.5) ** 2 / 0.2 + (z + 0.45) ** 2 / 0.15))
        colour = colour * (1 - spots[:, None] * np.array([0.5, 0.8, 1]))
    for mole_x, mole_z, radius in looks.moles:
        spot = np.exp(-((((x - mole_x) ** 2 + (z - mole_z) ** 2) / radius**2) ** 2)) * front
        colour = colour * (1 - 0.6 * spot[:, None])
    return np.asarray(colour * (1 - _wrinkles(looks, points, medium))[:, None])


def _wrinkles(looks: Looks, points: Points, medium: FloatArray) -> FloatArray:
    x, side, z = points.x, points.side, points.z
    forehead = sum(
        np.exp(-((z - (0.62 + 0.17 * line) - 0.03 * np.sin(4 * x + line) - 0.02 * medium) ** 2) / 0.0006)
        for line in range(3)
    ) * np.exp(-((x / 0.75) ** 4))
    fold = np.exp(-((side - (0.34 + 0.30 * np.clip((-z - 0.75) / 0.6, 0, 1))) ** 2) / 0.0012)
    fold = fold * smooth(-1.45, -1.2, z) * (1 - smooth(-0.8, -0.65, z))
    feet = sum(np.exp(-((z - 0.02 - (side - 0.8) * slope) ** 2) / 0.0005) for slope in (-0.5, 0, 0.5))
    feet = feet * smooth(0.82, 0.88, side) * (1 - smooth(1.0, 1.15, side))
    depth = 0.22 * looks.forehead_lines * forehead + 0.30 * fold + 0.2 * feet
    made: FloatArray = np.clip(looks.wrinkles * depth * points.front, 0, 0.5)
    return made


def _brows(looks: Looks, points: Points, strands: FloatArray) -> FloatArray:
    side, z = points.side, points.z
    along = np.clip((side - looks.brow_inner) / (looks.brow_outer - looks.brow_inner), 0, 1)
    height = looks.brow_height + looks.brow_tilt * (along - 0.3) - 0.10 * along**3
    height = height + looks.brow_arch * np.sin(np.pi * np.clip(along * 0.9 + 0.1, 0, 1))
    thickness = looks.brow_thickness * (1 - 0.65 * along) * (0.55 + 0.45 * smooth(0, 0.12, along))
    made = 1 - smooth(0.6, 1.25, np.abs(z - height) / thickness + 0.25 * strands)
    made = made * smooth(looks.brow_inner - 0.06, looks.brow_inner + 0.04, side)
    made = made * (1 - smooth(looks.brow_outer - 0.06, looks.brow_outer + 0.02, side))
    return np.asarray(made * points.front * looks.brow_density * np.clip(0.85 + 0.2 * strands, 0, 1))


def _beard(looks: Looks, points: Points, lips: FloatArray, medium: FloatArray, strands: FloatArray) -> FloatArray:
    if not (looks.beard or looks.moustache):
        return np.zeros(len(points.part))
    x, side, z = points.x, points.side, points.z
    edge = -0.62 - 0.55 * np.clip(1.05 - side, 0, 1) + looks.beard_edge * 0.4
    beard = (1 - smooth(0, 0.18, z + 0.05 * medium - edge + 0.14)) * smooth(-2.45, -2.1, z)
    beard = beard * (points.rest[:, 1] < 1.15) * (lips < 0.3)
    beard = beard * (1 - np.exp(-(x**2 / 0.10 + (z + 1.30) ** 2 / 0.035)))
    moustache = np.exp(-((np.abs(z + 1.0 - 0.06 * side) / 0.11) ** 4)) * (1 - smooth(0.42, 0.58, side))
    moustache = moustache * points.front * (lips < 0.3)
    grown = np.clip(looks.beard * beard + looks.moustache * moustache, 0, 1)
    return np.asarray(grown * np.clip(0.8 + 0.25 * strands, 0, 1))


def _glasses(points: Points) -> npt.NDArray[np.bool_]:
    side, z = points.side, points.z
    ring = np.sqrt(((side - 0.53) / 0.42) ** 2 + ((z + 0.06) / 0.34) ** 2)
    bridge, temple = (side < 0.14) & (np.abs(z - 0.06) < 0.035), (side > 0.93) & (np.abs(z - 0.06) < 0.035)
    frame = ((np.abs(ring - 1) < 0.10) | bridge | temple) & (points.rest[:, 1] < 1.2)
    return np.asarray(frame & (points.part == SKIN))


def _eye(shot: Shot, rest: FloatArray, centre: FloatArray) -> FloatArray:
    """White, iris and pupil by the angle from where the eye looks."""
    outward = rest - centre
    outward = outward / (np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9)
    gaze = np.array([shot.gaze[0], -1.0, shot.gaze[1]])
    angle = np.degrees(np.arccos(np.clip(outward @ (gaze / np.linalg.norm(gaze)), -1, 1)))
    white = np.array([0.80, 0.77, 0.74]) * (1 - 0.25 * smooth(35, 75, angle))[:, None]
    iris = shot.looks.eyes * (1 + 0.3 * noise(shot.looks, rest * 40, 1.0))[:, None]
    colour = _over(white, iris * (1 - 0.5 * smooth(20, 27, angle))[:, None], 1 - smooth(25, 28.5, angle))
    return _over(colour, np.full(3, 0.015), 1 - smooth(10, 12.5, angle))
