"""A run with --bins, --attributes, --attacker-data or --people is gated, attacked and verified as it was made.

pytest-benchmark#219 and cedar-py#84 are of this kind: gates that can't repeat the run they guard.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mote_bench as mb
from mote_bench.cli.commands.external import external
from mote_bench.cli.commands.gate import gate
from mote_bench.cli.commands.verify import verify
from mote_bench.contracts import InputError
from mote_bench.execution import workers
from populations import gaussian_faces
from workshop import one_after_the_other


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that need --bins or --attributes, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "run", one_after_the_other)
    for name, people in (("own", 180), ("other", 300)):
        faces = gaussian_faces(people, 4, dimension=16, seed=people)
        rng = np.random.default_rng(people)
        more = {
            "age": np.repeat(rng.integers(20, 70, people), 4),
            "height": np.repeat(rng.normal(170, 10, people), 4),
            "frame": np.array([f"im{row}" for row in range(len(faces))]),
        }
        kept = {"own": (), "other": ("age",)}
        for column in kept[name] or more:
            rest = {"embeddings": faces.embeddings, "identity": faces.identity, "gender": faces.attributes["gender"]}
            np.savez(f"{'other' if name == 'other' else column}.npz", **rest, **{column: more[column]})


def made(folder: str, data: str, questions: str = "gender,verify", **options: Any) -> None:
    mb.run(data, schemes="biohash", attacks="vote-answers", questions=questions, protocol="quick-1", jobs=1, out=folder,
           **options)  # fmt: skip


def gated(folder: str, data: str | None = None, **options: Any) -> None:
    gate(Path(folder), data=data, jobs=1, quiet=True, out=Path("fresh"), **options)


def test_bins_of_a_column_that_is_asked_beside(capsys: pytest.CaptureFixture[str]) -> None:
    made("a", "age.npz", bins=["age=30,50"])
    gated("a", "age.npz")
    assert capsys.readouterr().out.startswith("passed: ")


def test_bins_of_a_question_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    made("b", "height.npz", "height,verify", bins={"height": (165, 175)})
    gated("b", "height.npz", bins=["height=165,175"])
    assert capsys.readouterr().out.startswith("passed: ")
    with pytest.raises(InputError, match="--bins height=170: the run has other bins"):
        gated("b", "height.npz", bins=["height=170"])


def test_columns_that_must_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    made("c", "frame.npz", attributes="gender")
    gated("c", "frame.npz")
    assert capsys.readouterr().out.startswith("passed: ")


def test_other_attackers_and_fewer_people_and_files_that_have_moved(capsys: pytest.CaptureFixture[str]) -> None:
    made("d", "height.npz", "gender,verify", attributes="gender", attacker_data="other.npz", people=170)
    gated("d", "height.npz")
    gated("d")
    Path("other.npz").rename("moved.npz")
    with pytest.raises(InputError, match=r"aren't at 'other\.npz': there is no such file.*--attacker-data FILE"):
        gated("d")
    gated("d", attacker_data="moved.npz")
    assert capsys.readouterr().out.count("passed: ") == 3


def test_a_stronger_attack_on_such_a_run_is_filed_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    options = {"attributes": "gender,height", "bins": {"height": (165, 175)}, "people": 170}
    made("e", "height.npz", "gender,height,verify", attacker_data="other.npz", **options)
    external("biohash", "logistic-bytes", "A Finder", Path("e"), jobs=1, to=Path("found.json"))
    Path("height.npz").rename("mine.npz")
    verify(Path("found.json"), data="mine.npz", attacker_data="other.npz", jobs=1, quiet=True)
    out = capsys.readouterr().out
    assert "made with --attributes gender,height --people 170 --bins height=165,175 --attacker-data other\n" in out
    assert out.splitlines()[-1].startswith("holds: ")
    with pytest.raises(InputError, match=r"'height' were read from a file; give the file with SHA-256 \w{64}: --data"):
        verify(Path("found.json"), jobs=1)
