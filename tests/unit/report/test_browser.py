"""The page in a real browser: no console error, nothing wider than the window, and controls that work.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from mote_bench.report.boards import render

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

PROBE = """<script>window.addEventListener("load", () => {
  const wide = document.documentElement.clientWidth, seen = {};
  seen.too_wide = [...document.querySelectorAll("body *")].filter((one) => !one.closest("svg, .scroll")
    && one.getBoundingClientRect().right > wide + 1).map((one) => one.outerHTML.slice(0, 80));
  const board = document.querySelector("section[data-board]");
  const rows = () => [...board.querySelectorAll("table[data-table=leaks] tbody tr")];
  const filter = board.querySelector("input");
  const type = (words) => { filter.value = words; filter.dispatchEvent(new Event("input")); };
  type("mote");
  seen.filtered = rows().filter((row) => !row.hidden).map((row) => row.dataset.row);
  type("");
  board.querySelectorAll("table[data-table=leaks] .sort")[1].click();
  seen.sorted = rows().map((row) => Number(row.cells[1].dataset.value));
  const [first, second] = board.querySelectorAll("select");
  [first.value, second.value] = ["mote", "biohash"];
  second.dispatchEvent(new Event("change"));
  seen.compared = board.querySelector(".comparison").innerText;
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(seen) }));
});</script></body>"""


@pytest.fixture(scope="module")
def text(make_records):
    return render(make_records("cosine", "noise", "mote", "biohash"))["leaderboard.html"]


def browsed(path, *, width=1300):
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=3000"]
    command = [CHROMIUM, *flags, f"--window-size={width},900", "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_no_error_on_the_console_and_the_script_may_run(text, tmp_path):
    page = tmp_path / "leaderboard.html"
    page.write_text(text)
    made = browsed(page)
    assert "CONSOLE" not in made.stderr
    assert 'class="sort"' in made.stdout


@pytest.mark.parametrize("width", [1300, 500])
def test_controls_work_and_nothing_overflows(text, tmp_path, width):
    page = tmp_path / "probe.html"
    page.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text).replace("</body>", PROBE))
    seen = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', browsed(page, width=width).stdout, re.S).group(1))
    assert seen["too_wide"] == []
    assert seen["filtered"] == ["mote"]
    assert seen["sorted"] == sorted(seen["sorted"])
    assert "biohash is better" in seen["compared"]
