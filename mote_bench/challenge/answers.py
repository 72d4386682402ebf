"""The answers of one attacker: a folder with a file per task and a manifest. They come from anybody and are checked."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mote_bench.challenge.files import ANSWERS, as_json, checked_file, npz, read_json, sha256
from mote_bench.challenge.manifest import ChallengeTask, Manifest
from mote_bench.contracts import FloatArray, InputError
from mote_bench.data import arrays

FORMAT = "mote-bench answers 1"
SUFFIXES = (".npz", ".csv")
HAND_MADE = "by hand"
_NAME = re.compile(r"[^\W_]([\w .+-]{0,62}[\w.+-])?")
_ARRAY = "answer"
_NUMBER_BYTES, _TEXT_BYTES, _HEADER = 8, 32, 10_000
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, eq=False)
class Submission:
    """The answers of one attacker.

    Attributes
    ----------
    attacks : mapping of task -> str
        What made each answer: an attack's name, or ``by hand``.
    made : str
        When, in UTC: of several submissions of one attacker the latest counts.
    answers : mapping of task -> (rows, columns) float64
    checksum : str
        Of the manifest, which holds those of the files.
    """

    attacker: str
    attacks: Mapping[str, str]
    made: str
    answers: Mapping[str, FloatArray]
    checksum: str


def check_name(name: str) -> None:
    """Check an attacker's name.

    Raises
    ------
    InputError
        When it isn't one to 64 letters, digits, blanks and ``_.+-``.
    """
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise InputError(f"--attacker {name[:80]!r}: expected 1 to 64 letters, digits, blanks and _ . + -")


def read_answer(path: Path, task: ChallengeTask) -> FloatArray:
    """The answer in a file, (rows, columns) float64.

    Raises
    ------
    InputError
        On another shape, NaN and infinity, anything that isn't one array of numbers, and files that are too large.
    """
    rows, columns = task.shape
    what = f"an answer to {task.id}: {rows} rows of {columns} numbers"
    if path.suffix == ".csv":
        checked_file(path, what, rows * columns * _TEXT_BYTES + _HEADER)
        found = _in_csv(path, what, columns)
    else:
        checked_file(path, what, rows * columns * _NUMBER_BYTES + 2 * _HEADER)
        found = _in_npz(path, what, rows * columns * _NUMBER_BYTES + _HEADER)
    if found.shape != (rows, columns):
        raise InputError(f"'{path}' has shape {found.shape}; expected {what}")
    broken = int((~np.isfinite(found)).sum())
    if broken:
        raise InputError(f"'{path}' holds {broken} numbers that are NaN or infinite; expected finite ones")
    return found


def _in_npz(path: Path, what: str, most: int) -> FloatArray:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {one.filename: one.file_size for one in archive.infolist()}
            count = len(archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise InputError(f"'{path}' is not an npz archive; expected {what}, saved with numpy.savez") from None
    if list(members) != [f"{_ARRAY}.npy"] or count != 1:
        raise InputError(f"'{path}' holds {str(sorted(members))[:200]}; expected one array '{_ARRAY}'")
    if members[f"{_ARRAY}.npy"] > most:
        raise InputError(f"'{path}' unpacks to {members[f'{_ARRAY}.npy']:,} bytes; expected {what}")
    held = arrays.read_npz(path)[_ARRAY]
    if held.dtype.kind not in "fiub":
        raise InputError(f"'{path}' holds {held.dtype}; expected real numbers: {what}")
    return np.asarray(held, dtype=np.float64)


def _in_csv(path: Path, what: str, columns: int) -> FloatArray:
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        cells = [line.split(",") for line in lines]
        if any(len(row) != columns for row in cells):
            lengths = sorted({len(row) for row in cells})
            raise InputError(f"'{path}' has lines of {str(lengths)[:80]} numbers; expected {what}, comma separated")
        return np.array([[float(cell) for cell in row] for row in cells], dtype=np.float64).reshape(-1, columns)
    except (ValueError, UnicodeDecodeError) as error:
        why = str(error)[:120]
        raise InputError(f"'{path}' can't be read as numbers ({why}); expected {what}, comma separated") from None


def files_of(folder: Path, manifest: Manifest) -> dict[str, Path]:
    """The answer file of each task that has one in this folder; other files are left alone.

    Raises
    ------
    InputError
        When a task has two.
    """
    found = {}
    for task in manifest.tasks:
        here = [path for suffix in SUFFIXES if (path := folder / f"{task.id}{suffix}").exists() or path.is_symlink()]
        if len(here) > 1:
            raise InputError(f"'{folder}' has two answers to {task.id}, .npz and .csv; expected one")
        if here:
            found[task.id] = here[0]
    return found


def read_answers(folder: Path, manifest: Manifest) -> dict[str, FloatArray]:
    """The checked answers in a folder.

    Raises
    ------
    InputError
        When there is none, and as :func:`read_answer`.
    """
    found = files_of(folder, manifest)
    if not found:
        raise InputError(
            f"no answer in '{folder}'; expected files named by task, such as {manifest.tasks[0].id}.npz or .csv"
        )
    tasks = {task.id: task for task in manifest.tasks}
    return {name: read_answer(path, tasks[name]) for name, path in found.items()}


def written(
    attacker: str, attacks: Mapping[str, str], answers: Mapping[str, FloatArray], manifest: Manifest
) -> dict[str, bytes]:
    """The files of a submission, by name."""
    check_name(attacker)
    made = {f"{name}.npz": npz({_ARRAY: np.asarray(answer, dtype=np.float64)}) for name, answer in answers.items()}
    table = {
        "format": FORMAT,
        "challenge": manifest.checksum,
        "attacker": attacker,
        "attacks": dict(attacks),
        "made": datetime.now(UTC).strftime(_TIME),
        "files": {name: sha256(content) for name, content in made.items()},
    }
    return made | {ANSWERS: as_json(table)}


def read_submission(folder: Path, manifest: Manifest) -> Submission:
    """One attacker's answers.

    Raises
    ------
    InputError
        When the folder holds none, answers to another challenge, or files that can't be used.
    """
    path = folder / ANSWERS
    table, checksum = read_json(path, f"a folder of answers, as made by: {_HOW}")
    if table.get("format") != FORMAT:
        raise InputError(f"'{path}' has the format {table.get('format')!r:.80}; expected '{FORMAT}'")
    if table.get("challenge") != manifest.checksum:
        raise InputError(
            f"'{path}' answers the challenge {str(table.get('challenge'))[:16]!r}...; expected "
            f"{manifest.checksum[:16]}..."
        )
    attacker, attacks, made, listed = (table.get(name) for name in ("attacker", "attacks", "made", "files"))
    if not isinstance(attacker, str) or not _NAME.fullmatch(attacker) or not attacker.isprintable():
        raise InputError(f"'{path}' names the attacker {attacker!r:.80}; expected 1 to 64 letters, digits, blanks")
    if not isinstance(listed, dict) or not isinstance(attacks, dict) or not _is_time(made):
        raise InputError(f"'{path}' lacks files, attacks or a time such as 2026-01-31T12:00:00Z; make it by: {_HOW}")
    found = files_of(folder, manifest)
    if set(listed) != {one.name for one in found.values()}:
        names = ", ".join(sorted(map(str, listed)))[:200]
        raise InputError(
            f"'{path}' lists {names or 'no file'}; the folder holds answers to {', '.join(found) or 'none'}"
        )
    answers = read_answers(folder, manifest)
    for one in found.values():
        if arrays.checksum(one) != listed[one.name]:
            raise InputError(f"'{one}' differs from its checksum in {ANSWERS}; pack the answers again: {_HOW}")
    told = {name: _told(attacks.get(name, HAND_MADE)) for name in answers}
    return Submission(attacker, told, str(made), answers, checksum)


_HOW = "python -m mote_bench challenge answer PUBLIC --files FOLDER --attacker NAME --out ANSWERS"


def _is_time(made: Any) -> bool:
    try:
        datetime.strptime(made, _TIME)
        return True
    except (TypeError, ValueError):
        return False


def _told(attack: object) -> str:
    return attack if isinstance(attack, str) and _NAME.fullmatch(attack) and attack.isprintable() else HAND_MADE


def latest(given: list[Submission]) -> dict[str, tuple[Submission, int]]:
    """Per attacker the latest submission, and how many different ones there are; sorted by name."""
    by_name: dict[str, dict[str, Submission]] = {}
    for one in given:
        by_name.setdefault(one.attacker, {})[one.checksum] = one
    return {
        name: (max(held.values(), key=lambda one: (one.made, one.checksum)), len(held))
        for name, held in sorted(by_name.items())
    }
