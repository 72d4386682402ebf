"""The checks of an attack against its contract; the entry point is :mod:`mote_bench.testing`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np

from mote_bench import registry
from mote_bench.conformance.findings import (
    Check,
    FacesError,
    People,
    apart,
    disturbed_generators,
    not_finite,
    raised,
    wrong_dtype,
    wrong_shape,
)
from mote_bench.contracts import (
    Access,
    Attack,
    Evidence,
    Faces,
    FloatArray,
    InputError,
    Knowledge,
    Prepared,
    Reads,
    Scheme,
    Shadow,
    Threat,
)
from mote_bench.engine.evidence import (
    NO_DATABASE,
    databases,
    handed,
    steal,
    steal_database,
)
from mote_bench.questions import Exam, Question
from mote_bench.questions.staging import Database, EnrolledScheme, Index, Scene, Staged
from mote_bench.toolkit import draw_keys, revocable, stream, stream_seed

_OPTIONAL_METHODS = (
    "reconstruct",
    "surrogate",
    "score",
    "readings",
    "solve",
    "likelihood",
    "solve_without_keys",
    "unlock",
    "solve_several",
    "link",
    "public",
)
_CANDIDATES = 60
_RECORDS = 3
_QUERIES = {Access.RECORD: 0, Access.SCORES: 8, Access.DECISIONS: 64}
"""Query budget per subject, in multiples of the dimension."""
_OPERATING_FMR = "1e-2"
_STRICT = 1e-4
_AGREEMENT = 0.9
_BREAKS = 3.0
_CHANCE = 4.0
"""In standard errors: an answer that uses the truth is 7 or more from chance on 48 people."""


@dataclass(frozen=True, eq=False)
class Trial:
    """An attack under test; its question and evidence are made when a check first needs them."""

    make: Callable[[], Attack]
    people: People
    seed: int

    @cached_property
    def made(self) -> Attack:
        return self.make()

    @property
    def strongest(self) -> Knowledge:
        """The highest stated knowledge level; checks that don't depend on the level use it."""
        return [level for level in Knowledge if level in self.made.knowledge][-1]

    @cached_property
    def question(self) -> Question:
        try:
            return cast(type[Question], self.made.question).example(self.people.target, self.people.shadow)
        except InputError as error:  # an error of the given faces, not of the attack
            raise FacesError(str(error)) from None

    @property
    def access(self) -> Access:
        return getattr(self.made, "access", Access.RECORD)

    @cached_property
    def cosine(self) -> EnrolledScheme:
        """The question's ceiling control, enrolled: ``cosine`` for most questions."""
        return self._enrolled(self.question.ceiling)

    @cached_property
    def noise(self) -> EnrolledScheme:
        return self._enrolled("noise")

    @cached_property
    def biohash(self) -> EnrolledScheme:
        return self._enrolled("biohash")

    @cached_property
    def secretive(self) -> EnrolledScheme:
        """``cosine`` as a system with secrets: its public part has only the methods stated in ``needs``."""
        return replace(self.cosine, scheme=_Secretive(self.cosine.scheme, getattr(self.made, "needs", ())))  # type: ignore[arg-type]

    @cached_property
    def on_cosine(self) -> dict[Knowledge, FloatArray]:
        return {level: self.answer(self.staged(self.cosine, level).evidence) for level in self.made.knowledge}

    @cached_property
    def watched(self) -> tuple[list[str], list[str]]:
        """The parts of the evidence and the global generators that one call of ``answer`` changed."""
        evidence = self.staged(self.cosine, self.strongest).evidence
        before = _contents(evidence)
        generators = disturbed_generators(lambda: self.answer(evidence))
        after = _contents(evidence)
        return [name for name in before if after[name] != before[name]], generators

    @cached_property
    def repeated(self) -> float:
        """Difference of a second answer to the same evidence from the first."""
        again = self.answer(self.staged(self.cosine, self.strongest).evidence)
        return apart(self.on_cosine[self.strongest], again)

    def staged(self, enrolled: EnrolledScheme, level: Knowledge) -> Staged:
        """Fresh evidence for each answer, so that an attack which changes it affects no other check."""
        own, scene = self._own(enrolled), self._scene()
        return steal(own, self.question, self._threat(level), scene=scene, rng=stream(self.seed, "thief"))

    def prepared(self, enrolled: EnrolledScheme, level: Knowledge) -> Staged:
        """As :meth:`staged`, with what the attack's preparations gave, run as the harness does."""
        staged, threat = self.staged(enrolled, level), self._threat(level)
        made: list[tuple[str, str, Prepared, Index]] = []
        for one in self.made.prepares:  # type: ignore[attr-defined]
            for name in databases(self.question, threat) if one.per_database else (NO_DATABASE,):
                evidence, subjects = steal_database(
                    self._own(enrolled), name, threat, scene=self._scene(), rng=stream(self.seed, "another order", name)
                )
                made.append((name, one.name, one.prepare(evidence, stream(self.seed, "prepare")), subjects))
        return handed(staged, made)

    def _own(self, enrolled: EnrolledScheme) -> EnrolledScheme:
        shadow = enrolled.shadow
        return replace(
            enrolled,
            scheme=copy.deepcopy(enrolled.scheme),
            shadow=replace(shadow, references=_copy(shadow.references)),
        )

    def _threat(self, level: Knowledge) -> Threat:
        return Threat(level, records=_RECORDS if getattr(self.made, "several", False) else 1, access=self.access)

    def _scene(self) -> Scene:
        return Scene(
            public=_copy(self.people.background),
            people=np.arange(len(self.people.target)),
            photos=np.stack([self.people.target.embeddings, self.people.second.embeddings], axis=1),
            candidates=_CANDIDATES,
            budget=_QUERIES[self.access] * self.people.target.embeddings.shape[1],
            operating_fmr=_OPERATING_FMR,
        )

    def answer(self, evidence: Evidence, *, attack: Attack | None = None) -> FloatArray:
        """The answer of ``attack``, by default of a new one."""
        return (attack or self.make()).answer(self.question, evidence, stream(self.seed, "attack"))

    def _enrolled(self, name: str) -> EnrolledScheme:
        scheme = registry.load("schemes", name).fit(self.people.background, seed=stream_seed(self.seed, "fit"))

        def enroll(faces: Faces, purpose: str) -> Database:
            keys = draw_keys(len(faces), stream(self.seed, purpose, "keys")) if revocable(scheme) else None
            seeds = [stream_seed(self.seed, purpose, row) for row in range(len(faces))]
            return Database(tuple(scheme.enroll(faces.embeddings, keys=keys, seeds=seeds)), keys)

        own = enroll(self.people.shadow, "shadow")
        # Shadow subjects have one photo each here, so the second enrolment uses the same one.
        again = enroll(self.people.shadow, "shadow again")
        return EnrolledScheme(
            scheme=scheme,
            first=enroll(self.people.target, "first"),
            second=enroll(self.people.second, "second"),
            shadow=Shadow(self.people.shadow, own.templates, own.keys, self.people.shadow, again.templates, again.keys),
            renewed=tuple(enroll(self.people.target, f"renewed {number}") for number in range(1, _RECORDS)),
            renewed_people=tuple(range(len(self.people.target))),
            thresholds={_OPERATING_FMR: _threshold(scheme, own, self.people.background)},
        )


class _PublicPart:
    """The public part of a scheme: ``enroll`` and the methods ``shown`` only."""

    def __init__(self, scheme: Scheme, shown: Sequence[str]) -> None:
        self.revocable = revocable(scheme)
        for method in ("enroll", *shown):
            if hasattr(scheme, method):
                setattr(self, method, getattr(scheme, method))


class _Secretive(_PublicPart):
    """A scheme with its own secrets, such as an encrypted one, with a public part for attackers without them."""

    def __init__(self, scheme: Scheme, shown: Sequence[str]) -> None:
        super().__init__(scheme, _OPTIONAL_METHODS)
        self._part = _PublicPart(scheme, shown)

    def public(self) -> _PublicPart:
        return self._part


def _threshold(scheme: Scheme, own: Database, impostors: Faces) -> float:
    scores = scheme.score(own.templates, impostors.embeddings, keys=own.keys)
    return float(np.quantile(scores, 1 - float(_OPERATING_FMR)))


def _copy(faces: Faces) -> Faces:
    return Faces(faces.embeddings, faces.identity, faces.attributes, faces.values)


def _contents(evidence: Evidence) -> dict[str, str]:
    """The content of the evidence as text, to compare before and after the attack."""
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
    question = getattr(attack, "question", None)
    if not (isinstance(question, type) and issubclass(question, Question)):
        return f"question = {getattr(attack, 'question', 'missing')!r}"
    levels = getattr(attack, "knowledge", None)
    if not isinstance(levels, tuple) or not levels or not all(isinstance(level, Knowledge) for level in levels):
        return f"knowledge = {levels!r}"
    needs = getattr(attack, "needs", ())
    if isinstance(needs, str) or not set(needs) <= set(_OPTIONAL_METHODS):
        return f"needs = {needs!r}"
    return None


def _states_preparations(trial: Trial) -> str | None:
    stated = getattr(trial.made, "prepares", ())
    if not isinstance(stated, tuple):
        return f"prepares = {stated!r}"
    for one in stated:
        if not isinstance(getattr(one, "name", None), str) or not isinstance(getattr(one, "per_database", None), bool):
            return f"{type(one).__name__} with name = {getattr(one, 'name', 'missing')!r} and per_database = " + repr(
                getattr(one, "per_database", "missing")
            )
        if not callable(getattr(one, "prepare", None)):
            return f"{type(one).__name__} without prepare"
    names = [one.name for one in stated]
    return f"two preparations of the name {max(names, key=names.count)!r}" if len(set(names)) < len(names) else None


def _prepared(trial: Trial) -> str | None:
    """Run the attack on what its preparations gave as in a run: of the templates in another order, by databases."""
    if not getattr(trial.made, "prepares", ()) or _states_preparations(trial):
        return None
    staged = trial.prepared(trial.cosine, trial.strongest)
    answer = trial.answer(staged.evidence)
    if said := wrong_shape(answer, _shape_due(trial)) or wrong_dtype(answer) or not_finite(answer):
        return said
    edge = _edge(trial, answer, trial.cosine, staged)
    return None if edge > _BREAKS else f"the answers are {edge:+.1f} standard errors from chance"


def _states_reads(trial: Trial) -> str | None:
    stated = getattr(trial.made, "reads", None)
    return None if stated in list(Reads) else f"reads = {'missing' if stated is None else repr(stated)}"


def _needs(trial: Trial) -> str | None:
    """Run the attack on a scheme whose public part has only the methods stated in ``needs``."""
    if not all(hasattr(trial.cosine.scheme, method) for method in getattr(trial.made, "needs", ())):
        return None
    try:
        answer = trial.answer(trial.staged(trial.secretive, trial.strongest).evidence)
    except Exception as error:  # an attack may raise anything
        return f"needs = {getattr(trial.made, 'needs', ())!r}, and on a scheme with no other method {raised(error)}"
    return wrong_shape(answer, _shape_due(trial)) or wrong_dtype(answer) or not_finite(answer)


def _discloses(trial: Trial) -> str | None:
    """Run the attack at ``full_disclosure``, where schemes with secrets also run attacks that list a lower level."""
    lower = {Knowledge.ALGORITHM, Knowledge.STOLEN_KEY}
    if trial.access is not Access.RECORD or not lower & set(trial.made.knowledge):
        return None  # such an attack is never run at this level
    answer = trial.answer(trial.staged(trial.secretive, Knowledge.FULL_DISCLOSURE).evidence)
    return wrong_shape(answer, _shape_due(trial)) or wrong_dtype(answer) or not_finite(answer)


def _pickles(trial: Trial) -> str | None:
    import cloudpickle  # what the worker processes use

    pickle.loads(cloudpickle.dumps(trial.made))
    return None


def _shape_due(trial: Trial) -> tuple[int, int]:
    return trial.question.shape(trial.staged(trial.cosine, trial.strongest).evidence)


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
        return None  # such an attack is never run on this scheme
    due = _shape_due(trial)
    answers = {level: trial.answer(trial.staged(trial.biohash, level).evidence) for level in trial.made.knowledge}
    return _at_levels(answers, lambda answer: wrong_shape(answer, due) or wrong_dtype(answer) or not_finite(answer))


def _deterministic(trial: Trial) -> str | None:
    return f"run twice with the same rng, {_far(trial.repeated)}" if trial.repeated > _STRICT else None


def _keeps_no_state(trial: Trial) -> str | None:
    if trial.repeated > _STRICT:  # reported by another check, and a change is then no sign of kept state
        return None
    level, attack = trial.strongest, trial.make()
    trial.answer(trial.staged(trial.noise, level).evidence, attack=attack)
    again = trial.answer(trial.staged(trial.cosine, level).evidence, attack=attack)
    distance = apart(trial.on_cosine[level], again)
    return f"run on another scheme before, {_far(distance)}" if distance > _STRICT else None


def _order(trial: Trial) -> str | None:
    evidence = trial.staged(trial.cosine, trial.strongest).evidence
    if not evidence.templates:
        return None  # no stolen templates to reorder
    rows = stream(trial.seed, "another order").permutation(len(evidence.templates))
    columns = stream(trial.seed, "another order of others").permutation(len(evidence.others))
    expected = trial.question.follows(trial.on_cosine[trial.strongest], rows, columns)
    if expected is None:
        return None
    dealt = replace(
        evidence,
        templates=tuple(evidence.templates[row] for row in rows),
        others=tuple(evidence.others[column] for column in columns),
        candidates=None if evidence.candidates is None else evidence.candidates[rows],
        renewed=tuple(replace(one, templates=tuple(one.templates[row] for row in rows)) for one in evidence.renewed),
    )
    agreement = _agreement(trial.question.comparable(expected), trial.question.comparable(trial.answer(dealt)))
    return f"with templates reordered, the answers correlate by {agreement:.2f}" if agreement < _AGREEMENT else None


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
        edge = _edge(trial, trial.on_cosine[level], trial.cosine, trial.staged(trial.cosine, level))
        return None if edge > _BREAKS else f"at {level} the answers are {edge:+.1f} standard errors from chance"

    return "; ".join(said for level in trial.made.knowledge if (said := unbroken(level))) or None


def _chance_on_noise(trial: Trial) -> str | None:
    def knowing(level: Knowledge) -> str | None:
        staged = trial.staged(trial.noise, level)
        edge = _edge(trial, trial.answer(staged.evidence), trial.noise, staged)
        return None if abs(edge) < _CHANCE else f"at {level} the answers are {edge:+.1f} standard errors from chance"

    return "; ".join(said for level in trial.made.knowledge if (said := knowing(level))) or None


def _edge(trial: Trial, answer: FloatArray, enrolled: EnrolledScheme, staged: Staged) -> float:
    """Distance of the answers from chance, in standard errors; positive is better than chance."""
    exam = Exam(trial.people.background, trial.people.target, enrolled, staged, _OPERATING_FMR)
    return trial.question.edge(answer, exam)


def _far(distance: float) -> str:
    return f"the answers differ by {distance:.1g} of their standard deviation"


CHECKS: tuple[Check[Trial], ...] = (
    Check(
        "states_question_and_knowledge",
        _states,
        "answer, question = a class that derives from mote_bench.questions.Question, such as WhichClass (the class "
        "itself), knowledge = a tuple of Knowledge levels, and needs, if stated, a tuple of names of scheme methods",
        "set the class attributes as mote_bench.contracts.Attack says; a tuple of one is written (x,)",
        needed=True,
    ),
    Check(
        "states_what_it_reads",
        _states_reads,
        f"reads = what the attack works on, one of {', '.join(Reads)} (mote_bench.contracts.Reads)",
        "set the class attribute, such as reads = Reads.RESPONSES for an attack that queries the stolen templates; "
        "Reads.BYTES is for one that never goes beyond the stored bytes",
    ),
    Check(
        "states_preparations",
        _states_preparations,
        "prepares, if stated, a tuple of objects with a name of their own, per_database = True or False, and a method "
        "prepare(evidence, rng) (mote_bench.contracts.Preparation)",
        "write prepares = (MyPreparation(),), and read what it gives by mote_bench.toolkit.with_preparations",
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
        "guard divisions and logarithms; give all classes the same value for a template without information",
        needed=True,
    ),
    Check(
        "answers_keyed_scheme",
        _keyed,
        "an answer on a scheme with keys (biohash) too, whether evidence.keys is granted or None",
        "query with mote_bench.toolkit.ask, which presents the stolen keys or, without them, one of the attacker's own",
    ),
    Check(
        "states_what_it_needs",
        _needs,
        "an answer on a scheme that, besides enrolling, has the methods in needs and no other (an encrypted one has no "
        "score without its key)",
        'state every required method, such as needs = ("score",) for queries to stolen templates, and check for '
        "optional ones with hasattr",
    ),
    Check(
        "answers_at_full_disclosure",
        _discloses,
        "an answer at full_disclosure too: there an attack at algorithm or stolen_key is also run on schemes that keep "
        "secrets",
        "decide by what the evidence holds, not by the name of the knowledge level",
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
        "answers that don't depend on earlier calls of the object",
        "keep everything learned from the evidence in local variables of answer",
    ),
    Check(
        "order_of_records",
        _order,
        "answers that follow their templates when the stolen lists are reordered",
        "treat every template alike, whatever its place; the order holds no information",
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
        "stated level; otherwise the attack counts as not measured on all schemes",
        "strengthen the attack, check that higher means more likely, and state only levels at which it can succeed",
    ),
    Check(
        "breaks_cosine_when_prepared",
        _prepared,
        "as good an answer on cosine from what its preparations gave as in a run: one database at a time, with the "
        "templates in another order than in the evidence of answer",
        "give per_template a row per template in their order and put all else in common; draw nothing by row",
    ),
    Check(
        "stands_at_chance_on_noise",
        _chance_on_noise,
        f"an answer on noise, which holds nothing, within {_CHANCE:g} standard errors of chance",
        "compute the answer from `evidence` only: any other source of the truth is a leak of the harness or the attack",
    ),
)
