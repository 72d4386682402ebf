"""From Python: schemes on their own and runs as tables."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import mote_bench as mb
from mote_bench import api
from mote_bench.cli import app
from populations import gaussian_faces

PUBLIC = gaussian_faces(120, 3, dimension=16)
PEOPLE = gaussian_faces(10, 2, dimension=16, seed=1).embeddings


@pytest.mark.parametrize("name", ["cosine", "mote", "biohash", "polyprotect"])
def test_schemes_alone_recognise_their_people(name: str) -> None:
    scheme = mb.Templates(name).fit(PUBLIC)
    keys = scheme.new_keys(10)
    scores = scheme.compare(scheme.enroll(PEOPLE[::2], keys), PEOPLE[1::2], keys)
    assert scores.shape == (10, 10)
    own = np.diag(scores)
    assert (own > (scores.sum(axis=1) - own) / 9).mean() >= 0.9


def test_arrays_do_as_well_as_faces() -> None:
    one = mb.Templates("cosine").fit(PUBLIC).enroll(PEOPLE)
    other = mb.Templates("cosine").fit(PUBLIC.embeddings, PUBLIC.identity).enroll(PEOPLE * 3.0)
    assert np.allclose(*(np.frombuffer(b"".join(made), dtype=np.float32) for made in (one, other)), atol=1e-6)


def test_the_same_seed_gives_the_same_templates() -> None:
    made = [mb.MOTE(seed).fit(PUBLIC).enroll(PEOPLE[:2]) for seed in (0, 0, 1)]
    assert made[0] == made[1] != made[2]


def test_scikit_learn_habits() -> None:
    scheme = mb.Templates("biohash", seed=3)
    assert scheme.get_params() == {"scheme": "biohash", "seed": 3}
    assert clone(scheme).get_params() == scheme.get_params()
    assert not hasattr(clone(scheme.fit(PUBLIC)), "scheme_")
    with pytest.raises(NotFittedError, match="isn't fitted"):
        clone(scheme).enroll(PEOPLE)


def test_mistakes_are_said() -> None:
    with pytest.raises(mb.InputError, match="needs a key for each of 20 templates; none given"):
        mb.Templates("biohash").fit(PUBLIC).enroll(PEOPLE)
    with pytest.raises(mb.InputError, match="X has 8 columns; the scheme was fitted on 16"):
        mb.Templates("cosine").fit(PUBLIC).enroll(PEOPLE[:, :8])
    with pytest.raises(mb.InputError, match="No scheme is named 'cosin'"):
        mb.Templates("cosin").fit(PUBLIC)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = mb.nonsense


def test_a_run_is_a_table(tmp_path: Path) -> None:
    table = mb.run(people=240, schemes=["cosine"], attacks="vote-answers", questions=["gender", "verify"], out=tmp_path)
    assert set(table.scheme) == {"cosine", "noise"}
    told = table[(table.metric == "balanced_accuracy") & (table.scheme == "cosine")]
    assert len(told) == 1
    assert told.value.between(told.low, told.high).all()
    assert mb.read(tmp_path).equals(table)
    assert (tmp_path / "leaderboard.html").exists()
    with pytest.raises(mb.InputError, match="no records"):
        mb.read(tmp_path / "nowhere")


def test_a_run_takes_what_the_command_takes() -> None:
    """The same options with the same defaults, but for what a terminal alone needs and where it writes."""
    command, function = (inspect.signature(one).parameters for one in (app.run, mb.run))
    assert function.keys() == command.keys() - {"json"}
    apart = {name for name in function if function[name].default != command[name].default}
    assert apart == {"out", "quiet"}  # a table comes back: nothing need be kept and nothing shown


@pytest.mark.parametrize("missing", [{"age": [-1, 999], "hat": "x"}, ["age=-1,999", "hat=x"]])
def test_what_means_missing_as_a_mapping_or_as_options(monkeypatch: pytest.MonkeyPatch, missing: object) -> None:
    class Asked(Exception):
        """Holds the spec in place of a run."""

    def stop(spec: object, **_: object) -> None:
        raise Asked(spec)

    monkeypatch.setattr(api.settings, "make", stop)
    with pytest.raises(Asked) as asked:
        mb.run("a.npz", missing=missing, identity="labels", embedding_columns="feat_*")  # type: ignore[arg-type]
    spec = asked.value.args[0]
    assert (spec.missing, spec.identity, spec.embedding_columns) == (
        {"age": ("-1", "999"), "hat": ("x",)}, "labels", "feat_*",
    )  # fmt: skip


def test_importing_is_light() -> None:
    code = "import sys, mote_bench; print([name for name in ('torch', 'pandas', 'sklearn') if name in sys.modules])"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"
