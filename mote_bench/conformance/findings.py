"""Common parts of the conformance checks: findings, generated people sets, and comparisons."""

from __future__ import annotations

import pickle
import random
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, InputError
from mote_bench.toolkit import stream

_Trial = TypeVar("_Trial")


class FacesError(InputError):
    """The given faces can't be used for the checks. That is an error of the caller, not a finding on the plug-in."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    check : str
        The check's name, snake case.
    ok : bool
        Whether the plug-in fulfils this part of its contract.
    message : str
        What was expected; for a failed check also what was given and how to fix it.
    note : str
        What a user should know although the contract allows it; mostly empty.
    """

    check: str
    ok: bool
    message: str
    note: str = ""


@dataclass(frozen=True)
class Check(Generic[_Trial]):
    """A check of one part of a contract.

    ``complaint`` describes what was given if that isn't what was expected, and otherwise returns ``None``. After a
    failed ``needed`` check no further checks are made. ``note`` says, where the check is passed, what a user should
    know although the contract allows it; empty if there is nothing.
    """

    name: str
    complaint: Callable[[_Trial], str | None]
    expected: str
    fix: str
    needed: bool = False
    note: Callable[[_Trial], str] | None = None


def findings(trial: _Trial, checks: Sequence[Check[_Trial]]) -> list[Finding]:
    """Run the checks in order. An error raised by the plug-in is a failed check."""
    found = []
    for check in checks:
        given = _complaint(check, trial)
        if given is None:
            found.append(Finding(check.name, True, f"Expected and found: {check.expected}.", _note(check, trial)))
            continue
        found.append(Finding(check.name, False, f"Given: {given}. Expected: {check.expected}. To fix it: {check.fix}."))
        if check.needed:
            break
    return found


def _complaint(check: Check[_Trial], trial: _Trial) -> str | None:
    try:
        return check.complaint(trial)
    except FacesError:
        raise
    except Exception as error:  # a plug-in may raise anything
        return raised(error)


def _note(check: Check[_Trial], trial: _Trial) -> str:
    if check.note is None:
        return ""
    try:
        return check.note(trial)
    except Exception as error:  # a plug-in may raise anything
        return raised(error)


def raised(error: BaseException) -> str:
    """A short description of an exception and the line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (raised in {frame.filename}, line {frame.lineno})"


def generated_faces(*, people: int = 240, photos: int = 2, dimension: int = 64, seed: int = 0) -> Faces:
    """Gaussian embeddings with planted attributes. They aren't real faces, but any working scheme recognises them.

    A person is a standard normal vector, shifted by 4 to either side along one random direction (``gender``) and by 2
    along another (``age``), on which ``years`` depend too. A photo adds normal noise of half that size. Two photos of
    one person have a cosine of about 0.8, photos of two people about 0 to 0.2.

    Returns
    -------
    Faces
        ``people * photos`` rows of ``dimension``.
    """
    rng = stream(seed, "generated faces", people, photos, dimension)
    axes = np.linalg.qr(rng.standard_normal((dimension, 2)))[0].T
    gender, age = np.arange(people) % 2, np.arange(people) // 2 % 2
    centres = rng.standard_normal((people, dimension))
    centres += np.outer(8 * gender - 4, axes[0]) + np.outer(4 * age - 2, axes[1])
    who = np.repeat(np.arange(people), photos)
    return Faces(
        centres[who] + 0.5 * rng.standard_normal((len(who), dimension)),
        identity=np.char.add("person-", np.char.zfill(who.astype(str), 4)),
        attributes={"gender": np.array(["female", "male"])[gender[who]], "age": np.array(["old", "young"])[age[who]]},
        values={"years": (40 + 4 * centres @ axes[1])[who]},
    )


@dataclass(frozen=True, eq=False)
class People:
    """Three disjoint people sets. Row i of ``target`` and row i of ``second`` are two photos of one person."""

    background: Faces
    shadow: Faces
    target: Faces
    second: Faces


def deal(faces: Faces, *, target: int, shadow: int, seed: int) -> People:
    """Split people with two photos or more into the sets: at most a quarter are targets, a third shadow subjects.

    Raises
    ------
    InputError
        When ``faces`` has no identities, or too few people with two photos.
    """
    if faces.identity is None:
        raise FacesError("the faces have no identities; expected `identity`, or leave `faces` out.")
    persons = [np.flatnonzero(faces.identity == name) for name in np.unique(faces.identity)]
    paired = [rows for rows in persons if len(rows) >= 2]
    least = 80 if target > 8 else 24
    if len(paired) < least:
        raise FacesError(
            f"{len(paired)} people have two photos or more; expected at least {least}. "
            "Give more people, or leave `faces` out for generated ones."
        )
    target, shadow = min(target, len(paired) // 4), min(shadow, len(paired) // 3)
    order = [paired[index] for index in stream(seed, "deal").permutation(len(paired))]
    first, second = (np.array([rows[photo] for rows in order]) for photo in (0, 1))
    return People(
        background=faces.rows(np.concatenate(order[target + shadow :])),
        shadow=faces.rows(first[target : target + shadow]),
        target=faces.rows(first[:target]),
        second=faces.rows(second[:target]),
    )


def apart(expected: npt.ArrayLike, given: npt.ArrayLike) -> float:
    """Root mean square difference, divided by the standard deviation of ``expected``.

    Infinite if shapes differ or a difference isn't finite.
    """
    left, right = np.asarray(expected, dtype=np.float64), np.asarray(given, dtype=np.float64)
    if left.shape != right.shape:
        return float("inf")
    difference = float(np.sqrt(np.mean((left - right) ** 2)))
    if difference == 0:
        return 0.0
    spread = float(left.std())
    return difference / spread if spread > 0 and np.isfinite(difference) else float("inf")


def not_numbers(given: object, shape: tuple[int, ...]) -> str | None:
    """A complaint if ``given`` isn't a numpy array of finite real floats of this shape."""
    return wrong_shape(given, shape) or wrong_dtype(given) or not_finite(given)


def wrong_shape(given: object, shape: tuple[int, ...]) -> str | None:
    """A complaint if ``given`` isn't a numpy array of this shape."""
    if not isinstance(given, np.ndarray):
        return f"{type(given).__module__}.{type(given).__name__}, not a numpy array"
    return None if given.shape == shape else f"shape {given.shape} instead of {shape}"


def wrong_dtype(given: object) -> str | None:
    """A complaint if an array doesn't hold real floating-point numbers."""
    dtype = np.asarray(given).dtype
    return None if dtype.kind == "f" else f"dtype {dtype}"


def not_finite(given: object) -> str | None:
    """A complaint if an array of floats holds NaN or infinity."""
    broken = ~np.isfinite(np.asarray(given, dtype=np.float64))
    return f"{broken.sum()} of {broken.size} values are NaN or infinite" if broken.any() else None


def disturbed_generators(work: Callable[[], object]) -> list[str]:
    """The global random generators whose state ``work`` changed; the states are restored afterwards."""
    generators = _global_generators()
    kept = {name: generator.state() for name, generator in generators.items()}
    for generator in generators.values():
        generator.draw()  # else work that always sets the same seed could leave the state of an earlier call
    before = {name: pickle.dumps(generator.state()) for name, generator in generators.items()}
    try:
        work()
        return [name for name in generators if pickle.dumps(generators[name].state()) != before[name]]
    finally:
        for name, generator in generators.items():
            generator.restore(kept[name])


@dataclass(frozen=True)
class _Generator:
    state: Callable[[], Any]
    draw: Callable[[], object]
    restore: Callable[[Any], object]


def _global_generators() -> dict[str, _Generator]:
    """The global generators of loaded libraries."""
    numpy = _Generator(np.random.get_state, np.random.random, np.random.set_state)
    generators = {"random": _Generator(random.getstate, random.random, random.setstate), "numpy.random": numpy}
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        generators["torch"] = _Generator(
            lambda: torch.get_rng_state().numpy(),
            lambda: torch.rand(1),
            lambda state: torch.set_rng_state(torch.from_numpy(state)),
        )
    return generators
