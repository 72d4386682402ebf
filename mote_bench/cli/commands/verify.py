"""`verify`: repeats a bundle's run here and compares the figures."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import CPU, InputError
from mote_bench.cli.commands import again as run_again
from mote_bench.cli.commands.interruption import interruptible

if TYPE_CHECKING:
    from mote_bench.contracts import Measurement, Record
    from mote_bench.planning.spec import RunSpec
    from mote_bench.records.bundle import Bundle
    from mote_bench.records.bundle_check import Finding

EPILOG = "Example: python -m mote_bench verify bundle.json. Exit 0: its figures hold, 1: they don't, 2: refused."


def verify(  # noqa: PLR0913 - typer makes an option of each argument
    bundle: Annotated[Path, typer.Argument(help="The bundle's file.")],
    data: Annotated[str | None, typer.Option(help="The data's file, unless the data set is built in.")] = None,
    attributes: run_again.Attributes = None,
    bins: run_again.Bins = None,
    missing: run_again.Missing = None,
    identity: run_again.Identity = None,
    embedding_columns: run_again.EmbeddingColumns = None,
    attacker_data: run_again.AttackerData = None,
    second_recogniser: run_again.SecondRecogniser = None,
    device: run_again.Device = CPU,
    only_read: Annotated[
        bool, typer.Option("--only-read", help="Check schema, checksum and figures only; run nothing.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the verdict only.")] = False,
) -> None:
    """Check a bundle, repeat its run, and list the figures that differ by more than their interval."""
    from mote_bench.planning.spec import RunSpec
    from mote_bench.records.bundle import from_text

    try:
        text = bundle.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"can't read '{bundle}': {error.strerror}") from None
    given = from_text(text, str(bundle))
    cell = given.records[0].cell
    print(f"{given.kind} '{cell.scheme}' by {given.by}: {len(given.records)} records, {cell.data}, {cell.protocol}")
    spec = RunSpec.of(given.records)
    if chosen := spec.data_options():
        print(f"made with {chosen}")
    if only_read:
        return
    from mote_bench.records.bundle_check import held, notes

    options = run_again.Given(
        data, attributes, tuple(bins or ()), attacker_data, tuple(missing or ()), identity, embedding_columns, device,
        second_recogniser,
    )  # fmt: skip
    made = rerun(_spec(given, options), bundle=given, jobs=jobs, quiet=quiet)
    for note in [] if quiet else notes(given, made):
        print(f"note: {note}")
    _close(held(given, made), quiet)


def rerun(spec: RunSpec, *, bundle: Bundle | None = None, jobs: int | None = None, quiet: bool = False) -> list[Record]:
    """The records of a run, made in a temporary folder; a bundle is compared with the run's plan first.

    Schemes are tried on a few faces before, as ``run`` does: controls are attacked first, which may take hours.
    """
    from mote_bench.engine import dry_run, runner
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.planning import settings
    from mote_bench.records import provenance, store
    from mote_bench.records.bundle_check import check_cells

    setting = settings.make(spec)
    if bundle is not None:
        scheme = bundle.records[0].cell.scheme
        origins = provenance.of_setting(setting)
        check_cells(bundle, [cell for cell in setting.plan.cells if cell.scheme == scheme], origins)
    setting, count = settings.on_device(setting, run_again.said), jobs or workers.default_jobs()
    with interruptible("nothing is kept", resumable=False):
        setting = dry_run.checked(setting, jobs=count, demanded=())
        _check_none_left_out(setting.plan.left_out, bundle)
        with tempfile.TemporaryDirectory() as folder, shown(quiet) as progress:
            store.prepare(Path(folder))
            made = runner.run(setting, Path(folder), jobs=count, progress=progress)
    return list(made.records)


def _check_none_left_out(reasons: Mapping[str, str], bundle: Bundle | None) -> None:
    """Refuse a scheme that can't take the data here, unless the bundle claims no figure of it either."""
    from mote_bench.contracts import Status
    from mote_bench.execution import workers

    if reasons and (bundle is None or any(one.status is Status.OK for one in bundle.records)):
        workers.stop()
        told = "; ".join(f"scheme '{name}' can't take the run's data here: {why}" for name, why in reasons.items())
        raise InputError(f"{told}. Nothing was run; install the version of the scheme that the run was made with")


def _spec(given: Bundle, options: run_again.Given) -> RunSpec:
    """The run that a bundle was made from; of a scheme: all attacks of the protocol and the bundle's own."""
    from mote_bench import registry
    from mote_bench.planning.plan import OWN
    from mote_bench.planning.protocol import load
    from mote_bench.planning.spec import names
    from mote_bench.records.bundle import ATTACK

    registry.find("schemes", given.records[0].cell.scheme)
    made = run_again.again(given.records, options)
    if given.kind == ATTACK:
        return made
    installed = registry.names("attacks")
    due = load(made.protocol).default_attacks or [one.name for one in installed if one.distribution == OWN]
    used = {*names(made.attacks), *(one.name for one in installed if one.name in due and _runs_with_all(one.name))}
    return replace(made, attacks=",".join(sorted(used)), questions="all")


def _runs_with_all(attack: str) -> bool:
    from mote_bench import registry
    from mote_bench.planning.plan import runs_with_all

    try:
        return runs_with_all(registry.load("attacks", attack))
    except registry.PluginError:
        return False


def _close(findings: list[Finding], quiet: bool) -> None:
    from mote_bench.formatting import printable
    from mote_bench.records.bundle_check import AGREES

    wrong = [one for one in findings if one.verdict not in AGREES]
    for one in [] if quiet else wrong:
        claimed, made = _shown(one.claimed), _shown(one.made)
        where = printable(f"{one.cell.attack}, {one.cell.question} ({one.cell.knowledge}) {one.metric}")
        print(f"{one.verdict}: {where}: claimed {claimed}, here {made}{'; ' if one.why else ''}{one.why}")
    counts = Counter(one.verdict for one in findings)
    print(f"{'does not hold' if wrong else 'holds'}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    if wrong:
        sys.exit(1)


def _shown(one: Measurement | None) -> str:
    from mote_bench.formatting import with_interval

    return "–" if one is None else f"{with_interval(one)} n={one.n}"
