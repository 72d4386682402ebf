"""The system as an attacker sees it who holds parts of the templates alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, cast

from mote_bench.contracts import Faces, FloatArray, Key, Knowledge, Likelihood, Scheme, Template
from mote_bench.engine.enrolment import Held
from mote_bench.planning.threats import granted
from mote_bench.questions.staging import Database, EnrolledScheme
from mote_bench.toolkit import revocable

from .parts import Leak, Part
from .statements import Which, decided, said

SHARE = "leaked_share"
"""The key of a record's details that holds the share of a template's bits that leaked."""


_OFFERED = ("likelihood", "readings")


@dataclass(frozen=True, eq=False)
class Leaking:
    """A scheme of whose templates only a part is seen: it enrols, and has no method that needs a whole template.

    So the attacks that read bytes run on it as on any scheme, and learn from parts of their own subjects' templates.
    Where the scheme has them for whole templates, it has these methods for parts:

    ``likelihood(parts, *, keys)``
        What each part says: the statements of the whole's likelihood that the part decides.
    ``readings(parts)``
        Those of whole templates that hold the parts and, beside them, the rest of a template of the attacker's own.
        None where no such template can be made.
    """

    scheme: Scheme
    part: Part | None = None

    @property
    def revocable(self) -> bool:
        """Whether templates depend on a key."""
        return revocable(self.scheme)

    def __getattr__(self, name: str) -> Any:
        """The methods that only some schemes have."""
        if name in _OFFERED and hasattr(self.scheme, name):
            return getattr(self, f"_{name}")
        raise AttributeError(name)

    def fit(self, background: Faces, *, seed: int) -> Self:
        """The scheme is fitted already."""
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """What leaks of the templates of ``references`` (n, d)."""
        return self._held.of(self.scheme.enroll(references, keys=keys, seeds=seeds))

    def _likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Likelihood]:
        yield from said(self.scheme, self._held, self._which, templates, keys)

    def _readings(self, templates: Sequence[Template]) -> tuple[FloatArray, ...]:
        try:
            return tuple(self.scheme.readings(self._held.completed(templates)))  # type: ignore[attr-defined]
        except ValueError:
            return ()

    @property
    def _held(self) -> Part:
        if self.part is None:
            raise ValueError("no part was learned; expected a scheme that has enrolled subjects")
        return self.part

    @cached_property
    def _which(self) -> Which:
        return decided(self.scheme, self._held)


def seen_of(scheme: Scheme, part: Part | None = None) -> Scheme:
    """The scheme as such an attacker has it, without ``score``; without a part, to see which methods it will have."""
    return cast(Scheme, Leaking(granted(scheme, Knowledge.ALGORITHM), part))


def leaked(held: Held, *, leak: Leak, seed: int) -> Held:
    """The same system, of whose templates an attacker holds a part."""
    enrolled = held.enrolled
    part = Part.learned(leak, enrolled.shadow.templates, seed=seed)
    return replace(held, enrolled=replace(enrolled, leaked=_leaked(enrolled, part)), stated={SHARE: part.share})


def _leaked(enrolled: EnrolledScheme, part: Part) -> EnrolledScheme:
    def cut(templates: Sequence[Template]) -> tuple[Template, ...]:
        return tuple(part.of(templates)) if templates else ()

    def of(database: Database) -> Database:
        return replace(database, templates=cut(database.templates))

    own = enrolled.shadow
    return replace(
        enrolled,
        scheme=seen_of(enrolled.scheme, part),
        first=of(enrolled.first),
        second=of(enrolled.second),
        shadow=replace(own, templates=cut(own.templates), second_templates=cut(own.second_templates)),
        renewed=tuple(map(of, enrolled.renewed)),
    )
