"""What means that nothing is known: of a label, and of a subject. One rule for tables and pictures."""

from __future__ import annotations

MISSING = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nat", "unknown", "?"})
"""The words, in lower case, that mean that nothing is known, unless the user names others for a column."""
_NO_NAMES = frozenset(
    {"nan", "NaN", "None", "none", "null", "NULL", "<NA>", "NaT", "n/a", "N/A", "unknown", "Unknown", "UNKNOWN", "?"}
)
"""What nobody is called. ``NA``, ``Null`` and ``Nan`` are names of people."""


def is_nothing(one: object) -> bool:
    """Whether an entry of a table is none: ``None``, NaN, or what pandas writes for them."""
    return one is None or type(one).__name__ in ("NAType", "NaTType") or (isinstance(one, float) and one != one)


def is_nobody(name: str) -> bool:
    """Whether a subject's name is missing: blank, or a word that stands for nothing, such as ``nan`` or ``unknown``."""
    return not name.strip() or name.strip() in _NO_NAMES
