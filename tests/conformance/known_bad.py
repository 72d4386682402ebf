"""Schemes and attacks that each break exactly one part of their contract; the class names say which check."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from mote_bench.conformance import attacks as attack_checks
from mote_bench.contracts import (
    NOT_ENROLLED,
    Embedded,
    Evidence,
    Faces,
    FloatArray,
    HalfSpaces,
    Key,
    Knowledge,
    Linear,
    NonLinear,
    Prepared,
    Reads,
    Template,
)
from mote_bench.questions import SamePerson, WhichClass, WhichFace
from mote_bench.toolkit import ask, class_index, numbers, stream, unit, with_preparations


class Sound:
    """The vector itself, as float32: the good scheme that each of the bad ones spoils in one place."""

    def fit(self, background: Faces, *, seed: int) -> Self:
        self.mean = background.embeddings.mean(axis=0)
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return [row.astype("<f4").tobytes() for row in references]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.asarray(self.read(templates) @ probes.T)

    def read(self, templates: Sequence[Template]) -> FloatArray:
        if any(len(template) != 4 * len(self.mean) for template in templates):
            raise ValueError("a template has a wrong length")
        vectors = np.frombuffer(b"".join(templates), dtype="<f4").reshape(len(templates), -1)
        if not (np.abs(vectors) <= 2).all():
            raise ValueError("a template is no unit vector")
        return vectors


class IsNotAScheme:
    def fit(self, background: Faces, *, seed: int) -> Self:
        return self

    def enroll(self, references: FloatArray, *, keys: object, seeds: object) -> list[Template]:
        return []


class WantsArguments(Sound):
    def __init__(self, size: int) -> None:
        self.size = size


class FitReturnsNothing(Sound):
    def fit(self, background: Faces, *, seed: int) -> Self:
        super().fit(background, seed=seed)
        return None  # type: ignore[return-value]


class FitNeedsIdentityUnsaid(Sound):
    def fit(self, background: Faces, *, seed: int) -> Self:
        assert background.identity is not None
        return super().fit(background, seed=seed)


class HoldsALock(Sound):
    def __init__(self) -> None:
        self.lock = threading.Lock()


class EnrollsArrays(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return list(references)  # type: ignore[arg-type]


class EnrollsOneForAll(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return super().enroll(references, keys=keys, seeds=seeds)[:1]


class WantsKeysUnsaid(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        assert keys is not None
        return super().enroll(references, keys=keys, seeds=seeds)


class RefusesAll(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return [NOT_ENROLLED for _ in references]


class RefusesWhoIsAlone(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        made = super().enroll(references, keys=keys, seeds=seeds)
        return made if len(made) > 1 else [NOT_ENROLLED]


class ScoresTransposed(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return super().score(templates, probes, keys=keys).T


class ScoresSqueezed(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return super().score(templates, probes, keys=keys).squeeze()


class ScoresIntegers(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return (1000 * super().score(templates, probes, keys=keys)).astype(np.int64)  # type: ignore[return-value]


class ScoresNaN(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        scores = super().score(templates, probes, keys=keys)
        return np.where(scores > 0, scores, np.nan)


class ScoresDistance(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return 1 - super().score(templates, probes, keys=keys)


class HoldsNothing(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        drawn = np.stack([stream(seed, "nothing").standard_normal(references.shape[1]) for seed in seeds])
        return super().enroll(unit(drawn), keys=keys, seeds=seeds)


class SaltsFromTheSystem(Sound):
    """The salt isn't drawn from the seed; nor is it used, so that the scores stay the same."""

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return [template + os.urandom(8) for template in super().enroll(references, keys=keys, seeds=seeds)]

    def read(self, templates: Sequence[Template]) -> FloatArray:
        if any(len(template) != 4 * len(self.mean) + 8 for template in templates):
            raise ValueError("a template has a wrong length")
        return super().read([template[:-8] for template in templates])


class FitsUnseeded(Sound):
    """A projection that every new object draws anew: only another fit shows it."""

    def fit(self, background: Faces, *, seed: int) -> Self:
        dimension = background.embeddings.shape[1]
        self.projection = np.random.default_rng().standard_normal((dimension, 16)).astype(np.float32)
        return super().fit(background, seed=seed)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.asarray(self.read(templates) @ self.projection @ self.projection.T @ probes.T)


class CentresOnTheBatch(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return super().enroll(references - references.mean(axis=0), keys=keys, seeds=seeds)


class SortsBySeed(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        return super().enroll(references[np.argsort(seeds)], keys=keys, seeds=seeds)


class NormalisesOverProbes(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        scores = super().score(templates, probes, keys=keys)
        return np.asarray(scores - scores.mean(axis=1, keepdims=True))


class NormalisesOverTemplates(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        scores = super().score(templates, probes, keys=keys)
        return np.asarray(scores - scores.mean(axis=0))


class RemembersFacesInTheClass(Sound):
    """The template is a number; the face stays in a table that an attacker with the database wouldn't get."""

    faces: ClassVar[dict[Template, FloatArray]] = {}

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        names = [seed.to_bytes(8, "little") for seed in seeds]
        self.faces.update(zip(names, references, strict=True))
        return names

    def read(self, templates: Sequence[Template]) -> FloatArray:
        if any(template not in self.faces for template in templates):
            raise ValueError("an unknown template")
        return np.stack([self.faces[template] for template in templates])


class RemembersFacesInTheObject(RemembersFacesInTheClass):
    def __init__(self) -> None:
        self.faces = {}  # type: ignore[misc]


class IgnoresKeys(Sound):
    revocable = True


class ReadsBrokenTemplates(Sound):
    """Cuts and pads whatever it is given."""

    def read(self, templates: Sequence[Template]) -> FloatArray:
        size = 4 * len(self.mean)
        padded = b"".join(template[:size].ljust(size, b"\0") for template in templates)
        return np.nan_to_num(np.frombuffer(padded, dtype="<f4").reshape(len(templates), -1).clip(-2, 2))


class ReadsTheFirstLengthOnly(Sound):
    """Joined bytes of a right total length are cut anew: a record that is too long spills into the next."""

    def read(self, templates: Sequence[Template]) -> FloatArray:
        joined = b"".join(templates)
        if len(joined) != 4 * len(self.mean) * len(templates):
            raise ValueError("the templates have a wrong length")
        return np.nan_to_num(np.frombuffer(joined, dtype="<f4").reshape(len(templates), -1).clip(-2, 2))


class RaisesKeyErrorOnBrokenTemplates(Sound):
    def read(self, templates: Sequence[Template]) -> FloatArray:
        try:
            return super().read(templates)
        except ValueError as error:
            raise KeyError(str(error)) from error


class AnswersNaNToGarbage(Sound):
    def read(self, templates: Sequence[Template]) -> FloatArray:
        if any(len(template) != 4 * len(self.mean) for template in templates):
            raise ValueError("a template has a wrong length")
        return np.frombuffer(b"".join(templates), dtype="<f4").reshape(len(templates), -1)


class DecidesHalfway(Sound):
    decides = True

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.maximum(super().score(templates, probes, keys=keys), 0)


class UnlocksForAnybody(Sound):
    decides = True

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.asarray(super().score(templates, probes, keys=keys) > 0.5, dtype=np.float32)

    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> list[Linear | None]:
        return [Linear(np.eye(len(row)), row, 0.1) for row in self.read(templates)]


class UnlocksForNobody(UnlocksForAnybody):
    def unlock(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None
    ) -> list[Linear | None]:
        return [None] * len(templates)


class LinksTheUnlike(Sound):
    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        return np.asarray(-self.read(templates) @ self.read(others).T)


class LinksOthersInRows(Sound):
    def link(self, templates: Sequence[Template], others: Sequence[Template]) -> FloatArray:
        return np.asarray(self.read(others) @ self.read(templates).T)


class SolvesOneOfSeveral(Sound):
    def solve_several(
        self, records: Sequence[Sequence[Template]], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        return self.read(records[0])[:1]


class SolvesSeveralFromItsOwnChance(Sound):
    def solve_several(
        self, records: Sequence[Sequence[Template]], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        return np.asarray(np.random.default_rng().standard_normal(self.read(records[0]).shape))


class DriftsWithEveryScore(Sound):
    calls = 0

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        self.calls += 1
        return super().score(templates, probes, keys=keys) + np.float32(1e-4 * self.calls)


class NormalisesProbesInPlace(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        probes -= self.mean
        return super().score(templates, probes, keys=keys)


class EmptiesTheList(Sound):
    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        scores = super().score(templates, probes, keys=keys)
        templates.clear()  # type: ignore[attr-defined]
        return scores


class SeedsNumpyForAll(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        rows = []
        for reference, seed in zip(references, seeds, strict=True):
            np.random.seed(seed % 2**32)  # noqa: NPY002 what is to be caught
            rows.append(reference + 0.001 * np.random.standard_normal(len(reference)))  # noqa: NPY002
        return super().enroll(np.stack(rows), keys=keys, seeds=seeds)


class SeedsTorchForAll(Sound):
    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        import torch

        for seed in seeds:
            torch.manual_seed(seed)
        return super().enroll(references, keys=keys, seeds=seeds)


class GrowsWithPeople(Sound):
    """As many padding bytes as people stand before it; only the size gives it away."""

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        vectors = super().enroll(references, keys=keys, seeds=seeds)
        return [bytes([row]) + vector + bytes(100 * row) for row, vector in enumerate(vectors)]

    def read(self, templates: Sequence[Template]) -> FloatArray:
        size = 4 * len(self.mean)
        if any(not template or len(template) != 1 + size + 100 * template[0] for template in templates):
            raise ValueError("a template has a wrong length")
        return super().read([template[1 : 1 + size] for template in templates])


class ReconstructsOneFace(Sound):
    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        return self.read(templates)[0]


class SolvesWithTheCompany(Sound):
    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        found = self.read(templates)
        return np.asarray(found - found.mean(axis=0))


class SolvesByRow(Sound):
    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        found = self.read(templates)
        return np.asarray(found + 0.1 * rng.standard_normal(found.shape))


class SolvesFromItsOwnChance(Sound):
    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        return np.asarray(self.read(templates) + 0.1 * np.random.default_rng().standard_normal(len(self.mean)))


class SolvesOneTemplate(Sound):
    def solve_without_keys(
        self, templates: Sequence[Template], *, prior: Faces, rng: np.random.Generator
    ) -> FloatArray:
        return self.read(templates)[0]


class SurrogateWithoutGradient(Sound):
    def surrogate(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Any:
        import torch

        stored = torch.from_numpy(self.read(templates).copy())[:, None]
        return lambda probes: (stored * probes.detach()).sum(-1)


class SurrogateOfBits(Sound):
    """Rounded on the way: a gradient there is, and it is zero."""

    def surrogate(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Any:
        import torch

        stored = torch.from_numpy(self.read(templates).copy())[:, None]
        return lambda probes: (100 * stored * probes).sum(-1).round()


class SurrogateOfDistance(Sound):
    def surrogate(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Any:
        import torch

        stored = torch.from_numpy(self.read(templates).copy())[:, None]
        return lambda probes: -(stored * probes).sum(-1)


class LikelihoodOfTheOtherSide(Sound):
    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> list[HalfSpaces]:
        return [HalfSpaces(-np.diag(np.sign(row)), np.zeros(len(row))) for row in self.read(templates)]


class LikelihoodOfOtherValues(Sound):
    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> list[Linear]:
        return [Linear(np.eye(len(row)), 2 * row, 0.01) for row in self.read(templates)]


class LikelihoodOfAnotherFunction(Sound):
    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> list[NonLinear]:
        return [NonLinear(lambda faces: faces**3, row, 0.01) for row in self.read(templates)]


BAD_SCHEMES: dict[type, str] = {
    IsNotAScheme: "is_a_scheme",
    WantsArguments: "is_a_scheme",
    FitReturnsNothing: "fit_returns_itself",
    FitNeedsIdentityUnsaid: "fit_returns_itself",
    HoldsALock: "pickles",
    EnrollsArrays: "enroll_returns_bytes",
    EnrollsOneForAll: "enroll_returns_bytes",
    WantsKeysUnsaid: "enroll_returns_bytes",
    ScoresTransposed: "score_shape",
    ScoresSqueezed: "score_shape",
    ScoresIntegers: "score_dtype",
    ScoresNaN: "score_finite",
    ScoresDistance: "higher_is_more_alike",
    HoldsNothing: "recognises",
    SaltsFromTheSystem: "deterministic",
    FitsUnseeded: "deterministic",
    CentresOnTheBatch: "enrols_alone_as_together",
    SortsBySeed: "order_of_people",
    NormalisesOverProbes: "scores_alone_as_together",
    NormalisesOverTemplates: "scores_alone_as_together",
    RemembersFacesInTheClass: "bytes_hold_everything",
    RemembersFacesInTheObject: "bytes_hold_everything",
    IgnoresKeys: "key_matters",
    RefusesAll: "enrols_enough",
    RefusesWhoIsAlone: "refuses_alone_as_together",
    ReadsBrokenTemplates: "refuses_broken_templates",
    ReadsTheFirstLengthOnly: "refuses_broken_templates",
    RaisesKeyErrorOnBrokenTemplates: "refuses_broken_templates",
    AnswersNaNToGarbage: "refuses_broken_templates",
    DecidesHalfway: "decides_by_itself",
    DriftsWithEveryScore: "scores_alike_twice",
    NormalisesProbesInPlace: "leaves_inputs_alone",
    EmptiesTheList: "leaves_inputs_alone",
    SeedsNumpyForAll: "leaves_global_generators_alone",
    SeedsTorchForAll: "leaves_global_generators_alone",
    GrowsWithPeople: "size_is_honest",
    ReconstructsOneFace: "reconstruct_shape",
    LikelihoodOfTheOtherSide: "likelihood_holds_the_face",
    LikelihoodOfOtherValues: "likelihood_holds_the_face",
    LikelihoodOfAnotherFunction: "likelihood_holds_the_face",
    UnlocksForAnybody: "unlocks_what_it_accepts",
    UnlocksForNobody: "unlocks_what_it_accepts",
    LinksTheUnlike: "links_templates",
    LinksOthersInRows: "links_templates",
    SolvesOneOfSeveral: "solves_several",
    SolvesSeveralFromItsOwnChance: "solves_several",
    SolvesOneTemplate: "solves_without_keys",
    SolvesWithTheCompany: "solves_without_keys",
    SolvesByRow: "solves_without_keys",
    SolvesFromItsOwnChance: "solves_without_keys",
    SurrogateWithoutGradient: "surrogate_differentiable",
    SurrogateOfBits: "surrogate_differentiable",
    SurrogateOfDistance: "surrogate_orders_as_score",
}
"""Each bad scheme, and the one check that must catch it."""


class SoundLinker:
    """Compares stolen bytes across two databases: the good attack on SamePerson."""

    question: Any = SamePerson
    knowledge: Any = (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM)
    reads: Any = Reads.BYTES

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        rows = unit(numbers([*evidence.templates, *evidence.others]))
        return np.asarray(rows[: len(evidence.templates)] @ rows[len(evidence.templates) :].T)


class SoundInverter:
    """The closed form, a good attack on WhichFace."""

    question: Any = WhichFace
    knowledge: Any = (Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)
    reads: Any = Reads.CLOSED_FORM
    needs: Any = ("reconstruct",)

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        scheme: Any = evidence.scheme
        own = (bytes(32),) * len(evidence.templates)
        return np.asarray(scheme.reconstruct(evidence.templates, keys=evidence.keys or own))


class SoundClassifier:
    """Nearest class mean of the attacker's own templates: a good attack on WhichClass."""

    question: Any = WhichClass
    knowledge: Any = (Knowledge.ALGORITHM,)
    reads: Any = Reads.BYTES

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        assert evidence.shadow is not None
        labels = evidence.shadow.references.attributes[question.attribute]
        rows = numbers([*evidence.templates, *evidence.shadow.templates]).astype(np.float64)
        stolen, shadow = rows[: len(evidence.templates)], rows[len(evidence.templates) :]
        means = np.stack([shadow[labels == label].mean(axis=0) for label in question.classes])
        return -np.asarray(((stolen[:, None] - means) ** 2).sum(axis=-1))


class RowsOfBytes:
    """A sound preparation: the numbers in the bytes, a row per template."""

    name, per_database = "rows of bytes", True

    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        return Prepared({"rows": numbers(evidence.templates)})


class SoundPreparedLinker:
    """As :class:`SoundLinker`, from what is prepared of both databases."""

    question: Any = SamePerson
    knowledge: Any = (Knowledge.ALGORITHM,)
    reads: Any = Reads.BYTES
    prepares: Any = (RowsOfBytes(),)

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        done = with_preparations(evidence, self.prepares, rng)
        databases = (done.prepared, done.other_prepared)
        left, right = (unit(one["rows of bytes"].per_template["rows"]) for one in databases)
        return np.asarray(left @ right.T)


class PreparesAList(SoundClassifier):
    prepares = [RowsOfBytes()]  # noqa: RUF012 what is to be caught


class PreparesUnnamed(SoundClassifier):
    prepares = (object(),)


class RowsInCommon(RowsOfBytes):
    def prepare(self, evidence: Evidence, rng: np.random.Generator) -> Prepared:
        return Prepared(common={"rows": numbers(evidence.templates)})


class PutsRowsInCommon(SoundClassifier):
    """Rows in common don't follow the templates when the harness puts these into the order of an attack's evidence."""

    prepares = (RowsInCommon(),)

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        assert evidence.shadow is not None
        stolen = with_preparations(evidence, self.prepares, rng).prepared["rows of bytes"].common["rows"]
        as_bytes = tuple(row.astype("<f4").tobytes() for row in stolen)
        return super().answer(question, replace(evidence, templates=as_bytes), rng)


class AsksNoQuestion(SoundClassifier):
    question = "gender"


class KnowsAWord(SoundClassifier):
    knowledge = Knowledge.ALGORITHM


class NeedsAWord(SoundInverter):
    needs = "reconstruct"


class ReadsNothing(SoundClassifier):
    reads = None


class ReadsAWord(SoundClassifier):
    reads = "the bytes"


class QueriesWithoutSayingSo(SoundClassifier):
    """What the scaffold's attack of the first edition did: it calls ``score`` and doesn't state it."""

    reads = Reads.RESPONSES

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        assert evidence.public is not None
        ask(evidence, evidence.public.embeddings[:20], rng)
        return super().answer(question, evidence, rng)


class DecodesWithoutSayingSo(SoundInverter):
    needs = ()


class KnowsItsOwnLevelsOnly(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        sign = {Knowledge.ALGORITHM: 1}[evidence.knowledge]
        return sign * super().answer(question, evidence, rng)


class AttackHoldsALock(SoundClassifier):
    def __init__(self) -> None:
        self.lock = threading.Lock()


class AnswersTransposed(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        return super().answer(question, evidence, rng).T


class AnswersLabels(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        best = super().answer(question, evidence, rng).argmax(axis=1)
        return np.eye(len(question.classes), dtype=np.int64)[best]  # type: ignore[return-value]


class AnswersNaN(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        answer = super().answer(question, evidence, rng)
        answer[-1] = np.nan
        return answer


class ForgetsTheKeys(SoundInverter):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        scheme: Any = evidence.scheme
        return np.asarray(scheme.reconstruct(evidence.templates, keys=evidence.keys))


class DrawsFromTheSystem(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        answer = super().answer(question, evidence, rng)
        return answer + 0.01 * answer.std() * np.random.default_rng().standard_normal(answer.shape)


class RemembersTheShadow(SoundClassifier):
    first: Evidence | None = None

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        self.first = self.first or evidence
        bias = 0.01 * float(numbers(self.first.templates).mean())
        return super().answer(question, evidence, rng) + np.array([bias, 0.0])


class FavoursThePlace(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        answer = super().answer(question, evidence, rng)
        place = np.linspace(-1, 1, len(answer))[:, None] * np.array([1, -1])
        return answer + answer.std() * place


class RefitsTheScheme(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        assert evidence.scheme is not None
        evidence.scheme.attacked = True  # type: ignore[attr-defined]
        return super().answer(question, evidence, rng)


class ScalesPublicFaces(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        assert evidence.public is not None
        embeddings = evidence.public.embeddings
        embeddings.setflags(write=True)
        embeddings *= 2
        return super().answer(question, evidence, rng)


class AttackSeedsNumpyForAll(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        np.random.seed(0)  # noqa: NPY002 what is to be caught
        return super().answer(question, evidence, rng)


class Guesses(SoundClassifier):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        drawn = [stream(0, template.hex()).standard_normal(len(question.classes)) for template in evidence.templates]
        return np.stack(drawn)


class AnswersTheOpposite(SoundLinker):
    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        return -super().answer(question, evidence, rng)


class WasToldTheTruth(SoundClassifier):
    """Knows whose every template is, as a harness that leaks its truth would let it."""

    def __init__(self, trial: attack_checks.Trial) -> None:
        people = trial.people.target
        labels = class_index(people.attributes["gender"], ("female", "male"))
        enrolled = (trial.cosine, trial.noise, trial.biohash)
        self.known = {
            template: label for one in enrolled for template, label in zip(one.first.templates, labels, strict=True)
        }

    def answer(self, question: Any, evidence: Evidence, rng: np.random.Generator) -> FloatArray:
        return np.eye(2)[[self.known[template] for template in evidence.templates]]


BAD_ATTACKS: dict[type, str] = {
    AsksNoQuestion: "states_question_and_knowledge",
    KnowsAWord: "states_question_and_knowledge",
    NeedsAWord: "states_question_and_knowledge",
    ReadsNothing: "states_what_it_reads",
    ReadsAWord: "states_what_it_reads",
    PreparesAList: "states_preparations",
    PreparesUnnamed: "states_preparations",
    PutsRowsInCommon: "breaks_cosine_when_prepared",
    QueriesWithoutSayingSo: "states_what_it_needs",
    DecodesWithoutSayingSo: "states_what_it_needs",
    KnowsItsOwnLevelsOnly: "answers_at_full_disclosure",
    AttackHoldsALock: "pickles",
    AnswersTransposed: "answer_shape",
    AnswersLabels: "answer_shape",
    AnswersNaN: "answer_finite",
    ForgetsTheKeys: "answers_keyed_scheme",
    DrawsFromTheSystem: "deterministic",
    RemembersTheShadow: "keeps_no_state",
    FavoursThePlace: "order_of_records",
    RefitsTheScheme: "leaves_evidence_alone",
    ScalesPublicFaces: "leaves_evidence_alone",
    AttackSeedsNumpyForAll: "leaves_global_generators_alone",
    Guesses: "breaks_cosine",
    AnswersTheOpposite: "breaks_cosine",
}
"""Each bad attack, and the one check that must catch it. :class:`WasToldTheTruth` needs a trial to be told."""


class SoundEmbedder:
    """Tells the portraits apart by their middle, and takes plain pictures for what they are."""

    def embed(self, pictures):
        return [self._one(picture) for picture in pictures]

    def _one(self, picture):
        if picture.std() < 1:
            return None
        middle = picture[60:200, 60:164].reshape(5, 28, 4, 26, 3).mean(axis=(1, 3))
        return Embedded((middle - middle.mean(axis=(0, 1))).ravel().astype(np.float32))

    def about(self):
        return {"recogniser": "the middle", "weights_sha256": "none", "alignment": "none"}


class NoEmbedMethod:
    def about(self):
        return SoundEmbedder().about()


class AnswersWithArrays(SoundEmbedder):
    def embed(self, pictures):
        return [None if answer is None else answer.embedding for answer in super().embed(pictures)]


class SeesFacesEverywhere(SoundEmbedder):
    def _one(self, picture):
        return super()._one(picture) or (Embedded(np.ones(60, np.float32)) if picture.max() > 50 else None)


class RaisesOnTinyPictures(SoundEmbedder):
    def _one(self, picture):
        if min(picture.shape[:2]) < 10:
            raise RuntimeError("too small")
        return super()._one(picture)


class AnswersAtRandom(SoundEmbedder):
    def __init__(self):
        self.calls = 0

    def embed(self, pictures):
        self.calls += len(pictures) > 1  # not alone, so that only one check is broken
        answers = super().embed(pictures)
        return [
            answer if answer is None or self.calls < 2 or len(pictures) != 6 else Embedded(answer.embedding * 1.01)
            for answer in answers
        ]


class MixesTheBatch(SoundEmbedder):
    def embed(self, pictures):
        answers = super().embed(pictures)
        share = 0.01 * len(pictures)
        return [None if answer is None else Embedded(answer.embedding + share) for answer in answers]


class WritesIntoPictures(SoundEmbedder):
    def _one(self, picture):
        answer = super()._one(picture)
        if picture.flags.writeable:
            picture[0, 0] ^= 1
        return answer


class TellsNobodyApart(SoundEmbedder):
    def _one(self, picture):
        answer = super()._one(picture)
        return None if answer is None else Embedded(np.ones(8, np.float32))


class SaysNothing(SoundEmbedder):
    def about(self):
        return {"recogniser": "secret"}


BAD_EMBEDDERS = {
    NoEmbedMethod: "has_its_methods",
    AnswersWithArrays: "embeds_faces",
    SeesFacesEverywhere: "says_when_there_is_no_face",
    RaisesOnTinyPictures: "takes_any_size",
    AnswersAtRandom: "answers_the_same_again",
    MixesTheBatch: "answers_the_same_alone",
    WritesIntoPictures: "leaves_pictures_alone",
    TellsNobodyApart: "recognises",
    SaysNothing: "says_what_it_is",
}
