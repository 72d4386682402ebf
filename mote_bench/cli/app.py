"""The command line: parses options, prints, and turns errors into one message and an exit code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

import mote_bench
from mote_bench.basics import CPU, InputError
from mote_bench.cli import streams
from mote_bench.cli.commands import (
    audit,
    challenge,
    check,
    data_options,
    embed,
    explain,
    external,
    faces,
    gate,
    new,
    pack,
    study,
    submit,
    verify,
)
from mote_bench.cli.commands.again import Device
from mote_bench.cli.commands.interruption import interruptible
from mote_bench.records.naming import BOARDS

if TYPE_CHECKING:
    from mote_bench.analysis.threat_matrix import ThreatMatrix
    from mote_bench.engine.runner import Finished
    from mote_bench.execution.isolation import Bounds
    from mote_bench.planning.settings import Setting

FAILED, BAD_INPUT = 1, 2
_Published = Annotated[
    bool,
    typer.Option(
        "--published", help="Show the published rows of the same data, protocol and seed too, marked as such."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print the boards as JSON instead of a table.")]


class _Commands(typer.core.TyperGroup):
    """The list of commands with whole sentences, where click cuts them at the end of the line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        named = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=1000)) for name, one in named if one is not None])


app = typer.Typer(
    cls=_Commands,
    help="What a face template gives away: attacks, fairness and cost of face-template schemes, with error bars.",
    epilog="Examples: python -m mote_bench run --attacks all; python -m mote_bench gate --baseline gate --quick; "
    "python -m mote_bench new scheme my-scheme. Each command has one of its own: python -m mote_bench run --help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich alone takes longer than the rest of the help
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; exit 0 done, 1 a cell failed, 2 bad input, 130 interrupted."""
    streams.prepare()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here, where an error of it is one sentence
    except InputError as error:
        _say(f"error: {error}")
        sys.exit(BAD_INPUT)
    except OSError as error:
        where = f" ('{error.filename}')" if error.filename else ""
        again = "Fix the problem and run the same command again; finished cells are kept"
        _say(f"error: {error.strerror or error}{where}. {again}")
        sys.exit(FAILED)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mote-bench {mote_bench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: python -m mote_bench run --attacks all --data faces.npz --people 300 --out boards")
def run(  # noqa: PLR0913 - typer makes an option of each argument
    data: Annotated[
        str,
        typer.Option(
            help="A data set's name, or a file (.npz, .npy, .csv, .parquet) with embeddings, `identity`, attributes."
        ),
    ] = "synthetic",
    schemes: Annotated[
        str,
        typer.Option(
            help="Scheme names, comma separated; default: the protocol's choice and what other packages ship; all: "
            "every installed scheme; default,noise-curve: also the plain vector with noise at nine levels, for "
            "comparison at matched utility. The controls cosine and noise always run."
        ),
    ] = "default",
    attacks: Annotated[
        str, typer.Option(help="Attack names, comma separated; default: the protocol's choice; all: every attack.")
    ] = "default",
    questions: Annotated[
        str, typer.Option(help="gender, reconstruct, link, verify, fairness, cost, ... or all.")
    ] = "all",
    attributes: data_options.Attributes = None,
    bins: data_options.Bins = None,
    missing: data_options.Missing = None,
    identity: data_options.Identity = None,
    embedding_columns: data_options.EmbeddingColumns = None,
    recogniser: Annotated[
        str | None, typer.Option(help="What made the embeddings of --data, where the file's card doesn't say it.")
    ] = None,
    people: data_options.People = None,
    attacker_data: Annotated[
        str | None, typer.Option(help="Take the shadow subjects and the background from these data instead of --data.")
    ] = None,
    second_recogniser: Annotated[
        str | None,
        typer.Option(
            help="Embeddings of the images of --data by another recogniser, the same rows: reconstructions and "
            "dictionaries are verified by it too."
        ),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            help="Whom to attack: target; or selection, while you develop: half of the selection subjects are "
            "attacked, and no target subject is seen."
        ),
    ] = "target",
    protocol: Annotated[str, typer.Option(help="Benchmark version.")] = "people-2",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes. Default: the cores. Figures do not depend on it.")
    ] = None,
    backend: Annotated[
        str,
        typer.Option(help="processes of this machine; dask: a local Dask cluster; or a scheduler's tcp://HOST:PORT."),
    ] = "processes",
    device: Device = CPU,
    out: Annotated[Path, typer.Option(help="Folder for records and boards.")] = BOARDS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run finished cells again.")] = False,
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate",
            help="Run each task in a process of its own, with limits on time and memory. Where the system allows, it "
            "has no network and writes no files. Figures do not depend on it.",
        ),
    ] = False,
    task_seconds: Annotated[
        float | None, typer.Option(min=1, help="With --isolate: time limit of one task. Default: 3600.")
    ] = None,
    task_gigabytes: Annotated[
        float | None, typer.Option(min=0.5, help="With --isolate: memory limit of one task. Default: 8.")
    ] = None,
    published: _Published = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table; errors only.")] = False,
    json: _Json = False,
) -> None:
    """Attack schemes, measure them, and write records and leaderboards."""
    from mote_bench.engine import preloading
    from mote_bench.execution import dask_backend, isolation
    from mote_bench.planning import settings
    from mote_bench.planning.spec import RunSpec, bins_of, missing_of

    dask_backend.check_backend(backend)
    spec = RunSpec(
        data,
        schemes,
        attacks,
        questions,
        attributes=attributes,
        bins=bins_of(bins or ()),
        people=people,
        attacker_data=attacker_data,
        seed=seed,
        protocol=protocol,
        missing=missing_of(missing or ()),
        identity=identity,
        embedding_columns=embedding_columns,
        recogniser=recogniser,
        second_recogniser=second_recogniser,
        device=device,
        on=on,
    )
    bounds = isolation.bounds(isolate, task_seconds, task_gigabytes, device)
    setting = settings.make(spec, loaded=preloading.ahead)

    # The rest is imported while the server of workers imports its own.
    from mote_bench.engine import dry_run, runner
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.records import published as shipped
    from mote_bench.records import store

    if published:
        shipped.check()  # before the run, not after it
    store.check_place(out, cells=len(setting.plan.cells))
    setting = settings.on_device(setting, _say, elsewhere=dask_backend.is_address(backend))
    with interruptible("nothing was written", resumable=False):
        setting = dry_run.checked(setting, jobs=jobs or workers.default_jobs(), bounds=bounds)
    with store.opened(out) as damaged:
        for path in damaged:
            _say(f"damaged: a record could not be read and is made again; the old file is '{path}'")
        _announce(setting, quiet)
        if bounds is not None:
            _say(_isolated(bounds))
        with (
            interruptible(f"finished cells are kept in '{out}'"),
            dask_backend.placed(backend, jobs or workers.default_jobs()) as (count, place),
            shown(quiet) as progress,
        ):
            finished = runner.run(
                setting, out, jobs=count, progress=progress, fresh=fresh, cluster=place, bounds=bounds
            )
        boards = _write_boards(out, published)
    if json:
        print((out / "leaderboard.json").read_text(encoding="utf-8"), end="")
    _close(setting, finished, boards, out, quiet or json)


@app.command("list", epilog="Example: python -m mote_bench list schemes --json")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="schemes, attacks, questions, embedders, datasets, layouts or metrics. Default: all."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """What is installed: schemes, attacks, questions, recognisers, data and metrics, and who ships each."""
    from mote_bench.cli import listing

    print(listing.as_json(kind) if json else listing.text(kind))


@app.command(epilog="Example: python -m mote_bench board --out boards")
def board(
    out: Annotated[Path, typer.Option(help="The folder that holds records/.")] = BOARDS,
    also: Annotated[
        list[Path] | None,
        typer.Option(help="Show the boards of this folder too, and compare the orders of schemes; may be repeated."),
    ] = None,
    published: _Published = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table.")] = False,
    json: _Json = False,
) -> None:
    """Make every leaderboard anew from the records, with the same bytes, and say which runs the folder holds."""
    from mote_bench.records.runs import read_runs

    boards = _write_boards(out, published, also or ())
    for made in [] if quiet else read_runs(out):
        _say(f"a run of this folder: {made.command()}")
    if json:
        print((out / "leaderboard.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_table(boards)


app.command(epilog=embed.EPILOG)(embed.embed)
app.command(epilog=faces.EPILOG)(faces.faces)
app.command(epilog=gate.EPILOG)(gate.gate)
app.command(epilog=new.EPILOG)(new.new)
app.command(epilog=check.EPILOG)(check.check)
app.command(epilog=submit.EPILOG)(submit.submit)
app.command(epilog=external.EPILOG)(external.external)
app.command(epilog=verify.EPILOG)(verify.verify)
app.command(epilog=audit.EPILOG)(audit.audit)
app.command(epilog=explain.EPILOG)(explain.explain)
app.command(epilog=pack.EPILOG)(pack.pack)
app.add_typer(challenge.app, name="challenge", epilog=challenge.EPILOG)
app.add_typer(study.app, name="study", epilog=study.EPILOG)


def _isolated(bounds: Bounds) -> str:
    """The limits of tasks, and those that this system cannot enforce."""
    from mote_bench.execution import isolation

    free = isolation.holds(bounds).missing
    if not free:
        return f"isolated: {bounds.seconds:g} s and {bounds.gigabytes:g} GB a task, no network, no writing of files"
    return f"isolated: {bounds.seconds:g} s a task; on this system a task can still {', '.join(free)}"


def _write_boards(out: Path, published: bool, also: Sequence[Path] = ()) -> list[ThreatMatrix]:
    from mote_bench import files
    from mote_bench.analysis.threat_matrix import threat_matrices
    from mote_bench.records import store
    from mote_bench.records.fewer_shadow import read_with_fewer
    from mote_bench.records.published import PUBLISHED, read_beside, records_of
    from mote_bench.report.boards import rendered, strip
    from mote_bench.report.lost import Lost, told

    records = records_of(out, published=published)
    if published and not any(PUBLISHED in record.provenance for record in records):
        _say("note: no published row is of the same data, protocol and seed; the boards show this folder's own only")
    if not records:
        raise store.no_records(out)
    store.check_place(out, cells=0)
    made = threat_matrices([*records, *(one for folder in also for one in read_beside(folder, out))])
    with warnings.catch_warnings(record=True) as lost:
        warnings.simplefilter("always", Lost)
        texts = rendered(made, strip=strip(out), weaker=read_with_fewer(out))
    for line in told(one.message for one in lost if isinstance(one.message, Lost)):
        _say(f"note: {line}")
    for name, text in texts.items():
        files.write_text(out / name, text)
    return [matrix for matrix, _ in made]


def _announce(setting: Setting, quiet: bool) -> None:
    split, plan = setting.split, setting.plan
    if not quiet:
        _say(
            f"{plan.cells[0].data}: {len(split.target.references)} target subjects, {len(split.shadow.references)} "
            f"shadow subjects, {len(split.background)} background faces; {len(plan.cells)} cells"
        )
        for note in setting.data.notes:
            _say(f"note: {note}")
    for refused in plan.refused:
        _say(f"refused: {refused}")
    for broken in plan.broken:
        _say(f"broken plug-in: {broken}")


def _close(setting: Setting, finished: Finished, matrices: list[ThreatMatrix], out: Path, quiet: bool) -> None:
    from mote_bench.contracts import Status
    from mote_bench.formatting import printable

    failed = [record for record in finished.records if record.status in (Status.FAILED, Status.TIMED_OUT)]
    if not quiet:
        mine = {(printable(cell.protocol), printable(cell.data), cell.seed) for cell in setting.plan.cells}
        boards = ((matrix.board, matrix) for matrix in matrices)
        _print_table([one for board, one in boards if (board.protocol, board.data, board.seed) in mine])
        done = len(finished.records) - finished.kept
        _say(f"{done} cells run, {finished.kept} kept from an earlier run; boards in '{out}' (open leaderboard.html)")
        took = finished.took
        if took.idle_share is not None:
            _say(f"{took.seconds:.0f} s with --jobs {took.workers}; idle share of the workers: {took.idle_share:.0%}")
    for record in failed:
        cell, last = record.cell, (record.error or "").strip().splitlines()[-1:]
        _say(f"failed: {cell.attack} on {cell.scheme}, {cell.question} ({cell.knowledge}): {''.join(last)}")
    if failed or setting.plan.broken:
        _say(f"{len(failed)} of {len(finished.records)} cells failed; tracebacks are in '{out}/records'")
        sys.exit(FAILED)


def _print_table(matrices: list[ThreatMatrix]) -> None:
    from rich.console import Console

    from mote_bench.report.terminal import table

    Console().print(table(matrices))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
