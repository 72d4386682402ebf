"""The attack on a record's form, whatever its values mean: length, distribution of bytes, and repeated parts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads, Template
from mote_bench.questions import WhichClass
from mote_bench.toolkit import numbers

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import granted, known_labels
from .from_bytes import linear_or_trees

_WORD = 8  # bytes
_MOST_WORDS = 512
_MOST_SHARED = 0.9  # of the records; a word that nearly all share belongs to the format


class LengthsAndRepeats:
    """Classify templates by their form and by the parts they share.

    The attacker need not know what the values mean. A template's length depends on what was stored with it, or on how
    well it was compressed (Kelsey, "Compression and Information Leakage of Plaintext", FSE 2002). Counts of its byte
    values show how they are distributed. Words that occur in several templates, or keys that several subjects share,
    show who was enrolled together under the same key or nonce. The values themselves are the fourth table. A logistic
    regression on each of the four and boosted trees on all of them are tried on left-out shadow subjects.
    """

    question = WhichClass
    reads = Reads.BYTES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        _, shadow = granted(evidence)
        labels, labelled = known_labels(shadow.references, question)
        records = [*(shadow.templates[row] for row in labelled), *evidence.templates]
        kept = records
        if evidence.keys is not None and shadow.keys is not None:
            keys = [*(shadow.keys[row] for row in labelled), *evidence.keys]
            kept = [key + record for key, record in zip(keys, records, strict=True)]
        tables = (_form(records), _counts(records), _shared_words(kept, len(labelled)), numbers(records))
        views = [
            Examples(table[: len(labels)], labels, table[len(labels) :], len(question.classes))
            for table in tables
            if table.shape[1]
        ]
        examples, fit = linear_or_trees(views, int(rng.integers(2**31)))
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))


def _form(records: Sequence[Template]) -> FloatArray:
    """(n, 2): the length in bytes, and the length after compression."""
    return np.array([[len(record), len(zlib.compress(record, 1))] for record in records], dtype=np.float64)


def _counts(records: Sequence[Template]) -> FloatArray:
    """(n, 256): the share of each byte value."""
    rows = (np.bincount(np.frombuffer(record, np.uint8), minlength=256) for record in records)
    return np.stack([row / max(row.sum(), 1) for row in rows])


def _shared_words(records: Sequence[bytes], known: int) -> FloatArray:
    """(n, words) 0 or 1: whether a record holds, at its place, a word that several of the first ``known`` share."""
    length = max((len(record) for record in records), default=0) // _WORD * _WORD
    padded = b"".join(record[:length].ljust(length, b"\0") for record in records)
    table = np.frombuffer(padded, dtype="<u8").reshape(len(records), -1)
    ordered = np.sort(table[:known], axis=0)
    places = np.flatnonzero((ordered[1:] == ordered[:-1]).any(axis=0))
    found: list[tuple[int, FloatArray]] = []
    for place in places:
        words, count = np.unique(table[:known, place], return_counts=True)
        for word, times in zip(words, count, strict=True):
            if 1 < times <= _MOST_SHARED * known:
                found.append((-int(times), (table[:, place] == word).astype(np.float64)))
    # The most frequent ones, in the order of their places.
    chosen = sorted(range(len(found)), key=lambda index: found[index][0])[:_MOST_WORDS]
    return np.stack([found[index][1] for index in sorted(chosen)], axis=1) if chosen else np.empty((len(records), 0))
