"""Tries every scheme on a few faces before a run: fit, enrolment and scores at the data's dimension."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mote_bench.contracts import CONTROLS, Faces, InputError, Scheme
from mote_bench.engine import preloading, tasks
from mote_bench.execution import workers
from mote_bench.execution.isolation import Bounds, contained
from mote_bench.execution.outcome import Outcome
from mote_bench.formatting import message
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import names
from mote_bench.questions.harness import NO_ATTACK, ZERO_EFFORT
from mote_bench.records import provenance
from mote_bench.toolkit import stream_seed

PEOPLE, PHOTOS = 50, 2
"""The small background: what the built-in schemes need of subjects and of photos of each."""
_TRIED = 2
_SECONDS = 60.0
"""Far more than any trial takes: ended in the middle of an import, a worker is of no more use."""
_UNATTACKED = (ZERO_EFFORT, NO_ATTACK)
_RAISED = "Traceback"
_PLAIN_ERROR = re.compile(r"^(ValueError|mote_bench\.contracts\.InputError): ")
"""Errors that say in words what is wrong; of others the name is part of the message."""


def checked(
    setting: Setting, *, jobs: int, bounds: Bounds | None = None, demanded: Collection[str] | None = None
) -> Setting:
    """The setting, with the schemes left out of its plan that can't take its data.

    Each scheme is fitted on a small part of the background, enrols two rows and scores them. If that raises an error,
    the scheme is fitted on the whole background, which may be what it needed. A scheme counts as unable only if that
    raises too. Nothing is known, and the run decides, where a scheme takes too long or says that it would
    (``slow_to_try``). The trial has random streams of its own, and works on copies: figures don't depend on it.

    Parameters
    ----------
    jobs : int
        Number of worker processes. The run's tasks use the same ones later.
    bounds : Bounds, optional
        Try each scheme in its own process within these limits.
    demanded : collection of str, optional
        The schemes that the run is not to leave out, besides the controls. By default those asked for by name.

    Raises
    ------
    InputError
        When demanded schemes or controls can't take the data. All of them are named.
    """
    plan = setting.plan
    attacks = {cell.attack for cell in plan.cells} - set(_UNATTACKED)
    preloading.serve(plan.schemes.values(), [plan.attacks[name] for name in sorted(attacks)])
    provenance.of_setting(setting)  # while the server imports; what takes time in it is kept for the run's own call
    reasons = _reasons(plan.schemes, _Trials(setting, jobs, bounds))
    required = {*CONTROLS, *(names(setting.spec.schemes) if demanded is None else demanded)}
    told = {name: f"scheme '{name}' can't take these data: {why}" for name, why in reasons.items()}
    if refused := [line for name, line in told.items() if name in required]:
        rest = [name for name in plan.schemes if name not in reasons and name in required and name not in CONTROLS]
        workers.stop()
        raise InputError(f"{'; '.join(refused)}. Leave them out: --schemes {','.join(rest) or 'default'}")
    return replace(setting, plan=replace(plan, left_out=reasons, refused=(*plan.refused, *told.values())))


def small(background: Faces) -> Faces:
    """The first photos of the first subjects with several; where there are too few of these, the first rows."""
    if background.identity is None:
        return background.rows(np.arange(min(len(background), PEOPLE * PHOTOS)))
    first: dict[str, list[int]] = {}
    for row, name in enumerate(background.identity.tolist()):
        first.setdefault(name, []).append(row)
    several = [rows[:PHOTOS] for rows in first.values() if len(rows) >= PHOTOS][:PEOPLE]
    chosen = [row for rows in several for row in rows] or list(range(min(len(background), PEOPLE * PHOTOS)))
    return background.rows(np.array(chosen))


@dataclass(frozen=True, eq=False)
class _Trials:
    setting: Setting
    jobs: int
    bounds: Bounds | None

    def errors(self, schemes: Mapping[str, Scheme], background: Faces) -> dict[str, str]:
        """The errors that these schemes raise on a background, by name."""
        references = self.setting.split.target.references.embeddings[:_TRIED]
        function: Callable[..., Outcome] = tasks.attempt
        if self.bounds is not None:
            function = partial(contained, self.bounds, function)
        made = (
            workers.Task(name, function, (scheme, background, references, self._seed(name), _SECONDS))
            for name, scheme in schemes.items()
        )
        outcomes = dict(workers.run(made, jobs=self.jobs))
        if any(outcome.timed_out for outcome in outcomes.values()):
            workers.stop()
        return {
            name: outcomes[name].error or ""
            for name in schemes
            if not outcomes[name].timed_out and (outcomes[name].error or "").startswith(_RAISED)
        }

    def _seed(self, name: str) -> int:
        return stream_seed(self.setting.seed, "dry run", name)


def _reasons(schemes: Mapping[str, Scheme], trials: _Trials) -> dict[str, str]:
    background = trials.setting.split.background
    quick = {name: scheme for name, scheme in schemes.items() if not getattr(scheme, "slow_to_try", False)}
    unable = trials.errors(quick, small(background))
    for name in list(unable):  # one at a time, as one that is stopped may spoil its worker for others
        unable |= dict.fromkeys([name], "") | trials.errors({name: quick[name]}, background)
    return {name: _PLAIN_ERROR.sub("", message(error)).rstrip(".") for name, error in unable.items() if error}
