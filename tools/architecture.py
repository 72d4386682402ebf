"""Draws ARCHITECTURE.md's picture and table from the imports; run by ``make architecture``.

A room is a module or a folder directly below ``mote_bench``, and each of the plug-in packages. An arrow runs from a
room to one that it imports. A room stands one floor above the highest room that it needs; rooms that need each other
in a circle share a floor, and the arrows between them are red. Nothing is imported: the tree is read.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE, PAGE = Path("docs/architecture.svg"), Path("ARCHITECTURE.md")
START, END = "<!-- made by make architecture -->", "<!-- end -->"
PACKAGES = {"mote_bench": "mote_bench", "mote_attacks": "attacks", "mote_baselines": "baselines"}
HOST = "mote_bench"

Arrows = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Room:
    """A module or a folder.

    Attributes
    ----------
    name : str
        As it is imported, without ``mote_bench.``.
    path : Path
        From the root of the repository.
    says : str
        The first line of its docstring.
    files : tuple of Path
        Its modules.
    """

    name: str
    path: Path
    says: str
    files: tuple[Path, ...]


def rooms(root: Path) -> list[Room]:
    """All rooms of a tree, by name."""
    found = []
    for package, folder in PACKAGES.items():
        if package != HOST:
            found.append(_room(package, root / folder, root))
            continue
        for path in sorted((root / folder).iterdir()):
            if path.suffix == ".py" and path.stem != "__init__":
                found.append(_room(path.stem, path, root))
            elif path.is_dir() and any(path.rglob("*.py")):
                found.append(_room(path.name, path, root))
    return sorted(found, key=lambda room: room.name)


def _room(name: str, path: Path, root: Path) -> Room:
    files = (path,) if path.is_file() else tuple(sorted(path.rglob("*.py")))
    main = path if path.is_file() else path / "__init__.py"
    says = (ast.get_docstring(_parsed(main)) or "").partition("\n")[0] if main.is_file() else ""
    return Room(name, path.relative_to(root), says, files)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def arrows(of: Iterable[Room]) -> Arrows:
    """Which rooms each room imports, at any place in its code; imports for type checkers alone don't count."""
    known = {room.name: room for room in of}
    joined = {}
    for name, room in known.items():
        targets = (_target(module, known) for path in room.files for module in _imported(_parsed(path)))
        joined[name] = frozenset(target for target in targets if target is not None and target != name)
    return joined


def _imported(node: ast.AST) -> Iterator[str]:
    """Full names of what is imported below a node, ``package.module.name`` where a name is taken from a module."""
    for below in ast.iter_child_nodes(node):
        if isinstance(below, ast.Import):
            yield from (alias.name for alias in below.names)
        elif isinstance(below, ast.ImportFrom):
            yield from (f"{below.module}.{alias.name}" for alias in below.names if below.module and not below.level)
        elif not (isinstance(below, ast.If) and ast.unparse(below.test) == "TYPE_CHECKING"):
            yield from _imported(below)


def _target(module: str, known: Mapping[str, Room]) -> str | None:
    """The room that an imported name lies in; ``mote_bench/__init__.py`` is none, it hands on what others hold."""
    package, *rest = module.split(".")
    name = rest[0] if package == HOST and rest else package
    return name if name in known else None


def circles(of: Arrows) -> list[frozenset[str]]:
    """Rooms grouped so that two stand in one group when each can be reached from the other."""
    reached = {name: _reached(name, of) for name in of}
    groups = {frozenset({name} | {other for other in reached[name] if name in reached[other]}) for name in of}
    return sorted(groups, key=min)


def _reached(start: str, of: Arrows) -> set[str]:
    found: set[str] = set()
    waiting = list(of[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(of[name])
    return found


def floors(of: Arrows) -> dict[str, int]:
    """The floor of each room: 0 for those that need no other."""
    group_of = {name: group for group in circles(of) for name in group}

    @cache
    def floor(group: frozenset[str]) -> int:
        below = {group_of[target] for name in group for target in of[name]} - {group}
        return 1 + max(map(floor, below), default=-1)

    return {name: floor(group) for name, group in group_of.items()}


def needed(of: Arrows) -> list[tuple[str, str]]:
    """The arrows to draw: those that no longer way says already, and all within a circle."""
    reached = {name: _reached(name, of) for name in of}
    return [
        (name, target)
        for name in sorted(of)
        for target in sorted(of[name])
        if name in reached[target]
        or not any(target in reached[other] and name not in reached[other] for other in of[name] - {target})
    ]


# Sizes in pixels.
_LETTER, _HEIGHT, _GAP, _RISE, _EDGE = 7.2, 26, 14, 78, 50


def _order(rows: list[list[str]], lines: list[tuple[str, str]]) -> list[list[str]]:
    """Rooms of each floor from left to right: near to what they are joined with, so that few lines cross."""
    near: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for name, target in lines:
        near[name].append(target)
        near[target].append(name)
    for _ in range(12):
        place = {name: (at + 0.5) / len(row) for row in rows for at, name in enumerate(row)}
        rows = [
            sorted(row, key=lambda one: (sum(place[n] for n in near[one]) / len(near[one]) if near[one] else 0.5, one))
            for row in rows
        ]
    return rows


def svg(of: Arrows) -> str:
    """The picture: a box for each room, the highest floor on top."""
    level, lines = floors(of), needed(of)
    by_floor = [[name for name in sorted(of) if level[name] == floor] for floor in range(max(level.values()) + 1)]
    rows = _order(by_floor, lines)
    widths = {name: len(name) * _LETTER + 18 for name in of}
    across = max(sum(widths[name] + _GAP for name in row) for row in rows)
    width, height = round(across + 2 * _EDGE), len(rows) * _RISE + 20
    left, top = {}, {}
    for floor, row in enumerate(rows):
        gap = (across - sum(widths[name] for name in row)) / len(row)
        at = _EDGE + gap / 2
        for name in row:
            left[name], top[name] = at, height - (floor + 1) * _RISE + 20
            at += widths[name] + gap
    middle = {name: left[name] + widths[name] / 2 for name in of}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">',
        "<title>The rooms of mote-bench and what each imports; arrows run down</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#8a94a3"/></marker></defs>',
    ]
    parts += [
        f'<text x="8" y="{height - (floor + 1) * _RISE + 37}" fill="#8a94a3">{floor}</text>'
        for floor in range(len(rows))
    ]
    for name, target in lines:
        circle = level[name] == level[target]
        style = 'stroke="#d1242f" stroke-dasharray="4 3"' if circle else 'stroke="#8a94a3"'
        x, y, to_x, to_y = middle[name], top[name] + _HEIGHT, middle[target], top[target] + (_HEIGHT if circle else 0)
        bend = 30 if circle else max(24.0, (to_y - y) / 2)
        end = to_y + (bend if circle else -bend)
        path = f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {end:.0f} {to_x:.0f} {to_y:.0f}"
        parts.append(f'<path d="{path}" fill="none" {style} stroke-opacity="0.75" marker-end="url(#a)"/>')
    for name in sorted(of):
        fill = "#fff4d6" if name in PACKAGES else "#eaf2fd"
        parts.append(
            f'<rect x="{left[name]:.0f}" y="{top[name]:.0f}" width="{widths[name]:.0f}" height="{_HEIGHT}" rx="5" '
            f'fill="{fill}" stroke="#5b6b80"/><text x="{middle[name]:.0f}" y="{top[name] + 17:.0f}" '
            f'text-anchor="middle" fill="#1c2530">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def table(of: list[Room]) -> str:
    """Markdown: how many rooms, floors and arrows there are, and what each room holds, from the top floor down."""
    joined = arrows(of)
    level = floors(joined)
    inside = [
        (name, target) for name in sorted(joined) for target in sorted(joined[name]) if level[name] == level[target]
    ]
    count = f"{len(of)} rooms on {max(level.values()) + 1} floors, {sum(map(len, joined.values()))} arrows"
    round_about = "none in a circle" if not inside else f"{len(inside)} in a circle (red)"
    rows = []
    for room in sorted(of, key=lambda room: (-level[room.name], room.name)):
        path, says = room.path.as_posix(), room.says.replace("|", "&#124;")
        rows.append(f"| {level[room.name]} | [{path}]({path}) | {says} |")
    return "\n".join([f"{count}, {round_about}.", "", "| floor | room | holds |", "|---|---|---|", *rows])


def made(root: Path) -> dict[Path, str]:
    """The text of the picture and of the page as they must be, by path from the root."""
    of = rooms(root)
    page = (root / PAGE).read_text(encoding="utf-8")
    if page.count(START) != 1 or page.count(END) != 1:
        raise SystemExit(f"error: {PAGE} must hold the lines '{START}' and '{END}' once; put them back")
    before, _, rest = page.partition(START)
    return {PICTURE: svg(arrows(of)), PAGE: f"{before}{START}\n{table(of)}\n{END}{rest.partition(END)[2]}"}


def main() -> None:
    """Write both; print what changed."""
    for path, text in made(ROOT).items():
        if not (ROOT / path).is_file() or (ROOT / path).read_text(encoding="utf-8") != text:
            (ROOT / path).write_text(text, encoding="utf-8")
            print(f"made {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
