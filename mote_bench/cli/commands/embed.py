"""`embed`: from pictures to a file that `run --data` takes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import CPU, InputError
from mote_bench.cli.commands import recogniser_options
from mote_bench.cli.commands.again import said
from mote_bench.cli.commands.interruption import interruptible

if TYPE_CHECKING:
    from mote_bench.data.pictures.album import Album
    from mote_bench.data.pictures.view2 import Folds
    from mote_bench.embedders.pipeline import Finished

EPILOG = "Example: python -m mote_bench embed photos --embedder dlib --out faces.npz; then: run --data faces.npz"


def embed(  # noqa: PLR0913 - typer makes an option of each argument
    images: Annotated[Path, typer.Argument(help="A folder of pictures, or a CSV file with a column `path`.")],
    embedder: Annotated[
        str, typer.Option(help="A name that `list` shows, frbench:MODEL, or MODULE:FUNCTION of your own.")
    ],
    out: Annotated[Path, typer.Option(help="The .npz file to write.")],
    layout: Annotated[
        str | None,
        typer.Option(help="Layout of the folder: lfw, utkface, ... (see `list`). Default: one folder per subject."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="The recogniser's weights. Nothing is ever downloaded.")] = None,
    mean: recogniser_options.Mean = None,
    scale: recogniser_options.Scale = None,
    order: recogniser_options.Order = None,
    output: recogniser_options.Output = None,
    alignment: recogniser_options.Alignment = None,
    second: Annotated[
        str | None,
        typer.Option(help="A second recogniser: `run` also compares reconstructions to its embeddings."),
    ] = None,
    second_weights: Annotated[Path | None, typer.Option(help="The second recogniser's weights.")] = None,
    second_mean: Annotated[str | None, typer.Option(help="--mean of the second recogniser.")] = None,
    second_scale: Annotated[str | None, typer.Option(help="--scale of the second recogniser.")] = None,
    second_order: Annotated[str | None, typer.Option(help="--order of the second recogniser.")] = None,
    second_output: Annotated[str | None, typer.Option(help="--output of the second recogniser.")] = None,
    second_alignment: Annotated[str | None, typer.Option(help="--alignment of the second recogniser.")] = None,
    device: Annotated[
        str, typer.Option(help="Where the recogniser computes, if it can: cpu, cuda, cuda:N or mps.")
    ] = CPU,
    people: Annotated[int | None, typer.Option(min=1, help="Only the first N subjects.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; errors only.")] = False,
) -> None:
    """Find, align and embed the faces of pictures; unreadable files and pictures without a face are listed."""
    from mote_bench.data.pictures import layouts
    from mote_bench.embedders import pipeline
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.planning.device import check_device, device_here

    check_device(device)
    if out.suffix != ".npz":
        raise InputError(f"--out {out}: expected a file name that ends in .npz")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: there is no folder '{out.parent}'; make it, or name another file")
    if out.is_dir():
        raise InputError(f"--out {out}: a folder; expected a file name that ends in .npz")
    others = {"mean": second_mean, "scale": second_scale, "order": second_order, "output": second_output}
    others |= {"alignment": second_alignment}
    unowned = [name for name, value in {"weights": second_weights, **others}.items() if value is not None]
    if unowned and second is None:
        raise InputError(f"--second-{unowned[0]} without --second; add --second NAME, the second recogniser")
    album = layouts.read(images, layout)
    if people is not None:
        album = layouts.few(album, people=people)
    for note in album.notes if not quiet else ():
        _note(note)
    pairs = _pairs(album)
    options = {"mean": mean, "scale": scale, "order": order, "output": output, "alignment": alignment}
    place = device_here(device, said)
    recogniser = pipeline.Recogniser.at(embedder, weights, device=place, **options)
    other = None if second is None else pipeline.Recogniser.at(second, second_weights, device=place, **others)
    try:
        with interruptible("finished pictures are kept"), shown(quiet, "pictures") as progress:
            count = jobs or workers.default_jobs()
            made = pipeline.embed(
                album, recogniser, out, jobs=count, progress=progress, second=other, say=_ignored if quiet else _note
            )
    finally:
        workers.stop()
    if not quiet:
        _report(made, album, pairs, out, "" if second is None else f", with those of {second} beside them")


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr, flush=True)


def _ignored(text: str) -> None:
    """With --quiet; the file's card has it all the same."""


def _report(made: Finished, album: Album, pairs: Folds | None, out: Path, beside: str) -> None:
    from mote_bench.data.pictures import layouts
    from mote_bench.embedders import pipeline

    people = len({one.identity for one in album.pictures if one.identity is not None and one.name in made.embeddings})
    whose = f" of {people} subjects" if people else ""
    kept = f", {made.kept} kept from an earlier run" * (made.kept > 0)
    print(f"{len(made.embeddings)} embeddings{whose} in '{out}'{beside}{kept}")
    if made.several:
        print(f"{made.several} pictures show several faces; the largest was taken")
    if made.skipped:
        reasons = Counter(one.reason for one in made.skipped).most_common(8)
        told = "; ".join(f"{count} {reason}" for reason, count in reasons)
        print(f"{len(made.skipped)} pictures skipped ({told}); listed in '{pipeline.skipped_file(out)}'")
    named = {one.identity for one in album.pictures if one.identity is not None}
    if len(named) > people:
        print(f"no picture of {len(named) - people} of {len(named)} subjects gave an embedding: they can't be enrolled")
    for name in layouts.altered(album):
        print(f"note: '{name}' differs from the published file")
    if pairs is not None:
        _view2(made, pairs)


def _pairs(album: Album) -> Folds | None:
    """LFW's pairs, where pairs.txt is in the folder; read before the first picture, so that it fails then if at all."""
    from mote_bench.data.pictures import view2

    path = next((path for path in sorted(album.folder.glob("**/pairs.txt"))), None)
    return None if album.layout != "lfw" or path is None else view2.folds(path)


def _view2(made: Finished, pairs: Folds) -> None:
    """LFW's check of a recogniser (View 2)."""
    from mote_bench.data.pictures import view2

    found = {"/".join(name.split("/")[-2:]): embedding for name, embedding in made.embeddings.items()}
    got = view2.accuracy(found, pairs)
    unseen = f"; {got.unseen} have a picture without an embedding and count as rejected" if got.unseen else ""
    print(f"LFW View 2: {got.mean:.4f} +- {got.standard_error:.4f} of {got.pairs} pairs classified correctly{unseen}")
