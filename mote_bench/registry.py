"""Plug-ins by entry-point name: listed without an import, loaded on demand, each failing on its own."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mote_bench.basics import InputError

KINDS = ("schemes", "attacks", "questions", "embedders", "datasets")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
# Command lines and records use these for "every one", "the protocol's choice", "no attack" and the levels of noise.
_RESERVED = frozenset({"all", "default", "none", "zero-effort", "noise-curve"})
_WORDS = {"schemes": frozenset({"all", "default", "noise-curve"}), "attacks": frozenset({"all", "default"})}
"""Of these, the words that an option takes in place of names."""
_SEE = "See what is installed: python -m mote_bench list"


class PluginError(Exception):
    """An installed plug-in can't be used. The message names its entry, the distribution that ships it and the cause."""


@dataclass(frozen=True)
class Entry:
    """One registered name.

    Attributes
    ----------
    name : str
        The name that a user types.
    kind : str
        One of ``KINDS``.
    target : str
        ``"module:object"`` of the callable that makes the plug-in, without arguments.
    distribution, version : str
        The package that ships it.
    """

    name: str
    kind: str
    target: str
    distribution: str
    version: str

    @property
    def module(self) -> str:
        """The dotted name of the module that holds the plug-in."""
        return self.target.partition(":")[0].strip()

    def __str__(self) -> str:
        return f"{self.kind[:-1]} '{self.name}' of {self.distribution} {self.version} ({self.target})"


def names(kind: str) -> list[Entry]:
    """Every entry of ``kind`` with a valid name, sorted by name. Imports no plug-in.

    A name that two distributions register is listed twice; loading it is an error.

    Raises
    ------
    InputError
        When ``kind`` isn't one of ``KINDS``.
    """
    return [entry for entry in _registered(kind) if acceptable(entry.name)]


def refused(kind: str) -> list[Entry]:
    """Every entry whose name is invalid. Valid are lower-case words with dashes that are not reserved."""
    return [entry for entry in _registered(kind) if not acceptable(entry.name)]


def select(kind: str, wanted: str) -> list[str]:
    """The names in ``wanted``: ``"all"``, or a comma list, in its order and without duplicates.

    Raises
    ------
    InputError
        When nothing is registered, ``wanted`` is empty or a name isn't registered.
    """
    known = list(dict.fromkeys(entry.name for entry in names(kind)))
    if not known:
        raise InputError(
            f"No {kind} are registered, so '{wanted}' would run nothing. "
            "Install the suite with its built-in ones: pip install mote-bench (from a checkout: pip install -e .)"
        )
    if wanted.strip() == "all":
        return known
    chosen = list(dict.fromkeys(name for name in map(str.strip, wanted.split(",")) if name))
    if not chosen:
        raise InputError(f"No {kind} named in '{wanted}'; expected 'all' or a comma list such as '{known[0]}'. {_SEE}")
    for name in chosen:
        if name not in known:
            raise _unknown(kind, name)
    return chosen


def find(kind: str, name: str) -> Entry:
    """The only entry with this name.

    Raises
    ------
    InputError
        When no distribution registers it, when two do, or when the name is invalid.
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
            f"{kind[:-1]} '{name}' is registered by {shippers}; expected one distribution only. "
            f"Remove one of them: pip uninstall {matches[-1].distribution}"
        )
    return matches[0]


def factory(kind: str, name: str) -> Callable[..., Any]:
    """The callable of an entry, imported but not yet called. Raises the same errors as :func:`load`."""
    entry = find(kind, name)
    made = _guarded(entry, EntryPoint(entry.name, entry.target, _group(kind)).load)
    if not callable(made):
        raise PluginError(
            f"{entry} is {type(made).__name__} {made!r:.80}; expected a class or a function that takes no arguments. "
            f"Fix the entry point of {entry.distribution}."
        )
    return made  # type: ignore[no-any-return]


def load(kind: str, name: str) -> Any:
    """A new object of the entry with this name: a scheme, an attack, a data set, ...

    Raises
    ------
    InputError
        On a name that :func:`find` rejects, and if the plug-in itself raises one (a data file to fetch, say).
    PluginError
        When the plug-in can't be imported or made.
    """
    return _guarded(find(kind, name), factory(kind, name))


def source_of(module: str) -> Path | None:
    """The source file of the module with this dotted name, found without importing it; ``None`` if it has none."""
    spec = spec_of(module)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin)


def _group(kind: str) -> str:
    if kind not in KINDS:
        raise InputError(f"'{kind}' is no kind of plug-in; expected one of {', '.join(KINDS)}.")
    return f"mote_bench.{kind}"


def _registered(kind: str) -> list[Entry]:
    _group(kind)
    return _read(_installed())[kind]


def _installed() -> tuple[tuple[str, int], ...]:
    """The folders that packages are found in, and when each last changed: what is installed changes with them."""
    return tuple((folder, _changed(folder)) for folder in sys.path)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=4)
def _read(_: tuple[tuple[str, int], ...]) -> dict[str, list[Entry]]:
    """All entries, by kind. Each installed package's text is read, so this is done once for all kinds."""
    points, shippers = entry_points(), {}
    found: dict[str, list[Entry]] = {}
    for kind in KINDS:
        entries = set()
        for point in points.select(group=_group(kind)):
            if id(point.dist) not in shippers:
                shippers[id(point.dist)] = _shipped_by(point)
            entries.add(Entry(point.name, kind, point.value, *shippers[id(point.dist)]))
        found[kind] = sorted(entries, key=lambda entry: (entry.name, entry.distribution, entry.target))
    return found


def _shipped_by(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution; "?" if its metadata are missing (a partly removed package)."""
    try:
        about = point.dist.metadata if point.dist is not None else None
    except Exception:  # the error differs between Python versions, and one bad package mustn't stop the list
        about = None
    name, version = (about[header] if about is not None and header in about else "?" for header in ("Name", "Version"))
    return name, version


def acceptable(name: str) -> bool:
    """Whether a plug-in may have this name."""
    return _NAME.fullmatch(name) is not None and name not in _RESERVED


def _unknown(kind: str, name: str) -> InputError:
    known = sorted({entry.name for entry in names(kind)} | _WORDS.get(kind, frozenset()))
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
            f"Fix or remove it: pip uninstall {entry.distribution}"
        ) from error


def spec_of(module: str) -> ModuleSpec | None:
    """The module's spec, as ``importlib.util.find_spec`` gives it, found without importing its parent packages."""
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
