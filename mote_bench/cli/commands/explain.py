"""`explain`: why a template accepted or rejected a probe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import CPU, InputError
from mote_bench.cli.commands import recogniser_options

if TYPE_CHECKING:
    from mote_bench.contracts import FloatArray
    from mote_bench.embedders.pipeline import Recogniser
    from mote_bench.explain.explained import Explained

EPILOG = "Example: python -m mote_bench explain --data faces.npz --schemes mote,cosine --out explanations"


def explain(  # noqa: PLR0913 - typer makes an option of each argument
    data: Annotated[str, typer.Option(help="A data set's name, or an .npz file.")] = "synthetic",
    pictures: Annotated[
        Path | None, typer.Option(help="Pictures instead of --data, one folder per subject: explained by pixel.")
    ] = None,
    embedder: Annotated[
        str, typer.Option(help="With --pictures: a recogniser that gradients pass through.")
    ] = "facenet-vggface2",
    weights: Annotated[Path | None, typer.Option(help="The recogniser's weights. Nothing is ever downloaded.")] = None,
    mean: recogniser_options.Mean = None,
    scale: recogniser_options.Scale = None,
    order: recogniser_options.Order = None,
    output: recogniser_options.Output = None,
    alignment: recogniser_options.Alignment = None,
    schemes: Annotated[str, typer.Option(help="Scheme names, comma separated, side by side.")] = "mote,cosine",
    people: Annotated[int, typer.Option(min=2, help="Number of subjects to explain.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder for the page, its pictures and its CSV.")] = Path("explanations"),
) -> None:
    """Explain why templates accept or reject: by dimension or by pixel, with a faithfulness score."""
    from mote_bench import files, registry
    from mote_bench.embedders.pipeline import Recogniser
    from mote_bench.explain import page
    from mote_bench.explain.faithfulness import faithfulness
    from mote_bench.records import store

    store.check_place(out, cells=0)
    names = registry.select("schemes", schemes)
    options = {"mean": mean, "scale": scale, "order": order, "output": output, "alignment": alignment}
    if pictures is None:
        for option, given in {"weights": weights, **options}.items():
            if given is not None:
                raise InputError(
                    f"--{option} without --pictures; embeddings are explained without a recogniser: leave it out"
                )
        made, shown = _dimensions(data, names, people), None
    else:
        made, shown = _pixels(pictures, Recogniser.at(embedder, weights, device=CPU, **options), names, people)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in page.render(made, shown, of=data if pictures is None else str(pictures)).items():
        with files.replacing(out / name) as file:
            file.write(content)
    for one in made:
        for method, found in one.curves.items():
            value, (low, high) = faithfulness(found)
            print(f"{one.scheme}, {method}: faithfulness {value:.3f} [{low:.3f}, {high:.3f}], n={len(found.rise)}")
    print(f"written to '{out}' (open explain.html)")


def _dimensions(data: str, names: list[str], people: int) -> list[Explained]:
    from mote_bench.explain import explained, subjects
    from mote_bench.planning import settings
    from mote_bench.planning.spec import RunSpec

    parts = settings.make(RunSpec(data=data, schemes="cosine", questions="verify")).split
    chosen = subjects.of_split(parts, people)
    return [explained.in_dimensions(name, chosen) for name in names]


def _pixels(
    folder: Path, chosen: Recogniser, names: list[str], people: int
) -> tuple[list[Explained], tuple[FloatArray, FloatArray]]:
    from mote_bench.data.pictures import layouts
    from mote_bench.explain import explained, pixels

    recogniser = pixels.check(chosen.make(), chosen.name)
    subjects, enrolled, faces = pixels.gather(layouts.read(folder, None), recogniser, people=people)
    made = [explained.in_pixels(name, subjects, recogniser, faces) for name in names]
    return made, (pixels.pixels(enrolled), pixels.pixels(faces))
