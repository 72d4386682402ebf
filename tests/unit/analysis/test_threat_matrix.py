"""The threat matrix by hand: which attack, question and property stand in a cell, and what stands in an empty one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mote_bench.analysis.standings import standings
from mote_bench.analysis.threat_matrix import (
    ATTACKERS,
    CONTROLS_EQUAL,
    FURTHER,
    NO_KEYS,
    NO_SECRETS,
    SELECTION,
    TARGETS,
    threat_matrix,
)
from mote_bench.contracts import Cell, Measurement, Record, Status
from mote_bench.questions import Property

HEADLINES = {"gender": "balanced_accuracy", "link": "eer", "reconstruct": "cosine_gain", "ind": "auc"}
ENDS = {"gender": (0.5, 1.0), "link": (0.5, 0.0), "reconstruct": (0.0, 1.0), "ind": (0.5, 1.0)}


def figure(question, share, *, half=0.05):
    """A headline whose share of the ceiling is ``share`` ± ``half``."""
    floor, ceiling = ENDS[question]
    value, *ends = (floor + part * (ceiling - floor) for part in (share, share - half, share + half))
    return Measurement(HEADLINES[question], value, *sorted(ends), 100, floor=floor, ceiling=ceiling)


def attacked(scheme, attack, question, knowledge, on_targets, on_selection=None, status=Status.OK):
    cell = Cell("p", "d", scheme, attack, question, knowledge, 0)
    found = () if on_targets is None else (figure(question, on_targets),)
    rehearsal = () if on_selection is None else (replace(figure(question, on_selection), floor=None, ceiling=None),)
    return Record(cell, status, found, rehearsal=rehearsal)


def verified(scheme, fnmr, knowledge="none", rate="1e-3"):
    cell = Cell("p", "d", scheme, "zero-effort", "verify", knowledge, 0)
    eer = Measurement("eer", 0.01, 0.005, 0.02, 100)
    return Record(cell, Status.OK, (eer, Measurement("fnmr", fnmr, fnmr / 2, min(2 * fnmr, 1.0), 100, at=rate)))


def with_controls(*records):
    """The records, and what the same attacks get from both controls on the selection subjects."""
    made = list(records)
    for record in records:
        cell = record.cell
        if cell.question not in ENDS or cell.scheme in ("noise", "cosine"):
            continue
        known = cell.knowledge.replace("stolen_key", "algorithm").replace("full_disclosure", "algorithm")
        for scheme, share in (("noise", 0.0), ("cosine", 1.0)):
            control = attacked(scheme, cell.attack, cell.question, known, share, share)
            if control.cell not in {one.cell for one in made}:
                made.append(control)
    return made


def matrix_of(*records):
    [(board, mine)] = standings(with_controls(*records))
    return threat_matrix(board, mine)


def row_of(*records):
    return matrix_of(*records).row("x")


def shown(cell):
    """A cell as ``(percent, property, attack)``, or its status."""
    if cell.worst is None:
        return cell.status
    return cell.worst.share.percent, str(cell.worst.threatens), cell.worst.worst.attack


KEYED = (
    attacked("x", "compare-bytes", "link", "bytes_only", 0.10, 0.12),
    attacked("x", "invert", "reconstruct", "algorithm", 0.30, 0.35),
    attacked("x", "classify", "gender", "stolen_key", 0.90, 0.88),
    attacked("x", "climb", "reconstruct", "algorithm (scores only)", 0.20, 0.22),
    attacked("x", "climb", "reconstruct", "stolen_key (scores only)", 0.70, 0.71),
    attacked("x", "walk", "reconstruct", "algorithm (decisions only)", 0.05, 0.04),
    attacked("x", "several", "link", "algorithm (3 records)", 0.40, 0.41),
    attacked("x", "several", "link", "stolen_key (10 records)", 0.95, 0.97),
)


@pytest.mark.parametrize(
    ("attacker", "expected"),
    [
        ("records", (10, "unlinkability", "compare-bytes")),
        ("algorithm", (30, "irreversibility", "invert")),
        ("keys", (90, "attribute privacy", "classify")),
        ("secrets", NO_SECRETS),
        ("online_scores", (20, "irreversibility", "climb")),
        ("online_decisions", (5, "irreversibility", "walk")),
        ("online_scores_keys", (70, "irreversibility", "climb")),
        ("online_decisions_keys", (5, "irreversibility", "walk")),
        ("several_records", (40, "unlinkability", "several")),
        ("several_records_keys", (95, "unlinkability", "several")),
    ],
)
def test_each_attacker_is_shown_what_it_can_get(attacker, expected):
    assert shown(row_of(*KEYED).cell(attacker)) == expected


def test_an_attacker_with_more_still_has_the_attacks_that_need_less():
    row = row_of(*KEYED[:2], attacked("x", "weak", "gender", "stolen_key", 0.05, 0.05))
    assert shown(row.cell("keys")) == shown(row.cell("algorithm")) == (30, "irreversibility", "invert")
    assert len([one for one in row.cell("keys").findings if one.share]) == 3


def test_property_and_attack_are_chosen_on_selection_subjects_and_reported_on_targets():
    cell = row_of(
        attacked("x", "lucky", "gender", "algorithm", 0.99, 0.20),
        attacked("x", "steady", "gender", "algorithm", 0.40, 0.30),
        attacked("x", "invert", "reconstruct", "algorithm", 0.35, 0.50),
        attacked("x", "pairs", "link", "algorithm", 0.80, 0.10),
    ).cell("algorithm")
    assert shown(cell) == (35, "irreversibility", "invert")
    assert cell.chosen_on == SELECTION
    assert cell.of(Property.ATTRIBUTES).worst.attack == "steady"
    assert cell.worst.worst.headline.n == 100


def test_where_records_hold_no_selection_figures_the_cell_says_so():
    row = row_of(
        attacked("x", "invert", "reconstruct", "algorithm", 0.35, 0.50),
        attacked("x", "classify", "gender", "algorithm", 0.60),
        attacked("x", "climb", "reconstruct", "algorithm (scores only)", 0.20, 0.22),
    )
    assert shown(row.cell("algorithm")) == (60, "attribute privacy", "classify")
    assert row.cell("algorithm").chosen_on == TARGETS
    assert row.cell("online_scores").chosen_on == SELECTION


def test_controls_without_selection_figures_define_no_share_on_selection_subjects():
    records = with_controls(attacked("x", "invert", "reconstruct", "algorithm", 0.35, 0.50))
    bare = [replace(one, rehearsal=()) if one.cell.scheme == "noise" else one for one in records]
    [(board, mine)] = standings(bare)
    assert threat_matrix(board, mine).row("x").cell("algorithm").chosen_on == TARGETS


def test_a_question_whose_controls_are_equal_on_selection_subjects_is_chosen_last():
    records = with_controls(
        attacked("x", "invert", "reconstruct", "algorithm", 0.10, 0.15),
        attacked("x", "classify", "gender", "algorithm", 0.60, 0.90),
    )
    equal = [
        replace(one, rehearsal=(replace(figure("gender", 0.0), floor=None, ceiling=None),))
        if (one.cell.scheme, one.cell.question) == ("cosine", "gender")
        else one
        for one in records
    ]
    [(board, mine)] = standings(equal)
    cell = threat_matrix(board, mine).row("x").cell("algorithm")
    assert (shown(cell), cell.chosen_on) == ((10, "irreversibility", "invert"), SELECTION)


def test_ties_go_to_the_first_property_once_shares_are_cut():
    cell = row_of(
        attacked("x", "classify", "gender", "algorithm", 1.10, 1.30),
        attacked("x", "invert", "reconstruct", "algorithm", 1.02, 1.01),
    ).cell("algorithm")
    assert shown(cell) == (100, "irreversibility", "invert")


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ((), "not asked"),
        ((attacked("x", "a", "gender", "algorithm", None, status=Status.FAILED),), "failed"),
        ((attacked("x", "a", "gender", "algorithm", None, status=Status.TIMED_OUT),), "failed"),
        ((attacked("x", "a", "gender", "algorithm", 0.5, status=Status.UNMEASURED),), "unmeasured"),
        (
            (
                attacked("x", "a", "gender", "algorithm", 0.5, status=Status.UNMEASURED),
                attacked("x", "a", "link", "algorithm", None, status=Status.FAILED),
            ),
            "failed",
        ),
    ],
)
def test_an_empty_cell_says_why(records, status):
    other = attacked("x", "climb", "reconstruct", "algorithm (scores only)", 0.20, 0.22)
    assert shown(row_of(other, *records).cell("algorithm")) == status


def test_a_figure_between_equal_controls_is_no_share():
    one = attacked("x", "a", "gender", "algorithm", 0.5, 0.5)
    flat = replace(one, measurements=(replace(one.measurements[0], ceiling=0.51),))
    assert shown(row_of(flat).cell("algorithm")) == CONTROLS_EQUAL


def test_a_cell_names_the_properties_that_it_says_nothing_about():
    row = row_of(*KEYED)
    assert row.cell("records").unseen == (Property.IRREVERSIBILITY, Property.ATTRIBUTES)
    assert row.cell("keys").unseen == ()
    assert row.cell("secrets").unseen == ()


def test_a_scheme_without_keys_and_secrets_has_no_such_attackers():
    row = row_of(KEYED[0], KEYED[1])
    absent = {one.attacker.key: one.status for one in (*row.cells, *row.further) if one.status in (NO_KEYS, NO_SECRETS)}
    assert absent == {
        "keys": NO_KEYS,
        "secrets": NO_SECRETS,
        "online_scores_keys": NO_KEYS,
        "online_decisions_keys": NO_KEYS,
        "several_records_keys": NO_KEYS,
    }


def test_secrets_without_keys_are_the_system_s_alone():
    row = row_of(KEYED[1], attacked("x", "invert", "reconstruct", "full_disclosure", 0.99, 0.98))
    assert (shown(row.cell("keys")), shown(row.cell("secrets"))) == (NO_KEYS, (99, "irreversibility", "invert"))
    assert shown(row.cell("algorithm")) == (30, "irreversibility", "invert")


def test_a_question_of_its_own_stands_beside_the_three_properties():
    ind = attacked("x", "two-faces", "ind", "algorithm", 0.4, 0.4)
    matrix = matrix_of(*KEYED, ind, attacked("x", "two-faces", "ind", "stolen_key", 0.9, 0.9))
    assert [one.question for one in matrix.alone] == ["ind"]
    assert matrix.row("x").alone[0].headline.value == pytest.approx(0.7)
    assert "ind" not in {one.question for cell in matrix.row("x").cells for one in cell.findings}
    assert matrix_of(*KEYED).alone == ()


def test_a_question_that_threatens_nothing_is_in_no_cell():
    cell = Cell("p", "d", "x", "guess", "wolf", "algorithm", 0)
    one = Measurement("wolf_rate_10", 0.9, 0.8, 1.0, 100, floor=0.0, ceiling=0.9)
    assert shown(row_of(KEYED[1], Record(cell, Status.OK, (one,))).cell("algorithm"))[2] == "invert"


def test_a_scheme_that_rejects_half_of_its_subjects_stands_after_the_useful_ones():
    attacks = [attacked(name, "invert", "reconstruct", "algorithm", 0.2, 0.2) for name in ("a", "b", "c", "d")]
    records = [verified("a", 0.1), verified("a", 0.7, "stolen_key"), verified("b", 0.25), verified("c", 0.3)]
    stolen = attacked("a", "invert", "reconstruct", "stolen_key", 0.1, 0.1)
    matrix = matrix_of(*attacks, *records, stolen)
    assert [row.scheme for row in matrix.rows] == ["cosine", "noise", "b", "a", "c", "d"]
    assert [row.useful for row in matrix.rows[2:]] == [True, False, False, False]
    kept, stolen = (one.measurement.value for one in (matrix.row("a").rejects.kept, matrix.row("a").rejects.stolen))
    assert (kept, stolen) == (0.1, 0.7)
    assert matrix.row("d").rejects is None


@pytest.mark.parametrize(("rates", "expected"), [(("1e-3", "1e-4"), ("1e-3", "1e-4")), (("1e-2",), ("1e-2",))])
def test_utility_is_shown_at_the_strict_rates_that_were_measured(rates, expected):
    [first, *others] = [verified("x", 0.6, rate=rate) for rate in rates]
    both = replace(first, measurements=first.measurements + tuple(one.measurements[1] for one in others))
    matrix = matrix_of(KEYED[1], both)
    assert matrix.rates == expected
    assert matrix.row("x").rejects.rate == expected[0]


def test_an_fnmr_at_the_stricter_rate_alone_makes_no_scheme_useless():
    one = verified("x", 0.2)
    strict = replace(one, measurements=(*one.measurements, Measurement("fnmr", 0.9, 0.8, 1.0, 100, at="1e-4")))
    assert matrix_of(KEYED[1], strict).row("x").useful


def test_attackers_have_names_of_their_own():
    everyone = ATTACKERS + FURTHER
    assert len({one.key for one in everyone}) == len({one.title for one in everyone}) == len(everyone)
