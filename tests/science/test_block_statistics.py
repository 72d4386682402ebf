"""Statistics of a fuzzy commitment's error-correcting blocks, beside the decoder that knows where faces lie.

Rathgeb & Uhl, "Statistical attack against iris-biometric fuzzy commitment schemes", CVPR workshops 2011: add the bits
of many other subjects to the helper data, decode every block of each, and take the codeword that a block is decoded to
most often. The attack needs blocks that are decoded on their own, and bits that are unevenly distributed.

Here a block is one bit of the BCH codeword, of which seven repetitions decide by majority. Bits are signs of
projections seen from the mean face, so each of both values comes as often, and a histogram of one block is a coin. The
other reading takes the whole word as a block: the codeword that most public faces are decoded to. That opens what a
dictionary of public faces opens.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from mote_baselines.cryptosystems.bch import Bits
from mote_baselines.cryptosystems.fuzzy_commitment import FuzzyCommitment

from mote_bench.contracts import Faces, FloatArray, Template
from mote_bench.toolkit import unit

SUBJECTS = 100


class Stolen:
    """Commitments, one for each reference (n, d), and the public faces of the attacker."""

    def __init__(self, references: FloatArray, public: FloatArray) -> None:
        self.public = Faces(public)
        self.scheme = FuzzyCommitment().fit(self.public, seed=1)
        self.templates: list[Template] = self.scheme.enroll(references, keys=None, seeds=range(len(references)))
        self.helpers, self.hashes = self.scheme._read(self.templates)
        self.faces = self.scheme._bits(references)

    def votes(self, helper: Bits) -> npt.NDArray[np.int8]:
        """(m, length): what each public face says of every bit of the codeword, from -7 to 7."""
        return self.scheme._votes(helper, 1 - 2 * self.scheme._bits(self.public.embeddings).astype(np.int8))

    def opened_by(self, signs: list[FloatArray]) -> int:
        """How many commitments the estimates of their codewords (length,) open, or the opposite estimates."""
        wins = 0
        for helper, face, one in zip(self.helpers, self.faces, signs, strict=True):
            codewords, found = self.scheme._decoded(np.vstack([one, -one]).astype(np.int8))
            right = (helper ^ face)[: self.scheme.length]
            wins += any(np.array_equal(codewords[row], right) for row in np.flatnonzero(found))
        return wins

    def bits_right(self, signs: list[FloatArray]) -> float:
        """The share of the codewords' bits that the estimates have."""
        right = [
            ((helper ^ face)[: self.scheme.length] == (one < 0)).mean()
            for helper, face, one in zip(self.helpers, self.faces, signs, strict=True)
        ]
        return float(np.mean(right))

    def opened_with_prior(self) -> int:
        """How many the scheme's own attack opens."""
        found = self.scheme.solve_without_keys(self.templates, prior=self.public, rng=np.random.default_rng(0))
        return int(np.diag(self.scheme.score(self.templates, found, keys=None)).sum())


def by_block(stolen: Stolen) -> list[FloatArray]:
    """Of each commitment, the value that most public faces give to each bit."""
    return [np.sign(stolen.votes(helper)).sum(axis=0) + 0.5 for helper in stolen.helpers]


def by_word(stolen: Stolen) -> list[FloatArray]:
    """Of each commitment, the codeword that most public faces are decoded to; zeros where none is."""
    found = []
    for helper in stolen.helpers:
        codewords, decoded = stolen.scheme._decoded(stolen.votes(helper))
        counted = Counter(one.tobytes() for one in codewords[decoded])
        most = counted.most_common(1)[0][0] if counted else bytes(stolen.scheme.length)
        found.append(1.0 - 2 * np.frombuffer(most, dtype=np.uint8))
    return found


def of_file(path: Path) -> Stolen:
    """Subjects of a file: some enrolled, 300 left out, the faces of all others public."""
    with np.load(path) as held:
        rows, subjects = unit(held["embeddings"]), held["identity"]
    names, first = np.unique(subjects, return_index=True)
    order = np.random.default_rng(0).permutation(len(names))
    return Stolen(rows[first[order[:SUBJECTS]]], rows[np.isin(subjects, names[order[SUBJECTS + 300 :]])])


def test_a_histogram_of_a_block_is_a_coin() -> None:
    """Faces that fill 16 of 64 dimensions, as faces of recognisers fill few."""
    rng = np.random.default_rng(0)
    axes = rng.standard_normal((16, 64))
    stolen = Stolen(unit(rng.standard_normal((12, 16)) @ axes), unit(rng.standard_normal((600, 16)) @ axes))
    assert stolen.bits_right(by_block(stolen)) == pytest.approx(0.5, abs=0.06)
    assert stolen.opened_by(by_block(stolen)) == 0
    assert stolen.opened_with_prior() == 12


@pytest.mark.slow(minutes=2)
@pytest.mark.parametrize(("recogniser", "words"), [("dlib", 65), ("mobilefacenet", 30)])
def test_on_lfw_whole_words_open_some_and_the_prior_all(shared_data: Path, recogniser: str, words: int) -> None:
    """Of 100 commitments. The figures stand in docs/families.md."""
    stolen = of_file(shared_data / f"lfw_{recogniser}.npz")
    assert stolen.opened_by(by_block(stolen)) == 0
    assert stolen.opened_by(by_word(stolen)) == words
    assert stolen.opened_with_prior() == SUBJECTS
