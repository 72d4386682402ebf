"""What a long command says of its progress."""

import re

import pytest

from mote_bench.execution.progress import shown


@pytest.mark.parametrize(("of", "said"), [((), "tasks"), (("pictures",), "pictures")])
def test_a_line_says_what_is_counted_once_in_a_tenth(capsys, of, said):
    with shown(False, *of) as progress:
        for done in range(21):
            progress(done, 20, "12 min left; fitted mote")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[1].endswith(f"s] 2/20 {said}; 12 min left; fitted mote")


def test_a_bar_says_it_too(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with shown(False) as progress:
        progress(92, 916, "fitted mote")
    assert "92/916 tasks" in re.sub(r"\x1b\[[0-9;?]*\w", "", capsys.readouterr().err)


def test_quiet_says_nothing(capsys):
    with shown(True) as progress:
        progress(1, 2, "fitted mote")
    assert capsys.readouterr().err == ""
