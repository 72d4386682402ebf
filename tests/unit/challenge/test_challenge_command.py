"""A challenge from the command line: made, answered by two attacks, at random and by hand, and scored."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from mote_attacks.attributes.from_responses import VoteOfBestResponses

from mote_bench.cli import app


@pytest.fixture
def typed(monkeypatch, capsys):
    """Runs a command line in this process; gives exit code, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["mote-bench", "challenge", *map(str, words)])
        code = 0
        try:
            app.main()
        except SystemExit as ended:
            code = ended.code or 0
        return code, *capsys.readouterr()

    return run


def test_a_challenge_from_end_to_end(typed, people_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ("--schemes", "cosine,biohash", "--questions", "gender,link", "--protocol", "quick-1")
    code, out, _ = typed("make", "--data", people_file, *asked, "--threats", "stolen_key,algorithm", "--jobs", "1")
    assert code == 0
    assert "6 tasks; answers have" in out
    assert "Give out 'challenge/public'; keep 'challenge/secret' to yourself" in out
    assert int(json.loads((tmp_path / "challenge/secret/secret.json").read_text())["seed"]) >= 10**19

    for words in (
        ("--attack", "logistic-bytes"),
        ("--attack", "vote-answers,compare-answers", "--attacker", "adaptive"),
        ("--random",),
    ):
        code, out, _ = typed("answer", "challenge/public", *words, "--out", f"answers/{len(words)}")
        assert code == 0
        assert "tasks answered; send" in out

    (tmp_path / "mine").mkdir()
    tasks = json.loads((tmp_path / "challenge/public/challenge.json").read_text())["tasks"]
    rows, columns = next(task["shape"] for task in tasks if task["id"] == "t02")
    np.savetxt(tmp_path / "mine/t02.csv", np.ones((rows, columns)), delimiter=",")
    assert typed("answer", "challenge/public", "--check", "mine/t02.csv") == (
        0,
        f"ok: t02, {rows} rows of {columns} numbers\n",
        "",
    )
    made = ("--files", "mine", "--attacker", "Ada L.", "--out", "answers/mine")
    assert typed("answer", "challenge/public", *made)[0] == 0
    assert typed("answer", "challenge/public", "--check", "answers/mine")[0] == 0

    shutil.copytree(tmp_path / "answers/1", tmp_path / "answers/old")
    path = tmp_path / "answers/old/answers.json"
    path.write_text(path.read_text().replace('"made": "20', '"made": "19'))
    code, out, _ = typed("score", "challenge/secret", *sorted((tmp_path / "answers").iterdir()), "--out", "board")
    assert code == 0
    assert "2 folders sent, the latest counts" in out
    board = json.loads((tmp_path / "board/attackers.json").read_text())
    share = {one["name"]: one["share"] for one in board["attackers"]}
    assert set(share) == {"logistic-bytes", "adaptive", "random", "Ada L."}
    assert share["adaptive"] > share["logistic-bytes"] > share["random"]
    page = (tmp_path / "board/attackers.md").read_text()
    assert "random sent 2 folders of answers; only the latest counts" in page
    assert page.count("\n## t0") == 6

    code, _, err = typed("make", "--data", people_file, *asked)
    assert (code, err.count("\n")) == (2, 1)
    assert "'challenge/public' exists and isn't empty; nothing is written over" in err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("answer", "PUBLIC"), "no way to answer; expected one of --attack, --random, --files, --check"),
        (("answer", "PUBLIC", "--random", "--attack", "knn-bytes"), "--attack and --random; expected one of"),
        (("answer", "PUBLIC", "--attack", "knn-byte"), "No attack is named 'knn-byte'. Did you mean knn-bytes"),
        (("answer", "PUBLIC", "--attack", "score-photo"), "none of score-photo answers a task"),
        (("answer", "PUBLIC", "--attack", "solve-scores"), "none of solve-scores answers a task"),
        (("answer", "PUBLIC", "--random", "--attacker", "a\nb"), "--attacker 'a\\nb': expected 1 to 64 letters"),
        (("answer", "PUBLIC", "--random", "--tasks", "t99"), "the challenge has no task 't99'"),
        (("answer", "PUBLIC", "--files", "."), "--files without --attacker"),
        (("answer", "PUBLIC", "--files", ".", "--attacker", "me"), "no answer in '.'; expected files named by task"),
        (("answer", "PUBLIC", "--check", "t01.npz"), "no file at 't01.npz'; expected an answer to t01"),
        (("answer", "PUBLIC/..", "--random"), "holds"),
        (("answer", "SECRET", "--random"), "is the secret part of a challenge; expected the public one"),
        (("answer", ".", "--random"), "no file at 'challenge.json'; expected the public part of a challenge"),
        (("score", "SECRET", "."), "no file at 'answers.json'; expected a folder of answers"),
        (("score", "PUBLIC", "."), "expected the secret part of a challenge"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(typed, challenge, tmp_path, monkeypatch, words, why):
    monkeypatch.chdir(tmp_path)
    places = {"PUBLIC": challenge.public, "SECRET": challenge.secret, "PUBLIC/..": challenge.public.parent}
    code, out, err = typed(*(places.get(word, word) for word in words), *(("--out", "new") if words[0] else ()))
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert why in err
    assert list(tmp_path.iterdir()) == []


def test_an_attack_that_fails_leaves_the_others(typed, challenge, tmp_path, monkeypatch):
    """Its task is named, the answers that were made are kept, and the exit code says so."""

    def broken(self, question, evidence, rng):
        if len(evidence.shadow.templates[0]) > 40:  # of cosine
            raise ValueError("no such luck")
        return np.zeros(question.shape(evidence))

    monkeypatch.setattr(VoteOfBestResponses, "answer", broken)
    code, out, err = typed("answer", challenge.public, "--attack", "vote-answers", "--out", tmp_path / "new")
    assert code == 1
    assert "2 of 15 tasks answered" in out
    assert "failed: t01 by vote-answers: ValueError: no such luck" in err
