"""Templates of two faces are distinguished where their distribution depends on the face, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from mote_attacks.indistinguishability.from_bytes import TwoSampleTest, _floats, _views, few_keys, many_keys
from mote_baselines.cancelable.biohash import BioHash
from mote_baselines.cancelable.bloom import BloomFilter
from mote_baselines.cancelable.iom import PermutationIoM
from mote_baselines.cancelable.polyprotect import PolyProtect
from mote_baselines.cancelable.randhash import RandHash, RandomProjection
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import Evidence, Faces, FloatArray, Key, Knowledge, Scheme, Template
from mote_bench.metrics.indistinguishability import measure_pairs
from mote_bench.metrics.measured import Measured
from mote_bench.questions import WhichOfTwoFaces
from mote_bench.questions.indistinguishability import TemplateChallenger
from mote_bench.toolkit import unit


def normal_faces(n: int, d: int) -> FloatArray:
    return unit(np.random.default_rng(0).standard_normal((n, d))).astype(np.float32)


def played(scheme: Scheme, attack: TwoSampleTest, *, pairs: int = 10, dimension: int = 32) -> Measured:
    faces = normal_faces(2 * pairs, dimension)
    made = scheme.fit(Faces(normal_faces(40, dimension)), seed=0)
    truth = np.random.default_rng(1).permuted(np.tile([0, 1], (pairs * 500, 1)), axis=1).reshape(pairs, 1000)
    challenger = TemplateChallenger(made, faces.reshape(pairs, 2, dimension), truth, seed=2)
    evidence = Evidence(
        Knowledge.ALGORITHM, scheme=made, candidates=faces.reshape(pairs, 2, dimension), challenger=challenger
    )
    answer = attack.answer(WhichOfTwoFaces(2 * pairs, 0), evidence, np.random.default_rng(3))
    return measure_pairs(answer, truth, challenger.used)


class PlantedBit:
    """Eight random bits; the first is 1 with a probability of 0.5, or ``often`` for faces of a larger first entry."""

    def __init__(self, often: float) -> None:
        self.often = often

    def fit(self, background: Faces, *, seed: int) -> PlantedBit:
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        drawn = np.array([seed % 2**62 for seed in seeds], dtype=np.int64)
        share = np.where(references[:, 0] > np.median(references[:, 0]), self.often, 0.5)
        first = (drawn >> 8) % 2**20 < share * 2**20
        return [bytes([one]) for one in (drawn % 128 + 128 * first).tolist()]

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        return np.zeros((len(templates), len(probes)))


@pytest.fixture(autouse=True)
def _each_face_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here depends on the clock."""
    monkeypatch.setattr("time.process_time", lambda: 0.0)


def test_a_planted_bit_is_found() -> None:
    """0.5 of one face and 0.6 of the other: at best an AUC of 0.55."""
    found = played(PlantedBit(0.6), TwoSampleTest(600), dimension=2)["auc"]
    assert found.low > 0.5
    assert 0.515 < found.value < 0.57


def test_without_it_the_figure_stands_at_chance() -> None:
    found = played(PlantedBit(0.5), TwoSampleTest(600), dimension=2)["auc"]
    assert abs(found.value - 0.5) < 4 / np.sqrt(6 * 300 * 10)


def test_templates_that_never_change_are_distinguished_with_certainty() -> None:
    found = played(Cosine(), few_keys(), pairs=4)
    assert (found["auc"].value, found["advantage"].value) == (1.0, 1.0)


@pytest.mark.parametrize(("scheme", "least"), [(PolyProtect(), 0.95), (BloomFilter(), 0.7)])
def test_schemes_that_leak_without_a_key_are_found(scheme: Scheme, least: float) -> None:
    assert played(scheme, few_keys(), pairs=6)["auc"].value > least


@pytest.mark.parametrize("scheme", [BioHash(), RandHash(), PermutationIoM(hashes=40)])
def test_schemes_that_provably_do_not_leak_stand_at_chance(scheme: Scheme) -> None:
    found = played(scheme, replace(few_keys(), templates=60))["auc"]
    assert abs(found.value - 0.5) < 4 / np.sqrt(6 * 30 * 10)


def test_long_templates_are_left_to_the_attack_that_takes_its_time() -> None:
    long = Cosine()
    found = played(long, few_keys(), pairs=3, dimension=2100)
    assert found.measurements == ()
    assert found.details["templates_tested"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("size", "each", "due"),
    [
        (16, 1e-5, (1000, 28)),  # quick: all
        (16, 1e-3, (382, 28)),  # 60 s / 1.4 ms / 4 / 28 pairs
        (16, 0.2, (8, 9)),  # slow: few templates of few pairs
        (16, 99.0, (8, 1)),
        (1 << 20, 1e-5, (8, 8)),  # large: 256 MB hold 256 templates
    ],
)
def test_the_number_of_templates_follows_time_and_size(size: int, each: float, due: tuple[int, int]) -> None:
    assert many_keys()._affordable(28, size, each) == due


def test_the_quick_attack_does_not_look_at_the_clock() -> None:
    assert {few_keys()._affordable(28, 16, each) for each in (1e-6, 1.0)} == {(24, 28)}
    assert (few_keys().repeatable, many_keys().repeatable) == (True, False)


def test_floats_are_read_where_most_columns_hold_some() -> None:
    """Two columns of float32 and one of bytes that are none."""
    rows = [np.array([1.5, -2.5], "<f4").tobytes() + junk for junk in (b"\xff\xff\xff\x7f", b"\x00\x00\x80\x7f")]
    raw = np.frombuffer(b"".join(rows), np.uint8).reshape(2, 12)
    np.testing.assert_array_equal(_floats(raw, "<f4"), [[1.5, -2.5]] * 2)
    assert _floats(raw[:, 4:], "<f4").shape == (2, 0)
    assert _floats(raw[:, :3], "<f4").shape == (2, 0)


def test_templates_of_any_length_can_be_read() -> None:
    for templates in ([b"a", b"abc"], [b"", b""], [bytes(5000), bytes(4000)]):
        for table in _views(PlantedBit(0.5), templates).values():
            assert table.shape[0] == 2
            assert np.isfinite(table).all()


def test_what_the_attack_lacks_is_said() -> None:
    with pytest.raises(ValueError, match="a challenger, and the evidence lacks one"):
        few_keys().answer(WhichOfTwoFaces(2, 0), Evidence(Knowledge.BYTES_ONLY), np.random.default_rng(0))


MANY = 800
"""Templates of each face here: the attack itself takes up to 2,000."""


@pytest.mark.slow(minutes=0.05)
def test_the_thorough_attack_finds_a_planted_bit() -> None:
    """0.5 of one face and 0.6 of the other: at best an AUC of 0.55."""
    found = played(PlantedBit(0.6), replace(many_keys(), templates=MANY), pairs=20, dimension=2)["auc"]
    assert found.low > 0.5
    assert 0.53 < found.value < 0.56


@pytest.mark.slow(minutes=0.02)
def test_the_thorough_attack_distinguishes_polyprotect_of_any_two_faces() -> None:
    found = played(PolyProtect(), replace(many_keys(), templates=200), pairs=4)["auc"]
    assert found.value > 0.99


@pytest.mark.slow(minutes=0.15)
@pytest.mark.parametrize("scheme", [BioHash(), RandomProjection()])
def test_the_thorough_attack_stands_at_chance_where_templates_hold_nothing(scheme: Scheme) -> None:
    """Within 0.01: two standard errors of 20 pairs with 400 tested templates of each face are 0.0092."""
    found = played(scheme, replace(many_keys(), templates=MANY), pairs=20)["auc"]
    assert abs(found.value - 0.5) < 0.01
