"""Subjects in blocks, and the tiles of comparison scores between two blocks, for scores that don't fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import FloatArray

from .verification import Index

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Layout:
    """Whose the templates and probes are.

    Parameters
    ----------
    enrolled, shown : (n,), (m,) int
        Subject index of each template and of each probe.
    """

    enrolled: Index
    shown: Index

    @cached_property
    def people(self) -> Index:
        """(P,) every subject index that occurs, ascending."""
        return np.union1d(self.enrolled, self.shown)

    @property
    def scores(self) -> int:
        """Number of comparisons."""
        return len(self.enrolled) * len(self.shown)

    def inside(self, member: Mask) -> Layout:
        """The templates and probes of the subjects p with ``member[p]``."""
        return Layout(self.enrolled[member[self.enrolled]], self.shown[member[self.shown]])

    def block(self, people: Index) -> Block:
        """The block of these subjects, ascending."""
        rows, columns = np.flatnonzero(np.isin(self.enrolled, people)), np.flatnonzero(np.isin(self.shown, people))
        return Block(
            places=np.searchsorted(self.people, people),
            rows=rows,
            columns=columns,
            of_row=np.searchsorted(people, self.enrolled[rows]),
            of_column=np.searchsorted(people, self.shown[columns]),
        )


@dataclass(frozen=True, eq=False)
class Block:
    """A group of subjects with their templates (rows) and probes (columns).

    Attributes
    ----------
    places : (p,) int
        Positions of the subjects in :attr:`Layout.people`.
    rows, columns : (k,), (l,) int
        Positions of their templates and probes in the layout.
    of_row, of_column : (k,), (l,) int
        The subject of each, as a position in ``places``.
    """

    places: Index
    rows: Index
    columns: Index
    of_row: Index
    of_column: Index


@dataclass(frozen=True, eq=False)
class Tile:
    """The templates of one block against the probes of another; ``mated`` only if the two are the same block."""

    rows: Block
    columns: Block
    scores: FloatArray
    mated: Mask | None

    @property
    def impostors(self) -> FloatArray:
        """(k,) the impostor scores."""
        return self.scores.ravel() if self.mated is None else self.scores[~self.mated]


@dataclass(frozen=True, eq=False)
class Pair:
    """All tiles between two blocks, as two subjects have trials both ways: one tile if the two are the same block."""

    one: Block
    other: Block
    tiles: tuple[Tile, ...]


class Some:
    """The scores among some of the subjects, out of the tiles of all of them.

    Parameters
    ----------
    layout : Layout
    member : (P,) bool
        Which of ``layout.people``.

    Attributes
    ----------
    layout : Layout
        The layout of their templates and probes; blocks that :meth:`of` gives point into it.
    """

    def __init__(self, layout: Layout, member: Mask) -> None:
        self._people = member
        self._rows = member[np.searchsorted(layout.people, layout.enrolled)]
        self._columns = member[np.searchsorted(layout.people, layout.shown)]
        self.layout = Layout(layout.enrolled[self._rows], layout.shown[self._columns])
        self._ranks = [np.cumsum(mask) - 1 for mask in (self._people, self._rows, self._columns)]

    def of(self, pair: Pair) -> Pair:
        """The part of a pair of blocks that is among them; it may have no tile."""
        one = self._block(pair.one)
        other = one if pair.other is pair.one else self._block(pair.other)
        tiles = []
        for tile in pair.tiles:
            rows, columns = (one, other) if tile.rows is pair.one else (other, one)
            if len(rows.rows) and len(columns.columns):
                kept = np.ix_(self._rows[tile.rows.rows], self._columns[tile.columns.columns])
                mated = None if tile.mated is None else tile.mated[kept]
                tiles.append(Tile(rows, columns, tile.scores[kept], mated))
        return Pair(one, other, tuple(tiles))

    def _block(self, block: Block) -> Block:
        people, rows, columns = self._people[block.places], self._rows[block.rows], self._columns[block.columns]
        rank = np.cumsum(people) - 1
        place_of, row_of, column_of = self._ranks
        return Block(
            places=place_of[block.places[people]],
            rows=row_of[block.rows[rows]],
            columns=column_of[block.columns[columns]],
            of_row=rank[block.of_row[rows]],
            of_column=rank[block.of_column[columns]],
        )


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the subjects and probes of a part stand in the whole: (p,) and (l,) positions."""

    people: Index
    probes: Index

    @classmethod
    def of(cls, whole: Layout, people: Index) -> Positions:
        """The place of those of the subjects that occur in the whole, and of their probes."""
        return cls(np.flatnonzero(np.isin(whole.people, people)), np.flatnonzero(np.isin(whole.shown, people)))


@dataclass(frozen=True, eq=False)
class Part:
    """Subjects of two groups that are compared with each other, or of one group, compared among themselves.

    Attributes
    ----------
    people : (p,) int
        Subject indices, ascending.
    first : int
        The number of them in the first group; all for a single group.
    """

    people: Index
    first: int

    @property
    def own(self) -> bool:
        """Whether it holds a single group, and so genuine scores."""
        return self.first == len(self.people)


def parts_of(groups: Sequence[Index]) -> list[Part]:
    """The parts that hold each score of subjects in these groups once; each group ascends, and so do the groups.

    Parts of two groups come first: they are twice as large, and workers should end together.
    """
    pairs = [
        Part(np.concatenate([one, other]), len(one))
        for place, one in enumerate(groups)
        for other in groups[place + 1 :]
    ]
    return pairs + [Part(one, len(one)) for one in groups]
