"""Pictures of the built-in people from their stolen templates: how often they are accepted, and a strip of them.

    python -m mote_bench.faces.pixels [--people 10] [--out leaderboards/pixels]

The thief has the stolen record, the algorithm (for a keyed scheme also the key), a recogniser, and a renderer of faces
that belong to nobody; they want a picture of the person: for a fake document, or to hold before the camera. It counts
as success when the template accepts the picture, when other photos of the person do, and by how much more often than a
stranger's. After Mai, Cao, Yuen and Jain, "On the reconstruction of face images from deep face templates", IEEE TPAMI
41(5), 2019, whose NbNet learns a picture from an embedding; here it is one of an open parametric head, so that what
comes out is always a face.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tabulate import tabulate

from mote_bench import registry, store, workers
from mote_bench.contracts import Faces, FloatArray
from mote_bench.data import synthetic
from mote_bench.data.arrays import read_npz
from mote_bench.faces import head, people, render, shot
from mote_bench.faces.decoder import Decoder, learned
from mote_bench.faces.search import EACH, ROUNDS, Pixels, Rebuilt, Stolen, searched
from mote_bench.metrics.intervals import wilson
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.tasks import Outcome, guarded
from mote_bench.toolkit import draw_keys, revocable, stream, stream_seed, unit

FMR = 1e-3
SCHEMES = ("cosine", "mote", "mote-keyed")
SEED = 0
"""Of the built-in population."""
_STRANGERS = 150
_SAMPLE = 1500

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cast:
    """Who plays: rows of the built-in population.

    Attributes
    ----------
    numbers, images : (n,) int
        Which person and which picture of theirs each row is.
    references : (v,) int
        The enrolled row of each victim; ``others`` are the rows of their other pictures.
    background : (b,) int
        Everybody else's rows.
    """

    faces: Faces
    numbers: Index
    images: Index
    references: Index
    others: tuple[Index, ...]
    background: Index


@dataclass(frozen=True, eq=False)
class Scene:
    """One row of the table: the stolen records, and the system's answers to pictures of the victims.

    ``opens`` asks the running system, with the victims' own keys, for its answer to an embedding (d,) of victim i.
    """

    row: str
    stolen: tuple[Stolen, ...]
    system: Any
    templates: tuple[bytes, ...]
    keys: tuple[bytes, ...] | None
    threshold: float

    def opens(self, victim: int, embedding: FloatArray) -> bool:
        keys = None if self.keys is None else [self.keys[victim]]
        answer = self.system.score([self.templates[victim]], embedding[None].astype(np.float32), keys=keys)
        return bool(np.asarray(answer)[0, 0] >= self.threshold)


@dataclass(frozen=True, eq=False)
class Line:
    """What came of one row.

    Attributes
    ----------
    accepted : (v,) bool
        Whether the victim's template accepts the picture, at FMR 1e-3 and with the victim's own key.
    by_photos : (v,) float
        The share of the victim's other photos that accept it, by a recogniser at FMR 1e-3.
    wolf : float
        The share of strangers' photos that accept it.
    cosine : (v,) float
        Of the picture's embedding and the enrolled one, both centred.
    """

    row: str
    rebuilt: tuple[Rebuilt, ...]
    accepted: npt.NDArray[np.bool_]
    by_photos: FloatArray
    wolf: float
    cosine: FloatArray


def cast(count: int, *, seed: int) -> Cast:
    """Draw the victims from the built-in population."""
    stored = read_npz(synthetic.FOLDER / synthetic.card()["file"])
    numbers = np.array([int(name[1:]) for name in stored["identity"].astype(str)], dtype=np.intp)
    faces = Faces(
        stored["embeddings"].astype(np.float32), numbers.astype(str), {"gender": stored["gender"].astype(str)}
    )
    victims = stream(seed, "pixels", "people").choice(np.unique(numbers), count, replace=False)
    rows = [np.flatnonzero(numbers == one) for one in victims]
    others = tuple(found[1:] for found in rows)
    references = np.array([found[0] for found in rows])
    background = np.flatnonzero(~np.isin(numbers, victims))
    return Cast(faces, numbers, stored["image"].astype(np.intp), references, others, background)


def scenes(who: Cast, name: str, *, seed: int) -> list[Scene]:
    """The rows of one scheme: one, or with a key two: stolen, and kept while the thief presents a key of their own."""
    background = who.faces.rows(who.background)
    system: Any = registry.load("schemes", name)
    system.fit(background, seed=seed)
    references = who.faces.embeddings[who.references]
    _, first = np.unique(who.numbers[who.background], return_index=True)
    strangers = background.embeddings[first[:_STRANGERS]]
    keyed = revocable(system)
    keys, theirs = (
        draw_keys(len(some), stream(seed, "keys", len(some))) if keyed else None for some in (references, strangers)
    )
    seeds = partial(stream_seed, seed, name)
    templates = tuple(system.enroll(references, keys=keys, seeds=[seeds(k) for k in range(len(references))]))
    enrolled = system.enroll(strangers, keys=theirs, seeds=[seeds("stranger", k) for k in range(len(strangers))])
    scores = np.asarray(system.score(enrolled, strangers, keys=theirs))
    threshold = threshold_at_fmr(scores[~np.eye(len(strangers), dtype=bool)], FMR)
    decodable = hasattr(system, "reconstruct")
    known = tuple(Stolen(system, one, None if keys is None else keys[k], decodable) for k, one in enumerate(templates))
    made = [Scene(f"{name}, key stolen" if keyed else name, known, system, templates, keys, threshold)]
    if keyed:
        own = draw_keys(1, stream(seed, "thief"))[0]
        blind = tuple(Stolen(system, one, own, False) for one in templates)
        made.append(Scene(name, blind, system, templates, keys, threshold))
    return made


def measured(who: Cast, rows: Sequence[Scene], *, jobs: int, seed: int) -> list[Line]:
    """Rebuild every victim of every row; the figures don't depend on ``jobs``."""
    background = who.faces.rows(who.background)
    decoder = learned(background.embeddings, who.numbers[who.background], seed=SEED)
    tasks = (
        workers.Task((scene.row, victim), _searched, (one, decoder, stream_seed(seed, victim)))
        for scene in rows
        for victim, one in enumerate(scene.stolen)
    )
    made: dict[tuple[str, int], Rebuilt] = {}
    for key, outcome in workers.run(tasks, jobs=jobs):
        if outcome.error is not None:
            raise RuntimeError(outcome.error)
        made[key] = outcome.value
    return [_line(who, scene, tuple(made[scene.row, k] for k in range(len(scene.stolen))), decoder) for scene in rows]


def _searched(stolen: Stolen, decoder: Decoder, seed: int) -> Outcome:
    return guarded(lambda: searched(stolen, decoder, seed=seed))


def _line(who: Cast, scene: Scene, rebuilt: tuple[Rebuilt, ...], decoder: Decoder) -> Line:
    centred = unit(who.faces.embeddings.astype(np.float64) - decoder.mean)
    made = unit(np.array([one.embedding for one in rebuilt]) - decoder.mean)
    sample = who.background[:: max(1, len(who.background) // _SAMPLE)]
    strangers = centred[sample]
    impostors = (strangers @ strangers.T)[who.numbers[sample][:, None] != who.numbers[sample]]
    threshold = threshold_at_fmr(impostors, FMR)
    return Line(
        scene.row,
        rebuilt,
        np.array([scene.opens(victim, one.embedding) for victim, one in enumerate(rebuilt)]),
        np.array([np.mean(centred[rows] @ made[victim] >= threshold) for victim, rows in enumerate(who.others)]),
        float(np.mean(made @ strangers.T >= threshold)),
        np.einsum("nd,nd->n", made, centred[who.references]),
    )


def strip(who: Cast, lines: Sequence[Line]) -> Pixels:
    """A row of pictures per victim: enrolled, rebuilt under each row of the table, and the most similar stranger."""
    centred = unit(who.faces.embeddings.astype(np.float64) - who.faces.embeddings[who.background].mean(axis=0))
    rows = []
    for victim, reference in enumerate(who.references):
        nearest = who.background[np.argmax(centred[who.background] @ centred[reference])]
        shown = [_picture(who, reference), *(line.rebuilt[victim].picture for line in lines), _picture(who, nearest)]
        rows.append(np.hstack(shown))
    return np.vstack([_titles(["enrolled", *(line.row for line in lines), "nearest stranger"]), *rows])


def _picture(who: Cast, row: int) -> Pixels:
    model = head.load()
    person = people.draw(model, SEED, int(who.numbers[row]))
    return render.rendered(model, person, shot.draw(person, SEED, int(who.images[row])))


def _titles(words: Sequence[str]) -> Pixels:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (render.SIZE * len(words), 28), "white")
    for place, word in enumerate(words):
        ImageDraw.Draw(image).text((render.SIZE * place + 6, 6), word, fill="black", font_size=15)
    return np.asarray(image)


def rendered(lines: Sequence[Line]) -> str:
    """The table as Markdown."""
    body = []
    for line in lines:
        count = len(line.accepted)
        low, high = wilson(float(line.accepted.sum()), count)
        share = float(line.by_photos.sum())
        photo_low, photo_high = wilson(share, count)
        body.append(
            (
                line.row,
                f"{line.accepted.mean():.2f} [{low:.2f}, {high:.2f}]",
                f"{share / count:.2f} [{photo_low:.2f}, {photo_high:.2f}]",
                f"{line.wolf:.4f}",
                f"{line.cosine.mean():.2f}",
            )
        )
    titles = ("template", "accepted by it", "by other photos of the person", "by strangers' photos", "centred cosine")
    table = tabulate(body, headers=titles, tablefmt="pipe", disable_numparse=True)
    return (
        f"# Pictures from stolen templates\n\n{len(lines[0].accepted)} people of the built-in population, who don't "
        f"exist; at FMR 1e-3; 95 % intervals over people. {ROUNDS * EACH} pictures were tried on each record.\n\n"
        f"{table}\n\n![enrolled, rebuilt, nearest stranger](strip.jpg)\n\nMade by "
        "`python -m mote_bench.faces.pixels`.\n"
    )


def main() -> None:
    """Rebuild and write."""
    parser = argparse.ArgumentParser(prog="python -m mote_bench.faces.pixels", description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=10, help="how many victims")
    parser.add_argument("--schemes", default=",".join(SCHEMES), help="whose templates are stolen")
    parser.add_argument("--jobs", type=int, default=workers.default_jobs(), help="worker processes")
    parser.add_argument("--out", type=Path, default=Path("leaderboards/pixels"), help="folder for table and strip")
    given = parser.parse_args()
    who = cast(given.people, seed=0)
    rows = [scene for name in registry.select("schemes", given.schemes) for scene in scenes(who, name, seed=0)]
    try:
        lines = measured(who, rows, jobs=given.jobs, seed=0)
    finally:
        workers.stop()
    given.out.mkdir(parents=True, exist_ok=True)
    store.write_text(given.out / "pixels.md", rendered(lines))
    (given.out / "strip.jpg").write_bytes(_jpeg(strip(who, lines)))
    print(f"written to '{given.out}'")


def _jpeg(pixels: Pixels) -> bytes:
    from PIL import Image

    stream_ = io.BytesIO()
    Image.fromarray(pixels).save(stream_, "JPEG", quality=85)
    return stream_.getvalue()


if __name__ == "__main__":
    main()
