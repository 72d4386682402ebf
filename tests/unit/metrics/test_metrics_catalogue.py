"""The catalogue describes every metric that is measured, without numpy."""

import json
import subprocess
import sys

import numpy as np
import pytest
from metric_populations import Population

from mote_bench.cli import listing
from mote_bench.contracts import InputError
from mote_bench.metrics.attributes import measure_attribute
from mote_bench.metrics.catalogue import METRICS, describe
from mote_bench.metrics.fairness import measure_fairness
from mote_bench.metrics.linkage import measure_linkage
from mote_bench.metrics.reconstruction import Truth, measure_reconstruction
from mote_bench.metrics.verification import measure_verification


def measured_names() -> list[tuple[str, str]]:
    """(question, metric) of everything that the measures hand back."""
    rng = np.random.default_rng(0)
    scores = Population(0.8).scores(rng, 110)
    thresholds, faces = {"1e-2": 0.4, "1e-3": 0.5}, rng.standard_normal((110, 8))
    truth = Truth(np.zeros(8), faces, faces[scores.shown], scores.shown)
    measured = {
        "verify": measure_verification(scores, thresholds, rng),
        "fairness": measure_fairness(scores, {"age_group": np.array(["18-34", "65+"] * 55)}, 0.4, rng=rng),
        "gender": measure_attribute(rng.standard_normal((110, 2)), np.arange(110) % 2, ("female", "male")),
        "link": measure_linkage(rng.standard_normal((40, 40)), np.arange(40), rng),
        "reconstruct": measure_reconstruction(faces, truth, thresholds, rng, uncentred=thresholds),
    }
    return [(question, one.name) for question, result in measured.items() for one in result.measurements]


def test_every_measured_metric_is_described() -> None:
    names = measured_names()
    assert len(names) > 30
    for question, metric in names:
        row = describe(metric, "attribute" if question == "gender" else question)
        assert question in row.questions or row.questions == ("attribute",)
        assert describe(metric).meaning


def test_suffixed_names_resolve_to_their_own_row() -> None:
    for name, row in (
        ("fnmr_at_fmr_1e-2", "fnmr_at_fmr_{fmr}"),
        ("fnmr_gender_female_at_fmr_1e-2", "fnmr_{attribute}_{group}_at_fmr_{fmr}"),
        ("fmr_age_18_34_at_fmr_1e-2", "fmr_{attribute}_{group}_at_fmr_{fmr}"),
        ("fmr_reached_at_fmr_1e-3", "fmr_reached_at_fmr_{fmr}"),
        ("type_2_success_at_wolf_rate_1e-3", "type_2_success_at_wolf_rate_{fmr}"),
        ("uncentred_type_2_success_at_fmr_1e-3", "uncentred_type_2_success_at_fmr_{fmr}"),
        ("mean_face_type_2_success_at_fmr_1e-3", "mean_face_type_2_success_at_fmr_{fmr}"),
        ("ser_age", "ser_{attribute}"),
        ("fdr_{attribute}_at_fmr_{fmr}", "fdr_{attribute}_at_fmr_{fmr}"),
    ):
        assert describe(name).name == row


def test_the_question_decides_which_way_is_better() -> None:
    assert describe("eer").better == describe("eer", "verify").better == "lower"
    assert describe("eer", "link").better == "higher"
    assert describe("rank_1", "verify").better == "higher"
    assert describe("rank_1", "link").better == "lower"
    assert describe("balanced_accuracy", "attribute").better == "lower"


def test_rows_are_complete_and_distinct() -> None:
    assert len({(row.name, row.questions) for row in METRICS}) == len(METRICS)
    for row in METRICS:
        assert row.meaning
        assert "\n" not in row.meaning
        assert row.source
        assert row.better in ("lower", "higher", "neither")


@pytest.mark.parametrize(("name", "question"), [("nonsense", None), ("d_sys", "verify"), ("auc", "link")])
def test_unknown_names(name: str, question: str | None) -> None:
    with pytest.raises(InputError, match=f"no metric is called '{name}'"):
        describe(name, question)


def test_programs_read_the_catalogue_by_published_names() -> None:
    rows = json.loads(listing.as_json())["metrics"]
    assert {tuple(row) for row in rows} == {("name", "questions", "meaning", "better", "source")}
    assert "fnmr_{attribute}_{group}_at_fmr_{fmr}" in {row["name"] for row in rows}


def test_numpy_is_not_imported() -> None:
    code = "import sys, mote_bench.metrics.catalogue; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
