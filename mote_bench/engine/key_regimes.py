"""How a system deals keys to its templates: a fresh key to each, as in every run, or as a study wants it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from itertools import count

from mote_bench.contracts import Key
from mote_bench.toolkit import KEY_BYTES, draw_keys, stream


class KeyRegime(StrEnum):
    """Which templates of a system share a key."""

    TEMPLATE = "template"
    """Each template has a fresh key of its own, as in every run."""
    SUBJECT = "subject"
    """Each subject has one key, for all templates of theirs."""
    SYSTEM = "system"
    """All templates have one key."""
    POOL_4 = "pool-4"
    """The key of each template is drawn from 4 keys."""
    POOL_8 = "pool-8"
    """The key of each template is drawn from 8 keys."""
    INTEGERS = "integers"
    """Keys are the numbers 1, 2, 3, ..., one for each template in the order of enrolment."""

    @property
    def pool(self) -> int:
        """The number of keys that all templates share; 0 where subjects don't share any."""
        return {KeyRegime.SYSTEM: 1, KeyRegime.POOL_4: 4, KeyRegime.POOL_8: 8}.get(self, 0)


def dealt(
    regime: KeyRegime, subjects: Mapping[str, Sequence[Hashable]], *, scheme: str, system: str, seed: int
) -> dict[str, tuple[Key, ...]]:
    """The keys of each set of people that one system enrols, in the order of enrolment.

    Parameters
    ----------
    subjects : mapping of str -> sequence
        Of each set the subjects. One who stands in several sets has several templates.
    system : str
        Another system draws other keys: an attacker's copy doesn't know those of the attacked one.
    """
    if regime is KeyRegime.TEMPLATE:
        return {people: draw_keys(len(of), stream(seed, "keys", scheme, people)) for people, of in subjects.items()}
    if regime is KeyRegime.INTEGERS:
        numbers = count(1)
        return {people: tuple(integer_key(next(numbers)) for _ in of) for people, of in subjects.items()}
    rng = stream(seed, "keys", scheme, regime, system)
    if regime is KeyRegime.SUBJECT:
        every = list(dict.fromkeys(one for of in subjects.values() for one in of))
        own = dict(zip(every, draw_keys(len(every), rng), strict=True))
        return {people: tuple(own[one] for one in of) for people, of in subjects.items()}
    pool = draw_keys(regime.pool, rng)
    return {
        people: tuple(pool[place] for place in rng.integers(len(pool), size=len(of))) for people, of in subjects.items()
    }


def integer_key(number: int) -> Key:
    """The key that a system makes of a number."""
    return number.to_bytes(KEY_BYTES, "big")
