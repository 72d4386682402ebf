"""Compresses the long parts of a page that is too large; the page's own script inflates them in place."""

from __future__ import annotations

import re
import zlib
from base64 import b64encode

_NEXT, _SEEN = "\1", "\2"
"""Control characters, which no page holds: between tokens, and at the start of a reference."""
_TOKEN = re.compile(r"(?=><)")
_SHORTEST = 24
"""Characters of a token that is worth a reference."""
_PART = re.compile(r"<!--part(?: (\w+))?-->\n?(.*?)<!--/part-->\n?", re.S)


def plain(page: str) -> str:
    """The page uncompressed, without the comments by which ``leaderboard.html.j2`` marks its parts."""
    return _PART.sub(lambda part: part[2], page)


def packed(page: str) -> str:
    """The page with all parts compressed (RFC 1950) as one text, and a note for browsers without scripts.

    They are compressed together, because parts repeat each other, and those of one kind (``<!--part threats-->``) one
    after another, because those repeat each other most. A NUL, which no page holds, separates them. The compression
    sees 32 KiB at a time, so what repeats farther apart is written as a reference first.
    """
    found = [(part[1] or "", part[2]) for part in _PART.finditer(page)]
    order = sorted(range(len(found)), key=lambda place: found[place][0])
    parts = [found[place][1] for place in order]
    index = iter(sorted(range(len(order)), key=order.__getitem__))
    held = b64encode(zlib.compress(_referred("\0".join(parts)).encode(), 9)).decode()
    note = "This page is compressed and needs JavaScript. leaderboard.md and results.csv hold the same figures."
    head = f'</h1>\n<noscript><p>{note}</p></noscript>\n<div data-packed="{held}"></div>'
    return _PART.sub(lambda _: f'<div data-part="{next(index)}"></div>\n', page).replace("</h1>", head, 1)


def _referred(text: str) -> str:
    """The text as tokens, each of which is the number of an equal one before it where there is one, in base 16."""
    known: dict[str, str] = {}
    tokens = []
    for token in _TOKEN.split(text):
        if token in known:
            tokens.append(_SEEN + known[token])
            continue
        if len(token) >= _SHORTEST:
            known[token] = format(len(known), "x")
        tokens.append(token)
    return _NEXT.join(tokens)
