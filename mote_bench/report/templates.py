"""The environment of the page templates, which lie beside this module."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined


def read(name: str) -> str:
    """A file beside this module: a template, a style or a script."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def environment() -> Environment:
    """Jinja for these templates: it escapes every text, and an unknown name is an error."""
    return Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
