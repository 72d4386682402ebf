"""Bundles: what goes in comes out, and what was tampered with is refused or found."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bundles import resigned
from mote_bench import files
from mote_bench.contracts import Cell, InputError, Measurement, Record, Status
from mote_bench.planning import protocol
from mote_bench.records import bundle, bundle_check, schemas, store
from mote_bench.report.boards import render

HOME = Path(__file__).parent
ORIGIN = {"protocol_sha256": protocol.load("quick-1").checksum, "data_sha256": "d" * 64}


def record(attack: str, question: str, metric: str, value: float, *, scheme: str = "mine") -> Record:
    one = Measurement(metric, value, value - 0.05, value + 0.05, 150, floor=0.5, ceiling=0.95)
    knowledge = "none" if attack == "zero-effort" else "algorithm"
    cell = Cell("quick-1", "people", scheme, attack, question, knowledge, 0)
    return Record(cell, Status.OK, (one,), {}, {"seconds": 1.0}, ORIGIN, rehearsal=(one,))


RECORDS = (
    record("zero-effort", "verify", "eer", 0.1),
    record("logistic-bytes", "gender", "balanced_accuracy", 0.7),
    record("vote-answers", "gender", "balanced_accuracy", 0.8),
)
BUNDLE = bundle.make(bundle.SCHEME, RECORDS, by="Jane Doe", home=HOME)


def signed(change: Callable[[dict[str, Any]], object]) -> str:
    """The bundle's text after a change."""
    table = json.loads(bundle.to_text(BUNDLE))
    change(table)
    return resigned(table)


def test_what_goes_in_comes_out() -> None:
    text = bundle.to_text(BUNDLE)
    assert bundle.from_text(text, "here") == BUNDLE
    assert bundle.to_text(bundle.from_text(text, "here")) == text
    assert BUNDLE.name == "people_quick-1_0_mine.json"


def test_an_edited_figure_breaks_the_checksum() -> None:
    text = bundle.to_text(BUNDLE).replace('"value": 0.8', '"value": 0.6')
    with pytest.raises(InputError, match="its checksum doesn't fit"):
        bundle.from_text(text, "here")


def cells(table: dict[str, Any], **change: object) -> None:
    for one in table["records"]:
        one["cell"].update(change)


def figures(table: dict[str, Any], **change: object) -> None:
    for one in table["records"][1]["measurements"]:
        one.update(change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.update(extra=1), "Additional properties"),
        (lambda table: table.update(records=[]), "records"),
        (lambda table: table.update(by=""), "by"),
        (lambda table: table.update(by="a\x1b[31m"), "printable"),
        (lambda table: table.update(format="other"), "format"),
        (lambda table: cells(table, scheme="<script>alert(1)</script>"), "no name of a plug-in"),
        (lambda table: cells(table, scheme="../../etc"), "no name of a plug-in"),
        (lambda table: cells(table, scheme="cosine"), "is a control"),
        (lambda table: cells(table, protocol="people-9"), "no protocol 'people-9'"),
        (lambda table: table["records"][0]["cell"].update(seed=1), "2 boards"),
        (lambda table: table["records"][0]["cell"].update(scheme="other"), "2 schemes"),
        (lambda table: table["records"].append(table["records"][0]), "twice"),
        (lambda table: table["records"][0]["provenance"].update(protocol_sha256="0"), "another version of protocol"),
        (lambda table: figures(table, value=0.99), "outside its interval"),
        (lambda table: figures(table, metric="beauty"), "no metric is called"),
        (lambda table: figures(table, n=0), "minimum"),
        (lambda table: figures(table, value="0.5"), "not of type 'number'"),
    ],
)
def test_what_cannot_be_is_refused(change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bundle.from_text(signed(change), "here")


@pytest.mark.parametrize("text", ["", "[[[", "null", "[]", '{"format": NaN}', "[" * 100_000, "\x00"])
def test_what_is_no_bundle_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="'here' is no bundle"):
        bundle.from_text(text, "here")


def planned() -> tuple[list[Cell], dict[Cell, dict[str, str]]]:
    cells = [one.cell for one in RECORDS]
    return cells, dict.fromkeys(cells, ORIGIN)


def test_left_out_attacks_are_missed() -> None:
    fewer = replace(BUNDLE, records=RECORDS[:2])
    with pytest.raises(InputError, match=r"lacks cells of its protocol: vote-answers"):
        bundle_check.check_cells(fewer, *planned())
    bundle_check.check_cells(BUNDLE, *planned())


def test_other_data_are_refused() -> None:
    cells, origins = planned()
    with pytest.raises(InputError, match="made from other data"):
        bundle_check.check_cells(BUNDLE, cells, {cell: {**ORIGIN, "data_sha256": "e"} for cell in origins})


def changed(record: Record, **change: Any) -> Record:
    return replace(record, measurements=tuple(replace(one, **change) for one in record.measurements))


@pytest.mark.parametrize(
    ("fresh", "verdict"),
    [
        (RECORDS[1], bundle_check.SAME),
        (changed(RECORDS[1], value=0.72, low=0.67, high=0.77), bundle_check.WITHIN),
        (changed(RECORDS[1], value=0.9, low=0.85, high=0.95), bundle_check.OUTSIDE),
        (
            changed(RECORDS[1], low=0.0, high=1.0),
            bundle_check.WITHIN,
        ),  # here it is wider than claimed: the bundle says more
        (changed(RECORDS[1], low=0.68, high=0.72), bundle_check.OUTSIDE),  # claimed five times wider than it is
        (changed(RECORDS[1], floor=0.1), bundle_check.OUTSIDE),
        (changed(RECORDS[1], ceiling=None), bundle_check.OUTSIDE),
        (changed(RECORDS[1], n=90), bundle_check.SUBJECTS),
        (replace(RECORDS[1], measurements=()), bundle_check.MISSING),
        (replace(RECORDS[1], status=Status.FAILED), bundle_check.STATUS),
    ],
)
def test_figures_are_held_against_a_fresh_run(fresh: Record, verdict: str) -> None:
    found = bundle_check.held(BUNDLE, (RECORDS[0], fresh, RECORDS[2]))
    shown = [one.verdict for one in found if not one.metric.endswith("selection subjects")]
    assert shown == [bundle_check.SAME, verdict, bundle_check.SAME]


def test_an_edit_that_hides_the_strongest_attack_is_found() -> None:
    """Nothing that is shown was changed, but another attack would be called the strongest."""
    weak = replace(
        RECORDS[2], rehearsal=tuple(replace(one, value=0.5, low=0.45, high=0.55) for one in RECORDS[2].rehearsal)
    )
    edited = replace(BUNDLE, records=(*RECORDS[:2], weak))
    found = [one for one in bundle_check.held(edited, RECORDS) if one.verdict not in bundle_check.AGREES]
    assert [(one.metric, one.verdict) for one in found] == [
        ("balanced_accuracy on selection subjects", bundle_check.OUTSIDE)
    ]


def test_edited_and_left_out_details_are_found() -> None:
    made = [replace(RECORDS[0], details={"det": [[0.1, 0.2], [0.2, 0.1]], "scorer": {"names": ["flat"]}}), *RECORDS[1:]]

    def found(details: dict[str, Any]) -> list[tuple[str, str]]:
        edited = replace(BUNDLE, records=(replace(RECORDS[0], details=details), *RECORDS[1:]))
        return [
            (one.metric, one.verdict)
            for one in bundle_check.held(edited, made)
            if one.verdict not in bundle_check.AGREES
        ]

    assert found({"det": [[0.1, 0.2], [0.2, 0.1 + 1e-9]], "scorer": {"names": ["flat"]}}) == []
    assert found({"det": [[0.1, 0.2], [0.2, 0.0]], "scorer": {"names": []}}) == [
        ("details: det", bundle_check.OUTSIDE),
        ("details: scorer", bundle_check.OUTSIDE),
    ]
    assert found({"det": [[0.1, 0.2], [0.2, 0.1]]}) == [("details: scorer", bundle_check.MISSING)]


def test_other_versions_are_said() -> None:
    made = [replace(one, provenance={**ORIGIN, "scheme_source": "ab"}) for one in RECORDS]
    assert bundle_check.notes(BUNDLE, RECORDS) == []
    assert bundle_check.notes(BUNDLE, made) == ["scheme source None there, ab here"]
    placed = [replace(one, provenance={**ORIGIN, "device": "mps"}) for one in RECORDS]
    assert bundle_check.notes(BUNDLE, placed) == ["device cpu there, mps here"]
    assert bundle_check.notes(replace(BUNDLE, records=tuple(placed)), RECORDS) == ["device mps there, cpu here"]


def bits(value: float, low: float, high: float, *, metric: str = "false_accept_bits", n: int = 12) -> Measurement:
    return Measurement(metric, value, low, high, n, at="1e-3", group=("uniform",))


def at_least(value: float) -> Measurement:
    return bits(value, value, value, metric="least_false_accept_bits", n=4)


@pytest.mark.parametrize(
    ("claimed", "made", "verdicts"),
    [
        (bits(14, 13, 15), bits(14, 13, 15), [bundle_check.SAME]),
        (bits(14, 13, 15), bits(15.5, 14.5, 16.5), [bundle_check.WITHIN]),
        (bits(14, 13, 15), bits(17, 16, 18), [bundle_check.OUTSIDE]),
        (at_least(50), at_least(52), [bundle_check.WITHIN]),
        (at_least(14), bits(17, 16, 18), [bundle_check.WITHIN]),
        (bits(17, 16, 18), at_least(14), [bundle_check.WITHIN]),
        (at_least(20), bits(17, 16, 18), [bundle_check.OUTSIDE]),
        (bits(14, 13, 15), None, [bundle_check.MISSING]),
        (None, at_least(14), [bundle_check.MISSING]),
    ],
)
def test_bits_agree_where_their_intervals_overlap(
    claimed: Measurement | None, made: Measurement | None, verdicts: list[str]
) -> None:
    """A bound has no upper end, and stands in the place of a figure where another machine found no acceptance."""
    there, here = (replace(RECORDS[0], rehearsal=(), measurements=(one,) if one else ()) for one in (claimed, made))
    found = bundle_check.held(replace(BUNDLE, records=(there,)), (here,))
    assert [one.verdict for one in found] == verdicts


def test_figures_left_out_of_a_record_are_missed() -> None:
    more = Measurement("auc", 0.9, 0.8, 0.95, 150)
    fresh = replace(RECORDS[1], measurements=(*RECORDS[1].measurements, more))
    assert bundle_check.MISSING in [one.verdict for one in bundle_check.held(BUNDLE, (RECORDS[0], fresh, RECORDS[2]))]


def filed(folder: Path, *made: bundle.Bundle) -> None:
    (folder / bundle.BUNDLES).mkdir(exist_ok=True)
    for one in made:
        files.write_text(folder / bundle.BUNDLES / one.name, bundle.to_text(one))


def test_a_stronger_attack_is_shown_with_its_finder(tmp_path: Path) -> None:
    found = record("clever-answers", "gender", "balanced_accuracy", 0.9)
    filed(tmp_path, bundle.make(bundle.ATTACK, [found], by="A <b>Finder</b>", home=HOME))
    boards = render([*RECORDS, *bundle.submitted(tmp_path, RECORDS)])
    assert "clever-answers, found by A &lt;b&gt;Finder&lt;/b&gt;" in boards["leaderboard.html"]
    assert "found by A &lt;b&gt;Finder&lt;/b&gt;" in boards["leaderboard.md"]
    assert "A <b>Finder</b>" in boards["leaderboard.csv"]
    assert "]: bundles/people_quick-1_0_mine_clever-answers.json" in boards["leaderboard.md"]


def test_a_weaker_one_changes_nothing(tmp_path: Path) -> None:
    found = record("weak-answers", "gender", "balanced_accuracy", 0.6)
    filed(tmp_path, bundle.make(bundle.ATTACK, [found], by="A Finder", home=HOME))
    assert "found by" not in render([*RECORDS, *bundle.submitted(tmp_path, RECORDS)])["leaderboard.md"]


def test_own_records_come_before_submitted_ones(tmp_path: Path) -> None:
    filed(tmp_path, BUNDLE)
    assert bundle.submitted(tmp_path, RECORDS) == []
    assert [one.provenance["submitted_by"] for one in bundle.submitted(tmp_path, [])] == ["Jane Doe"] * 3


def test_two_bundles_of_one_cell_are_refused(tmp_path: Path) -> None:
    filed(tmp_path, BUNDLE)
    files.write_text(tmp_path / bundle.BUNDLES / "again.json", bundle.to_text(BUNDLE))
    with pytest.raises(InputError, match="another bundle holds"):
        bundle.submitted(tmp_path, [])


def test_records_keep_their_schema() -> None:
    for one in RECORDS:
        schemas.check(json.loads(store.to_text(one)), "record", "here")
