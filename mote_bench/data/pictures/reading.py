"""Reads a picture file as pixels; a hostile or damaged file raises one error with a reason, before it fills memory."""

from __future__ import annotations

import bz2
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp", ".ppm.bz2"})
LONGEST_SIDE = 1024
_OTHERS = re.compile(
    r"\.(gif|jfif|jpe|jif|jfi|jp2|j2k|j2c|jpf|jpx|jpm|jxl|jxr|heic|heif|hif|avif|pnm|pbm|pam|pfm|dib|tga|psd|ico|icns|cur|"
    r"pcx|sgi|ras|xbm|xpm|dds|exr|hdr|svg|svgz|eps|apng|mpo|raw|cr2|cr3|nef|arw|dng|orf|rw2|raf|pef|srw)"
)
_MAGIC = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\0", b"MM\0*"),
    "JPEG 2000": (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"),
    "JPEG XL": (b"\xff\x0a", b"\0\0\0\x0cJXL "),
}
_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WebP": ".webp"}
_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
_MOST_BYTES, _MOST_PIXELS = 64 * 2**20, 64_000_000


class Unreadable(Exception):
    """Why a file is no picture that can be used."""


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture."""
    return "".join(path.suffixes[-2:]).lower() in SUFFIXES or path.suffix.lower() in SUFFIXES


def passed_over(path: Path) -> str | None:
    """Why a file isn't read that is a picture by its suffix or its first bytes, but of none of ``SUFFIXES``."""
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            kind = _kind(file.read(16))
    except OSError:
        kind = None
    if kind in _SUFFIX:
        return f"{kind} with {f'the suffix {suffix}' if suffix else 'no suffix'} (rename it to {_SUFFIX[kind]})"
    if kind or _OTHERS.fullmatch(suffix):
        return f"{kind or suffix} isn't read (convert it to PNG)"
    return None


def _kind(start: bytes) -> str | None:
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"):
        return "AVIF" if start[8:11] == b"avi" else "HEIC"
    return next((kind for kind, starts in _MAGIC.items() if start.startswith(starts)), None)


def read(path: Path) -> npt.NDArray[np.uint8]:
    """(height, width, 3) RGB, turned upright by its EXIF tag; reduced where a side is over ``LONGEST_SIDE`` pixels.

    Grey of 16 or 32 bits is scaled by the range of its type, floats from 0 to 1 by 255. What is transparent is white.

    Raises
    ------
    Unreadable
        When the file is missing, empty, no picture, damaged, has over 64 million pixels, or values of an unknown range.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warning of many pixels: the limit below is stricter
            with Image.open(io.BytesIO(_bytes(path)), formats=_FORMATS) as image:
                width, height = image.size
                if width * height > _MOST_PIXELS:
                    raise Unreadable(f"{width} x {height} pixels; at most {_MOST_PIXELS // 10**6} million are read")
                upright = _rgb(ImageOps.exif_transpose(image), image.format)
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


def _rgb(image: Image.Image, kind: str | None) -> Image.Image:
    """Any mode of Pillow's as RGB; Pillow itself cuts off whatever is over 255."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image), kind)).convert("RGB")
    if image.mode in ("LAB", "HSV"):
        raise Unreadable(f"colours of the mode {image.mode} aren't read (convert it to RGB)")
    if "transparency" in image.info or image.mode.upper().endswith("A"):
        whole = image.convert("RGBA")
        alpha = np.asarray(whole.getchannel("A"))
        if alpha.min() < 255 and alpha.max() > 0:  # an alpha that is 0 everywhere means nothing
            return Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    return image.convert("RGB")


def _eight_bits(values: npt.NDArray[Any], kind: str | None) -> npt.NDArray[np.uint8]:
    """Grey of more than 8 bits in 8: by the full range of the type, which a TIFF of 32 bits shows by its values."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(values).all() or low < 0:
        raise Unreadable(f"values from {low:g} to {high:g}; expected none below 0, and finite ones")
    if values.dtype.kind == "f":
        if high > 255:
            raise Unreadable(f"floats up to {high:g}; expected 0 to 1, or 0 to 255")
        most = 1.0 if high <= 1 else 255.0
    elif values.dtype.itemsize == 2 or kind != "TIFF":
        most = 65535.0
    else:
        most = next(limit for limit in (255.0, 65535.0, 2.0**31 - 1) if high <= limit)
    if most == 65535 and 0 < high < 256 and low < high:
        raise Unreadable(f"16 bits, but no value over {high:g}: it would be black (save it in 8 bits)")
    return np.rint(values * (255 / most)).astype(np.uint8)


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
