"""Finds the source code that a module's results depend on, and computes its checksum without docstrings and comments.

No module is imported: imports are read from the syntax trees. A module counts with its imports from its own package,
from the suite, and from code that isn't an installed package (a checkout, a script). Other installed packages count by
their version. Comments, docstrings and layout don't count, as they can't change a figure.

If code can load modules that its text doesn't name (``importlib.import_module``, ``exec``), its whole package counts,
with all other files in it. If code reads docstrings, docstrings count. Both err towards running a cell again.
"""

from __future__ import annotations

import ast
import hashlib
import re
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path

from mote_bench import registry

SUITE = frozenset({"mote_bench", "mote_attacks", "mote_baselines"})
"""Packages whose modules count one by one, wherever they are imported from."""

_BUILT_IN = frozenset({"exec", "eval", "compile"})
_DYNAMIC = frozenset({
    "import_module", "__import__", "runpy", "spec_from_file_location", "SourceFileLoader", "load_module",
    "entry_points", "EntryPoint", "resolve_name",
})  # fmt: skip
_REGISTRY = "mote_bench.registry"
_READS_DOCSTRINGS = frozenset({"__doc__", "getdoc", "getsource", "getsourcelines", "doctest"})
_LOADERS = frozenset({"mote_bench", _REGISTRY, __name__})
"""Modules of the suite that load by name, or mention it, and don't make their package count: the page of public names,
the registry (plug-ins have their own checksums), and this module."""
_PUBLIC_NAMES = frozenset({"mote_bench", "mote_bench.questions"})
"""Packages whose ``__init__`` only re-exports names: an imported name counts with the module that defines it."""
_SITES = frozenset({"site-packages", "dist-packages"})
_UNFINDABLE = (ImportError, AttributeError, KeyError)
"""What a search for a module may raise; KeyError where it would lie in a namespace package that isn't imported."""
_PYTHON_FILE = re.compile(r"(?:(?P<package>[^/,]+)/[^,]*|(?P<module>[^/,]+))\.py(?=[\",]|$)")
"""A line of an installed distribution's list of files: path, checksum and size, with commas between them."""
_NOT_CODE = frozenset({".pyc", ".pyo", ".pyi"})


@dataclass(frozen=True)
class Code:
    """The code that a module's results depend on.

    Attributes
    ----------
    checksum : str
        Checksum of the code of ``modules``, and of other files that they may read: 16 hexadecimal digits.
    modules : tuple of str
        Every module that counts, sorted.
    libraries : tuple of str
        Installed packages that these import, as ``name version``, sorted; without the standard library.
    """

    checksum: str
    modules: tuple[str, ...]
    libraries: tuple[str, ...]


@cache
def code_of(*roots: str) -> Code:
    """The code that these modules depend on, including themselves; a module that can't be found counts by its name.

    Parameters
    ----------
    *roots : str
        Dotted module names.
    """
    found = _closure(roots)
    whole = {_top(name) for name, module in found.items() if module.dynamic and name not in _LOADERS}
    if any(_REGISTRY in module.imported and _top(name) not in SUITE for name, module in found.items()):
        whole |= SUITE  # a plug-in that loads other plug-ins by name
    for package in sorted(whole):
        found |= _closure(_below(package))
    reads_docstrings = any(module.reads_docstrings for name, module in found.items() if name not in _LOADERS)
    digest = hashlib.sha256()
    for name, module in sorted(found.items()):
        code = _with_docstrings(name) if reads_docstrings else module.code
        digest.update(f"{name}\x00{code}\x00".encode())
    for path in _other_files(found, {_top(name) for name in roots} - SUITE | whole):
        digest.update(path.name.encode() + b"\x00" + path.read_bytes() + b"\x00")
    libraries = {one for module in found.values() for one in module.imported if not _followed(one, _tops(roots))}
    return Code(digest.hexdigest()[:16], tuple(sorted(found)), _versions(libraries))


def folder_checksum(folder: Path) -> str:
    """Checksum of all Python and TOML files below a folder, by relative name and content: 16 digits."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in ("*.py", "*.toml") for path in folder.rglob(pattern)):
        digest.update(f"{path.relative_to(folder).as_posix()}\x00".encode() + path.read_bytes() + b"\x00")
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _Module:
    """The parsed code of one module; ``imported`` are the dotted names that it may import."""

    code: str
    imported: tuple[str, ...]
    dynamic: bool
    reads_docstrings: bool


def _closure(roots: Iterable[str]) -> dict[str, _Module]:
    roots, found, waiting = list(roots), {}, list(roots)
    tops = _tops(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = module = _module(name)
        above = name.rpartition(".")[0]
        waiting += [above] if above else []  # importing a module runs its parent packages
        if name not in _PUBLIC_NAMES:
            waiting += [one for one in module.imported if one not in found and _followed(one, tops)]
    return found


def _tops(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_top, names))


def _top(name: str) -> str:
    return name.partition(".")[0]


@cache
def _followed(name: str, own: frozenset[str]) -> bool:
    """Whether a module's text counts: it is of the suite, of the same package, or of no installed package."""
    top = _top(name)
    if top in SUITE or top in own:
        return True
    if top in sys.stdlib_module_names:
        return False
    spec = _spec(top)
    origin = None if spec is None else spec.origin or next(iter(spec.submodule_search_locations or ()), None)
    return origin is not None and not _installed(Path(origin))


def _installed(path: Path) -> bool:
    """Whether a module lies where packages are installed, in this environment or in one whose packages it sees too."""
    return bool(_SITES & set(path.parts)) or any(path.is_relative_to(folder) for folder in _folders())


@cache
def _folders() -> tuple[Path, ...]:
    """The folders of this environment's packages and of the standard library."""
    folders = {*site.getsitepackages(), site.getusersitepackages()}
    folders |= {sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib")}
    return tuple(Path(folder) for folder in sorted(folders))


@cache
def _spec(name: str) -> ModuleSpec | None:
    try:
        return registry.spec_of(name)
    except _UNFINDABLE:
        return None


@cache
def _source(name: str) -> Path | None:
    try:
        return registry.source_of(name)
    except _UNFINDABLE:
        return None


@cache
def _module(name: str) -> _Module:
    tree, text = _parsed(name)
    if tree is None:
        return _Module(text, (), dynamic=False, reads_docstrings=False)
    path = _source(name)
    nodes = list(ast.walk(tree))
    names = {word for node in nodes for word in _words(node)}
    package = name if path is not None and path.name == "__init__.py" else name.rpartition(".")[0]
    imported = {one for node in nodes for one in _imports(node, package)} | _reached(nodes, package)
    _keep(tree, _undocumented)
    return _Module(
        code=_dump(tree),
        imported=tuple(sorted(imported - {""})),
        dynamic=bool(names & _DYNAMIC) or any(isinstance(one, ast.Name) and one.id in _BUILT_IN for one in nodes),
        reads_docstrings=bool(names & _READS_DOCSTRINGS),
    )


def _with_docstrings(name: str) -> str:
    """As the code of a module, with its docstrings; few runs need it."""
    tree, text = _parsed(name)
    return text if tree is None else _dump(tree)


def _parsed(name: str) -> tuple[ast.Module | None, str]:
    """The syntax tree of a module, without code that only a type checker reads; else what stands for its code."""
    path = _source(name)
    if path is None or not path.is_file():
        return None, ""
    raw = path.read_bytes()
    try:
        tree = ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError):  # compiled or not Python: only its bytes can be compared
        return None, hashlib.sha256(raw).hexdigest()
    unread = _type_checking_names(tree)
    _keep(tree, lambda statement: _executed(statement, unread))
    return tree, ""


def _words(node: ast.AST) -> Iterator[str]:
    """The names that a node uses; of an alias, the original name."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.alias):
        yield from node.name.split(".")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        yield node.value  # getattr(module, "__doc__")


def _imports(node: ast.AST, package: str) -> Iterator[str]:
    """Every module that an import statement may load: ``from a import b`` loads ``a``, and ``a.b`` if that is one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, package)
        yield base
        if any(alias.name == "*" for alias in node.names):
            yield from _below(base)
        yield from _modules((f"{base}.{alias.name}" for alias in node.names), package)
        if base in _PUBLIC_NAMES and package not in _PUBLIC_NAMES:
            yield from (_homes(base)[alias.name] for alias in node.names if alias.name in _homes(base))


@cache
def _homes(page: str) -> dict[str, str]:
    """The module that defines each name which a package's ``__init__`` imports."""
    path = _source(page)
    tree = ast.parse("" if path is None else path.read_bytes())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: _absolute(node, page) for node in imports for alias in node.names}


def _reached(nodes: Iterable[ast.AST], package: str) -> set[str]:
    """Modules that are reached as attributes only: ``import a`` and later ``a.b.f()``."""
    nodes = list(nodes)
    bound: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            bound |= {alias.asname or _top(alias.name): alias.name if alias.asname else _top(alias.name)
                      for alias in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            bound |= {alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names}
    chains = (_dotted(node) for node in nodes if isinstance(node, ast.Attribute))
    parts = (chain.partition(".") for chain in chains)
    return set(_modules({f"{bound[start]}.{rest}" for start, _, rest in parts if start in bound}, package))


def _modules(names: Iterable[str], package: str) -> Iterator[str]:
    """The names that are modules whose text may count; names of installed packages are skipped."""
    own = frozenset({_top(package)})
    yield from (name for name in names if _followed(_top(name), own) and _source(name) is not None)


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of attributes of a name; empty for other expressions."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _below(package: str) -> list[str]:
    """The names of all modules in a package, itself first."""
    path = _source(package)
    if path is None or path.name != "__init__.py":
        return [package]
    inner = (one.relative_to(path.parent).with_suffix("").parts for one in sorted(path.parent.rglob("*.py")))
    return [".".join([package, *(part for part in parts if part != "__init__")]) for parts in inner]


def _other_files(found: Iterable[str], packages: set[str]) -> list[Path]:
    """Other files beside the modules of these packages, which they may read: weights, tables, compiled code."""
    folders = {path.parent for name in found if _top(name) in packages for path in [_source(name)] if path is not None}
    inside = [folder for folder in folders if (folder / "__init__.py").is_file()]
    files = {path for folder in inside for path in folder.iterdir() if path.is_file()}
    return sorted(path for path in files if path.suffix not in {".py", *_NOT_CODE})


def _versions(modules: Iterable[str]) -> tuple[str, ...]:
    tops = {_top(name) for name in modules} - set(sys.stdlib_module_names) - {""}
    shippers = {_name_of(shipper) for top in tops for shipper in _distributions().get(top, ())}
    return tuple(sorted(f"{name} {_version_of(name)}" for name in shippers))


@cache
def _name_of(distribution: metadata.Distribution) -> str:
    return distribution.metadata["Name"]


@cache
def _version_of(name: str) -> str:
    """As its package tells it in a text that also holds its whole description."""
    return metadata.version(name)


@cache
def _distributions() -> dict[str, list[metadata.Distribution]]:
    """The distributions that ship each top-level name.

    As ``metadata.packages_distributions`` tells, but read from the text of the lists of files: of thousands of files
    only the top-level names are wanted.
    """
    found: dict[str, list[metadata.Distribution]] = {}
    for distribution in metadata.distributions():
        for name in _top_level(distribution):
            found.setdefault(name, []).append(distribution)
    return found


def _top_level(distribution: metadata.Distribution) -> set[str]:
    told = distribution.read_text("top_level.txt")
    if told:
        return set(told.split())
    listed = distribution.read_text("RECORD")
    if listed is None:  # not installed from a wheel
        paths = [file.as_posix() for file in distribution.files or ()]
    else:
        paths = [line.lstrip('"') for line in listed.splitlines()]
    parts = (_PYTHON_FILE.match(path) for path in paths)
    return {part["package"] or part["module"] for part in parts if part is not None}


def _type_checking_names(tree: ast.Module) -> frozenset[str]:
    """The names of ``typing.TYPE_CHECKING`` in a module."""
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "typing")
    aliases = (alias for node in imports for alias in node.names if alias.name == "TYPE_CHECKING")
    return frozenset(alias.asname or alias.name for alias in aliases)


def _executed(statement: ast.AST, unread: frozenset[str]) -> list[ast.AST]:
    """A statement; of an ``if`` that only a type checker reads, what stands in its ``else``."""
    if isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) and statement.test.id in unread:
        return [inner for one in statement.orelse for inner in _executed(one, unread)]
    return [statement]


def _undocumented(statement: ast.AST) -> list[ast.AST]:
    """A statement; nothing for one that is only a string: a docstring, also of a constant."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return [] if isinstance(value, ast.Constant) and isinstance(value.value, str) else [statement]


_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where statements stand in a syntax tree; no expression holds any."""


def _keep(node: ast.AST, kept: Callable[[ast.AST], list[ast.AST]]) -> None:
    """Replace each statement below a node by what ``kept`` makes of it."""
    for name in _BLOCKS:
        block = getattr(node, name, None)
        if isinstance(block, list):
            block[:] = [inner for one in block for inner in kept(one)]
            for one in block:
                _keep(one, kept)


def _dump(node: object) -> str:
    """A syntax tree as text; equal trees give equal text in all Python versions."""
    if isinstance(node, ast.AST):
        told = []
        for name in sorted(node._fields):
            value = getattr(node, name, None)
            if name == "value" or (value is not None and value != [] and name != "kind"):
                told.append(f"{name}={_dump(value)}")
        return f"{type(node).__name__}({','.join(told)})"
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    return repr(node)
