"""Which schemes leak least to each attacker: the first question of somebody who has to choose one."""

from __future__ import annotations

from dataclasses import dataclass

from mote_bench.contracts import Knowledge

from .share import Share
from .standings import NOT_MEASURED, Figure
from .threat_matrix import ATTACKERS, NO_KEYS, NO_SECRETS, Attacker, MatrixRow, ThreatCell, ThreatMatrix

HOLDERS = ("algorithm", "keys", "secrets", "online_scores", "online_decisions")
"""The attackers, by key. One who doesn't know the algorithm is left out: it is no secret."""


@dataclass(frozen=True)
class Kept:
    """A scheme that leaks least.

    Attributes
    ----------
    share : Share
        What the attacker gets, as a share of the ceiling.
    fnmr : Figure
        Genuine probes rejected at the board's first false match rate; with stolen keys where this attacker holds them.
    """

    scheme: str
    share: Share
    fnmr: Figure


@dataclass(frozen=True)
class Least:
    """The schemes that leak least to one attacker.

    Attributes
    ----------
    kept : tuple of Kept
        The scheme with the smallest share, and those whose 95 % intervals overlap with its interval; by FNMR, the
        smallest first.
    compared : int
        How many schemes were compared: useful ones, no controls.
    untested : tuple of str
        Schemes that aren't compared, as fewer properties were tested than of the others.
    """

    attacker: Attacker
    kept: tuple[Kept, ...]
    compared: int
    untested: tuple[str, ...]

    @property
    def lowest(self) -> Share:
        """The smallest share."""
        return min((one.share for one in self.kept), key=lambda share: max(share.value, 0.0))


def least(matrix: ThreatMatrix) -> list[Least]:
    """The schemes that leak least, for each attacker of ``HOLDERS`` against whom two or more can be compared.

    Controls and schemes that may reject half of the genuine probes are left out. A scheme without keys leaks to the
    attacker who holds keys what it leaks to the one who holds none; likewise for system secrets, which stand only where
    a scheme has any. A share below 0 is sampling error, and counts as 0.
    """
    found = (_of(matrix, place, one) for place, one in enumerate(ATTACKERS) if one.key in HOLDERS)
    return [one for one in found if one is not None]


def _of(matrix: ThreatMatrix, place: int, attacker: Attacker) -> Least | None:
    useful = [row for row in matrix.rows if row.useful and not row.role]
    if all(row.cells[place].status == NO_SECRETS for row in useful):
        return None
    rows = [(row, _faced(row, place)) for row in useful]
    held = [(row, cell, cell.worst.share) for row, cell in rows if cell.worst and cell.worst.share]
    fewest = min((len(cell.unseen) for _, cell, _ in held), default=0)
    tested = [(row, share) for row, cell, share in held if len(cell.unseen) == fewest]
    if len(tested) < 2:
        return None
    _, lowest = min(tested, key=lambda one: max(one[1].value, 0.0))
    bound = max(lowest.high, 0.0)
    kept = [Kept(row.scheme, share, _fnmr(row, attacker)) for row, share in tested if share.low <= bound]
    untested = tuple(row.scheme for row, cell, _ in held if len(cell.unseen) > fewest)
    return Least(attacker, tuple(sorted(kept, key=_rejected)), len(tested), untested)


def _faced(row: MatrixRow, place: int) -> ThreatCell:
    """The cell of the attacker, or of the one before who holds as much of this scheme."""
    while row.cells[place].status in (NO_KEYS, NO_SECRETS):
        place -= 1
    return row.cells[place]


def _fnmr(row: MatrixRow, attacker: Attacker) -> Figure:
    if not row.utility:
        return Figure(NOT_MEASURED)
    with_keys = attacker.knowledge in (Knowledge.STOLEN_KEY, Knowledge.FULL_DISCLOSURE)
    return row.utility[0].weaker if with_keys else row.utility[0].kept


def _rejected(one: Kept) -> tuple[float, str]:
    return (one.fnmr.measurement.value if one.fnmr.measurement else 1.0), one.scheme
