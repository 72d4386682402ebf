"""What a challenge gives out: the evidence that each threat grants and nothing else of the organiser's."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from challenges import SEED, spec_of
from mote_bench import registry
from mote_bench.challenge import dealing
from mote_bench.challenge.dealing import Wishes
from mote_bench.challenge.files import ON_AGREEMENT, faces_in, unpacked
from mote_bench.challenge.making import make
from mote_bench.challenge.manifest import Manifest
from mote_bench.challenge.opening import Opened
from mote_bench.challenge.ranking import SecretPart
from mote_bench.contracts import InputError, Knowledge, Threat
from mote_bench.data.arrays import read_npz
from mote_bench.planning import protocol as protocols
from mote_bench.toolkit import stream_seed


@pytest.fixture(scope="module")
def secret(challenge):
    return SecretPart.at(challenge.secret)


def test_every_scheme_at_every_threat_with_every_question(challenge):
    made = {(task.scheme, task.threat, task.question) for task in challenge.made.manifest.tasks}
    named = [("cosine", "algorithm"), ("biohash", "algorithm"), ("biohash", "stolen_key")]
    asked = ("gender", "reconstruct", "link")
    assert made == {(*one, name) for one in [*named, (None, "bytes_only")] for name in asked}
    assert len(challenge.tasks(threat="bytes_only")) == 6  # of the two schemes, which aren't named
    assert any(line.startswith("online access") for line in challenge.made.manifest.left_out)


def test_no_subject_is_in_two_databases(challenge, secret):
    held = {}
    for task in challenge.made.manifest.tasks:
        scheme = secret.scheme_of(task)
        numbers = secret._subjects(scheme).numbers
        people = {int(number) for number in numbers[secret._truth[f"{task.id}_people"]]}
        held.setdefault((scheme, task.threat, task.question == "link"), set()).update(people)
        if task.question == "link":
            others = {int(number) for number in numbers[secret._truth[f"{task.id}_others"]]}
            assert people == others
    assert len(held) == 10
    assert sum(map(len, held.values())) == len(set().union(*held.values()))
    assert min(map(len, held.values())) >= 12


def test_each_threat_grants_what_it_grants_in_a_run(challenge, opened):
    for task in challenge.made.manifest.tasks:
        evidence = opened.evidence(task)
        knows = task.threat != "bytes_only"
        assert (evidence.scheme is not None, evidence.public is not None, evidence.shadow is not None) == (knows,) * 3
        assert (evidence.keys is not None) == (task.threat == "stolen_key")
        assert bool(evidence.others) == (task.question == "link")
        assert (evidence.other_keys is not None) == (task.threat == "stolen_key" and task.question == "link")
        assert bool(evidence.shadow and evidence.shadow.second_templates) == (knows and task.question == "link")
        assert evidence.oracle is evidence.challenger is evidence.candidates is None
        assert task.asks().shape(evidence) == task.shape


def test_the_attacker_fits_the_scheme_that_was_attacked(challenge, opened, secret):
    """Templates that were enrolled by the organiser score as they should with the attacker's own scheme."""
    for threat, keyed in (("algorithm", False), ("stolen_key", True)):
        [task] = challenge.tasks(scheme="biohash" if keyed else "cosine", threat=threat, question="reconstruct")
        evidence, people = opened.evidence(task), secret._truth[f"{task.id}_people"]
        references = secret._subjects(task.scheme).references.embeddings[people]
        scores = evidence.scheme.score(evidence.templates, references, keys=evidence.keys)
        assert (np.argmax(scores, axis=1) == np.arange(len(people))).all()


def test_another_version_of_a_scheme_is_noticed(challenge, monkeypatch):
    class Other(type(registry.load("schemes", "cosine"))):
        def score(self, templates, probes, *, keys):
            return np.exp(super().score(templates, probes, keys=keys))

    monkeypatch.setattr(registry, "load", lambda kind, name: Other())
    with pytest.raises(InputError, match=r"scores otherwise than the challenge's; expected mote-bench"):
        Opened.at(challenge.public).scheme("cosine")


def test_the_public_part_holds_nothing_of_the_secret_one(challenge, secret):
    """Neither seeds, nor keys that aren't granted, nor faces of the attacked subjects, nor anybody's name."""
    public = b"".join(challenge.made.public.values())
    seeds = [SEED, *(one["seed"] for one in secret.table["tasks"].values())]
    assert not any(str(seed).encode() in public for seed in seeds)
    assert b"Employee" not in public
    assert challenge.data.parent.name.encode() not in public
    references = secret._subjects("biohash").references
    assert not any(row.tobytes() in public for row in references.embeddings)
    held = read_npz(challenge.secret / "enrolled-biohash.npz")
    keys, granted = unpacked(held, "first_keys"), challenge.tasks(threat="stolen_key")
    given = {int(person) for task in granted for person in secret._truth[f"{task.id}_people"]}
    assert [key in public for key in keys] == [person in given for person in range(len(keys))]
    assert sum(key in public for key in unpacked(held, "second_keys")) == len(
        secret._truth[f"{challenge.tasks(threat='stolen_key', question='link')[0].id}_others"]
    )


def test_what_is_given_out_derives_from_a_seed_of_its_own(challenge, secret):
    """The fit seed is given; the seeds of keys, templates and orders can't be found from it."""
    fit = challenge.made.manifest.schemes["biohash"].fit_seed
    assert fit == stream_seed(SEED, "fit", "biohash")
    guesses = [stream_seed(fit, "keys", "biohash", "target"), *(one["seed"] for one in secret.table["tasks"].values())]
    assert fit not in guesses[1:]


def test_orders_say_nothing(challenge, secret):
    """Each task shuffles by itself, and both databases of one that links."""
    orders = []
    for task in challenge.made.manifest.tasks:
        people = secret._truth[f"{task.id}_people"]
        orders.append(people)
        if task.question == "link":
            orders.append(secret._truth[f"{task.id}_others"])
    ranks = [np.argsort(np.argsort(order)) for order in orders]
    forward = [abs(np.corrcoef(rank, np.arange(len(rank)))[0, 1]) for rank in ranks]
    assert max(forward) < 0.95
    assert np.mean(forward) < 0.35
    links = [task for task in challenge.made.manifest.tasks if task.question == "link"]
    assert all((secret._truth[f"{one.id}_people"] != secret._truth[f"{one.id}_others"]).any() for one in links)


def test_only_the_organiser_can_read_the_secret_part(challenge):
    assert (challenge.secret.stat().st_mode & 0o777) == 0o700
    assert (challenge.secret / ".gitignore").read_text() == "*\n"
    with pytest.raises(InputError, match="secret part of a challenge; expected the public one"):
        Manifest.read(challenge.secret)


def test_the_same_seed_makes_the_same_bytes(people_file):
    wishes = Wishes(spec_of(people_file, schemes="cosine", questions="gender"))
    one, again = make(wishes, jobs=1), make(wishes, jobs=1)
    other = make(replace(wishes, spec=replace(wishes.spec, seed=SEED + 1)), jobs=1)
    assert one.public == again.public
    assert one.secret == again.secret
    assert one.public.keys() == other.public.keys()
    assert all(one.public[name] != other.public[name] for name in one.public)


def test_faces_that_are_given_out_on_agreement(people_file):
    made = make(Wishes(spec_of(people_file, schemes="cosine", questions="gender"), faces_apart=True), jobs=1)
    assert sorted(made.apart) == ["faces.npz", "scheme-cosine.npz"]
    assert not set(made.apart) & set(made.public)
    assert ON_AGREEMENT not in made.public


def test_questions_that_no_file_can_ask(people_file):
    made = make(Wishes(spec_of(people_file, schemes="cosine", questions="gender,member,ind,photo,wolf")), jobs=1)
    assert {task.question for task in made.manifest.tasks} == {"gender", "photo", "wolf"}
    told = "\n".join(made.manifest.left_out)
    assert re.search(r"question 'ind' at algorithm \(the attacker asks for templates", told)
    assert re.search(r"question 'member' at algorithm \(the background set", told)


class Secretive:
    """A scheme that keeps a secret of the system."""

    def public(self):
        return self


@pytest.mark.parametrize(
    ("levels", "kept"),
    [
        (("bytes_only", "algorithm"), ["bytes_only"]),
        (("algorithm", "full_disclosure"), ["full_disclosure"]),
        (("bytes_only", "full_disclosure"), ["full_disclosure"]),
    ],
)
def test_a_fit_seed_never_opens_a_system_secret(levels, kept):
    threats, left_out = [Threat(Knowledge(level)) for level in levels], dealing.LeftOut()
    found = dealing.databases_of({"secretive": Secretive()}, threats, left_out)
    assert [one.threat.name for one in found] == kept
    assert len(left_out.told) == 2


@pytest.mark.parametrize(
    ("more", "threats", "why"),
    [
        ({"seed": 7}, "default", "--seed 7: a challenge's seed must not be guessed; expected 20 digits or more"),
        ({}, "everything", "--threats everything: expected names such as bytes_only, algorithm"),
        ({}, "algorithm (7 records)", "protocol quick-1 has 2 templates per subject"),
        ({}, "full_disclosure", "none of the schemes cosine, biohash has one of the threats full_disclosure"),
        ({"questions": "gendre"}, "default", "no question 'gendre' for these data; did you mean gender"),
        ({"schemes": "cosin"}, "default", "No scheme is named 'cosin'"),
        ({"people": 200}, "default", "subjects for 6 sets of 20 or more, as no subject may be in two stolen databases"),
    ],
)
def test_what_can_not_be_made(people_file, more, threats, why):
    with pytest.raises(InputError, match=re.escape(why)):
        make(Wishes(spec_of(people_file, **more), threats), jobs=1)


def test_several_templates_of_each_subject(people_file):
    made = make(Wishes(spec_of(people_file, schemes="cosine", questions="gender"), "algorithm (2 records)"), jobs=1)
    [task] = made.manifest.tasks
    assert task.knowing.records == 2
    assert "renewed1_bytes" in made.public[task.file].decode("latin-1")


def test_public_faces_are_read_as_they_were_fitted_on(challenge, opened):
    """Normalising a row a second time may move its last digit: both sides normalise the same bytes once."""
    held = read_npz(challenge.public / "faces.npz")
    again = faces_in(held, "public")
    assert (opened.faces["public"].embeddings == again.embeddings).all()
    assert protocols.load("quick-1").background.images >= len(again)


def test_the_public_part_does_not_depend_on_the_truth(people_file, tmp_path):
    """With the other gender for every attacked subject the attackers get the same bytes."""
    spec = spec_of(people_file, schemes="biohash", questions="gender,link")
    one = make(Wishes(spec), jobs=1)
    (tmp_path / "subjects.npz").write_bytes(one.secret["subjects-biohash.npz"])
    held = dict(np.load(people_file))
    attacked = held["identity"][read_npz(tmp_path / "subjects.npz")["numbers"]]
    other = np.where(held["gender"] == "male", "female", "male")
    np.savez(
        tmp_path / "staff.npz",
        **held | {"gender": np.where(np.isin(held["identity"], attacked), other, held["gender"])},
    )
    swapped = make(Wishes(replace(spec, data=str(tmp_path / "staff.npz"))), jobs=1)
    assert one.secret["subjects-biohash.npz"] != swapped.secret["subjects-biohash.npz"]
    told = {"challenge.json", "RULES.md"}  # they name the checksum of the secret part
    assert {name: one.public[name] for name in one.public if name not in told} == {
        name: swapped.public[name] for name in swapped.public if name not in told
    }
    tables = [json.loads(made.public["challenge.json"]) for made in (one, swapped)]
    commitments = [table.pop("commitment") for table in tables]
    assert tables[0] == tables[1]
    assert commitments[0] != commitments[1]
