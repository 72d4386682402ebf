"""Mutation testing of the metrics and the gate: `make mutants` says how many small faults the tests notice.

Cosmic Ray puts one fault at a time into a copy of the sources (another operator, another number, a condition turned
round) and runs the tests of the metrics, of the gate and the hand-computed truths. What these leave alive faces the
calibration tests, which take minutes. All faults would take hours, so some are drawn with a named seed; the share is
printed with its interval, and every survivor with its change. Faults that no test could miss or see are left out of
the draw: bit operators and `is` in place of arithmetic and comparisons, and faults in annotations, which don't run.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkItem, WorkResult

from mote_bench.metrics.intervals import wilson

ROOT = Path(__file__).resolve().parents[1]
MUTATED = ("mote_bench/metrics", "mote_bench/gate.py")
NOT_QUICK = (
    "--ignore=tests/unit/metrics/test_metrics_calibration.py",
    "--deselect=tests/truth/test_truth_values.py::test_the_interval_covers",
)
QUICK = ("tests/truth", "tests/unit/metrics", "tests/unit/test_gate.py", *NOT_QUICK)
LONG = ("tests/unit/metrics/test_metrics_calibration.py", "tests/truth/test_truth_values.py::test_the_interval_covers")
CALIBRATED = ("attributes", "fairness", "intervals", "linkage", "measured", "reconstruction", "values", "verification")
"""The modules that these run through; a fault elsewhere they couldn't meet."""
SENSELESS = re.compile(r"_(RShift|LShift|BitOr|BitAnd|BitXor|Is|IsNot)$")
CONFIG = """[cosmic-ray]
module-path = {modules}
timeout = 36000.0
excluded-modules = []
test-command = "{command}"
[cosmic-ray.distributor]
name = "local"
"""


Tried = tuple[WorkItem, WorkResult | None]


def main() -> None:
    """Draw, run, report; exit 1 when the share killed is below what was asked."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--faults", type=int, default=120, help="how many are drawn")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--least", type=float, default=0.9, help="the share that must be killed")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = _copied(Path(folder))
        drawn, known = _drawn(copy, options.faults, options.seed)
        alive: list[Tried] = [(item, None) for item in drawn]
        for tests, seconds in ((_own, 300), (_quick, 300), (_long, 1800)):
            alive = _survivors(copy, alive, tests, seconds)
            print(f"{len(alive)} alive after {tests.__name__.strip('_')} tests", flush=True)
    dead = len(drawn) - len(alive)
    low, high = wilson(dead, len(drawn))
    for item, result in sorted(alive, key=lambda one: str(one[0].mutations[0])):
        print(f"\nalive: {_named(item.mutations[0])}\n{_change(result)}")
    print(
        f"\n{dead} of {len(drawn)} faults killed: {dead / len(drawn):.3f}, 95 % interval {low:.3f} to {high:.3f}; "
        f"drawn of {known} with seed {options.seed}"
    )
    sys.exit(dead / len(drawn) < options.least)


def _copied(folder: Path) -> Path:
    for name in ("mote_bench", "attacks", "baselines", "tests", "leaderboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def _drawn(copy: Path, count: int, seed: int) -> tuple[list[WorkItem], int]:
    """Some of the faults, and how many there are."""
    _cosmic_ray(copy, "init", "true")
    with use_db(copy / "session.sqlite", WorkDB.Mode.open) as found:
        items = sorted((item for item in found.work_items if _sensible(copy, item.mutations[0])), key=_place)
    chosen = np.random.default_rng(seed).permutation(len(items))[:count]
    return [items[place] for place in sorted(chosen)], len(items)


def _place(item: WorkItem) -> tuple[str, tuple[int, int], str, str]:
    one = item.mutations[0]
    return str(one.module_path), one.start_pos, one.operator_name, str(one.operator_args)


def _sensible(copy: Path, one: MutationSpec) -> bool:
    if SENSELESS.search(one.operator_name):
        return False
    tree = ast.parse((copy / one.module_path).read_text(encoding="utf-8"))
    return not any(first <= one.start_pos < last for first, last in _annotations(tree))


def _annotations(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        noted = getattr(node, "annotation", None), getattr(node, "returns", None)
        found += [one for one in noted if isinstance(one, ast.expr)]
    return [((one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0)) for one in found]


def _own(module: Path) -> tuple[str, ...]:
    """The tests that bear the name of a module; they end most faults, and quickly."""
    if module.name == "gate.py":
        return ("tests/unit/test_gate.py",)
    names = (f"tests/truth/test_truth_{module.stem}.py", f"tests/unit/metrics/test_metrics_{module.stem}.py")
    return tuple(name for name in names if (ROOT / name).exists()) + NOT_QUICK


def _quick(_: Path) -> tuple[str, ...]:
    return QUICK


def _long(module: Path) -> tuple[str, ...]:
    return LONG if module.stem in CALIBRATED else ()


def _survivors(
    copy: Path, tried: Sequence[Tried], tests: Callable[[Path], tuple[str, ...]], seconds: int
) -> list[Tried]:
    """The faults that the tests of their module leave alive; where there are none, all of them."""
    found: list[Tried] = []
    for module in sorted({item.mutations[0].module_path for item, _ in tried}):
        here = [one for one in tried if one[0].mutations[0].module_path == module]
        paths = tests(module)
        if set(paths) - set(NOT_QUICK):
            here = _alive(copy, [item for item, _ in here], paths, seconds)
        found += here
    return found


def _alive(copy: Path, items: Sequence[WorkItem], tests: Sequence[str], seconds: int) -> list[Tried]:
    with use_db(copy / "session.sqlite", WorkDB.Mode.open) as session:
        session.clear()
        session.add_work_items(items)
    options = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m 'not slow and not hour'")
    command = " ".join((sys.executable, "-m", "pytest", *options, *tests))
    subprocess.run(command, shell=True, cwd=copy, env=_environment(copy), check=True, stdout=subprocess.DEVNULL)
    _cosmic_ray(copy, "exec", command, seconds)
    with use_db(copy / "session.sqlite", WorkDB.Mode.open) as session:
        done = list(session.completed_work_items)
    if len(done) != len(items):
        raise RuntimeError(f"{len(done)} of {len(items)} faults were tried")
    return [(item, result) for item, result in done if result.test_outcome == TestOutcome.SURVIVED]


def _cosmic_ray(copy: Path, step: str, command: str, seconds: int = 300) -> None:
    """A fault that loops is stopped after ``seconds`` of the processor: by the clock a busy machine would kill some."""
    (copy / "config.toml").write_text(CONFIG.format(modules=list(MUTATED), command=command), encoding="utf-8")
    program = [sys.executable, "-m", "cosmic_ray.cli", step, "config.toml", "session.sqlite"]
    subprocess.run(
        program,
        cwd=copy,
        env=_environment(copy),
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
    )


def _environment(copy: Path) -> dict[str, str]:
    """The copy is imported, not what is installed; and no more than one thread."""
    return os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _named(one: MutationSpec) -> str:
    return f"{one.module_path}:{one.start_pos[0]} {one.operator_name} {one.operator_args or ''}"


def _change(result: WorkResult | None) -> str:
    lines = ((result and result.diff) or "").splitlines()
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


if __name__ == "__main__":
    main()
