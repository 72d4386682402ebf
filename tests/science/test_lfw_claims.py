"""What the benchmark exists to show, on real embeddings: 200 people of LFW attacked, 300 of the attacker's own."""

import numpy as np
import pytest

from mote_bench.contracts import Status
from mote_bench.engine import runner
from mote_bench.planning import settings
from mote_bench.planning.spec import RunSpec
from mote_bench.records import store
from readings import value

pytestmark = pytest.mark.slow(minutes=0.2)


QUESTIONS = "verify,gender,reconstruct,link,fairness,cost"
NAMED = {
    "mote": (
        "logistic-bytes,calibrated-bytes,canonical-bytes,logistic-answers,vote-answers,ridge-answers,net-bytes,"
        "compare-bytes,compare-inverted,pairs-bytes"
    ),
    "biohash": "kernel-bytes,several-inverted",
    "pe-miu": "construction-bytes",
    "leace": "svm-bytes,public-bytes",
}
"""The attacks that tests name, by scheme. Every attack meets the two controls, and ``mote-flattened``."""


@pytest.fixture(scope="module")
def lfw(shared_data, tmp_path_factory):
    """Every attack on the controls and on one scheme, and those that tests name on four more; one seed."""
    folder = tmp_path_factory.mktemp("lfw")
    store.prepare(folder)
    for scheme, attacks in ({"mote-flattened": "default"} | NAMED).items():
        asked = RunSpec(data=str(shared_data / "lfw_dlib.npz"), schemes=scheme, attacks=attacks, questions=QUESTIONS)
        runner.run(settings.make(asked), folder, jobs=2, progress=lambda done, total, what: None)
    return store.read(folder)


def test_nothing_failed_and_every_attack_breaks_cosine(lfw):
    assert {record.status for record in lfw} == {Status.OK}
    counted = [
        one for one in lfw if one.cell.question not in ("fairness", "cost") and "records" not in one.cell.knowledge
    ]
    assert {record.measurements[0].n for record in counted} == {200}


@pytest.mark.parametrize("attack", ["logistic-bytes", "calibrated-bytes", "logistic-answers", "vote-answers"])
def test_embeddings_give_gender_away(lfw, attack):
    assert value(lfw, "balanced_accuracy", scheme="cosine", attack=attack, question="gender").value >= 0.97


def test_enrolled_public_faces_give_away_what_linear_erasure_leaves(lfw):
    """A curved border takes more templates than the shadow subjects have."""
    few, many = (
        value(lfw, "balanced_accuracy", scheme="leace", attack=attack, question="gender").value
        for attack in ("svm-bytes", "public-bytes")
    )
    assert many >= 0.95
    assert many > few + 0.03


def test_the_papers_attack_on_the_weights_stands_at_chance(lfw):
    """Balanced accuracy of a classifier on the flattened weights, as the paper evaluates."""
    naive = value(lfw, "balanced_accuracy", scheme="mote", attack="logistic-bytes", question="gender")
    assert naive.low <= 0.5 <= naive.high


def test_the_weights_give_gender_away_to_who_sets_the_threshold(lfw):
    """The same regression, calibrated on the attacker's own people: the ranking was there all along."""
    assert value(lfw, "auc", scheme="mote", attack="calibrated-bytes", question="gender").value >= 0.85
    assert value(lfw, "balanced_accuracy", scheme="mote", attack="calibrated-bytes", question="gender").value >= 0.75


def test_the_weights_give_gender_away_once_units_are_in_order(lfw):
    """The order of hidden units hides nothing from who sorts them, or reads what no order changes."""
    assert value(lfw, "balanced_accuracy", scheme="mote", attack="canonical-bytes", question="gender").value >= 0.90


def test_another_key_makes_another_template(lfw):
    """BioHash can be renewed: an old template accepts its subject under a new key about as often as an impostor."""
    found = value(lfw, "other_key_accepted_at_fmr_1e-2", scheme="biohash", question="verify", knowledge="none")
    assert found.value <= 0.03
    keys = value(lfw, "usable_keys_at_fmr_1e-2", scheme="biohash", question="verify", knowledge="none")
    assert keys.value == pytest.approx(1 / found.value)


def test_several_records_link_better_than_one(lfw):
    """Ten BioHashes of one photo under ten stolen keys, against one of another photo."""

    def eer(attack, knowledge):
        return value(lfw, "eer", scheme="biohash", attack=attack, question="link", knowledge=knowledge).value

    assert eer("several-inverted", "stolen_key (10 records)") <= eer("several-inverted", "stolen_key (2 records)")


@pytest.mark.parametrize("attack", ["logistic-answers", "vote-answers"])
def test_motes_answers_give_gender_away(lfw, attack):
    assert value(lfw, "balanced_accuracy", scheme="mote", attack=attack, question="gender").value >= 0.95


def test_mote_is_inverted(lfw):
    def found(metric):
        return value(lfw, metric, scheme="mote", attack="ridge-answers", question="reconstruct").value

    assert found("centred_cosine") >= 0.90
    genuine = found("genuine_success_at_fmr_1e-3")
    assert found("type_2_success_at_fmr_1e-3") >= genuine - 0.08
    assert found("wolf_rate_at_fmr_1e-3") <= 0.005


def test_two_motes_of_one_person_are_linked(lfw):
    assert value(lfw, "eer", scheme="mote", attack="compare-inverted", question="link").value <= 0.05


def test_two_motes_of_one_person_are_linked_by_their_bytes_alone(lfw):
    """Correlation finds some of it; who enrolls people twice and learns what stays the same finds nearly all."""
    correlated = value(lfw, "eer", scheme="mote", attack="compare-bytes", question="link")
    learned = value(lfw, "eer", scheme="mote", attack="pairs-bytes", question="link")
    assert learned.value <= 0.05
    assert learned.high < correlated.low


def test_a_net_decodes_the_face_from_motes_bytes_alone(lfw):
    assert value(lfw, "centred_cosine", scheme="mote", attack="net-bytes", question="reconstruct").value >= 0.85


def test_cosine_recognises(lfw, shared_data):
    """EER 0.010 +- 0.005 over splits; this split's own figure lies within its interval."""
    from mote_bench.data import npz
    from mote_bench.metrics.verification import eer
    from mote_bench.planning import protocol
    from mote_bench.planning.split import split

    faces = npz.load(shared_data / "lfw_dlib.npz", bins={}).faces
    rates = []
    for seed in range(8):
        target = split(faces, protocol.load(), seed=seed).target
        scores = np.hstack(
            [enrolled.embeddings @ target.probes.embeddings.T for enrolled in (target.references, target.seconds)]
        )
        genuine = np.arange(len(scores))[:, None] == np.tile(target.shown, 2)
        rates.append(eer(scores[genuine], scores[~genuine]))
    assert np.mean(rates) == pytest.approx(0.010, abs=0.005)
    own = value(lfw, "eer", scheme="cosine", question="verify")
    assert own.value == pytest.approx(rates[0])
    assert own.low <= np.mean(rates) <= own.high


def test_noise_stands_at_chance(lfw):
    """No attack's interval, widened for their number (Bonferroni), lies above chance on templates that hold nothing."""
    from scipy.stats import norm

    headline = {"gender": "balanced_accuracy", "reconstruct": "cosine_gain", "link": "eer"}
    records = [record for record in lfw if record.cell.scheme == "noise" and record.cell.question in headline]
    wider = norm.ppf(1 - 0.025 / len(records)) / norm.ppf(0.975)
    for record in records:
        found = next(each for each in record.measurements if each.name == headline[record.cell.question])
        reach = wider * max(found.high - found.value, found.value - found.low)
        assert abs(found.value - found.chance) <= reach, (record.cell, found)


def test_flattened_answers_hide_until_somebody_searches(lfw):
    """Answers to public faces, and gradients from them, fail; a search of a sampled prior doesn't."""

    def gender(attack):
        return value(lfw, "balanced_accuracy", scheme="mote-flattened", attack=attack, question="gender").value

    for attack in ("logistic-answers", "vote-answers", "logistic-inverted"):
        assert gender(attack) <= 0.65
    assert gender("logistic-searched") >= 0.88

    def gain(attack):
        return value(lfw, "cosine_gain", scheme="mote-flattened", attack=attack, question="reconstruct").value

    assert gain("ridge-answers") <= 0.15
    assert gain("gradient-answers") <= 0.4
    assert gain("search-answers") >= 0.7


def test_the_boards_worst_case_finds_it_too(lfw):
    """Chosen by the attacks' figures on the selection subjects."""
    from mote_bench.analysis.standings import standings

    [(board, _)] = standings(lfw)
    row = next(row for row in board.rows if row.scheme == "mote-flattened")
    worst = row.questions[[reading.question for reading in board.readings].index("gender")]
    assert worst.headline.value >= 0.88
    assert any("flat" in note for note in row.notes)


def test_score_only_access_is_solved(lfw):
    def found(metric):
        return value(lfw, metric, scheme="cosine", attack="solve-scores", question="reconstruct").value

    assert found("centred_cosine") > 0.99
    assert found("queries_per_person") <= 2 * 128


def test_decisions_alone_invert(lfw):
    """Within 64 queries a dimension, as printed; the first accepted face is the attacker's to find."""

    def found(metric):
        return value(lfw, metric, scheme="cosine", attack="boundary-decisions", question="reconstruct").value

    assert found("accepted_at_fmr_1e-3") >= 0.9
    assert found("queries_per_person") <= 64 * 128


def test_block_orders_are_recovered(lfw):
    assert (
        value(lfw, "centred_cosine", scheme="pe-miu", attack="construction-bytes", question="reconstruct").value > 0.95
    )


def test_a_known_key_inverts_biohash(lfw):
    """Success against the enrolled photo where nothing is centred, by the decoder that knows how faces are spread."""

    def found(metric):
        return value(
            lfw, metric, scheme="biohash", attack="kernel-bytes", question="reconstruct", knowledge="stolen_key"
        ).value

    assert found("uncentred_type_1_success_at_fmr_1e-2") >= 0.99
    assert found("uncentred_type_1_success_at_fmr_1e-3") >= 0.80


def test_the_mean_face_stands_in_every_inversion_row(lfw):
    rows = [record for record in lfw if record.cell.question == "reconstruct"]
    assert rows
    for record in rows:
        names = {one.name for one in record.measurements}
        assert any("mean_face" in name for name in names), record.cell
