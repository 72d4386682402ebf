"""The built-in population of rendered subjects who do not exist; its card is synthetic_faces.toml."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from mote_bench.contracts import Dataset, InputError
from mote_bench.data import npz

FOLDER = Path(__file__).parent
CARD = FOLDER / "synthetic_faces.toml"


def card() -> dict[str, Any]:
    """Origin, licence, checksum and known limits of the population."""
    return tomllib.loads(CARD.read_text(encoding="utf-8"))


def load() -> Dataset:
    """The population with gender, age in bins, and ethnicity.

    Raises
    ------
    InputError
        When the installed file isn't the one on the card.
    """
    about = card()
    path = FOLDER / about["file"]
    data = npz.load(path, bins=about["bins"], attributes=about["attributes"], name=about["name"])
    if data.checksum != about["sha256"]:
        raise InputError(f"'{path}' differs from its card (sha256 {data.checksum}); reinstall mote-bench")
    return replace(data, recogniser=about["recogniser"])
