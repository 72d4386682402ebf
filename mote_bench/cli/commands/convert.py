"""`convert`: a recogniser's file in a format that the embedders read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Convert a recogniser's file to a format that `embed` reads.", no_args_is_help=True)


@app.callback()
def _formats() -> None:
    """One command a format; without this, typer would take the only one for the group itself."""


@app.command(epilog="Example: python -m mote_bench convert tfjs package/models/mobileface.json mobileface.onnx")
def tfjs(
    model: Annotated[Path, typer.Argument(help="The JSON file of a TensorFlow.js graph model; its weights beside it.")],
    out: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
) -> None:
    """Convert a TensorFlow.js graph of aligned 112 x 112 faces to ONNX, for `embed --embedder arcface-onnx`."""
    from mote_bench.embedders.tfjs import converted

    out.write_bytes(converted(model))
    print(f"written to '{out}'")
