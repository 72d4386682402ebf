"""Whether attacks succeed on the same subjects, and what the strongest has of the tenth that the others get most of.

Records hold what each attack has of each subject, in hundredths (``details["outcomes"]``); older ones don't, and are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mote_bench.contracts import FloatArray, Measurement, Record
from mote_bench.metrics.intervals import modified_wilson, percentile_interval, person_weights
from mote_bench.metrics.measured import OUTCOMES
from mote_bench.metrics.worst_tenth import in_worst_tenth

ALIKE, TENTH, EVERYONE = "rank_correlation", "worst_tenth_outcome", "mean_outcome"
_REPLICATES = 200
_FEWEST = 20
"""Subjects; with fewer, the worst tenth is one person."""


@dataclass(frozen=True)
class Exposed:
    """How unequally subjects are exposed to the attacks on one question.

    Attributes
    ----------
    attacks : int
        Attacks whose records hold outcomes that differ between subjects.
    alike : Measurement
        Mean rank correlation of the subjects' outcomes between two attacks (Spearman), with a bootstrap interval over
        subjects. ``chance`` is the 97.5 % quantile of its null, with each attack's outcomes permuted over the subjects.
        ``floor`` is its value on the floor control: attacks that read the same templates err alike, even on noise.
    tenth : Measurement
        Mean outcome of the strongest attack among the tenth that the other attacks get most of. The strongest has no
        part in the choice. ``chance`` is its mean over all subjects, ``floor`` the figure on the floor control.
    groups : mapping of attribute -> (label, number, mean outcome) of the group that loses most
        Of the strongest attack.
    """

    question: str
    strongest: str
    attacks: int
    alike: Measurement
    tenth: Measurement
    groups: Mapping[str, tuple[str, int, float]]

    @property
    def same_people(self) -> bool:
        """Whether attacks succeed on the same subjects, beyond chance and beyond what they do on the floor control.

        Without the floor control it isn't shown: attacks that read the same templates err alike.
        """
        one = self.alike
        return one.chance is not None and one.floor is not None and one.low > max(one.chance, one.floor)

    def beside(self, floor: Exposed | None) -> Exposed:
        """With the figures of the same question on the floor control."""
        if floor is None:
            return self
        alike, tenth = (
            replace(one, floor=of.value) for one, of in ((self.alike, floor.alike), (self.tenth, floor.tenth))
        )
        return replace(self, alike=alike, tenth=tenth)


def exposure(attacks: Sequence[Record], strongest: Record | None, rng: np.random.Generator) -> Exposed | None:
    """:class:`Exposed` of the attacks on one question by one attacker.

    ``None`` where fewer than two attacks have outcomes that differ, the strongest among them, of 20 common subjects.
    """
    from scipy.stats import rankdata

    held = {id(record): outcomes(record) for record in attacks}
    if strongest is None or not held.get(id(strongest)):
        return None
    people = sorted(set.intersection(*(set(one) for one in held.values() if one)))
    ordered = [strongest, *(record for record in attacks if record is not strongest)]
    rows = [[held[id(record)][person] for person in people] for record in ordered if held[id(record)]]
    table = np.array([row for row in rows if len(set(row)) > 1], dtype=float) / 100
    if len(people) < _FEWEST or len(table) < 2 or len(set(rows[0])) < 2:
        return None
    ranks = rankdata(table, axis=1)
    tenth = in_worst_tenth(ranks[1:].mean(axis=0))
    size = float(tenth.sum())
    value, everyone = min(1.0, float(tenth @ table[0]) / size), float(table[0].mean())
    return Exposed(
        question=strongest.cell.question,
        strongest=strongest.cell.attack,
        attacks=len(table),
        alike=_alike(ranks, rng),
        tenth=Measurement(TENTH, value, *modified_wilson(value * size, size), n=round(size), chance=everyone),
        groups=_most_exposed(strongest),
    )


def outcomes(record: Record) -> dict[int, int]:
    """What the attack has of each subject, in hundredths, by subject number; empty where the record doesn't say.

    Records aren't trusted: a list that isn't one of whole numbers from 0 to 100 counts as none.
    """
    influence = record.details.get("influence")
    people = influence.get("people") if isinstance(influence, Mapping) else None
    found = record.details.get(OUTCOMES)
    if not isinstance(people, list) or not isinstance(found, list) or len(found) != len(people):
        return {}
    if not all(isinstance(one, int) for one in (*people, *found)) or not all(0 <= one <= 100 for one in found):
        return {}
    return dict(zip(people, found, strict=True))


def mean_correlation(ranks: FloatArray, weights: FloatArray) -> FloatArray:
    """(R,) mean correlation between two rows of ``ranks`` (A, P), with subjects weighted by each of ``weights`` (R, P).

    Rows that don't vary under a weight have no correlation; pairs with them don't count. 0 where no pair counts.
    """
    total = weights.sum(axis=1)[:, None]
    mean = weights @ ranks.T / total
    moved = ranks[None] - mean[:, :, None]
    spread = np.sqrt((weights[:, None, :] * moved**2).sum(axis=2))
    varies = spread > 1e-9
    scaled = np.where(varies[:, :, None], moved / np.where(varies, spread, 1)[:, :, None], 0)
    together = (weights * scaled.sum(axis=1) ** 2).sum(axis=1)  # of all pairs, each row with itself too
    rows = varies.sum(axis=1)
    pairs = rows * (rows - 1)
    return np.asarray(np.where(pairs > 0, (together - rows) / np.maximum(pairs, 1), 0.0))


def _alike(ranks: FloatArray, rng: np.random.Generator) -> Measurement:
    people, once = ranks.shape[1], np.ones((1, ranks.shape[1]))
    value = float(mean_correlation(ranks, once)[0])
    null = np.concatenate([mean_correlation(rng.permuted(ranks, axis=1), once) for _ in range(_REPLICATES)])
    weights = person_weights(rng, people, _REPLICATES).astype(float)
    low, high = percentile_interval(np.concatenate([mean_correlation(ranks, some[None]) for some in weights]))
    chance = float(np.quantile(null, 0.975))
    return Measurement(ALIKE, value, min(low, value), max(high, value), n=people, chance=chance)


def _most_exposed(record: Record) -> dict[str, tuple[str, int, float]]:
    """Per attribute the group with the highest mean outcome, if the record holds two groups or more."""
    held = record.details.get("outcomes_by_group")
    found = dict[str, tuple[str, int, float]]()
    for attribute, groups in held.items() if isinstance(held, Mapping) else ():
        rows = [(str(label), *of) for label, of in groups.items()] if isinstance(groups, Mapping) else []
        sound = [row for row in rows if len(row) == 3 and all(isinstance(one, int | float) for one in row[1:])]
        if len(sound) > 1:
            label, number, mean = max(sound, key=lambda row: float(row[2]))
            found[str(attribute)] = (label, int(number), float(mean))
    return found
