"""The checks of a question against its contract; the entry point is :mod:`mote_bench.testing`."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from mote_bench import registry
from mote_bench.conformance.findings import Check, FacesError
from mote_bench.contracts import CEILING, Faces, FloatArray, InputError, Knowledge, Shadow, Threat
from mote_bench.engine import scoring, tasks
from mote_bench.engine.evidence import steal, verification_targets
from mote_bench.metrics.measured import Measured
from mote_bench.planning import protocol
from mote_bench.planning.split import Split, split
from mote_bench.questions import Exam, Question
from mote_bench.questions.harness import HARNESS
from mote_bench.questions.installed import claimant
from mote_bench.questions.staging import (
    Attacked,
    Case,
    Database,
    EnrolledScheme,
    Rules,
    Scene,
    Staged,
    VerificationTargets,
)
from mote_bench.toolkit import stream, stream_seed

_PROTOCOL = "quick-1"
_GUESSES = 20
_MOST_LUCKY = 4
"""Out of 20 guesses, at 2.5 % each: more than this happens by chance for one question in six thousand."""
_CHANCE = 4.0
"""Standard errors, as for attacks."""
_THREAT = Threat(Knowledge.ALGORITHM)


@dataclass(frozen=True, eq=False)
class Trial:
    """A question under test, posed about generated people who are enrolled with the ceiling control."""

    kind: type[Question]
    faces: Faces
    seed: int

    @cached_property
    def protocol(self) -> protocol.Protocol:
        return protocol.load(_PROTOCOL)

    @cached_property
    def split(self) -> Split:
        return split(self.faces, self.protocol, seed=self.seed)

    @cached_property
    def question(self) -> Question:
        """The first question that is offered."""
        return self.kind.offered(self.split, self.protocol).questions[0]

    @cached_property
    def enrolled(self) -> EnrolledScheme:
        parts = self.split
        scheme = registry.load("schemes", CEILING).fit(parts.background, seed=self.seed)

        def enroll(people: Faces | None, purpose: str) -> Database:
            if people is None:
                return Database((), None)
            seeds = [stream_seed(self.seed, purpose, row) for row in range(len(people))]
            return Database(tuple(scheme.enroll(people.embeddings, keys=None, seeds=seeds)), None)

        own, again = enroll(parts.shadow.references, "shadow"), enroll(parts.shadow.seconds, "shadow again")
        scores = scheme.score(own.templates, parts.background.embeddings, keys=None)
        return EnrolledScheme(
            scheme=scheme,
            first=enroll(parts.target.references, "first") + enroll(parts.selection.references, "first of rehearsal"),
            second=enroll(parts.target.seconds, "second") + enroll(parts.selection.seconds, "second of rehearsal"),
            shadow=Shadow(parts.shadow.references, own.templates, None, parts.shadow.seconds, again.templates, None),
            thresholds={rate: float(np.quantile(scores, 1 - float(rate))) for rate in self.protocol.fmr},
        )

    @cached_property
    def scene(self) -> Scene:
        parts = (self.split.target, self.split.selection)
        return Scene(
            public=self.split.public,
            people=np.flatnonzero(np.concatenate([self.question.answerable(part.references) for part in parts])),
            photos=self.question.candidates(self.split),
            candidates=self.protocol.member_candidates,
            operating_fmr=self.protocol.operating_fmr,
        )

    @cached_property
    def rules(self) -> Rules:
        return Rules(scoring.unprotected(self.split, self.protocol.fmr), self.enrolled.thresholds)

    @cached_property
    def scene_of_targets(self) -> Scene:
        """The scene in which target subjects alone are attacked."""
        people = np.asarray(self.scene.people)
        return replace(self.scene, people=people[people < len(self.split.target.references)])

    def staged(self, scene: Scene | None = None) -> tuple[Staged, VerificationTargets | None]:
        """The staged evidence (the same each time), and the templates to verify reconstructions against."""
        rng = stream(self.seed, "theft")
        stolen = steal(self.enrolled, self.question, _THREAT, scene=scene or self.scene, rng=rng)
        return stolen, verification_targets(self.enrolled, self.question, _THREAT, stolen=stolen, rng=rng)

    def guess(self, number: int = 0) -> FloatArray:
        """A random answer."""
        rng = stream(self.seed, "guess", number)
        return rng.standard_normal(self.question.shape(self.staged()[0].evidence))

    def measured(self, answer: FloatArray, scene: Scene | None = None) -> Measured:
        """The measures of an answer on the target subjects."""
        stolen, where = self.staged(scene)
        attacked = Attacked(answer, None, tasks.shown(self.question, answer, where))
        case = Case(attacked, stolen, scoring.panels(self.split)[0], self.rules)
        return self.question.measure(case, stream(self.seed, "judge"))


def posed(question: type[Question], faces: Faces, seed: int) -> Trial:
    """The trial of a question on faces that can be split, so that faces which can't are no fault of the question.

    Raises
    ------
    InputError
        When the faces have no identities, or too few people with enough photos.
    """
    if faces.identity is None:
        raise FacesError("the faces have no identities; expected `identity`, or leave `faces` out.")
    trial = Trial(question, faces, seed)
    try:
        trial.split  # noqa: B018
    except InputError as error:
        raise FacesError(str(error)) from None
    return trial


def _states(trial: Trial) -> str | None:
    kind: Any = trial.kind  # whatever it was given
    if not (isinstance(kind, type) and issubclass(kind, Question) and hasattr(kind, "__dataclass_fields__")):
        return f"{trial.kind!r:.80}"
    stated: dict[str, Any] = {part: getattr(trial.kind, part, None) for part in ("asks", "breaks_by", "ceiling")}
    for part, value in stated.items():
        if not isinstance(value, str):
            return f"{part} = {value!r}"
    known = [entry.name for entry in registry.names("schemes")]
    return None if stated["ceiling"] in known else f"ceiling = {stated['ceiling']!r}, which is no registered scheme"


def _offered(trial: Trial) -> str | None:
    offer = trial.kind.offered(trial.split, trial.protocol)
    if not offer.questions:
        said = "; ".join(f"{name}: {why}" for name, why in offer.refused.items()) or "nothing refused"
        return f"no question of these people, who have {_held(trial.faces)}; {said}"
    again = trial.kind.offered(trial.split, trial.protocol)
    return None if again.questions == offer.questions else "other questions the second time"


def _held(faces: Faces) -> str:
    """The attributes of the faces: ``the classes age, gender and the numbers years``."""
    kinds = (("classes", sorted(faces.attributes)), ("numbers", sorted(faces.values)))
    return " and ".join(f"the {kind} {', '.join(names)}" for kind, names in kinds if names) or "no attributes"


def _named(trial: Trial) -> str | None:
    name, other = trial.question.name, claimant(trial.question.name)
    if name in HARNESS:
        return f"'{name}', which the harness answers itself"
    if other is not None and (other.__module__, other.__qualname__) != (trial.kind.__module__, trial.kind.__qualname__):
        return f"'{name}', which is the name of {other.__module__}.{other.__qualname__}"
    if trial.kind.id and not trial.kind.claims(name):
        return f"'{name}', for which its own claims returns False"
    return None


def _pickles(trial: Trial) -> str | None:
    import cloudpickle  # what the worker processes use

    again = pickle.loads(cloudpickle.dumps(trial.question))
    return None if again == trial.question else f"{again!r:.80} after {trial.question!r:.80}"


def _deals(trial: Trial) -> str | None:
    (one, _), (other, _) = trial.staged(), trial.staged()
    same = (
        one.evidence.templates == other.evidence.templates
        and np.array_equal(one.truth, other.truth)
        and np.array_equal(_candidates(one), _candidates(other))
    )
    return None if same else "other evidence or another truth from the same generator"


def _candidates(staged: Staged) -> FloatArray:
    return np.empty(0) if staged.evidence.candidates is None else staged.evidence.candidates


def _shape(trial: Trial) -> str | None:
    shape: object = trial.question.shape(trial.staged()[0].evidence)
    fits = isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(n, int) and n > 0 for n in shape)
    return None if fits else f"{shape!r}"


def _measures(trial: Trial) -> str | None:
    measured = trial.measured(trial.guess())
    if not measured.measurements:
        return "no measurements"
    for one in measured.measurements:
        if not np.isfinite([one.value, one.low, one.high]).all() or not one.low <= one.value <= one.high or one.n < 1:
            return f"{one.name} = {one.value} in [{one.low}, {one.high}] on {one.n} people"
    json.dumps(measured.details, allow_nan=False)
    return None


def _same_figures(trial: Trial) -> str | None:
    first, second = (trial.measured(trial.guess()).measurements for _ in range(2))
    return None if first == second else "other figures of the same answer, with the same generator"


def _described(trial: Trial) -> str | None:
    from mote_bench.metrics import catalogue

    metrics = [one.name for one in trial.measured(trial.guess()).measurements]
    rows = [*trial.kind.metrics, *(row for row in catalogue.METRICS if trial.kind.kind() in row.questions)]
    unknown = [metric for metric in metrics if catalogue.row(metric, rows) is None]
    return f"{', '.join(unknown)} without a row that describes it" if unknown else None


def _headline(trial: Trial) -> str | None:
    metrics = {one.name for one in trial.measured(trial.guess()).measurements}
    rate = max(trial.protocol.fmr, key=float)
    headline, beside = trial.kind.reading(lambda family: rate if any(one.startswith(family) for one in metrics) else "")
    missing = [one for one in (headline, *beside, trial.kind.breaks_by) if one not in metrics]
    return f"{', '.join(missing)}, which isn't measured" if missing else None


def _guesses_break_nothing(trial: Trial) -> str | None:
    measured = (trial.measured(trial.guess(number)).measurements for number in range(_GUESSES))
    lucky = sum(trial.kind.breaks({one.name: one for one in figures}) for figures in measured)
    return None if lucky <= _MOST_LUCKY else f"{lucky} of {_GUESSES} guesses beat chance"


def _examined(trial: Trial) -> tuple[Question, Exam]:
    """An example of the question and its truth, as the conformance kit for attacks poses it: about target subjects."""
    target = trial.split.target.references
    example = trial.kind.example(target, trial.split.shadow.references)
    photos, people = example.candidates(trial.split), np.flatnonzero(example.answerable(target))
    scene = Scene(trial.split.public, people, photos, trial.protocol.member_candidates)
    stolen = steal(trial.enrolled, example, _THREAT, scene=scene, rng=stream(trial.seed, "theft"))
    fmr = max(trial.protocol.fmr, key=float)
    return example, Exam(trial.split.background, target, trial.enrolled, stolen, fmr)


def _guesses_have_no_edge(trial: Trial) -> str | None:
    """One-sided: random embeddings that no system accepts do worse than non-mated faces, which define chance."""
    example, exam = _examined(trial)
    answer = stream(trial.seed, "guess").standard_normal(example.shape(exam.staged.evidence))
    edge = example.edge(answer, exam)
    return None if edge < _CHANCE else f"a guess {edge:+.1f} standard errors from chance"


def _best_has_an_edge(trial: Trial) -> str | None:
    example, exam = _examined(trial)
    best = example.best_answer(exam.staged, trial.split.target)
    if best is None:
        return None
    shape = example.shape(exam.staged.evidence)
    if np.shape(best) != shape or not np.isfinite(best).all():
        return f"a best answer of shape {np.shape(best)}, finite: {np.isfinite(best).all()}; an answer has {shape}"
    edge = example.edge(best, exam)
    return None if edge >= _CHANCE else f"a best answer {edge:+.1f} standard errors from chance"


def _best_breaks(trial: Trial) -> str | None:
    """On the ceiling control, by the figures of a run."""
    best = trial.question.best_answer(trial.staged(trial.scene_of_targets)[0], trial.split.target)
    if best is None:
        return None
    figures = {one.name: one for one in trial.measured(best, trial.scene_of_targets).measurements}
    if trial.kind.breaks(figures):
        return None
    one = figures.get(trial.kind.breaks_by)
    return f"a best answer with {trial.kind.breaks_by} " + (
        "not measured" if one is None else f"= {one.value:g} in [{one.low:g}, {one.high:g}], by chance {one.chance}"
    )


CHECKS: tuple[Check[Trial], ...] = (
    Check(
        "states_its_rules",
        _states,
        "a frozen dataclass that derives from mote_bench.questions.Question, with asks, breaks_by and the name of a "
        "registered scheme as ceiling",
        "set the class attributes that mote_bench.questions.Question lists",
        needed=True,
    ),
    Check(
        "offered",
        _offered,
        "the same questions each time, one or more, for the people that it is tried on",
        "return Offer((cls(...),)) from offered, and draw nothing at random in it",
        needed=True,
    ),
    Check(
        "has_a_name_of_its_own",
        _named,
        "a name that no other question has, and for which its own claims returns True",
        "give it its own id, or override name and claims together",
    ),
    Check(
        "pickles",
        _pickles,
        "a question that can be sent to the worker processes and is equal afterwards",
        "use numbers, texts and tuples of these as its fields",
    ),
    Check(
        "deals_the_same",
        _deals,
        "the same evidence and the same truth from the same generator",
        "draw only from the `rng` that dealt is given",
    ),
    Check(
        "answer_shape",
        _shape,
        "the shape of an answer as two positive ints",
        "compute it from the evidence, such as (evidence.people, 1)",
        needed=True,
    ),
    Check(
        "measures",
        _measures,
        "finite figures for any answer, each inside its interval, and details that JSON can hold",
        "leave out undefined metrics, and turn arrays into lists",
        needed=True,
    ),
    Check(
        "measures_the_same",
        _same_figures,
        "the same figures for the same answer",
        "draw only from the `rng` that measure is given",
    ),
    Check(
        "describes_its_metrics",
        _described,
        "a row of the catalogue, or of the question's own metrics, for every metric that it measures",
        "add mote_bench.questions.Metric rows to its metrics",
    ),
    Check(
        "headline_is_measured",
        _headline,
        "a headline, metrics beside it and a breaks_by that are measured",
        "name them as measure does",
    ),
    Check(
        "guesses_break_nothing",
        _guesses_break_nothing,
        f"that at most {_MOST_LUCKY} of {_GUESSES} guesses beat chance by their interval",
        "give the headline's measurement its chance, and an interval that covers",
    ),
    Check(
        "guesses_have_no_edge",
        _guesses_have_no_edge,
        f"an edge of less than {_CHANCE:g} standard errors for a guess",
        "let edge compare the answer with the truth about staged.people, in their order",
    ),
    Check(
        "best_answer_has_an_edge",
        _best_has_an_edge,
        f"an edge of at least {_CHANCE:g} standard errors for the best answer, or no best answer",
        "let best_answer give the truth about staged.people, in their order; higher must be likelier for edge too",
    ),
    Check(
        "best_answer_beats_chance",
        _best_breaks,
        "figures of the best answer by which an attack succeeds on the ceiling control, or no best answer",
        "let measure compare the answer with the truth about case.people, and breaks_by name a metric that shows it",
    ),
)
