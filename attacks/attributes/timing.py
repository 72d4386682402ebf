"""The timing attack: how long the system takes to compare each template."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from mote_bench.contracts import Evidence, FloatArray, Key, Knowledge, Reads, Scheme, Template
from mote_bench.questions import WhichClass
from mote_bench.toolkit import ask

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted, keys_to_present, known_labels, scaled_and_ranked
from .from_bytes import linear_or_trees

_ROUNDS = 9
_FACES = 4
_ANSWERED_FACES = 200


class ResponseTimes:
    """Train a classifier on how long comparisons with the attacker's own templates take, beside their responses.

    Work that depends on the stored values shows in its duration (Kocher, "Timing Attacks on Implementations of
    Diffie-Hellman, RSA, DSS, and Other Systems", CRYPTO 1996). Every template is compared with the same four faces nine
    times, the attacker's and the stolen templates in one random order. The shortest time is closest to the work itself,
    because everything else on the machine only adds time. Responses to public faces stand beside the times: so the
    attack succeeds on the ceiling control, whose times hold no information. Left-out shadow subjects decide between
    them.

    No two runs measure the same times. So the attack runs only when it is named, and its records can't be verified by
    another run.
    """

    question = WhichClass
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    needs = ("score",)
    repeatable = False

    def answer(self, question: WhichClass, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, classes) float64 probabilities."""
        public, shadow = granted(evidence)
        assert evidence.scheme is not None
        labels, labelled = known_labels(shadow.references, question)
        faces = public.embeddings[choose_probes(public, rng, most=_ANSWERED_FACES)]
        answers = ask(evidence, faces, rng)
        keys, own = keys_to_present(evidence, rng)
        templates = [*(shadow.templates[row] for row in labelled), *evidence.templates]
        shown = None if keys is None or own is None else [*(own[row] for row in labelled), *keys]
        took = seconds(evidence.scheme, templates, shown, faces[:_FACES], rng)
        seen = [(view.shadow[labelled], view.stolen) for view in scaled_and_ranked(answers)]
        seen.append((took[: len(labels)], took[len(labels) :]))
        tables = [Examples(known, labels, unknown, len(question.classes)) for known, unknown in seen]
        examples, fit = linear_or_trees(tables, int(rng.integers(2**31)))
        return classifiers.tuned(examples, fit, classifiers.folds(labels, rng))


def seconds(
    scheme: Scheme,
    templates: Sequence[Template],
    keys: Sequence[Key] | None,
    faces: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """(n, 2) log seconds of comparing each template with ``faces`` (m, d): shortest of nine times, and median."""
    took = np.empty((len(templates), _ROUNDS))
    for turn in range(_ROUNDS):
        for row in rng.permutation(len(templates)):
            key = None if keys is None else [keys[row]]
            start = time.perf_counter()
            scheme.score([templates[row]], faces, keys=key)
            took[row, turn] = time.perf_counter() - start
    return np.log(np.column_stack([took.min(axis=1), np.median(took, axis=1)]) + 1e-9)
