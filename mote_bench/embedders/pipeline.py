"""Pictures to embeddings: in batches over worker processes; resumes after an interruption and lists what it skips."""

from __future__ import annotations

import csv
import inspect
import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mote_bench import files, registry
from mote_bench.contracts import Embedded, Embedder, InputError
from mote_bench.data import acquisition
from mote_bench.data.arrays import read_npz
from mote_bench.data.npz import SECOND
from mote_bench.data.pictures import reading
from mote_bench.data.pictures.album import Album, Picture, Skipped
from mote_bench.embedders import alike
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.execution.progress import Progress
from mote_bench.formatting import inert, printable
from mote_bench.toolkit import CPU, on_device

PER_BATCH = 16
NO_FACE = "no face found"
_FAILED = "the recogniser "
_EARLY = 64
"""Embeddings after which they are first looked at."""
_MOST_REASONS = 10
_ON_CUDA = "pip install onnxruntime-gpu"


@dataclass(frozen=True)
class Recogniser:
    """How a worker makes its embedder, and what the user says of it.

    Attributes
    ----------
    name : str
        A registered name, ``NAME:MODEL`` where it has several, or ``MODULE:FUNCTION`` of the user's.
    weights : str, optional
        The path of a file or folder.
    options : tuple of (name, text)
        Further arguments of its factory, as the user typed them: ``mean``, ``scale``, ``order``, ``output``.
    device : str
        Where it is told to compute.
    """

    name: str
    weights: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    device: str = CPU

    @classmethod
    def at(cls, name: str, weights: Path | None, *, device: str = CPU, **options: str | None) -> Self:
        """With weights from a file (its whole path, since workers may stand in another folder) and given options."""
        given = tuple((key, text) for key, text in options.items() if text is not None)
        return cls(name, None if weights is None else str(weights.absolute()), given, device)

    def make(self) -> Embedder:
        """A new embedder, on the device.

        Raises
        ------
        InputError
            On an unknown name, where its weights or packages are missing (says how to get them), and on options that
            it doesn't take.
        """
        given = {**({} if self.weights is None else {"weights": Path(self.weights)}), **dict(self.options)}
        try:
            name, model = _registered(self.name)
            if ":" in name:
                return self._own(given)
            maker = registry.factory("embedders", name)
            unknown = [option for option, _ in self.options if not _takes(maker, option)]
            if unknown:
                raise InputError(f"--embedder {self.name} takes no --{unknown[0]}; leave it out")
            with on_device(self.device):
                made: Embedder = maker(**given, **model)
        except registry.PluginError as error:
            raise InputError(str(error)) from None
        return made

    def _own(self, given: Mapping[str, object]) -> Embedder:
        from mote_bench.embedders.callables import FromFunction

        if given:
            raise InputError(
                f"'{self.name}' is a function of your own, which loads and prepares for itself; leave out "
                f"--{next(iter(given))}"
            )
        return FromFunction(self.name)


def _registered(name: str) -> tuple[str, dict[str, str]]:
    """The registered name in ``NAME:MODEL``, and the model as an argument; of any other name, itself and nothing."""
    first, _, model = name.partition(":")
    known = {entry.name for entry in registry.names("embedders")}
    if model and first in known and "model" in inspect.signature(registry.factory("embedders", first)).parameters:
        return first, {"model": model}
    return name, {}


def _takes(maker: Callable[..., Any], name: str) -> bool:
    known = inspect.signature(maker).parameters
    return name in known or any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known.values())


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
    album: Album,
    recogniser: Recogniser,
    out: Path,
    *,
    jobs: int,
    progress: Progress,
    second: Recogniser | None = None,
    say: Callable[[str], None] = lambda note: None,
) -> Finished:
    """Embed every picture and write ``out`` (npz) and ``out``.skipped.csv.

    Batches are kept beside ``out`` until it is written, so that the same call goes on after an interruption. The file
    doesn't depend on ``jobs``. A ``second`` recogniser's embeddings of the same pictures go to ``embeddings_2``; a
    picture that either of the two can't embed is skipped. ``say`` is told, before the first picture, what is assumed of
    a recogniser.

    Raises
    ------
    InputError
        When a recogniser can't be made, both are the same, one fails on every picture of the first batch or gives all
        people the same embedding, or no picture could be embedded; nothing is then written.
    """
    recognisers = (recogniser,) if second is None else (recogniser, second)
    about = {**_about(recognisers), "longest_side": str(reading.LONGEST_SIDE)}
    for name, one in zip(("", SECOND), recognisers, strict=False):
        if f"{name}assumed" in about:
            say(f"{one.name}: {about[f'{name}assumed']}")
        if one.device != CPU and f"{name}device" not in about:
            say(f"{one.name} computes on the CPU: it or its library has no {one.device} (ONNX files: {_ON_CUDA})")
    parts = out.with_name(out.name + ".parts")
    parts.mkdir(mode=0o700, parents=True, exist_ok=True)
    with files.locked(parts), _removed_when_refused(parts):
        done = _earlier(parts, album, about)
        kept, early = len(done), False
        for batch in _made(album, recognisers, [one for one in album.pictures if one.name not in done], jobs):
            _write_part(parts, album, about, batch)
            done |= batch
            if len(done) == min(PER_BATCH, len(album.pictures)):
                _check_first(done)
            progress(len(done), len(album.pictures), next(reversed(batch)))
            if not early and sum(one.embedding is not None for one in done.values()) >= _EARLY:
                early = True
                _check_unlike(album, done, recognisers, about)
        made = _finished(album, done, kept)
        _check_unlike(album, done, recognisers, about)
        _write(out, album, done, {**about, "layout": album.layout, **_passed_over(made.skipped)})
        files.write_text(skipped_file(out), _table(made.skipped))
    shutil.rmtree(parts)
    return made


@contextmanager
def _removed_when_refused(parts: Path) -> Iterator[None]:
    """Remove what was kept where it is of no use: the same call would be refused again."""
    try:
        yield
    except InputError:
        shutil.rmtree(parts, ignore_errors=True)
        raise


def _passed_over(skipped: Sequence[Skipped]) -> dict[str, str]:
    """How many files were skipped, and the most frequent reasons; the whole list stands beside the file."""
    reasons = Counter(one.reason for one in skipped).most_common()
    told = [f"{count} {printable(reason)}" for reason, count in reasons[:_MOST_REASONS]]
    more = len(reasons) - len(told)
    return {"skipped": str(len(skipped)), "skipped_reasons": "; ".join(told + [f"{more} more reasons"] * (more > 0))}


def _check_first(batch: Mapping[str, Seen]) -> None:
    """Refuse a recogniser that gives no embedding of the first pictures and doesn't say that they show no face."""
    reasons = [one.reason for one in batch.values()]
    if len(reasons) > 1 and all(reason.startswith(_FAILED) for reason in reasons):
        raise InputError(
            f"none of the first {len(reasons)} pictures could be embedded: {reasons[0]}. For a picture without a face "
            "expected is None, for any other one a vector"
        )


def _check_unlike(
    album: Album, done: Mapping[str, Seen], recognisers: Sequence[Recogniser], about: Mapping[str, str]
) -> None:
    """Refuse embeddings that are all alike."""
    seen = [(one, done[one.name]) for one in album.pictures if one.name in done]
    used = [(one, found) for one, found in seen if found.embedding is not None]
    people = np.array([one.name if one.identity is None else one.identity for one, _ in used])
    named = any(one.identity is not None for one, _ in used)
    rows: list[list[Any]] = [[one.embedding for _, one in used], [one.second for _, one in used]]
    for recogniser, of, prefix in zip(recognisers, rows, ("", SECOND), strict=False):
        cosine = alike.too_alike(of, people, named=named)
        if cosine is not None:
            raise InputError(
                f"the embeddings of different people by {recogniser.name} are all alike (mean cosine {cosine:.4f}, "
                f"expected below {alike.MOST}). {_cause(recogniser, about.get(f'{prefix}alignment', ''), bool(prefix))}"
            )


def _cause(recogniser: Recogniser, prepared: str, second: bool) -> str:
    """Why embeddings are likely to be all alike, and what to do."""
    name, _ = _registered(recogniser.name)
    if ":" in name:
        return "It is given RGB pixels from 0 to 255: check how it scales them, or subtract its mean embedding"
    if not _takes(registry.factory("embedders", name), "mean"):
        return "Its weights are likely to be of another network: give others"
    mean, scale = ("--second-mean", "--second-scale") if second else ("--mean", "--scale")
    return (
        f"It is likely to expect pixels of another range; it got: {prepared}. Give {mean} 0 {scale} 1 for pixels from "
        f"0 to 255, {mean} 0 {scale} 255 for 0 to 1, {mean} 127.5 {scale} 127.5 for -1 to 1"
    )


def skipped_file(out: Path) -> Path:
    """Where the list of skipped pictures is written."""
    return out.with_name(out.name + ".skipped.csv")


def _about(recognisers: Sequence[Recogniser]) -> dict[str, str]:
    """What the embeddings depend on, recogniser by recogniser."""
    first, *others = (dict(_maker(one, second=place > 0).about()) for place, one in enumerate(recognisers))
    if first in others:
        raise InputError(
            f"--second {recognisers[1].name} is the recogniser of --embedder with the same weights; "
            "expected another recogniser or other weights"
        )
    return first | {f"{SECOND}{name}": told for other in others for name, told in other.items()}


def _maker(recogniser: Recogniser, *, second: bool) -> Embedder:
    try:
        return recogniser.make()
    except InputError as error:
        if not second:
            raise
        raise InputError(f"--second {recogniser.name}: {error} (its options here begin with --second-)") from None


def _made(
    album: Album, recognisers: Sequence[Recogniser], pictures: Sequence[Picture], jobs: int
) -> Iterator[dict[str, Seen]]:
    def tasks() -> Iterator[workers.Task]:
        for start in range(0, len(pictures), PER_BATCH):
            names = tuple(one.name for one in pictures[start : start + PER_BATCH])
            yield workers.Task(names, _batch, (recognisers, str(album.folder), names))

    for names, outcome in workers.run(tasks(), jobs=jobs):
        if outcome.error is not None:  # one picture kills its worker: only that one is lost
            yield from _one_by_one(album, recognisers, names) if len(names) > 1 else [_lost(names, outcome)]
        else:
            yield dict(zip(names, outcome.value, strict=True))


def _one_by_one(album: Album, recognisers: Sequence[Recogniser], names: Sequence[str]) -> Iterator[dict[str, Seen]]:
    alone = (workers.Task((name,), _batch, (recognisers, str(album.folder), (name,))) for name in names)
    for (name,), outcome in workers.run(alone, jobs=1):
        yield {name: outcome.value[0]} if outcome.error is None else _lost((name,), outcome)


def _lost(names: Sequence[str], outcome: Outcome) -> dict[str, Seen]:
    reason = (outcome.error or "").strip().splitlines()[-1][:200]
    return {name: Seen(None, reason=f"{_FAILED}failed: {reason}") for name in names}


@cache
def _embedder(recogniser: Recogniser) -> Embedder:
    return recogniser.make()


def _batch(recognisers: Sequence[Recogniser], folder: str, names: Sequence[str]) -> Outcome:
    """A :class:`Seen` for each picture; runs in a worker."""
    with on_device(recognisers[0].device):  # both have the same
        return guarded(lambda: _seen([_embedder(one) for one in recognisers], Path(folder), names))


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
        return Seen(None, reason=f"{_FAILED}gave no finite non-zero vector (shape {embedding.shape})")
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
    failed = [one for one in album.pictures if done[one.name].embedding is None]
    card = {**about, acquisition.CARD: acquisition.described(used, failed)}
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
    arrays["card"] = np.array(json.dumps(card, sort_keys=True))
    _save(out, arrays)


def _save(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """An npz file, written in one step, that only its owner may read: embeddings are biometric data."""
    with files.replacing(path, private=True) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():  # numpy.savez, but for arrays of any name: its own options are names too
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _table(skipped: Sequence[Skipped]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("path", "reason"))
    table.writerows((inert(printable(one.name)), inert(printable(one.reason))) for one in skipped)
    return text.getvalue()
