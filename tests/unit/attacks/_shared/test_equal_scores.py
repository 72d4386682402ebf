"""Subjects with equal scores: a face each, drawn from the prior, and all others as they were."""

import numpy as np
from mote_attacks._shared.equal_scores import drawn_where_equal
from mote_attacks._shared.prior import Prior

PRIOR = Prior(np.array([0.6, 0.8, 0.0]), 0.1 * np.eye(3))


def test_equal_scores_are_drawn_and_others_kept():
    faces = np.eye(3)[[0, 1, 2, 0]]
    scores = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.5]])
    found = drawn_where_equal(faces, scores, lambda: PRIOR, np.random.default_rng(0))
    np.testing.assert_array_equal(found[[1, 3]], faces[[1, 3]])
    expected = PRIOR.faces(np.random.default_rng(0).standard_normal((2, 3)))
    np.testing.assert_array_equal(found[[0, 2]], expected)


def test_no_random_number_is_taken_where_all_scores_differ():
    rng = np.random.default_rng(0)
    found = drawn_where_equal(np.eye(3), np.arange(3.0)[:, None], lambda: PRIOR, rng)
    np.testing.assert_array_equal(found, np.eye(3))
    assert rng.random() == np.random.default_rng(0).random()
