"""A scratch repository from nothing: begin a scheme, gate it, submit it, verify it, break it with a filed attack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundles import resigned
from mote_bench import scaffold
from mote_bench.conformance import schemes as scheme_checks
from mote_bench.contracts import InputError
from mote_bench.records import bundle_check

pytestmark = pytest.mark.slow(minutes=0.2)
RUN = ("run", "--protocol", "quick-1", "--schemes", "my-signs", "--quiet")


class Scratch:
    """A folder with plug-ins of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.site = home / "site"

    def install(self, package: Path) -> None:
        options = [
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "--quiet",
            "--upgrade",
            "--target",
            str(self.site),
        ]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, str(package)], check=True, capture_output=True
        )

    def mote_bench(self, *arguments: str, code: int = 0) -> str:
        environment = os.environ | {"PYTHONPATH": str(self.site), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "mote_bench", *arguments]
        made = subprocess.run(command, cwd=self.home, env=environment, capture_output=True, text=True, check=False)
        assert made.returncode == code, made.stdout + made.stderr
        return made.stdout + made.stderr


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    made = Scratch(tmp_path_factory.mktemp("scratch"))
    made.install(scaffold.write("scheme", "my-signs", made.home))
    made.mote_bench(*RUN, "--out", "base")
    return made


def test_the_new_package_passes_its_own_tests(scratch: Scratch) -> None:
    folder, environment = scratch.home / "mote-bench-my-signs", os.environ | {"PYTHONPATH": str(scratch.site)}
    subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=folder, env=environment, check=True, capture_output=True)
    checks = len(scheme_checks.CHECKS)
    assert f"my-signs: {checks} of {checks} checks passed" in scratch.mote_bench("check", "my-signs", "--quiet")


def test_the_gate_passes_unchanged_code_and_fails_a_leak(scratch: Scratch) -> None:
    assert "passed" in scratch.mote_bench("gate", "--baseline", "base", "--quiet")
    source = scratch.home / "mote-bench-my-signs" / "src" / "mote_bench_my_signs" / "scheme.py"
    honest = source.read_text()
    # Somebody "improves" accuracy by keeping the embedding beside its signs.
    leaking = honest.replace("np.packbits(row > self.mean).tobytes()", "row.astype(np.float32).tobytes()")
    leaking = leaking[: leaking.index("        shown =")] + (
        "        return np.stack([np.frombuffer(one, np.float32) for one in templates]) @ probes.T\n"
    )
    try:
        source.write_text(leaking)
        scratch.install(scratch.home / "mote-bench-my-signs")
        report = ("--junit", "gate.xml", "--markdown", "gate.md")
        said = scratch.mote_bench("gate", "--baseline", "base", *report, code=1)
    finally:
        source.write_text(honest)
        scratch.install(scratch.home / "mote-bench-my-signs")
    worse = [line.split()[2] for line in said.splitlines() if line.startswith("worse")]
    assert {"reconstruct", "cost"} <= set(worse)
    assert "<failure" in (scratch.home / "gate.xml").read_text()
    assert "gate: failed" in (scratch.home / "gate.md").read_text()


def test_a_bundle_is_made_verified_and_shown(scratch: Scratch) -> None:
    scratch.mote_bench(
        "submit", "--scheme", "my-signs", "--by", "A <b>Submitter</b>", "--out", "base", "--to", "b.json"
    )
    assert "holds: " in scratch.mote_bench("verify", "b.json")
    table = json.loads((scratch.home / "b.json").read_text())
    for record in table["records"]:
        for one in record["measurements"]:
            if one["metric"] == "balanced_accuracy":
                one.update(value=0.5, low=0.45, high=0.55)
    (scratch.home / "edited.json").write_text(resigned(table))
    assert bundle_check.OUTSIDE in scratch.mote_bench("verify", "edited.json", code=1)
    fewer = {**table, "records": [one for one in table["records"] if one["cell"]["attack"] != "ridge-answers"]}
    (scratch.home / "chosen.json").write_text(resigned(fewer))
    assert "lacks cells of its protocol: ridge-answers" in scratch.mote_bench("verify", "chosen.json", code=2)


def test_a_filed_attack_is_shown_on_the_published_row(scratch: Scratch) -> None:
    scratch.install(scaffold.write("attack", "nearest-mean", scratch.home))
    scratch.mote_bench(
        "external", "--scheme", "my-signs", "--attack", "nearest-mean", "--by", "A Finder", "--out", "base"
    )
    (filed,) = (scratch.home / "base" / "bundles").glob("*nearest-mean.json")
    assert "holds: " in scratch.mote_bench("verify", str(filed))
    scratch.mote_bench("board", "--out", "base", "--quiet")
    assert "nearest-mean" in (scratch.home / "base" / "leaderboard.html").read_text()


@pytest.mark.parametrize("name", ["cosine", "a b", "-x", "../x", "123"])
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"can't be a name|is taken by"):
        scaffold.write("scheme", name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_new_embedder_passes_its_own_tests_and_embeds(scratch: Scratch) -> None:
    from portraits import portrait, save

    package = scaffold.write("embedder", "my-net", scratch.home)
    scratch.install(package)
    environment = os.environ | {"PYTHONPATH": str(scratch.site)}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=package, env=environment, check=True, capture_output=True
    )
    found = scratch.mote_bench("check", "my-net")
    assert found.startswith("Checking embedder 'my-net' of mote-bench-my-net 0.1.0 (mote_bench_my_net.embedder:MyNet)")
    assert "9 of 9 checks passed" in found
    for person in range(2):
        save(scratch.home / "photos" / str(person) / "0.png", portrait(person))
    said = scratch.mote_bench("embed", "photos", "--embedder", "my-net", "--out", "faces.npz")
    assert "2 embeddings of 2 subjects" in said
