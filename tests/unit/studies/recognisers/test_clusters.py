"""Clusters named after classes, by hand: by class shares, by known subjects, and by the naming that fits best."""

from __future__ import annotations

import numpy as np

from mote_bench.studies.recognisers.clusters import clustered, credit_of_best, credit_of_known, named_by_shares

TRUTH = np.array([0, 0, 1, 1, 1, 2])
FOUND = np.array([2, 2, 0, 0, 1, 1])
"""Cluster 2 is class 0, cluster 0 is most of class 1, cluster 1 mixes classes 1 and 2."""


def test_the_largest_cluster_is_the_most_frequent_class() -> None:
    clusters = np.array([1, 1, 1, 0, 0, 2])
    assert named_by_shares(clusters, np.array([0.2, 0.3, 0.5])).tolist() == [2, 2, 2, 1, 1, 0]


def test_the_best_naming_by_hand() -> None:
    """2 -> class 0, 0 -> class 1, 1 -> class 2: recalls 1, 2/3 and 1."""
    assert credit_of_best(FOUND, TRUTH).tolist() == [1, 1, 1, 1, 0, 1]


def test_one_known_subject_names_one_cluster_and_the_others_are_guessed() -> None:
    """Subject 0 names cluster 2. Then 0 is class 1 or 2, and so is 1: half of the namings are right."""
    assert credit_of_known(FOUND, TRUTH, np.array([0])).tolist() == [1, 1, 0.5, 0.5, 0.5, 0.5]


def test_a_misleading_known_subject_names_two_clusters_wrongly() -> None:
    clusters, truth = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])
    assert credit_of_known(clusters, truth, np.array([0])).tolist() == [1, 1, 0, 1, 1, 1]
    assert credit_of_known(clusters, truth, np.array([2])).tolist() == [0, 0, 1, 0, 0, 0]
    assert credit_of_known(clusters, truth, np.array([2, 0, 3])).tolist() == [1, 1, 0, 1, 1, 1]


def test_two_groups_far_apart_are_two_clusters() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 20)) + np.where(np.arange(60) < 20, 4, -4)[:, None]
    found = clustered(vectors, 2, 0)
    assert sorted([set(found[:20].tolist()), set(found[20:].tolist())], key=min) == [{0}, {1}]
    assert clustered(vectors, 2, 0).tolist() == found.tolist()
