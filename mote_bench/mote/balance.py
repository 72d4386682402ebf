"""What MOTE's knob for fairness does: error rates by group against the share of the own group's positives.

    python -m mote_bench.mote.balance [--data FILE.npz] [--attribute gender] [--solved] [--out leaderboards/mote]

Nets of a protocol's target people, at a threshold set on its shadow people at FMR 1e-2; beside them ``cosine``, the
normalised scores ``cosine-znorm`` and ``cosine-fair``, and the tuned :class:`~mote_bench.mote.fair.FairMOTE`. With
``--solved`` the nets are ``mote-solved``'s, which take seconds instead of many minutes; the tuned one is then left out,
because it trains.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from mote_bench import registry
from mote_bench.contracts import FloatArray, InputError
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.measured import Measured
from mote_bench.metrics.verification import Scores, missed_genuine, threshold_at_fmr
from mote_bench.mote import tables
from mote_bench.mote.fair import OWN_SHARES, FairMOTE, shares
from mote_bench.mote.scheme import EVERYONE, MOTE
from mote_bench.mote.solved import SolvedMOTE
from mote_bench.report.text import number, span
from mote_bench.settings import Setting
from mote_bench.split import Enrolled, Split

_FMR = "1e-2"
_VECTORS = ("cosine", "cosine-znorm", "cosine-fair")


def sweep(parts: Split, attribute: str, *, solved: bool = False) -> list[tuple[str, Measured, float]]:
    """A name, its fairness, and its FNMR over all, for vectors, each share, and where nets train the tuned shares."""
    with threadpool_limits(limits=1):
        made = [
            (name, *_measured(registry.load("schemes", name).fit(parts.background, seed=0), parts, attribute))
            for name in _VECTORS
        ]
        kind, called = (SolvedMOTE, "mote-solved") if solved else (MOTE, "mote")
        mote = kind(attributes=(attribute,)).fit(parts.background, seed=0)
        if mote.groups == (EVERYONE,):
            raise InputError(
                f"the background has no two groups of '{attribute}' with ten people each; nothing to balance"
            )
        for own in OWN_SHARES:
            made.append((f"{called}, {own:g} of the own group", *_measured(mote, parts, attribute, own=own)))
        if solved:
            return made
        fair = FairMOTE(attribute=attribute).fit(parts.background, seed=0)
        chosen = ", ".join(f"{group} {share:g}" for group, share in fair.own_share.items())
        made.append((f"mote-fair (tuned: {chosen or 'equal'})", *_measured(fair, parts, attribute)))
    return made


def _measured(scheme: Any, parts: Split, attribute: str, own: float | None = None) -> tuple[Measured, float]:
    impostor = _scores(scheme, parts.calibration, attribute, own).impostor
    threshold = threshold_at_fmr(impostor, float(_FMR))
    found = _scores(scheme, parts.target, attribute, own)
    groups = {attribute: parts.target.references.attributes[attribute]}
    fair = measure_fairness(found, groups, threshold, fmr_name=_FMR, rng=np.random.default_rng(0))
    return fair, missed_genuine(found, threshold).value


def _scores(scheme: Any, people: Enrolled, attribute: str, own: float | None) -> Scores:
    if people.probes is None:
        raise InputError("the shares are compared by how people are recognised: the data must say who is shown")
    references: FloatArray = people.references.embeddings
    options: dict[str, Any] = {"keys": None, "seeds": range(len(references))}
    if own is not None:
        labels = people.references.attributes[attribute].tolist()
        options["balance"] = [
            shares(label, own, scheme.groups)
            if label in scheme.groups
            else dict.fromkeys(scheme.groups, 1 / len(scheme.groups))
            for label in labels
        ]
    templates = scheme.enroll(references, **options)
    values = scheme.score(templates, people.probes.embeddings, keys=None)
    return Scores(values, np.arange(len(templates)), people.shown)


def render(data: str, attribute: str, lines: Sequence[tuple[str, Measured, float]], *, solved: bool = False) -> str:
    """The sweep as Markdown."""
    wanted = [one.metric for one in lines[0][1].measurements if one.metric.startswith(("fdr_", "garbe_", "fnmr_"))]
    rows = []
    for name, fair, missed in lines:
        cells = {one.metric: f"{number(one.value)} {span(one)}" for one in fair.measurements}
        rows.append((name, number(missed), *(cells.get(metric, "undefined") for metric in wanted)))
    titles = ("variant", "FNMR", *(metric.replace(f"_at_fmr_{_FMR}", "").replace("_", " ") for metric in wanted))
    people = lines[0][1].measurements[-1].n
    head = (
        f"# MOTE's balance by {attribute}: {data}\n\nRates at FMR {_FMR}, set on other people; {people} people, 95 % "
        "intervals over people. FDR: 1 is even; GARBE: 0 is even."
    )
    how = " --solved" if solved else ""
    table = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    command = f"python -m mote_bench.mote.balance --data {data} --attribute {attribute}{how}"
    return f"{head}\n\n{table}\n\nMade by `{command}`.\n"


def main() -> None:
    """Sweep and write."""
    options = tables.parser("balance", __doc__, attribute="whose groups are to be treated alike")
    options.add_argument("--solved", action="store_true", help="sweep nets that are solved instead of trained")
    tables.write(options, _files)


def _files(given: argparse.Namespace, name: str, setting: Setting) -> dict[str, str]:
    parts = setting.split
    lines = sweep(parts, given.attribute, solved=given.solved)
    file = f"balance-{name}-{given.attribute}{'-solved' * given.solved}.md"
    return {file: render(name, given.attribute, lines, solved=given.solved)}


if __name__ == "__main__":
    main()
