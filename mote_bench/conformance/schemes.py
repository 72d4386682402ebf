"""The checks of a scheme against its contract; the entry point is :mod:`mote_bench.testing`."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from mote_bench.conformance.findings import (
    Check,
    People,
    apart,
    disturbed_generators,
    not_finite,
    not_numbers,
    raised,
    wrong_dtype,
    wrong_shape,
)
from mote_bench.conformance.state import faces_held
from mote_bench.contracts import (
    NOT_ENROLLED,
    OWN_THRESHOLD,
    Faces,
    FloatArray,
    HalfSpaces,
    Key,
    Linear,
    NonLinear,
    Scheme,
    Smooth,
    Template,
)
from mote_bench.toolkit import decides, draw_keys, enrolled_rows, needs_identity, revocable, stream, stream_seed

if TYPE_CHECKING:
    import torch

_TOLERANCE = 0.05
"""In standard deviations of the scores: above rounding errors amplified by training, below a dependence on others."""
_STRICT = 1e-4
_MISSED = 0.02
"""Share of half-spaces that may not hold a template's own face: those whose border it nearly lies on."""
_SPREADS = 3.0
_WIDTH = 0.5
_SIGMAS = 3.0
_SECONDS_ELSEWHERE = 600
_ELSEWHERE = """
import os, pickle, sys
answers = os.dup(1)
os.dup2(2, 1)  # whatever a plug-in prints stays out of the answers
sys.path[:] = pickle.load(sys.stdin.buffer)
from mote_bench.conformance.schemes import score_elsewhere
with os.fdopen(answers, "wb") as out:
    score_elsewhere(sys.stdin.buffer, out)
"""


@dataclass(frozen=True, eq=False)
class Trial:
    """A scheme under test; it is fitted, enrolled and scored when a check first needs that.

    ``dealt`` are the people who are presented to it. ``people`` are those whom it enrols: all, unless it gives an empty
    template for some.
    """

    make: Callable[[], Scheme]
    dealt: People
    seed: int

    @cached_property
    def made(self) -> Scheme:
        return self.make()

    @cached_property
    def fitted(self) -> object:
        """The object that ``fit`` returned."""
        return self.made.fit(self.background, seed=stream_seed(self.seed, "fit"))

    @cached_property
    def background(self) -> Faces:
        """The background set, without identities unless the scheme states ``needs_identity``."""
        faces = self.dealt.background
        return faces if needs_identity(self.made) else Faces(faces.embeddings, None, faces.attributes)

    @cached_property
    def pickled(self) -> bytes:
        """The fitted scheme before any enrolment, pickled."""
        import cloudpickle  # what the worker processes use

        assert "given" not in vars(self), "the public state must be taken before anyone is enrolled"
        state = bytes(cloudpickle.dumps(self.fitted))
        pickle.loads(state)
        return state

    @cached_property
    def given(self) -> list[Template]:
        """What ``enroll`` gives for all people, empty templates among it."""
        return self.enroll_dealt(range(len(self.dealt.target)))

    def enroll_dealt(self, rows: Sequence[int]) -> list[Template]:
        """What ``enroll`` gives for these people of ``dealt``."""
        keys, seeds = self._of_all
        return self.made.enroll(
            self.dealt.target.embeddings[list(rows)],
            keys=None if keys is None else [keys[row] for row in rows],
            seeds=[seeds[row] for row in rows],
        )

    @cached_property
    def _of_all(self) -> tuple[tuple[Key, ...] | None, list[int]]:
        """Keys and seeds of all people."""
        people = len(self.dealt.target)
        keys = draw_keys(people, stream(self.seed, "keys")) if revocable(self.made) else None
        # Sorted, so that a scheme which sorts people by them fails the check of the order only.
        return keys, sorted(stream_seed(self.seed, "enroll", row) for row in range(people))

    @cached_property
    def kept(self) -> npt.NDArray[np.intp]:
        """The rows of ``dealt`` whom the scheme enrols."""
        return enrolled_rows(self.given)

    @cached_property
    def people(self) -> People:
        both = (self.dealt.target.rows(self.kept), self.dealt.second.rows(self.kept))
        return replace(self.dealt, target=both[0], second=both[1])

    @cached_property
    def keys(self) -> tuple[Key, ...] | None:
        keys, _ = self._of_all
        return None if keys is None else tuple(keys[row] for row in self.kept)

    @cached_property
    def seeds(self) -> list[int]:
        return [self._of_all[1][row] for row in self.kept]

    @cached_property
    def probes(self) -> FloatArray:
        """A second photo of each enrolled person, then photos of people who aren't enrolled."""
        return np.concatenate([self.people.second.embeddings, self.people.shadow.embeddings])

    @cached_property
    def templates(self) -> list[Template]:
        return [self.given[row] for row in self.kept]

    @cached_property
    def scores(self) -> FloatArray:
        return self.score(self.templates)

    @property
    def n(self) -> int:
        return len(self.people.target)

    @property
    def few(self) -> list[int]:
        """The people who are enrolled and scored one at a time."""
        return [0, self.n // 2, self.n - 1]

    @property
    def everyone(self) -> list[int]:
        return list(range(self.n))

    def enroll(self, rows: Sequence[int], *, scheme: Scheme | None = None) -> list[Template]:
        """The templates of the people ``rows``, enrolled in one call."""
        return (scheme or self.made).enroll(
            self.people.target.embeddings[list(rows)],
            keys=None if self.keys is None else [self.keys[row] for row in rows],
            seeds=[self.seeds[row] for row in rows],
        )

    def score(
        self,
        templates: Sequence[Template],
        *,
        rows: Sequence[int] | None = None,
        probes: FloatArray | None = None,
        scheme: Scheme | None = None,
    ) -> FloatArray:
        """The scores of templates of the people ``rows`` against probes, under these people's own keys."""
        rows = self.everyone if rows is None else rows
        shown = self.probes if probes is None else probes
        keys = None if self.keys is None else [self.keys[row] for row in rows]
        return (scheme or self.made).score(list(templates), shown.copy(), keys=keys)


def _not_a_scheme(trial: Trial) -> str | None:
    missing = [name for name in ("fit", "enroll", "score") if not callable(getattr(trial.made, name, None))]
    return f"{type(trial.made).__name__} without {', '.join(missing)}" if missing else None


def _fit(trial: Trial) -> str | None:
    if trial.fitted is trial.made:
        return None
    return f"fit returned {type(trial.fitted).__name__}, not the object it was called on"


def _pickles(trial: Trial) -> str | None:
    return None if trial.pickled else "nothing"


def _state(trial: Trial) -> str:
    """Which part of the background the public state holds."""
    held, whole = faces_held(trial.fitted, trial.background), len(trial.background)
    if not held:
        return ""
    return (
        f"the fitted state holds {held} of {whole} background faces themselves; an attacker who holds the state sees "
        "these faces and knows who is among them"
    )


def _enroll(trial: Trial) -> str | None:
    templates: object = trial.given
    people = len(trial.dealt.target)
    if not isinstance(templates, list) or len(templates) != people:
        size = f" of {len(templates)}" if isinstance(templates, list | tuple) else ""
        return f"{type(templates).__name__}{size} for {people} references"
    kinds = {type(template) for template in templates} - {bytes}
    return f"templates of type {', '.join(sorted(kind.__name__ for kind in kinds))}" if kinds else None


def _enrols_enough(trial: Trial) -> str | None:
    people = len(trial.dealt.target)
    few = 2 * len(trial.kept) < people
    return (
        f"an empty template, so a failure to enrol, for {people - len(trial.kept)} of {people} people" if few else None
    )


def _enrolled_note(trial: Trial) -> str:
    refused = len(trial.dealt.target) - len(trial.kept)
    return f"{refused} of {len(trial.dealt.target)} people get an empty template: failure to enrol" if refused else ""


def _refuses_alone(trial: Trial) -> str | None:
    """A person's failure to enrol, like a template, may depend on nobody else."""
    for row in range(len(trial.dealt.target)):
        [alone] = trial.enroll_dealt([row])
        if (alone == NOT_ENROLLED) != (trial.given[row] == NOT_ENROLLED):
            how = ("enrolled", "refused") if alone == NOT_ENROLLED else ("refused", "enrolled")
            return f"person {row} is {how[0]} among others and {how[1]} alone"
    return None


def _shape(trial: Trial) -> str | None:
    few = trial.score(trial.templates[:1], rows=[0], probes=trial.probes[:2])
    return wrong_shape(trial.scores, (trial.n, len(trial.probes))) or wrong_shape(few, (1, 2))


def _dtype(trial: Trial) -> str | None:
    return wrong_dtype(trial.scores)


def _finite(trial: Trial) -> str | None:
    return not_finite(trial.scores)


def _direction(trial: Trial) -> str | None:
    surplus = _own_surplus(trial)
    if surplus >= -_SIGMAS:
        return None
    return f"genuine scores are {-surplus:.1f} standard errors below impostor scores"


def _recognises(trial: Trial) -> str | None:
    surplus = _own_surplus(trial)
    if abs(surplus) > _SIGMAS:
        return None
    return f"genuine scores are {surplus:+.1f} standard errors from impostor scores"


def _own_surplus(trial: Trial) -> float:
    """Genuine score minus mean impostor score, averaged over people, in standard errors; 0 if all are equal."""
    own = np.diagonal(trial.scores).astype(np.float64)
    non_mated = (trial.scores.sum(axis=1, dtype=np.float64) - own) / (trial.scores.shape[1] - 1)
    surplus = own - non_mated
    error = surplus.std(ddof=1) / np.sqrt(trial.n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num(surplus.mean() / error, nan=0.0, posinf=np.inf, neginf=-np.inf))


def _deterministic(trial: Trial) -> str | None:
    again = trial.make()
    again.fit(trial.background, seed=stream_seed(trial.seed, "fit"))
    templates = trial.enroll(trial.everyone, scheme=again)
    differ = [row for row, pair in enumerate(zip(trial.templates, templates, strict=True)) if pair[0] != pair[1]]
    if differ:
        return f"fitted and enrolled twice with the same seeds, {len(differ)} of {trial.n} templates differ"
    distance = apart(trial.scores, trial.score(templates, scheme=again))
    return f"fitted twice with the same seed, {_far(distance)}" if distance > _TOLERANCE else None


def _enrols_alone(trial: Trial) -> str | None:
    alone = list(trial.templates)
    for row in trial.few:
        [made] = trial.enroll([row])
        if made != NOT_ENROLLED:  # another check says so
            alone[row] = made
    distance = apart(trial.scores[trial.few], trial.score(alone)[trial.few])
    return f"enrolled alone instead of together, {_far(distance)}" if distance > _TOLERANCE else None


def _order(trial: Trial) -> str | None:
    order = trial.everyone[::-1]
    distance = apart(trial.scores[order], trial.score(trial.enroll(order), rows=order))
    return f"enrolled in the opposite order, {_far(distance)}" if distance > _TOLERANCE else None


def _scores_alone(trial: Trial) -> str | None:
    rows = [trial.score([trial.templates[row]], rows=[row])[0] for row in trial.few]
    columns = [trial.score(trial.templates, probes=trial.probes[[column]])[:, 0] for column in trial.few]
    by_template = apart(trial.scores[trial.few], rows)
    by_probe = apart(trial.scores[:, trial.few], np.transpose(columns))
    if max(by_template, by_probe) <= _TOLERANCE:
        return None
    what = "one template" if by_template > by_probe else "one probe"
    return f"scored with {what} at a time, {_far(max(by_template, by_probe))}"


def _bytes_hold_everything(trial: Trial) -> str | None:
    if "pickled" not in vars(trial):  # reported by another check, and there is nothing to send
        return None
    payload = io.BytesIO()
    pickle.dump(sys.path, payload)
    payload.write(trial.pickled)
    pickle.dump((trial.templates, trial.probes, trial.keys), payload)
    child = subprocess.run(
        [sys.executable, "-P", "-c", _ELSEWHERE],
        input=payload.getvalue(),
        capture_output=True,
        timeout=_SECONDS_ELSEWHERE,
        check=False,
    )
    if child.returncode:
        last = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return f"a new process couldn't score the templates: {last or f'exit code {child.returncode}'}"
    distance = apart(trial.scores, pickle.loads(child.stdout))
    return f"in a new process, {_far(distance)}" if distance > _TOLERANCE else None


def score_elsewhere(payload: BinaryIO, answers: BinaryIO) -> None:
    """Run in the new process: reads the fitted scheme, templates, probes and keys, and writes the scores."""
    scheme: Scheme = pickle.load(payload)
    templates, probes, keys = pickle.load(payload)
    pickle.dump(np.asarray(scheme.score(templates, probes, keys=keys)), answers)


def _key_matters(trial: Trial) -> str | None:
    if trial.keys is None:
        return None
    wrong = draw_keys(trial.n, stream(trial.seed, "wrong keys"))
    scores = trial.made.score(list(trial.templates), trial.probes.copy(), keys=list(wrong))
    distance = apart(np.diagonal(trial.scores), np.diagonal(scores))
    if distance > _TOLERANCE:
        return None
    return f"with wrong keys the genuine scores differ by only {distance:.1g} of their standard deviation"


def _broken_templates(trial: Trial) -> str | None:
    for what, templates in _broken(trial.templates[0], trial.templates[1]):
        answer = _verdict(trial, templates)
        if answer != "ValueError":
            return f"{what}: {answer}"
    size = len(trial.templates[1])
    for garbage in (b"\xff" * size, stream(trial.seed, "garbage").bytes(size)):
        answer = _verdict(trial, [trial.templates[0], garbage])
        if answer not in ("ValueError", "answered"):
            return f"{size} random bytes, the length of a template: {answer}"
    return None


def _broken(first: Template, second: Template) -> Iterator[tuple[str, list[Template]]]:
    """Damaged templates of impossible length, with a description of each."""
    spoilt = {
        "an empty template": b"",
        "a template without its last byte": second[:-1],
        "the first half of a template": second[: len(second) // 2],
        "a template with a byte too many": second + b"\0",
        "text": b"not a template" + b"!" * (len(second) == 14),
    }
    for what, template in spoilt.items():
        if template != second:
            yield what, [template]
            yield f"{what}, after a sound one", [first, template]
    if second:
        yield "two templates whose border has slipped by a byte", [first + second[:1], second[1:]]


def _verdict(trial: Trial, templates: list[Template]) -> str:
    try:
        with np.errstate(all="ignore"):
            scores = trial.score(templates, rows=trial.everyone[: len(templates)])
    except ValueError:
        return "ValueError"
    except Exception as error:  # the contract requires a ValueError
        return raised(error)
    return not_numbers(scores, (len(templates), len(trial.probes))) or "answered"


def _twice(trial: Trial) -> str | None:
    first, second = trial.score(trial.templates), trial.score(trial.templates)
    distance = max(apart(first, second), apart(first, trial.scores))
    return f"scored a second time, {_far(distance)}" if distance > _STRICT else None


def _decides(trial: Trial) -> str | None:
    if not decides(trial.made):
        return None
    scores = trial.scores
    neither = (scores != 0) & ~((scores >= OWN_THRESHOLD) & (scores <= 1))
    count = int(neither.sum())
    return f"{count} of {scores.size} scores are neither 0 nor from {OWN_THRESHOLD} to 1" if count else None


def _inputs(trial: Trial) -> str | None:
    references, probes = trial.people.target.embeddings.copy(), trial.probes.copy()
    keys, seeds = None if trial.keys is None else list(trial.keys), list(trial.seeds)
    templates = trial.made.enroll(references, keys=keys, seeds=seeds)
    given = copy.copy(templates)
    trial.made.score(given, probes, keys=keys)
    same = {
        "references": np.array_equal(references, trial.people.target.embeddings),
        "probes": np.array_equal(probes, trial.probes),
        "keys": keys == (None if trial.keys is None else list(trial.keys)),
        "seeds": seeds == trial.seeds,
        "templates": given == templates,
    }
    changed = [name for name, kept in same.items() if not kept]
    return f"{', '.join(changed)} changed in place" if changed else None


def _global_generators(trial: Trial) -> str | None:
    def work() -> None:
        scheme = trial.make()
        scheme.fit(trial.background, seed=stream_seed(trial.seed, "fit"))
        trial.score(trial.enroll(trial.everyone, scheme=scheme), scheme=scheme)

    changed = disturbed_generators(work)
    return f"fit, enroll or score drew from or seeded the global generator of {', '.join(changed)}" if changed else None


def _size(trial: Trial) -> str | None:
    for row in trial.few:
        alone, together = len(trial.enroll([row])[0]), len(trial.templates[row])
        if alone and not 0.9 * alone <= together <= 1.1 * alone:
            return f"person {row} takes {alone} bytes alone and {together} among {trial.n}"
    return None


def _reconstruct(trial: Trial) -> str | None:
    reconstruct = getattr(trial.made, "reconstruct", None)
    if reconstruct is None:
        return None
    return not_numbers(reconstruct(list(trial.templates), keys=trial.keys), trial.people.target.embeddings.shape)


def _likelihood(trial: Trial) -> str | None:
    likelihood = getattr(trial.made, "likelihood", None)
    if likelihood is None:
        return None
    said, faces = list(likelihood(list(trial.templates), keys=trial.keys)), trial.people.target.embeddings
    if len(said) != trial.n:
        return f"{len(said)} likelihoods for {trial.n} templates"
    return next((wrong for row, one in enumerate(said) if (wrong := _untrue(one, faces, row)) is not None), None)


def _untrue(likelihood: object, faces: FloatArray, row: int) -> str | None:
    """What is wrong with the likelihood of a template, enrolled from ``faces[row]``."""
    if isinstance(likelihood, HalfSpaces):
        return _of_half_spaces(likelihood, faces[row], row)
    if isinstance(likelihood, Linear):
        return _of_values(likelihood, faces[row], row)
    if isinstance(likelihood, NonLinear):
        return _of_function(likelihood, faces, row)
    if isinstance(likelihood, Smooth):
        return _of_smooth(likelihood, faces, row)
    return f"{type(likelihood).__name__} for template {row}"


def _of_half_spaces(likelihood: HalfSpaces, face: FloatArray, row: int) -> str | None:
    if (wrong := not_numbers(likelihood.normals, (len(likelihood.offsets), len(face)))) is not None:
        return wrong
    missed = float(np.mean(likelihood.normals @ face <= likelihood.offsets))
    if missed <= _MISSED:
        return None
    return f"a share of {missed:.2f} of the half-spaces of template {row} doesn't hold its own face"


def _of_values(likelihood: Linear, face: FloatArray, row: int) -> str | None:
    if (wrong := not_numbers(likelihood.matrix, (len(likelihood.values), len(face)))) is not None:
        return wrong
    apart_by = float(np.sqrt(np.mean((likelihood.values - likelihood.matrix @ face) ** 2)) / likelihood.spread)
    if apart_by <= _SPREADS:
        return None
    return f"the values of template {row} are {apart_by:.1f} spreads from those of its own face"


def _of_function(likelihood: NonLinear, faces: FloatArray, row: int) -> str | None:
    import torch

    shown = torch.tensor(faces, dtype=torch.float64).requires_grad_()
    values = likelihood.function(shown)
    if tuple(values.shape) != (len(faces), len(likelihood.values)):
        return f"a function to values of shape {tuple(values.shape)} for {len(faces)} faces"
    [gradient] = torch.autograd.grad(values.sum(), shown)
    if not (np.isfinite(values.detach().numpy()).all() and np.isfinite(gradient.numpy()).all()):
        return f"a value of template {row}'s function, or its gradient, is not finite"
    missed = np.asarray(likelihood.values) - values.detach().numpy()[row]
    apart_by = float(np.sqrt(np.mean(missed**2)) / likelihood.spread)
    if apart_by <= _SPREADS:
        return None
    return f"the values of template {row} are {apart_by:.1f} spreads from those of its own face"


def _of_smooth(likelihood: Smooth, faces: FloatArray, row: int) -> str | None:
    import torch

    shown = torch.tensor(faces, dtype=torch.float32).requires_grad_()
    said = likelihood.log_likelihood(shown, _WIDTH)
    if tuple(said.shape) != (len(faces),):
        return f"a log likelihood of shape {tuple(said.shape)} for {len(faces)} faces"
    [gradient] = torch.autograd.grad(said.sum(), shown)
    if not (np.isfinite(said.detach().numpy()).all() and np.isfinite(gradient.numpy()).all()):
        return f"a log likelihood of template {row}, or its gradient, is not finite"
    likelier = float((said > said[row]).double().mean())
    if likelier <= _MISSED:
        return None
    return f"a share of {likelier:.2f} of all faces is likelier than template {row}'s own"


def _solve_without_keys(trial: Trial) -> str | None:
    solve = getattr(trial.made, "solve_without_keys", None)
    if solve is None:
        return None

    def solved(rows: Sequence[int]) -> FloatArray:
        rng = stream(trial.seed, "solve without keys")
        found: FloatArray = solve([trial.templates[row] for row in rows], prior=trial.background, rng=rng)
        return found

    first = solved(trial.everyone)
    if said := not_numbers(first, trial.people.target.embeddings.shape):
        return said
    if (distance := apart(first, solved(trial.everyone))) > _TOLERANCE:
        return f"with the same rng twice, the estimates differ by {distance:.1g} of their standard deviation"
    alone = np.concatenate([solved([row]) for row in trial.few])
    if (distance := apart(first[trial.few], alone)) > _TOLERANCE:
        return f"solved one at a time, the estimates differ by {distance:.1g} of their standard deviation"
    return None


def _unlock(trial: Trial) -> str | None:
    unlock = getattr(trial.made, "unlock", None)
    if unlock is None:
        return None
    rows, keys, faces = trial.everyone, trial.keys, trial.people.target.embeddings
    for shown in (faces, np.roll(faces, 1, axis=0)):  # each template's own face, then another's
        said = list(unlock(list(trial.templates), shown.copy(), keys=keys))
        if len(said) != trial.n:
            return f"{len(said)} answers for {trial.n} templates"
        accepted = np.diagonal(trial.score(trial.templates, probes=shown)) >= OWN_THRESHOLD
        for row in rows:
            if (said[row] is not None) != accepted[row]:
                how = "accepts" if accepted[row] else "rejects"
                return f"{type(said[row]).__name__} for template {row}, which {how} the probe"
            if said[row] is not None and (wrong := _untrue(said[row], faces, row)) is not None:
                return wrong
    return None


def _solve_several(trial: Trial) -> str | None:
    solve = getattr(trial.made, "solve_several", None)
    if solve is None:
        return None
    again = trial.made.enroll(
        trial.people.target.embeddings,
        keys=trial.keys,
        seeds=[stream_seed(trial.seed, "again", k) for k in trial.seeds],
    )
    both = enrolled_rows(again)
    records = [[templates[row] for row in both] for templates in (trial.templates, again)]

    def solved() -> FloatArray:
        rng = stream(trial.seed, "solve several")
        found: FloatArray = solve(records, prior=trial.background, rng=rng)
        return found

    first = solved()
    if said := not_numbers(first, (len(both), trial.people.target.embeddings.shape[1])):
        return said
    distance = apart(first, solved())
    return f"with the same rng twice, the estimates differ by {distance:.1g}" if distance > _TOLERANCE else None


def _link(trial: Trial) -> str | None:
    link = getattr(trial.made, "link", None)
    if link is None:
        return None
    few = len(trial.few)
    similar = link(list(trial.templates), [trial.templates[row] for row in trial.few])
    if said := not_numbers(similar, (trial.n, few)):
        return said
    own = similar[trial.few, np.arange(few)]
    return (
        None if (own >= similar.max(axis=0)).all() else "templates that are more similar to another than to themselves"
    )


def _surrogate_gradient(trial: Trial) -> str | None:
    of_surrogate = _surrogate(trial)
    if of_surrogate is None:
        return None
    probes, answers = of_surrogate
    if tuple(answers.shape) != tuple(probes.shape[:2]):
        return f"shape {tuple(answers.shape)} instead of {tuple(probes.shape[:2])}"
    if not answers.requires_grad:
        return "scores without a gradient"
    answers.sum().backward()  # type: ignore[no-untyped-call]
    gradient = np.zeros(1) if probes.grad is None else probes.grad.numpy()
    if not_finite(gradient):
        return f"a gradient of which {not_finite(gradient)}"
    return None if gradient.any() else "a gradient that is zero everywhere"


def _surrogate_order(trial: Trial) -> str | None:
    of_surrogate = _surrogate(trial)
    if of_surrogate is None:
        return None
    scores = trial.score(trial.templates, probes=_spread_probes(trial))
    answers = of_surrogate[1].detach().numpy().reshape(scores.shape)
    agreement = float(np.mean([_rank_correlation(*pair) for pair in zip(scores, answers, strict=True)]))
    return None if agreement >= 0.5 else f"a mean rank correlation of {agreement:.2f} with score"


def _surrogate(trial: Trial) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Probes (n, k, d), the same for each template, and the surrogate's scores of them."""
    surrogate = getattr(trial.made, "surrogate", None)
    if surrogate is None:
        return None
    import torch

    probes = torch.from_numpy(_spread_probes(trial)).repeat(trial.n, 1, 1).requires_grad_()
    return probes, surrogate(list(trial.templates), keys=trial.keys)(probes)


def _spread_probes(trial: Trial) -> FloatArray:
    return np.concatenate([trial.probes, trial.people.background.embeddings[:24]])


def _rank_correlation(left: FloatArray, right: FloatArray) -> float:
    """Spearman's rank correlation, with mid-ranks for ties; 0 if either side is constant."""
    a, b = (_ranks(side) for side in (left, right))
    a, b = a - a.mean(), b - b.mean()
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 0 else 0.0


def _ranks(values: FloatArray) -> npt.NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place], dtype=np.float64)


def _far(distance: float) -> str:
    return f"the scores differ by {distance:.1g} of their standard deviation"


CHECKS: tuple[Check[Trial], ...] = (
    Check(
        "is_a_scheme",
        _not_a_scheme,
        "an object made without arguments that has fit, enroll and score",
        "write the three methods of mote_bench.contracts.Scheme and give every constructor argument a default",
        needed=True,
    ),
    Check(
        "fit_returns_itself",
        _fit,
        "fit(background, *, seed) to learn and return self; background.identity is None unless needs_identity is True",
        "end fit with `return self`; set `needs_identity = True` on the class if fit reads background.identity",
        needed=True,
    ),
    Check(
        "pickles",
        _pickles,
        "a fitted scheme that can be sent to the worker processes",
        "keep locks, open files and handles out of the object, or leave them out in __getstate__",
        note=_state,
    ),
    Check(
        "enroll_returns_bytes",
        _enroll,
        "enroll to return a list with one bytes object per reference; keys is None unless revocable is True",
        "return [bytes, ...], with array.tobytes() for arrays; set `revocable = True` on the class if it needs keys",
        needed=True,
    ),
    Check(
        "enrols_enough",
        _enrols_enough,
        "templates of half of the people or more; an empty template says that this person can't be enrolled",
        "return an empty template for those only of whom none can be made, and raise an error where nothing works",
        needed=True,
        note=_enrolled_note,
    ),
    Check(
        "score_shape",
        _shape,
        "score to return a numpy array (n templates, m probes)",
        "put templates in rows and probes in columns, and keep both axes when there is one of either",
        needed=True,
    ),
    Check(
        "score_dtype",
        _dtype,
        "real floating-point scores",
        "return scores.astype(np.float32)",
        needed=True,
    ),
    Check(
        "score_finite",
        _finite,
        "finite scores for every pair",
        "guard divisions and logarithms; a pair that can't be compared gets the lowest score",
        needed=True,
    ),
    Check(
        "higher_is_more_alike",
        _direction,
        "higher scores for photos that are more alike",
        "return the negative of a distance, or one minus it",
    ),
    Check(
        "recognises",
        _recognises,
        "genuine scores that differ from impostor scores (a control that holds nothing may fail this)",
        "compare the probe with what was enrolled; a scheme that can't recognise is broken, not private",
    ),
    Check(
        "deterministic",
        _deterministic,
        "the same bytes and scores from the same seeds",
        "draw only from generators made from `seed` in fit and from seeds[i] in enroll, and none in score",
    ),
    Check(
        "enrols_alone_as_together",
        _enrols_alone,
        "a person's template not to depend on who else is enrolled",
        "compute statistics over people in fit, on the background; draw person i's randomness from seeds[i]",
    ),
    Check(
        "refuses_alone_as_together",
        _refuses_alone,
        "a person who can't be enrolled not to depend on who else is enrolled",
        "decide by reference i, keys[i] and seeds[i] alone whether its template is empty",
    ),
    Check(
        "order_of_people",
        _order,
        "template i to be that of reference i, whatever the order of people",
        "return templates in the order of `references`, and use seeds[i] and keys[i], never the position i",
    ),
    Check(
        "scores_alone_as_together",
        _scores_alone,
        "a pair's score not to depend on the other templates and probes of the call",
        "normalise scores by constants learned in fit or held in the template, not over the call",
    ),
    Check(
        "bytes_hold_everything",
        _bytes_hold_everything,
        "a new process that has the fitted scheme, the bytes and the keys to give the same scores",
        "store all data of a person in the template, and none in the object, its class or the module",
    ),
    Check(
        "key_matters",
        _key_matters,
        "a revocable scheme's genuine scores to change with the key that is presented",
        "use keys[i] in score as in enroll, or drop `revocable = True`",
    ),
    Check(
        "refuses_broken_templates",
        _broken_templates,
        "score to raise ValueError on empty, cut, lengthened or foreign bytes, at any place in the list",
        "check each template's length and content before decoding it, and raise ValueError",
    ),
    Check(
        "decides_by_itself",
        _decides,
        f"decides = True to mean scores of 0 for what is rejected, and from {OWN_THRESHOLD} to 1 for what is accepted",
        "return accepted.astype(np.float32), or drop `decides = True` where a threshold is still to be set",
    ),
    Check(
        "scores_alike_twice",
        _twice,
        "the same scores when the same comparison is made again",
        "keep no state between calls of score, and draw no random numbers in it",
    ),
    Check(
        "leaves_inputs_alone",
        _inputs,
        "enroll and score to leave their arguments unchanged",
        "work on copies: `probes = probes - mean` instead of `probes -= mean`",
    ),
    Check(
        "leaves_global_generators_alone",
        _global_generators,
        "the global generators of random, numpy.random and torch to be left as they were",
        "use np.random.default_rng(seed), torch.Generator().manual_seed(seed) or torch.random.fork_rng()",
    ),
    Check(
        "size_is_honest",
        _size,
        "templates whose size doesn't depend on how many people are enrolled",
        "store one person's data in the template, and data common to all people in fit",
    ),
    Check(
        "reconstruct_shape",
        _reconstruct,
        "reconstruct, if there is one, to return finite real floats (n templates, d dimensions)",
        "return one estimated embedding per template as a numpy array",
    ),
    Check(
        "likelihood_holds_the_face",
        _likelihood,
        "likelihood, if there is one, to be one of four kinds for each template (see Likelihood), true of its own face",
        "compare normals @ x > offsets, or values = function(x), with the face that enroll was given, and mind the key",
    ),
    Check(
        "solves_without_keys",
        _solve_without_keys,
        "solve_without_keys, if there is one, to return finite real floats (n templates, d dimensions), equal for an "
        "equal rng, a row from its own template alone",
        "learn from `prior` only, draw from `rng` only, and draw nothing by row",
    ),
    Check(
        "unlocks_what_it_accepts",
        _unlock,
        "unlock, if there is one, to return a likelihood that is true of its own face for each template that accepts "
        "its probe, and None for each that rejects it",
        "decode as score does, and compare with the stored hash before the helper data are opened",
    ),
    Check(
        "solves_several",
        _solve_several,
        "solve_several, if there is one, to return finite real floats (n subjects, d dimensions), equal for an equal "
        "rng, from lists of templates of the same subjects",
        "take template i of each list together; draw from `rng` only",
    ),
    Check(
        "links_templates",
        _link,
        "link, if there is one, to return finite real floats (n templates, m others), highest for equal templates",
        "put the templates in rows and the others in columns; higher means more likely of one subject",
    ),
    Check(
        "surrogate_differentiable",
        _surrogate_gradient,
        "surrogate, if there is one, to return a function to a torch tensor (n, k) whose gradient reaches the probes",
        "use torch operations only, from probes to scores: no .detach(), .numpy(), rounding or comparisons",
    ),
    Check(
        "surrogate_orders_as_score",
        _surrogate_order,
        "surrogate, if there is one, to order probes as score does (rank correlation of 0.5 or more)",
        "make it a smooth version of score, with the same sign and the same keys",
    ),
)
