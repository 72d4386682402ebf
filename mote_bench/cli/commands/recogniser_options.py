"""The options that say what a recogniser's ONNX file takes, for every command that reads one."""

from __future__ import annotations

from typing import Annotated

import typer

Mean = Annotated[
    str | None,
    typer.Option(help="ONNX: the network gets (pixel - MEAN) / SCALE. Pixels go from 0 to 255; a number, or three."),
]
Scale = Annotated[str | None, typer.Option(help="ONNX: see --mean.")]
Order = Annotated[str | None, typer.Option(help="ONNX: the network's order of channels, RGB or BGR.")]
Output = Annotated[str | None, typer.Option(help="ONNX: the output that is the embedding, of several.")]
Alignment = Annotated[
    str | None,
    typer.Option(help="ONNX, MobileFaceNet, FRBench: what finds the landmarks, mtcnn or dlib68. Default: mtcnn."),
]
