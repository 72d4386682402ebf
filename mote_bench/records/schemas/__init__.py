"""JSON schemas of what mote-bench writes and reads: records, bundles and boards."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from mote_bench.contracts import InputError

_FOLDER = Path(__file__).parent


def check(table: object, name: str, source: str) -> None:
    """Hold JSON data against the schema ``name`` (record, bundle or leaderboard).

    Raises
    ------
    InputError
        On the first thing that doesn't fit, by its place in ``source``.
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator(name).iter_errors(table))
    if error is not None:
        place = "/".join(str(part) for part in error.absolute_path) or "the whole of it"
        raise InputError(f"'{source}' is no {name} of mote-bench: at {place}: {error.message[:200]}")


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource

    def load(one: str) -> Any:
        return json.loads((_FOLDER / f"{one}.schema.json").read_text(encoding="utf-8"))

    record = Resource.from_contents(load("record"))
    return Draft202012Validator(load(name), registry=Registry().with_resource("record.schema.json", record))
