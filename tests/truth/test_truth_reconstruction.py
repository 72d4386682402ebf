"""Hand-computed cosines and success rates of small reconstructions."""

import numpy as np
import pytest

from mote_bench.metrics.reconstruction import Truth, centred, cosine_gain, measure_reconstruction
from mote_bench.metrics.verification import threshold_at_fmr


def direction(*degrees: float) -> np.ndarray:
    """(n, 2) unit vectors at these angles."""
    return np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def test_centring() -> None:
    mean = np.array([0.5, 0.0])
    # (0, 1) - (0.5, 0) has length sqrt(1.25); (1, 0) - (0.5, 0) points along the first axis; the answer's length is
    # of no account; a row of zeros has no direction.
    rows = centred(np.array([[0.0, 7.0], [1e-200, 0.0], [0.0, 0.0]]), mean)
    assert rows == pytest.approx(np.array([[-0.5 / np.sqrt(1.25), 1 / np.sqrt(1.25)], [1, 0], [0, 0]]))


def test_an_answer_equal_to_the_mean_has_no_direction() -> None:
    mean = np.array([1.0, 0.0])
    assert centred(np.array([[3.0, 0.0]]), mean).tolist() == [[0, 0]]


def test_gain_by_hand() -> None:
    cosines = np.array([[0.9, 0.1, 0.2], [0.0, 0.6, 0.4], [0.1, 0.1, 0.3]])
    # Own (0.9 + 0.6 + 0.3) / 3 = 0.6; others (0.1 + 0.2 + 0.0 + 0.4 + 0.1 + 0.1) / 6 = 0.15.
    assert cosine_gain(cosines)[0] == pytest.approx(0.45)


def test_success_by_hand() -> None:
    truth = Truth(
        mean=np.zeros(2),
        references=direction(0, 90, 180),
        probes=direction(10, 50, 80, 170),
        shown=np.array([0, 0, 1, 2]),
    )
    # Reconstructions at 20, 100 and 60 degrees; accepted within 30 degrees.
    measured = measure_reconstruction(
        direction(20, 100, 60), truth, {"1e-2": np.cos(np.radians(30.001))}, np.random.default_rng(0)
    )
    # Enrolled at 0, 90, 180: off by 20, 10 and 120 degrees.
    assert measured["type_1_success_at_fmr_1e-2"].value == pytest.approx(2 / 3)
    # The own probes are off by 10 and 30; by 20; by 110: three of four.
    assert measured["type_2_success_at_fmr_1e-2"].value == pytest.approx(3 / 4)
    # Others' probes: 20 -> 80 (60), 170; 100 -> 10, 50 (50), 170 (70); 60 -> 10 (50), 50 (10, accepted), 80 (20,
    # accepted): two of eight.
    assert measured["wolf_rate_at_fmr_1e-2"].value == pytest.approx(2 / 8)
    assert measured["success_gain_at_fmr_1e-2"].value == pytest.approx(3 / 4 - 2 / 8)
    # Real photos: 0 -> 10, 50; 90 -> 80; 180 -> 170: three of four.
    assert measured["genuine_success_at_fmr_1e-2"].value == pytest.approx(3 / 4)
    # Against the enrolled images of others: 20 -> 90 (70), 180; 100 -> 0, 180; 60 -> 0 (60), 90 (30, accepted).
    assert measured["type_1_success_at_fmr_1e-2"].chance == pytest.approx(1 / 6)
    assert measured["type_2_success_at_fmr_1e-2"].chance == pytest.approx(2 / 8)
    own = np.cos(np.radians([20, 10, 120]))
    others = np.cos(np.radians([70, 160, 100, 80, 60, 30]))
    assert measured["centred_cosine"].value == pytest.approx(own.mean())
    assert measured["centred_cosine"].chance == pytest.approx(others.mean())
    assert measured["cosine_gain"].value == pytest.approx(own.mean() - others.mean())
    assert measured.details["counts"] == {"people": 3, "probes": 4, "genuine": 4, "wolf": 8}
    assert set(measured.details["undefined"]) == {
        "type_2_success_at_wolf_rate_1e-2",
        "type_2_success_at_wolf_rate_1e-3",
    }


def test_success_at_a_wolf_rate() -> None:
    # 40 people around a circle, each reconstruction 1 degree from the enrolled image and 30 probes of each person on
    # it: of the 40 * 39 * 30 = 46,800 wolf pairs the nearest 2 neighbours (each at 9 +- 1 degrees) are 2/39 = 5.1 %,
    # more than 1 %; the threshold falls above them, and every own probe passes.
    angles = np.arange(40) * 9.0
    truth = Truth(
        mean=np.zeros(2),
        references=direction(*angles),
        probes=direction(*np.repeat(angles, 30)),
        shown=np.repeat(np.arange(40), 30),
    )
    measured = measure_reconstruction(direction(*(angles + 1)), truth, {}, np.random.default_rng(0))
    for name, rate in (("1e-2", 1e-2), ("1e-3", 1e-3)):
        success = measured[f"type_2_success_at_wolf_rate_{name}"]
        assert success.value == 1
        assert success.chance == rate


def test_uncentred_success_and_the_mean_face_by_hand() -> None:
    truth = Truth(
        mean=0.5 * direction(40)[0],
        references=direction(0, 90, 180),
        probes=direction(10, 50, 80, 170),
        shown=np.array([0, 0, 1, 2]),
    )
    measured = measure_reconstruction(
        direction(20, 100, 60), truth, {}, np.random.default_rng(0), uncentred={"1e-2": np.cos(np.radians(30.001))}
    )
    # Without a threshold for centred cosines: the same angles as above, whatever the mean is.
    assert measured["uncentred_type_1_success_at_fmr_1e-2"].value == pytest.approx(2 / 3)
    assert measured["uncentred_type_2_success_at_fmr_1e-2"].value == pytest.approx(3 / 4)
    assert measured["uncentred_wolf_rate_at_fmr_1e-2"].value == pytest.approx(2 / 8)
    # The mean face, at 40 degrees for everybody: references at 0, 90 and 180 are 40, 50 and 140 away, none accepted.
    assert measured["uncentred_type_1_success_at_fmr_1e-2"].chance == 0
    # The own probes are off by 30 and 10; by 40; by 130: two of four.
    assert measured["mean_face_type_2_success_at_fmr_1e-2"].value == pytest.approx(2 / 4)
    # As person 0 (80, 170): none; as person 1 (10, 50, 170): two; as person 2 (10, 50, 80): two; four of eight.
    assert measured["mean_face_wolf_rate_at_fmr_1e-2"].value == pytest.approx(4 / 8)
    assert measured["uncentred_type_2_success_at_fmr_1e-2"].chance == pytest.approx(2 / 4)
    assert measured["uncentred_wolf_rate_at_fmr_1e-2"].chance == pytest.approx(4 / 8)


def test_movement_by_hand() -> None:
    truth = Truth(np.zeros(2), direction(0, 90), direction(10, 80), np.array([0, 1]))
    # One cosine between two answers: cos 2 degrees = 0.99939 is over 0.999, cos 3 degrees = 0.9986 is not.
    with pytest.raises(ValueError, match="the attack did not move: its 2 answers are nearly the same face"):
        measure_reconstruction(direction(44, 46), truth, {}, np.random.default_rng(0))
    measured = measure_reconstruction(direction(43.5, 46.5), truth, {}, np.random.default_rng(0))
    assert measured["centred_cosine"].value == pytest.approx(np.cos(np.radians(43.5)))


def test_answers_without_a_direction_move_nobody() -> None:
    """Two of three answers are zero: one direction is left, and nothing to compare it with."""
    truth = Truth(np.zeros(2), direction(0, 90, 180), direction(10, 80), np.array([0, 1]))
    with pytest.raises(ValueError, match="its 3 answers are nearly the same face"):
        measure_reconstruction(direction(0, 90, 180) * [[1], [0], [0]], truth, {}, np.random.default_rng(0))
    # With two of three opposite to each other their cosine is -1.
    measured = measure_reconstruction(direction(0, 180, 0) * [[1], [1], [0]], truth, {}, np.random.default_rng(0))
    assert measured["centred_cosine"].value == pytest.approx((1 + 0 + 0) / 3)


def test_the_gain_and_its_interval_by_hand() -> None:
    # Means of the others in rows 0.15, 0.2, 0.1 and in columns 0.05, 0.1, 0.3; own less both plus 0.15:
    # 0.85, 0.45, 0.05; Student's t of two degrees 4.3026527 times 0.4 / sqrt(3).
    cosines = np.array([[0.9, 0.1, 0.2], [0.0, 0.6, 0.4], [0.1, 0.1, 0.3]])
    half = 4.3026527 * 0.4 / np.sqrt(3)
    assert cosine_gain(cosines)[1] == pytest.approx((0.45 - half, 0.45 + half))


def test_cosines_of_two_people_are_bounded() -> None:
    """Their mean 0 and Student's t of one degree reach far beyond -1 and 1."""
    truth = Truth(np.zeros(2), direction(0, 90), direction(10, 80), np.array([0, 1]))
    one = measure_reconstruction(direction(0, 270), truth, {}, np.random.default_rng(0))["centred_cosine"]
    assert (one.value, one.low, one.high) == pytest.approx((0, -1, 1))


def test_lengths_of_answers_and_of_what_is_left_of_them() -> None:
    """An answer of any length is a direction; what differs from the mean by rounding only is none."""
    mean = np.array([0.6, 0.8])
    rows = np.array([[0.6, 0.8], [6e300, 8e300], [0.6 + 1e-12, 0.8], [0.6 + 1e-6, 0.8], [-3e-300, 0]])
    lengths = np.linalg.norm(centred(rows, mean), axis=1)
    assert lengths == pytest.approx([0, 0, 0, 1, 1])


def test_thresholds_are_told() -> None:
    truth = Truth(np.zeros(2), direction(0, 90), direction(10, 80), np.array([0, 1]))
    at = {"1e-2": 0.5}
    plain = measure_reconstruction(direction(0, 270), truth, at, np.random.default_rng(0))
    assert plain.details["thresholds"] == at
    assert "uncentred_thresholds" not in plain.details
    assert list(plain.influence) == ["cosine_gain", "success_gain_at_fmr_1e-2"]


def test_the_success_at_a_wolf_rate_is_less_sure_than_at_a_known_threshold() -> None:
    """The threshold at a wolf rate was itself read from these people: its interval holds the interval of the success
    at that threshold, and is wider where other thresholds would let others in."""
    rng = np.random.default_rng(0)
    faces = rng.standard_normal((60, 12))
    shown = np.repeat(np.arange(60), 2)
    truth = Truth(np.zeros(12), faces, faces[shown] + 0.6 * rng.standard_normal((120, 12)), shown)
    answer = faces + 1.2 * rng.standard_normal(faces.shape)
    cosines = centred(answer, truth.mean) @ centred(truth.probes, truth.mean).T
    at = threshold_at_fmr(cosines[np.arange(60)[:, None] != shown], 1e-2)
    measured = measure_reconstruction(answer, truth, {"1e-2": at}, rng)
    known, read = (measured[f"type_2_success_at_{name}"] for name in ("fmr_1e-2", "wolf_rate_1e-2"))
    assert known.value == read.value
    assert read.low < known.low
    assert known.high < read.high
    # Never further than where the success would be at thresholds for wolf rates of its whole interval, and its own.
    wolf = measured["wolf_rate_at_fmr_1e-2"]
    strict, lax = (np.mean(cosines[shown, np.arange(120)] >= np.quantile(
        cosines[np.arange(60)[:, None] != shown], 1 - rate)) for rate in (wolf.low, wolf.high))  # fmt: skip
    assert read.value - read.low == pytest.approx(np.hypot(known.value - known.low, known.value - strict))
    assert read.high - read.value == pytest.approx(np.hypot(known.high - known.value, lax - known.value))
