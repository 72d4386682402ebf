"""docs/reference.md from the docstrings: what other people's code may use."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

_MODULES = {
    "mote_bench": "From Python",
    "mote_bench.contracts": "What schemes and attacks are",
    "mote_bench.questions.base": "What a question is",
    "mote_bench.questions.staging": "What a question is put with and scored on",
    "mote_bench.toolkit": "What schemes and attacks may use",
    "mote_bench.testing": "Testing a plug-in",
    "mote_bench.analysis.gate": "Comparing two runs",
    "mote_bench.metrics.catalogue": "The metrics",
}


def text() -> str:
    """The page."""
    head = "# Reference\n\nMade from the docstrings: `python -m mote_bench.reference > docs/reference.md`.\n"
    return "\n".join([head, *(_module(name, title) for name, title in _MODULES.items())])


def _module(name: str, title: str) -> str:
    module = importlib.import_module(name)
    parts = [f"## {title}: `{name}`\n", f"{inspect.getdoc(module)}\n"]
    return "\n".join([*parts, *_members(module)])


def _members(module: object) -> Iterator[str]:
    name = getattr(module, "__name__", "")
    for public in _public(module):
        one = getattr(module, public)
        if name != "mote_bench" and getattr(one, "__module__", "") != name:
            continue
        yield _entry(f"### `{_signed(public, one)}`", one)
        if inspect.isclass(one):
            for method, function in vars(one).items():
                if inspect.isfunction(function) and not method.startswith("_") and inspect.getdoc(function):
                    yield _entry(f"#### `{public}.{_signed(method, function)}`", function)


def _public(module: object) -> list[str]:
    names = getattr(module, "__all__", None) or [
        name for name, one in vars(module).items() if inspect.isclass(one) or inspect.isfunction(one)
    ]
    return [name for name in names if not name.startswith("_")]


def _entry(title: str, one: object) -> str:
    return f"{title}\n\n```text\n{inspect.getdoc(one) or ''}\n```\n"


def _signed(name: str, one: object) -> str:
    """A function's parameter names; types and defaults stand in the text."""
    if not inspect.isfunction(one):
        return name
    return f"{name}({', '.join(parameter for parameter in inspect.signature(one).parameters if parameter != 'self')})"


if __name__ == "__main__":
    print(text(), end="")
