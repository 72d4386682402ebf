"""A photograph by ray casting: the head turned, lit by a lamp, a fill light and the sky, exposed as by a camera."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray, InputError
from mote_bench.faces import paint
from mote_bench.faces.head import LONG_HAIR, SKIN, TEETH, TONGUE, Head, frame, normals
from mote_bench.faces.people import Person
from mote_bench.faces.shot import Shot

SIZE = 224
_FINER = 2  # rays per pixel and side
_SKY_RAYS, _SKY_REACH = 6, 0.05
# The camera's meter: skin is brought towards this brightness, but not all the way.
_METERED, _CORRECTION, _LEAST_GAIN, _MOST_GAIN = 0.46, 0.65, 0.7, 3.5
_GAMMA, _GRAIN = 1 / 1.25, 0.008


def available() -> None:
    """Raise :class:`InputError` where the ray caster isn't installed."""
    if importlib.util.find_spec("embreex") is None:
        raise InputError("the ray caster isn't installed. Install it: pip install 'mote-bench[faces]'")


def rendered(head: Head, person: Person, shot: Shot) -> npt.NDArray[np.uint8]:
    """(224, 224, 3) RGB."""
    mesh = _mesh(head, person, shot)
    rng = np.random.default_rng(shot.seed)
    hits = _seen(mesh, shot)
    points = _points(head, mesh, hits)
    albedo, shine = paint.painted(head, shot, points)
    light = _lit(mesh, hits, points, shot, albedo=albedo, shine=shine, rng=rng)
    side = SIZE * _FINER
    picture = np.tile(shot.background, (side * side, 1))
    picture *= 1 + 0.15 * shot.slope * np.linspace(-1, 1, side * side)[:, None]
    picture[hits.pixel] = light * _gain(light, points) * shot.exposure
    picture = picture.reshape(SIZE, _FINER, SIZE, _FINER, 3).mean(axis=(1, 3))
    return _developed(picture * shot.white, shot, rng)


@dataclass(frozen=True, eq=False)
class _Mesh:
    """The head before the camera, which looks along y: vertices in metres, the triangles that are drawn."""

    vertices: FloatArray
    triangles: npt.NDArray[np.intp]
    corners: npt.NDArray[np.intp]
    part: npt.NDArray[np.uint8]
    normals: FloatArray
    eye_distance: float
    scene: Any


@dataclass(frozen=True, eq=False)
class _Hits:
    """Where the camera's rays hit: pixel (n,), triangle (n,), weights of its corners (n, 3), the rays (n, 3)."""

    pixel: npt.NDArray[np.intp]
    triangle: npt.NDArray[np.intp]
    weights: FloatArray
    rays: FloatArray

    def between(self, values: FloatArray, corners: npt.NDArray[np.intp]) -> FloatArray:
        """Values of the corners, mixed at each point."""
        made: FloatArray = np.einsum("nc,ncd->nd", self.weights, values[corners[self.triangle]])
        return made


def _mesh(head: Head, person: Person, shot: Shot) -> _Mesh:
    vertices = head.vertices(shot.body, person.changes, shot.expression)
    centre, distance = frame(vertices, head)
    vertices = _with_hair(head, shot, vertices, distance)
    turned = (vertices - centre - np.array([0, 0.3, -0.45]) * distance) @ _turn(shot.yaw, shot.pitch, shot.roll).T
    drawn = _drawn(head, person, shot)
    triangles = head.triangles[drawn]
    return _Mesh(
        turned,
        triangles,
        head.corners[drawn],
        head.part[drawn],
        normals(turned, triangles),
        distance,
        _scene(turned, triangles),
    )


def _with_hair(head: Head, shot: Shot, vertices: FloatArray, distance: float) -> FloatArray:
    """The scalp pushed out by the thickness of the hair."""
    looks, rest = shot.looks, head.rest
    if looks.bald:
        return vertices
    skin = head.triangles[head.part == SKIN]
    on_skin = np.zeros(len(vertices), bool)
    on_skin[skin.ravel()] = True
    ears = (np.abs(rest[:, 0]) > 1.12) & (rest[:, 2] < 0.25) & (rest[:, 2] > -1.1) & (rest[:, 1] < 1.5)
    cover = paint.hair_cover(looks, rest, paint.noise(looks, rest + 7, 3.3)) * (rest[:, 2] > -1.6) * on_skin * ~ears
    thickness = looks.hair_thickness * cover * (1 + 0.35 * paint.noise(looks, rest + 3, 1.7))
    return vertices + normals(vertices, skin) * (thickness * distance)[:, None]


def _drawn(head: Head, person: Person, shot: Shot) -> npt.NDArray[np.bool_]:
    """The triangles without long hair, or with as much of it as grows and doesn't hang before the face."""
    drawn = head.part != LONG_HAIR
    if not person.looks.long_hair:
        return np.asarray(drawn)
    corners = head.rest[head.triangles]
    middle = corners.mean(axis=1)
    before = (np.abs(corners[:, :, 0]).min(axis=1) < 1.12) & (corners[:, :, 1].min(axis=1) < 0.75)
    before &= middle[:, 2] < shot.looks.hairline + 0.25
    return np.asarray(drawn | ((middle[:, 2] > shot.looks.hair_length) & ~before))


def _turn(yaw: float, pitch: float, roll: float) -> FloatArray:
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians([yaw, pitch, roll])), np.sin(np.radians([yaw, pitch, roll]))
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    made: FloatArray = about_y @ about_x @ about_z
    return made


def _scene(vertices: FloatArray, triangles: npt.NDArray[np.intp]) -> Any:
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    scene = EmbreeScene()
    TriangleMesh(scene, vertices.astype(np.float32), triangles.astype(np.int32))
    return scene


def _seen(mesh: _Mesh, shot: Shot) -> _Hits:
    side = SIZE * _FINER
    across = ((np.arange(side) + 0.5) / side - 0.5) * shot.frame * mesh.eye_distance
    aside, above = shot.offset * mesh.eye_distance
    x, z = np.meshgrid(across + aside, -across + above)
    camera = np.array([aside, -shot.distance, above])
    rays = np.stack([x, np.zeros_like(x), z], axis=-1).reshape(-1, 3) - camera
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    met = _cast(mesh, np.broadcast_to(camera, rays.shape), rays)
    pixel = np.flatnonzero(met["primID"] >= 0)
    u, v = met["u"][pixel].astype(np.float64), met["v"][pixel].astype(np.float64)
    return _Hits(pixel, met["primID"][pixel].astype(np.intp), np.stack([1 - u - v, u, v], axis=1), rays[pixel])


def _cast(mesh: _Mesh, origins: FloatArray, rays: FloatArray) -> dict[str, npt.NDArray[Any]]:
    made: dict[str, npt.NDArray[Any]] = mesh.scene.run(
        np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(rays, np.float32), query="INTERSECT", output=1
    )
    return made


def _meets(mesh: _Mesh, origins: FloatArray, rays: FloatArray, reach: float | None = None) -> npt.NDArray[np.bool_]:
    """Whether anything lies on each ray, within ``reach`` metres: what lies there takes longer to find."""
    far = None if reach is None else np.full(len(origins), reach, np.float32)
    met: npt.NDArray[np.int32] = mesh.scene.run(
        np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(rays, np.float32), dists=far, query="OCCLUDED"
    )
    return met >= 0


def _points(head: Head, mesh: _Mesh, hits: _Hits) -> paint.Points:
    return paint.Points(
        mesh.part[hits.triangle], hits.between(head.rest, mesh.triangles), hits.between(head.texture, mesh.corners)
    )


def _lit(
    mesh: _Mesh,
    hits: _Hits,
    points: paint.Points,
    shot: Shot,
    *,
    albedo: FloatArray,
    shine: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Linear RGB of each point: Lambert's law wrapped a little round the edge, soft shadows, highlights."""
    place = hits.between(mesh.vertices, mesh.triangles)
    normal = hits.between(mesh.normals, mesh.triangles)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    normal[np.einsum("nd,nd->n", normal, hits.rays) > 0] *= -1
    azimuth, elevation = np.radians([shot.light_azimuth, shot.light_elevation])
    lamp = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    fill = np.array([-lamp[0], lamp[1], lamp[2] * 0.3])
    fill /= np.linalg.norm(fill)
    shadowed = _meets(mesh, place + normal * 2e-3, np.broadcast_to(lamp, place.shape))
    visible = _blurred(hits, 1.0 - shadowed, 2.0)
    open_sky = _blurred(hits, _sky(mesh, place, normal, rng), 1.2)
    wrapped = np.clip((normal @ lamp + 0.25) / 1.25, 0, 1) * (visible * 0.9 + 0.1)
    sky = shot.ambient * (0.75 + 0.25 * normal[:, 2]) * open_sky
    light = shot.light * wrapped[:, None] * np.array([1, 0.98, 0.95]) + sky[:, None] * np.array([0.95, 0.98, 1.05])
    light += (0.22 * np.clip(normal @ fill, 0, 1) * open_sky)[:, None]
    half = lamp - hits.rays
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    highlight = np.clip(np.einsum("nd,nd->n", normal, half), 0, 1) ** np.where(shine > 0.8, 120, 18)
    colour = albedo * light * 0.95 + (highlight * shine * visible * shot.light)[:, None] * 0.35
    mouth = np.isin(points.part, (TEETH, TONGUE))
    made: FloatArray = np.where(mouth[:, None], colour * open_sky[:, None], colour)
    return made


def _sky(mesh: _Mesh, place: FloatArray, normal: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The share of the sky that each point sees past the head itself."""
    seen, origins = np.zeros(len(place)), np.ascontiguousarray(place + normal * 1.5e-3, np.float32)
    for _ in range(_SKY_RAYS):
        offset = rng.standard_normal(3)
        rays = normal + offset / np.linalg.norm(offset) * 0.95
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        seen += ~_meets(mesh, origins, rays, _SKY_REACH)
    return seen / _SKY_RAYS


def _blurred(hits: _Hits, values: FloatArray, radius: float) -> FloatArray:
    from scipy.ndimage import gaussian_filter

    side = SIZE * _FINER
    image = np.ones(side * side)
    image[hits.pixel] = values
    made: FloatArray = gaussian_filter(image.reshape(side, side), radius * _FINER).ravel()[hits.pixel]
    return made


def _gain(light: FloatArray, points: paint.Points) -> float:
    """Automatic exposure: dark and light skin both become well exposed, but not equally bright."""
    face = (points.part == SKIN) & (points.side < 0.9) & (np.abs(points.z + 0.4) < 0.9) & points.front
    if not face.any():
        return 1.0
    seen = float(np.median(light[face] @ np.array([0.2126, 0.7152, 0.0722])))
    return float(np.clip((_METERED / max(seen, 1e-3)) ** _CORRECTION, _LEAST_GAIN, _MOST_GAIN))


def _developed(picture: FloatArray, shot: Shot, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    from scipy.ndimage import gaussian_filter

    linear = np.clip(picture, 0, None)
    made = np.clip(linear / (1 + 0.12 * linear), 0, 1) ** _GAMMA
    made = made + rng.normal(0, _GRAIN, made.shape)
    if shot.blur:
        made = gaussian_filter(made, (shot.blur, shot.blur, 0))
    return np.round(np.clip(made, 0, 1) * 255).astype(np.uint8)
