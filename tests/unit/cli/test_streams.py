"""Standard streams: any encoding, closed, absent, full, or with a reader that leaves early."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mote_bench.cli import streams

HEAD = "from mote_bench.cli import streams; import os, sys; streams.prepare(); "


def shell(line: str, code: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """``line`` of a shell, in which ``$RUN`` runs the code after the streams were prepared."""
    run = {"PYTHON": sys.executable, "CODE": HEAD + code, "RUN": '"$PYTHON" -c "$CODE"', **environment}
    return subprocess.run(["sh", "-c", line.replace("$RUN", run["RUN"])], env=run, capture_output=True, timeout=60)


@given(st.text())
def test_plain_text_is_ascii_and_reads_back_in_json(text: str) -> None:
    made = streams.plain(text)
    assert made.isascii()
    assert text.isascii() <= (made == text)


@given(st.text(st.characters(min_codepoint=0xA0, exclude_categories=["Cs"])))
def test_a_json_text_stays_the_same_data(text: str) -> None:
    kept = text.translate({ord(one): "" for one in "↑↓→–−×…≤≥"})
    assert json.loads(streams.plain(json.dumps(kept, ensure_ascii=False))) == kept


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "iso8859-15", "utf-16", "utf-8"])
def test_every_encoding_takes_every_character(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", None)
    streams.prepare()
    print("gender ↑ .973–1.00 \N{GRINNING FACE} \udcff", end="", flush=True)
    print("nowhere", file=sys.stderr)
    text = file.getvalue().decode(encoding)
    assert text.startswith("gender ")
    assert text.endswith("\\udcff")
    if encoding == "ascii":
        assert text == r"gender ^ .973-1.00 \ud83d\ude00 \udcff"
    if encoding == "cp1252":
        assert "^ .973–1.00" in text


def test_a_reader_that_leaves_early_ends_nothing() -> None:
    done = shell("{ $RUN; echo rc=$? >&2; } | true", "[print('x' * 999, flush=True) for _ in range(500)]; sys.exit(3)")
    assert done.stderr == b"rc=3\n"


def test_messages_without_a_reader_end_nothing() -> None:
    done = shell("exec 3>&1; { $RUN 2>&1 >&3; echo rc=$? >&3; } | true",
                 "[print('x' * 999, file=sys.stderr, flush=True) for _ in range(500)]; print('done')")  # fmt: skip
    assert done.stdout == b"done\nrc=0\n"


def test_closed_streams_end_nothing_and_their_numbers_go_to_no_file() -> None:
    code = "print('a'); print('b', file=sys.stderr); f = open(os.devnull); sys.exit(f.fileno() <= 2)"
    done = shell("$RUN <&- >&- 2>&-; exit $?", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/dev/full is Linux's")
def test_a_full_disk_is_still_an_error_of_the_output_but_not_of_messages() -> None:
    code = "print('a', file=sys.stderr); print('b')\ntry: sys.stdout.flush()\nexcept OSError: sys.exit(4)"
    assert shell("$RUN >/dev/full; exit $?", code).returncode == 4
    assert shell("$RUN 2>/dev/full; exit $?", code).returncode == 0


def test_another_programs_streams_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = io.StringIO()
    monkeypatch.setattr(sys, "stdout", mine)
    streams.prepare()
    assert sys.stdout is mine
    once = sys.stderr
    streams.prepare()
    assert sys.stderr is once
