"""Rendered portraits for tests: pictures with faces that belong to nobody."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mote_bench.faces import head, people, render, shot

Pixels = npt.NDArray[np.uint8]


@cache
def portrait(person: int, image: int = 0) -> Pixels:
    """(224, 224, 3) RGB of a person of the tests' own population, near to a passport photograph."""
    who = people.draw(head.load(), 7, person)
    return render.rendered(head.load(), who, shot.draw(who, 7, image, difficulty=0.3))


def save(path: Path, pixels: Pixels) -> Path:
    """Write a picture, in the format that the name ends in."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
