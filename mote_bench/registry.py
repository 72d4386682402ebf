"""Entry-point names -> what plug-ins register: listed without importing, loaded on demand, failing alone."""

from __future__ import annotations

import difflib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mote_bench.contracts import InputError

KINDS = ("schemes", "attacks", "questions", "embedders", "datasets")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
# What a command line and a record say for "every one", "the protocol's choice" and "no attack".
_RESERVED = frozenset({"all", "default", "none", "zero-effort"})
_SEE = "See what is installed: python -m mote_bench list"


class PluginError(Exception):
    """An installed plug-in can't be used: names the entry, the distribution that ships it and the cause."""


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes
    ----------
    name : str
        What a user types.
    kind : str
        One of ``KINDS``.
    target : str
        ``"module:object"``: what makes it when called without arguments.
    distribution, version : str
        Who ships it.
    """

    name: str
    kind: str
    target: str
    distribution: str
    version: str

    @property
    def module(self) -> str:
        """The dotted name of the module that the entry points into."""
        return self.target.partition(":")[0].strip()

    def __str__(self) -> str:
        return f"{self.kind[:-1]} '{self.name}' of {self.distribution} {self.version} ({self.target})"


def names(kind: str) -> list[Entry]:
    """Every entry of ``kind`` that can be asked for, by name. Imports no plug-in.

    A name that two distributions register stands here twice, and is refused when it is loaded.

    Raises
    ------
    InputError
        When ``kind`` isn't one of ``KINDS``.
    """
    return [entry for entry in _registered(kind) if acceptable(entry.name)]


def refused(kind: str) -> list[Entry]:
    """Every entry whose name can't be used: lower-case words with dashes, other than all, none and zero-effort."""
    return [entry for entry in _registered(kind) if not acceptable(entry.name)]


def select(kind: str, wanted: str) -> list[str]:
    """The names that ``wanted`` asks for: ``"all"``, or a comma list whose order is kept and doubles dropped.

    Raises
    ------
    InputError
        When nothing is registered, nothing is asked for or a name isn't registered.
    """
    known = list(dict.fromkeys(entry.name for entry in names(kind)))
    if not known:
        raise InputError(
            f"No {kind} are registered, so '{wanted}' would run nothing. "
            "Install the suite with its built-in ones: pip install mote-bench (from a checkout: pip install -e .)"
        )
    if wanted.strip() == "all":
        return known
    asked = list(dict.fromkeys(name for name in map(str.strip, wanted.split(",")) if name))
    if not asked:
        raise InputError(f"No {kind} named in '{wanted}'; expected 'all' or a comma list such as '{known[0]}'. {_SEE}")
    for name in asked:
        if name not in known:
            raise _unknown(kind, name)
    return asked


def find(kind: str, name: str) -> Entry:
    """The one entry of this name.

    Raises
    ------
    InputError
        When no distribution registers it, when two do, or when its name isn't acceptable.
    """
    matches = [entry for entry in _registered(kind) if entry.name == name]
    if not matches:
        raise _unknown(kind, name)
    if not acceptable(name):
        raise InputError(
            f"{matches[0]} can't be used: a name is lower-case words with dashes ({_NAME.pattern}) and none of "
            f"{', '.join(sorted(_RESERVED))}. Rename it in the entry points of {matches[0].distribution}."
        )
    if len(matches) > 1:
        shippers = " and by ".join(f"{entry.distribution} {entry.version} ({entry.target})" for entry in matches)
        raise InputError(
            f"{kind[:-1]} '{name}' is registered by {shippers}; it must be clear which one runs. "
            f"Remove one of them: pip uninstall {matches[-1].distribution}"
        )
    return matches[0]


def factory(kind: str, name: str) -> Callable[..., Any]:
    """What the entry points to: imported, not yet called. Errors as :func:`load`."""
    entry = find(kind, name)
    made = _guarded(entry, EntryPoint(entry.name, entry.target, _group(kind)).load)
    if not callable(made):
        raise PluginError(
            f"{entry} is {type(made).__name__} {made!r:.80}; expected a class or a function that takes no arguments. "
            f"Mend the entry point of {entry.distribution}."
        )
    return made  # type: ignore[no-any-return]


def load(kind: str, name: str) -> Any:
    """A new object of this name: the scheme, the attack or the dataset that its entry makes.

    Raises
    ------
    InputError
        On a name that :func:`find` refuses, and what the plug-in itself raises as one (a data file to fetch, say).
    PluginError
        When the plug-in can't be imported or made.
    """
    return _guarded(find(kind, name), factory(kind, name))


def source_of(module: str) -> Path | None:
    """The source file of a module by its dotted name, without importing it; ``None`` where there is none."""
    spec = spec_of(module)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin)


def _group(kind: str) -> str:
    if kind not in KINDS:
        raise InputError(f"'{kind}' is no kind of plug-in; expected one of {', '.join(KINDS)}.")
    return f"mote_bench.{kind}"


def _registered(kind: str) -> list[Entry]:
    entries = {_entry(kind, point) for point in entry_points(group=_group(kind))}
    return sorted(entries, key=lambda entry: (entry.name, entry.distribution, entry.target))


def _entry(kind: str, point: EntryPoint) -> Entry:
    name, version = _shipped_by(point)
    return Entry(point.name, kind, point.value, name, version)


def _shipped_by(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution; "?" where a half-removed one has no metadata left."""
    try:
        about = point.dist.metadata if point.dist is not None else None
    except Exception:  # what it raises differs between Python versions, and one bad package mustn't stop the list
        about = None
    name, version = (about[header] if about is not None and header in about else "?" for header in ("Name", "Version"))
    return name, version


def acceptable(name: str) -> bool:
    """Whether a plug-in may have this name."""
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def _unknown(kind: str, name: str) -> InputError:
    known = sorted({entry.name for entry in names(kind)})
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return InputError(f"No {kind[:-1]} is named '{name}'. {hint}{_SEE}")


def _guarded(entry: Entry, step: Callable[[], Any]) -> Any:
    try:
        return step()
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{entry} can't be loaded: {type(error).__name__}: {error}. "
            f"Mend or remove it: pip uninstall {entry.distribution}"
        ) from error


def spec_of(module: str) -> ModuleSpec | None:
    """The module's spec, as ``importlib.util.find_spec`` gives it, without importing the packages it lies in."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # an empty name, or a module without a spec such as __main__
        return None
    for depth in range(len(rest)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join([top, *rest[: depth + 1]]), spec.submodule_search_locations)
    return spec
