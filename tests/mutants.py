"""Mutation testing of what figures depend on: `make mutants` says how many small faults the tests notice.

What is mutated stands in groups: the metrics with the gate, scoring, evidence, planning, spec. Cosmic Ray puts one
fault at a time into a copy of the sources (another operator, another number, a condition turned round). It faces the
tests of its own module; if it lives, all quick tests of its group; and at last, for some metrics, the calibration
tests, which take minutes. Tests run in forks of this process, which has imported what they need and nothing of what is
mutated. All faults would take hours, so some of each group are drawn with a named seed; the share is printed with its
interval, and every survivor with its change. Faults that no test could miss or see are left out of the draw: bit
operators and `is` in place of arithmetic and comparisons, and faults in annotations, which don't run.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cosmic_ray.plugins
from cosmic_ray.mutating import use_mutation
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, WorkItem

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("pytest", "hypothesis.extra.numpy", "scipy.stats", "scipy.optimize", "scipy.integrate", "sklearn.metrics",
          "pandas", "torch", "jsonschema")  # fmt: skip
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow and not hour")
NOT_QUICK = (
    "--ignore=tests/unit/metrics/test_metrics_calibration.py",
    "--deselect=tests/truth/test_truth_values.py::test_the_interval_covers",
)
LONG = ("tests/unit/metrics/test_metrics_calibration.py", "tests/truth/test_truth_values.py::test_the_interval_covers")
CALIBRATED = ("attributes", "fairness", "intervals", "linkage", "measured", "reconstruction", "values", "verification")
"""The modules that these run through; a fault elsewhere they couldn't meet."""


@dataclass(frozen=True)
class Group:
    """Modules that do one thing, and the tests that must notice their faults.

    Attributes
    ----------
    modules : tuple of str
        Files or folders.
    own : mapping of module -> tests
        The tests of a single module, which end most faults, and quickly; a metric's bear its name.
    quick : tuple of str
        What pytest is given for all modules of the group.
    """

    modules: tuple[str, ...]
    own: Mapping[str, tuple[str, ...]]
    quick: tuple[str, ...]


def _of(own: Mapping[str, tuple[str, ...]], *more: str) -> Group:
    """A group that is listed module by module."""
    every = dict.fromkeys(test for tests in own.values() for test in tests)
    return Group(tuple(own), own, (*every, *(one for one in more if one not in every)))


_RULES = ("tests/unit/questions/test_rules.py",)
_SCORED = ("tests/unit/questions/test_question_scoring.py", "tests/unit/questions/test_exams.py", *_RULES)
_DEALT = ("tests/unit/engine/test_evidence.py", "tests/unit/engine/test_staging.py")
GROUPS = {
    "metrics": Group(
        ("mote_bench/metrics", "mote_bench/analysis/gate.py"),
        {"mote_bench/analysis/gate.py": ("tests/unit/analysis/test_gate.py",)},
        ("tests/truth", "tests/unit/metrics", "tests/unit/analysis/test_gate.py", *NOT_QUICK),
    ),
    "scoring": _of(
        {
            "mote_bench/engine/scoring.py": ("tests/unit/engine/test_scoring.py",),
            "mote_bench/engine/ledger.py": ("tests/unit/engine/test_ledger.py",),
            "mote_bench/questions/attribute.py": _SCORED,
            "mote_bench/questions/dictionary.py": _SCORED,
            "mote_bench/questions/edges.py": ("tests/unit/questions/test_edges.py",),
            "mote_bench/questions/linkage.py": _SCORED,
            "mote_bench/questions/membership.py": (*_SCORED, *_DEALT),
            "mote_bench/questions/number.py": _SCORED,
            "mote_bench/questions/photo.py": (*_SCORED, *_DEALT),
            "mote_bench/questions/reconstruction.py": _SCORED,
        }
    ),
    "evidence": _of(
        {
            "mote_bench/engine/evidence.py": _DEALT,
            "mote_bench/engine/staging.py": ("tests/unit/engine/test_staging.py",),
            "mote_bench/questions/staging.py": ("tests/unit/questions/test_question_staging.py",),
        },
        "tests/unit/questions/test_question_scoring.py",
    ),
    "planning": _of(
        {
            "mote_bench/planning/plan.py": ("tests/unit/planning/test_plan.py",),
            "mote_bench/planning/settings.py": ("tests/unit/planning/test_settings.py",),
            "mote_bench/planning/split.py": ("tests/unit/planning/test_split.py",),
        },
        "tests/unit/questions/test_question_staging.py",
    ),
    "spec": _of(
        {"mote_bench/planning/spec.py": ("tests/unit/planning/test_spec.py",)}, "tests/unit/planning/test_settings.py"
    ),
}
SECONDS = 1800
"""Of the processor, after which a fault that loops counts as killed; by the clock a busy machine would kill others."""
SENSELESS = re.compile(r"_(RShift|LShift|BitOr|BitAnd|BitXor|Is|IsNot)$")
CONFIG = """[cosmic-ray]
module-path = {modules}
timeout = 1.0
excluded-modules = []
test-command = "true"
[cosmic-ray.distributor]
name = "local"
"""


def main() -> None:
    """Draw, run, report; exit 1 when of a group a smaller share is killed than was asked."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--faults", type=int, default=120, help="how many are drawn of each group")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--least", type=float, default=0.9, help="the share that must be killed in each group")
    asked.add_argument("--groups", default=",".join(GROUPS), help=f"comma list of {', '.join(GROUPS)}")
    options = asked.parse_args()
    names = options.groups.split(",")
    if unknown := sorted(set(names) - set(GROUPS)):
        asked.error(f"--groups {','.join(unknown)}: expected a comma list of {', '.join(GROUPS)}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = _entered(Path(folder))
        counts = {name: _counted(name, copy, options.faults, options.seed) for name in names}
        os.chdir(ROOT)
    sys.path[0] = str(ROOT)
    from mote_bench.metrics.intervals import wilson  # here, as tests must import the mutated one

    print()
    for name, (dead, drawn, known) in counts.items():
        low, high = wilson(dead, drawn)
        print(
            f"{name}: {dead} of {drawn} faults killed: {dead / drawn:.3f}, 95 % interval {low:.3f} to {high:.3f}; "
            f"drawn of {known} with seed {options.seed}"
        )
    sys.exit(any(dead / drawn < options.least for dead, drawn, _ in counts.values()))


def _counted(name: str, copy: Path, faults: int, seed: int) -> tuple[int, int, int]:
    """How many faults of a group are killed, of how many drawn, of how many there are."""
    drawn, known = _drawn(GROUPS[name], copy, faults, seed)
    alive = drawn
    for tests in (_own, _quick, _long):
        _require_passing({tests(_module(one)) for one in alive})
        alive = [one for one in alive if not _noticed(one, tests(_module(one)))]
        print(f"{name}: {len(alive)} alive after {tests.__name__.strip('_')} tests", flush=True)
        for one in alive:
            print(f"  {_named(one.mutations[0])}", flush=True)
    for one in alive:
        print(f"\nalive: {_named(one.mutations[0])}\n{_change(one.mutations[0])}", flush=True)
    return len(drawn) - len(alive), len(drawn), known


def _entered(folder: Path) -> Path:
    """A copy of what is mutated and of its tests; this process enters it, and its forks import from there."""
    for name in ("mote_bench", "attacks", "baselines", "tests", "leaderboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    os.chdir(folder)
    sys.path[0] = str(folder)
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    for name in NEEDED:
        importlib.import_module(name)
    return folder


def _drawn(group: Group, copy: Path, count: int, seed: int) -> tuple[list[WorkItem], int]:
    """Some of the faults of a group, and how many there are."""
    import numpy as np

    (copy / "config.toml").write_text(CONFIG.format(modules=list(group.modules)), encoding="utf-8")
    (copy / "session.sqlite").unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "cosmic_ray.cli", "init", "config.toml", "session.sqlite"], check=True)
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
    return not any(first <= one.start_pos < last for first, last in _annotations(copy / one.module_path))


@cache
def _annotations(module: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        noted = getattr(node, "annotation", None), getattr(node, "returns", None)
        found += [one for one in noted if isinstance(one, ast.expr)]
    return [((one.lineno, one.col_offset), (one.end_lineno or 0, one.end_col_offset or 0)) for one in found]


def _group(module: Path) -> Group:
    """The group that a module is mutated in."""
    return next(
        group for group in GROUPS.values() if any(module.is_relative_to(listed) for listed in map(Path, group.modules))
    )


def _own(module: Path) -> tuple[str, ...]:
    """The tests of this module alone."""
    listed = _group(module).own.get(module.as_posix())
    if listed is not None:
        return listed
    names = (f"tests/truth/test_truth_{module.stem}.py", f"tests/unit/metrics/test_metrics_{module.stem}.py")
    here = tuple(name for name in names if Path(name).exists())
    return here and here + NOT_QUICK


def _quick(module: Path) -> tuple[str, ...]:
    return _group(module).quick


def _long(module: Path) -> tuple[str, ...]:
    return LONG if _group(module) is GROUPS["metrics"] and module.stem in CALIBRATED else ()


def _require_passing(several: set[tuple[str, ...]]) -> None:
    """Without a fault all of them must pass, or every fault would seem to be noticed."""
    for tests in several:
        if not _passing(tests):
            raise RuntimeError(f"{' '.join(tests)} fail without any fault")


def _noticed(one: WorkItem, tests: Sequence[str]) -> bool:
    spec = one.mutations[0]
    with use_mutation(spec.module_path, _operator(spec), spec.occurrence):
        return not _passing(tests)


def _passing(tests: Sequence[str]) -> bool:
    """Whether these tests, none of them too, pass in a fork of this process."""
    if not tests:
        return True
    child = os.fork()
    if child == 0:
        _run_and_exit(tests)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run_and_exit(tests: Sequence[str]) -> None:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        import pytest

        code = int(pytest.main([*OPTIONS, *tests]))
    finally:
        os._exit(code)


def _operator(spec: MutationSpec) -> object:
    return cosmic_ray.plugins.get_operator(spec.operator_name)(**(spec.operator_args or {}))


def _module(one: WorkItem) -> Path:
    return Path(one.mutations[0].module_path)


def _named(one: MutationSpec) -> str:
    return f"{one.module_path}:{one.start_pos[0]} {one.operator_name} {one.operator_args or ''}"


def _change(spec: MutationSpec) -> str:
    with use_mutation(spec.module_path, _operator(spec), spec.occurrence) as (before, after):
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


if __name__ == "__main__":
    main()
