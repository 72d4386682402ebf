"""The options that say how the columns of a user's data are read, for commands that read them anew."""

from __future__ import annotations

from typing import Annotated

import typer

Attributes = Annotated[
    str | None, typer.Option(help="Columns of the file to use as attributes; default: all that qualify.")
]
Bins = Annotated[
    list[str] | None, typer.Option(help="Class edges of a numeric column, as in age=18,35,50. May be repeated.")
]
Missing = Annotated[
    list[str] | None, typer.Option(help="Values of a column that mean unknown, as in age=-1,999. May be repeated.")
]
Identity = Annotated[
    str | None, typer.Option(help="The column of the file that names the subjects. Default: identity.")
]
EmbeddingColumns = Annotated[
    str | None, typer.Option(help="The columns of the file that hold the embeddings, as in 'feat_*'.")
]
People = Annotated[int | None, typer.Option(help="Use a random subset of this many subjects.")]
