"""`faces`: a population of rendered subjects who do not exist, as pictures and as embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mote_bench.cli.commands.interruption import interruptible

EPILOG = "Example: python -m mote_bench faces --people 200 --images 6 --out population"


def faces(  # noqa: PLR0913 - typer makes an option of each argument
    out: Annotated[Path, typer.Option(help="Folder for pictures, tables, card and embeddings.")],
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of subjects.")] = 1000,
    images: Annotated[int, typer.Option(min=1, max=1000, help="Pictures per subject.")] = 6,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    difficulty: Annotated[
        float,
        typer.Option(min=0, max=3, help="How much pose, light and appearance vary between photos; 0: passport photos."),
    ] = 1.0,
    embedder: Annotated[str, typer.Option(help="A recogniser that `list` shows, or none for pictures only.")] = "dlib",
    weights: Annotated[Path | None, typer.Option(help="The recogniser's weights.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; errors only.")] = False,
) -> None:
    """Render subjects who do not exist, with exactly known gender, age and ethnicity, and embed their faces."""
    from mote_bench import files
    from mote_bench.data.pictures import layouts
    from mote_bench.embedders import pipeline
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.faces import population
    from mote_bench.records import store

    store.check_place(out, cells=0)
    recipe = population.Recipe(people, images, seed, difficulty)
    recogniser = pipeline.Recogniser.at(embedder, weights)
    if embedder != "none":
        recogniser.make()  # a missing package is reported before an hour of rendering
    out.mkdir(parents=True, exist_ok=True)
    count, file = jobs or workers.default_jobs(), out / "faces.npz"
    try:
        with interruptible("finished pictures are kept"), files.locked(out):
            with shown(quiet, "subjects") as progress:
                population.make(recipe, out, jobs=count, progress=progress)
            if embedder == "none":
                return
            album = layouts.read(out / population.TABLE)
            with shown(quiet, "pictures") as progress:
                made = pipeline.embed(album, recogniser, file, jobs=count, progress=progress)
    finally:
        workers.stop()
    if not quiet:
        print(f"{len(made.embeddings)} embeddings of {people} subjects in '{file}'; {len(made.skipped)} without a face")
        print(f"{population.NOT_THIS}\nNext: python -m mote_bench run --data {file}")
