"""One photograph of a person: pose, expression, light, camera and the day's appearance, drawn from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.faces.people import Looks, Person
from mote_bench.toolkit import stream

DIFFICULTY = 1.0
# Degrees either way at difficulty 1.
_YAW, _PITCH, _ROLL = 15.0, 8.0, 5.0


@dataclass(frozen=True, eq=False)
class Shot:
    """What differs between photographs of one person. Angles in degrees, distance in metres."""

    yaw: float
    pitch: float
    roll: float
    gaze: tuple[float, float]
    expression: Mapping[str, float]
    looks: Looks
    body: Mapping[str, float]
    glasses: bool
    distance: float
    frame: float
    offset: FloatArray
    light_azimuth: float
    light_elevation: float
    light: float
    ambient: float
    background: FloatArray
    slope: float
    exposure: float
    white: FloatArray
    blur: float
    seed: int


def draw(person: Person, seed: int, number: int, *, difficulty: float = DIFFICULTY) -> Shot:
    """Photograph ``number`` of a person.

    Parameters
    ----------
    difficulty : float
        Scales the variation of pose, lighting and appearance between photos: 0 gives a passport photo each time.
    """
    rng = stream(seed, "shot", person.number, number)
    yaw, pitch = rng.uniform(-_YAW, _YAW) * difficulty, rng.uniform(-_PITCH, _PITCH) * difficulty
    body = dict(person.body)
    body["weight"] = float(np.clip(body["weight"] + rng.normal(0, 0.05) * difficulty, 0, 1))
    return Shot(
        yaw=float(yaw),
        pitch=float(pitch),
        roll=float(rng.normal(0, _ROLL) * difficulty),
        gaze=(float(rng.normal(0, 0.08) - 0.5 * np.sin(np.radians(yaw)) * rng.random()), float(rng.normal(0, 0.05))),
        expression=_expression(rng, difficulty),
        looks=_today(person, rng, difficulty),
        body=body,
        glasses=bool(person.looks.wears_glasses and rng.random() < 0.5) or bool(rng.random() < 0.04 * difficulty),
        distance=float(rng.uniform(0.6, 1.4)),
        frame=float(rng.uniform(4.3, 5.0)),
        offset=rng.normal(0, 0.12, 2) * difficulty,
        light_azimuth=float(rng.uniform(-55, 55) * min(difficulty, 1.5)),
        light_elevation=float(rng.uniform(0, 50)),
        light=float(rng.uniform(0.55, 1.0)),
        ambient=float(rng.uniform(0.28, 0.5)),
        background=rng.uniform(0.15, 0.75, 3) * 0.7 + 0.3 * rng.uniform(0.15, 0.75),
        slope=float(rng.uniform(-1, 1)),
        exposure=float(rng.uniform(0.88, 1.12)),
        white=1 + rng.normal(0, 0.03, 3),
        blur=float(rng.uniform(0.2, 0.8)) if rng.random() < 0.5 else 0.0,
        seed=int(rng.integers(2**32)),
    )


def _expression(rng: np.random.Generator, difficulty: float) -> dict[str, float]:
    """Neutral, a smile, a slightly open mouth or a frown, and lids that may be half-way down."""
    made: dict[str, float] = {}
    match rng.integers(4):
        case 1:
            smile = rng.uniform(0.2, 0.8)
            made |= {"mouthSmileLeft": smile, "mouthSmileRight": smile * rng.uniform(0.9, 1.1)}
            made |= {"cheekSquintLeft": 0.3 * smile, "cheekSquintRight": 0.3 * smile}
        case 2:
            made |= {"jawOpen": rng.uniform(0.03, 0.25), "browInnerUp": rng.uniform(0, 0.5)}
        case 3:
            down, frown = rng.uniform(0, 0.6), rng.uniform(0, 0.5)
            made |= {"browDownLeft": down, "browDownRight": down, "mouthFrownLeft": frown, "mouthFrownRight": frown}
            made |= {"mouthPressLeft": 0.3, "mouthPressRight": 0.3}
    lids = rng.uniform(0, 0.22)
    made |= {"eyeBlinkLeft": lids, "eyeBlinkRight": lids}
    return {name: float(np.clip(amount * difficulty, 0, 1)) for name, amount in made.items()}


def _today(person: Person, rng: np.random.Generator, difficulty: float) -> Looks:
    """The person's appearance on another day: hair, beard, tan, make-up."""
    looks = person.looks
    male = person.gender == "male"

    def factor(low: float, high: float) -> float:
        return float(1 + (rng.uniform(low, high) - 1) * difficulty)

    skin = np.clip(looks.skin * (1 - rng.uniform(-0.08, 0.10) * difficulty * np.array([0.8, 1, 1.1])), 0.03, 0.97)
    stubble = 0.2 * bool(male and rng.random() < 0.25) * difficulty
    made = replace(
        looks,
        skin=skin,
        hair_thickness=looks.hair_thickness * max(factor(0.6, 1.5), 0.2),
        hair_length=looks.hair_length + float(rng.normal(0, 0.5)) * difficulty,
        beard=float(np.clip(looks.beard * max(factor(0.4, 1.2), 0) + stubble, 0, 1)),
        brow_thickness=looks.brow_thickness * factor(0.88, 1.12),
        eye_circles=looks.eye_circles * max(factor(0.5, 1.8), 0),
        redness=looks.redness * max(factor(0.5, 2.0), 0),
        blotches=looks.blotches * max(factor(0.6, 1.6), 0),
    )
    if not male and rng.random() < 0.5:
        lipstick = np.clip(skin * np.array([0.8, 0.35, 0.4]) * rng.uniform(0.7, 1.1), 0.02, 1)
        made = replace(made, lips=lipstick, lip_amount=0.95)
    return made
