"""`gate`: repeats a stored run of a scheme, compares the two, and fails if the scheme leaks more."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import CPU, InputError
from mote_bench.cli.commands import again as run_again
from mote_bench.cli.commands.interruption import interruptible

if TYPE_CHECKING:
    from mote_bench.analysis.gate import Gate
    from mote_bench.analysis.limits import Limits
    from mote_bench.contracts import Record
    from mote_bench.execution.progress import Progress
    from mote_bench.planning.spec import RunSpec

QUICK = "quick-1"
EPILOG = (
    "Example: python -m mote_bench gate --baseline leaderboards/gate --quick --max gender=0.95 --markdown gate.md. "
    "Exit 0: passed, 1: failed, 2: not comparable."
)


class BudgetSpent(Exception):
    """The run exceeded its --budget; finished cells are kept."""


def gate(  # noqa: PLR0913 - typer makes an option of each argument
    baseline: Annotated[Path, typer.Option(help="Folder of an earlier run, or its records/ folder.")],
    schemes: Annotated[
        str | None, typer.Option(help="Schemes to gate, comma separated. Default: the baseline's, without controls.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="A data set's name or file. Default: the baseline's.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Which of the baseline's protocols. Default: its only one.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help=f"Short for --protocol {QUICK}: a minute on two cores.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of the fresh run. Default: the baseline's.")] = None,
    attacks: Annotated[str | None, typer.Option(help="Attacks to run. Default: the baseline's.")] = None,
    attributes: run_again.Attributes = None,
    bins: run_again.Bins = None,
    missing: run_again.Missing = None,
    identity: run_again.Identity = None,
    embedding_columns: run_again.EmbeddingColumns = None,
    attacker_data: run_again.AttackerData = None,
    second_recogniser: run_again.SecondRecogniser = None,
    device: run_again.Device = CPU,
    candidate: Annotated[
        Path | None, typer.Option(help="Compare with this finished run instead of making a fresh one.")
    ] = None,
    fail_on: Annotated[str, typer.Option(help="Comma list of worse, unmeasured, limit.")] = "worse,unmeasured,limit",
    max_: Annotated[
        list[str] | None, typer.Option("--max", help="NAME=VALUE: a question or metric mustn't exceed this.")
    ] = None,
    min_: Annotated[
        list[str] | None, typer.Option("--min", help="NAME=VALUE: a question or metric mustn't fall below this.")
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="The largest worsening that passes.")] = 0.02,
    budget: Annotated[
        float | None, typer.Option(min=0, help="Seconds for the fresh run; cells unfinished by then are unmeasured.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the fresh run's records.")] = Path("mote-bench-gate"),
    markdown: Annotated[Path | None, typer.Option(help="Write a summary for a pull request here.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table; the verdict only.")] = False,
) -> None:
    """Fail when a scheme leaks more, recognises worse or grows, compared with a stored run subject by subject."""
    from mote_bench.analysis import limits as bounds

    wanted = _fail_on(fail_on)
    allowed = bounds.Limits(bounds.parse(max_ or (), "--max"), bounds.parse(min_ or (), "--min"))
    for option, path in (("--markdown", markdown), ("--junit", junit)):
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise InputError(f"{option} {path}: expected a file in a folder that exists")
    before = chosen(_records(baseline), protocol=QUICK if quick else protocol, data=data, seed=None)
    gated = _gated(schemes, before)
    given = run_again.Given(
        data, attributes, tuple(bins or ()), attacker_data, tuple(missing or ()), identity, embedding_columns, device,
        second_recogniser,
    )  # fmt: skip
    if candidate is None:
        stored = run_again.again(before, given, home=_home(baseline))
        spec = _repeated(stored, gated, seed=seed, attacks=attacks)
        with interruptible("no verdict", resumable=False):
            now = _fresh(spec, out, jobs=jobs, budget=budget, quiet=quiet or json)
    elif given != run_again.Given(data):
        raise InputError(
            "--attributes, --bins, --missing, --identity, --embedding-columns, --attacker-data, "
            "--second-recogniser and --device change a fresh run, but --candidate is a finished one; leave them out"
        )
    else:
        now = chosen(_records(candidate), protocol=before[0].cell.protocol, data=before[0].cell.data, seed=seed)
    made = _compared(before, now, gated, limits=allowed, tolerance=tolerance, fail_on=wanted)
    _write(made, markdown=markdown, junit=junit)
    _print(made, json=json, quiet=quiet)
    if made.failures:
        sys.exit(1)


def chosen(
    records: Sequence[Record], *, protocol: str | None, data: str | None, seed: int | None, scheme: str | None = None
) -> list[Record]:
    """The records of one board; of several, of the one that holds ``scheme``.

    Raises
    ------
    InputError
        When there are several to choose from, or none.
    """
    from mote_bench.records.boards import board_of

    boards = {board_of(one.cell): one for one in records}
    left = [
        board
        for board, one in sorted(boards.items())
        if protocol in (None, board[0])
        and seed in (None, board[2])
        and (data is None or run_again.label_fits(data, one))
    ]
    if len(left) > 1 and scheme is not None:
        holding = {board_of(one.cell) for one in records if one.cell.scheme == scheme}
        left = [board for board in left if board in holding] or left
    if len(left) != 1:
        runs = "; ".join(
            f"--protocol {protocol} --data {data} --seed {seed}" for protocol, data, seed in left or sorted(boards)
        )
        raise InputError(f"{len(left)} runs match; expected one. There are: {runs or 'none'}")
    return [one for one in records if board_of(one.cell) == left[0]]


def _records(folder: Path) -> list[Record]:
    from mote_bench.records import store

    home = _home(folder)
    records = store.read(home)
    if not records:
        raise InputError(
            f"no records in '{folder}'; make a baseline: python -m mote_bench run --protocol {QUICK} --out {home}"
        )
    return records


def _home(folder: Path) -> Path:
    """The run's folder, for its path or that of its records/ folder."""
    from mote_bench.records import store

    return folder.parent if folder.name == store.RECORDS else folder


def _gated(schemes: str | None, before: Sequence[Record]) -> list[str]:
    from mote_bench.contracts import CEILING, FLOOR
    from mote_bench.questions.installed import ceilings

    known = sorted({one.cell.scheme for one in before} - {FLOOR, CEILING, *ceilings()})
    if schemes is None:
        if not known:
            raise InputError("the baseline holds controls only; expected a scheme to gate")
        return known
    names = [name.strip() for name in schemes.split(",") if name.strip()]
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise InputError(f"the baseline has no '{', '.join(missing)}'; it has: {', '.join(known)}")
    return names


def _repeated(stored: RunSpec, schemes: Sequence[str], *, seed: int | None, attacks: str | None) -> RunSpec:
    """The options of the baseline's run, with those of its attacks that are installed."""
    from mote_bench import registry
    from mote_bench.planning.spec import names

    known = {entry.name for entry in registry.names("attacks")}
    installed = ",".join(name for name in names(stored.attacks) if name in known)
    return replace(
        stored,
        schemes=",".join(schemes),
        attacks=attacks or installed or "default",
        seed=stored.seed if seed is None else seed,
    )


def _fresh(spec: RunSpec, out: Path, *, jobs: int | None, budget: float | None, quiet: bool) -> list[Record]:
    """The records of a run from the beginning: the gate never uses cells of an earlier one."""
    from mote_bench.engine import dry_run, preloading, runner
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.planning import settings
    from mote_bench.records import store

    setting = settings.make(spec, loaded=preloading.ahead)
    store.check_place(out, cells=len(setting.plan.cells))
    setting = settings.on_device(setting, run_again.said)
    setting = dry_run.checked(setting, jobs=jobs or workers.default_jobs(), demanded=())
    try:
        with store.opened(out), shown(quiet) as progress:
            store.clear(out, setting.plan.cells)
            limited = progress if budget is None else _until(time.monotonic() + budget, progress)
            runner.run(setting, out, jobs=jobs or workers.default_jobs(), progress=limited, fresh=True)
    except BudgetSpent:
        print(f"stopped after {budget:g} seconds (--budget)", file=sys.stderr)
    cells = set(setting.plan.cells)
    return [one for one in store.read(out) if one.cell in cells]


def _until(end: float, progress: Progress) -> Progress:
    def told(done: int, expected: int, what: str) -> None:
        progress(done, expected, what)
        if time.monotonic() > end:
            raise BudgetSpent

    return told


def _compared(
    before: Sequence[Record],
    now: Sequence[Record],
    schemes: Sequence[str],
    *,
    limits: Limits,
    tolerance: float,
    fail_on: Sequence[str],
) -> Gate:
    from mote_bench.analysis.gate import compare
    from mote_bench.analysis.limits import limited

    made = compare(before, now, schemes=schemes, tolerance=tolerance, fail_on=fail_on)
    return replace(made, comparisons=(*made.comparisons, *limited(limits, now, schemes=schemes)))


def _fail_on(text: str) -> list[str]:
    from mote_bench.analysis.gate import FAIL_ON

    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in FAIL_ON]
    if unknown or not words:
        raise InputError(f"--fail-on {text}: expected a comma list of {', '.join(FAIL_ON)}")
    return [FAIL_ON[word] for word in words]


def _write(made: Gate, *, markdown: Path | None, junit: Path | None) -> None:
    from mote_bench import files
    from mote_bench.report import gate_report

    for option, path, render in (
        ("--markdown", markdown, gate_report.markdown),
        ("--junit", junit, gate_report.junit),
    ):
        if path is not None:
            try:
                files.write_text(path, render(made))
            except OSError as error:  # the verdict doesn't depend on it
                print(f"note: {option} '{path}' is left out ({error.strerror or error})", file=sys.stderr)


def _print(made: Gate, *, json: bool, quiet: bool) -> None:
    from mote_bench.report import gate_report

    if json:
        print(gate_report.as_json(made), end="")
    else:
        print(gate_report.summary(made) if quiet else gate_report.plain(made))
