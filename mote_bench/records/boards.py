"""Which records make one board."""

from __future__ import annotations

from mote_bench.contracts import Cell


def board_of(cell: Cell) -> tuple[str, str, int]:
    """The protocol, data set and seed of a cell: records that share them make one board."""
    return cell.protocol, cell.data, cell.seed
