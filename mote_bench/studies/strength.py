"""Is the attacker strong enough? The strongest attacks of a run again, with fewer shadow subjects.

    python -m mote_bench study strength FOLDER [--counts 25,50,100,200]

The attacks are those that the selection subjects chose with all shadow subjects. Schemes are fitted and enrolled once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from mote_bench.analysis.queries import queried
from mote_bench.analysis.standings import standings
from mote_bench.analysis.strength import Strength, cells_to_repeat, strengths, to_publish
from mote_bench.contracts import CONTROLS, Cell, InputError, Record
from mote_bench.engine import runner
from mote_bench.execution.progress import Progress
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec
from mote_bench.questions.installed import ceilings
from mote_bench.records import bundle, store
from mote_bench.records.fewer_shadow import folder_of, pack, read_with_fewer
from mote_bench.report import plots
from mote_bench.report.strength import Studied, strength_charts, strength_md

COUNTS = (25, 50, 100, 200)


@dataclass(frozen=True)
class Wanted:
    """What is studied: numbers of shadow subjects, and the schemes and questions; empty for all of them."""

    counts: tuple[int, ...] = COUNTS
    schemes: frozenset[str] = frozenset()
    questions: frozenset[str] = frozenset()


def run(
    records: Sequence[Record], spec: RunSpec, wanted: Wanted, *, out: Path, jobs: int, progress: Progress
) -> list[Strength]:
    """Run the strongest attacks with fewer shadow subjects; their records are kept in the folder ``out``.

    Parameters
    ----------
    records : sequence of Record
        One board's.
    spec : RunSpec
        The run that they come from.

    Raises
    ------
    InputError
        When nothing is left to run, or the run can't be made again.
    """
    ((board, _),) = standings(records)
    setting = _setting(spec, _chosen(cells_to_repeat(board), wanted))
    total = len(setting.split.shadow.references)
    counts = sorted({count for count in wanted.counts if 0 < count < total})
    if not counts:
        raise InputError(
            f"--counts {','.join(map(str, wanted.counts))}: the run has {total} shadow subjects; give smaller numbers, "
            f"as in --counts {max(total // 4, 1)},{max(total // 2, 1)}"
        )
    folders = {count: folder_of(out, count) for count in counts}
    with ExitStack() as stack:
        for folder in folders.values():
            stack.enter_context(store.opened(folder))
        whole = {one.cell: one for one in records}
        runner.run_with_fewer(setting, folders, jobs=jobs, progress=progress, whole=whole)
    return strengths(board, read_with_fewer(out))


def files(records: Sequence[Record], found: Sequence[Strength]) -> dict[str, str]:
    """File name -> text: the table, and a chart per question."""
    ((board, _),) = standings(records)
    charts = strength_charts(found, name="w")
    drawn = {f"strength-{one.title.split()[0]}.svg": plots.standing(str(one.svg)) for one in charts}
    return {"strength.md": strength_md([(board, Studied(found, queried(board, records)))]), **drawn}


def publish(folder: Path, target: Path) -> list[Path]:
    """Pack the study's records of a run for publication, a file for each data set, with what the boards read of them.

    Call it before the run's own records are packed. Lines that ``target`` holds of other cells stay. Those of a cell
    whose figures change with the run's record go, as they were compared with the former figures.

    Returns
    -------
    list of Path
        The files in ``target``; none where there are no such records.
    """
    made, published = read_with_fewer(folder), read_with_fewer(target)
    if not made and not published:
        return []
    before, new = ({one.cell: one for one in store.read(place)} for place in (target, folder))
    counts = sorted({*made, *published})
    weaker = {count: _joined(made.get(count, ()), published.get(count, ()), before, new) for count in counts}
    own = list((before | new).values())
    boards = [board for board, _ in standings([*own, *bundle.submitted(target, own)])]
    store.prepare(target)
    return pack(to_publish(boards, weaker), target)


def _joined(
    made: Sequence[Record], published: Sequence[Record], before: Mapping[Cell, Record], new: Mapping[Cell, Record]
) -> list[Record]:
    """The study's records, and the published ones of other cells that were compared with the figures that stay."""
    found = {one.cell: one for one in published if _stays(before.get(one.cell), new.get(one.cell))}
    return list((found | {one.cell: one for one in made}).values())


def _stays(before: Record | None, new: Record | None) -> bool:
    return new is None or (before is not None and before.measurements == new.measurements)


def _chosen(cells: Sequence[Cell], wanted: Wanted) -> list[Cell]:
    """The cells of the wanted schemes and questions, with the controls of the same attacks.

    Raises
    ------
    InputError
        When there are none.
    """
    controls = {*CONTROLS, *ceilings()}

    def meant(cell: Cell, schemes: Collection[str]) -> bool:
        of_scheme = not schemes or cell.scheme in schemes
        return of_scheme and (not wanted.questions or cell.question in wanted.questions)

    kept = [cell for cell in cells if meant(cell, wanted.schemes)]
    same = {(cell.attack, cell.question) for cell in kept}
    found = [
        cell for cell in cells if cell in kept or (cell.scheme in controls and (cell.attack, cell.question) in same)
    ]
    if not kept:
        schemes, questions = (
            ", ".join(sorted({getattr(one, name) for one in cells})) for name in ("scheme", "question")
        )
        raise InputError(
            "no attack of these schemes and questions holds shadow subjects; expected --schemes among "
            f"{schemes or 'none'} and --questions among {questions or 'none'}"
        )
    return found


def _setting(spec: RunSpec, cells: Sequence[Cell]) -> Setting:
    """The run's setting with these cells alone.

    Raises
    ------
    InputError
        When the installed schemes and attacks don't make some of them.
    """
    made_of = replace(
        spec,
        schemes=_listed(cell.scheme for cell in cells),
        attacks=_listed(cell.attack for cell in cells),
        questions=_listed(cell.question for cell in cells),
    )
    setting = settings.make(made_of)
    made = [cell for cell in setting.plan.cells if cell in set(cells)]
    if len(made) < len(set(cells)):
        lost = next(cell for cell in cells if cell not in made)
        raise InputError(
            f"{lost.attack} on {lost.scheme}, {lost.question} ({lost.knowledge}) can't be run again here; expected the "
            "schemes and attacks of the run to be installed. See: python -m mote_bench list"
        )
    return setting.with_cells(made)


def _listed(names: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(names))
