"""Which photo, who was a member, and how many a few faces open: worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mote_bench.metrics.dictionary import measure_dictionary
from mote_bench.metrics.intervals import wilson
from mote_bench.metrics.membership import measure_membership, measure_photo

RNG = np.random.default_rng(0)


def test_who_shares_the_first_place_shares_the_credit():
    """Right, wrong, one of two, one of four: 1 + 0 + 1/2 + 1/4 of four people."""
    answer = [[0.9, 0.1, 0, 0], [0.9, 0.1, 0, 0], [0.5, 0.5, 0, 0], [1, 1, 1, 1]]
    one = measure_photo(np.array(answer, dtype=float), np.array([0, 1, 1, 3]), RNG)["top_1"]
    assert one.value == pytest.approx(1.75 / 4)
    assert one.chance == 0.25
    assert one.low < one.value < one.high


def test_membership_by_hand():
    """Members 3, 2, 1 against 2, 0: of six pairs 4 are right and one ties."""
    answer, truth = np.array([3.0, 2, 1, 2, 0])[:, None], np.array([True, True, True, False, False])
    found = measure_membership(answer, truth, RNG)
    assert found["auc"].value == pytest.approx(4.5 / 6) == roc_auc_score(truth, answer[:, 0])
    assert found["tpr_at_fpr_1e-2"].value == pytest.approx(1 / 3)  # only 3 beats every other


def test_huge_answers_do_not_overflow():
    answer = np.array([1e308, -1e308, 1e308, -1e308])[:, None]
    assert measure_membership(answer, np.array([True, False, True, False]), RNG)["auc"].value == 1


def test_dictionary_by_hand():
    """The first face opens persons 0 and 1, the second 1, the third 2; nobody opens 3."""
    table = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    found = measure_dictionary({"1e-2": table})
    assert found["opened_by_1_at_fmr_1e-2"].value == 0.5
    assert found["opened_by_10_at_fmr_1e-2"].value == 0.75
    assert found["opened_by_10_at_fmr_1e-2"].chance == pytest.approx(1 - 0.99**3)
    assert found.details["opened_by_the_first"] == {"1e-2": [0.5, 0.5, 0.75]}


def test_what_cannot_be_scored():
    with pytest.raises(ValueError, match=r"\(people, faces\) table"):
        measure_dictionary({})
    with pytest.raises(ValueError, match="names no candidate"):
        measure_photo(np.ones((2, 3)), np.array([0, 3]), RNG)
    with pytest.raises(ValueError, match="all members"):
        measure_membership(np.ones((3, 1)), np.array([True] * 3), RNG)


def test_one_false_alarm_in_a_hundred():
    """Among 250 others two may be called members: the third highest, 247, is the threshold, and a tie isn't found."""
    others, members = np.arange(250.0), np.array([300, 249, 248, 247, 10, 0], dtype=float)
    truth = np.repeat([True, False], [6, 250])
    one = measure_membership(np.concatenate([members, others])[:, None], truth, RNG)
    found = one["tpr_at_fpr_1e-2"]
    assert found.value == 3 / 6
    assert (found.low, found.high) == pytest.approx(wilson(3, 6))
    assert (found.n, found.chance) == (6, 0.01)
    assert (one["auc"].n, one["auc"].chance) == (256, 0.5)
    assert one.details == {"members": 6, "others": 250}


@pytest.mark.parametrize(("others", "found"), [(99, 1), (100, 2), (101, 2)])
def test_fewer_than_a_hundred_others_allow_no_false_alarm(others, found):
    """Two members, one above all others and one above all but the highest."""
    answer = np.concatenate([[1000.0, others - 1.5], np.arange(others)])
    truth = np.repeat([True, False], [2, others])
    assert measure_membership(answer[:, None], truth, RNG)["tpr_at_fpr_1e-2"].value == found / 2


def test_the_first_ten_of_a_dictionary():
    """Twelve faces; the first opens nobody, the tenth persons 0 to 2, the eleventh everybody."""
    table = np.zeros((8, 12), dtype=bool)
    table[:3, 9] = table[:, 10] = True
    found = measure_dictionary({"1e-3": table})
    ten = found["opened_by_10_at_fmr_1e-3"]
    assert (ten.value, ten.n) == (3 / 8, 8)
    assert (ten.low, ten.high) == pytest.approx(wilson(3, 8))
    assert ten.chance == pytest.approx(1 - 0.999**10)
    first = found["opened_by_1_at_fmr_1e-3"]
    assert (first.value, first.low, first.high) == pytest.approx((0, *wilson(0, 8)))
    assert first.chance == pytest.approx(1e-3)
    assert found.details["opened_by_the_first"]["1e-3"] == [0] * 9 + [3 / 8, 1, 1]
    many = found["opens_one_of_1000_at_fmr_1e-3"]
    assert (many.low, many.high, many.n) == pytest.approx((0, 1 - (1 - wilson(0, 8)[1]) ** 1000, 8))


def test_every_gallery_of_every_rate():
    found = measure_dictionary({"1e-2": np.eye(4, dtype=bool), "1e-3": np.eye(4, dtype=bool)})
    names = {one.name for one in found.measurements if one.name.startswith("opens_one_of")}
    assert names == {f"opens_one_of_{size}_at_fmr_{rate}" for size in (10, 100, 1000) for rate in ("1e-2", "1e-3")}


@pytest.mark.parametrize("table", [np.zeros((0, 3), bool), np.zeros((3, 0), bool), np.zeros(3, bool)])
def test_dictionaries_that_cannot_be_scored(table):
    with pytest.raises(ValueError, match=r"\(people, faces\) table"):
        measure_dictionary({"1e-2": np.ones((2, 2), dtype=bool), "1e-3": table})


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        (np.ones((2, 1)), [0, 0]),
        (np.ones(2), [0, 0]),
        (np.ones((2, 3)), [0]),
        (np.array([[0, np.inf], [0, 0]]), [0, 0]),
        (np.ones((2, 3)), [-1, 0]),
    ],
)
def test_photos_that_cannot_be_scored(answer, truth):
    with pytest.raises(ValueError, match=r"expected \(n, photos\)|names no candidate"):
        measure_photo(answer, np.array(truth), RNG)


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        (np.ones((3, 2)), [True, False, True]),
        (np.ones((3, 1)), [True, False]),
        (np.array([[0], [np.nan], [0]]), [True, False, True]),
        (np.ones((3, 1)), [False] * 3),
    ],
)
def test_members_that_cannot_be_scored(answer, truth):
    with pytest.raises(ValueError, match=r"expected \(n, 1\)|all members or all non-members"):
        measure_membership(answer, np.array(truth), RNG)
