"""`new`: writes an installable plug-in package with tests that pass, as a start for one's own."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

EPILOG = (
    "Example: python -m mote_bench new attack my-attack --question reconstruct; then: cd mote-bench-my-attack && pip "
    "install -e . && pytest"
)


class Kind(enum.StrEnum):
    """What can be begun."""

    SCHEME = "scheme"
    ATTACK = "attack"
    QUESTION = "question"
    EMBEDDER = "embedder"


_USE = {
    Kind.SCHEME: "run --schemes {name}",
    Kind.ATTACK: "run --attacks {name}",
    Kind.QUESTION: "list",
    Kind.EMBEDDER: "embed PICTURES --embedder {name} --out faces.npz",
}


def new(
    kind: Annotated[Kind, typer.Argument(help="What kind of plug-in.")],
    name: Annotated[str, typer.Argument(help="Its name: a-z, 0-9, dot and dash.")],
    question: Annotated[
        str | None,
        typer.Option(
            help="The question that an attack answers, by its id (see `list questions`): gender (any attribute), "
            "age_value (any number), reconstruct, link, photo, member, wolf, ind. Default: gender."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder in which the package is written.")] = Path(),
) -> None:
    """Write a small plug-in package that works, with its tests, a README and a CI workflow."""
    from mote_bench import scaffold
    from mote_bench.contracts import InputError

    if question is not None and kind is not Kind.ATTACK:
        raise InputError(f"--question {question}: only an attack answers a question; leave the option out")
    folder = scaffold.write(kind.value, name, out, question=question or scaffold.ATTRIBUTE)
    print(f"{folder}: {'an' if kind.value[0] in 'ae' else 'a'} {kind.value} named '{name}' that works. Make it yours:")
    print(f"  cd {folder} && pip install -e '.[test]' && pytest")
    print(f"  python -m mote_bench check {name}")
    print(f"  python -m mote_bench {_USE[kind].format(name=name)}")
