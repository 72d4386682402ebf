"""Attacks that infer whether a subject was in the background set that a scheme was fitted on."""

from __future__ import annotations

import numpy as np

from mote_bench.contracts import Evidence, Faces, FloatArray, Knowledge, Reads
from mote_bench.questions import WasMember
from mote_bench.toolkit import draw_keys, enrolled_rows, revocable

from .._shared import classifiers
from .._shared.classifiers import Examples
from .._shared.probing import choose_probes, granted

_MOST_OF_EACH = 300
_REFERENCES = 40


class MembershipFromResponses:
    """Learn from known members and known non-members how the fitted scheme scores a face of either kind.

    Each candidate is presented to templates that the attacker enrols. A classifier of the responses, with their mean
    and spread, separates members from non-members. It is trained on known faces of both kinds. They stand in for the
    shadow models of Shokri, Stronati, Song & Shmatikov, "Membership Inference Attacks Against Machine Learning Models",
    IEEE S&P 2017 (arXiv 1610.05820).
    """

    question = WasMember
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM,)
    needs = ("score",)

    def answer(self, question: WasMember, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(m, 1) float64 log odds."""
        public, shadow = granted(evidence)
        if evidence.candidates is None:
            raise ValueError(
                "membership inference needs candidate faces, and the evidence holds none (evidence.candidates is None)"
            )
        # Known members have two photos or more, as the candidates have: otherwise the attack would learn fame, which
        # goes with the number of photos.
        members = _repeated(public)
        members = members.rows(choose_probes(members, rng, most=_MOST_OF_EACH))
        half = len(shadow.references) // 2
        order = rng.permutation(len(shadow.references))
        others = shadow.references.rows(order[: max(half, 1)]).embeddings
        gallery = shadow.references.rows(order[half : half + _REFERENCES]).embeddings
        faces = np.concatenate([members.embeddings, others, evidence.candidates])
        known = len(members) + len(others)
        labels = np.repeat([1, 0], [len(members), len(others)])
        views = [
            Examples(table[:known], labels, table[known:], 2) for table in _features(evidence, faces, gallery, rng)
        ]
        joined, fit = classifiers.on_views(classifiers.logistic, views)
        read = classifiers.tuned(joined, fit, classifiers.folds(labels, rng))
        return np.asarray(np.log(read[:, [1]] + 1e-12) - np.log(read[:, [0]] + 1e-12))


def _repeated(public: Faces) -> Faces:
    """The first photo of each subject with several; all photos where no identity is known."""
    if public.identity is None:
        return public
    _, first, count = np.unique(public.identity, return_index=True, return_counts=True)
    return public.rows(first[count > 1])


def _features(evidence: Evidence, faces: FloatArray, gallery: FloatArray, rng: np.random.Generator) -> list[FloatArray]:
    """Tables (n, p) of each face: the scores of the gallery's templates, and summaries of these.

    Summaries, because a scheme that favours its members does so for every template. The mean over a gallery shows it
    better than any single score.
    """
    scheme = evidence.scheme
    assert scheme is not None
    keys = [*draw_keys(1, rng)] * len(gallery) if revocable(scheme) else None
    seeds = [int(seed) for seed in rng.integers(2**31, size=len(gallery))]
    made = scheme.enroll(gallery, keys=keys, seeds=seeds)
    rows = enrolled_rows(made)  # a scheme may not be able to enrol some faces
    templates, keys = [made[row] for row in rows], None if keys is None else [keys[row] for row in rows]
    answers = np.asarray(scheme.score(templates, faces, keys=keys), dtype=np.float64).T
    spread = np.sort(answers, axis=1)
    summary = np.column_stack([answers.mean(axis=1), answers.std(axis=1), spread[:, [0, -1]]])
    return [summary, answers]
