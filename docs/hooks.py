"""Hooks of the site: files outside of docs/ that a page links to become part of the site.

On GitHub a page links to `../leaderboards/agreement.md`. The site has no `..`, so the file is copied to
`leaderboards/agreement.md`, with the pictures that it shows, and the link follows. A file that doesn't exist stays out,
and the strict build fails on its link.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = re.compile(r"\]\(\.\./([^)#\s]+)")
ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):(?=<code>)")
COLONS = re.compile(r"::</p>")
BESIDE = re.compile(r"\]\(([\w-][\w./-]*\.(?:svg|png|jpg|md))\)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add what pages link to outside of docs/, and what those files link to beside them."""
    pages = [Path(file.abs_src_path) for file in files.documentation_pages()]
    linked = {name for page in pages for name in OUTSIDE.findall(page.read_text(encoding="utf-8"))}
    for name in sorted(linked | {beside for one in linked for beside in _beside(one)}):
        if (ROOT / name).is_file():
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links out of docs/ lead to the copies."""
    return OUTSIDE.sub(r"](\1", markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Docstrings speak reStructuredText here and there: its roles are left out, its double colons are made one."""
    return COLONS.sub(":</p>", ROLE.sub("", html))


def _beside(name: str) -> set[str]:
    if not name.endswith(".md") or not (ROOT / name).is_file():
        return set()
    folder = Path(name).parent
    return {(folder / found).as_posix() for found in BESIDE.findall((ROOT / name).read_text(encoding="utf-8"))}
