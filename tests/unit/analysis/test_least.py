"""Which schemes leak least to each attacker: by hand."""

from __future__ import annotations

from test_threat_matrix import attacked, figure, verified, with_controls

from mote_bench.analysis.least import least
from mote_bench.analysis.standings import standings
from mote_bench.analysis.threat_matrix import threat_matrix


def of(*records):
    """The attacker's key -> what is said, of a board with these records."""
    ((board, mine),) = standings([verified("cosine", 0.01), verified("noise", 0.9), *with_controls(*records)])
    return {one.attacker.key: one for one in least(threat_matrix(board, mine))}


def scheme(name, share, *, fnmr=0.05, question="gender", knowledge="algorithm"):
    return [verified(name, fnmr), attacked(name, "vote-answers", question, knowledge, share, share)]


def names(one):
    return [kept.scheme for kept in one.kept]


def test_schemes_whose_intervals_overlap_with_the_lowest_stand_together_by_fnmr():
    """Shares are ±0.05: 0.30 overlaps with 0.21, 0.32 doesn't."""
    found = of(*scheme("a", 0.21, fnmr=0.2), *scheme("b", 0.30, fnmr=0.1), *scheme("c", 0.32))["algorithm"]
    assert names(found) == ["b", "a"]
    assert found.lowest.value == found.kept[1].share.value
    assert found.compared == 3
    assert [one.fnmr.measurement.value for one in found.kept] == [0.1, 0.2]


def test_a_share_below_nothing_counts_as_nothing():
    """-0.2 ± 0.05 and 0.03 ± 0.05: both reach the floor."""
    assert names(of(*scheme("a", -0.2, fnmr=0.1), *scheme("b", 0.03), *scheme("c", 0.3))["algorithm"]) == ["b", "a"]


def test_controls_and_schemes_that_reject_half_are_left_out():
    found = of(*scheme("a", 0.4), *scheme("b", 0.6), *scheme("useless", 0.0, fnmr=0.6))["algorithm"]
    assert names(found) == ["a"]
    assert found.compared == 2


def test_one_scheme_alone_is_no_comparison():
    assert of(*scheme("a", 0.4)) == {}


def test_without_keys_a_scheme_leaks_to_who_holds_keys_what_it_leaks_to_others():
    keyed = [
        *scheme("keyed", 0.0, fnmr=0.02),
        verified("keyed", 0.2, "stolen_key"),
        attacked("keyed", "vote-answers", "gender", "stolen_key", 0.9, 0.9),
    ]
    found = of(*keyed, *scheme("a", 0.5), *scheme("b", 0.52))
    assert names(found["algorithm"]) == ["keyed"]
    assert [one.fnmr.measurement.value for one in found["algorithm"].kept] == [0.02]
    assert names(found["keys"]) == ["a", "b"]
    assert found["keys"].compared == 3


def test_schemes_of_which_fewer_properties_were_tested_are_named_and_not_compared():
    more = [one for name in "ab" for one in scheme(name, 0.5, question="link")]
    found = of(*scheme("a", 0.5), *scheme("b", 0.5), *more, *scheme("untested", 0.0))["algorithm"]
    assert names(found) == ["a", "b"]
    assert found.untested == ("untested",)
    assert figure("gender", 0.5).value == 0.75  # the shares of these tests are of figures between floor and ceiling


def test_system_secrets_stand_where_a_scheme_has_any():
    plain = [*scheme("a", 0.5), *scheme("b", 0.52)]
    secret = attacked("encrypted", "vote-answers", "gender", "full_disclosure", 1.0, 1.0)
    assert "secrets" not in of(*plain)
    found = of(*scheme("encrypted", 0.0), secret, *plain)
    assert names(found["algorithm"]) == ["encrypted"]
    assert names(found["secrets"]) == ["a", "b"]
    assert found["secrets"].compared == 3
