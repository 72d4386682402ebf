"""The README's plug-in is real: it keeps the contract as it stands on the page."""

import re
from pathlib import Path

from mote_bench.testing import check_scheme

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_scheme_of_the_readme_keep_the_contract(tmp_path, monkeypatch):
    [source] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "readme_signs.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    from readme_signs import Signs

    assert [finding for finding in check_scheme(Signs) if not finding.ok] == []
