"""Pictures to embeddings: in batches over worker processes; resumes after an interruption and lists what it skips."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mote_bench import files, registry
from mote_bench.contracts import Embedded, Embedder, InputError
from mote_bench.data.arrays import read_npz
from mote_bench.data.npz import SECOND
from mote_bench.data.pictures import reading
from mote_bench.data.pictures.album import Album, Picture, Skipped
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.execution.progress import Progress
from mote_bench.formatting import inert, printable

PER_BATCH = 16
NO_FACE = "no face found"


@dataclass(frozen=True)
class Recogniser:
    """How a worker makes its embedder: a registered name or ``MODULE:FUNCTION``, and the user's weights."""

    name: str
    weights: str | None = None

    @classmethod
    def at(cls, name: str, weights: Path | None) -> Self:
        """With weights from a file; its whole path, since workers may stand in another folder."""
        return cls(name, None if weights is None else str(weights.absolute()))

    def make(self) -> Embedder:
        """A new embedder.

        Raises
        ------
        InputError
            On an unknown name, and where its weights or packages are missing: says how to get them.
        """
        if ":" in self.name:
            from mote_bench.embedders.callables import FromFunction

            if self.weights is not None:
                raise InputError(
                    f"'{self.name}' is a function of your own and loads its weights itself; leave out --weights"
                )
            return FromFunction(self.name)
        try:
            maker = registry.factory("embedders", self.name)
            made: Embedder = maker() if self.weights is None else maker(weights=Path(self.weights))
        except registry.PluginError as error:
            raise InputError(str(error)) from None
        return made


@dataclass(frozen=True, eq=False)
class Seen:
    """The result of one picture: its embedding and the second recogniser's, if any; or the reason why there is none."""

    embedding: npt.NDArray[np.float32] | None
    faces: int = 0
    reason: str = ""
    second: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Finished:
    """What was written.

    Attributes
    ----------
    embeddings : mapping of picture name -> (d,) float32
    skipped : tuple of Skipped
    several : int
        Pictures with more than one face, of which the largest was embedded.
    kept : int
        Pictures that an earlier, interrupted call had done.
    """

    embeddings: Mapping[str, npt.NDArray[np.float32]]
    skipped: tuple[Skipped, ...]
    several: int
    kept: int


def embed(
    album: Album, recogniser: Recogniser, out: Path, *, jobs: int, progress: Progress, second: Recogniser | None = None
) -> Finished:
    """Embed every picture and write ``out`` (npz) and ``out``.skipped.csv.

    Batches are kept beside ``out`` until it is written, so that the same call goes on after an interruption. The file
    doesn't depend on ``jobs``. A ``second`` recogniser's embeddings of the same pictures go to ``embeddings_2``; a
    picture that either of the two can't embed is skipped.

    Raises
    ------
    InputError
        When a recogniser can't be made, both are the same, or no picture could be embedded; nothing is then written.
    """
    asked = (recogniser,) if second is None else (recogniser, second)
    about = {**_about(asked), "longest_side": str(reading.LONGEST_SIDE)}
    parts = out.with_name(out.name + ".parts")
    parts.mkdir(mode=0o700, parents=True, exist_ok=True)
    with files.locked(parts):
        done = _earlier(parts, album, about)
        kept = len(done)
        for batch in _made(album, asked, [one for one in album.pictures if one.name not in done], jobs):
            _write_part(parts, album, about, batch)
            done |= batch
            progress(len(done), len(album.pictures), next(reversed(batch)))
        made = _finished(album, done, kept)
        _write(out, album, done, {**about, "layout": album.layout, "skipped": str(len(made.skipped))})
        files.write_text(skipped_file(out), _table(made.skipped))
    shutil.rmtree(parts)
    return made


def skipped_file(out: Path) -> Path:
    """Where the list of skipped pictures is written."""
    return out.with_name(out.name + ".skipped.csv")


def _about(asked: Sequence[Recogniser]) -> dict[str, str]:
    """What the embeddings depend on, recogniser by recogniser."""
    first, *others = (dict(_maker(one, second=place > 0).about()) for place, one in enumerate(asked))
    if first in others:
        raise InputError(
            f"--second {asked[1].name} is the recogniser of --embedder with the same weights, and would judge itself; "
            "expected another recogniser or other weights"
        )
    return first | {f"{SECOND}{name}": told for other in others for name, told in other.items()}


def _maker(recogniser: Recogniser, *, second: bool) -> Embedder:
    try:
        return recogniser.make()
    except InputError as error:
        if not second:
            raise
        raise InputError(f"--second {recogniser.name}: {error} (here with --second-weights)") from None


def _made(
    album: Album, asked: Sequence[Recogniser], pictures: Sequence[Picture], jobs: int
) -> Iterator[dict[str, Seen]]:
    def tasks() -> Iterator[workers.Task]:
        for start in range(0, len(pictures), PER_BATCH):
            names = tuple(one.name for one in pictures[start : start + PER_BATCH])
            yield workers.Task(names, _batch, (asked, str(album.folder), names))

    for names, outcome in workers.run(tasks(), jobs=jobs):
        if outcome.error is not None:  # one picture kills its worker: only that one is lost
            yield from _one_by_one(album, asked, names) if len(names) > 1 else [_lost(names, outcome)]
        else:
            yield dict(zip(names, outcome.value, strict=True))


def _one_by_one(album: Album, asked: Sequence[Recogniser], names: Sequence[str]) -> Iterator[dict[str, Seen]]:
    alone = (workers.Task((name,), _batch, (asked, str(album.folder), (name,))) for name in names)
    for (name,), outcome in workers.run(alone, jobs=1):
        yield {name: outcome.value[0]} if outcome.error is None else _lost((name,), outcome)


def _lost(names: Sequence[str], outcome: Outcome) -> dict[str, Seen]:
    reason = (outcome.error or "").strip().splitlines()[-1][:200]
    return {name: Seen(None, reason=f"the recogniser failed: {reason}") for name in names}


@cache
def _embedder(recogniser: Recogniser) -> Embedder:
    return recogniser.make()


def _batch(asked: Sequence[Recogniser], folder: str, names: Sequence[str]) -> Outcome:
    """A :class:`Seen` for each picture; runs in a worker."""
    return guarded(lambda: _seen([_embedder(one) for one in asked], Path(folder), names))


def _seen(embedders: Sequence[Embedder], folder: Path, names: Sequence[str]) -> list[Seen]:
    pictures: list[npt.NDArray[np.uint8]] = []
    answers: dict[int, Seen] = {}
    readable = []
    for row, name in enumerate(names):
        try:
            pictures.append(reading.read(folder / name))
            readable.append(row)
        except reading.Unreadable as error:
            answers[row] = Seen(None, reason=str(error))
    found = _found(embedders[0], pictures)
    for second in embedders[1:]:
        found = _also(second, pictures, found)
    answers |= dict(zip(readable, found, strict=True))
    return [answers[row] for row in range(len(names))]


def _found(embedder: Embedder, pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Seen]:
    embedded = list(embedder.embed(pictures)) if pictures else []
    if len(embedded) != len(pictures):
        raise ValueError(f"embed gave {len(embedded)} answers for {len(pictures)} pictures")
    return [_checked(one) for one in embedded]


def _checked(found: Embedded | None) -> Seen:
    if found is None:
        return Seen(None, reason=NO_FACE)
    embedding = np.asarray(found.embedding, np.float32)
    if embedding.ndim != 1 or not np.isfinite(embedding).all() or not embedding.any():
        return Seen(None, reason=f"the recogniser gave no finite non-zero vector (shape {embedding.shape})")
    return Seen(embedding, found.faces)


def _also(second: Embedder, pictures: Sequence[npt.NDArray[np.uint8]], found: Sequence[Seen]) -> list[Seen]:
    """What was found, with the second recogniser's embeddings; a picture that it can't embed has none."""
    seen = [row for row, one in enumerate(found) if one.embedding is not None]
    made = list(found)
    for row, other in zip(seen, _found(second, [pictures[row] for row in seen]), strict=True):
        if other.embedding is None:
            made[row] = Seen(None, found[row].faces, f"second recogniser: {other.reason}")
        else:
            made[row] = replace(found[row], second=other.embedding)
    return made


def _stamp(album: Album, name: str) -> str:
    """Changes when the file does."""
    try:
        status = (album.folder / name).stat()
    except OSError:
        return "gone"
    return f"{status.st_size}:{status.st_mtime_ns}"


def _write_part(parts: Path, album: Album, about: Mapping[str, str], batch: Mapping[str, Seen]) -> None:
    seen = [one.embedding for one in batch.values() if one.embedding is not None]
    second = [one.second for one in batch.values() if one.second is not None]
    _save(
        parts / f"{len(list(parts.glob('*.npz'))):06d}.npz",
        {
            "about": np.array(json.dumps(about, sort_keys=True)),
            "name": np.array(list(batch)),
            "stamp": np.array([_stamp(album, name) for name in batch]),
            "faces": np.array([one.faces for one in batch.values()]),
            "reason": np.array([one.reason for one in batch.values()]),
            "embeddings": np.array(seen, np.float32) if seen else np.empty((0, 0), np.float32),
            "embeddings_2": np.array(second, np.float32) if second else np.empty((len(seen), 0), np.float32),
        },
    )


def _earlier(parts: Path, album: Album, about: Mapping[str, str]) -> dict[str, Seen]:
    """What an interrupted call had done of these files with this recogniser; anything else is removed."""
    wanted = {one.name for one in album.pictures}
    done: dict[str, Seen] = {}
    for path in sorted(parts.glob("*.npz")):
        try:
            part: dict[str, Any] = dict(read_npz(path))
            if str(part["about"]) != json.dumps(about, sort_keys=True):
                raise InputError("made by another recogniser")
            rows = zip(part["embeddings"], part["embeddings_2"], strict=True)
            for name, stamp, faces, reason in zip(
                part["name"], part["stamp"], part["faces"], part["reason"], strict=True
            ):
                if reason:
                    seen = Seen(None, int(faces), str(reason))
                else:
                    embedding, second = next(rows)
                    seen = Seen(embedding, int(faces), second=second if len(second) else None)
                if name in wanted and str(stamp) == _stamp(album, str(name)):
                    done[str(name)] = seen
        except (InputError, KeyError, StopIteration, ValueError):
            path.unlink()
    return done


def _finished(album: Album, done: Mapping[str, Seen], kept: int) -> Finished:
    embeddings = {one.name: seen for one in album.pictures if (seen := done[one.name].embedding) is not None}
    unusable = [Skipped(one.name, done[one.name].reason) for one in album.pictures if one.name not in embeddings]
    if not embeddings:
        reasons = sorted({one.reason for one in unusable})[:3]
        raise InputError(
            f"none of {len(album.pictures)} pictures in '{album.folder}' could be embedded ({'; '.join(reasons)})"
        )
    second = [seen.second for seen in done.values() if seen.second is not None]
    if len({len(one) for one in embeddings.values()}) > 1 or len({len(one) for one in second}) > 1:
        raise InputError("the recogniser gave embeddings of several lengths; expected one length for all pictures")
    several = sum(seen.faces > 1 for seen in done.values())
    return Finished(embeddings, (*album.skipped, *unusable), several, kept)


def _write(out: Path, album: Album, done: Mapping[str, Seen], about: Mapping[str, str]) -> None:
    used = [one for one in album.pictures if done[one.name].embedding is not None]
    arrays: dict[str, npt.NDArray[Any]] = {"embeddings": np.array([done[one.name].embedding for one in used])}
    second = [one for name in used if (one := done[name.name].second) is not None]
    if second:
        arrays["embeddings_2"] = np.array(second)
    if all(one.identity is not None for one in used):
        arrays["identity"] = np.array([one.identity for one in used])
    for name in dict.fromkeys(name for one in used for name in one.labels):
        arrays[name] = np.array([one.labels.get(name, "") for one in used])
    for name in dict.fromkeys(name for one in used for name in one.numbers):
        arrays[name] = np.array([one.numbers.get(name, np.nan) for one in used], np.float32)
    arrays["path"] = np.array([one.name for one in used])
    arrays["faces"] = np.array([done[one.name].faces for one in used], np.int16)
    arrays["card"] = np.array(json.dumps(about, sort_keys=True))
    _save(out, arrays)


def _save(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """An npz file, written in one step, that only its owner may read: embeddings are biometric data."""
    with files.replacing(path, private=True) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes the names for its own option


def _table(skipped: Sequence[Skipped]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("path", "reason"))
    table.writerows((inert(printable(one.name)), inert(printable(one.reason))) for one in skipped)
    return text.getvalue()
