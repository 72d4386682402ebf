"""`check`: what a scheme, an attack, a question or an embedder breaks of its contract."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mote_bench.basics import InputError

if TYPE_CHECKING:
    from mote_bench.conformance.findings import Finding

KINDS = ("schemes", "attacks", "questions", "embedders")
EPILOG = "Example: python -m mote_bench check my-scheme, or, not yet registered: check my_package.scheme:MyScheme"


def check(
    name: Annotated[str, typer.Argument(help="A registered scheme, attack, question or embedder, or MODULE:CLASS.")],
    seed: Annotated[int, typer.Option(help="Seed of the generated people it is tried on.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is broken.")] = False,
) -> None:
    """Try a plug-in on people made up for it and list what it keeps and breaks of its contract."""
    from mote_bench.testing import check_attack, check_embedder, check_question, check_scheme

    kind, make = _found(name)
    if ":" not in name and not quiet:
        print(_shipped(kind, name))
    if kind == "embedders":
        findings = check_embedder(make)
    else:
        checks: dict[str, Callable[..., list[Finding]]] = {"schemes": check_scheme, "questions": check_question}
        findings = checks.get(kind, check_attack)(make, seed=seed)
    for finding in findings:
        if not (quiet and finding.ok):
            print(_line(finding))
    broken = [finding for finding in findings if not finding.ok]
    print(f"{name}: {len(findings) - len(broken)} of {len(findings)} checks passed")
    if broken:
        sys.exit(1)


def _shipped(kind: str, name: str) -> str:
    """Which package's plug-in is tried: a name in the tree may still be another package's until it is installed."""
    from mote_bench import registry

    return f"Checking {registry.find(kind, name)}"


def _line(finding: Finding) -> str:
    said = finding.note and f"note: {finding.note}" if finding.ok else finding.message
    first = f"{'ok    ' if finding.ok else 'BROKEN'}  {finding.check.replace('_', ' ')}"
    return f"{first}\n        {said}" if said else first


def _found(name: str) -> tuple[str, Callable[[], Any]]:
    """What makes it, and the kind of plug-in that it is."""
    from mote_bench import registry

    if ":" in name:
        return _imported(name)
    for kind in KINDS:
        if name in {entry.name for entry in registry.names(kind)}:
            try:
                return kind, registry.factory(kind, name)
            except registry.PluginError as error:
                raise InputError(str(error)) from None
    _refuse_question_id(name)
    names = {kind: [entry.name for entry in registry.names(kind)] for kind in KINDS}
    known = ", ".join(f"{len(some)} {kind}" for kind, some in names.items())
    near = difflib.get_close_matches(name.lower(), [one for some in names.values() for one in some])
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise InputError(
        f"none of {known} is named '{name}'. {hint}See what is installed: "
        "python -m mote_bench list. Not registered yet: python -m mote_bench check MODULE:CLASS"
    )


def _refuse_question_id(name: str) -> None:
    """Name the entry point of the question that records and boards call ``name``, if there is one."""
    from mote_bench.questions.installed import claimant, entry_of

    kind = claimant(name)
    entry = None if kind is None else entry_of(kind)
    if entry is not None:
        raise InputError(
            f"'{name}' is the id of a question, by which runs and boards name it; expected the name of its entry "
            f"point, '{entry.name}'. Type: python -m mote_bench check {entry.name}"
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
    if not callable(make):
        raise InputError(
            f"'{name}' is a {type(make).__name__}; expected a class or a function that makes one: MODULE:CLASS"
        )
    telling = {"enroll": "schemes", "embed": "embedders", "offered": "questions"}
    return next((kind for method, kind in telling.items() if hasattr(make, method)), "attacks"), make
