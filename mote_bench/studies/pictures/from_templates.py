"""Pictures of the built-in people from their stolen templates: how often they are accepted, and a strip of them.

    python -m mote_bench study pictures [--people 10] [--second EMBEDDER --weights FILE] [--out boards/pixels]

The attacker holds the stolen template, the algorithm (for a keyed scheme also the key), a recogniser, and a renderer of
faces that belong to nobody. Or they hold no template and have online access only: an attack of the suite makes an
embedding from the running system's scores or decisions. They want a picture of the subject, for a fake document or to
hold before the camera. It is a success if the template accepts it, if other images of the subject do, also by a second
recogniser, and by how much more often than other subjects' images. After Mai, Cao, Yuen and Jain, "On the
reconstruction of face images from deep face templates", IEEE TPAMI 41(5), 2019, whose NbNet learns a picture from an
embedding; here it is one of an open parametric head, so that the result is always a face.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from mote_bench.studies.pictures.search import EACH, ROUNDS, Pixels, Reconstructed, Stolen, searched
from mote_bench.toolkit import QueryOracle, all_enrolled, draw_keys, revocable, stream, stream_seed, unit

FMR = 1e-3
SEED = 0
"""Of the built-in population."""
ATTACKERS = ("record", "decoder", "scores", "decisions")
"""What an attacker has: the template and all its responses; the template's closed form alone, decoded once; scores of
the running system; its decisions."""
_ONLINE = {"scores": ("solve-scores", Access.SCORES, 8), "decisions": ("boundary-decisions", Access.DECISIONS, 64)}
"""The online attack that makes the embedding, its access, and its queries per dimension, as in protocol people-2."""
_ONLINE_ROUNDS = 2
"""Rounds of pictures that are compared with that embedding."""
_PUBLIC = 150
_SAMPLE = 1500
_STRIP_QUALITY, _ALBUM_QUALITY = 58, 92
_BESIDE = 45
"""Other subjects in an album: explanations fit schemes and set thresholds on them."""

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cast:
    """The attacked subjects and all others, as rows of the built-in population.

    Attributes
    ----------
    numbers, images : (n,) int
        The subject and the image of each row.
    references : (v,) int
        The enrolled row of each target subject; ``others`` are the rows of their other pictures.
    background : (b,) int
        The rows of all other subjects.
    """

    faces: Faces
    numbers: Index
    images: Index
    references: Index
    others: tuple[Index, ...]
    background: Index


@dataclass(frozen=True, eq=False)
class Scene:
    """One row of the table: what the attacker has, and the running system.

    ``shown`` says whether the strip shows it. ``accepts`` says whether the running system, given the subject's own key,
    accepts an embedding (d,) as target subject i.
    """

    row: str
    stolen: tuple[Stolen, ...]
    system: Any
    templates: tuple[bytes, ...]
    keys: tuple[bytes, ...] | None
    threshold: float
    shown: bool = True

    def accepts(self, target: int, embedding: FloatArray) -> bool:
        if not embedding.any():  # no face in the picture
            return False
        keys = None if self.keys is None else [self.keys[target]]
        answer = self.system.score([self.templates[target]], embedding[None].astype(np.float32), keys=keys)
        return bool(np.asarray(answer)[0, 0] >= self.threshold)


@dataclass(frozen=True, eq=False)
class Line:
    """The figures of one row.

    Attributes
    ----------
    accepted : (v,) bool
        Whether the subject's template accepts the picture, at FMR 1e-3 and with the subject's own key.
    by_photos : (v,) float
        The share of the subject's other images that accept it, by a recogniser at FMR 1e-3.
    wolf : (v,) float
        The share of other subjects' images that accept it: its wolf rate.
    cosine : (v,) float
        Cosine of the picture's embedding and the enrolled one, both centred.
    """

    row: str
    reconstructed: tuple[Reconstructed, ...]
    accepted: npt.NDArray[np.bool_]
    by_photos: FloatArray
    wolf: FloatArray
    cosine: FloatArray
    second: second.Compared | None = None
    shown: bool = True


def cast(count: int, *, seed: int) -> Cast:
    """Draw the target subjects from the built-in population."""
    stored = read_npz(synthetic.FOLDER / synthetic.card()["file"])
    numbers = np.array([int(name[1:]) for name in stored["identity"].astype(str)], dtype=np.intp)
    faces = Faces(
        stored["embeddings"].astype(np.float32), numbers.astype(str), {"gender": stored["gender"].astype(str)}
    )
    everybody = np.unique(numbers)
    if not 1 <= count <= len(everybody) // 2:  # all others are public
        raise InputError(
            f"--people {count}: expected 1 to {len(everybody) // 2} of the {len(everybody)} built-in people"
        )
    targets = stream(seed, "pixels", "people").choice(everybody, count, replace=False)
    rows = [np.flatnonzero(numbers == one) for one in targets]
    others = tuple(found[1:] for found in rows)
    references = np.array([found[0] for found in rows])
    background = np.flatnonzero(~np.isin(numbers, targets))
    return Cast(faces, numbers, stored["image"].astype(np.intp), references, others, background)


def scenes(who: Cast, name: str, *, seed: int, attackers: Sequence[str] = ("record",)) -> list[Scene]:
    """The rows of one scheme: one an attacker; of a keyed scheme also that of a template whose key is kept."""
    background = who.faces.rows(who.background)
    system: Any = registry.load("schemes", name)
    system.fit(background, seed=seed)
    references = who.faces.embeddings[who.references]
    _, first = np.unique(who.numbers[who.background], return_index=True)
    public = background.rows(first[:_PUBLIC])
    keyed = revocable(system)
    keys, theirs = (
        draw_keys(len(some), stream(seed, "keys", len(some))) if keyed else None for some in (references, public)
    )
    seeds = partial(stream_seed, seed, name)
    templates = tuple(
        all_enrolled(system.enroll(references, keys=keys, seeds=[seeds(k) for k in range(len(references))]))
    )
    of_public = [seeds("stranger", k) for k in range(len(public))]
    enrolled = all_enrolled(system.enroll(public.embeddings, keys=theirs, seeds=of_public))
    scores = np.asarray(system.score(enrolled, public.embeddings, keys=theirs))
    threshold = threshold_at_fmr(scores[~np.eye(len(public), dtype=bool)], FMR)
    shadow = Shadow(public, tuple(enrolled), None if theirs is None else tuple(theirs))
    running = Scene(f"{name}, key stolen" if keyed else name, (), system, templates, keys, threshold)
    made = []
    for attacker in attackers:
        online = (
            [None] * len(templates)
            if attacker not in _ONLINE
            else _online_embeddings(attacker, running, background, shadow, seed)
        )
        held = tuple(_held(attacker, running, target, one) for target, one in enumerate(online))
        row = running.row if attacker == "record" else f"{running.row}: {attacker} only"
        made.append(replace(running, row=row, stolen=held, shown=attacker == "record"))
    if keyed and "record" in attackers:
        own = draw_keys(1, stream(seed, "thief"))[0]
        made.append(replace(running, row=name, stolen=tuple(Stolen(system, one, own, False) for one in templates)))
    return made


def _held(attacker: str, running: Scene, target: int, online: FloatArray | None) -> Stolen:
    rounds = {"record": ROUNDS, "decoder": 0}.get(attacker, _ONLINE_ROUNDS)
    key = None if running.keys is None else running.keys[target]
    system = running.system
    return Stolen(system, running.templates[target], key, hasattr(system, "reconstruct"), online, rounds)


def _online_embeddings(
    attacker: str, scene: Scene, public: Faces, shadow: Shadow, seed: int
) -> list[FloatArray | None]:
    """The embedding of each subject that an online attack makes; the subjects' keys are presented."""
    name, access, queries = _ONLINE[attacker]
    dimension = public.embeddings.shape[1]
    oracle = QueryOracle(
        scene.system,
        scene.templates,
        keys=scene.keys,
        access=access,
        threshold=scene.threshold,
        budget=queries * dimension,
    )
    level = Knowledge.ALGORITHM if scene.keys is None else Knowledge.STOLEN_KEY
    evidence = Evidence(level, scheme=scene.system, public=public, shadow=shadow, oracle=oracle)
    attack: Any = registry.load("attacks", name)
    return list(attack.answer(WhichFace(dimension), evidence, stream(seed, "pixels", name)))


def measured(
    who: Cast, rows: Sequence[Scene], *, jobs: int, seed: int, other: second.Second | None = None
) -> list[Line]:
    """Reconstruct every subject of every row; figures don't depend on ``jobs``. ``other`` compares the pictures too."""
    background = who.faces.rows(who.background)
    decoder = learned(background.embeddings, who.numbers[who.background], seed=SEED)
    tasks = (
        workers.Task((scene.row, target), _searched, (one, decoder, stream_seed(seed, target)))
        for scene in rows
        for target, one in enumerate(scene.stolen)
    )
    made: dict[tuple[str, int], Reconstructed] = {}
    for key, outcome in workers.run(tasks, jobs=jobs):
        if outcome.error is not None:
            raise RuntimeError(outcome.error)
        made[key] = outcome.value
    return [
        _line(who, scene, tuple(made[scene.row, k] for k in range(len(scene.stolen))), decoder, other) for scene in rows
    ]


def _searched(stolen: Stolen, decoder: Decoder, seed: int) -> Outcome:
    return guarded(lambda: searched(stolen, decoder, seed=seed))


def _line(
    who: Cast, scene: Scene, reconstructed: tuple[Reconstructed, ...], decoder: Decoder, other: second.Second | None
) -> Line:
    centred = unit(who.faces.embeddings.astype(np.float64) - decoder.mean)
    seen = np.array([one.embedding.any() for one in reconstructed])
    made = unit(np.array([one.embedding for one in reconstructed]) - decoder.mean) * seen[:, None]
    sample = who.background[:: max(1, len(who.background) // _SAMPLE)]
    public = centred[sample]
    impostors = (public @ public.T)[who.numbers[sample][:, None] != who.numbers[sample]]
    threshold = threshold_at_fmr(impostors, FMR)
    return Line(
        scene.row,
        reconstructed,
        np.array([scene.accepts(target, one.embedding) for target, one in enumerate(reconstructed)]),
        np.array([np.mean(centred[rows] @ made[target] >= threshold) for target, rows in enumerate(who.others)]),
        np.mean(made @ public.T >= threshold, axis=1),
        np.einsum("nd,nd->n", made, centred[who.references]),
        None if other is None else second.compared(other, [one.picture for one in reconstructed]),
        scene.shown,
    )


def photo_line(who: Cast, other: second.Second | None) -> Line:
    """The control: each subject's first other image instead of a reconstruction, compared with the further ones."""
    mean = who.faces.embeddings[who.background].mean(axis=0)
    centred = unit(who.faces.embeddings.astype(np.float64) - mean)
    sample = who.background[:: max(1, len(who.background) // _SAMPLE)]
    public = centred[sample]
    impostors = (public @ public.T)[who.numbers[sample][:, None] != who.numbers[sample]]
    threshold = threshold_at_fmr(impostors, FMR)
    shown = centred[[rows[0] for rows in who.others]]
    compared = None
    if other is not None:
        alike = [
            (photos[1:] @ photos[0] >= other.threshold).mean() if len(photos) > 1 else 0.0 for photos in other.photos
        ]
        wolves = [(other.public @ p[0] >= other.threshold).mean() if len(p) else 0.0 for p in other.photos]
        compared = second.Compared(np.array(alike), np.array(wolves))
    return Line(
        "another image of the subject",
        (),
        np.einsum("nd,nd->n", shown, centred[who.references]) >= threshold,
        np.array([(centred[rows[1:]] @ shown[k] >= threshold).mean() for k, rows in enumerate(who.others)]),
        np.mean(shown @ public.T >= threshold, axis=1),
        np.einsum("nd,nd->n", shown, centred[who.references]),
        compared,
        shown=False,
    )


def second_of(who: Cast, recogniser: Recogniser, *, pictures: Path | None, jobs: int) -> second.Second:
    """The second recogniser, with its embeddings of the subjects' other images and of two of each background subject.

    ``pictures`` is a folder that `faces` made of the built-in population, or of its first subjects: what is there isn't
    rendered again.
    """

    def named(rows: Index) -> list[second.Picture]:
        return [(int(who.numbers[row]), int(who.images[row])) for row in rows]

    photos, public = [named(rows) for rows in who.others], named(_public(who))
    return second.made(recogniser, photos, public, fmr=FMR, stored=second.Stored(SEED, pictures), jobs=jobs)


def _public(who: Cast) -> Index:
    """The rows of two images each of subjects who aren't attacked."""
    _, first, count = np.unique(who.numbers[who.background], return_index=True, return_counts=True)
    several = first[count > 1][:_PUBLIC]
    return np.asarray(who.background[np.concatenate([several, several + 1])])


def first_eer(who: Cast) -> Measurement:
    """The equal error rate of the attacked recogniser, on the images on which the second one's is measured."""
    rows = _public(who)
    centred = unit(who.faces.embeddings[rows].astype(np.float64) - who.faces.embeddings[who.background].mean(axis=0))
    return census.measured(centred, who.numbers[rows].astype(str), {})["eer"]


def strip(who: Cast, lines: Sequence[Line]) -> Pixels:
    """A row of pictures per subject: enrolled, reconstructed in each row of the table, and the nearest other face."""
    centred = unit(who.faces.embeddings.astype(np.float64) - who.faces.embeddings[who.background].mean(axis=0))
    lines = [line for line in lines if line.shown]
    rows = []
    for target, reference in enumerate(who.references):
        nearest = who.background[np.argmax(centred[who.background] @ centred[reference])]
        shown = [
            _picture(who, reference),
            *(line.reconstructed[target].picture for line in lines),
            _picture(who, nearest),
        ]
        rows.append(np.hstack(shown))
    return np.vstack([_titles(["enrolled", *(line.row for line in lines), "nearest other face"]), *rows])


def album(who: Cast, lines: Sequence[Line], folder: Path) -> None:
    """Write a folder a row, as `explain --pictures` takes it: subjects enrolled and reconstructed, and other subjects.

    A subject's folder holds ``0.jpg``, the enrolled picture; an attacked subject's also ``1.jpg``, the reconstruction.
    """
    _, first = np.unique(who.numbers[who.background], return_index=True)
    beside = [*who.references, *who.background[first][:_BESIDE]]
    recipe = population.Recipe(0, 0, SEED)
    enrolled = {int(who.numbers[row]): _taken(recipe, who, row) for row in beside}
    for line in lines:
        row = folder / re.sub(r"\W+", "-", line.row)
        reconstructed = zip(who.numbers[who.references], line.reconstructed, strict=True)
        files = {(number, 0): content for number, content in enrolled.items()}
        files |= {(int(number), 1): _jpeg(one.picture, quality=_ALBUM_QUALITY) for number, one in reconstructed}
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


def rendered(lines: Sequence[Line], about: str = "", *, command: str = "") -> str:
    """The table as Markdown; ``about`` says what the second recogniser is, ``command`` what was typed."""
    titles = ["template", "accepted by it", "by the subject's other images", "by other subjects", "centred cosine"]
    if about:
        titles += ["second recogniser: by other images", "by other subjects "]
    body = []
    for line in lines:
        cells = [line.row, _share(line.accepted.astype(float)), _share(line.by_photos), _wolves(line.wolf)]
        cells.append(f"{line.cosine.mean():.2f}")
        if line.second is not None:
            cells += [_share(line.second.by_photos), _wolves(line.second.wolf)]
        body.append(cells)
    table = tabulate(body, headers=titles, tablefmt="pipe", disable_numparse=True)
    count = len(lines[0].accepted)
    return (
        f"# Pictures from stolen templates\n\n{count} subjects of the built-in population, who don't exist; at FMR "
        f"1e-3; 95 % intervals over subjects. {ROUNDS * EACH} pictures were tried on each template; "
        "*decoder only* takes the decoded one as it is. *scores only* and *decisions only* have online access: they "
        f"make an embedding from {_queries('scores')} scores or {_queries('decisions')} decisions per dimension, then "
        f"compare {_ONLINE_ROUNDS * EACH} pictures with it.{about}\n\n{table}\n\n"
        "![enrolled, reconstructed, nearest other face](strip.jpg)\n\n"
        f"Made by `python -m mote_bench study pictures{command}`.\n"
    )


def about_second(other: second.Second, first: Measurement) -> str:
    """What the second recogniser is, and its error rate beside the first one's."""
    about = other.recogniser.make().about()
    return (
        f" The second recogniser is {about['recogniser']} (weights {about['weights_sha256'][:16]}); nothing was fitted "
        f"to it. On two images each of {other.eer.n} other subjects its equal error rate is {_percent(other.eer)}, "
        f"that of the attacked recogniser {_percent(first)}. A recogniser that errs more rejects more, also of genuine "
        "images: compare its columns with those of a real image."
    )


def _percent(one: Measurement) -> str:
    return f"{100 * one.value:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"


def _queries(access: str) -> int:
    return _ONLINE[access][2]


def _share(credit: FloatArray) -> str:
    """A subject's images count as one trial: the interval is over subjects."""
    low, high = wilson(float(credit.sum()), len(credit))
    return f"{credit.mean():.2f} [{low:.2f}, {high:.2f}]"


def _wolves(rates: FloatArray) -> str:
    low, high = clustered_wilson(rates * _SAMPLE, np.full(len(rates), float(_SAMPLE)))
    return f"{rates.mean():.4f} [{low:.4f}, {high:.4f}]"


@dataclass(frozen=True)
class Options:
    """What the study is made of.

    Attributes
    ----------
    people : int
        How many built-in subjects are attacked.
    schemes : str
        A comma list of schemes.
    attackers : sequence of str
        Some of :data:`ATTACKERS`.
    second : str, optional
        A second recogniser that the pictures are compared by too; ``weights`` is its file.
    taken : mapping of str -> str
        What this file takes: ``mean``, ``scale``, ``order``, ``output`` and ``alignment``, as for ``embed``.
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
    taken: Mapping[str, str] = field(default_factory=dict)
    pictures: Path | None = None
    album: Path | None = None


def write(options: Options, out: Path, *, jobs: int) -> None:
    """Attack, render, and write the table and the strip of pictures.

    Raises
    ------
    InputError
        When an option names something that isn't there; nothing is rendered or written then.
    """
    if not set(options.attackers) <= set(ATTACKERS):
        raise InputError(f"--attackers {','.join(options.attackers)}: expected some of {', '.join(ATTACKERS)}")
    unowned = [*(["weights"] if options.weights is not None else []), *options.taken]
    if unowned and options.second is None:
        raise InputError(f"--{unowned[0]} without --second; add --second EMBEDDER, the second recogniser")
    names = registry.select("schemes", options.schemes)
    who = cast(options.people, seed=0)
    other, about, command = None, "", f" --people {options.people}"
    if options.second is not None:
        recogniser = Recogniser.at(options.second, options.weights, **options.taken)
        other = second_of(who, recogniser, pictures=options.pictures, jobs=jobs)
        about = about_second(other, first_eer(who))
        command += f" --second {options.second}" + (f" --weights {options.weights.name}" if options.weights else "")
        command += "".join(f" --{name} {value}" for name, value in options.taken.items())
    rows = [scene for name in names for scene in scenes(who, name, seed=0, attackers=options.attackers)]
    lines = measured(who, rows, jobs=jobs, seed=0, other=other)
    out.mkdir(parents=True, exist_ok=True)
    files.write_text(out / "pixels.md", rendered([*lines, photo_line(who, other)], about, command=command))
    (out / "strip.jpg").write_bytes(_jpeg(smaller(strip(who, lines)), quality=_STRIP_QUALITY))
    if options.album is not None:
        album(who, lines, options.album)


def _jpeg(pixels: Pixels, *, quality: int) -> bytes:
    from PIL import Image

    stream_ = io.BytesIO()
    Image.fromarray(pixels).save(stream_, "JPEG", quality=quality, optimize=True)
    return stream_.getvalue()
