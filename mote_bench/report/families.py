"""The family of a scheme, by which a long page is filtered and folded."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from mote_bench import registry

OTHER = "other"
_TITLES = {
    "plain": "plain vectors",
    "cancelable": "cancelable schemes",
    "suppression": "suppression schemes",
    "encrypted": "encrypted schemes",
    "cryptosystems": "cryptosystems",
    "fairness": "fairness",
    "controls": "controls",
}
_MODEL = "model templates (MOTE)"


def family_of(scheme: str) -> str:
    """The family in words: of a built-in scheme by its folder, of another the package that ships it, or ``other``."""
    return _families().get(scheme, OTHER)


def in_families(schemes: Iterable[str]) -> dict[str, list[str]]:
    """Family -> its schemes, both in the order of ``schemes``."""
    found: dict[str, list[str]] = {}
    for scheme in schemes:
        found.setdefault(family_of(scheme), []).append(scheme)
    return found


@cache
def _families() -> dict[str, str]:
    return {entry.name: _family(entry) for entry in registry.names("schemes")}


def _family(entry: registry.Entry) -> str:
    package, _, rest = entry.module.partition(".")
    if package == "mote_baselines":
        folder = rest.partition(".")[0]
        return _TITLES.get(folder, folder)
    return _MODEL if entry.module.startswith("mote_bench.mote") else entry.distribution
