"""leaderboard.json with every section that only some boards have is valid by its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from six_schemes import UP, board_of

from mote_bench.analysis.threat_matrix import threat_matrices
from mote_bench.contracts import NOISE_LEVELS, Measurement, Record
from mote_bench.records import schemas
from mote_bench.records.provenance import SHADOW_SUBJECTS
from mote_bench.report.boards import rendered

PEOPLE = list(range(40))
LEVELS = {name: 0.95 - 0.04 * place for place, name in enumerate(NOISE_LEVELS)}


def with_details(records: list[Record]) -> Iterator[Record]:
    """The records with an FNMR, and with a second attack that succeeds on the same subjects as the first."""
    for one in records:
        if one.cell.question == "verify":
            fnmr = Measurement("fnmr", 0.07, 0.06, 0.08, 100, at="1e-3")
            yield replace(one, measurements=(*one.measurements, fnmr))
        else:
            exposed = replace(one, details={"influence": {"people": PEOPLE}, "outcomes": [100] * 6 + [0] * 34})
            yield from (exposed, replace(exposed, cell=replace(one.cell, attack="logistic-bytes")))


def test_all_sections_at_once_are_in_the_schema() -> None:
    boards = [
        list(with_details(board_of(data, UP | LEVELS, recogniser=net, subjects_sha256="these")))
        for data, net in (("a", "first net"), ("b", "second net"))
    ]
    fewer = {
        count: [replace(one, provenance={SHADOW_SUBJECTS: f"{count} of 200"}) for one in boards[0]]
        for count in (50, 100)
    }
    text = rendered(threat_matrices([*boards[0], *boards[1]]), weaker=fewer)["leaderboard.json"]
    table = json.loads(text)
    first = table["boards"][0]
    assert table["orders"]
    assert first["matched"]
    assert first["strength"]
    assert any(row.get("exposed") for row in first["rows"])
    schemas.check(table, "leaderboard", "leaderboard.json")


def test_failures_to_enrol_are_in_the_schema() -> None:
    """One scheme refuses subjects and the pictures without an embedding are known; of the others neither is."""
    records = list(with_details(board_of("a", UP, recogniser="net")))
    scheme = next(one.cell.scheme for one in records if one.cell.scheme not in ("cosine", "noise"))
    named = (("fta", None), ("fte", None), ("scheme_fte", None), ("generalised_fnmr", "1e-3"))
    more = tuple(Measurement(metric, 0.02, 0.01, 0.06, 40, at=at) for metric, at in named)
    held = [
        replace(one, measurements=(*one.measurements, *more))
        if (one.cell.scheme, one.cell.question) == (scheme, "verify")
        else one
        for one in records
    ]
    table = json.loads(rendered(threat_matrices(held))["leaderboard.json"])
    rows = {row["scheme"]: row for row in table["boards"][0]["rows"]}
    assert rows[scheme]["scheme_fte"]["measurement"]["value"] == 0.02
    assert rows["cosine"]["scheme_fte"] == rows["cosine"]["scheme_fte"] | {
        "status": "none refused",
        "measurement": None,
    }
    assert rows["cosine"]["fte"]["status"] == "not known"
    schemas.check(table, "leaderboard", "leaderboard.json")
