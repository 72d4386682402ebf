"""The base of PolyProtect schemes that try pairs of coefficients and exponents by inverting templates under them."""

from __future__ import annotations

from mote_bench.contracts import Faces

from .._shared.centring import directions
from .polyprotect import PolyProtect
from .polyprotect_inversion import Inverter
from .polyprotect_unkeyed import Windows


class PolyProtectTriedKeys(PolyProtect):
    """PolyProtect whose pairs are chosen from several by how well templates under them are inverted.

    Subclasses choose. What is inverted counts as found at a threshold on the cosine.

    Parameters
    ----------
    overlap, terms, largest, centre
        As of :class:`PolyProtect`.
    rate : float
        The false match rate of the threshold.
    attempts : int
        How many pairs are tried at most.
    """

    def __init__(
        self,
        *,
        overlap: int = 4,
        terms: int = 5,
        largest: int = 50,
        centre: bool = True,
        rate: float = 0.2,
        attempts: int = 50,
    ) -> None:
        super().__init__(overlap=overlap, terms=terms, largest=largest, centre=centre)
        if not 0 < rate < 1 or attempts < 1:
            raise ValueError(
                f"rate={rate}, attempts={attempts}; expected a rate between 0 and 1, and one attempt or more"
            )
        self.rate = rate
        self.attempts = attempts

    def _inverter_of(self, background: Faces, seed: int) -> Inverter:
        """The inversion of templates of this system, once it is fitted."""
        seen = directions(background.embeddings, self._origin)
        return Inverter.of(seen, Windows(self.terms, self.largest, self._starts), rate=self.rate, seed=seed)
