"""A run end to end on generated people: records, resumption, failures, and the same figures for any number of jobs."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench.contracts import BY_QUERIES, NOT_ENROLLED, Access, Acquisition, Dataset, Knowledge, Status, Threat
from mote_bench.engine import runner, tasks
from mote_bench.execution import workers
from mote_bench.planning import settings
from mote_bench.planning.spec import RunSpec
from mote_bench.questions import SamePerson, WhichClass, WhichFace
from mote_bench.records import provenance, store
from mote_bench.records.naming import record_name
from mote_bench.toolkit import device
from populations import gaussian_faces
from readings import value
from refusing import KeyedRefusesSome, RefusesSome, refused

ASKED = RunSpec(schemes="biohash", attacks="vote-answers,ridge-answers,compare-inverted,closed-form-bytes")


def setting_of(monkeypatch, asked=ASKED, people=200, seed=0, **faces):
    dataset = Dataset("generated", gaussian_faces(people, 4, **faces), "0" * 64)
    monkeypatch.setattr(settings, "_dataset", lambda *_: dataset)
    return settings.make(replace(asked, seed=seed))


def quiet(done, total, what):
    assert done <= total


def figures(records):
    """Everything but what a clock measured."""
    return {
        record.cell: (record.status, record.measurements, record.details)
        for record in records
        if record.cell.question != "cost"
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run with two jobs, shared by the tests that only look at it."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        setting = setting_of(patch, spread=0.6)
    store.prepare(folder)
    return setting, folder, runner.run(setting, folder, jobs=2, progress=quiet)


def test_every_cell_has_its_record_on_disk(finished):
    setting, folder, made = finished
    assert [record.cell for record in made.records] == list(setting.plan.cells)
    assert {record.cell: record for record in store.read(folder)} == {record.cell: record for record in made.records}
    assert {record.status for record in made.records} == {Status.OK}


def test_every_attack_has_floor_ceiling_people_and_interval(finished):
    for record in finished[2].records:
        for one in record.measurements:
            assert one.low <= one.value <= one.high, (record.cell, one)
            assert one.n > 0
            # A ratio of rates is undefined where a control makes no error, and then isn't published for it.
            # And the controls have no key to change.
            if record.cell.question not in ("cost", "fairness") and "_key" not in one.name:
                assert one.floor is not None, (record.cell, one)
                assert one.ceiling is not None, (record.cell, one)


def at_chance(one):
    """Within 3.3 standard errors of chance: a false alarm in a thousand, where a 95 % interval gives one in twenty."""
    return abs(one.value - one.chance) < 3.3 * (one.high - one.low) / (2 * 1.96)


def test_attacks_break_cosine_and_not_noise(finished):
    records = finished[2].records
    for attribute in ("gender", "age"):
        broken = value(records, "balanced_accuracy", scheme="cosine", question=attribute, attack="vote-answers")
        nothing = value(records, "balanced_accuracy", scheme="noise", question=attribute, attack="vote-answers")
        assert broken.value > 0.8
        assert broken.ceiling == broken.value
        assert broken.floor == nothing.value
        assert at_chance(nothing)
    assert value(records, "centred_cosine", scheme="cosine", attack="ridge-answers").value > 0.85
    assert value(records, "eer", scheme="cosine", attack="compare-inverted").value < 0.05
    assert value(records, "eer", scheme="noise", attack="compare-inverted").value > 0.35


def test_biohash_hides_without_its_key_and_not_with_it(finished):
    records = finished[2].records
    hidden = value(records, "balanced_accuracy", scheme="biohash", question="gender", knowledge="algorithm")
    shown = value(records, "balanced_accuracy", scheme="biohash", question="gender", knowledge="stolen_key")
    assert at_chance(hidden)
    assert shown.value > 0.75
    own = value(records, "eer", scheme="biohash", attack="zero-effort", knowledge="none")
    stolen = value(records, "eer", scheme="biohash", attack="zero-effort", knowledge="stolen_key")
    assert own.value < stolen.low
    assert stolen.value < 0.2


def test_one_job_gives_the_same_figures(finished, tmp_path):
    store.prepare(tmp_path)
    alone = runner.run(finished[0], tmp_path, jobs=1, progress=quiet)
    assert figures(alone.records) == figures(finished[2].records)


def test_a_second_run_keeps_every_cell(finished):
    setting, folder, made = finished
    again = runner.run(setting, folder, jobs=2, progress=quiet)
    assert again.kept == len(setting.plan.cells)
    assert again.records == made.records


def test_a_lost_record_is_made_again(finished, monkeypatch):
    setting, folder, made = finished
    lost = [cell for cell in setting.plan.cells if cell.scheme == "biohash"][-2:]
    for cell in lost:
        (folder / "records" / record_name(cell)).unlink()
    again = runner.run(setting, folder, jobs=2, progress=quiet)
    assert again.kept == len(setting.plan.cells) - 2
    assert figures(again.records) == figures(made.records)


def test_another_seed_gives_other_figures(finished, tmp_path, monkeypatch):
    store.prepare(tmp_path)
    asked = replace(ASKED, schemes="cosine", attacks="vote-answers", questions="gender")
    other = runner.run(setting_of(monkeypatch, asked, seed=1), tmp_path, jobs=2, progress=quiet)
    one = value(other.records, "balanced_accuracy", scheme="cosine", question="gender")
    assert one != value(finished[2].records, "balanced_accuracy", scheme="cosine", question="gender")


class Raises:
    question, knowledge = WhichClass, (Knowledge.ALGORITHM,)

    def answer(self, question, evidence, rng):
        raise RuntimeError("this attack is broken")


class WrongShape(Raises):
    def answer(self, question, evidence, rng):
        return np.zeros((1, 1))


class SaysNaN(Raises):
    def answer(self, question, evidence, rng):
        return np.full((len(evidence.templates), len(question.classes)), np.nan)


class Shouts(Raises):
    def answer(self, question, evidence, rng):
        return np.where(rng.random((len(evidence.templates), len(question.classes))) > 0.5, 1.7e308, -1.7e308)


class ShoutsLinks(Raises):
    question = SamePerson

    def answer(self, question, evidence, rng):
        return np.where(rng.random((len(evidence.templates), len(evidence.others))) > 0.5, 1.7e308, -1.7e308)


class Guesses(Raises):
    def answer(self, question, evidence, rng):
        return rng.random((len(evidence.templates), len(question.classes)))


class MeanFace:
    question, knowledge = WhichFace, (Knowledge.ALGORITHM,)

    def answer(self, question, evidence, rng):
        return np.repeat(evidence.public.embeddings.mean(axis=0, keepdims=True), len(evidence.templates), axis=0)


class MeanFaceOfFew(MeanFace):
    """Some face with all queries; with one of them the mean face, which can't be scored."""

    access, budgets = Access.SCORES, (1,)

    def answer(self, question, evidence, rng):
        public, few = evidence.public.embeddings, evidence.oracle.budget == 1
        evidence.oracle.ask(public[: 1 if few else 2])
        return (
            np.repeat(public.mean(axis=0, keepdims=True), evidence.people, axis=0) if few else public[: evidence.people]
        )


QUESTIONS = {WhichClass: "gender", WhichFace: "reconstruct", SamePerson: "link"}


def threat(attack):
    return Threat(Knowledge.ALGORITHM, access=getattr(attack, "access", Access.RECORD)).name


def with_attacks(setting, **attacks):
    """The setting with these attacks instead of its own, on cosine and noise."""
    first = next(cell for cell in setting.plan.cells if cell.knowledge == "algorithm")
    cells = [
        replace(first, scheme=scheme, attack=name, question=QUESTIONS[attack.question], knowledge=threat(attack))
        for scheme in ("noise", "cosine")
        for name, attack in attacks.items()
    ]
    return replace(setting, plan=replace(setting.plan, cells=tuple(cells), attacks=attacks))


class Whispers(Cosine):
    """Keeps whom it enrolled, and with whom it was compared, where the attacks of its module could read it."""

    heard: ClassVar[list[np.ndarray]] = []

    def enroll(self, references, *, keys, seeds):
        self.heard.extend(references)
        return super().enroll(references, keys=keys, seeds=seeds)

    def score(self, templates, probes, *, keys):
        self.heard.extend(probes)
        return super().score(templates, probes, keys=keys)


class Listens(Raises):
    def answer(self, question, evidence, rng):
        raise RuntimeError(f"heard: {len(Whispers.heard)}.")


def test_what_a_scheme_left_in_a_process_reaches_no_attack(tmp_path, monkeypatch):
    setting = with_attacks(setting_of(monkeypatch, replace(ASKED, schemes="cosine")), listens=Listens())
    setting = replace(setting, plan=replace(setting.plan, schemes={"cosine": Whispers(), "noise": Whispers()}))
    store.prepare(tmp_path)
    made = runner.run(setting, tmp_path, jobs=1, progress=quiet)
    assert len(made.records) == 2
    assert all("heard: 0." in record.error for record in made.records)


def test_a_broken_attack_fails_alone(tmp_path, monkeypatch):
    setting = setting_of(monkeypatch, replace(ASKED, schemes="cosine"))
    attacks = {"raises": Raises(), "shape": WrongShape(), "nan": SaysNaN(), "guesses": Guesses(), "mean": MeanFace()}
    attacks |= {"shouts": Shouts(), "shouts-links": ShoutsLinks()}
    store.prepare(tmp_path)
    made = runner.run(with_attacks(setting, **attacks), tmp_path, jobs=2, progress=quiet)
    by_attack = {record.cell.attack: record for record in made.records if record.cell.scheme == "cosine"}
    assert {name: record.status for name, record in by_attack.items()} == {
        "raises": Status.FAILED,
        "shape": Status.FAILED,
        "nan": Status.FAILED,
        "guesses": Status.UNMEASURED,
        "mean": Status.FAILED,
        "shouts": Status.UNMEASURED,
        "shouts-links": Status.FAILED,
    }
    assert {record.provenance["attack_reads"] for record in by_attack.values()} == {""}  # failed ones too
    assert "this attack is broken" in by_attack["raises"].error
    assert "shape (1, 1); expected (75, 2)" in by_attack["shape"].error
    assert "NaN" in by_attack["nan"].error
    assert "fails on the ceiling control 'cosine'" in by_attack["guesses"].error


def test_an_answer_with_fewer_queries_that_cannot_be_scored_costs_only_its_figures(tmp_path, monkeypatch):
    setting = with_attacks(setting_of(monkeypatch, replace(ASKED, schemes="cosine")), few=MeanFaceOfFew())
    store.prepare(tmp_path)
    made = runner.run(setting, tmp_path, jobs=1, progress=quiet)
    assert Status.FAILED not in {record.status for record in made.records}
    for record in made.records:
        (tried,) = record.details[BY_QUERIES]
        assert (tried["queries"], tried["measurements"]) == (1, {})
        assert "nearly the same face" in tried["undefined"]


class SaysWhere(Raises):
    def answer(self, question, evidence, rng):
        raise RuntimeError(f"computes on {device()}.")


def test_the_device_reaches_the_attacks_and_the_records(tmp_path, monkeypatch):
    setting = setting_of(monkeypatch, replace(ASKED, schemes="cosine", device="cuda:1"))
    setting = with_attacks(setting, where=SaysWhere(), guesses=Guesses())
    store.prepare(tmp_path)
    made = runner.run(setting, tmp_path, jobs=1, progress=quiet)
    assert {record.provenance["device"] for record in made.records} == {"cuda"}
    assert all("computes on cuda:1." in record.error for record in made.records if record.cell.attack == "where")

    def kept(name):
        here = replace(setting, spec=replace(setting.spec, device=name))
        return len(store.finished(tmp_path, here.plan.cells, provenance.of_setting(here)))

    assert [kept(name) for name in ("cuda", "cuda:1", "mps", "cpu")] == [2, 2, 0, 0]


class CannotFit:
    def fit(self, background, *, seed):
        raise ValueError("no fit today")

    def enroll(self, references, *, keys, seeds):
        return [b"" for _ in seeds]

    def score(self, templates, probes, *, keys):
        return np.zeros((len(templates), len(probes)))


class CannotEnrol(CannotFit):
    def fit(self, background, *, seed):
        return self

    def enroll(self, references, *, keys, seeds):
        raise ValueError("no enrolment today")


class CannotScore(CannotEnrol):
    def enroll(self, references, *, keys, seeds):
        return [bytes(8) for _ in seeds]

    def score(self, templates, probes, *, keys):
        return np.full((len(templates), len(probes)), np.nan)


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [(CannotFit(), "no fit today"), (CannotEnrol(), "no enrolment today"), (CannotScore(), "NaN")],
)
def test_a_broken_scheme_fails_alone(tmp_path, monkeypatch, scheme, reason):
    setting = setting_of(monkeypatch, replace(ASKED, attacks="vote-answers", questions="gender,verify"))
    plan = replace(setting.plan, schemes=setting.plan.schemes | {"biohash": scheme})
    plan = replace(plan, cells=tuple(cell for cell in plan.cells if cell.knowledge != "stolen_key"))
    store.prepare(tmp_path)
    made = runner.run(replace(setting, plan=plan), tmp_path, jobs=2, progress=quiet)
    failed = {record.cell for record in made.records if record.status is Status.FAILED}
    assert failed == {cell for cell in plan.cells if cell.scheme == "biohash"}
    assert all(reason in record.error for record in made.records if record.cell in failed)


class Looks(Raises):
    """Says what it holds, through an error."""

    def answer(self, question, evidence, rng):
        shadow = evidence.shadow
        records = (evidence.templates, shadow.templates, shadow.second_templates)
        raise RuntimeError(
            f"holds {[len(one) for one in records]}, {sum(one.count(NOT_ENROLLED) for one in records)} empty, "
            f"{len(shadow.references)} shadow."
        )


def refusing(monkeypatch, asked, **schemes):
    """A setting whose `biohash` refuses subjects, and the target subjects whom it refuses by either photo."""
    setting = setting_of(monkeypatch, asked, spread=0.6)
    setting = replace(setting, plan=replace(setting.plan, schemes=setting.plan.schemes | schemes))
    target = setting.split.target
    return setting, np.array([refused(one.embeddings, 0.25) for one in (target.references, target.seconds)])


def test_subjects_whom_a_scheme_refuses_count_as_failures_to_enrol(finished, tmp_path, monkeypatch):
    asked = replace(ASKED, attacks="vote-answers,ridge-answers,compare-inverted,few-keys-bytes")
    setting, twice = refusing(monkeypatch, asked, biohash=KeyedRefusesSome())
    left = int((~twice.any(axis=0)).sum())
    assert 0 < twice.sum() < 20
    store.prepare(tmp_path)
    made = runner.run(setting, tmp_path, jobs=2, progress=quiet).records
    own = [one for one in made if one.cell.scheme == "biohash"]
    assert {one.status for one in own} == {Status.OK}
    for record in own:
        if record.cell.question == "verify":
            named = {one.name: one for one in record.measurements}
            assert named["scheme_fte"].value == pytest.approx(twice.mean())
            assert named["scheme_fte"].n == len(twice[0])
            assert record.details["enrolment"]["failed_people"] == len(twice[0]) - left
            missed, whole = named["fnmr_at_fmr_1e-2"], named["generalised_fnmr_at_fmr_1e-2"]
            assert missed.n == left
            assert whole.value == pytest.approx(1 - (1 - twice.mean()) * (1 - missed.value))
            assert len(record.details["influence"]["people"]) == left
        elif record.cell.question == "fairness":
            groups = record.details["enrolment"]["groups"]["gender"]
            assert sum(groups.values()) == len(twice[0])  # also those who are refused
            assert sum(one["people"] for one in record.details["groups"]["gender"].values()) == left
        elif record.cell.question in ("gender", "age", "reconstruct", "link"):
            assert {one.n for one in record.measurements if one.metric in ("balanced_accuracy", "centred_cosine")} <= {
                left
            }
    # Schemes that refuse nobody keep their records to the last digit, and hold no rate of failures.
    before = figures(finished[2].records)
    kept = {cell: figure for cell, figure in figures(made).items() if cell.scheme == "cosine" and cell in before}
    assert len(kept) > 5
    assert kept == {cell: before[cell] for cell in kept}
    assert not any(one.metric.endswith("fte") for _, held, _ in kept.values() for one in held)


def test_no_attack_sees_an_empty_template(tmp_path, monkeypatch):
    setting, twice = refusing(monkeypatch, replace(ASKED, schemes="cosine"))
    setting = with_attacks(setting, looks=Looks())
    setting = replace(setting, plan=replace(setting.plan, schemes={"cosine": RefusesSome(), "noise": Cosine()}))
    store.prepare(tmp_path)
    made = runner.run(setting, tmp_path, jobs=1, progress=quiet)
    found = {one.cell.scheme: one.error.rpartition("holds ")[2] for one in made.records}
    people = [len(setting.split.target.references) + len(setting.split.selection.references)]
    shadow = len(setting.split.shadow.references)
    assert found["noise"].strip() == f"[{people[0]}, {shadow}, 0], 0 empty, {shadow} shadow."
    held = [refused(one.references.embeddings, 0.25).sum() for one in (setting.split.target, setting.split.shadow)]
    assert ", 0 empty, " in found["cosine"]
    assert found["cosine"].strip().endswith(f" {shadow - held[1]} shadow.")
    assert twice.any()


def test_a_scheme_that_enrols_nobody_fails_with_the_reason(tmp_path, monkeypatch):
    asked = replace(ASKED, attacks="vote-answers", questions="gender,verify")
    setting = setting_of(monkeypatch, asked)
    plan = replace(setting.plan, schemes=setting.plan.schemes | {"biohash": RefusesSome(-2.0)})
    plan = replace(plan, cells=tuple(cell for cell in plan.cells if cell.knowledge != "stolen_key"))
    store.prepare(tmp_path)
    made = runner.run(replace(setting, plan=plan), tmp_path, jobs=1, progress=quiet)
    failed = [record for record in made.records if record.cell.scheme == "biohash"]
    assert {record.status for record in failed} == {Status.FAILED}
    assert all("could enrol 0 of the target subjects and 0 of the shadow subjects" in one.error for one in failed)
    assert all("expected at least 2 of each set" in one.error for one in failed)


def test_a_study_of_every_subject_refuses_a_scheme_that_does_not_enrol_all(tmp_path, monkeypatch):
    setting, _ = refusing(monkeypatch, replace(ASKED, attacks="ridge-answers"), biohash=KeyedRefusesSome())
    cells = tuple(cell for cell in setting.plan.cells if cell.attack == "ridge-answers")
    store.prepare(tmp_path)
    setting = replace(setting, plan=replace(setting.plan, cells=cells))
    made = runner.run_with_fewer(setting, {12: tmp_path}, jobs=1, progress=quiet)[12]
    for record in made:
        failed = record.cell.scheme == "biohash"
        assert (record.status is Status.FAILED) == failed, record
        assert not failed or "could not enrol every subject" in record.error


def test_pictures_without_an_embedding_are_in_the_records_of_recognition_alone(finished, tmp_path, monkeypatch):
    """One subject in eight has no picture with an embedding; all other figures are those of a run that isn't told."""
    setting, _, before = finished
    names = np.array([f"lost{k // 2}" for k in range(50)])
    faces = setting.data.faces
    acquisition = Acquisition(
        np.r_[np.zeros(len(faces), bool), np.ones(50, bool)],
        np.r_[faces.identity, names],
        {name: np.r_[labels, labels[:50]] for name, labels in faces.attributes.items()},
    )
    cells = tuple(
        cell for cell in setting.plan.cells if cell.scheme == "cosine" and cell.question in ("verify", "fairness")
    )
    told = replace(setting, data=replace(setting.data, acquisition=acquisition))
    store.prepare(tmp_path)
    made = runner.run(told.with_cells(cells), tmp_path, jobs=1, progress=quiet).records
    was = figures(before.records)
    new = {"fta", "fte", "generalised_fnmr", "max_ratio_fta", "max_ratio_fte"}
    for record in made:
        known = [replace(one, floor=None, ceiling=None) for one in was[record.cell][1]]
        held = [replace(one, floor=None, ceiling=None) for one in record.measurements if one.metric not in new]
        assert held == known
        named = {one.name: one for one in record.measurements}
        if record.cell.question == "verify":
            assert named["fte"].value == pytest.approx(25 / 225)
            assert named["fta"].value == pytest.approx(50 / (len(faces) + 50))
            enrolled = named["fnmr_at_fmr_1e-2"].value
            assert named["generalised_fnmr_at_fmr_1e-2"].value == pytest.approx(1 - 200 / 225 * (1 - enrolled))
        else:
            assert {"fte_gender_female", "fte_gender_male", "fta_age_old"} <= set(named)


def test_without_identities_attributes_and_cost_remain(tmp_path, monkeypatch):
    people = gaussian_faces(400, 1)
    dataset = Dataset("rows", type(people)(people.embeddings, None, people.attributes), "0" * 64)
    monkeypatch.setattr(settings, "_dataset", lambda *_: dataset)
    setting = settings.make(replace(ASKED, attacks="vote-answers,ridge-answers"))
    assert {cell.question for cell in setting.plan.cells} == {"gender", "age", "cost"}
    assert sum("needs `identity`" in refused for refused in setting.plan.refused) == 8
    store.prepare(tmp_path)
    made = runner.run(setting, tmp_path, jobs=2, progress=quiet)
    assert {record.status for record in made.records} == {Status.OK}


def test_mote_is_refused_without_identities(monkeypatch):
    people = gaussian_faces(400, 1)
    dataset = Dataset("rows", type(people)(people.embeddings, None, people.attributes), "0" * 64)
    monkeypatch.setattr(settings, "_dataset", lambda *_: dataset)
    setting = settings.make(replace(ASKED, schemes="all"))
    assert "mote" not in setting.plan.schemes
    assert any("scheme 'mote'" in refused for refused in setting.plan.refused)


def test_scores_in_tiles_give_the_same_records(finished, tmp_path, monkeypatch):
    """As of a run of very many people: verification, fairness and thresholds come from tiles."""
    setting, _, made = finished
    comparison = replace(ASKED, attacks="ridge-answers", questions="verify,fairness,reconstruct")
    setting = setting_of(monkeypatch, comparison, spread=0.6)
    whole = {record.cell: record for record in made.records}
    monkeypatch.setattr(tasks, "AT_ONCE", 100)
    store.prepare(tmp_path)
    monkeypatch.setattr(workers, "run", lambda made, **_: ((one.key, one.function(*one.arguments)) for one in made))
    told = []
    in_tiles = runner.run(setting, tmp_path, jobs=1, progress=lambda done, total, what: told.append((done, total)))
    assert told[-1] == (told[0][1],) * 2  # as many tasks as were announced
    assert len(in_tiles.records) > 10
    for record in in_tiles.records:
        for one, other in zip(record.measurements, whole[record.cell].measurements, strict=True):
            assert (one.name, one.n) == (other.name, other.n)
            assert [one.value, one.low, one.high] == pytest.approx([other.value, other.low, other.high], abs=1e-4)


def test_with_fewer_shadow_subjects_only_the_attacker_changes(finished, tmp_path):
    """With all shadow subjects every figure is the run's; with fewer, those of attacks that use them change."""
    setting, _, made = finished
    cells = tuple(
        cell
        for cell in setting.plan.cells
        if cell.attack in ("ridge-answers", "closed-form-bytes") and cell.scheme in ("biohash", "cosine", "noise")
    )
    total = len(setting.split.shadow.references)
    folders = {count: tmp_path / str(count) for count in (12, total)}
    for folder in folders.values():
        store.prepare(folder)
    less = replace(setting, plan=replace(setting.plan, cells=cells))
    found = runner.run_with_fewer(less, folders, jobs=1, progress=quiet)
    whole = figures(made.records)
    assert figures(found[total]) == {cell: whole[cell] for cell in cells}
    changed = {cell.attack for cell, figure in figures(found[12]).items() if figure[1] != whole[cell][1]}
    assert changed == {"ridge-answers"}  # the closed form reads the stolen template and the key alone
    assert {one.provenance[provenance.SHADOW_SUBJECTS] for one in found[12]} == {f"12 of {total}"}
    assert store.read(folders[12])

    def nothing_left(done, total, what):
        raise AssertionError("a finished cell was run again")

    assert figures(runner.run_with_fewer(less, folders, jobs=1, progress=nothing_left)[12]) == figures(found[12])
