"""From a spec to data and plan: fresh, and of a run that is made again, whose data must be the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mote_bench import provenance, settings
from mote_bench.contracts import InputError
from mote_bench.data.arrays import checksum
from mote_bench.spec import RunSpec
from populations import gaussian_faces


def saved(path: Path, people: int = 200, seed: int = 0) -> Path:
    faces = gaussian_faces(people, 4, dimension=16, seed=seed)
    height = np.repeat(np.random.default_rng(seed).normal(170, 10, people), 4)
    np.savez(
        path, embeddings=faces.embeddings, identity=faces.identity, gender=faces.attributes["gender"], height=height
    )
    return path


@pytest.fixture
def asked(tmp_path: Path) -> RunSpec:
    own, other = saved(tmp_path / "own.npz"), saved(tmp_path / "other.npz", 300, seed=1)
    return RunSpec(str(own), "biohash", "vote-answers", "height,verify", bins={"height": (165.0, 175.0)}, people=190,
                   attributes="gender,height", attacker_data=str(other), protocol="quick-1", seed=1)  # fmt: skip


def test_a_spec_gets_labels_files_and_checksums(asked: RunSpec, tmp_path: Path) -> None:
    made = settings.make(asked)
    own, other = tmp_path / "own.npz", tmp_path / "other.npz"
    assert (made.spec.data, made.spec.data_file, made.spec.data_sha256) == ("own", str(own), checksum(own))
    theirs = (made.spec.attacker_data, made.spec.attacker_file, made.spec.attacker_sha256)
    assert theirs == ("other", str(other), checksum(other))
    assert {cell.data for cell in made.plan.cells} == {"own@190 from other"}
    assert (made.seed, {cell.seed for cell in made.plan.cells}) == (1, {1})
    assert {one["spec"] for one in provenance.of_setting(made).values()} == {made.spec.in_record()}


def test_a_run_made_again_has_the_same_cells_whatever_its_files_are_called(asked: RunSpec, tmp_path: Path) -> None:
    made = settings.make(asked)
    assert settings.make(made.spec).plan.cells == made.plan.cells
    moved = [(tmp_path / name).rename(tmp_path / f"moved-{name}") for name in ("own.npz", "other.npz")]
    again = settings.make(replace(made.spec, data_file=str(moved[0]), attacker_file=str(moved[1])))
    assert again.plan.cells == made.plan.cells
    assert provenance.of_setting(again) == provenance.of_setting(made)
    assert again.bins == made.bins
    assert np.array_equal(again.split.target.numbers, made.split.target.numbers)


@pytest.mark.parametrize(("side", "option"), [("data", "--data"), ("attacker", "--attacker-data")])
def test_the_data_of_a_run_that_are_not_here_are_named(asked: RunSpec, tmp_path: Path, side: str, option: str) -> None:
    spec = settings.make(asked).spec
    file = saved(tmp_path / "third.npz", 210, seed=2)
    wanted = spec.data_sha256 if side == "data" else spec.attacker_sha256
    ends = re.escape(f"give the file with SHA-256 {wanted}: {option} FILE") + "$"
    parts: dict[str, dict[str, str | None]] = {
        r"were a file; ": {f"{side}_file": None},
        r"were read from 'gone\.npz', which isn't here; ": {f"{side}_file": "gone.npz"},
        r"third\.npz' isn't the data of the run .* checksums differ .*; ": {f"{side}_file": str(file)},
        r"'synthetic' isn't the data of the run .*; ": {f"{side}_file": "synthetic"},
    }
    for message, change in parts.items():
        with pytest.raises(InputError, match=message + ends):
            settings.make(replace(spec, **change))  # type: ignore[arg-type]


def test_a_data_set_by_its_name_stays_one() -> None:
    spec = settings.make(RunSpec(schemes="cosine", questions="verify", people=400)).spec
    assert (spec.data, spec.data_file) == ("synthetic", None)
    assert spec.data_sha256
    assert settings.make(spec).spec == spec


def test_a_label_is_never_read_as_a_path(tmp_path: Path) -> None:
    file = saved(tmp_path / "own.npz")
    with pytest.raises(InputError, match="were a file; give the file"):
        settings.make(RunSpec(str(file), protocol="quick-1", data_sha256=checksum(file)))
