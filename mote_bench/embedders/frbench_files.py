"""What the package FRBench downloaded: its manifest, and of one model its weights and what the network takes."""

from __future__ import annotations

import difflib
import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mote_bench import files as written
from mote_bench.basics import first_line
from mote_bench.contracts import FloatArray, InputError
from mote_bench.embedders import alignment
from mote_bench.embedders import weights as files

LISTED = "frbench-download --list-models lists all (from the network)"
_FORM = "expected frbench:BACKBONE/LOSS/DATASET, such as frbench:irse-50/arcface/ms1m"
_MOST_BYTES = 2**20
"""Of the manifest and of a model's settings, which are text of a few kilobytes."""
_MOST_PIXELS = 1024
_UNREADABLE = (ValueError, RecursionError, AttributeError, KeyError, TypeError)


@dataclass(frozen=True)
class Model:
    """One of FRBench's networks.

    Attributes
    ----------
    backbone, loss, dataset : str
        FRBench's own words, such as ``irse-50``, ``arcface`` and ``ms1m``.
    folder : Path, optional
        Where its files are looked for, if not where FRBench is set to keep them.
    """

    backbone: str
    loss: str
    dataset: str
    folder: Path | None = None

    @classmethod
    def named(cls, model: str | None, folder: Path | None = None) -> Model:
        """The model that ``BACKBONE/LOSS/DATASET`` names.

        Raises
        ------
        InputError
            Where the text is missing or has another form.
        """
        if model is None:
            raise InputError(f"frbench has many models, and none is named; {_FORM}. {LISTED}")
        parts = model.split("/")
        if len(parts) != 3 or not all(parts):
            raise InputError(f"frbench:{model} names no model; {_FORM}. {LISTED}")
        backbone, loss, dataset = parts
        return cls(backbone, loss, dataset, folder)

    @property
    def key(self) -> str:
        """Its name in FRBench's manifest."""
        return f"{self.backbone}_{self.loss}_{self.dataset}"

    @property
    def fetch(self) -> str:
        """FRBench's command that downloads it."""
        where = "" if self.folder is None else f"FRBENCH_CACHE={shlex.quote(str(self.folder))} "
        return f"{where}frbench-download {shlex.quote(self.key)}"

    @property
    def how(self) -> str:
        """What to do where a file is missing."""
        other = "" if self.folder is not None else " -- or give the folder of its downloads: --weights FOLDER"
        return f"mote-bench downloads nothing; FRBench's own command fetches it: {self.fetch}{other}"

    @property
    def again(self) -> str:
        """What to do where a file holds something else."""
        return f"Fetch it again: {self.fetch} --force"

    def __str__(self) -> str:
        return f"frbench:{self.backbone}/{self.loss}/{self.dataset}"


@dataclass(frozen=True, eq=False)
class Taken:
    """What a network takes: an aligned face, as (pixel / 255 - mean) / scale.

    Attributes
    ----------
    height, width : int
        Of the aligned face, in pixels.
    points : (5, 2) float
        Where the five landmarks lie in it.
    mean, scale : tuple of 3 float
        Channel by channel, in the network's order.
    order : {"RGB", "BGR"}
    """

    height: int
    width: int
    points: FloatArray
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    order: str

    def aligned(self, picture: npt.NDArray[np.uint8], landmarks: FloatArray) -> npt.NDArray[np.uint8]:
        """The face of an RGB picture, (height, width, 3) RGB, by its five landmarks (5, 2)."""
        return alignment.moved(picture, landmarks, self.points, (self.height, self.width))

    def pixels(self, face: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(3, height, width) of an aligned RGB face (height, width, 3)."""
        ordered = face if self.order == "RGB" else face[..., ::-1]
        mean, scale = np.array(self.mean, np.float32), np.array(self.scale, np.float32)
        made = (ordered.astype(np.float32) / np.float32(255) - mean) / scale
        return np.ascontiguousarray(made.transpose(2, 0, 1))

    def __str__(self) -> str:
        size = str(self.height) if self.height == self.width else f"{self.height} x {self.width}"
        return f"{size} px, {self.order}, (x / 255 - {_told(self.mean)}) / {_told(self.scale)}"


def _told(three: tuple[float, ...]) -> str:
    return f"{three[0]:g}" if len(set(three)) == 1 else f"({', '.join(f'{one:g}' for one in three)})"


def found(cache: Path, model: Model) -> tuple[Path, Path]:
    """The files of a model's settings and of its weights, which FRBench's manifest names.

    Parameters
    ----------
    cache : Path
        The folder that FRBench downloads into.

    Raises
    ------
    InputError
        Where the manifest, the model or one of its files is missing, and where the manifest names a file outside.
    """
    manifest = files.existing(cache / "manifest.json", how=f"This file lists FRBench's downloads. {model.how}")
    try:
        listed = written.parsed(_text(manifest))
        known = [name for name in listed if not name.startswith(("__", "retinaface_"))]
        if model.key in known:
            entry = listed[model.key]
            paths = [cache / entry["target_name"] / entry["contents"][kind] for kind in ("config", "weight")]
        else:
            paths = []
    except _UNREADABLE as error:
        raise InputError(
            f"'{manifest}' can't be read ({type(error).__name__}); expected FRBench's manifest. {model.again} --refresh"
        ) from None
    if not paths:
        near = ", ".join(difflib.get_close_matches(model.key, known, n=5, cutoff=0.0)) or "none"
        raise InputError(f"'{manifest}' lists no {model.key}; the nearest are {near}. {LISTED}")
    for path in paths:
        if not Path(os.path.normpath(path)).is_relative_to(os.path.normpath(cache)):
            raise InputError(f"'{manifest}' names '{path}', which lies outside its folder. {model.again} --refresh")
    settings, weights = (files.existing(path, how=model.how) for path in paths)
    return settings, weights


def settings(path: Path, model: Model) -> tuple[str, Mapping[str, Any], Taken]:
    """The backbone's name, the arguments of its constructor and what it takes, from a model's YAML file.

    What the file leaves out is as in FRBench's class ``FR``.

    Raises
    ------
    InputError
        Where the file holds something else.
    """
    import yaml

    try:
        told = yaml.safe_load(_text(path))
        name, arguments = told["backbone"]["name"], told["backbone"].get("kwargs", {})
        taken = _taken(told.get("input", {}))
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise ValueError("expected a backbone's name and its arguments")
    except (yaml.YAMLError, *_UNREADABLE) as error:
        raise InputError(
            f"'{path}' can't be read ({type(error).__name__}: {first_line(error)}); expected the settings of {model}. "
            f"{model.again}"
        ) from None
    return name, arguments, taken


def _taken(given: Mapping[str, Any]) -> Taken:
    height, width = given.get("size", (alignment.SIZE, alignment.SIZE))
    template, half = given.get("template"), (0.5, 0.5, 0.5)
    scale = _numbers(given.get("var", given.get("std", half)), 3)  # FRBench divides by what its files call var
    order = given.get("channel", "rgb")
    if not all(isinstance(side, int) and 0 < side <= _MOST_PIXELS for side in (height, width)):
        raise ValueError(f"expected a size of at most {_MOST_PIXELS} pixels")
    if order not in ("rgb", "bgr") or min(scale) <= 0:
        raise ValueError("expected the channels rgb or bgr, and a positive scale")
    points = alignment.POINTS if template is None else np.array([_numbers(point, 2) for point in template])
    if points.shape != alignment.POINTS.shape:
        raise ValueError("expected five landmarks")
    return Taken(height, width, points, _numbers(given.get("mean", half), 3), scale, order.upper())


def _numbers(value: object, count: int) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError(f"expected {count} numbers")
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in value):
        raise ValueError(f"expected {count} finite numbers")
    return tuple(float(one) for one in value)


def _text(path: Path) -> str:
    """A short text file; ``ValueError`` where it is long, or no text."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"longer than {_MOST_BYTES:,} bytes")
    return content.decode()
