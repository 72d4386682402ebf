"""Removes text that looks like templates, keys or embeddings from error messages, which plug-ins may put them in."""

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
    """The text without bytes literals, long hexadecimal and base64 strings, and rows of six numbers or more.

    Other encodings of a secret aren't recognised, so this guards against accidents, not against intent.
    """
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
