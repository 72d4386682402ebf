"""A rendered person's gender, age, ethnicity, shape and appearance, all drawn from one seed.

Appearance (tones, hair, eyes, brows, beard) has the same spread in every ethnic group by construction. Only the mean
of the skin's lightness differs. A group with less variety would be harder to recognise, and show a fairness gap that
is the renderer's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mote_bench.contracts import FloatArray
from mote_bench.faces.head import ETHNICITIES, Head
from mote_bench.toolkit import stream

GENDERS = ("male", "female")
YOUNGEST, OLDEST = 18.0, 75.0
# Of the shape changes: 1 draws features far beyond what faces show, with 0.3 all faces are average.
_SHAPE, _ASYMMETRY = 0.40, 0.06
_SIDEWAYS = frozenset(
    f"{part}-trans-{way}" for part, way in (("nose", "out"), ("mouth", "out"), ("neck", "out"), ("head", "out"))
) | {"head-trans-forward", "head-trans-up", "head-angle-out"}
# How far women's and men's features lie apart, each half of it from the middle (Enlow, Essentials of Facial Growth;
# Bruce et al. 1993, doi:10.1068/p220131): men's noses are larger, brow ridges lower, chins and necks broader; women's
# cheekbones, eyes and upper lips stand out. Of some forty such features these are the ones that a probe of photographs
# heeds, but for the neck. With the head's own "gender" alone a linear probe of embeddings reads it at 0.88, of
# photographs at 0.98.
WOMEN_LESS_MEN = {
    "nose-scale-horiz-incr": -0.7,
    "nose-scale-depth-incr": -0.7,
    "nose-width3-incr": -0.5,
    "nose-point-up": 0.6,
    "mouth-upperlip-height-incr": 0.6,
    "l-cheek-bones-incr": 0.7,
    "eyebrows-trans-up": 0.6,
    "eyebrows-angle-up": 0.5,
    "l-eye-scale-incr": 0.6,
    "l-eye-bag-out": -0.5,
    "l-eye-corner2-up": -0.5,
    "chin-width-incr": -0.7,
    "chin-prominent-incr": -0.5,
    "neck-scale-horiz-incr": -0.6,
    "head-fat-incr": -0.3,
    "head-age-incr": -0.5,
    "mouth-laugh-lines-out": -0.4,
}
# CIE lightness of the skin: its middle by group, and the spread that all share.
_LIGHTNESS, _LIGHTNESS_SPREAD = {"african": 42.0, "asian": 63.0, "caucasian": 70.0}, 4.5
# Women's skin is the lighter in every population (Jablonski & Chaplin 2000, doi:10.1006/jhev.2000.0403), and smoother.
_WOMEN_LIGHTER, _ROUGH_MEN, _ROUGH_WOMEN = 3.0, 1.2, 0.7
_TONES = np.array(
    [[0.06, 0.034, 0.022], [0.24, 0.14, 0.09], [0.70, 0.47, 0.33], [0.97, 0.80, 0.70]]
)  # from dark to light; linear RGB
_HAIR = np.array(
    [[0.045, 0.035, 0.03], [0.13, 0.085, 0.05], [0.28, 0.18, 0.09], [0.45, 0.16, 0.06], [0.62, 0.45, 0.24]]
)
_HAIR_SHARES = (0.4, 0.25, 0.15, 0.06, 0.14)
_GREY = np.array([0.62, 0.61, 0.60])
_EYES = np.array([[0.16, 0.08, 0.04], [0.30, 0.18, 0.08], [0.30, 0.38, 0.22], [0.25, 0.42, 0.58]])
_EYE_SHARES = (0.45, 0.25, 0.12, 0.18)


@dataclass(frozen=True, eq=False)
class Looks:
    """What is painted on the head; lengths in eye distances, colours in linear RGB, amounts from 0 to 1."""

    skin: FloatArray
    hair: FloatArray
    eyes: FloatArray
    lips: FloatArray
    lip_amount: float
    brow_height: float
    brow_arch: float
    brow_inner: float
    brow_outer: float
    brow_thickness: float
    brow_density: float
    brow_tilt: float
    hairline: float
    hairline_temples: float
    hairline_peak: float
    hair_thickness: float
    hair_length: float
    long_hair: bool
    bald: bool
    beard: float
    moustache: float
    beard_edge: float
    blotches: float
    redness: float
    eye_circles: float
    pores: float
    freckles: float
    moles: FloatArray
    wrinkles: float
    forehead_lines: float
    wears_glasses: bool
    grain: FloatArray
    """(32, 32, 32) noise that every texture of this face is read from."""


@dataclass(frozen=True, eq=False)
class Person:
    """A person who doesn't exist.

    Attributes
    ----------
    number : int
        The person's number within a population.
    gender, ethnicity : str
    age : float
        Years.
    body, changes : mapping of str -> float
        The head's shape, as :meth:`mote_bench.faces.head.Head.vertices` takes it.
    """

    number: int
    gender: str
    age: float
    ethnicity: str
    body: Mapping[str, float]
    changes: Mapping[str, float]
    looks: Looks


def draw(head: Head, seed: int, number: int) -> Person:
    """Person ``number`` of the population of this seed; it doesn't depend on who else is in it."""
    rng = stream(seed, "person", number)
    ethnicity, gender = ETHNICITIES[rng.integers(3)], GENDERS[rng.integers(2)]
    age = float(rng.uniform(YOUNGEST, OLDEST))
    male = gender == "male"
    mixture = rng.dirichlet([1, 1, 1]) * 0.15
    mixture[ETHNICITIES.index(ethnicity)] += 0.85
    body = {
        "gender": float(np.clip((0.06 if male else 0.94) + rng.normal(0, 0.05), 0, 1)),
        "age": float(2 / 3 + max(age - 20, -2) / 210),  # anny: 2/3 is a young adult, 1 is ninety
        "muscle": float(rng.uniform(0.2, 0.9)),
        "weight": float(rng.uniform(0.2, 0.85)),
        "height": float(rng.uniform(0.3, 0.7)),
        "proportions": float(rng.uniform(0.2, 0.9)),
        **{name: float(share) for name, share in zip(ETHNICITIES, mixture, strict=True)},
    }
    return Person(number, gender, age, ethnicity, body, _changes(head, rng, male), _looks(rng, ethnicity, male, age))


def _changes(head: Head, rng: np.random.Generator, male: bool) -> dict[str, float]:
    """Shape changes; left and right move together but for a little asymmetry."""
    made: dict[str, float] = {}
    for name in head.changes:
        if name.startswith("r-"):
            continue
        amount = rng.normal(_half(WOMEN_LESS_MEN.get(name, 0.0), male), _SHAPE * _reach(name))
        if re.match("l-", name):
            for side in "lr":
                made[f"{side}-{name[2:]}"] = float(np.clip(amount + rng.normal(0, _ASYMMETRY), -1, 1))
        else:
            made[name] = float(np.clip(amount, -1, 1))
    return made


def _half(apart: float, male: bool) -> float:
    """A man's or a woman's deviation from the middle, where women minus men is this difference."""
    return apart * (-0.5 if male else 0.5)


def _reach(name: str) -> float:
    return 0.12 if name in _SIDEWAYS else 0.35 if "neck" in name else 1.0


def _looks(rng: np.random.Generator, ethnicity: str, male: bool, age: float) -> Looks:
    skin = _skin(rng, ethnicity, male)
    rough = _ROUGH_MEN if male else _ROUGH_WOMEN
    grey = smooth(38, 72, age + rng.normal(0, 8))
    hair = _HAIR[rng.choice(len(_HAIR), p=_HAIR_SHARES)] * rng.uniform(0.8, 1.2)
    eyes = _EYES[rng.choice(len(_EYES), p=_EYE_SHARES)] * rng.uniform(0.8, 1.2)
    moles = int(rng.integers(0, 5))
    return Looks(
        skin=skin,
        hair=hair * (1 - grey) + _GREY * grey,
        eyes=eyes,
        lips=np.clip(skin * np.array([0.86, 0.62, 0.62]) * (1 + rng.normal(0, 0.06, 3)), 0.03, 1),
        lip_amount=float(rng.uniform(0.5, 0.9) + 0.2 * (1 - male)),
        brow_height=float(rng.normal(0.36, 0.05) + _half(0.06, male)),
        brow_arch=float(rng.uniform(0, 0.16) * (1.2 - 0.5 * male)),
        brow_inner=float(rng.uniform(0.17, 0.30)),
        brow_outer=float(rng.uniform(0.78, 0.98)),
        brow_thickness=float(rng.uniform(0.045, 0.085) * (1.3 if male else 0.7)),
        brow_density=float(rng.uniform(0.55, 1)),
        brow_tilt=float(rng.normal(0, 0.05)),
        hairline=float(rng.normal(1.08, 0.11) + (0.25 * smooth(30, 70, age) * rng.random() if male else 0)),
        hairline_temples=float(rng.uniform(-0.12, 0.25)),
        hairline_peak=float(rng.normal(0, 0.06)),
        hair_thickness=float(rng.uniform(0.04, 0.28) if male else rng.uniform(0.10, 0.40)),
        hair_length=float(rng.uniform(-3.2, -1.0)),
        long_hair=bool(not male and rng.random() < 0.8),
        bald=bool(male and rng.random() < 0.05 + 0.2 * (age > 50)),
        beard=float(rng.choice([0, 0.25, 0.55, 1], p=[0.45, 0.25, 0.15, 0.15])) if male else 0.0,
        moustache=float(rng.choice([0, 0.5, 1], p=[0.65, 0.2, 0.15])) if male else 0.0,
        beard_edge=float(rng.uniform(-0.25, 0.25)),
        blotches=float(rng.uniform(0.03, 0.085) * rough),
        redness=float(rng.uniform(0, 0.12)),
        eye_circles=float(rng.uniform(0, 0.42)),
        pores=float(rng.uniform(0.03, 0.07) * rough),
        freckles=float(rng.uniform(0.2, 0.7) if rng.random() < 0.15 else 0),
        moles=np.column_stack(
            [rng.uniform(-1, 1, moles), rng.uniform(-1.7, 1, moles), rng.uniform(0.015, 0.04, moles)]
        ),
        wrinkles=float(smooth(32, 75, age) * rng.uniform(0.7, 1.7) * rough),
        forehead_lines=float(rng.uniform(0.6, 1.4)),
        wears_glasses=bool(rng.random() < 0.2),
        grain=rng.standard_normal((32, 32, 32)).astype(np.float32),
    )


def _skin(rng: np.random.Generator, ethnicity: str, male: bool) -> FloatArray:
    """A tone of the wanted lightness on the line from dark over middle to light."""
    wanted = rng.normal(_LIGHTNESS[ethnicity] + _half(_WOMEN_LIGHTER, male), _LIGHTNESS_SPREAD)
    places = np.linspace(0, len(_TONES) - 1, 601)
    line = np.stack([np.interp(places, range(len(_TONES)), _TONES[:, channel]) for channel in range(3)], axis=1)
    tone = line[np.argmin(np.abs(lightness(line) - wanted))]
    hue = np.array([1 + rng.normal(0, 0.04), 1.0, 1 + rng.normal(0, 0.06)])
    made: FloatArray = np.clip(tone * hue, 0.03, 0.97)
    return made


def lightness(colour: FloatArray) -> FloatArray:
    """CIE lightness L*, 0 to 100, of linear RGB colours (..., 3)."""
    luminance = colour @ np.array([0.2126, 0.7152, 0.0722])
    made: FloatArray = np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)
    return made


def smooth(low: float, high: float, value: FloatArray | float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, and a smooth step between."""
    t = np.clip((np.asarray(value) - low) / (high - low), 0, 1)
    made: FloatArray = t * t * (3 - 2 * t)
    return made
