"""Attacks without a stolen record that use accept/reject decisions of the running system."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Access, Evidence, FloatArray, Knowledge, Oracle, Reads
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit

from .._shared.online_access import OfShadow, OfTargets, guessed_threshold, oracle_of, reconstructed_targets
from .._shared.prior import Prior
from .._shared.probing import granted

_HALVINGS = 8  # of an arc of a quarter turn: to a third of a degree
_STARTS = (
    *((0.0, spread) for spread in (0.2, 0.35, 0.5, 0.7, 1.0, 1.3)),
    *((share, spread) for share in (0.5, 0.8, 1.0) for spread in (0.1, 0.2, 0.35)),
)
"""Distributions of start faces: the share of a public face's deviation from the mean, and the standard deviations of
prior noise added to it."""
_FACES_TO_TUNE_ON = 400
_PEOPLE_TO_TUNE_ON = 100
_MOST_PASSES = 3
_BATCHES = 12  # in which faces to start from are tried


def centred_on_boundaries(evidence: Evidence, rng: np.random.Generator) -> FloatArray:
    """(n, d) float64 reconstructions of all subjects behind the oracle; see :class:`BoundaryFromDecisions`."""
    public, _ = granted(evidence)
    prior, oracle = Prior.of(public.embeddings), oracle_of(evidence)
    one_pass = 2 * len(prior.mean) * _HALVINGS + 1
    found, opened = first_accepted(evidence, prior, oracle.budget - one_pass, rng)
    turn = np.linalg.qr(rng.standard_normal((len(prior.mean), len(prior.mean))))[0]
    for person in np.flatnonzero(opened):
        for _ in range(min(_MOST_PASSES, int(oracle.left[person]) // one_pass)):
            found[person] = _centred(oracle, int(person), found[person], turn)
    return found


BOUNDARIES = OfTargets("boundaries", centred_on_boundaries)
BOUNDARIES_OF_SHADOW = OfShadow("shadow boundaries", centred_on_boundaries, Access.DECISIONS)


class BoundaryFromDecisions:
    """Bisect the decision boundary around an accepted face in every direction, and move to the middle.

    The attacker claims to be each target subject in turn. First, likely faces are presented until one is accepted by
    chance. They are drawn from a Gaussian fitted to public embeddings (near its mean or far), near a public face, or
    between that face and the mean: whichever distribution gets most shadow subjects accepted. Faces near public ones
    are tried because a Gaussian doesn't model dense neighbourhoods. Then, along each of d - 1 orthonormal directions,
    bisection finds how far the face can be turned either way until it is rejected. Faces within an angle of the
    enrolled one are accepted. So on a great circle through the accepted face, the accepted arc is centred on the
    enrolled face's projection. For turns a forwards and b backwards, the enrolled face's part in that direction is
    tan((a - b) / 2) times its part in the accepted face. One pass is exact for a cosine; further passes, from the new
    face, reduce the error of other scores. That decisions alone leak embeddings is known for encrypted systems (arXiv
    2601.17620). Bisection on a boundary is as in Chen, Jordan & Wainwright, "HopSkipJumpAttack", IEEE S&P 2020 (arXiv
    1904.02144).

    A target subject without an accepted face within the budget gets one of the faces that were tried. Subjects get
    different ones, as one face for all would count as a failed attack.
    """

    question = WhichFace
    reads = Reads.DECISIONS
    knowledge = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    access = Access.DECISIONS
    prepares = (BOUNDARIES,)

    def answer(self, question: WhichFace, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(n, d) float64 unit rows."""
        return reconstructed_targets(evidence, BOUNDARIES, rng)


def first_accepted(
    evidence: Evidence, prior: Prior, tries: int, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """(n, d) float64: the first of ``tries`` likely faces that each subject's template accepts, or else any of them.

    With it, (n,) whether one is accepted. The faces are the same for every subject.
    """
    public, _ = granted(evidence)
    starts = _best_starts(evidence, prior, rng)
    faces = _likely(public.embeddings, prior, starts[np.arange(max(tries, 1)) % len(starts)], rng)
    start, opened = _tried(oracle_of(evidence), faces)
    start = np.where(opened, start, np.arange(len(start)) % len(faces))
    return faces[start].astype(np.float64), opened


def _likely(public: FloatArray, prior: Prior, starts: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(m, d) float32 unit faces, one drawn for each of ``starts`` (m, 2)."""
    drawn = public[rng.integers(len(public), size=len(starts))] - prior.mean
    noise = rng.standard_normal((len(starts), len(prior.mean))) @ prior.axes.T
    return unit(prior.mean + starts[:, :1] * drawn + starts[:, 1:] * noise).astype(np.float32)


def _best_starts(evidence: Evidence, prior: Prior, rng: np.random.Generator) -> FloatArray:
    """(starts, 2) of :data:`_STARTS`, to be used in turn.

    The one that most shadow templates accept a face of, where the attacker can score these; otherwise all.
    """
    public, shadow = granted(evidence)
    scheme, starts = evidence.scheme, np.array(_STARTS)
    if scheme is None or not hasattr(scheme, "score"):
        return starts
    tried = rng.permutation(len(shadow.templates))[:_PEOPLE_TO_TUNE_ON]
    keys = None if shadow.keys is None else [shadow.keys[row] for row in tried]
    templates = [shadow.templates[row] for row in tried]
    threshold = guessed_threshold(evidence, templates, keys, rng)
    faces = _likely(public.embeddings, prior, starts.repeat(_FACES_TO_TUNE_ON, axis=0), rng)
    passed = np.asarray(scheme.score(templates, faces, keys=keys)) > threshold
    opened = passed.reshape(len(templates), len(starts), _FACES_TO_TUNE_ON).any(axis=2).sum(axis=0)
    return starts[[np.argmax(opened)]]


def _tried(oracle: Oracle, faces: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """(n,) the index of the first face that each subject's template accepts, 0 for none; (n,) bool whether any."""
    start, opened = np.zeros(oracle.people, dtype=np.intp), np.zeros(oracle.people, dtype=bool)
    batches = np.array_split(np.arange(len(faces)), min(_BATCHES, len(faces)))
    # One subject after the other: the system expands the presented key once.
    for person in range(oracle.people):
        for rows in batches:
            accepted = oracle.ask(faces[rows], person)
            if accepted.any():
                start[person], opened[person] = rows[int(accepted.argmax())], True
                break
    return start, opened


def _centred(oracle: Oracle, person: int, face: FloatArray, turn: FloatArray) -> FloatArray:
    """(d,) the unit face in the middle of all accepted arcs through the accepted ``face`` (d,)."""
    others = np.linalg.qr(np.column_stack([face, turn]))[0][:, 1 : len(face)].T
    directions = np.concatenate([others, -others])
    inside, outside = np.zeros(len(directions)), np.full(len(directions), np.pi / 2)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        accepted = oracle.ask(np.cos(middle)[:, None] * face + np.sin(middle)[:, None] * directions, person) > 0
        inside, outside = np.where(accepted, middle, inside), np.where(accepted, outside, middle)
    forwards, backwards = np.split((inside + outside) / 2, 2)
    moved = unit(face + np.tan((forwards - backwards) / 2) @ others)
    return moved if oracle.ask(moved[None], person)[0] else face
