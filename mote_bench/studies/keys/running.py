"""Runs link and reconstruct under each regime of keys, by attackers who hold more or less of it.

    python -m mote_bench study keys --data FILE.npz --schemes biohash [--regimes template,system]

Schemes, attacks, questions and scoring are those of a run. Under the regime ``template`` the figures of attackers
without keys, and with all keys, are those of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mote_bench.analysis.selection import Reading, readings, strongest
from mote_bench.contracts import CONTROLS, Access, Cell, Faces, InputError, Knowledge, Record, Status, Threat
from mote_bench.engine import runner
from mote_bench.engine.enrolment import Held
from mote_bench.engine.key_regimes import KeyRegime
from mote_bench.engine.runner import Variation
from mote_bench.execution.progress import Progress
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec, names
from mote_bench.questions.installed import ceilings
from mote_bench.records import store
from mote_bench.records.provenance import KEY_REGIME, KEY_SOURCE
from mote_bench.records.source_code import code_of
from mote_bench.studies.keys import attackers
from mote_bench.toolkit import revocable

LINK, RECONSTRUCT = "link", "reconstruct"
ATTACKS = (
    "compare-bytes,pairs-bytes,compare-answers,compare-inverted,compare-unkeyed,"
    "kernel-bytes,ridge-answers,closed-form-bytes,construction-bytes,face-unkeyed"
)
_ABLE = {Knowledge.BYTES_ONLY, Knowledge.ALGORITHM, Knowledge.STOLEN_KEY}
_NONE, _TRIED, _ALL = "no keys", "tried keys", "all keys"

Records = tuple[Record, ...]
Controls = Mapping[str, Mapping[Cell, Record]]
"""The controls' records, by what the attacker holds."""
Sees = Callable[[Held], Held]


@dataclass(frozen=True)
class Wanted:
    """What is studied.

    Attributes
    ----------
    known : tuple of int
        Numbers of further enrolled subjects whom the attacker knows.
    stolen : int
        The number of further enrolled subjects whose keys are stolen.
    """

    regimes: tuple[KeyRegime, ...] = tuple(KeyRegime)
    known: tuple[int, ...] = (1, 10, 100)
    stolen: int = 10


@dataclass(frozen=True)
class Found:
    """The strongest attack of one kind of attacker under one regime; ``record`` is None where none is measured.

    Attributes
    ----------
    attacker : str
        What the attacker holds.
    by : str
        Whose attack it is: an attacker who holds more may do best with less.
    lost : tuple of str
        Attacks that failed or took too long, and so were no choice.
    """

    scheme: str
    reading: Reading
    regime: KeyRegime
    attacker: str
    by: str
    record: Record | None
    lost: tuple[str, ...] = ()


def run(setting: Setting, wanted: Wanted, *, out: Path, jobs: int, progress: Progress) -> list[Found]:
    """Run all attacks; their records are kept in the folder ``out``, where finished cells are taken from.

    Parameters
    ----------
    setting : Setting
        What :func:`setting_of` makes.
    """
    cells = [cell for cell in setting.plan.cells if _is_of_study(cell)]
    keyed, unkeyed = ([one for one in cells if (one.scheme in _controls()) is of] for of in (False, True))
    source = {KEY_SOURCE: code_of(attackers.__name__).checksum}
    with ExitStack() as stack:

        def records_of(regime: KeyRegime, cells: Sequence[Cell], name: str, beside: Controls) -> dict[str, Records]:
            every = {}
            for kind, (some, sees) in _kinds(regime, cells, wanted, setting.split.public).items():
                folder = out / "keys" / name / kind.replace(" ", "-")
                stack.enter_context(store.opened(folder))
                controls = beside.get(kind, beside.get(_NONE, {}))
                stated = source | {KEY_REGIME: _stated(regime, kind, wanted)}
                every[kind] = Variation(setting.with_cells(some), folder, stated, sees, controls)
            made = runner.run_varied(list(every.values()), jobs=jobs, progress=progress, regime=regime)
            return dict(zip(every, made, strict=True))

        # Controls have no keys, so that their figures are the same under every regime.
        made = records_of(KeyRegime.TEMPLATE, unkeyed, "controls", {})
        controls = {kind: {one.cell: one for one in records} for kind, records in made.items()}
        found = {regime: records_of(regime, keyed, str(regime), controls) for regime in wanted.regimes}
    return list(_chosen(found, wanted))


def regimes_of(words: str) -> tuple[KeyRegime, ...]:
    """The regimes in a comma list; all of them if it is empty.

    Raises
    ------
    InputError
        On another word.
    """
    chosen, known = names(words), list(KeyRegime)
    odd = [one for one in chosen if one not in known]
    if odd:
        raise InputError(f"--regimes {words}: no regime '{odd[0]}'; expected some of: {', '.join(known)}")
    return tuple(KeyRegime(one) for one in dict.fromkeys(chosen)) or tuple(known)


def setting_of(spec: RunSpec, wanted: Wanted) -> Setting:
    """The run that these options make.

    Raises
    ------
    InputError
        When a scheme takes no keys, a question isn't of the study, or there are too few shadow subjects.
    """
    odd = [one for one in names(spec.questions) if one not in (LINK, RECONSTRUCT)]
    if odd:
        raise InputError(f"--questions {spec.questions}: expected {LINK}, {RECONSTRUCT}, or both with a comma")
    setting = settings.make(spec)
    unkeyed = [name for name, one in setting.plan.schemes.items() if name not in _controls() and not revocable(one)]
    if unkeyed:
        raise InputError(
            f"--schemes {','.join(unkeyed)}: these take no keys; expected schemes that do, such as biohash. The "
            "controls cosine and noise always stand beside"
        )
    shadow = len(setting.split.shadow.references)
    if max((*wanted.known, wanted.stolen)) > shadow:
        raise InputError(
            f"{max((*wanted.known, wanted.stolen))} further enrolled subjects asked for, and there are {shadow}; give "
            "smaller numbers to --known-subjects and --stolen-subjects, or more people"
        )
    return setting


def _controls() -> frozenset[str]:
    return ceilings() | {*CONTROLS}


def _is_of_study(cell: Cell) -> bool:
    """Whether a cell's attacker holds one template of each subject; attacks of online access have no keys to know."""
    try:
        threat = Threat.parse(cell.knowledge)
    except ValueError:  # the harness's own rows
        return False
    return threat.access is Access.RECORD and threat.records == 1 and threat.knowledge in _ABLE


def _kinds(
    regime: KeyRegime, cells: Sequence[Cell], wanted: Wanted, public: Faces
) -> dict[str, tuple[tuple[Cell, ...], Sees]]:
    """What attackers of one regime hold beside the templates: the cells that this changes, and what is then seen."""
    without = tuple(cell for cell in cells if _knowledge(cell) in (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM))
    learning = tuple(cell for cell in without if _knowledge(cell) is Knowledge.ALGORITHM)
    # Under keys that all templates share, an attacker who holds these can enrol and learn from bytes.
    keyed = tuple(cell for cell in cells if cell not in without) + (learning if regime.pool else ())
    kinds: dict[str, tuple[tuple[Cell, ...], Sees]] = {
        _NONE: (without, attackers.without_keys),
        **{_knowing(count): (learning, partial(attackers.with_known, count)) for count in wanted.known},
        _ALL: (keyed, partial(attackers.with_all_keys, regime)),
    }
    if regime.pool or regime is KeyRegime.INTEGERS:
        kinds[_TRIED] = (keyed, partial(attackers.with_tried_keys, regime, wanted.stolen, public))
    return {kind: (mine, sees) for kind, (mine, sees) in kinds.items() if mine}


def _knowledge(cell: Cell) -> Knowledge:
    return Threat.parse(cell.knowledge).knowledge


def _stated(regime: KeyRegime, kind: str, wanted: Wanted) -> str:
    return f"{regime}: {kind}" + (f" of {wanted.stolen} subjects" if regime.pool and kind == _TRIED else "")


def _knowing(count: int) -> str:
    return f"{count} known subject{'s' if count > 1 else ''}"


def _chosen(found: Mapping[KeyRegime, Mapping[str, tuple[Record, ...]]], wanted: Wanted) -> Iterator[Found]:
    every = [one for of in found.values() for records in of.values() for one in records]
    for scheme in dict.fromkeys(one.cell.scheme for one in every):
        for reading in readings(every):
            for regime, of in found.items():
                for attacker, held in _runs_of(regime, wanted).items():
                    mine = {
                        id(one): (name, one)
                        for name in held
                        for one in of.get(name, ())
                        if (one.cell.scheme, one.cell.question) == (scheme, reading.question)
                    }
                    best = strongest([one for _, one in mine.values()], reading)
                    by = "" if best is None else mine[id(best)][0]
                    lost = (
                        f"{one.cell.attack} ({name}): {one.status.replace('_', ' ')}"
                        for name, one in mine.values()
                        if one.status in (Status.FAILED, Status.TIMED_OUT)
                    )
                    yield Found(scheme, reading, regime, attacker, by, best, tuple(dict.fromkeys(lost)))


def _runs_of(regime: KeyRegime, wanted: Wanted) -> dict[str, tuple[str, ...]]:
    """Whose runs each kind of attacker chooses among: one who knows more can do what one who knows less does."""
    # Numbers are known with the algorithm; keys of a pool only by those of some subjects.
    least = (_NONE, _TRIED) if regime is KeyRegime.INTEGERS else (_NONE,)
    known = {_knowing(count): (*least, _knowing(count)) for count in wanted.known}
    stolen = {f"keys of {wanted.stolen} subjects": (_NONE, _TRIED)}
    return {_NONE: least, **known, **stolen, _ALL: (_NONE, _ALL)}
