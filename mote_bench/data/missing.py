"""What means that nothing is known: of a label, and of a subject. One rule for tables and pictures."""

from __future__ import annotations

MISSING = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nat", "unknown", "?"})
"""The words, in lower case, that mean that nothing is known, unless the user names others for a column."""
_NO_NAMES = frozenset(
    {"nan", "NaN", "None", "none", "null", "NULL", "<NA>", "NaT", "n/a", "N/A", "unknown", "Unknown", "UNKNOWN", "?"}
)
"""What nobody is called. ``NA``, ``Null`` and ``Nan`` are names of people."""


def is_nobody(name: str) -> bool:
    """Whether a subject's name is missing: blank, or a word that stands for nothing, such as ``nan`` or ``unknown``."""
    return not name.strip() or name.strip() in _NO_NAMES
