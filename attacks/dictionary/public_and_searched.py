"""Dictionary attacks: a few faces that as many templates as possible accept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Evidence, FloatArray, Knowledge, Reads
from mote_bench.questions import WhichKeyface
from mote_bench.toolkit import draw_keys, revocable

from .._shared.prior import Prior
from .._shared.probing import choose_probes, granted

_FALSE_MATCHES = 1e-2  # the operating point that the attacker assumes
_SAMPLES = 3000
_SPREADS = (0.0, 0.3, 0.6, 1.0)
_ROUNDS, _PROPOSALS, _ELITE = 8, 60, 12


class PublicDictionary:
    """Choose, one after the other, the public face that most of the remaining templates accept.

    No record is stolen. The dictionary attack of Roy, Memon & Ross, "MasterPrint", IEEE TIFS 12 (2017): a greedy cover
    of the attacker's own templates, whose shadow subjects stand in for the target subjects.
    """

    question = WhichKeyface
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM,)
    needs = ("score",)

    def answer(self, question: WhichKeyface, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(faces, d) float64 unit rows."""
        public, _ = granted(evidence)
        faces = public.embeddings[choose_probes(public, rng, most=_SAMPLES)]
        return faces[_greedy(_Desk(evidence, rng).scores(faces), question.faces)].astype(np.float64)


class SearchedDictionary:
    """Choose sampled faces: the best samples of a prior, each improved by a search.

    As :class:`PublicDictionary`, with faces drawn from a Gaussian fitted to public embeddings, nearer its mean and
    farther. The cross-entropy method maximises how many of the remaining templates accept the face. After Bontrager et
    al., "DeepMasterPrints", BTAS 2018 (arXiv 1705.07386) and, for faces, Shmelkin, Wolf & Friedlander (arXiv
    2108.01077).
    """

    question = WhichKeyface
    reads = Reads.RESPONSES
    knowledge = (Knowledge.ALGORITHM,)
    needs = ("score",)

    def answer(self, question: WhichKeyface, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        """(faces, d) float64 unit rows."""
        public, _ = granted(evidence)
        prior, desk = Prior.of(public.embeddings), _Desk(evidence, rng)
        z = rng.standard_normal((_SAMPLES, len(prior.mean))) * np.resize(_SPREADS, _SAMPLES)[:, None]
        margin = desk.scores(prior.faces(z))
        closed = np.ones(len(margin), dtype=bool)
        chosen: list[FloatArray] = []
        for _ in range(question.faces):
            place = _improved(prior, desk, z[int(_gain(margin[closed]).argmax())], closed, rng)
            chosen.append(prior.faces(place[None])[0])
            closed &= desk.scores(chosen[-1][None])[:, 0] < 0
            if not closed.any():
                closed[:] = True
        return np.stack(chosen).astype(np.float64)


class _Desk:
    """The attacker's own templates, and how far a face's scores are from being accepted."""

    def __init__(self, evidence: Evidence, rng: np.random.Generator) -> None:
        public, shadow = granted(evidence)
        assert evidence.scheme is not None
        self._scheme, self._templates = evidence.scheme, shadow.templates
        # Online the attacker presents one key of their own, whichever subject is claimed.
        self._keys = draw_keys(1, rng) * len(shadow.templates) if revocable(evidence.scheme) else None
        impostors = self._scores(public.embeddings[choose_probes(public, rng)])
        self._threshold = float(np.quantile(impostors, 1 - _FALSE_MATCHES))
        self._spread = float(impostors.std()) or 1.0

    def _scores(self, faces: FloatArray) -> FloatArray:
        return np.asarray(self._scheme.score(self._templates, faces, keys=self._keys), dtype=np.float64)

    def scores(self, faces: FloatArray) -> FloatArray:
        """(subjects, m) scores above the guessed threshold, in standard deviations."""
        return (self._scores(faces) - self._threshold) / self._spread


def _gain(margin: FloatArray) -> FloatArray:
    """(m,) how many templates accept each face; those that nearly accept count in part."""
    return np.asarray((1 / (1 + np.exp(-np.clip(10 * margin, -50, 50)))).sum(axis=0))


def _greedy(margin: FloatArray, faces: int) -> npt.NDArray[np.intp]:
    """Row numbers of faces, each accepted by most remaining templates; from the start again when none remain."""
    closed = np.ones(len(margin), dtype=bool)
    chosen: list[int] = []
    for _ in range(faces):
        value = _gain(margin[closed])
        value[chosen] = -1
        chosen.append(int(value.argmax()))
        closed &= margin[:, chosen[-1]] < 0
        if not closed.any():
            closed[:] = True
    return np.array(chosen)


def _improved(
    prior: Prior, desk: _Desk, place: FloatArray, closed: npt.NDArray[np.bool_], rng: np.random.Generator
) -> FloatArray:
    best, reached, spread = place, -np.inf, 0.4
    for _ in range(_ROUNDS):
        z = np.vstack([best, place + spread * rng.standard_normal((_PROPOSALS, len(place)))])
        value = _gain(desk.scores(prior.faces(z))[closed])
        order = np.argsort(-value, kind="stable")
        if value[order[0]] > reached:
            best, reached = z[order[0]], float(value[order[0]])
        place, spread = z[order[:_ELITE]].mean(axis=0), 0.85 * spread
    return best
