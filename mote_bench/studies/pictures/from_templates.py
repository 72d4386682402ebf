"""Pictures of the built-in people from their stolen templates: how often they are accepted, and a strip of them.

    python -m mote_bench study pictures [--people 10] [--second EMBEDDER --weights FILE] [--out boards/pixels]

The thief has the stolen record, the algorithm (for a keyed scheme also the key), a recogniser, and a renderer of faces
that belong to nobody; or no record at all, only the running system's scores or decisions, which an attack of the suite
makes an embedding of. They want a picture of the person: for a fake document, or to hold before the camera. It counts
as success when the template accepts the picture, when other photos of the person do, also by a second recogniser, and
by how much more often than a stranger's. After Mai, Cao, Yuen and Jain, "On the reconstruction of face images from
deep face templates", IEEE TPAMI 41(5), 2019, whose NbNet learns a picture from an embedding; here it is one of an open
parametric head, so that what comes out is always a face.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tabulate import tabulate

from mote_bench import files, registry
from mote_bench.contracts import Access, Evidence, Faces, FloatArray, InputError, Knowledge, Measurement, Shadow
from mote_bench.data import synthetic
from mote_bench.data.arrays import read_npz
from mote_bench.embedders.pipeline import Recogniser
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.faces import census, head, people, population, render, shot
from mote_bench.metrics.intervals import clustered_wilson, wilson
from mote_bench.metrics.verification import threshold_at_fmr
from mote_bench.questions import WhichFace
from mote_bench.studies.pictures import second_recogniser as second
from mote_bench.studies.pictures.decoder import Decoder, learned
from mote_bench.studies.pictures.search import EACH, ROUNDS, Pixels, Rebuilt, Stolen, searched
from mote_bench.toolkit import QueryOracle, draw_keys, revocable, stream, stream_seed, unit

FMR = 1e-3
SEED = 0
"""Of the built-in population."""
THIEVES = ("record", "decoder", "scores", "decisions")
"""What a thief goes by: the record and all its answers; the record's closed form alone, decoded once; scores of the
running system; its yes and no."""
_AT_THE_DOOR = {"scores": ("solve-scores", Access.SCORES, 8), "decisions": ("boundary-decisions", Access.DECISIONS, 64)}
"""The attack that makes an embedding of the answers, and its queries a dimension, as in protocol people-2."""
_DOOR_ROUNDS = 2
"""Of pictures that are compared with that embedding."""
_STRANGERS = 150
_SAMPLE = 1500
_STRIP_QUALITY, _ALBUM_QUALITY = 58, 92
_BESIDE = 45
"""Strangers in an album: explanations fit schemes and set thresholds on them."""

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
    """One row of the table: what the thief has, and the system's answers to pictures of the victims.

    ``shown`` says whether the strip shows it. ``opens`` asks the running system, with the victims' own keys, for its
    answer to an embedding (d,) of victim i.
    """

    row: str
    stolen: tuple[Stolen, ...]
    system: Any
    templates: tuple[bytes, ...]
    keys: tuple[bytes, ...] | None
    threshold: float
    shown: bool = True

    def opens(self, victim: int, embedding: FloatArray) -> bool:
        if not embedding.any():  # no face in the picture
            return False
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
    by_strangers : (v,) float
        The share of strangers' photos that accept it: its wolf rate.
    cosine : (v,) float
        Of the picture's embedding and the enrolled one, both centred.
    """

    row: str
    rebuilt: tuple[Rebuilt, ...]
    accepted: npt.NDArray[np.bool_]
    by_photos: FloatArray
    by_strangers: FloatArray
    cosine: FloatArray
    second: second.Verdict | None = None
    shown: bool = True


def cast(count: int, *, seed: int) -> Cast:
    """Draw the victims from the built-in population."""
    stored = read_npz(synthetic.FOLDER / synthetic.card()["file"])
    numbers = np.array([int(name[1:]) for name in stored["identity"].astype(str)], dtype=np.intp)
    faces = Faces(
        stored["embeddings"].astype(np.float32), numbers.astype(str), {"gender": stored["gender"].astype(str)}
    )
    everybody = np.unique(numbers)
    if not 1 <= count <= len(everybody) // 2:  # the others are public, and strangers
        raise InputError(
            f"--people {count}: expected 1 to {len(everybody) // 2} of the {len(everybody)} built-in people"
        )
    victims = stream(seed, "pixels", "people").choice(everybody, count, replace=False)
    rows = [np.flatnonzero(numbers == one) for one in victims]
    others = tuple(found[1:] for found in rows)
    references = np.array([found[0] for found in rows])
    background = np.flatnonzero(~np.isin(numbers, victims))
    return Cast(faces, numbers, stored["image"].astype(np.intp), references, others, background)


def scenes(who: Cast, name: str, *, seed: int, thieves: Sequence[str] = ("record",)) -> list[Scene]:
    """The rows of one scheme: one a thief; with a key also that of a record whose key is kept."""
    background = who.faces.rows(who.background)
    system: Any = registry.load("schemes", name)
    system.fit(background, seed=seed)
    references = who.faces.embeddings[who.references]
    _, first = np.unique(who.numbers[who.background], return_index=True)
    strangers = background.rows(first[:_STRANGERS])
    keyed = revocable(system)
    keys, theirs = (
        draw_keys(len(some), stream(seed, "keys", len(some))) if keyed else None for some in (references, strangers)
    )
    seeds = partial(stream_seed, seed, name)
    templates = tuple(system.enroll(references, keys=keys, seeds=[seeds(k) for k in range(len(references))]))
    enrolled = system.enroll(
        strangers.embeddings, keys=theirs, seeds=[seeds("stranger", k) for k in range(len(strangers))]
    )
    scores = np.asarray(system.score(enrolled, strangers.embeddings, keys=theirs))
    threshold = threshold_at_fmr(scores[~np.eye(len(strangers), dtype=bool)], FMR)
    shadow = Shadow(strangers, tuple(enrolled), None if theirs is None else tuple(theirs))
    running = Scene(f"{name}, key stolen" if keyed else name, (), system, templates, keys, threshold)
    made = []
    for thief in thieves:
        told = [None] * len(templates) if thief not in _AT_THE_DOOR else _told(thief, running, background, shadow, seed)
        held = tuple(_held(thief, running, victim, one) for victim, one in enumerate(told))
        row = running.row if thief == "record" else f"{running.row}: {thief} only"
        made.append(replace(running, row=row, stolen=held, shown=thief == "record"))
    if keyed and "record" in thieves:
        own = draw_keys(1, stream(seed, "thief"))[0]
        made.append(replace(running, row=name, stolen=tuple(Stolen(system, one, own, False) for one in templates)))
    return made


def _held(thief: str, running: Scene, victim: int, told: FloatArray | None) -> Stolen:
    rounds = {"record": ROUNDS, "decoder": 0}.get(thief, _DOOR_ROUNDS)
    key = None if running.keys is None else running.keys[victim]
    system = running.system
    return Stolen(system, running.templates[victim], key, hasattr(system, "reconstruct"), told, rounds)


def _told(thief: str, scene: Scene, public: Faces, shadow: Shadow, seed: int) -> list[FloatArray | None]:
    """The embedding of each victim as an attack at the door of the running system makes it; keys are presented."""
    name, access, queries = _AT_THE_DOOR[thief]
    dimension = public.embeddings.shape[1]
    door = QueryOracle(
        scene.system,
        scene.templates,
        keys=scene.keys,
        access=access,
        threshold=scene.threshold,
        budget=queries * dimension,
    )
    level = Knowledge.ALGORITHM if scene.keys is None else Knowledge.STOLEN_KEY
    evidence = Evidence(level, scheme=scene.system, public=public, shadow=shadow, oracle=door)
    attack: Any = registry.load("attacks", name)
    return list(attack.answer(WhichFace(dimension), evidence, stream(seed, "pixels", name)))


def measured(
    who: Cast, rows: Sequence[Scene], *, jobs: int, seed: int, other: second.Second | None = None
) -> list[Line]:
    """Rebuild every victim of every row; the figures don't depend on ``jobs``. ``other`` judges the pictures too."""
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
    return [
        _line(who, scene, tuple(made[scene.row, k] for k in range(len(scene.stolen))), decoder, other) for scene in rows
    ]


def _searched(stolen: Stolen, decoder: Decoder, seed: int) -> Outcome:
    return guarded(lambda: searched(stolen, decoder, seed=seed))


def _line(who: Cast, scene: Scene, rebuilt: tuple[Rebuilt, ...], decoder: Decoder, other: second.Second | None) -> Line:
    centred = unit(who.faces.embeddings.astype(np.float64) - decoder.mean)
    seen = np.array([one.embedding.any() for one in rebuilt])
    made = unit(np.array([one.embedding for one in rebuilt]) - decoder.mean) * seen[:, None]
    sample = who.background[:: max(1, len(who.background) // _SAMPLE)]
    strangers = centred[sample]
    impostors = (strangers @ strangers.T)[who.numbers[sample][:, None] != who.numbers[sample]]
    threshold = threshold_at_fmr(impostors, FMR)
    return Line(
        scene.row,
        rebuilt,
        np.array([scene.opens(victim, one.embedding) for victim, one in enumerate(rebuilt)]),
        np.array([np.mean(centred[rows] @ made[victim] >= threshold) for victim, rows in enumerate(who.others)]),
        np.mean(made @ strangers.T >= threshold, axis=1),
        np.einsum("nd,nd->n", made, centred[who.references]),
        None if other is None else second.judged(other, [one.picture for one in rebuilt]),
        scene.shown,
    )


def photo_line(who: Cast, other: second.Second | None) -> Line:
    """The control: each victim's first other photo in place of a rebuilt picture, held against the further ones."""
    mean = who.faces.embeddings[who.background].mean(axis=0)
    centred = unit(who.faces.embeddings.astype(np.float64) - mean)
    sample = who.background[:: max(1, len(who.background) // _SAMPLE)]
    strangers = centred[sample]
    impostors = (strangers @ strangers.T)[who.numbers[sample][:, None] != who.numbers[sample]]
    threshold = threshold_at_fmr(impostors, FMR)
    shown = centred[[rows[0] for rows in who.others]]
    verdict = None
    if other is not None:
        alike = [
            (photos[1:] @ photos[0] >= other.threshold).mean() if len(photos) > 1 else 0.0 for photos in other.photos
        ]
        wolves = [(other.strangers @ p[0] >= other.threshold).mean() if len(p) else 0.0 for p in other.photos]
        verdict = second.Verdict(np.array(alike), np.array(wolves))
    return Line(
        "a photo of the person",
        (),
        np.einsum("nd,nd->n", shown, centred[who.references]) >= threshold,
        np.array([(centred[rows[1:]] @ shown[k] >= threshold).mean() for k, rows in enumerate(who.others)]),
        np.mean(shown @ strangers.T >= threshold, axis=1),
        np.einsum("nd,nd->n", shown, centred[who.references]),
        verdict,
        shown=False,
    )


def second_of(who: Cast, recogniser: Recogniser, *, pictures: Path | None, jobs: int) -> second.Second:
    """The second recogniser, with its embeddings of the victims' other pictures and of two of each stranger.

    ``pictures`` is a folder that `faces` made of the built-in population, or of its first people: what is there isn't
    rendered again.
    """

    def named(rows: Index) -> list[second.Picture]:
        return [(int(who.numbers[row]), int(who.images[row])) for row in rows]

    photos, strangers = [named(rows) for rows in who.others], named(_strangers(who))
    return second.made(recogniser, photos, strangers, fmr=FMR, stored=second.Stored(SEED, pictures), jobs=jobs)


def _strangers(who: Cast) -> Index:
    """The rows of two pictures each of people who aren't victims."""
    _, first, count = np.unique(who.numbers[who.background], return_index=True, return_counts=True)
    several = first[count > 1][:_STRANGERS]
    return np.asarray(who.background[np.concatenate([several, several + 1])])


def first_eer(who: Cast) -> Measurement:
    """The equal error rate of the recogniser that is attacked, on the pictures that tell the second one's."""
    rows = _strangers(who)
    centred = unit(who.faces.embeddings[rows].astype(np.float64) - who.faces.embeddings[who.background].mean(axis=0))
    return census.measured(centred, who.numbers[rows].astype(str), {})["eer"]


def strip(who: Cast, lines: Sequence[Line]) -> Pixels:
    """A row of pictures per victim: enrolled, rebuilt under each row of the table, and the most similar stranger."""
    centred = unit(who.faces.embeddings.astype(np.float64) - who.faces.embeddings[who.background].mean(axis=0))
    lines = [line for line in lines if line.shown]
    rows = []
    for victim, reference in enumerate(who.references):
        nearest = who.background[np.argmax(centred[who.background] @ centred[reference])]
        shown = [_picture(who, reference), *(line.rebuilt[victim].picture for line in lines), _picture(who, nearest)]
        rows.append(np.hstack(shown))
    return np.vstack([_titles(["enrolled", *(line.row for line in lines), "nearest stranger"]), *rows])


def album(who: Cast, lines: Sequence[Line], folder: Path) -> None:
    """Write a folder a row, as `explain --pictures` takes it: victims enrolled and rebuilt, and a picture of strangers.

    A person's folder holds ``0.jpg``, the enrolled picture, and of victims ``1.jpg``, the rebuilt one.
    """
    _, first = np.unique(who.numbers[who.background], return_index=True)
    beside = [*who.references, *who.background[first][:_BESIDE]]
    recipe = population.Recipe(0, 0, SEED)
    enrolled = {int(who.numbers[row]): _taken(recipe, who, row) for row in beside}
    for line in lines:
        row = folder / re.sub(r"\W+", "-", line.row)
        rebuilt = zip(who.numbers[who.references], line.rebuilt, strict=True)
        files = {(number, 0): content for number, content in enrolled.items()}
        files |= {(int(number), 1): _jpeg(one.picture, quality=_ALBUM_QUALITY) for number, one in rebuilt}
        for which, content in files.items():
            path = row / Path(population.name_of(*which)).relative_to("pictures")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _taken(recipe: population.Recipe, who: Cast, row: int) -> bytes:
    return population.picture(recipe, int(who.numbers[row]), int(who.images[row]))


def _picture(who: Cast, row: int) -> Pixels:
    model = head.load()
    person = people.draw(model, SEED, int(who.numbers[row]))
    return render.rendered(model, person, shot.draw(person, SEED, int(who.images[row])))


def smaller(pixels: Pixels) -> Pixels:
    """At two thirds of the size: the strip has to fit into a page."""
    from PIL import Image

    height, width, _ = pixels.shape
    return np.asarray(Image.fromarray(pixels).resize((2 * width // 3, 2 * height // 3), Image.Resampling.LANCZOS))


def _titles(words: Sequence[str]) -> Pixels:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (render.SIZE * len(words), 28), "white")
    for place, word in enumerate(words):
        ImageDraw.Draw(image).text((render.SIZE * place + 6, 6), word, fill="black", font_size=15)
    return np.asarray(image)


def rendered(lines: Sequence[Line], judge: str = "", *, command: str = "") -> str:
    """The table as Markdown; ``judge`` says who the second recogniser is, ``command`` what was typed."""
    titles = ["template", "accepted by it", "by other photos of the person", "by strangers' photos", "centred cosine"]
    if judge:
        titles += ["second recogniser: by other photos", "by strangers' photos "]
    body = []
    for line in lines:
        cells = [line.row, _share(line.accepted.astype(float)), _share(line.by_photos), _wolves(line.by_strangers)]
        cells.append(f"{line.cosine.mean():.2f}")
        if line.second is not None:
            cells += [_share(line.second.by_photos), _wolves(line.second.by_strangers)]
        body.append(cells)
    table = tabulate(body, headers=titles, tablefmt="pipe", disable_numparse=True)
    count = len(lines[0].accepted)
    return (
        f"# Pictures from stolen templates\n\n{count} people of the built-in population, who don't exist; at FMR 1e-3; "
        f"95 % intervals over people. {ROUNDS * EACH} pictures were tried on each record; *decoder only* "
        f"takes the decoded one as it is; *scores only* and *decisions only* make an embedding of {_queries('scores')} "
        f"scores or {_queries('decisions')} yes-or-no answers of the running system, then try {_DOOR_ROUNDS * EACH} "
        f"pictures against that.{judge}\n\n{table}\n\n![enrolled, rebuilt, nearest stranger](strip.jpg)\n\nMade by "
        f"`python -m mote_bench study pictures{command}`.\n"
    )


def judge_of(other: second.Second, first: Measurement) -> str:
    """Who the second recogniser is, and how good beside the first."""
    about = other.recogniser.make().about()
    return (
        f" The second recogniser is {about['recogniser']} (weights {about['weights_sha256'][:16]}); nothing was fitted "
        f"to it. On two pictures each of {other.eer.n} other people its own equal error rate is {_percent(other.eer)}, "
        f"that of the attacked recogniser {_percent(first)}. A judge that errs more refuses more, also of what is "
        "real: its columns are read beside those of a photo."
    )


def _percent(one: Measurement) -> str:
    return f"{100 * one.value:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _queries(thief: str) -> str:
    return f"{_AT_THE_DOOR[thief][2]} a dimension"


def _share(credit: FloatArray) -> str:
    """A person's photos count as one trial: the interval is over people."""
    low, high = wilson(float(credit.sum()), len(credit))
    return f"{credit.mean():.2f} [{low:.2f}, {high:.2f}]"


def _wolves(rates: FloatArray) -> str:
    low, high = clustered_wilson(rates * _SAMPLE, np.full(len(rates), float(_SAMPLE)))
    return f"{rates.mean():.4f} [{low:.4f}, {high:.4f}]"


@dataclass(frozen=True)
class Asked:
    """What the study is made of.

    Attributes
    ----------
    people : int
        How many built-in subjects are attacked.
    schemes : str
        A comma list of schemes.
    attackers : sequence of str
        Some of :data:`THIEVES`.
    second : str, optional
        A recogniser that judges the pictures too; ``weights`` is its file.
    pictures : Path, optional
        A folder that ``faces`` made, whose pictures aren't rendered again.
    album : Path, optional
        A folder for the pictures themselves.
    """

    people: int
    schemes: str
    attackers: Sequence[str]
    second: str | None = None
    weights: Path | None = None
    pictures: Path | None = None
    album: Path | None = None


def write(asked: Asked, out: Path, *, jobs: int) -> None:
    """Attack, render, and write the table and the strip of pictures.

    Raises
    ------
    InputError
        When what is asked for isn't there; nothing is rendered or written then.
    """
    if not set(asked.attackers) <= set(THIEVES):
        raise InputError(f"--thieves {','.join(asked.attackers)}: expected some of {', '.join(THIEVES)}")
    if asked.weights is not None and asked.second is None:
        raise InputError("--weights go with --second EMBEDDER; name the second recogniser")
    names = registry.select("schemes", asked.schemes)
    who = cast(asked.people, seed=0)
    other, judge, command = None, "", f" --people {asked.people}"
    if asked.second is not None:
        judging = Recogniser.at(asked.second, asked.weights)
        other = second_of(who, judging, pictures=asked.pictures, jobs=jobs)
        judge = judge_of(other, first_eer(who))
        command += f" --second {asked.second}" + (f" --weights {asked.weights.name}" if asked.weights else "")
    rows = [scene for name in names for scene in scenes(who, name, seed=0, thieves=asked.attackers)]
    lines = measured(who, rows, jobs=jobs, seed=0, other=other)
    out.mkdir(parents=True, exist_ok=True)
    files.write_text(out / "pixels.md", rendered([*lines, photo_line(who, other)], judge, command=command))
    (out / "strip.jpg").write_bytes(_jpeg(smaller(strip(who, lines)), quality=_STRIP_QUALITY))
    if asked.album is not None:
        album(who, lines, asked.album)


def _jpeg(pixels: Pixels, *, quality: int) -> bytes:
    from PIL import Image

    stream_ = io.BytesIO()
    Image.fromarray(pixels).save(stream_, "JPEG", quality=quality, optimize=True)
    return stream_.getvalue()
