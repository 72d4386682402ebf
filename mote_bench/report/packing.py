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
    """The page with every part deflated (RFC 1950) in base64, as ``data-packed``, and a word for who runs no script."""

    def folded(part: re.Match[str]) -> str:
        return f'<div data-packed="{b64encode(zlib.compress(part[1].encode(), 9)).decode()}"></div>\n'

    note = "This page is packed, and unfolds only by its script. leaderboard.md and results.csv hold the same figures."
    return _PART.sub(folded, page).replace("</h1>", f"</h1>\n<noscript><p>{note}</p></noscript>", 1)
