"""Has the server of forked workers import what a run's plug-ins need, while the run is still being planned."""

from __future__ import annotations

from collections.abc import Iterable

from mote_bench.execution import forking
from mote_bench.planning.plan import Plugins
from mote_bench.planning.spec import RunSpec, names
from mote_bench.questions.harness import HARNESS

_FOR_ATTACKS = ("scipy.stats", "sklearn.linear_model")
"""What most attacks import at their first use, in seconds: imported once, for all workers."""


def ahead(spec: RunSpec, loaded: Plugins) -> None:
    """Start the server for the plug-ins of a run whose data aren't read yet."""
    attacked = not set(names(spec.questions)) <= set(HARNESS)
    serve(loaded.schemes.values(), loaded.attacks.values() if attacked else ())


def serve(schemes: Iterable[object], attacks: Iterable[object]) -> None:
    """Start the server, unless it runs, for tasks that call these schemes and attacks.

    Built-in ones state in ``libraries`` which modules they import at first use, in seconds.
    """
    attacks = list(attacks)
    own = [one for one in (*schemes, *attacks) if forking.built_in(type(one).__module__)]
    stated = {library for one in own for library in getattr(one, "libraries", ())}
    forking.serve({*stated, *(_FOR_ATTACKS if attacks else ())})
