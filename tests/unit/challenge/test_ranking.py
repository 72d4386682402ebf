"""Ranks of answers: a random one at the floor, the truth at the ceiling, and equal ones side by side."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from challenges import spec_of
from mote_bench.analysis.share import share_of
from mote_bench.challenge import answering, ranking
from mote_bench.challenge.answers import written
from mote_bench.challenge.dealing import Wishes
from mote_bench.challenge.files import write_folder
from mote_bench.challenge.making import make
from mote_bench.challenge.opening import Opened
from mote_bench.challenge.ranking import SecretPart, paired, score
from mote_bench.contracts import InputError, Measurement
from mote_bench.metrics.measured import Measured


@pytest.fixture(scope="module")
def board(challenge, opened, tmp_path_factory):
    """A random attacker, one who knows the truth, one with constant answers, and an attack with its copy."""
    folder, part = tmp_path_factory.mktemp("answers"), SecretPart.at(challenge.secret)
    truth = {}
    for task in challenge.made.manifest.tasks:
        scorer = part.scorer(task)
        truth[task.id] = scorer.question.best_answer(scorer.staged, scorer.panel.people)
    by_attack = answering.by_attacks(opened, "ridge-answers,vote-answers", (), seed=0, say=lambda _: None)
    everybody = {
        "knows all": truth,
        "random": answering.at_random(opened, (), 1).answers,
        "constant": {task.id: np.ones(task.shape) for task in challenge.made.manifest.tasks},
        "attack": by_attack.answers,
        "copy": by_attack.answers,
    }
    for name, answers in everybody.items():
        write_folder(folder / name, written(name, {}, answers, challenge.made.manifest))
    return score(challenge.secret, sorted(folder.iterdir()))


def rows(board, task):
    return {row.attacker: row for row in next(one for one in board.tasks if one.task == task.id).rows}


def test_the_truth_is_at_the_ceiling_and_a_random_answer_at_the_floor(board, challenge):
    for one in board.tasks:
        found = {row.attacker: row for row in one.rows}
        assert found["knows all"].headline.value == pytest.approx(one.ceiling)
        assert found["knows all"].rank == 1
        assert found["random"].share.word in ("at the floor", "partial")
        assert abs(found["random"].share.value) < 0.5
        assert found["random"].rank > 1
    words = [row.share.word for one in board.tasks for row in one.rows if row.attacker == "random"]
    assert np.mean([word == "at the floor" for word in words]) > 0.7
    share = {one.name: one.share for one in board.attackers}
    assert abs(share["random"]) < 0.1
    assert share["knows all"] == pytest.approx(1.0)
    assert board.attackers[0].name == "knows all"
    assert {one.name: one.first for one in board.attackers}["random"] == 0


def test_the_floor_is_what_a_guess_is_expected_to_get(board, challenge):
    """Balanced accuracy of two classes, a face's success, an equal error rate."""
    floors = {one.question: one.floor for one in board.tasks}
    assert floors == {"gender": 0.5, "reconstruct": 0.0, "link": 0.5}


def test_equal_answers_share_a_rank_and_a_figure(board, challenge):
    [task] = challenge.tasks(scheme="cosine", question="reconstruct")
    found = rows(board, task)
    assert found["attack"].headline == found["copy"].headline
    assert found["attack"].rank == found["copy"].rank
    assert found["attack"].share.value > 0.5
    assert found["copy"].to_best.low <= found["copy"].to_best.value <= found["copy"].to_best.high


def test_an_answer_that_can_not_be_scored_says_why(board, challenge):
    [task] = challenge.tasks(scheme="cosine", question="reconstruct")
    constant = rows(board, task)["constant"]
    assert constant.headline is None
    assert constant.rank is None
    assert "did not move" in constant.why
    [gender] = challenge.tasks(scheme="cosine", question="gender")
    assert rows(board, gender)["constant"].headline.value == pytest.approx(0.5)


def test_the_organiser_scores_what_the_engine_would(board, challenge, opened):
    """At a stolen key the running system's own acceptance is measured too, from templates that were kept."""
    [task] = challenge.tasks(threat="stolen_key", question="reconstruct")
    scorer = SecretPart.at(challenge.secret).scorer(task)
    assert set(scorer.targets.records) == {"same", "another", "renewed"}
    best = scorer.question.best_answer(scorer.staged, scorer.panel.people)
    made = {one.name: one.value for one in scorer.measured(best).measurements}
    accepted = {name: value for name, value in made.items() if name.startswith("accepted_at")}
    assert accepted
    assert set(accepted.values()) == {1.0}


def figure(value, influence):
    return Measured((Measurement("x", value, value - 0.1, value + 0.1, 4),), {}, {"x": np.array(influence)})


def test_differences_are_paired():
    """Two answers that err on the same subjects differ by less than their intervals say."""
    same, other = [0.02, -0.02, 0.01, -0.01], [-0.02, 0.01, 0.02, -0.01]
    [close] = paired({"a": figure(0.6, same), "b": figure(0.7, same)}, "x", 1.0)
    [wide] = paired({"a": figure(0.6, same), "b": figure(0.7, other)}, "x", 1.0)
    assert (close.better, close.than) == ("b", "a")
    assert close.change.value == wide.change.value == pytest.approx(0.1)
    assert close.change.low > wide.change.low
    assert (close.significant, wide.significant) == (True, False)
    [lower] = paired({"a": figure(0.6, same), "b": figure(0.7, same)}, "x", -1.0)
    assert (lower.better, lower.than, lower.change.value) == ("a", "b", pytest.approx(0.1))


def test_more_attackers_need_a_larger_difference():
    """The confidence is adjusted for the number of pairs."""
    apart, alone = {"a": figure(0.5, [0.0] * 4), "b": figure(0.65, [0.0] * 4)}, [0.0] * 4
    [pair] = paired(apart, "x", 1.0)
    more = paired(apart | {f"c{number}": figure(0.5, alone) for number in range(20)}, "x", 1.0)
    assert pair.significant
    assert not any(one.significant for one in more if {one.better, one.than} == {"a", "b"})


def test_questions_without_a_share_and_with_evidence_of_their_own(people_file, tmp_path):
    """A dictionary attack has no best answer, so it is ranked and has no share; photos are given to each subject."""
    spec = spec_of(people_file, schemes="cosine", questions="photo,wolf")
    made = make(Wishes(spec), jobs=1)
    write_folder(tmp_path / "public", made.public)
    write_folder(tmp_path / "secret", made.secret)
    opened = Opened.at(tmp_path / "public")
    attack = answering.by_attacks(opened, "public-dictionary", (), seed=0, say=lambda _: None)
    for name, answers in (("attack", attack.answers), ("random", answering.at_random(opened, (), 0).answers)):
        write_folder(tmp_path / name, written(name, {}, answers, made.manifest))
    board = score(tmp_path / "secret", [tmp_path / "attack", tmp_path / "random"])
    found = {one.question: one for one in board.tasks}
    assert found["wolf"].ceiling is None
    assert [row.attacker for row in found["wolf"].rows] == ["attack", "random"]
    assert found["wolf"].rows[0].share is None
    assert (found["photo"].floor, found["photo"].ceiling) == (0.25, 1.0)
    assert opened.evidence(opened.task(found["photo"].task)).candidates.shape[1:] == (4, 16)
    assert {one.name: one.share for one in board.attackers}["attack"] == 0.0


def test_a_changed_truth_is_noticed(challenge, tmp_path):
    shutil.copytree(challenge.secret, tmp_path / "secret")
    path = tmp_path / "secret" / "secret.json"
    path.write_text(path.read_text().replace('"seed"', '"seed" '))
    with pytest.raises(InputError, match="isn't what the challenge was made with"):
        SecretPart.at(tmp_path / "secret")
    shutil.copy(challenge.secret / "secret.json", path)
    (tmp_path / "secret" / "truth.npz").write_bytes(b"PK")
    part = ranking.SecretPart.at(tmp_path / "secret")
    with pytest.raises(InputError, match="isn't the challenge's file"):
        part.scorer(part.opened.manifest.tasks[0])


def test_the_public_part_is_no_secret_one(challenge):
    with pytest.raises(InputError, match=r"no file at .*secret.json'; expected the secret part"):
        SecretPart.at(challenge.public)


def test_one_of_many_tasks_above_the_floor_by_luck_is_no_success():
    """At 95 % a random answer is above the floor in one of 40 tasks."""
    lucky = share_of(Measurement("x", 0.65, 0.52, 0.78, 60, floor=0.5, ceiling=1.0))
    clear = share_of(Measurement("x", 0.90, 0.80, 0.95, 60, floor=0.5, ceiling=1.0))
    assert [ranking._above_floor(one, 1) for one in (lucky, clear, None)] == [True, True, False]
    assert [ranking._above_floor(one, 40) for one in (lucky, clear, None)] == [False, True, False]
