"""The scheme as a whole: what it needs, what it promises, and that it recognises people."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mote_bench.contracts import Faces, InputError, Scheme
from mote_bench.mote.codec import decode, encode, widths
from mote_bench.mote.scheme import EVERYONE, MOTE, _shares
from mote_bench.mote.train import begin
from mote_bench.studies.reference_loop import as_layers, forward, train_one
from mote_bench.toolkit import needs_identity, revocable
from populations import gaussian_faces

SEEDS = list(range(100, 107))


@pytest.fixture(scope="module")
def templates(fitted: MOTE, subjects: Faces) -> list[bytes]:
    return fitted.enroll(subjects.embeddings[:7], seeds=SEEDS)


def test_is_a_scheme_without_a_key(fitted: MOTE) -> None:
    assert isinstance(fitted, Scheme)
    assert needs_identity(fitted)
    assert not revocable(fitted)


def test_a_template_is_the_net_alone(templates: list[bytes]) -> None:
    # 16*24+24 + 24*16+16 + 16*1+1 = 825 weights, header 8 + 4 widths x 4 = 24 bytes.
    assert {len(template) for template in templates} == {4 * 825 + 24}
    assert widths(decode(templates[0])) == (16, 24, 16, 1)


def test_same_seeds_same_bytes(fitted: MOTE, subjects: Faces, templates: list[bytes]) -> None:
    assert fitted.enroll(subjects.embeddings[:7], seeds=SEEDS) == templates
    other = fitted.enroll(subjects.embeddings[:1], seeds=[1])
    assert other[0] != templates[0]


def test_refitting_with_the_same_seed_gives_the_same_bytes(
    background: Faces, subjects: Faces, templates: list[bytes]
) -> None:
    again = MOTE(hidden=(24, 16), epochs=4).fit(background, seed=0)
    assert again.enroll(subjects.embeddings[:2], seeds=SEEDS[:2]) == templates[:2]
    other = MOTE(hidden=(24, 16), epochs=4).fit(background, seed=1)
    assert other.enroll(subjects.embeddings[:2], seeds=SEEDS[:2]) != templates[:2]


@pytest.mark.parametrize("random_widths", [False, True])
def test_a_template_does_not_depend_on_company_or_chunks(
    background: Faces, subjects: Faces, random_widths: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = MOTE(hidden=(24, 16), epochs=8, patience=2, random_widths=random_widths).fit(background, seed=0)
    together = scheme.enroll(subjects.embeddings[:7], seeds=SEEDS)
    alone = [scheme.enroll(subjects.embeddings[[i]], seeds=[SEEDS[i]])[0] for i in range(7)]
    monkeypatch.setattr("mote_bench.mote.scheme.people_at_once", lambda *_: 3)
    chunked = scheme.enroll(subjects.embeddings[:7], seeds=SEEDS)
    scores = [scheme.score(some, subjects.embeddings) for some in (together, alone, chunked)]
    # The bytes are equal where this was written; another matrix library may round by the number of people.
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-4)
    np.testing.assert_allclose(scores[2], scores[0], atol=1e-4)
    threshold = float(np.median(scores[0]))
    np.testing.assert_array_equal(scores[1] >= threshold, scores[0] >= threshold)


def test_random_widths_make_templates_of_unequal_length(background: Faces, subjects: Faces) -> None:
    scheme = MOTE(hidden=(24, 16), epochs=1, random_widths=True).fit(background, seed=0)
    templates = scheme.enroll(subjects.embeddings[:7], seeds=SEEDS)
    assert len({len(template) for template in templates}) > 1
    expected = [score_alone(template, subjects.embeddings) for template in templates]
    np.testing.assert_allclose(scheme.score(templates, subjects.embeddings), expected, atol=1e-5)


def score_alone(template: bytes, probes: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return forward(as_layers(decode(template)), torch.from_numpy(np.array(probes))).numpy()


def test_scores_equal_one_net_at_a_time(fitted: MOTE, templates: list[bytes]) -> None:
    probes = gaussian_faces(700, 1, dimension=16, seed=9).embeddings
    many = templates * 6  # 42 templates and 700 probes: more than one tile either way
    scores = fitted.score(many, probes)
    assert scores.shape == (42, 700)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[:7], [score_alone(template, probes) for template in templates], atol=1e-5)
    np.testing.assert_allclose(scores[35:], scores[:7], atol=1e-5)


def test_no_templates_no_rows(fitted: MOTE, subjects: Faces) -> None:
    assert fitted.score([], subjects.embeddings).shape == (0, 40)
    assert fitted.enroll(subjects.embeddings[:0], seeds=[]) == []


def test_surrogate_is_the_score_with_gradients(fitted: MOTE, templates: list[bytes], subjects: Faces) -> None:
    probes = torch.tensor(subjects.embeddings[:21]).reshape(7, 3, 16).requires_grad_()
    answer = fitted.surrogate(templates)(probes)
    own = fitted.score(templates, subjects.embeddings[:21]).reshape(7, 7, 3)[np.arange(7), np.arange(7)]
    np.testing.assert_allclose(answer.detach().numpy(), own, atol=1e-5)
    answer.sum().backward()
    for template, rows, gradient in zip(templates, probes.detach(), probes.grad, strict=True):
        x = rows.clone().requires_grad_()
        forward(as_layers(decode(template)), x).sum().backward()
        torch.testing.assert_close(gradient, x.grad, rtol=1e-4, atol=1e-6)


def test_survives_a_trip_to_another_process(
    fitted: MOTE, templates: list[bytes], subjects: Faces, tmp_path: Path
) -> None:
    trip = tmp_path / "trip.pkl"
    trip.write_bytes(pickle.dumps((fitted, subjects.embeddings[:2], SEEDS[:2])))
    code = (
        "import pickle, sys, pathlib; path = pathlib.Path(sys.argv[1]);"
        "scheme, references, seeds = pickle.loads(path.read_bytes());"
        "path.write_bytes(pickle.dumps(scheme.enroll(references, keys=None, seeds=seeds)))"
    )
    subprocess.run([sys.executable, "-c", code, str(trip)], check=True)
    there = pickle.loads(trip.read_bytes())
    scores = fitted.score(templates[:2], subjects.embeddings)
    np.testing.assert_allclose(fitted.score(there, subjects.embeddings), scores, atol=1e-4)


def test_the_package_does_not_import_torch() -> None:
    code = "import sys, mote_bench, mote_bench.mote; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_groups_and_bandwidths(fitted: MOTE) -> None:
    assert fitted.groups == ("female", "male")
    assert set(fitted.bandwidths) == {"female", "male"}


def test_groups_of_several_attributes() -> None:
    scheme = MOTE(attributes=("gender", "age")).fit(gaussian_faces(120, 3, dimension=8), seed=0)
    assert scheme.groups == ("female/old", "female/young", "male/old", "male/young")


def few_men(background: Faces, people: int) -> Faces:
    identity, gender = background.identity, background.attributes["gender"]
    men = np.unique(identity[gender == "male"])[people:]
    return background.rows(~np.isin(identity, men))


@pytest.mark.parametrize(
    ("change", "attributes"),
    [
        (lambda faces: replace(faces, attributes={}), ("gender",)),
        (lambda faces: faces, ()),
        (lambda faces: faces, ("gender", "hair")),
        (lambda faces: few_men(faces, 9), ("gender",)),
    ],
)
def test_one_group_where_there_are_no_two(
    background: Faces, subjects: Faces, change: Callable[[Faces], Faces], attributes: tuple[str, ...]
) -> None:
    scheme = MOTE(attributes=attributes, hidden=(8,), epochs=1).fit(change(background), seed=0)
    assert scheme.groups == (EVERYONE,)
    assert len(scheme.enroll(subjects.embeddings[:1], seeds=[0])) == 1


def test_small_groups_give_negatives_but_no_density(background: Faces) -> None:
    labels = background.attributes["gender"].astype("<U8")
    labels[: 4 * 5] = "other"  # five people
    scheme = MOTE().fit(replace(background, attributes={"gender": labels}), seed=0)
    assert scheme.groups == ("female", "male")
    negatives = len(scheme._training.faces) + len(scheme._validation.faces)
    assert negatives == len(background)


def test_training_and_validation_people_are_disjoint(fitted: MOTE, background: Faces) -> None:
    training, validation = ({row.tobytes() for row in crowd.faces} for crowd in (fitted._training, fitted._validation))
    assert len(training) + len(validation) == len(background)
    of = dict(zip((row.tobytes() for row in background.embeddings), background.identity, strict=True))
    people = {of[row] for row in training}, {of[row] for row in validation}
    assert not people[0] & people[1]
    assert len(people[1]) == 12  # one in five of 60


def test_a_person_with_one_image_adds_nothing_to_the_density(background: Faces) -> None:
    singles = gaussian_faces(30, 1, dimension=16, seed=5)
    both = Faces(
        np.concatenate([background.embeddings, singles.embeddings]),
        np.concatenate([background.identity, [f"single {i}" for i in range(30)]]),
        {"gender": np.concatenate([background.attributes["gender"], singles.attributes["gender"]])},
    )
    scheme = MOTE().fit(both, seed=0)
    points = [density.points for crowd in (scheme._training, scheme._validation) for density in crowd.spread.values()]
    assert sum(map(len, points)) == len(background)
    assert len(scheme._training.faces) + len(scheme._validation.faces) == len(both)
    assert np.linalg.norm(np.concatenate(points), axis=1).min() > 0


def test_balance_of_each_person(fitted: MOTE, subjects: Faces) -> None:
    references, seeds = subjects.embeddings[:2], SEEDS[:2]
    women, men = {"female": 1.0}, {"male": 1.0}
    each = fitted.enroll(references, seeds=seeds, balance=[women, men])
    assert each[0] == fitted.enroll(references, seeds=seeds, balance=women)[0]
    assert each[1] == fitted.enroll(references, seeds=seeds, balance=men)[1]
    assert fitted.enroll(references, seeds=seeds, balance={"male": 0.5, "female": 0.5}) == fitted.enroll(
        references, seeds=seeds
    )


def test_balance_of_the_scheme(background: Faces, fitted: MOTE, subjects: Faces) -> None:
    scheme = MOTE(hidden=(24, 16), epochs=4, balance={"female": 0.25, "male": 0.75}).fit(background, seed=0)
    expected = fitted.enroll(subjects.embeddings[:1], seeds=[1], balance={"female": 0.25, "male": 0.75})
    assert scheme.enroll(subjects.embeddings[:1], seeds=[1]) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda faces: replace(faces, identity=None), "has no identities"),
        (lambda faces: faces.rows(np.arange(19 * 4)), "shows 19 people; MOTE needs at least 20"),
        (lambda faces: faces.rows(np.unique(faces.identity, return_index=True)[1]), "0 of 60 background people"),
        (lambda faces: faces.rows(np.r_[0 : 9 * 4, 9 * 4 : 60 * 4 : 4]), "9 of 60 background people"),
    ],
)
def test_what_a_background_must_have(background: Faces, change: Callable[[Faces], Faces], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MOTE().fit(change(background), seed=0)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"hidden": ()}, "hidden="),
        ({"hidden": (128, 0)}, "at least 1"),
        ({"hidden": (64, 8), "random_widths": True}, "at least 11"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"dropout": -0.1}, "dropout=-0.1"),
        ({"epochs": 0}, "epochs=0"),
        ({"patience": 0}, "patience=0"),
    ],
)
def test_knobs_are_checked(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MOTE(**knobs)


@pytest.mark.parametrize(
    ("balance", "message"),
    [
        ({"female": 0.5, "males": 0.5}, "names .'males'.; the background's groups are .'female', 'male'."),
        ({"female": 0.5, "male": 0.6}, "add up to 1"),
        ({"female": -0.5, "male": 1.5}, "0 or more"),
        ({}, "add up to 1"),
    ],
)
def test_balance_is_checked(
    background: Faces, fitted: MOTE, subjects: Faces, balance: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        MOTE(balance=balance).fit(background, seed=0)
    with pytest.raises(InputError, match=message):
        fitted.enroll(subjects.embeddings[:1], seeds=[0], balance=[balance])


def test_what_enrolment_needs(fitted: MOTE, subjects: Faces) -> None:
    references = subjects.embeddings[:2]
    with pytest.raises(InputError, match="before it was fitted"):
        MOTE().enroll(references, seeds=[0, 1])
    with pytest.raises(InputError, match=r"shape \(2, 15\); expected \(n, 16\)"):
        fitted.enroll(references[:, :15], seeds=[0, 1])
    with pytest.raises(InputError, match="1 seeds for 2 references"):
        fitted.enroll(references, seeds=[0])
    with pytest.raises(InputError, match="1 balances for 2 references"):
        fitted.enroll(references, seeds=[0, 1], balance=[{"female": 1.0}])


def test_unreadable_templates_are_named(fitted: MOTE, templates: list[bytes], subjects: Faces) -> None:
    with pytest.raises(ValueError, match="template 33 can't be read: 3323 bytes"):
        fitted.score([templates[0]] * 33 + [templates[0][:-1]], subjects.embeddings)
    with pytest.raises(ValueError, match="template 0 takes embeddings of 16 dimensions; the probes have 8"):
        fitted.score(templates, subjects.embeddings[:, :8])


def test_recognises_as_well_as_the_loop(shared_data: Path) -> None:
    """Batched and looped enrolment of 30 people, 100 others as background: the same error rate."""
    stored = np.load(shared_data / "synthetic_faces.npz")
    index = np.unique(stored["identity"], return_inverse=True)[1]
    target, background = np.arange(30), np.isin(index, np.arange(30, 130))
    faces = Faces(stored["embeddings"], stored["identity"], {"gender": stored["gender"]})
    references = faces.rows(np.array([np.flatnonzero(index == person)[0] for person in target]))
    probes = np.concatenate([np.flatnonzero(index == person)[1:4] for person in target])
    same = np.arange(30)[:, None] == index[probes]
    scheme = MOTE().fit(faces.rows(background), seed=0)
    batched = scheme.enroll(references.embeddings, seeds=range(30))
    looped = [
        encode(train_one(start, **crowds(scheme), recipe=scheme.recipe, seed=scheme._order))
        for start in (
            begin(reference, seed=seed, shares=_shares(None, scheme.groups), recipe=scheme.recipe, **crowds(scheme))
            for seed, reference in enumerate(references.embeddings)
        )
    ]
    rates = [equal_error_rate(scheme.score(some, faces.embeddings[probes]), same) for some in (batched, looped)]
    assert rates[0] == pytest.approx(rates[1], abs=0.005)
    assert rates[0] < 0.05


def crowds(scheme: MOTE) -> dict[str, object]:
    return {"training": scheme._training, "validation": scheme._validation}


def equal_error_rate(scores: np.ndarray, same: np.ndarray) -> float:
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    thresholds = np.sort(scores, axis=None)
    missed = np.searchsorted(genuine, thresholds) / len(genuine)
    accepted = 1 - np.searchsorted(impostor, thresholds) / len(impostor)
    crossing = np.argmin(np.abs(missed - accepted))
    return float(missed[crossing] + accepted[crossing]) / 2


def test_the_product_of_the_weights_is_the_person(fitted: MOTE, templates: list[bytes], subjects: Faces) -> None:
    """Without a query: the subject's own net scores the reconstruction higher than nearly every other face."""
    reconstructed = fitted.reconstruct(templates)
    np.testing.assert_allclose(np.linalg.norm(reconstructed, axis=1), 1, atol=1e-5)
    own = np.diag(fitted.score(templates, reconstructed))
    others = fitted.score(templates, subjects.embeddings)
    assert (own[:, None] > others).mean() > 0.95
