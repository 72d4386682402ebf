"""Tables of the study of key regimes, as Markdown and CSV."""

from __future__ import annotations

from collections.abc import Sequence

from mote_bench.analysis.selection import Reading, find
from mote_bench.contracts import Measurement, flat
from mote_bench.engine.key_regimes import KeyRegime
from mote_bench.formatting import exact, inert, label, number, with_interval
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import options_of
from mote_bench.report.markdown import pipe_table
from mote_bench.report.results import written
from mote_bench.studies.keys.attackers import ALONE
from mote_bench.studies.keys.running import LINK, Found, Wanted

REGIMES = {
    KeyRegime.TEMPLATE: "each template has a fresh key, as in every run",
    KeyRegime.SUBJECT: "each subject has one key, so that a renewed template has the same",
    KeyRegime.SYSTEM: "all templates of both databases have one key",
    KeyRegime.POOL_4: "the key of each template is drawn from the same 4 keys",
    KeyRegime.POOL_8: "the key of each template is drawn from the same 8 keys",
    KeyRegime.INTEGERS: "keys are the numbers 1, 2, 3, ..., one for each template in the order of enrolment",
}
_BESIDE_LINK, _BESIDE_RECONSTRUCT = ("d_sys", "rank_1"), ("type_1_success", "type_2_success", "wolf_rate")
_COLUMNS = (
    "scheme", "question", "regime", "attacker", "metric", "value", "low", "high", "n", "floor", "ceiling", "attack",
    "knowledge", "run_by",
)  # fmt: skip


def files(setting: Setting, wanted: Wanted, found: Sequence[Found]) -> dict[str, str]:
    """File name -> text."""
    name = f"keys-{setting.data.name}"
    return {f"{name}.md": _markdown(setting, wanted, found), f"{name}.csv": _csv(found)}


def _markdown(setting: Setting, wanted: Wanted, found: Sequence[Found]) -> str:
    spec, targets = setting.spec, len(setting.split.target.references)
    lines = [
        f"# Regimes of keys: {setting.plan.cells[0].data}",
        f"Protocol {spec.protocol}, seed {spec.seed}; {targets} target subjects, 95 % intervals over subjects. Each "
        "figure is of the strongest attack, chosen on selection subjects. The floor is the same attack on `noise`, the "
        "ceiling on `cosine`. Both databases are of one system.",
        "\n".join(f"- `{regime}`: {REGIMES[regime]}." for regime in wanted.regimes),
        _about(wanted),
    ]
    for scheme, reading in dict.fromkeys((one.scheme, one.reading) for one in found):
        mine = [one for one in found if (one.scheme, one.reading) == (scheme, reading)]
        beside = _beside(reading)
        titles = ("regime", "attacker", label(reading.headline), "n", "floor", "ceiling",
                  *map(label, beside), "attack")  # fmt: skip
        lines += [
            f"## {scheme}: {reading.question}",
            f"{label(reading.headline)}, in short:",
            _in_short(mine),
            "In full:",
            pipe_table(titles, [_row(one, beside) for one in mine]),
            *_lost(mine),
        ]
    return "\n\n".join(lines) + f"\n\nMade by `{command(setting, wanted)}`.\n"


def _in_short(found: Sequence[Found]) -> str:
    """A row for each regime, a column for each attacker."""
    attackers = list(dict.fromkeys(one.attacker for one in found))
    rows: dict[str, list[str]] = {}
    for one in found:
        headline = find(one.record, one.reading.headline)
        rows.setdefault(str(one.regime), []).append(number(None if headline is None else headline.value))
    return pipe_table(["regime", *attackers], [[regime, *values] for regime, values in rows.items()])


def _lost(found: Sequence[Found]) -> list[str]:
    """What was no choice, as such an attacker may reach more than the table shows; nothing where all finished."""
    lost = dict.fromkeys(f"`{one.regime}`, {told}" for one in found for told in one.lost)
    return [f"Not finished, and so not chosen from: {'; '.join(lost)}."] if lost else []


def _about(wanted: Wanted) -> str:
    return (
        "The system also enrols the shadow subjects, as further subjects who are not attacked. Attackers without keys "
        "have a copy of the system that deals keys of its own in the same way. Of known subjects the attacker has the "
        f"face and both templates, and no key: attacks learn from {ALONE} or more of them alone, and from fewer among "
        f"the attacker's own shadow subjects. Where keys of {wanted.stolen} subjects are stolen, they are of further "
        "subjects; under a shared key or a pool the attacker tries them on each template. Numbers are tried from 1 on "
        "by every attacker who knows the algorithm. Every attacker can also do what one without keys does."
    )


def _beside(reading: Reading) -> tuple[str, ...]:
    """The metrics beside the headline; at its false match rate, if it has one."""
    if reading.question == LINK:
        return _BESIDE_LINK
    _, found, rate = reading.headline.partition("success_gain_at_fmr_")
    return tuple(flat(metric, rate) for metric in _BESIDE_RECONSTRUCT) if found else ()


def _row(one: Found, beside: Sequence[str]) -> tuple[str, ...]:
    headline = find(one.record, one.reading.headline)
    if one.record is None or headline is None:
        return one.regime, one.attacker, "not measured", *[""] * (4 + len(beside))
    others = (find(one.record, metric) for metric in beside)
    return (
        str(one.regime),
        one.attacker,
        with_interval(headline),
        str(headline.n),
        number(headline.floor),
        number(headline.ceiling),
        *(number(None if other is None else other.value) for other in others),
        f"{one.record.cell.attack} ({one.by})",
    )


def _csv(found: Sequence[Found]) -> str:
    rows = []
    for one in found:
        for measured in _of_row(one):
            assert one.record is not None
            cell = one.record.cell
            figures = (measured.value, measured.low, measured.high)
            rows.append(
                [
                    *map(inert, (one.scheme, one.reading.question, one.regime, one.attacker, measured.name)),
                    *map(exact, figures),
                    measured.n,
                    exact(measured.floor),
                    exact(measured.ceiling),
                    *map(inert, (cell.attack, cell.knowledge, one.by)),
                ]
            )
    return written(_COLUMNS, rows)


def _of_row(one: Found) -> list[Measurement]:
    shown = (one.reading.headline, *_beside(one.reading))
    return [measured for metric in shown if (measured := find(one.record, metric)) is not None]


def command(setting: Setting, wanted: Wanted) -> str:
    """The command that makes the tables."""
    spec = setting.spec
    words = {
        "data": spec.data if spec.data_file is None else spec.data_file.rpartition("/")[2],
        "people": spec.people,
        "schemes": spec.schemes,
        "questions": spec.questions,
        "attacks": spec.attacks,
        "protocol": spec.protocol,
        "seed": spec.seed,
        "regimes": ",".join(wanted.regimes),
        "known-subjects": ",".join(map(str, wanted.known)) or None,
        "stolen-subjects": wanted.stolen,
    }
    return " ".join(["python -m mote_bench study keys", *options_of(words)])
