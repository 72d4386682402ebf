"""`check`: what a scheme or an attack breaks of its contract."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mote_bench.contracts import InputError

if TYPE_CHECKING:
    from mote_bench.conformance.findings import Finding

EPILOG = "Example: python -m mote_bench check my-scheme, or, not yet registered: check my_package.scheme:MyScheme"


def check(
    name: Annotated[str, typer.Argument(help="A registered scheme or attack, or MODULE:CLASS.")],
    seed: Annotated[int, typer.Option(help="Seed of the generated people it is tried on.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is broken.")] = False,
) -> None:
    """Try a scheme or an attack on generated people and list what it keeps and breaks of its contract."""
    from mote_bench.testing import check_attack, check_scheme

    kind, make = _found(name)
    findings = (check_scheme if kind == "schemes" else check_attack)(make, seed=seed)
    for finding in findings:
        if not (quiet and finding.ok):
            print(_line(finding))
    broken = [finding for finding in findings if not finding.ok]
    print(f"{name}: {len(findings) - len(broken)} of {len(findings)} checks passed")
    if broken:
        sys.exit(1)


def _line(finding: Finding) -> str:
    return f"{'ok    ' if finding.ok else 'BROKEN'}  {finding.check.replace('_', ' ')}" + (
        "" if finding.ok else f"\n        {finding.message}"
    )


def _found(name: str) -> tuple[str, Callable[[], Any]]:
    """What makes it, and whether it is a scheme or an attack."""
    from mote_bench import registry

    if ":" in name:
        return _imported(name)
    for kind in ("schemes", "attacks"):
        if name in {entry.name for entry in registry.names(kind)}:
            try:
                return kind, registry.factory(kind, name)
            except registry.PluginError as error:
                raise InputError(str(error)) from None
    known = len(registry.names("schemes")), len(registry.names("attacks"))
    raise InputError(
        f"none of {known[0]} schemes and {known[1]} attacks is named '{name}'. See what is installed: "
        "python -m mote_bench list. Not registered yet: python -m mote_bench check MODULE:CLASS"
    )


def _imported(name: str) -> tuple[str, Callable[[], Any]]:
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        make: Callable[[], Any] = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # the user's module may raise anything
        raise InputError(
            f"'{name}' can't be imported ({type(error).__name__}: {error}); expected MODULE:CLASS"
        ) from None
    return ("schemes" if hasattr(make, "enroll") else "attacks"), make
