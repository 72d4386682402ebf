"""Which public faces are shown as probes, and how responses are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mote_attacks._shared import probing

from mote_bench.contracts import Faces
from mote_bench.questions import WhichClass
from mote_bench.toolkit import Answers


def _faces(identity: list[str] | None, gender: list[str]) -> Faces:
    return Faces(np.eye(len(gender)), None if identity is None else np.array(identity), {"gender": np.array(gender)})


class TestProbes:
    def test_new_people_come_before_further_images(self) -> None:
        public = _faces(["a", "a", "a", "a", "b", "c"], ["f"] * 6)
        chosen = probing.choose_probes(public, np.random.default_rng(0), most=3)
        assert public.identity is not None
        assert set(public.identity[chosen]) == {"a", "b", "c"}

    def test_classes_get_equal_quotas_and_unknown_ones_none(self) -> None:
        public = _faces(None, ["f"] * 4 + ["m"] * 10 + ["?"] * 6)
        labels = np.repeat([0, 1, -1], [4, 10, 6])
        chosen = probing.choose_probes(public, np.random.default_rng(0), labels=labels, most=12)
        # A quota of 12 / 2 = 6: all 4 of the rare class and 6 of the frequent one.
        assert np.bincount(labels[chosen]).tolist() == [4, 6]

    def test_positions_say_nothing_of_the_class(self) -> None:
        public = _faces(None, ["f"] * 500 + ["m"] * 500)
        labels = np.repeat([0, 1], 500)
        chosen = probing.choose_probes(public, np.random.default_rng(0), labels=labels)
        assert len(set(chosen.tolist())) == 1000
        assert abs(labels[chosen][:500].mean() - 0.5) < 0.1

    def test_labels_that_nobody_has_are_an_error_that_names_them(self) -> None:
        with pytest.raises(ValueError, match=r"none of the attacker's 2 faces has a 'age' among \('old',\)"):
            probing.labels_of(_faces(None, ["f", "m"]), WhichClass("age", ("old",)))

    def test_known_labels_leave_out_other_classes(self) -> None:
        labels, rows = probing.known_labels(_faces(None, ["m", "", "f", "x"]), WhichClass("gender", ("f", "m")))
        assert labels.tolist() == [1, 0]
        assert rows.tolist() == [0, 2]


class TestAnswers:
    def test_standardised_by_the_shadow_templates_alone(self) -> None:
        # Probe 0: shadow answers 1, 3: mean 2, deviation 1. Probe 1: all 5, left at a scale of one.
        answers = Answers(np.array([[4.0, 5.5]]), np.empty((0, 2)), np.array([[1.0, 5.0], [3.0, 5.0]]))
        seen = probing.standardised(answers)
        assert seen.shadow.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
        assert seen.stolen.tolist() == [[2.0, 0.5]]

    @settings(deadline=None)
    @given(st.lists(st.floats(-5, 5), min_size=2, max_size=20, unique=True))
    def test_ranks_are_blind_to_increasing_functions(self, row: list[float]) -> None:
        scores = np.array([row])
        squashed = np.searchsorted(np.sort(scores[0]), scores)  # the most drastic increasing function: the rank itself
        plain, other = (probing.ranked(Answers(values, values[:0], values)).stolen for values in (scores, squashed))
        assert np.allclose(plain, other)

    def test_ties_share_a_rank(self) -> None:
        # Ranks 1, 2.5, 2.5, 4 of 4 at (rank - .5) / 4 = .125, .5, .5, .875: normal scores -1.150, 0, 0, 1.150.
        values = np.array([[0.0, 1.0, 1.0, 7.0]])
        assert probing.ranked(Answers(values, values[:0], values)).stolen[0] == pytest.approx(
            [-1.150, 0, 0, 1.150], abs=1e-3
        )


def test_rows_of_each_key_by_hand() -> None:
    assert probing.rows_of_each_key((b"b", b"a", b"b")) == {b"b": [0, 2], b"a": [1]}
    assert list(probing.rows_of_each_key((b"b", b"a"))) == [b"b", b"a"]
