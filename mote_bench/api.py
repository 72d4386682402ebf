"""Runs and records as tidy pandas tables, one row per measurement."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mote_bench import files
from mote_bench.contracts import InputError, Record
from mote_bench.data.options import Missing
from mote_bench.engine import dry_run, preloading, runner
from mote_bench.execution import dask_backend, isolation, workers
from mote_bench.execution.progress import shown
from mote_bench.planning import settings
from mote_bench.planning.protocol import DEFAULT
from mote_bench.planning.spec import TARGET, Bins, RunSpec, bins_of, missing_of
from mote_bench.records import published as shipped
from mote_bench.records import store
from mote_bench.report.boards import render, strip
from mote_bench.report.results import results_csv
from mote_bench.toolkit import CPU

if TYPE_CHECKING:
    import pandas as pd


def run(  # noqa: PLR0913 - the command line's options
    data: str | Path = "synthetic",
    *,
    schemes: str | Sequence[str] = "default",
    attacks: str | Sequence[str] = "default",
    questions: str | Sequence[str] = "all",
    attributes: str | Sequence[str] | None = None,
    bins: Mapping[str, Sequence[float]] | Sequence[str] | None = None,
    missing: Mapping[str, Sequence[str | float]] | Sequence[str] | None = None,
    identity: str | None = None,
    embedding_columns: str | None = None,
    recogniser: str | None = None,
    people: int | None = None,
    attacker_data: str | Path | None = None,
    second_recogniser: str | Path | None = None,
    on: str = TARGET,
    protocol: str = DEFAULT,
    seed: int = 0,
    jobs: int | None = None,
    backend: str = dask_backend.PROCESSES,
    device: str = CPU,
    out: str | Path | None = None,
    published: bool = False,
    fresh: bool = False,
    isolate: bool = False,
    task_seconds: float | None = None,
    task_gigabytes: float | None = None,
    quiet: bool = True,
) -> pd.DataFrame:
    """Attack schemes and measure them, as ``python -m mote_bench run`` does.

    Parameters
    ----------
    data : str or Path
        A data set's name or a file (.npz, .npy, .csv, .parquet) with ``embeddings``, ``identity`` and attributes.
    schemes, attacks, questions : str or sequence of str
        Names, or ``"default"`` (the protocol's choice), or ``"all"``. ``"default,noise-curve"`` also runs the plain
        vector with noise.
    attributes : str or sequence of str, optional
        Columns of the file to use as attributes; by default all usable ones.
    bins : mapping of name -> edges, or sequence of str, optional
        Edges of the classes of numeric columns: ``{"age": (18, 35, 50)}`` or ``["age=18,35,50"]``.
    missing : mapping of name -> values, or sequence of str, optional
        Values that mean unknown in a column: ``{"age": [-1, 999]}`` or ``["age=-1,999"]``.
    identity : str, optional
        The column that names the subjects; by default ``identity``.
    embedding_columns : str, optional
        The columns that hold the embeddings, as a pattern: ``"feat_*"``.
    recogniser : str, optional
        What made the embeddings, where the file's card doesn't say it.
    people : int, optional
        Use a random subset of this many people.
    attacker_data : str or Path, optional
        Take shadow subjects, selection subjects and the attacker's public faces from these data instead of ``data``.
    second_recogniser : str or Path, optional
        A file with embeddings of the images of ``data`` by another recogniser, the same rows in the same order:
        reconstructions and dictionaries are verified by it too.
    on : str
        Whom to attack: ``target``; or ``selection`` while you develop: half of the selection subjects are attacked,
        and no target subject is seen.
    protocol : str
         ``people-2`` or ``quick-1``.
    jobs : int, optional
        Number of worker processes; by default the number of cores, at most 8. The figures don't depend on it.
    backend : str
        ``processes`` of this machine, ``dask`` (a local Dask cluster), or a scheduler's ``tcp://HOST:PORT``.
    device : str
        Where torch computes: ``cpu``, ``cuda``, ``cuda:N`` or ``mps``. Figures agree up to rounding. A device that
        isn't there is replaced by the CPU, with one line.
    out : str or Path, optional
        Folder for records and boards. Without one only the table is returned.
    published : bool
        Also show the published rows of the same data, protocol and seed on the boards, marked as published. They
        aren't in the table.
    fresh : bool
        Run finished cells again.
    isolate : bool
        Run each task in its own process, limited in time and memory.
    task_seconds, task_gigabytes : float, optional
        With ``isolate``: limits of one task; by default 3600 and 8.
    quiet : bool
        Show no progress.

    Returns
    -------
    pandas.DataFrame
        As returned by :func:`read`.

    Raises
    ------
    InputError
        On names that don't exist or can't be used.
    """
    dask_backend.check_backend(backend)
    spec = RunSpec(
        str(data),
        _names(schemes),
        _names(attacks),
        _names(questions),
        attributes=None if attributes is None else _names(attributes),
        bins=_bins(bins or ()),
        people=people,
        attacker_data=None if attacker_data is None else str(attacker_data),
        seed=seed,
        protocol=protocol,
        missing=_words(missing or ()),
        identity=identity,
        embedding_columns=embedding_columns,
        recogniser=recogniser,
        second_recogniser=None if second_recogniser is None else str(second_recogniser),
        device=device,
        on=on,
    )
    bounds = isolation.bounds(isolate, task_seconds, task_gigabytes, device)
    setting = settings.make(spec, loaded=preloading.ahead)
    for note in () if quiet else setting.data.notes:
        print(f"note: {note}", file=sys.stderr)
    if published:
        shipped.check()
    if out is not None:
        store.check_place(Path(out), cells=len(setting.plan.cells))
    setting = settings.on_device(setting, _said, elsewhere=dask_backend.is_address(backend))
    setting = dry_run.checked(setting, jobs=jobs or workers.default_jobs(), bounds=bounds)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(out) if out is not None else Path(scratch)
        with (
            store.opened(folder),
            dask_backend.placed(backend, jobs or workers.default_jobs()) as (count, place),
            shown(quiet) as progress,
        ):
            made = runner.run(setting, folder, jobs=count, progress=progress, fresh=fresh, cluster=place, bounds=bounds)
            if out is not None:
                for name, text in render(shipped.records_of(folder, published=published), strip=strip(folder)).items():
                    files.write_text(folder / name, text)
    return _table(made.records)


def read(folder: str | Path) -> pd.DataFrame:
    """The measurements of a folder's records and bundles, one row each.

    Returns
    -------
    pandas.DataFrame
        Columns protocol, data, scheme, attack, question, knowledge, metric, value, low, high (95 % confidence interval
        over subjects), n (subjects), floor (the same attack on ``noise``), ceiling (on ``cosine``), status and seed. A
        failed cell is a row without a metric.

    Raises
    ------
    InputError
        When there are no records, or one is damaged.
    """
    records = shipped.records_of(Path(folder), published=False)
    if not records:
        raise InputError(f"no records in '{folder}'; make some: mote_bench.run(out={str(folder)!r})")
    return _table(records)


def _table(records: Sequence[Record]) -> pd.DataFrame:
    import pandas as pd

    text = ["protocol", "data", "scheme", "attack", "question", "knowledge", "metric", "status"]
    kept = dict.fromkeys(text, "str")
    return pd.read_csv(io.StringIO(results_csv(records)), dtype=kept, keep_default_na=False, na_values=_missing(text))


def _missing(text: Sequence[str]) -> dict[str, list[str]]:
    """The columns in which an empty cell means missing. Names aren't among them: a scheme may be called ``nan``."""
    return {name: [""] for name in ("value", "low", "high", "n", "floor", "ceiling") if name not in text}


def _said(line: str) -> None:
    print(line, file=sys.stderr)


def _names(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)


def _bins(bins: Mapping[str, Sequence[float]] | Sequence[str]) -> Bins:
    if isinstance(bins, Mapping):
        return {name: tuple(map(float, edges)) for name, edges in bins.items()}
    return bins_of([bins] if isinstance(bins, str) else bins)


def _words(missing: Mapping[str, Sequence[str | float]] | Sequence[str]) -> Missing:
    if isinstance(missing, Mapping):
        return {
            name: (values,) if isinstance(values, str) else tuple(str(value) for value in values)
            for name, values in missing.items()
        }
    return missing_of([missing] if isinstance(missing, str) else missing)
