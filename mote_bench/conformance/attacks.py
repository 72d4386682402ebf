"""The checks of an attack against its contract; ``mote_bench.testing`` is the page to start from."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mote_bench import registry
from mote_bench.conformance.findings import (
    Check,
    FacesError,
    People,
    apart,
    disturbed_generators,
    not_finite,
    wrong_dtype,
    wrong_shape,
)
from mote_bench.contracts import (
    CEILING,
    CEILINGS,
    Access,
    Attack,
    Evidence,
    Faces,
    FloatArray,
    HowMuch,
    Knowledge,
    Question,
    SamePerson,
    Scheme,
    Shadow,
    Threat,
    WasMember,
    WhichClass,
    WhichFace,
    WhichKeyface,
    WhichPhoto,
)
from mote_bench.evidence import Database, Holdings, Scene, Theft, steal
from mote_bench.toolkit import class_index, draw_keys, revocable, stream, stream_seed, unit

_OPTIONAL_METHODS = ("reconstruct", "surrogate", "score", "readings", "solve", "public")
_QUESTIONS = (WhichClass, HowMuch, WhichFace, SamePerson, WhichPhoto, WasMember, WhichKeyface)
_PHOTOS = 2
_KEYFACES = 10
_CANDIDATES = 60
_RECORDS = 3
_QUERIES = {Access.RECORD: 0, Access.SCORES: 8, Access.DECISIONS: 64}
"""Of each person, in multiples of the dimension."""
_OPERATING_FMR = "1e-2"
_STRICT = 1e-4
_AGREEMENT = 0.9
_BREAKS = 3.0
_CHANCE = 4.0
"""Standard errors: a knowing answer on 48 people is 7 or more from chance."""
_LEAST_PER_CLASS = 5

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Trial:
    """An attack under test; what it is asked and what it sees is made when a check first asks for it."""

    make: Callable[[], Attack]
    people: People
    seed: int

    @cached_property
    def made(self) -> Attack:
        return self.make()

    @property
    def strongest(self) -> Knowledge:
        """Checks that don't depend on the knowledge level are made at this one."""
        return [level for level in Knowledge if level in self.made.knowledge][-1]

    @cached_property
    def question(self) -> Question:
        asked: object = self.made.question
        dimension = self.people.target.embeddings.shape[1]
        if asked is WhichClass:
            return _which_class(self.people)
        if asked is HowMuch:
            return _how_much(self.people)
        others = (
            WhichFace(dimension),
            SamePerson(),
            WhichPhoto(_PHOTOS),
            WasMember(),
            WhichKeyface(_KEYFACES, dimension),
        )
        return next(question for question in others if type(question) is asked)

    @property
    def access(self) -> Access:
        return getattr(self.made, "access", Access.RECORD)

    @cached_property
    def cosine(self) -> Holdings:
        """What hides nothing of the question: ``cosine``, or what stands for it."""
        return self._holdings(CEILINGS.get(self.question.name, CEILING))

    @cached_property
    def noise(self) -> Holdings:
        return self._holdings("noise")

    @cached_property
    def biohash(self) -> Holdings:
        return self._holdings("biohash")

    @cached_property
    def on_cosine(self) -> dict[Knowledge, FloatArray]:
        return {level: self.answer(self.theft(self.cosine, level).evidence) for level in self.made.knowledge}

    @cached_property
    def watched(self) -> tuple[list[str], list[str]]:
        """What one answer changed: parts of its evidence, and global generators."""
        evidence = self.theft(self.cosine, self.strongest).evidence
        before = _contents(evidence)
        generators = disturbed_generators(lambda: self.answer(evidence))
        after = _contents(evidence)
        return [name for name in before if after[name] != before[name]], generators

    @cached_property
    def repeated(self) -> float:
        """How far a second answer to the same evidence is from the first."""
        again = self.answer(self.theft(self.cosine, self.strongest).evidence)
        return apart(self.on_cosine[self.strongest], again)

    def theft(self, holdings: Holdings, level: Knowledge) -> Theft:
        """Evidence of its own for each answer, so that an attack that changes it is told from one that doesn't."""
        shadow = holdings.shadow
        own = replace(
            holdings,
            scheme=copy.deepcopy(holdings.scheme),
            shadow=replace(shadow, references=_copy(shadow.references)),
        )
        threat = Threat(level, records=_RECORDS if getattr(self.made, "several", False) else 1, access=self.access)
        scene = Scene(
            public=_copy(self.people.background),
            people=np.arange(len(self.people.target)),
            photos=np.stack([self.people.target.embeddings, self.people.second.embeddings], axis=1),
            candidates=_CANDIDATES,
            budget=_QUERIES[self.access] * self.people.target.embeddings.shape[1],
            operating_fmr=_OPERATING_FMR,
        )
        return steal(own, self.question, threat, scene=scene, rng=stream(self.seed, "thief"))

    def answer(self, evidence: Evidence, *, attack: Attack | None = None) -> FloatArray:
        """The answer of a new attack, unless one is given."""
        return (attack or self.make()).answer(self.question, evidence, stream(self.seed, "attack"))

    def _holdings(self, name: str) -> Holdings:
        scheme = registry.load("schemes", name).fit(self.people.background, seed=stream_seed(self.seed, "fit"))

        def enroll(faces: Faces, purpose: str) -> Database:
            keys = draw_keys(len(faces), stream(self.seed, purpose, "keys")) if revocable(scheme) else None
            seeds = [stream_seed(self.seed, purpose, row) for row in range(len(faces))]
            return Database(tuple(scheme.enroll(faces.embeddings, keys=keys, seeds=seeds)), keys)

        own = enroll(self.people.shadow, "shadow")
        # One photo each: their second enrolment is of the same one.
        again = enroll(self.people.shadow, "shadow again")
        return Holdings(
            scheme=scheme,
            first=enroll(self.people.target, "first"),
            second=enroll(self.people.second, "second"),
            shadow=Shadow(self.people.shadow, own.templates, own.keys, self.people.shadow, again.templates, again.keys),
            renewed=tuple(enroll(self.people.target, f"renewed {number}") for number in range(1, _RECORDS)),
            renewed_people=tuple(range(len(self.people.target))),
            thresholds={_OPERATING_FMR: _threshold(scheme, own, self.people.background)},
        )


def _threshold(scheme: Scheme, own: Database, strangers: Faces) -> float:
    scores = scheme.score(own.templates, strangers.embeddings, keys=own.keys)
    return float(np.quantile(scores, 1 - float(_OPERATING_FMR)))


def _which_class(people: People) -> WhichClass:
    """The first attribute with two classes or more that both target and shadow people show."""
    for attribute, labels in people.target.attributes.items():
        shadow = people.shadow.attributes[attribute].tolist()
        classes = [
            label
            for label in np.unique(labels[labels != ""]).tolist()
            if min(labels.tolist().count(label), shadow.count(label)) >= _LEAST_PER_CLASS
        ]
        if len(classes) >= 2:
            return WhichClass(attribute, tuple(classes))
    raise FacesError(
        "the faces have no attribute of which two classes are shown by enough people; expected one such as 'gender', "
        f"with at least {_LEAST_PER_CLASS} people of each class in a quarter of them. Or leave `faces` out."
    )


def _how_much(people: People) -> HowMuch:
    """The first number that target and shadow people have."""
    for attribute, values in people.target.values.items():
        if np.isfinite(values).sum() >= _LEAST_PER_CLASS and np.ptp(values[np.isfinite(values)]) > 0:
            return HowMuch(attribute)
    raise FacesError("the faces have no numeric attribute; give `values`, such as ages in years, or leave `faces` out.")


def _copy(faces: Faces) -> Faces:
    return Faces(faces.embeddings, faces.identity, faces.attributes, faces.values)


def _contents(evidence: Evidence) -> dict[str, str]:
    """All of the evidence, in a form that can be compared after the attack."""
    shadow = evidence.shadow
    contents = {
        "templates": (evidence.templates, evidence.others, evidence.keys, evidence.other_keys, evidence.renewed),
        "candidates": None if evidence.candidates is None else evidence.candidates.tolist(),
        "scheme": evidence.scheme and sorted(vars(evidence.scheme).items()),
        "public": evidence.public and _listed(evidence.public),
        "shadow": shadow and (_listed(shadow.references), shadow.templates, shadow.keys),
    }
    return {name: repr(part) for name, part in contents.items()}


def _listed(faces: Faces) -> list[object]:
    columns = {"identity": faces.identity, **faces.attributes}
    return [faces.embeddings.tolist(), {name: np.asarray(column).tolist() for name, column in columns.items()}]


def _states(trial: Trial) -> str | None:
    attack = trial.made
    if not callable(getattr(attack, "answer", None)):
        return f"{type(attack).__name__} without answer"
    if getattr(attack, "question", None) not in _QUESTIONS:
        return f"question = {getattr(attack, 'question', 'missing')!r}"
    levels = getattr(attack, "knowledge", None)
    if not isinstance(levels, tuple) or not levels or not all(isinstance(level, Knowledge) for level in levels):
        return f"knowledge = {levels!r}"
    needs = getattr(attack, "needs", ())
    if isinstance(needs, str) or not set(needs) <= set(_OPTIONAL_METHODS):
        return f"needs = {needs!r}"
    return None


def _pickles(trial: Trial) -> str | None:
    import cloudpickle  # what the worker processes use

    pickle.loads(cloudpickle.dumps(trial.made))
    return None


def _shape_due(trial: Trial) -> tuple[int, int]:
    n, question = len(trial.people.target), trial.question
    if isinstance(question, WhichClass):
        return n, len(question.classes)
    if isinstance(question, WhichFace):
        return n, question.dimension
    if isinstance(question, WhichPhoto):
        return n, question.photos
    if isinstance(question, WhichKeyface):
        return question.faces, question.dimension
    if isinstance(question, WasMember):
        candidates = trial.theft(trial.cosine, trial.strongest).evidence.candidates
        return 0 if candidates is None else len(candidates), 1
    return n, n if isinstance(question, SamePerson) else 1


def _at_levels(answers: Mapping[Knowledge, FloatArray], complaint: Callable[[FloatArray], str | None]) -> str | None:
    given = {level: complaint(answer) for level, answer in answers.items()}
    return "; ".join(f"at {level}: {said}" for level, said in given.items() if said) or None


def _shape(trial: Trial) -> str | None:
    due = _shape_due(trial)
    return _at_levels(trial.on_cosine, lambda answer: wrong_shape(answer, due) or wrong_dtype(answer))


def _finite(trial: Trial) -> str | None:
    return _at_levels(trial.on_cosine, not_finite)


def _keyed(trial: Trial) -> str | None:
    if not all(hasattr(trial.biohash.scheme, method) for method in getattr(trial.made, "needs", ())):
        return None  # it is then never run on this scheme
    due = _shape_due(trial)
    answers = {level: trial.answer(trial.theft(trial.biohash, level).evidence) for level in trial.made.knowledge}
    return _at_levels(answers, lambda answer: wrong_shape(answer, due) or wrong_dtype(answer) or not_finite(answer))


def _deterministic(trial: Trial) -> str | None:
    return f"asked twice with the same rng, {_far(trial.repeated)}" if trial.repeated > _STRICT else None


def _keeps_no_state(trial: Trial) -> str | None:
    if trial.repeated > _STRICT:  # reported already, and a change then says nothing of a memory
        return None
    level, attack = trial.strongest, trial.make()
    trial.answer(trial.theft(trial.noise, level).evidence, attack=attack)
    again = trial.answer(trial.theft(trial.cosine, level).evidence, attack=attack)
    distance = apart(trial.on_cosine[level], again)
    return f"asked of another scheme before, {_far(distance)}" if distance > _STRICT else None


def _order(trial: Trial) -> str | None:
    evidence = trial.theft(trial.cosine, trial.strongest).evidence
    if not evidence.templates or isinstance(trial.question, WasMember):
        return None  # nothing stolen that could be dealt in another order
    rows = stream(trial.seed, "another order").permutation(len(evidence.templates))
    columns = stream(trial.seed, "another order of others").permutation(len(evidence.others))
    dealt = replace(
        evidence,
        templates=tuple(evidence.templates[row] for row in rows),
        others=tuple(evidence.others[column] for column in columns),
        candidates=None if evidence.candidates is None else evidence.candidates[rows],
        renewed=tuple(replace(one, templates=tuple(one.templates[row] for row in rows)) for one in evidence.renewed),
    )
    expected, given = trial.on_cosine[trial.strongest][rows], trial.answer(dealt)
    if isinstance(trial.question, SamePerson):
        expected = expected[:, columns]
    agreement = _agreement(_comparable(trial.question, expected), _comparable(trial.question, given))
    return f"dealt in another order, the answers correlate by {agreement:.2f}" if agreement < _AGREEMENT else None


def _comparable(question: Question, answer: FloatArray) -> FloatArray:
    """What counts in an answer: differences between classes, directions apart from their mean, or all."""
    if isinstance(question, WhichClass):
        return np.asarray(answer - answer.mean(axis=1, keepdims=True))
    if isinstance(question, WhichFace):
        direction = unit(answer)
        return np.asarray(direction - direction.mean(axis=0))
    return answer


def _agreement(left: FloatArray, right: FloatArray) -> float:
    if apart(left, right) <= _STRICT:
        return 1.0
    a, b = (np.ravel(side).astype(np.float64) - np.mean(side) for side in (left, right))
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 0 else 0.0


def _evidence(trial: Trial) -> str | None:
    changed = trial.watched[0]
    return f"{', '.join(changed)} changed by answer" if changed else None


def _global_generators(trial: Trial) -> str | None:
    changed = trial.watched[1]
    return f"answer drew from or seeded the global generator of {', '.join(changed)}" if changed else None


def _breaks_cosine(trial: Trial) -> str | None:
    def unbroken(level: Knowledge) -> str | None:
        edge = _edge(trial, trial.on_cosine[level], trial.cosine, trial.theft(trial.cosine, level))
        return None if edge > _BREAKS else f"at {level} the answers are {edge:+.1f} standard errors from chance"

    return "; ".join(said for level in trial.made.knowledge if (said := unbroken(level))) or None


def _chance_on_noise(trial: Trial) -> str | None:
    def knowing(level: Knowledge) -> str | None:
        theft = trial.theft(trial.noise, level)
        edge = _edge(trial, trial.answer(theft.evidence), trial.noise, theft)
        return None if abs(edge) < _CHANCE else f"at {level} the answers are {edge:+.1f} standard errors from chance"

    return "; ".join(said for level in trial.made.knowledge if (said := knowing(level))) or None


def _edge(trial: Trial, answer: FloatArray, holdings: Holdings, theft: Theft) -> float:
    """How far from chance the answers are, in standard errors; positive is better than chance."""
    question = trial.question
    if isinstance(question, WhichPhoto):
        return _class_edge(answer, theft.truth)
    if isinstance(question, HowMuch):
        return _value_edge(answer, trial.people.target.values[question.attribute][theft.people])
    if isinstance(question, WasMember):
        return _member_edge(answer, theft.truth)
    if isinstance(question, WhichKeyface):
        return _keyface_edge(answer, holdings)
    if isinstance(question, WhichClass):
        labels = trial.people.target.attributes[question.attribute][theft.people]
        return _class_edge(answer, class_index(labels, question.classes))
    if isinstance(question, SamePerson):
        return _link_edge(answer, np.argsort(theft.others)[theft.people])
    mean = trial.people.background.embeddings.mean(axis=0)
    return _face_edge(unit(answer) - mean, trial.people.target.embeddings[theft.people] - mean)


def _class_edge(answer: FloatArray, truth: npt.NDArray[np.int64]) -> float:
    """Balanced accuracy less 1 / C; the first place is shared by all that tie for it."""
    first = answer == answer.max(axis=1, keepdims=True)
    credit = first / first.sum(axis=1, keepdims=True)
    classes = answer.shape[1]
    rates = [credit[truth == one, one].mean() for one in range(classes)]
    variance = sum(1 / (truth == one).sum() for one in range(classes)) * (classes - 1) / classes**4
    return float((np.mean(rates) - 1 / classes) / np.sqrt(variance))


def _link_edge(answer: FloatArray, mate: Index) -> float:
    """Share of the other records that the mate beats, less a half; uniform under chance, variance 1 / 12."""
    own = answer[np.arange(len(answer)), mate][:, None]
    beaten = ((answer < own).sum(axis=1) + ((answer == own).sum(axis=1) - 1) / 2) / (answer.shape[1] - 1)
    return float((beaten.mean() - 0.5) / np.sqrt(1 / 12 / len(answer)))


def _value_edge(answer: FloatArray, truth: FloatArray) -> float:
    """Fisher's transform of the correlation, whose standard error is 1 / sqrt(n - 3)."""
    known = np.isfinite(truth)
    guess = answer[known, 0]
    if np.ptp(guess) == 0:
        return 0.0
    correlation = np.clip(np.corrcoef(guess, truth[known])[0, 1], -1 + 1e-9, 1 - 1e-9)
    return float(np.arctanh(correlation) * np.sqrt(known.sum() - 3))


def _member_edge(answer: FloatArray, truth: Index) -> float:
    """The Mann-Whitney statistic in its standard errors under chance."""
    from scipy.stats import rankdata

    ranks, members, others = rankdata(answer[:, 0]), int((truth == 1).sum()), int((truth == 0).sum())
    above = ranks[truth == 1].sum() - members * (members + 1) / 2
    return float((above - members * others / 2) / np.sqrt(members * others * (members + others + 1) / 12))


def _keyface_edge(faces: FloatArray, holdings: Holdings) -> float:
    """Templates opened by any of the faces, beyond what as many strangers open by chance."""
    scores = holdings.scheme.score(holdings.first.templates, unit(faces).astype(np.float32), keys=holdings.first.keys)
    opened = np.asarray(scores >= holdings.thresholds[_OPERATING_FMR]).any(axis=1)
    expected = 1 - (1 - float(_OPERATING_FMR)) ** len(faces)
    return float((opened.mean() - expected) / np.sqrt(expected * (1 - expected) / opened.size))


def _face_edge(given: FloatArray, truth: FloatArray) -> float:
    """Centred cosine to the own face less the mean of those to the other faces."""
    cosines = unit(given) @ unit(truth).T
    own = np.diagonal(cosines)
    gain = own - (cosines.sum(axis=1) - own) / (len(own) - 1)
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    return float(gain.mean() / error) if error > 0 else 0.0


def _far(distance: float) -> str:
    return f"the answers differ by {distance:.1g} of their spread"


CHECKS: tuple[Check[Trial], ...] = (
    Check(
        "states_question_and_knowledge",
        _states,
        "answer, question = one of the question types of mote_bench.contracts (the type itself), knowledge = a tuple "
        "of Knowledge levels, and needs, if stated, a tuple of names of scheme methods",
        "set the class attributes as mote_bench.contracts.Attack says; a tuple of one is written (x,)",
        needed=True,
    ),
    Check(
        "pickles",
        _pickles,
        "an attack that can be sent to the worker processes",
        "keep locks, open files and handles out of the object, or make them in answer",
    ),
    Check(
        "answer_shape",
        _shape,
        "a numpy array of real floats in the shape that the question states, as a rule one row per stolen template in "
        "their order, and as many columns as the question has classes, dimensions, photos or other records",
        "build the answer from evidence.templates and the question; return answer.astype(np.float32)",
        needed=True,
    ),
    Check(
        "answer_finite",
        _finite,
        "finite answers for every stolen template",
        "guard divisions and logarithms; give a template that says nothing the same value for all classes",
        needed=True,
    ),
    Check(
        "answers_keyed_scheme",
        _keyed,
        "an answer on a scheme with keys (biohash) too, whether evidence.keys is granted or None",
        "query with mote_bench.toolkit.ask, which presents the stolen keys or, without them, one of the attacker's own",
    ),
    Check(
        "deterministic",
        _deterministic,
        "the same answers from the same evidence and rng",
        "draw only from `rng`, and seed libraries from it: random_state=int(rng.integers(2**32))",
    ),
    Check(
        "keeps_no_state",
        _keeps_no_state,
        "answers that don't depend on what the object was asked before",
        "keep what is learned from the evidence in local variables of answer",
    ),
    Check(
        "order_of_records",
        _order,
        "answers that follow their records when the stolen lists are dealt in another order",
        "treat every template alike, wherever it stands; the order says nothing",
    ),
    Check(
        "leaves_evidence_alone",
        _evidence,
        "evidence that is the same after the answer",
        "work on copies, and fit and enrol with copy.deepcopy(evidence.scheme) if it must be fitted anew",
    ),
    Check(
        "leaves_global_generators_alone",
        _global_generators,
        "the global generators of random, numpy.random and torch to be left as they were",
        "draw from `rng`, or use torch.Generator().manual_seed(seed) or torch.random.fork_rng()",
    ),
    Check(
        "breaks_cosine",
        _breaks_cosine,
        f"an answer on cosine, which hides nothing, more than {_BREAKS:g} standard errors better than chance at every "
        "stated level; otherwise what it doesn't find in another scheme says nothing",
        "strengthen the attack, check that higher means more likely, and state only levels at which it can know",
    ),
    Check(
        "stands_at_chance_on_noise",
        _chance_on_noise,
        f"an answer on noise, which holds nothing, within {_CHANCE:g} standard errors of chance",
        "answer from `evidence` alone: whatever else tells it the truth is a leak of the harness or of the attack",
    ),
)
