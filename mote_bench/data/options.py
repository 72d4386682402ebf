"""What a user says of the columns of a file of embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Missing = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class ColumnOptions:
    """Which columns of a file hold what, and what means missing in them.

    Attributes
    ----------
    missing : mapping of name -> words
        What means missing in a column, as ``--missing age=-1,999`` names it.
    identity : str, optional
        The column that names the subjects, if not ``identity``.
    embeddings : str, optional
        The columns of the dimensions, as a pattern such as ``feat_*``, or the one that holds whole embeddings.
    strict : bool
        Refuse options that name what the file lacks. The attacker's data may lack columns of the attacked data.
    """

    missing: Missing = field(default_factory=dict)
    identity: str | None = None
    embeddings: str | None = None
    strict: bool = True
