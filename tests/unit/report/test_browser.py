"""The page in a real browser: no console error, nothing wider than its place, controls that work, and how it looks.

Skipped where no Chromium is installed. Screenshots and the printed page are left in ``tests/artefacts``.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mote_bench.report.boards import render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
ROOT = Path(__file__).resolve().parents[3]
ARTEFACTS = ROOT / "tests" / "artefacts"
PUBLISHED = ROOT / "leaderboards" / "leaderboard.html"

LOOKS = """
  const wide = document.documentElement.clientWidth, seen = {};
  const told = (one) => `${one.textContent.trim().slice(0, 40)} in ${one.outerHTML.slice(0, 80)}`;
  seen.too_wide = [...document.querySelectorAll("body *")].filter((one) => !one.closest("svg, .scroll, details")
    && one.getBoundingClientRect().right > wide + 1).map(told);
  seen.cut_cells = [...document.querySelectorAll("th, td, figcaption, h4")].filter((one) => one.clientWidth
    && one.scrollWidth > one.clientWidth + 1).map(told);
  seen.beside_the_drawing = [...document.querySelectorAll("svg text")].filter((one) => {
    const [text, figure] = [one, one.closest("figure")].map((shape) => shape.getBoundingClientRect());
    return text.left < figure.left - 1 || text.right > figure.right + 1;
  }).map(told);
  seen.colliding = [...document.querySelectorAll("svg")].flatMap((drawing) => {
    const texts = [...drawing.querySelectorAll("text")].map((one) => [one, one.getBoundingClientRect()]);
    return texts.flatMap(([one, a], place) => texts.slice(place + 1).filter(([, b]) => a.left + 1 < b.right
      && b.left + 1 < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom).map(([other]) =>
      `${one.textContent} / ${other.textContent} in ${drawing.getAttribute("aria-label").slice(0, 60)}`));
  });
"""
CONTROLS = """
  const board = document.querySelector("section[data-board]");
  const rows = () => [...board.querySelectorAll("table[data-table=leaks] tbody tr")];
  const filter = board.querySelector("input");
  const type = (words) => { filter.value = words; filter.dispatchEvent(new Event("input")); };
  type("mote");
  seen.filtered = rows().filter((row) => !row.hidden).map((row) => row.dataset.row);
  type("");
  const eer = board.querySelectorAll("table[data-table=leaks] .sort")[1];
  eer.focus();
  seen.focused = document.activeElement === eer && eer.tagName === "BUTTON";
  eer.click();
  seen.sorted = rows().map((row) => Number(row.cells[1].dataset.value));
  seen.said = eer.closest("th").getAttribute("aria-sort");
  const glance = board.querySelector("table[data-table=glance]");
  glance.querySelectorAll(".sort")[2].click();
  seen.shares = [...glance.tBodies[0].rows].map((row) => row.cells[2].dataset.value).filter(Boolean).map(Number);
  const [first, second] = [...board.querySelectorAll("select")].slice(-2);
  seen.rows = rows().map((row) => row.dataset.row);
  seen.offered = [...first.options].map((option) => option.value).filter(Boolean);
  [first.value, second.value] = ["mote", "biohash"];
  second.dispatchEvent(new Event("change"));
  seen.compared = board.querySelector(".comparison").innerText;
"""


def browse(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    always = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000"]
    command = [str(CHROMIUM), *always, "--enable-logging=stderr", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def probed(text: str, folder: Path, *code: str, width: int) -> dict:
    """What a script finds that runs in the page once that has loaded."""
    show = 'Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) })'
    work = f"{''.join(code)} document.body.append({show});"
    unfolded = 'do await new Promise((then) => setTimeout(then, 20)); while (document.querySelector("[data-packed]"));'
    script = f'<script>window.addEventListener("load", async () => {{{unfolded}{work}}});</script></body>'
    page = folder / "probe.html"
    page.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", script))
    made = browse(page, f"--window-size={width},900", "--dump-dom").stdout
    seen: dict = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', made, re.S).group(1))
    return seen


@pytest.fixture(scope="module")
def text(make_records) -> str:
    return render(make_records("cosine", "noise", "mote", "biohash"))["leaderboard.html"]


@pytest.fixture(scope="module")
def page(text, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "leaderboard.html"
    path.write_text(text)
    return path


def test_no_error_on_the_console_and_the_script_may_run(page):
    made = browse(page, "--dump-dom")
    assert "CONSOLE" not in made.stderr
    assert 'class="sort"' in made.stdout


@pytest.mark.parametrize("width", [1300, 500])
def test_controls_work_and_nothing_overflows(text, tmp_path, width):
    seen = probed(text, tmp_path, LOOKS, CONTROLS, width=width)
    assert seen["too_wide"] == seen["cut_cells"] == seen["beside_the_drawing"] == seen["colliding"] == []
    assert seen["filtered"] == ["mote"]
    assert seen["focused"]
    assert seen["sorted"] == sorted(seen["sorted"])
    assert seen["said"] == "ascending"
    assert seen["shares"] == sorted(seen["shares"])
    assert sorted(seen["offered"]) == sorted(seen["rows"])
    assert "biohash, key stolen" in seen["offered"]
    assert "biohash is better" in seen["compared"]


def test_what_overflows_is_found(tmp_path):
    drawing = '<svg width="300" aria-label="d"><text x="{}" y="20">words</text><text x="102" y="20">others</text></svg>'
    planted = (
        '<body><p style="width: 3000px">wide</p><table style="table-layout: fixed; width: 60px"><tr>'
        "<td>uncutuncutuncutuncutuncut</td></tr></table>"
        f"<figure>{drawing.format(100)}</figure><figure>{drawing.format(-300)}</figure></body>"
    )
    seen = probed(planted, tmp_path, LOOKS, width=800)
    assert [seen[kind] != [] for kind in ("too_wide", "cut_cells", "beside_the_drawing", "colliding")] == [True] * 4


@pytest.mark.slow
@pytest.mark.parametrize("width", [1300, 500])
def test_nothing_overflows_on_the_published_page(tmp_path, width):
    seen = probed(PUBLISHED.read_text(encoding="utf-8"), tmp_path, LOOKS, width=width)
    assert seen["too_wide"] == seen["cut_cells"] == seen["beside_the_drawing"] == seen["colliding"] == []


def test_it_is_light_or_dark_as_the_reader_has_it_and_prints(page):
    ARTEFACTS.mkdir(exist_ok=True)
    looks = {"light": ("1300", "1"), "narrow": ("500", "1"), "dark": ("1300", "0")}
    shown = {}
    for name, (width, scheme) in looks.items():
        file = ARTEFACTS / f"leaderboard-{name}.png"
        file.unlink(missing_ok=True)
        flags = (f"--window-size={width},2400", f"--blink-settings=preferredColorScheme={scheme}")
        browse(page, *flags, f"--screenshot={file}")
        shown[name] = np.asarray(Image.open(file).convert("L"), dtype=float)
        assert shown[name].shape == (2400, int(width))
        assert shown[name].std() > 5  # something is drawn on it
    assert np.median(shown["light"]) > 240
    assert np.median(shown["dark"]) < 40
    printed = ARTEFACTS / "leaderboard.pdf"
    browse(page, f"--print-to-pdf={printed}")
    assert printed.read_bytes().startswith(b"%PDF")
