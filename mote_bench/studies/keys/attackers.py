"""What attackers of a system hold: no key, further subjects whom they know, keys that they try, or all keys.

The attacked system enrols the shadow subjects too, as further subjects of its own. An attacker may know some of these,
or hold their keys. So the attacked subjects are the same for every attacker, and none of them is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from mote_bench.contracts import Faces, FloatArray, Key, Scheme, Shadow, Template
from mote_bench.engine.enrolment import Held
from mote_bench.engine.key_regimes import KeyRegime, integer_key
from mote_bench.questions.staging import Database
from mote_bench.toolkit import draw_keys, revocable, stream

ALONE = 10
"""From so many known subjects on, attacks learn from these alone; fewer stand among the shadow subjects."""
_PROBES, _LESSONS, _BEST = 100, 100, 5
"""Public faces that are presented under each key; own templates that are learned from; the best scores of each."""


def without_keys(held: Held) -> Held:
    """An attacker with a copy of the system, which deals keys of its own in the same way."""
    return held


def with_all_keys(regime: KeyRegime, held: Held) -> Held:
    """An attacker who holds each template's key, and enrols shadow subjects under the keys that all templates share."""
    return held.against(_further(held)) if regime.pool else held


def with_known(known: int, held: Held) -> Held:
    """An attacker who knows the faces of so many further subjects, and which templates are theirs.

    From :data:`ALONE` on the known subjects are the only ones that attacks learn from; fewer stand among the shadow
    subjects. The attacker doesn't hold their keys: in their place stand keys of the attacker's copy.
    """
    own, further = held.enrolled.shadow, _further(held)
    mixed = replace(
        own,
        templates=further.templates[:known] + own.templates[known:],
        second_templates=further.second_templates[:known] + own.second_templates[known:],
    )
    return held.against(mixed.rows(np.arange(known)) if known >= ALONE else mixed)


def with_tried_keys(regime: KeyRegime, stolen: int, public: Faces, held: Held) -> Held:
    """An attacker who tries keys on each template: the numbers, or the keys of ``stolen`` further subjects."""
    scheme, enrolled = held.enrolled.scheme, held.enrolled
    if not revocable(scheme):
        return held
    keys, right = candidates(regime, held, stolen), RightKeys.learned(scheme, enrolled.shadow, public)
    first, second = (
        Database(one.templates, right.among(keys, one.templates)) for one in (enrolled.first, enrolled.second)
    )
    found = replace(held, enrolled=replace(enrolled, first=first, second=second))
    return found.against(under(_further(held), keys)) if regime.pool else found


def candidates(regime: KeyRegime, held: Held, stolen: int) -> tuple[Key, ...]:
    """The keys that are tried on each template."""
    enrolled, further = held.enrolled, _further(held)
    if regime is KeyRegime.INTEGERS:
        count = sum(map(len, (enrolled.first.templates, enrolled.second.templates, *_both(further))))
        return tuple(map(integer_key, range(1, count + 1)))
    some = further.rows(np.arange(stolen))
    return tuple(dict.fromkeys((*(some.keys or ()), *(some.second_keys or ()))))


def under(further: Shadow, keys: Sequence[Key]) -> Shadow:
    """The further subjects whose keys are among these: an attacker who holds the keys can enrol alike."""
    held, pairs = set(keys), zip(further.keys or (), further.second_keys or further.keys or (), strict=True)
    return further.rows(np.array([row for row, pair in enumerate(pairs) if held.issuperset(pair)], dtype=np.intp))


@dataclass(frozen=True, eq=False)
class RightKeys:
    """Tells the right key of a template by its scores, as learned from the attacker's own templates.

    Under the right key a template resembles some faces more than others; under a wrong one it is as good as random.
    So mean, spread, extremes and the best scores over public faces go into a logistic regression.

    Attributes
    ----------
    probes : (m, d) float
        Public faces.
    centre, weights : (5,) float
    """

    scheme: Scheme
    probes: FloatArray
    centre: FloatArray
    weights: FloatArray

    @classmethod
    def learned(cls, scheme: Scheme, shadow: Shadow, public: Faces) -> Self:
        """From shadow subjects' templates under their own keys, and under keys that are drawn anew."""
        few = shadow.rows(np.arange(min(_LESSONS, len(shadow.references))))
        probes = public.embeddings[np.linspace(0, len(public) - 1, min(_PROBES, len(public))).astype(int)]
        wrong = draw_keys(len(few.templates), stream(0, "wrong keys"))
        seen = np.concatenate([_summary(scheme, few.templates, probes, keys) for keys in (few.keys or (), wrong)])
        right = np.arange(len(seen)) < len(few.templates)
        scale = seen.std(axis=0) + 1e-12
        model = LogisticRegression(C=10, max_iter=1000).fit((seen - seen.mean(axis=0)) / scale, right)
        return cls(scheme, probes, seen.mean(axis=0), model.coef_[0] / scale)

    def among(self, keys: Sequence[Key], templates: Sequence[Template]) -> tuple[Key, ...]:
        """The likeliest of the keys for each template."""
        odds = [
            (_summary(self.scheme, templates, self.probes, [key] * len(templates)) - self.centre) @ self.weights
            for key in keys
        ]
        return tuple(keys[place] for place in np.argmax(odds, axis=0))


def _summary(scheme: Scheme, templates: Sequence[Template], probes: FloatArray, keys: Sequence[Key]) -> FloatArray:
    """(n, 5) mean, spread, extremes, and mean of the best scores of each template."""
    scores = np.sort(np.asarray(scheme.score(templates, probes, keys=keys), dtype=np.float64), axis=1)
    parts = (scores.mean(axis=1), scores.std(axis=1), scores[:, 0], scores[:, -1], scores[:, -_BEST:].mean(axis=1))
    return np.stack(parts, axis=1)


def _further(held: Held) -> Shadow:
    assert held.further is not None
    return held.further


def _both(further: Shadow) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    return further.templates, further.second_templates
