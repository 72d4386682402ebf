"""docs/board.png: the top of the published board, as a browser shows it (`make picture`; needs Chromium).

The picture holds the checksum of results.csv, so that a test can tell whether it shows today's figures.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, PngImagePlugin

ROOT = Path(__file__).resolve().parents[1]
PICTURE, PAGE, FIGURES = (
    ROOT / "docs" / "board.png",
    ROOT / "leaderboards" / "leaderboard.html",
    ROOT / "leaderboards" / "results.csv",
)
SIZE = (1280, 1700)
COLOURS = 64
KEY = "results.csv"


def photograph(browser: str) -> None:
    """Write the picture of the page's top, in few colours, with the checksum of its figures."""
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "page.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={taken}"]
        options.append("--virtual-time-budget=10000")  # the page unpacks its tables first
        window = f"--window-size={SIZE[0]},{SIZE[1]}"
        subprocess.run([browser, *options, window, PAGE.as_uri()], check=True, capture_output=True, timeout=300)
        facts = PngImagePlugin.PngInfo()
        facts.add_text(KEY, checksum())
        Image.open(taken).convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True, pnginfo=facts)


def checksum() -> str:
    """SHA-256 of the published measurements."""
    return hashlib.sha256(FIGURES.read_bytes()).hexdigest()


def shown() -> str:
    """The checksum of the figures that the picture shows."""
    with Image.open(PICTURE) as picture:
        return str(picture.info[KEY])


if __name__ == "__main__":
    photograph(sys.argv[1] if len(sys.argv) > 1 else "chromium")
