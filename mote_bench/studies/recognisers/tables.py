"""The study of several recognisers: its options, and its tables as Markdown.

python -m mote_bench study recognisers --data FILE.npz --attacker-recogniser FILE.npz [--schemes cosine] ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate
from threadpoolctl import threadpool_limits

from mote_bench import registry
from mote_bench.contracts import CEILING, FLOOR, Faces, InputError
from mote_bench.studies.recognisers import across, people


@dataclass(frozen=True)
class Options:
    """What a study of two recognisers is made of; ``known`` are numbers of known subjects."""

    data: str
    attacker: str
    schemes: str = CEILING
    attributes: str | None = None
    known: tuple[int, ...] = (0, 10, 30, 100, 300)
    people: int | None = None


def files(options: Options) -> dict[str, str]:
    """File name -> text of the tables.

    Raises
    ------
    InputError
        When the data can't be used, or the numbers of known subjects don't suit them.
    """
    given = people.read(options.data, options.attacker, attributes=options.attributes, people=options.people)
    _check(options.known, len(given.enrolled))
    names = list(dict.fromkeys([CEILING, *registry.select("schemes", options.schemes), FLOOR]))
    with threadpool_limits(limits=1):
        attributes = [across.Attribute.learned(name, given) for name in across.usable(given)]
        databases = [across.enrolled(name, given) for name in names]
        reads = [read for one in databases for read in across.translated(one, given, attributes, options.known)]
        groups = [group for one in databases for group in across.clustered(one, attributes)]
        tops = [across.ceilings(given, one) for one in attributes]
    attacked, attacker = Path(options.data).stem, Path(options.attacker).stem
    text = render((attacked, attacker), given.enrolled, reads, groups, tops) + f"\nMade by `{_command(options)}`.\n"
    return {f"recognisers-{attacked}-{attacker}.md": text}


def _check(known: Sequence[int], subjects: int) -> None:
    odd = [count for count in known if count == 1 or not 0 <= count <= subjects // 2]
    if odd or not known:
        raise InputError(
            f"--known-subjects {','.join(map(str, known))}: expected 0, or 2 to {subjects // 2}, half of the "
            f"{subjects} enrolled subjects"
        )


def _command(options: Options) -> str:
    words = {
        "data": Path(options.data).name,
        "attacker-recogniser": Path(options.attacker).name,
        "schemes": options.schemes,
        "attributes": options.attributes,
        "known-subjects": ",".join(map(str, options.known)),
        "people": options.people,
    }
    told = " ".join(f"--{name} {value}" for name, value in words.items() if value is not None)
    return f"python -m mote_bench study recognisers {told}"


def render(
    names: tuple[str, str],
    enrolled: Faces,
    reads: Sequence[across.Read],
    groups: Sequence[across.Clustered],
    tops: Sequence[across.Ceilings],
) -> str:
    """The tables as Markdown."""
    attacked, attacker = names
    lines = [
        f"# Templates of {attacked}, read without its recogniser",
        f"{len(enrolled)} enrolled subjects. Figures are mean per-class recalls with 95 % intervals over subjects. "
        f"Round brackets hold the lowest and the highest of {across.DRAWS} draws of the known subjects, or of "
        f"{across.STARTS} alignments without any: where they lie far apart, luck decides. Known subjects are left out. "
        "The scheme `noise` is the floor.",
        "## One recogniser, no translation: the ceiling",
        "A classifier of labelled public faces reads the enrolled images themselves.",
        _table(
            ("attribute", f"by {attacked}", f"by {attacker}"),
            [(one.attribute, _with(one.attacked), _with(one.attackers)) for one in tops],
        ),
    ]
    if reads:
        lines += [
            f"## Translated to {attacker}",
            "Of the known subjects the attacker has a picture and knows the template. Without known subjects the two "
            "spaces are aligned without any pair; nothing then tells the attacker whether the map is right. Who knows "
            "the class shares can still exchange the classes.",
            _table(
                ("scheme", "attribute", "known subjects", "n", "cosine to the true face", "class", "shares known"),
                [_row(one) for one in reads],
            ),
        ]
    lines += [
        "## Clusters, without any recogniser or label",
        "As many clusters as classes. They are named by the class shares, by 1 or 10 known subjects, or in the way "
        "that fits best. The last is a bound that no attacker has: above chance even for `noise`. Responses are to "
        f"{across.PROBES} public faces of the attacked recogniser.",
        _table(
            ("scheme", "attribute", "read", "stolen", *(groups[0].rates if groups else ())),
            [
                (
                    one.scheme,
                    one.attribute,
                    one.reads,
                    one.stolen,
                    *(_with(rate, draws=False) for rate in one.rates.values()),
                )
                for one in groups
            ],
        ),
    ]
    return "\n\n".join(lines) + "\n"


def _row(one: across.Read) -> tuple[object, ...]:
    known = str(one.known) if one.known else f"0, {one.stolen} templates aligned"
    value, (low, high) = one.cosine
    shared = "" if one.shared is None else _with(one.shared)
    cosine = f"{value:.3f} [{low:.3f}, {high:.3f}]"
    return one.scheme, one.attribute, known, one.rate.people, cosine, _with(one.rate), shared


def _with(rate: across.Rate, *, draws: bool = True) -> str:
    low, high = rate.interval
    span = f" ({rate.lowest:.3f} to {rate.highest:.3f})" if draws and rate.highest > rate.lowest else ""
    return f"{rate.value:.3f} [{low:.3f}, {high:.3f}]{span}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return str(tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True))
