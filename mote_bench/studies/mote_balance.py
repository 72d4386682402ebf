"""What MOTE's knob for fairness does: error rates by group against the share of the own group's positives.

    python -m mote_bench study balance [--data FILE.npz] [--attribute gender] [--solved] [--out boards/mote]

Nets of a protocol's target people, at a threshold set on its shadow people at FMR 1e-2; beside them ``cosine``, the
normalised scores ``cosine-znorm`` and ``cosine-fair``, and the tuned :class:`~mote_bench.mote.fair.FairMOTE`. With
``--solved`` the nets are ``mote-solved``'s, which take seconds instead of many minutes; the tuned one is then left out,
because it trains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from mote_bench import formatting, registry
from mote_bench.contracts import Faces, FloatArray, InputError, Measurement, flat
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.trend import measure_trend
from mote_bench.metrics.verification import Scores, missed_genuine, threshold_at_fmr
from mote_bench.mote.fair import OWN_SHARES, FairMOTE
from mote_bench.mote.looks import Scale, Weights, blended
from mote_bench.mote.scheme import EVERYONE, MOTE, Shares
from mote_bench.mote.solved import SolvedMOTE
from mote_bench.planning.split import Enrolled, Split
from mote_bench.studies.tables import StudyData, setting_of

_FMR = "1e-2"
_WANTED = ("fdr", "garbe", "fnmr")
_VECTORS = ("cosine", "cosine-znorm", "cosine-fair")


@dataclass(frozen=True, eq=False)
class Line:
    """One variant.

    Attributes
    ----------
    missed : float
        FNMR over all.
    fair : Measured
        Rates by group and their spreads.
    rises : tuple of Measurement
        Of a number: how FNMR and FMR rise with it.
    """

    name: str
    missed: float
    fair: Measured
    rises: tuple[Measurement, ...]


def sweep(parts: Split, attribute: str, *, solved: bool = False) -> list[Line]:
    """A line for vectors, each share, and where nets train the tuned shares."""
    with threadpool_limits(limits=1):
        made = [
            _line(name, registry.load("schemes", name).fit(parts.background, seed=0), parts, attribute)
            for name in _VECTORS
        ]
        kind, called = (SolvedMOTE, "mote-solved") if solved else (MOTE, "mote")
        scale = Scale.of(parts.background, attribute)
        background = parts.background if scale is None else scale.labelled(parts.background)
        mote = kind(attributes=(attribute,)).fit(background, seed=0)
        if mote.groups == (EVERYONE,):
            raise InputError(
                f"the background has no two groups of '{attribute}' with ten people each; nothing to balance"
            )
        for own in OWN_SHARES:
            given = partial(_balance, attribute=attribute, scale=scale, own=own, groups=mote.groups)
            made.append(_line(f"{called}, {own:g} of the own group", mote, parts, attribute, given))
        if solved:
            return made
        fair = FairMOTE(attribute=attribute).fit(parts.background, seed=0)
        chosen = ", ".join(f"{group} {share:g}" for group, share in fair.own_share.items())
        made.append(_line(f"mote-fair (tuned: {chosen or 'equal'})", fair, parts, attribute))
    return made


def _line(
    name: str, scheme: Any, parts: Split, attribute: str, balance: Callable[[Faces], list[Shares]] | None = None
) -> Line:
    impostor = _scores(scheme, parts.calibration, balance).impostor
    threshold = threshold_at_fmr(impostor, float(_FMR))
    found = _scores(scheme, parts.target, balance)
    people = parts.target.references
    groups = {attribute: people.attributes[attribute]}
    fair = measure_fairness(found, groups, threshold, fmr_name=_FMR, rng=np.random.default_rng(0))
    rises: tuple[Measurement, ...] = ()
    if attribute in people.values:
        try:
            made = measure_trend(found, people.values[attribute], threshold, name=attribute, fmr_name=_FMR)
        except ValueError as error:  # too few people's numbers are known
            raise InputError(str(error)) from error
        rises = made.measurements
    return Line(name, missed_genuine(found, threshold).value, fair, rises)


def _scores(scheme: Any, people: Enrolled, balance: Callable[[Faces], list[Shares]] | None) -> Scores:
    if people.probes is None:
        raise InputError("the shares are compared by how people are recognised: the data must say who is shown")
    references: FloatArray = people.references.embeddings
    options = {} if balance is None else {"balance": balance(people.references)}
    templates = scheme.enroll(references, keys=None, seeds=range(len(references)), **options)
    values = scheme.score(templates, people.probes.embeddings, keys=None)
    return Scores(values, np.arange(len(templates)), people.shown)


def _balance(people: Faces, *, attribute: str, scale: Scale | None, own: float, groups: Sequence[str]) -> list[Shares]:
    """Shares with ``own`` of everybody's own group, as the data have it; of all groups alike where it isn't known."""
    of_all = dict.fromkeys(groups, 1 / len(groups))
    weights: Sequence[Weights]
    if scale is None:
        weights = [{label: 1.0} for label in people.attributes[attribute].tolist()]
    else:
        known = np.isfinite(people.values[attribute])
        placed = scale.weights(people.values[attribute])
        weights = [one if sure else {} for one, sure in zip(placed, known.tolist(), strict=True)]
    owns = dict.fromkeys(groups, own)
    return [blended(one, owns, groups) if one and set(one) <= set(groups) else of_all for one in weights]


def render(data: str, attribute: str, lines: Sequence[Line], *, solved: bool = False) -> str:
    """The sweep as Markdown."""
    wanted = [(one.metric, one.group) for one in lines[0].fair.measurements if one.metric in _WANTED]
    number = any(line.rises for line in lines)
    if number:
        wanted += [(f"{rate}_rise_over", (attribute,)) for rate in ("fnmr", "fmr")]
    rows = []
    for line in lines:
        cells = {(one.metric, one.group): _told(one) for one in (*line.fair.measurements, *line.rises)}
        rows.append((line.name, formatting.number(line.missed), *(cells.get(one, "undefined") for one in wanted)))
    titles = ("variant", "FNMR", *(flat(metric, group=group).replace("_", " ") for metric, group in wanted))
    people = lines[0].fair.measurements[-1].n
    head = (
        f"# MOTE's balance by {attribute}: {data}\n\nRates at FMR {_FMR}, set on the calibration subjects; "
        f"{people} target subjects, 95 % intervals over subjects. FDR: 1 is even; GARBE: 0 is even."
    )
    if number:
        head += (
            f" A rise is what the rate gains from the tenth of the people with the lowest {attribute} to the tenth "
            "with the highest, on a straight line: 0 is even. Nets are balanced by the number itself, which goes over "
            "from group to group without an edge."
        )
    how = " --solved" if solved else ""
    table = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    command = f"python -m mote_bench study balance --data {data} --attribute {attribute}{how}"
    return f"{head}\n\n{table}\n\nMade by `{command}`.\n"


def _told(one: Measurement) -> str:
    return f"{formatting.number(one.value)} {formatting.span(one)}"


def files(study: StudyData, attribute: str, *, solved: bool = False) -> dict[str, str]:
    """File name -> text of the table."""
    lines = sweep(setting_of(study, attribute).split, attribute, solved=solved)
    file = f"balance-{study.name}-{attribute}{'-solved' * solved}.md"
    return {file: render(study.name, attribute, lines, solved=solved)}
