"""A page too large to send is sent with its long parts deflated; its own script unfolds them where they stand."""

from __future__ import annotations

import re
import zlib
from base64 import b64encode

_PART = re.compile(r"<!--part-->\n?(.*?)<!--/part-->\n?", re.S)


def plain(page: str) -> str:
    """The page with its parts as they are; ``leaderboard.html.j2`` marks them by comments."""
    return _PART.sub(lambda part: part[1], page)


def packed(page: str) -> str:
    """The page with all parts deflated (RFC 1950) as one text, and a word for who runs no script.

    As one, because parts repeat each other. They are split by a character that no page can hold.
    """
    parts = [part[1] for part in _PART.finditer(page)]
    held = b64encode(zlib.compress("\0".join(parts).encode(), 9)).decode()
    note = "This page is packed, and unfolds only by its script. leaderboard.md and results.csv hold the same figures."
    head = f'</h1>\n<noscript><p>{note}</p></noscript>\n<div data-packed="{held}"></div>'
    return _PART.sub("<div data-part></div>\n", page).replace("</h1>", head, 1)
