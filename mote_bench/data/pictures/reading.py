"""Reads a picture file as pixels; a hostile or damaged file raises one error with a reason, before it fills memory."""

from __future__ import annotations

import bz2
import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp", ".ppm.bz2"})
LONGEST_SIDE = 1024
_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
_MOST_BYTES, _MOST_PIXELS = 64 * 2**20, 64_000_000


class Unreadable(Exception):
    """Why a file is no picture that can be used."""


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return "".join(path.suffixes[-2:]).lower() in SUFFIXES or path.suffix.lower() in SUFFIXES


def read(path: Path) -> npt.NDArray[np.uint8]:
    """(height, width, 3) RGB, turned upright by its EXIF tag; reduced where a side is over ``LONGEST_SIDE`` pixels.

    Raises
    ------
    Unreadable
        When the file is missing, empty, no picture, damaged, or has over 64 million pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warning of many pixels: the limit below is stricter
            with Image.open(io.BytesIO(_bytes(path)), formats=_FORMATS) as image:
                width, height = image.size
                if width * height > _MOST_PIXELS:
                    raise Unreadable(f"{width} x {height} pixels; at most {_MOST_PIXELS // 10**6} million are read")
                upright = ImageOps.exif_transpose(image).convert("RGB")
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
                return np.asarray(upright)
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise Unreadable(f"over {_MOST_PIXELS // 10**6} million pixels") from None
    except OSError as error:
        raise Unreadable(error.strerror or "not a picture, or damaged") from None
    except Exception as error:  # decoders raise anything on damaged files
        raise Unreadable(f"not a picture, or damaged ({type(error).__name__})") from None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if not content:
        raise Unreadable("an empty file")
    if path.suffix.lower() == ".bz2":
        content = bz2.BZ2Decompressor().decompress(content, _MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise Unreadable(f"over {_MOST_BYTES // 2**20} MiB")
    return content
