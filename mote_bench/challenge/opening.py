"""Opens a challenge: the evidence of each task, as its attacker holds it, from the public files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mote_bench import registry
from mote_bench.challenge.files import Arrays, faces_in, read_part, unpacked
from mote_bench.challenge.manifest import FACES, ChallengeTask, Manifest, checked, scheme_file
from mote_bench.contracts import Evidence, Faces, InputError, Knowledge, Records, Scheme, Shadow
from mote_bench.toolkit import revocable

_ALIKE = 0.01
"""Mean difference of scores, as a share of their range, up to which a scheme counts as fitted alike: rounding."""


@dataclass(eq=False)
class Opened:
    """The public part of a challenge in a folder.

    Attributes
    ----------
    fit : bool
        Whether schemes are fitted: without, the evidence holds no scheme.
    """

    folder: Path
    manifest: Manifest
    fit: bool = True

    def __post_init__(self) -> None:
        self._schemes: dict[str, Scheme] = {}
        self._held: dict[str, Arrays] = {}

    @classmethod
    def at(cls, folder: Path, *, fit: bool = True) -> Opened:
        """The challenge in this folder; InputError if there is none."""
        return cls(folder, Manifest.read(folder), fit)

    def task(self, name: str) -> ChallengeTask:
        """The task with this id.

        Raises
        ------
        InputError
            When there is none.
        """
        found = next((task for task in self.manifest.tasks if task.id == name), None)
        if found is None:
            known = ", ".join(task.id for task in self.manifest.tasks)
            raise InputError(f"the challenge has no task '{name[:40]}'; expected one of {known}")
        return found

    @cached_property
    def faces(self) -> Mapping[str, Faces | None]:
        """The public faces, and the shadow subjects' references and second photos."""
        path = self.folder / FACES
        if not path.exists():
            raise InputError(f"no file at '{path}': the organiser gives it out on agreement; put it there")
        held = read_part(path, self.manifest.files.get(FACES))
        found: dict[str, Faces | None] = checked(
            lambda: (
                {name: _required(held, name) for name in ("public", "shadow")}
                | {"shadow_second": faces_in(held, "shadow_second")}
            ),
            path,
        )
        return found

    def evidence(self, task: ChallengeTask) -> Evidence:
        """All that the attacker of a task holds.

        Raises
        ------
        InputError
            When a file is missing, damaged or not the challenge's, and when the scheme can't be fitted as it was.
        """
        path = self.folder / task.file
        held = read_part(path, self.manifest.files.get(task.file))
        made: Evidence = checked(lambda: _of_subjects(task.knowing.knowledge, held), path)
        if task.scheme is None:
            return made
        shadow = self.shadow(task.scheme, second=task.second)
        scheme = self.scheme(task.scheme) if self.fit else None
        return Evidence(**vars(made) | {"scheme": scheme, "public": self.faces["public"], "shadow": shadow})

    def shadow(self, name: str, *, second: bool) -> Shadow:
        """The shadow subjects, enrolled with a scheme once or twice."""
        held, path = self._scheme_file(name), self.folder / scheme_file(name)
        references = self.faces["shadow"]
        assert references is not None
        again = second or None

        def made() -> Shadow:
            templates = unpacked(held, "shadow") or ()
            keys = unpacked(held, "shadow_keys")
            if len(templates) != len(references) or (keys is not None and len(keys) != len(templates)):
                raise ValueError(f"{len(templates)} templates of {len(references)} shadow subjects")
            return Shadow(
                references,
                templates,
                keys,
                self.faces["shadow_second"],
                (again and unpacked(held, "second")) or (),
                again and unpacked(held, "second_keys"),
            )

        found: Shadow = checked(made, path)
        return found

    def scheme(self, name: str) -> Scheme:
        """The attacked scheme, fitted on the public faces by the challenge's fit seed.

        Raises
        ------
        InputError
            When it isn't installed, and when its scores aren't those of the challenge.
        """
        if name not in self._schemes:
            self._schemes[name] = self._fitted(name)
        return self._schemes[name]

    def _fitted(self, name: str) -> Scheme:
        about = self.manifest.schemes.get(name)
        public = self.faces["public"]
        if about is None or public is None:
            raise InputError(f"the challenge doesn't say how scheme '{name}' is fitted; get it again")
        shipped = f"expected {about.shipped_by}"
        try:
            fitted: Scheme = registry.load("schemes", name).fit(public, seed=about.fit_seed)
        except (registry.PluginError, InputError) as error:
            raise InputError(f"{error}. The challenge attacks it: {shipped}") from None
        shadow, wanted = self.shadow(name, second=False), self._scheme_file(name).get("check")
        if wanted is None or wanted.ndim != 2:
            raise InputError(f"'{self.folder / scheme_file(name)}' lacks the scores to check; get it again")
        rows, columns = wanted.shape
        keys = shadow.keys[:rows] if shadow.keys is not None and revocable(fitted) else None
        found = np.asarray(fitted.score(shadow.templates[:rows], public.embeddings[:columns], keys=keys))
        if found.shape != wanted.shape or np.abs(found - wanted).mean() > _ALIKE * np.ptp(wanted) + 1e-9:
            raise InputError(
                f"scheme '{name}', fitted on the public faces, scores otherwise than the challenge's; {shipped}"
            )
        return fitted

    def _scheme_file(self, name: str) -> Arrays:
        file = scheme_file(name)
        if file not in self._held:
            self._held[file] = read_part(self.folder / file, self.manifest.files.get(file))
        return self._held[file]


def _required(held: Arrays, name: str) -> Faces:
    found = faces_in(held, name)
    if found is None:
        raise ValueError(f"there are no {name} faces")
    return found


def _of_subjects(knowledge: Knowledge, held: Arrays) -> Evidence:
    renewed, number = [], 1
    while (templates := unpacked(held, f"renewed{number}")) is not None:
        renewed.append(Records(templates, unpacked(held, f"renewed{number}_keys")))
        number += 1
    candidates: Any = held.get("candidates")
    return Evidence(
        knowledge,
        templates=unpacked(held, "templates") or (),
        others=unpacked(held, "others") or (),
        keys=unpacked(held, "keys"),
        other_keys=unpacked(held, "other_keys"),
        renewed=tuple(renewed),
        candidates=candidates,
    )
