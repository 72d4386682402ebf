"""``--device`` in each command that runs: unknown names, and devices that aren't here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

import mote_bench as mb
from mote_bench.cli import app
from mote_bench.cli.commands import gate, verify
from mote_bench.contracts import InputError
from mote_bench.engine import dry_run, runner
from mote_bench.planning import settings
from mote_bench.planning.settings import Setting
from mote_bench.planning.spec import RunSpec

BASELINE = Path(__file__).parents[4] / "leaderboards" / "gate"
SMALL = RunSpec(people=140, protocol="quick-1", schemes="cosine", questions="verify")


class Begun(Exception):
    """In place of the tasks; holds the setting that they would get."""


@pytest.fixture(scope="module")
def small() -> Setting:
    return settings.make(SMALL)


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch, small: Setting) -> None:
    """Runs of the same small data end where their first task would start, on a machine without any device."""

    def begin(setting: Setting, *_: object, **__: object) -> NoReturn:
        raise Begun(setting)

    def absent(device: str, say: Callable[[str], None]) -> str:
        say(f"note: no {device}")
        return "cpu"

    monkeypatch.setattr(settings, "make", lambda spec, **_: replace(small, spec=spec))
    monkeypatch.setattr(settings, "device_here", absent)
    for module, name in ((dry_run, "checked"), (runner, "run")):
        monkeypatch.setattr(module, name, begin)


def command(folder: Path, *options: str) -> object:
    result = CliRunner().invoke(app.app, ["run", "--device", "cuda", "--out", str(folder), *options])
    if result.exception is not None:
        raise result.exception
    return result


BEGIN: dict[str, Callable[[Path], object]] = {
    "run": command,
    "from Python": lambda _: mb.run(device="cuda"),
    "gate": lambda folder: gate._fresh(replace(SMALL, device="cuda"), folder, jobs=1, budget=None, quiet=True),
    "verify and external": lambda _: verify.rerun(replace(SMALL, device="cuda"), quiet=True),
}


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("name", BEGIN)
def test_a_device_that_is_not_here_is_one_line_and_the_cpu(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Begun) as begun:
        BEGIN[name](tmp_path)
    assert begun.value.args[0].spec.device == "cpu"
    if name != "run":  # whose output is kept from the test by typer's runner
        assert capsys.readouterr().err == "note: no cuda\n"


@pytest.mark.usefixtures("nothing_runs")
def test_devices_of_a_cluster_elsewhere_are_not_looked_for_here(tmp_path: Path) -> None:
    with pytest.raises(Begun) as begun:
        command(tmp_path, "--backend", "tcp://10.0.0.5:8786")
    assert begun.value.args[0].spec.device == "cuda"


@pytest.mark.parametrize("given", [["run", "--out"], ["gate", "--baseline", str(BASELINE), "--quick", "--out"]])
def test_an_unknown_name_is_refused_before_anything_is_written(given: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app.app, [*given, str(tmp_path / "out"), "--device", "gpu"])
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == "--device gpu: expected cpu, cuda, cuda:N (such as cuda:0) or mps"
    assert not (tmp_path / "out").exists()


def test_a_finished_candidate_has_no_device_left_to_choose(tmp_path: Path) -> None:
    options = ["--baseline", str(BASELINE), "--quick", "--candidate", str(tmp_path), "--device", "cuda"]
    result = CliRunner().invoke(app.app, ["gate", *options])
    assert isinstance(result.exception, InputError)
    assert "--device change a fresh run, but --candidate is a finished one" in str(result.exception)
