"""MOTE with fairness tuned for each subject: the shares of the positives, chosen on background subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, Key, Template
from mote_bench.metrics.fairness import fdr
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.mote.looks import Looks, LooksOfClass, LooksOfNumber, Scale, blended, shares
from mote_bench.mote.people import people_of
from mote_bench.mote.scheme import EVERYONE, MOTE, Shares
from mote_bench.toolkit import stream, stream_seed

OWN_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Candidates: the share of a subject's positives that is drawn from the density of the subject's own group."""

_PEOPLE_PER_GROUP = 40
_FMR = 0.01
_LEAST_IMPOSTORS = 1000
"""Least comparisons for a threshold at FMR 1e-2; with fewer there are too few subjects to tune on."""
_MOST_LOSS = 0.02
"""Evenness may cost this much of the FNMR of equal shares, and no more."""


class FairMOTE(MOTE):
    """MOTE whose shares are tuned for each group, and given to each subject by the predicted group of their photo.

    The paper's knob (Groß, Heindorf, Terhörst, arXiv 2505.19920) is the part of the positives that is drawn from each
    group's density of differences. Here ``fit`` sets some background subjects aside, enrols them with every candidate,
    and takes the shares under which the fairness discrepancy rate at FMR 1e-2 is highest (de Freitas Pereira and
    Marcel, IEEE TBIOM 4, 2022), as long as the FNMR over all stays within 0.02 of the lowest. The
    attribute can have any number of groups. Enrolment needs no label: a logistic regression on the background predicts
    the subject's group.

    For an attribute that is a number, such as the age in years, shares change gradually. The groups are quarters of the
    background subjects. A ridge regression predicts the number from the reference, and a subject between two groups'
    medians gets a mixture of both groups' shares.

    Parameters
    ----------
    attribute : str
        The attribute whose groups should have equal error rates: classes, or a number.
    **recipe
        As :class:`MOTE` takes it.
    """

    def __init__(self, *, attribute: str = "gender", epochs: int = 20, patience: int = 5) -> None:
        super().__init__(attributes=(attribute,), epochs=epochs, patience=patience)
        self.attribute = attribute

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Tune on background subjects who are set aside, then fit as MOTE on all of them.

        Afterwards ``own_share`` holds the choice of each group. Where the background has no two groups of ten subjects,
        or too few to tune on, every group keeps equal shares.
        """
        scale = Scale.of(background, self.attribute)
        if scale is not None:
            background = scale.labelled(background)
        super().fit(background, seed=seed)
        self.own_share: Mapping[str, float] = {}
        if self.groups == (EVERYONE,):
            return self
        self._looks: Looks = (
            LooksOfClass.learned(background, self.attribute, self.groups)
            if scale is None
            else LooksOfNumber.learned(background, scale)
        )
        aside = _set_aside(background, self.attribute, self.groups, stream(seed, "fair", "aside"))
        person, _ = people_of(background)
        rest = background.rows(~np.isin(person, np.concatenate(list(aside.values()))))
        tuning = MOTE(attributes=(self.attribute,), epochs=self.recipe.epochs, patience=self.recipe.patience)
        tuning.fit(rest, seed=seed)
        if tuning.groups == self.groups:
            self.own_share = _tuned(tuning, background, person, aside, seed=stream_seed(seed, "fair", "people"))
        return self

    def enroll(
        self,
        references: FloatArray,
        *,
        keys: Sequence[Key] | None = None,
        seeds: Sequence[int],
        balance: Shares | Sequence[Shares] | None = None,
    ) -> list[Template]:
        """As MOTE, with the tuned shares of each reference's predicted group; ``balance`` overrides them."""
        if balance is None and self.own_share and len(references):
            balance = [blended(one, self.own_share, self.groups) for one in self._looks.weights(references)]
        return super().enroll(references, keys=keys, seeds=seeds, balance=balance)


def _set_aside(
    background: Faces, attribute: str, groups: Sequence[str], rng: np.random.Generator
) -> dict[str, npt.NDArray[np.int64]]:
    """Of each group, subjects with two or more images to tune on: at most half of them, and at most 40."""
    person, count = people_of(background)
    _, first = np.unique(person, return_index=True)
    label = background.attributes[attribute][first]
    aside = {}
    for group in groups:
        able = rng.permutation(np.flatnonzero((label == group) & (count > 1)))
        aside[group] = able[: min(_PEOPLE_PER_GROUP, len(able) // 2)]
    return aside


def _tuned(
    scheme: MOTE,
    background: Faces,
    person: npt.NDArray[np.int64],
    aside: Mapping[str, npt.NDArray[np.int64]],
    *,
    seed: int,
) -> dict[str, float]:
    """The candidate of each group under which errors differ least between groups.

    A template's scores don't depend on other subjects' candidates. So every combination is evaluated from one
    enrolment per candidate.
    """
    people = np.concatenate(list(aside.values()))
    group = np.repeat(np.arange(len(aside)), [len(members) for members in aside.values()])
    rows = [np.flatnonzero(person == one) for one in people]
    references = background.embeddings[[found[0] for found in rows]]
    probes = background.embeddings[np.concatenate([found[1:4] for found in rows])]
    shown = np.repeat(np.arange(len(people)), [min(3, len(found) - 1) for found in rows])
    seeds = [stream_seed(seed, int(one)) for one in people]
    names = list(aside)
    if (len(people) - 1) * len(probes) < _LEAST_IMPOSTORS:
        return {}
    scores = []
    for own in OWN_SHARES:
        balance = [shares(names[member], own, names) for member in group]
        scores.append(scheme.score(scheme.enroll(references, seeds=seeds, balance=balance), probes))
    choices = list(product(range(len(OWN_SHARES)), repeat=len(names)))
    measured = [
        _measured(np.array(scores)[np.array(choice)[group], np.arange(len(people))], shown, group) for choice in choices
    ]
    least = min(missed for _, missed in measured)
    best = max(range(len(choices)), key=lambda index: (measured[index][1] <= least + _MOST_LOSS, measured[index][0]))
    return {name: OWN_SHARES[place] for name, place in zip(names, choices[best], strict=True)}


def _measured(scores: FloatArray, shown: npt.NDArray[np.intp], group: npt.NDArray[np.intp]) -> tuple[float, float]:
    """FDR over the groups, and FNMR over all, at the threshold of FMR 1e-2."""
    mated = np.arange(len(scores))[:, None] == shown
    threshold = threshold_at_fmr(scores[~mated], _FMR)
    accepted = scores >= threshold
    rates = []
    for label in range(group.max() + 1):
        own, brought = group == label, group[shown] == label
        within = accepted[np.ix_(own, brought)]
        same = mated[np.ix_(own, brought)]
        rates.append((within[~same].mean(), 1 - within[same].mean()))
    fmrs, fnmrs = np.array(rates).T
    return fdr(fmrs, fnmrs, 0.5), float(1 - accepted[mated].mean())
