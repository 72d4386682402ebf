"""The conformance kit: every bad fixture is caught by the one check it breaks, every sound plug-in passes."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
import pytest
from known_bad import (
    BAD_ATTACKS,
    BAD_EMBEDDERS,
    BAD_SCHEMES,
    Sound,
    SoundClassifier,
    SoundEmbedder,
    SoundInverter,
    SoundLinker,
    SoundPreparedLinker,
    WasToldTheTruth,
)

from mote_bench import registry
from mote_bench.conformance import attacks as attack_checks
from mote_bench.conformance import embedders as embedder_checks
from mote_bench.conformance import schemes as scheme_checks
from mote_bench.conformance.findings import apart, deal, findings
from mote_bench.conformance.schemes import _rank_correlation
from mote_bench.contracts import Faces, InputError
from mote_bench.questions.edges import class_edge, face_edge, link_edge
from mote_bench.testing import Finding, check_attack, check_embedder, check_scheme, generated_faces
from refusing import RefusesSome


def broken(found: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.message for finding in found if not finding.ok}


@pytest.mark.parametrize(("scheme", "check"), BAD_SCHEMES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_bad_scheme_is_caught_by_the_check_it_breaks(scheme: type, check: str) -> None:
    found = broken(check_scheme(scheme))
    assert list(found) == [check], found
    for part in ("Given: ", ". Expected: ", ". To fix it: "):
        assert part in found[check]


@pytest.mark.parametrize(("attack", "check"), BAD_ATTACKS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_a_bad_attack_is_caught_by_the_check_it_breaks(attack: type, check: str) -> None:
    found = broken(check_attack(attack))
    assert list(found) == [check], found
    for part in ("Given: ", ". Expected: ", ". To fix it: "):
        assert part in found[check]


@pytest.mark.parametrize(
    ("embedder", "check"), BAD_EMBEDDERS.items(), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_bad_embedder_is_caught_by_the_check_it_breaks(embedder: type, check: str) -> None:
    found = broken(check_embedder(embedder))
    assert list(found) == [check], found
    for part in ("Given: ", ". Expected: ", ". To fix it: "):
        assert part in found[check]


def test_a_sound_embedder_passes() -> None:
    assert broken(check_embedder(SoundEmbedder)) == {}
    assert broken(check_embedder(registry.factory("embedders", "dlib"))) == {}


def test_an_attack_that_was_told_the_truth_is_caught_on_noise() -> None:
    people = deal(generated_faces(), target=48, shadow=80, seed=0)
    told = WasToldTheTruth(attack_checks.Trial(SoundClassifier, people, 0))
    assert list(broken(check_attack(lambda: told))) == ["stands_at_chance_on_noise"]


def test_every_check_has_a_bad_fixture() -> None:
    assert {check.name for check in scheme_checks.CHECKS} == set(BAD_SCHEMES.values())
    assert {check.name for check in embedder_checks.CHECKS} == set(BAD_EMBEDDERS.values())
    told = {"stands_at_chance_on_noise"}
    assert {check.name for check in attack_checks.CHECKS} == set(BAD_ATTACKS.values()) | told


@pytest.mark.parametrize("seed", range(3))
def test_the_sound_fixtures_pass(seed: int) -> None:
    assert broken(check_scheme(Sound, seed=seed)) == {}
    for attack in (SoundClassifier, SoundInverter, SoundLinker, SoundPreparedLinker):
        assert broken(check_attack(attack, seed=seed)) == {}


@pytest.mark.parametrize("name", ["cosine", "biohash", "fuzzy-commitment", "ironmask", "noisy-vector-14"])
def test_built_in_schemes_pass(name: str) -> None:
    assert broken(check_scheme(partial(registry.load, "schemes", name))) == {}


def test_noise_fails_to_recognise_and_reads_as_a_plain_vector() -> None:
    failed = list(broken(check_scheme(partial(registry.load, "schemes", "noise"))))
    assert failed == ["recognises", "likelihood_holds_the_face"]


def test_schemes_of_other_dimensions_and_seeds_pass() -> None:
    faces = generated_faces(people=30, photos=3, dimension=24, seed=5)
    assert broken(check_scheme(partial(registry.load, "schemes", "biohash"), faces=faces, seed=5)) == {}


def test_passing_findings_name_every_check() -> None:
    found = check_scheme(Sound)
    assert [finding.check for finding in found] == [check.name for check in scheme_checks.CHECKS]
    assert all(finding.message.startswith("Expected and found: ") for finding in found)


def test_the_kit_itself_leaves_the_global_generators_alone() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    check_scheme(Sound)
    check_attack(SoundClassifier)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_a_failed_finding_names_the_line_that_raised() -> None:
    class Raises(Sound):
        def enroll(self, references: Any, *, keys: Any, seeds: Any) -> list[bytes]:
            raise RuntimeError("no licence")

    message = broken(check_scheme(Raises))["enroll_returns_bytes"]
    assert "RuntimeError: no licence (raised in" in message
    assert "test_kit.py, line" in message


def test_an_input_error_of_a_plugin_is_a_finding() -> None:
    class Raises(Sound):
        def fit(self, background: Faces, *, seed: int) -> Self:
            raise InputError("wants 512 dimensions")

    assert "InputError: wants 512 dimensions" in broken(check_scheme(Raises))["fit_returns_itself"]


def test_schemes_defined_in_a_function_can_be_checked_in_a_new_process() -> None:
    class Local(Sound):
        pass

    assert broken(check_scheme(Local)) == {}


def test_faces_without_identity_are_refused() -> None:
    with pytest.raises(InputError, match="expected `identity`"):
        check_scheme(Sound, faces=Faces(np.eye(30)))


@pytest.mark.parametrize(("check", "make", "least"), [(check_scheme, Sound, 24), (check_attack, SoundLinker, 80)])
def test_too_few_people_are_refused(check: Any, make: type, least: int) -> None:
    with pytest.raises(InputError, match=f"{least - 1} people have two photos or more; expected at least {least}"):
        check(make, faces=generated_faces(people=least - 1))


def test_faces_without_an_attribute_are_refused_for_classes() -> None:
    faces = generated_faces()
    bare = Faces(faces.embeddings, faces.identity)
    with pytest.raises(InputError, match="no attribute"):
        check_attack(SoundClassifier, faces=bare)
    assert broken(check_attack(SoundLinker, faces=bare)) == {}


def test_generated_faces_are_as_stated() -> None:
    faces = generated_faces()
    first, second = faces.embeddings[::2], faces.embeddings[1::2]
    cosines = first @ second.T
    assert np.diagonal(cosines).mean() == pytest.approx(0.84, abs=0.02)  # (64 + 16 + 4) / (64 + 16 + 4 + 16)
    assert abs(np.mean(cosines[~np.eye(len(first), dtype=bool)])) < 0.02
    assert len(np.unique(faces.identity)) == 240


def test_dealt_people_share_no_one() -> None:
    people = deal(generated_faces(), target=48, shadow=80, seed=1)
    sets = [set(faces.identity.tolist()) for faces in (people.background, people.shadow, people.target)]
    assert [len(one) for one in sets] == [112, 80, 48]
    assert len(set.union(*sets)) == 240
    assert people.target.identity.tolist() == people.second.identity.tolist()
    assert not np.array_equal(people.target.embeddings, people.second.embeddings)


def test_findings_stop_after_a_needed_check() -> None:
    people = deal(generated_faces(), target=8, shadow=5, seed=0)
    found = findings(scheme_checks.Trial(dict, people, 0), scheme_checks.CHECKS)  # type: ignore[arg-type]
    assert [finding.check for finding in found] == ["is_a_scheme"]


def test_apart_by_hand() -> None:
    # Spread of (0, 2): 1. Differences (0, 1): root mean square 0.7071.
    assert apart([0, 2], [0, 3]) == pytest.approx(0.5**0.5)
    assert apart([1, 1], [1, 1]) == 0
    assert apart([1, 1], [1, 2]) == np.inf
    assert apart([1, 2], [1]) == np.inf
    assert apart([1, 2], [1, np.nan]) == np.inf


def test_rank_correlation_by_hand() -> None:
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance sum 4.5, lengths sqrt(4.5) and sqrt(5).
    found = _rank_correlation(np.array([0.0, 5, 5, 9]), np.array([1.0, 2, 3, 4]))
    assert found == pytest.approx(4.5 / (4.5 * 5) ** 0.5)
    assert _rank_correlation(np.array([1.0, 2]), np.array([3.0, 3])) == 0


def test_edges_by_hand() -> None:
    # Two classes of two people; 2 of 2 and 1 of 2 right: balanced 0.75, standard error sqrt((1/2 + 1/2) / 16) = 0.25.
    answer = np.array([[1.0, 0], [1, 0], [0, 1], [1, 0]])
    assert class_edge(answer, np.array([0, 0, 1, 1])) == pytest.approx(1.0)
    assert class_edge(np.ones((4, 2)), np.array([0, 0, 1, 1])) == 0
    # Mates beat 1, 1/2 and 0 of the others: mean 1/2, so at chance; all first: (1 - 1/2) / sqrt(1 / 36) = 3.
    mate = np.array([0, 1, 2])
    assert link_edge(np.array([[3.0, 2, 1], [3, 2, 1], [3, 2, 1]]), mate) == pytest.approx(0)
    assert link_edge(np.eye(3), mate) == pytest.approx(3)
    assert link_edge(np.ones((3, 3)), mate) == pytest.approx(0)
    # One answer for all: own cosines 1, -1, 0, less the mean of the other two: 1.5, -1.5, 0, mean 0.
    truth = np.array([[1.0, 0], [-1, 0], [0, 1]])
    assert face_edge(np.tile([1.0, 0], (3, 1)), truth) == pytest.approx(0)


SLOW = ("gradient-answers", "timing-answers", "net-answers", "many-keys-bytes")
FEWER = {"many-keys-bytes": {"templates": 60}}
"""Attacks that would take minutes for the kit's nine answers. None of its checks needs what these numbers are for."""
ATTACKS = [
    pytest.param(entry.name, marks=[pytest.mark.slow(minutes=0.1)] if entry.name in SLOW else [])
    for entry in registry.names("attacks")
    if entry.distribution == "mote-bench"
]


@pytest.mark.parametrize("name", ATTACKS)
def test_built_in_attacks_pass(name: str) -> None:
    def made() -> Any:
        attack = registry.load("attacks", name)
        return replace(attack, **FEWER[name]) if name in FEWER else attack

    assert broken(check_attack(made)) == {}


def test_mote_passes() -> None:
    assert broken(check_scheme(partial(registry.load, "schemes", "mote"))) == {}


def test_a_scheme_that_refuses_some_people_is_tried_on_the_others() -> None:
    # Of the kit's eight people some have a third coordinate above the limit.
    found = check_scheme(partial(RefusesSome, 0.0))
    assert broken(found) == {}
    note = next(one.note for one in found if one.check == "enrols_enough")
    assert re.fullmatch(r"[1-4] of 8 people get an empty template: failure to enrol", note)
    assert not [one.note for one in check_scheme(Sound) if one.check == "enrols_enough" and one.note]
