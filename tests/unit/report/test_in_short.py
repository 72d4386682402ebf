"""The first lines of a board say which schemes leak least."""

from __future__ import annotations

from mote_bench.analysis.least import Kept, Least
from mote_bench.analysis.share import Share
from mote_bench.analysis.standings import Figure
from mote_bench.analysis.threat_matrix import ATTACKERS, threat_matrices
from mote_bench.contracts import Measurement
from mote_bench.report import in_short
from mote_bench.report.html import leaderboard_html

ALGORITHM = ATTACKERS[1]


def kept(scheme, value, fnmr=0.05):
    measured = None if fnmr is None else Measurement("fnmr", fnmr, 0.0, 1.0, 100)
    return Kept(scheme, Share(value, value - 0.1, value + 0.1, "partial"), Figure("ok", measured))


def line(*schemes, monkeypatch, compared=9, untested=()):
    monkeypatch.setattr(in_short, "least", lambda matrix: [Least(ALGORITHM, schemes, compared, untested)])
    (one,) = in_short.in_short(None)
    return one


def test_several_schemes(monkeypatch):
    one = line(kept("a", 0.0), kept("b", 0.04, fnmr=0.0031), monkeypatch=monkeypatch, untested=("c",))
    assert one.attacker == "Stolen records and the algorithm, keys kept"
    assert one.before == "of 9, 2 schemes leak least, 0 to 4 %:"
    assert one.names == (("a", "FNMR 5.0 %"), ("b", "FNMR 0.31 %"))
    assert one.after == "not compared, fewer properties tested: c"


def test_one_scheme_with_its_interval(monkeypatch):
    one = line(kept("a", 0.7, fnmr=None), monkeypatch=monkeypatch)
    assert one.before == "of 9, one scheme leaks least, 70 % [60, 80]:"
    assert one.names == (("a", "ok"),)
    assert one.after == "every scheme leaks more than half"


def test_many_schemes_are_cut_and_counted(monkeypatch):
    one = line(*(kept(f"s{k}", 0.0) for k in range(10)), monkeypatch=monkeypatch)
    assert len(one.names) == 8
    assert one.after == "and 2 others"
    assert one.before == "of 9, 10 schemes leak least, 0 %:"


def test_the_page_shows_the_lines(make_records, monkeypatch):
    found = [Least(ALGORITHM, (kept("mote", 0.04),), 9, ())]
    monkeypatch.setattr(in_short, "least", lambda matrix: found)
    page = leaderboard_html(threat_matrices(make_records("cosine", "noise", "mote")))
    assert '<h3 id="b1-short">In short</h3>' in page
    assert 'href="#b1-short"' in page
    assert "of 9, one scheme leaks least, 4 % [-6, 14]: <a href=" in page
    assert ">mote</a> (FNMR 5.0 %).</li>" in page
    found.clear()
    assert "b1-short" not in leaderboard_html(threat_matrices(make_records("cosine", "noise", "mote")))
