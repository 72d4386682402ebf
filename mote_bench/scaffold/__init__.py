"""Creates a working plug-in package of any kind, with tests, as a start for the user's own."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import mote_bench
from mote_bench import registry
from mote_bench.contracts import InputError

_FOLDER = Path(__file__).parent
_FILES = {
    "pyproject.toml": "common/pyproject.toml.j2",
    "README.md": "common/README.md.j2",
    ".github/workflows/ci.yml": "common/ci.yml.j2",
    "src/{package}/__init__.py": "common/__init__.py.j2",
    "src/{package}/{kind}.py": "{kind}/{example}.py.j2",
    "tests/test_{kind}.py": "{kind}/test_{kind}.py.j2",
}


ATTRIBUTE = "attribute"
"""The question that an attack answers if none is named."""
_USUAL_ATTRIBUTES = ("gender", "age", "ethnicity")


def write(kind: str, name: str, where: Path, *, question: str = ATTRIBUTE) -> Path:
    """Write the package and return its folder.

    Parameters
    ----------
    kind : {"scheme", "attack", "question", "embedder"}
    name : str
        The name that users will type.
    where : Path
        The parent of the package's folder.
    question : str
        The question that an attack answers: a name in the first or in the last column of ``list questions``.

    Raises
    ------
    InputError
        On an invalid or taken name, on a folder that exists or can't be written, and on a question without an example.
    """
    _check(kind, name)
    example = _example(question) if kind == "attack" else kind
    folder = where / f"mote-bench-{name}"
    if folder.exists():
        raise InputError(f"'{folder}' exists; nothing was written. Give another name, or another place: --out DIR")
    try:
        for path, text in _rendered(kind, name, example).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"can't write '{folder}' ({error.strerror}); give a folder you may write to: --out DIR"
        ) from None
    return folder


def _check(kind: str, name: str) -> None:
    if not registry.acceptable(name) or not re.search("[a-z]", name):
        raise InputError(f"'{name}' can't be a name; expected a-z, 0-9, dot and dash, with a letter, as in my-{kind}")
    taken = [entry for entry in registry.names(f"{kind}s") if entry.name == name]
    if taken:
        raise InputError(f"'{name}' is taken by {taken[0]}; give another name")


def _example(question: str) -> str:
    """The name of the question's example of an attack."""
    from mote_bench.questions.installed import claimant, entry_of, installed

    files = {path.name.removesuffix(".py.j2") for path in (_FOLDER / "attack").glob("*.py.j2")}
    examples = {
        entry.name: kind for kind in installed() if (entry := entry_of(kind)) is not None and entry.name in files
    }
    kind = claimant(question)
    entry = None if kind is None else entry_of(kind)
    found = question if entry is None else entry.name
    found = ATTRIBUTE if found in _USUAL_ATTRIBUTES else found
    if found not in examples:
        known = ", ".join(one.ids or one.id for one in examples.values())
        raise InputError(
            f"there is no example of an attack on a question '{question}'; expected one of: {known}. For "
            "a question of your own, begin with one of these and replace `question` and `answer`"
        )
    return found


def _rendered(kind: str, name: str, example: str) -> dict[str, str]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_FOLDER)
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    package = "mote_bench_" + re.sub(r"[^a-z0-9]", "_", name)
    words = {
        "kind": kind,
        "example": example,
        "name": name,
        "package": package,
        "class_name": _class_name(name),
        "version": mote_bench.__version__,
    }
    return {
        path.format(**words): environment.get_template(template.format(**words)).render(words)
        for path, template in _FILES.items()
    }


def _class_name(name: str) -> str:
    made = "".join(part.capitalize() for part in re.split(r"[^a-z0-9]+", name))
    return f"The{made}" if made[:1].isdigit() or keyword.iskeyword(made) else made
