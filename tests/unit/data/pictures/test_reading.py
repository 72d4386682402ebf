"""Pictures good, odd and hostile: pixels, or one reason why not."""

from __future__ import annotations

import bz2
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mote_bench.data.pictures.reading import LONGEST_SIDE, Unreadable, is_picture, read

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.ppm", "a b ü.tif", "A.PNG"])
def test_lossless_formats(tmp_path, name):
    Image.fromarray(PIXELS).save(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path / name), PIXELS)
    assert is_picture(tmp_path / name)


def test_a_packed_ppm(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PPM")
    path = tmp_path / "00001_930831_fa_a.ppm.bz2"
    path.write_bytes(bz2.compress(stream.getvalue()))
    np.testing.assert_array_equal(read(path), PIXELS)
    assert is_picture(path)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "LA", "I;16"])
def test_any_mode_becomes_rgb(tmp_path, mode):
    picture = Image.new(mode, (30, 20)) if mode == "I;16" else Image.fromarray(PIXELS).convert(mode)
    picture.save(tmp_path / "a.png")
    made = read(tmp_path / "a.png")
    assert made.ndim == 3
    assert made.shape[2] == 3
    assert made.dtype == np.uint8


def test_turned_upright(tmp_path):
    picture = Image.fromarray(PIXELS)
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    picture.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path / "a.png"), np.rot90(PIXELS, -1))


def test_large_ones_are_reduced(tmp_path):
    Image.new("RGB", (3000, 1500), (10, 200, 30)).save(tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").shape == (LONGEST_SIDE // 2, LONGEST_SIDE, 3)


def png_that_promises(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "an empty file"),
        (b"not a picture", "not a picture"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "not a picture"),
        (png_that_promises(60_000, 60_000), "pixels"),
        (png_that_promises(9_000, 9_000), "pixels"),
        (png_that_promises(500, 500), "not a picture, or damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),
    ],
    ids=["empty", "text", "cut-jpeg", "bomb", "large", "short", "postscript"],
)
def test_refused_with_a_reason(tmp_path, content, reason):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "a.jpg")


def test_a_packed_bomb(tmp_path):
    (tmp_path / "a.ppm.bz2").write_bytes(bz2.compress(b"P6 9 9 255\n" + b"\0" * (70 * 2**20)))
    with pytest.raises(Unreadable, match="over 64 MiB"):
        read(tmp_path / "a.ppm.bz2")


def test_no_file_and_a_folder(tmp_path):
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(Unreadable):
            read(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP"]), data=st.data())
def test_mutated_files(tmp_path, kind, data):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    whole = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not whole:
            break
    (tmp_path / "a").write_bytes(whole)
    try:
        made = read(tmp_path / "a")
    except Unreadable:
        return
    assert made.ndim == 3
    assert max(made.shape) <= LONGEST_SIDE
