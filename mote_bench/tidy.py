"""Runs and records as tidy pandas tables: a row per measurement."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mote_bench import bundle, runner, settings, store, workers
from mote_bench.contracts import InputError, Record
from mote_bench.progress import shown
from mote_bench.protocol import DEFAULT
from mote_bench.report.boards import render
from mote_bench.report.results import results_csv

if TYPE_CHECKING:
    import pandas as pd


def run(  # noqa: PLR0913 - the command line's options
    data: str | Path = "synthetic",
    *,
    schemes: str | Sequence[str] = "default",
    attacks: str | Sequence[str] = "default",
    questions: str | Sequence[str] = "all",
    people: int | None = None,
    protocol: str = DEFAULT,
    seed: int = 0,
    jobs: int | None = None,
    out: str | Path | None = None,
    quiet: bool = True,
) -> pd.DataFrame:
    """Attack schemes and measure them, as ``python -m mote_bench run`` does.

    Parameters
    ----------
    data : str or Path
        A data set's name or an .npz file with ``embeddings``, ``identity`` and attributes.
    schemes, attacks, questions : str or sequence of str
        Names, or ``"default"`` (the protocol's choice), or ``"all"``.
    people : int, optional
        Use a random subset of this many people.
    protocol : str
         ``people-2`` or ``quick-1``.
    jobs : int, optional
        Worker processes; by default the cores. The figures don't depend on it.
    out : str or Path, optional
        Folder for records and boards. Without one nothing is kept but the table.

    Returns
    -------
    pandas.DataFrame
        As :func:`read` gives it.

    Raises
    ------
    InputError
        On anything named that doesn't exist or can't serve.
    """
    asked = settings.Asked(
        str(data), _names(schemes), _names(attacks), _names(questions), people=people, seed=seed, protocol=protocol
    )
    setting = settings.make(asked)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(out) if out is not None else Path(scratch)
        with store.opened(folder), shown(quiet) as progress:
            made = runner.run(setting, folder, jobs=jobs or workers.default_jobs(), progress=progress)
            if out is not None:
                for name, text in render([*_all(folder)], strip=store.strip(folder)).items():
                    store.write_text(folder / name, text)
    return _table(made.records)


def read(folder: str | Path) -> pd.DataFrame:
    """The measurements of a folder's records and bundles, a row each.

    Returns
    -------
    pandas.DataFrame
        Columns protocol, data, scheme, attack, question, knowledge, metric, value, low, high (95 % interval over
        people), n (people), floor (the same attack on ``noise``), ceiling (on ``cosine``), status and seed. A failed
        cell is a row without a metric.

    Raises
    ------
    InputError
        When there are no records, or one is damaged.
    """
    records = _all(Path(folder))
    if not records:
        raise InputError(f"no records in '{folder}'; make some: mote_bench.run(out={str(folder)!r})")
    return _table(records)


def _all(folder: Path) -> list[Record]:
    own = store.read(folder)
    return own + bundle.submitted(folder, own)


def _table(records: Sequence[Record]) -> pd.DataFrame:
    import pandas as pd

    text = ["protocol", "data", "scheme", "attack", "question", "knowledge", "metric", "status"]
    kept = dict.fromkeys(text, "str")
    return pd.read_csv(io.StringIO(results_csv(records)), dtype=kept, keep_default_na=False, na_values=_missing(text))


def _missing(text: Sequence[str]) -> dict[str, list[str]]:
    """Only numbers may be missing: a scheme may be called ``nan``."""
    return {name: [""] for name in ("value", "low", "high", "n", "floor", "ceiling") if name not in text}


def _names(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)
