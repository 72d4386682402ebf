"""The command line as a user meets it: exit codes, messages, and nothing written on bad input."""

import os
import subprocess
import sys

import numpy as np
import pytest

from commands import mote_bench
from populations import gaussian_faces


def saved(path, people=200, images=4, **changes):
    faces = gaussian_faces(people, images)
    arrays = {"embeddings": faces.embeddings, "identity": faces.identity, **faces.attributes} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def refused(result, folder, *words):
    """Exit 2, one message that holds the words, no traceback, and nothing written."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert result.stderr.count("error: ") == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    assert not (folder / "boards").exists()


def imported_by(*arguments, cwd):
    """What a command prints, and which of the heavy packages and of the plug-ins it imports."""
    code = (
        f"import sys; sys.argv = ['mote_bench', *{arguments!r}]\n"
        "from mote_bench.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'sklearn', 'xgboost', 'pandas', 'matplotlib', 'mote_attacks', 'mote_baselines'}\n"
        "print('IMPORTED', sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    shown, _, imported = result.stdout.rpartition("IMPORTED ")
    return shown, imported.strip()


@pytest.mark.parametrize(
    ("arguments", "word"), [(("--version",), "mote-bench 0."), (("--help",), "run"), (("run", "--help"), "--attacks")]
)
def test_help_imports_nothing_heavy(tmp_path, arguments, word, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    shown, imported = imported_by(*arguments, cwd=tmp_path)
    assert word in shown
    assert imported == "[]"


def test_list_names_everything_and_imports_no_plug_in(tmp_path):
    shown, imported = imported_by("list", cwd=tmp_path)
    names = ["synthetic", "cosine", "noise", "mote", "biohash", "logistic-bytes", "ridge-answers", "d_sys"]
    assert [name for name in [*names, "mote-bench 0."] if name not in shown] == []
    assert imported == "[]"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"embeddings": np.full((800, 32), np.nan)}, ["NaN"]),
        ({"embeddings": np.zeros((800, 32))}, ["zero"]),
        ({"embeddings": np.ones(800)}, ["shape"]),
        ({"gender": np.array(["f", "m"])}, ["'gender'", "(800,)"]),
        ({"gender": np.array(["f"] * 800)}, ["'gender' has 1 class", "--attributes"]),
        ({"gender": np.array([None] * 800)}, ["pickled"]),
    ],
)
def test_bad_arrays(tmp_path, changes, words):
    saved(tmp_path / "faces.npz", **changes)
    refused(mote_bench("run", "--data", "faces.npz", cwd=tmp_path), tmp_path, *words)


def test_too_few_people(tmp_path):
    saved(tmp_path / "faces.npz", people=50)
    refused(mote_bench("run", "--data", "faces.npz", cwd=tmp_path), tmp_path, "too few people for the target set")
    refused(mote_bench("run", "--people", "60", cwd=tmp_path), tmp_path, "too few people")
    refused(mote_bench("run", "--people", "1001", cwd=tmp_path), tmp_path, "1000 people")


def test_a_text_file_named_npz(tmp_path):
    (tmp_path / "faces.npz").write_text("not an archive")
    refused(mote_bench("run", "--data", "faces.npz", cwd=tmp_path), tmp_path, "not an npz archive")
    refused(mote_bench("run", "--data", "absent.npz", cwd=tmp_path), tmp_path, "no file at 'absent.npz'")


@pytest.mark.parametrize(
    ("option", "given", "nearest"),
    [
        ("--schemes", "cosin", "cosine"),
        ("--attacks", "logistic-byte", "logistic-bytes"),
        ("--data", "sinthetic", "synthetic"),
        ("--questions", "gendre", "gender"),
        ("--protocol", "people-1", "people-2"),
    ],
)
def test_unknown_names_suggest_the_nearest(tmp_path, option, given, nearest):
    refused(mote_bench("run", option, given, cwd=tmp_path), tmp_path, given, nearest)


@pytest.mark.parametrize("bins", ["age", "age=", "age=a,b", "=1,2", "age=3,2"])
def test_bins_that_make_no_sense(tmp_path, bins):
    saved(tmp_path / "faces.npz", age=np.arange(800.0))
    refused(
        mote_bench("run", "--data", "faces.npz", "--bins", bins, cwd=tmp_path),
        tmp_path,
        "age" if "age" in bins else "=1,2",
    )


def test_bins_of_a_column_that_is_not_there(tmp_path):
    saved(tmp_path / "faces.npz")
    refused(mote_bench("run", "--data", "faces.npz", "--bins", "yaw=0", cwd=tmp_path), tmp_path, "yaw", "gender")
    refused(mote_bench("run", "--bins", "age=30", cwd=tmp_path), tmp_path, "card")


def test_an_out_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    refused(mote_bench("run", "--out", "file/boards", cwd=tmp_path), tmp_path, "can't write", "--out DIR")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--backend", "nope"), ["--backend nope", "processes, dask"]),
        (("run", "--data", "file"), ["not an npz archive"]),
        (("new", "scheme", "mine", "--out", "file"), ["can't write 'file/mote-bench-mine'", "--out DIR"]),
        (("check", "os:path"), ["'os:path' is a module", "MODULE:CLASS"]),
        (("check", "biohsh"), ["is named 'biohsh'. Did you mean biohash?"]),
        (("check", "member"), ["is the id of a question", "python -m mote_bench check membership"]),
        (("gate", "--baseline", "file"), ["'file' is a file", "folder of an earlier run"]),
        (("study", "strength", "nothing"), ["no records in 'nothing/records'; make some"]),
        (("board", "--out", "file"), ["'file' is a file", "folder of an earlier run"]),
        (("verify", "file"), ["'file' is no bundle"]),
        (("verify", "."), ["can't read '.'"]),
        (("submit", "--scheme", "mote", "--by", "x"), ["no records of scheme 'mote'", "run --schemes mote"]),
        (("external", "--scheme", "mote", "--attack", "nope", "--by", "x"), ["No attack is named 'nope'"]),
    ],
)
def test_mistakes_are_answered_with_what_was_expected(tmp_path, arguments, words):
    (tmp_path / "file").write_text("some text")
    refused(mote_bench(*arguments, cwd=tmp_path), tmp_path, *words)


def test_help_shows_examples(tmp_path):
    for arguments in (
        (),
        ("run",),
        ("gate",),
        ("new",),
        ("check",),
        ("submit",),
        ("verify",),
        ("external",),
        ("pack",),
        ("board",),
    ):
        assert "Example" in mote_bench(*arguments, "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize(("words", "completed"), [("mote-bench ga", "gate"), ("mote-bench gate --ba", "--baseline")])
def test_a_shell_completes_commands_and_options(words, completed):
    place = str(len(words.split()) - 1)
    asked = {"COMP_WORDS": words, "COMP_CWORD": place, "_MOTE_BENCH_COMPLETE": "complete_bash"}
    code = "import sys; sys.argv = ['mote-bench']; from mote_bench.cli.app import main; main()"
    made = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert made.stdout.split() == [completed]


def test_no_color_is_heeded(tmp_path):
    code = "import sys; sys.argv = ['mote-bench', '--help']; from mote_bench.cli.app import main; main()"
    made = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, check=True
    )
    assert "\x1b[3" not in made.stdout


def test_a_question_that_needs_identity_is_refused_by_name(tmp_path):
    saved(tmp_path / "faces.npz", identity=None)
    result = mote_bench("run", "--data", "faces.npz", "--questions", "link,verify", cwd=tmp_path)
    refused(result, tmp_path, "'link' (needs `identity`)", "'verify' (needs `identity`)")


def test_an_unknown_option_exits_2(tmp_path):
    assert mote_bench("run", "--datta", "x", cwd=tmp_path).returncode == 2


def test_a_board_without_records(tmp_path):
    refused(mote_bench("board", cwd=tmp_path), tmp_path, "no records", "mote_bench run")
