"""LFW's View 2 by hand."""

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.data.pictures.view2 import accuracy, folds

PAIRS = "2\t1\nAnn\t1\t2\nAnn\t1\tBob\t1\nBob\t1\t2\nBob\t1\tCyd\t1\n"


def turned(degrees):
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def test_two_folds(tmp_path):
    (tmp_path / "pairs.txt").write_text(PAIRS)
    made = folds(tmp_path / "pairs.txt")
    assert made == [
        [(("Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg"), True), (("Ann/Ann_0001.jpg", "Bob/Bob_0001.jpg"), False)],
        [(("Bob/Bob_0001.jpg", "Bob/Bob_0002.jpg"), True), (("Bob/Bob_0001.jpg", "Cyd/Cyd_0001.jpg"), False)],
    ]
    found = {
        "Ann/Ann_0001.jpg": turned(0),
        "Ann/Ann_0002.jpg": turned(10),  # cos 10 = .985, a pair of one person
        "Bob/Bob_0001.jpg": turned(60),  # cos 60 = .5, of two
        "Bob/Bob_0002.jpg": turned(140),  # cos 80 = .174, of one, and below the other fold's threshold of .742
        "Cyd/Cyd_0001.jpg": turned(-30),  # cos 90 = 0, of two
    }
    got = accuracy(found, made)
    # Fold 1 by the threshold of fold 2, halfway from .174 to 0: .5 is taken for one person. Fold 2 by .742: .174 isn't.
    assert got.mean == pytest.approx((0.5 + 0.5) / 2)
    assert got.standard_error == pytest.approx(0)
    assert (got.pairs, got.unseen) == (4, 0)


def test_a_picture_without_an_embedding_is_refused(tmp_path):
    (tmp_path / "pairs.txt").write_text(PAIRS)
    found = {"Ann/Ann_0001.jpg": turned(0), "Ann/Ann_0002.jpg": turned(10), "Bob/Bob_0001.jpg": turned(60)}
    got = accuracy(found, folds(tmp_path / "pairs.txt"))
    assert got.unseen == 2
    assert got.mean == pytest.approx((1.0 + 0.5) / 2) or got.mean == pytest.approx(0.5)


def test_blanks_and_line_ends_of_another_system(tmp_path):
    (tmp_path / "a.txt").write_text(PAIRS)
    (tmp_path / "b.txt").write_bytes(("\ufeff" + PAIRS.replace("\t", "  ").replace("\n", "\r\n")).encode())
    assert folds(tmp_path / "b.txt") == folds(tmp_path / "a.txt")


OTHERS = ["10\t300\nAnn\t1\t2\n", "x", "1\t1\nAnn\t1\nBob\t1\t2\t3\t4\n", "", "1\t1\nAnn\t1\t2\nAnn\t1\tBob\t1\n"]


@pytest.mark.parametrize("text", [*OTHERS, "0\t300\n", "2 1 3\n"])
def test_another_file(tmp_path, text):
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(InputError, match=r"no pairs\.txt"):
        folds(tmp_path / "pairs.txt")
