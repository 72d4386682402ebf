"""Error texts without what templates, keys and embeddings look like: a plug-in may raise with any of them at hand."""

from __future__ import annotations

import re

_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_SECRETS = (
    (re.compile(r"""\bb'(?:[^'\\]|\\.)*'|\bb"(?:[^"\\]|\\.)*\"""", re.DOTALL), "b'...'"),
    (re.compile(r"(?:[0-9a-fA-F]{2}){16,}"), "..."),
    (re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}"), "..."),
    (re.compile(rf"{_NUMBER}(?:[\s,;]+{_NUMBER}){{5,}}"), "..."),
)


def redacted(text: str) -> str:
    """The text with bytes, hexadecimal and base64 strings of 16 bytes or more, and rows of six numbers, left out.

    Other encodings of a secret are not known here, so this guards against accidents, not against intent.
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
