"""A whole population on disk: a folder of pictures per person, tables of who they show, and a card. Resumable."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from mote_bench import files
from mote_bench.contracts import InputError
from mote_bench.execution import workers
from mote_bench.execution.outcome import Outcome, guarded
from mote_bench.execution.progress import Progress
from mote_bench.faces import head, people, render, shot

TABLE, SHOTS, CARD = "people.csv", "shots.csv", "card.json"
_QUALITY = 92
NOT_THIS = (
    "Not real faces. Hair is crude, impostors lie closer together than in photographs, and a threshold tuned on "
    "photographs doesn't hold. A ranking of schemes is meant to carry over to real faces; an absolute rate is not."
)


@dataclass(frozen=True)
class Recipe:
    """All that a population depends on, besides the code."""

    people: int
    images: int
    seed: int = 0
    difficulty: float = shot.DIFFICULTY


def make(recipe: Recipe, folder: Path, *, jobs: int, progress: Progress) -> None:
    """Render what is missing and write the tables and the card.

    Parameters
    ----------
    folder : Path
        Gets ``pictures/p0000/0.jpg``, ..., ``people.csv`` (as the layout ``csv`` reads it), ``shots.csv`` and
        ``card.json``.

    Raises
    ------
    InputError
        When the folder holds another recipe's population.
    """
    _claim(recipe, folder)
    head.load()
    render.available()
    missing = [number for number in range(recipe.people) if not all(_is_there(folder, recipe, number))]
    done = recipe.people - len(missing)
    tasks = (workers.Task(number, _rendered, (recipe, str(folder), number)) for number in missing)
    for number, outcome in workers.run(tasks, jobs=jobs):
        if outcome.error is not None:
            raise RuntimeError(f"person {number} can't be rendered: {outcome.error}")
        done += 1
        progress(done, recipe.people, f"rendered person {number}")
    for name, text in tables(recipe).items():
        files.write_text(folder / name, text)


def name_of(number: int, image: int) -> str:
    """Where a picture is, below the folder."""
    return f"pictures/p{number:04d}/{image}.jpg"


def tables(recipe: Recipe) -> dict[str, str]:
    """``people.csv`` and ``shots.csv``, by name."""
    who: list[Sequence[object]] = [("path", "identity", "gender", "age", "ethnicity")]
    how: list[Sequence[object]] = [("path", "yaw", "pitch", "light_azimuth", "glasses", "beard")]
    for number in range(recipe.people):
        person = people.draw(head.load(), recipe.seed, number)
        for image in range(recipe.images):
            name = name_of(number, image)
            taken = shot.draw(person, recipe.seed, image, difficulty=recipe.difficulty)
            who.append((name, f"p{number:04d}", person.gender, f"{person.age:.1f}", person.ethnicity))
            angles = (f"{taken.yaw:.1f}", f"{taken.pitch:.1f}", f"{taken.light_azimuth:.1f}")
            how.append((name, *angles, int(taken.glasses), f"{taken.looks.beard:.2f}"))
    return {TABLE: _csv(who), SHOTS: _csv(how)}


def picture(recipe: Recipe, number: int, image: int) -> bytes:
    """The bytes of one picture's file."""
    from PIL import Image

    person = people.draw(_head(), recipe.seed, number)
    taken = shot.draw(person, recipe.seed, image, difficulty=recipe.difficulty)
    stream = io.BytesIO()
    Image.fromarray(render.rendered(_head(), person, taken)).save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return stream.getvalue()


def _claim(recipe: Recipe, folder: Path) -> None:
    """Write the card, or find that it is the same one."""
    card = {
        "recipe": asdict(recipe),
        "title": f"{recipe.people} rendered people who do not exist, {recipe.images} pictures each",
        "made_by": f"mote-bench {metadata.version('mote-bench')}",
        "licence": "CC0-1.0",
        "not_this": NOT_THIS,
    }
    path = folder / CARD
    if path.is_file():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))["recipe"]
        except (ValueError, KeyError, TypeError):
            found = None
        if found != card["recipe"]:
            raise InputError(f"'{folder}' holds another population ({found}); give another folder: --out DIR")
        return
    folder.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(card, indent=1) + "\n")


def _is_there(folder: Path, recipe: Recipe, number: int) -> Iterator[bool]:
    return ((folder / name_of(number, image)).is_file() for image in range(recipe.images))


@cache
def _head() -> head.Head:
    return head.load()


def _rendered(recipe: Recipe, folder: str, number: int) -> Outcome:
    """Render one person's pictures; runs in a worker."""

    def work() -> int:
        for image in range(recipe.images):
            path = Path(folder) / name_of(number, image)
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                with files.replacing(path) as file:
                    file.write(picture(recipe, number, image))
        return number

    return guarded(work)


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
