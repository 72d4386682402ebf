"""Attacks on parts of templates: which are run, and the strongest on each part beside the whole template's.

The attacks are those of a run that need no method of the scheme for whole templates, such as its scores. They learn on
shadow subjects whose templates leaked in the same way, and the strongest is chosen on the selection subjects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mote_bench.analysis.selection import SECRET, STOLEN, Reading, choose, find, readings
from mote_bench.contracts import FLOOR, Access, Cell, InputError, Measurement, Record, Status, Threat
from mote_bench.engine import runner
from mote_bench.engine.enrolment import Held
from mote_bench.engine.runner import Variation
from mote_bench.execution.progress import Progress
from mote_bench.planning import plan, settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec
from mote_bench.planning.threats import controls_of
from mote_bench.questions.harness import HARNESS
from mote_bench.records import store
from mote_bench.records.source_code import code_of
from mote_bench.toolkit import revocable

from . import attackers, parts, statements
from .attackers import SHARE, leaked, seen_of
from .parts import Leak

WHOLE = "whole"
SAME_ATTACKS, EVERY_ATTACK = "the whole template, by the same attacks", "the whole template, by every attack"
_LEAKED, _LEAK_SOURCE = "leaked", "leak_source"
"""The provenance fields that say what leaked, and by which code."""


@dataclass(frozen=True)
class Success:
    """The strongest attack on a part of one scheme's templates, by one question.

    Attributes
    ----------
    row : str
        The scheme, and whether the keys are stolen where it has keys.
    what : str
        What leaked, in words.
    leak : Leak, optional
        ``None`` for the whole template.
    question, metric : str
        The question and its headline.
    share : float
        Of the template's bits.
    attack : str
        As chosen on the selection subjects; empty where none gave a figure.
    one : Measurement, optional
        Its success on the target subjects. ``floor`` is the same attack's on templates without any content that leaked
        in the same way; ``ceiling`` is that of the strongest attack on the scheme's whole templates.
    """

    row: str
    what: str
    leak: Leak | None = None
    question: str = ""
    metric: str = ""
    share: float = 1.0
    attack: str = ""
    one: Measurement | None = None


def make(spec: RunSpec) -> Setting:
    """The run's setting with the attacks on one stolen template of each subject, on what a template gives away.

    Raises
    ------
    InputError
        When nothing is left to run.
    """
    made = settings.make(spec)
    cells = tuple(cell for cell in made.plan.cells if _of_one_template(cell, made))
    if not cells:
        raise InputError(
            f"--questions {spec.questions}, --attacks {spec.attacks}: no attack reads one stolen template of each "
            "subject; expected questions about attributes, links or reconstruction"
        )
    return made.with_cells(cells)


def run(
    setting: Setting, leaks: Sequence[Leak], *, out: Path, jobs: int, progress: Progress
) -> dict[Leak | None, tuple[Record, ...]]:
    """Attack each part and the whole templates (``None``); records are kept in folders of ``out``.

    Parameters
    ----------
    setting : Setting
        What :func:`make` gives.
    """
    stated = {_LEAK_SOURCE: "".join(code_of(one.__name__).checksum for one in (parts, attackers, statements))}
    able = setting.with_cells(cell for cell in setting.plan.cells if _of_a_part(cell, setting))
    varied = [Variation(setting, out / WHOLE, {}, _unchanged)]
    varied += [
        Variation(able, out / leak.name, {_LEAKED: leak.name, **stated}, partial(leaked, leak=leak, seed=setting.seed))
        for leak in leaks
    ]
    with ExitStack() as stack:
        for one in varied:
            stack.enter_context(store.opened(one.folder))
        found = runner.run_varied(varied, jobs=jobs, progress=progress)
    return dict(zip((None, *leaks), found, strict=True))


def _unchanged(held: Held) -> Held:
    return held


def _of_one_template(cell: Cell, setting: Setting) -> bool:
    if cell.question in HARNESS:
        return False
    threat, question = Threat.parse(cell.knowledge), setting.plan.questions[cell.question]
    wanted = question.threatens is not None and question.gives_records
    return wanted and threat.access is Access.RECORD and threat.records == 1


def _of_a_part(cell: Cell, setting: Setting) -> bool:
    """Whether the attack needs no method of the scheme that takes whole templates."""
    attack, seen = setting.plan.attacks[cell.attack], seen_of(setting.plan.schemes[cell.scheme])
    return cell.knowledge in {one.name for one in plan.threats(attack, seen, ())}


def successes(setting: Setting, found: Mapping[Leak | None, Sequence[Record]]) -> list[Success]:
    """The strongest attack on each part, of every scheme and question.

    The whole templates come last, twice: attacked as the parts are, and by every attack. An attack that fails on whole
    templates which hide nothing counts nowhere.
    """
    whole = found[None]
    same = [record for record in whole if _of_a_part(record.cell, setting)]
    working = {record.cell for record in whole if record.status is Status.OK}
    tried = [(leak, str(leak), _counted(records, working)) for leak, records in found.items() if leak is not None]
    return [
        success
        for scheme in dict.fromkeys(record.cell.scheme for record in whole)
        if scheme != FLOOR
        for row, key in _rows(scheme, setting)
        for reading in readings(whole)
        for success in _with_ceiling(
            [
                *(_strongest(records, scheme, reading, key, Success(row, what, leak)) for leak, what, records in tried),
                _strongest(same, scheme, reading, key, Success(row, SAME_ATTACKS)),
                _strongest(whole, scheme, reading, key, Success(row, EVERY_ATTACK)),
            ]
        )
    ]


def _with_ceiling(several: Sequence[Success]) -> list[Success]:
    """With the last one's value as the ceiling of all."""
    last = several[-1].one
    ceiling = None if last is None else last.value
    return [replace(each, one=each.one and replace(each.one, ceiling=ceiling)) for each in several]


def _counted(records: Iterable[Record], working: Collection[Cell]) -> list[Record]:
    """The records of attacks that work on whole templates, whether or not they do on parts that hide nothing else."""
    return [
        replace(one, status=Status.OK)
        for one in records
        if one.status in (Status.OK, Status.UNMEASURED) and controls_of(one.cell)[1] in working
    ]


def _rows(scheme: str, setting: Setting) -> list[tuple[str, str]]:
    if not revocable(setting.plan.schemes[scheme]):
        return [(scheme, "")]
    return [(f"{scheme}, keys not stolen", SECRET), (f"{scheme}, keys stolen", STOLEN)]


def _strongest(records: Sequence[Record], scheme: str, reading: Reading, key: str, of: Success) -> Success:
    tried = choose(records, scheme, reading, key=key)
    share = next((float(one.details[SHARE]) for one in tried.attacks if SHARE in one.details), float(of.leak is None))
    attack = "" if tried.strongest is None else tried.strongest.cell.attack
    one = find(tried.strongest, reading.headline)
    return replace(of, question=reading.question, metric=reading.headline, share=share, attack=attack, one=one)
