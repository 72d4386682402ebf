"""Answer files come from anybody: whatever is wrong with one is one sentence, and nothing of it runs or is unpacked."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from mote_bench.challenge import answering
from mote_bench.challenge.answers import HAND_MADE, latest, read_answer, read_answers, read_submission, written
from mote_bench.challenge.files import ANSWERS, npz, sha256, write_folder
from mote_bench.challenge.opening import Opened
from mote_bench.contracts import InputError


@pytest.fixture(scope="module")
def gender(challenge):
    return challenge.tasks(scheme="cosine", question="gender")[0]


@pytest.fixture
def sent(challenge, opened, tmp_path):
    """A good folder of answers, of every task."""
    made = answering.at_random(opened, (), 0)
    write_folder(tmp_path / "sent", written("Ada", made.attacks, made.answers, challenge.made.manifest))
    return tmp_path / "sent"


def repacked(folder, **fields):
    """The folder with other fields in its manifest, and the checksums of its files as they are now."""
    path = folder / ANSWERS
    table = json.loads(path.read_text())
    table["files"] = {name: sha256((folder / name).read_bytes()) for name in table["files"] if (folder / name).exists()}
    path.write_text(json.dumps(table | fields))
    return folder


def test_what_was_written_is_read(challenge, opened, sent):
    made = read_submission(sent, challenge.made.manifest)
    expected = answering.at_random(opened, (), 0)
    assert made.attacker == "Ada"
    assert made.attacks == dict.fromkeys(expected.answers, "random")
    assert all((made.answers[name] == one).all() for name, one in expected.answers.items())


def test_a_file_made_by_hand(opened, gender, tmp_path):
    rows, columns = gender.shape
    answer = np.random.default_rng(0).standard_normal((rows, columns))
    (tmp_path / f"{gender.id}.csv").write_text("\n".join(",".join(map(repr, row)) for row in answer.tolist()))
    assert (read_answer(tmp_path / f"{gender.id}.csv", gender) == answer).all()
    made = answering.by_hand(opened, tmp_path)
    assert made.attacks == {gender.id: HAND_MADE}
    np.savez_compressed(tmp_path / f"{gender.id}.npz", answer=answer.astype(np.float32))
    with pytest.raises(InputError, match=r"two answers to t\d+, .npz and .csv"):
        read_answers(tmp_path, opened.manifest)
    assert np.allclose(read_answer(tmp_path / f"{gender.id}.npz", gender), answer, atol=1e-6)


def bomb(shape):
    """An archive of the right size and name that unpacks to five megabytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("answer.npy", b"\0" * 5_000_000)
    return buffer.getvalue()


def pickled(shape):
    buffer = io.BytesIO()
    np.savez(buffer, answer=np.full(shape, None, dtype=object))
    return buffer.getvalue()


def named(name):
    def made(shape):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            inner = io.BytesIO()
            np.save(inner, np.zeros(shape))
            archive.writestr(name, inner.getvalue())
        return buffer.getvalue()

    return made


HOSTILE = {
    "wrong shape": (lambda shape: npz({"answer": np.zeros((shape[0] - 1, shape[1]))}), "has shape"),
    "transposed": (lambda shape: npz({"answer": np.zeros(shape[::-1])}), "has shape"),
    "one number": (lambda shape: npz({"answer": np.float64(1)}), "has shape"),
    "NaN": (lambda shape: npz({"answer": np.full(shape, np.nan)}), "numbers that are NaN or infinite"),
    "infinity": (lambda shape: npz({"answer": np.full(shape, np.inf)}), "numbers that are NaN or infinite"),
    "complex": (lambda shape: npz({"answer": np.ones(shape, dtype=np.complex64)}), "holds complex64"),
    "text": (lambda shape: npz({"answer": np.full(shape, "a")}), "holds <U1"),
    "two arrays": (lambda shape: npz({"answer": np.zeros(shape), "more": np.zeros(1)}), "expected one array 'answer'"),
    "another name": (lambda shape: npz({"guess": np.zeros(shape)}), "expected one array 'answer'"),
    "a path": (named("../answer.npy"), "expected one array 'answer'"),
    "an absolute path": (named("/etc/answer.npy"), "expected one array 'answer'"),
    "a pickle in npz": (pickled, "pickle"),
    "a pickle": (lambda shape: pickle.dumps(np.zeros(shape)), "is not an npz archive"),
    "empty": (lambda shape: b"", "is not an npz archive"),
    "half": (lambda shape: npz({"answer": np.zeros(shape)})[:-40], "is not an npz archive"),
    "huge": (lambda shape: b"PK" + b"\0" * 200_000, "bytes; expected at most"),
    "unpacks to much": (bomb, "expected"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_answer_is_one_sentence(gender, tmp_path, case):
    make, why = HOSTILE[case]
    path = tmp_path / f"{gender.id}.npz"
    path.write_bytes(make(gender.shape))
    with pytest.raises(InputError, match=why) as error:
        read_answer(path, gender)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n", "can't be read as numbers"),
        ("1,2,3\n", "lines of"),
        ("nan,1\n", "has shape"),
        ("1,2\n" * 100_000, "bytes; expected at most"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + "1,2", "can't be read as numbers"),
    ],
)
def test_a_hostile_table_is_one_sentence(gender, tmp_path, text, why):
    path = tmp_path / f"{gender.id}.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=why):
        read_answer(path, gender)


def test_a_link_out_of_the_folder_is_not_followed(challenge, gender, sent, tmp_path):
    (sent / f"{gender.id}.npz").unlink()
    (sent / f"{gender.id}.npz").symlink_to(challenge.secret / "truth.npz")
    with pytest.raises(InputError, match="is a link; expected a file of its own"):
        read_submission(sent, challenge.made.manifest)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"challenge": "0" * 64}, "answers the challenge '0000000000000000'...; expected"),
        ({"format": "2"}, "has the format '2'"),
        ({"attacker": "<script>"}, "names the attacker '<script>'"),
        ({"attacker": ["a"]}, "names the attacker"),
        ({"attacker": "a" * 65}, "names the attacker"),
        ({"attacker": "../../x"}, "names the attacker"),
        ({"made": "yesterday"}, "or a time such as"),
        ({"made": 3}, "or a time such as"),
        ({"files": {"../secret/truth.npz": "0" * 64}}, "lists ../secret/truth.npz"),
        ({"files": []}, "lacks files"),
        ({"attacks": None}, "lacks files, attacks"),
    ],
)
def test_a_hostile_manifest_is_one_sentence(challenge, sent, fields, why):
    with pytest.raises(InputError) as error:
        read_submission(repacked(sent, **fields), challenge.made.manifest)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": NaN}', "[" * 100_000, "\0"])
def test_a_manifest_that_is_none(challenge, sent, text):
    (sent / ANSWERS).write_text(text)
    with pytest.raises(InputError, match="holds no JSON object"):
        read_submission(sent, challenge.made.manifest)


def test_an_answer_that_was_changed(challenge, gender, sent):
    (sent / f"{gender.id}.npz").write_bytes(npz({"answer": np.zeros(gender.shape)}))
    with pytest.raises(InputError, match="differs from its checksum"):
        read_submission(sent, challenge.made.manifest)
    assert (read_submission(repacked(sent), challenge.made.manifest).answers[gender.id] == 0).all()


def test_an_attack_by_another_name_is_shown_as_made_by_hand(challenge, gender, sent):
    made = read_submission(repacked(sent, attacks={gender.id: "<b>x</b>"}), challenge.made.manifest)
    assert set(made.attacks.values()) == {HAND_MADE}


def test_the_latest_of_several_counts_and_a_copy_is_no_other(challenge, sent, tmp_path):
    shutil.copytree(sent, tmp_path / "copy")
    shutil.copytree(sent, tmp_path / "later")
    repacked(tmp_path / "later", made="2031-01-01T00:00:00Z")
    folders = [tmp_path / "later", sent, tmp_path / "copy"]
    for order in (folders, folders[::-1]):
        found = latest([read_submission(one, challenge.made.manifest) for one in order])
        assert {name: (one.made, count) for name, (one, count) in found.items()} == {"Ada": ("2031-01-01T00:00:00Z", 2)}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"tasks": []}, "0 tasks"),
        ({"tasks": [{}]}, "'shape' is missing"),
        ({"schemes": []}, "is damaged"),
        ({"commitment": 3}, "3 is no text"),
        ({"format": "x"}, "has the format 'x'"),
    ],
)
def test_a_challenge_that_was_changed(challenge, tmp_path, fields, why):
    table = json.loads((challenge.public / "challenge.json").read_text()) | fields
    (tmp_path / "challenge.json").write_text(json.dumps(table))
    with pytest.raises(InputError, match=why):
        Opened.at(tmp_path)


@pytest.mark.parametrize(
    "changed", [{"id": "../t01"}, {"shape": [0, 2]}, {"shape": [10**6, 10**6]}, {"scheme": "../x"}, {"threat": "none"}]
)
def test_a_task_that_was_changed(challenge, tmp_path, changed):
    table = json.loads((challenge.public / "challenge.json").read_text())
    table["tasks"][0] |= changed
    (tmp_path / "challenge.json").write_text(json.dumps(table))
    with pytest.raises(InputError, match="is damaged"):
        Opened.at(tmp_path)


def test_evidence_that_was_changed(challenge, gender, tmp_path):
    shutil.copytree(challenge.public, tmp_path / "public")
    (tmp_path / "public" / gender.file).write_bytes(b"PK")
    with pytest.raises(InputError, match="isn't the challenge's file"):
        Opened.at(tmp_path / "public").evidence(gender)
    (tmp_path / "public" / "faces.npz").unlink()
    with pytest.raises(InputError, match="the organiser gives it out on agreement"):
        Opened.at(tmp_path / "public").scheme("cosine")
